"""The bench's arithmetic for the ear: intervals, which word counts, times, beeps, calibration."""

from __future__ import annotations

import pytest

from appliance.bench import ear_score
from appliance.bench.ear_report import markdown
from audio import Kind, Label, Verdict
from audio.hearing import Hearing

pytestmark = pytest.mark.unit


def _row(label: str, **more: str) -> dict[str, str]:
    return {"file": "a.wav", "stage": "answered", "label": label, "t_event": "1.0", "beep_start": "", **more}


def _heard(*said: tuple[str, int, bool], confidence: float = 0.9, beep_ms: int | None = None) -> Hearing:
    kind = Kind.SPEECH
    steps = [Verdict(Label(name), kind, "because", confidence, at, {}, final) for name, at, final in said]
    if beep_ms is not None:
        steps.append(Verdict(Label.MACHINE, Kind.TONE, "beep", 0.9, beep_ms, {"beep_end_ms": beep_ms - 100}))
    return Hearing("a.wav", steps, steps[-1])


def test_wilson_interval() -> None:
    assert ear_score.wilson(8, 10) == {"n": 10, "right": 8, "percent": 80.0, "low": 49.02, "high": 94.33}
    assert ear_score.wilson(0, 0)["percent"] is None
    assert ear_score.wilson(50, 50)["high"] == 100.0


def test_a_word_counts_from_when_it_was_not_taken_back() -> None:
    steps = (("ringback", 1000, False), ("music", 2000, False), ("ringback", 3000, False), ("ringback", 4000, True))
    clip = ear_score.judge(_row("ringback"), _heard(*steps))
    assert clip.right
    assert clip.said_at_s == 3.0
    assert [clip.as_of(second) for second in (0.5, 1.0, 2.5, 9.0)] == ["unknown", "ringback", "music", "ringback"]


def test_people_and_machines() -> None:
    clips = [
        ear_score.judge(_row("human"), _heard(("human", 2500, True))),
        ear_score.judge(_row("human"), _heard(("machine", 5000, True))),
        ear_score.judge(_row("machine"), _heard(("unknown", 4000, True))),
        ear_score.judge(_row("machine"), _heard(("screening", 4500, True))),
        ear_score.judge(_row("machine"), None),
    ]
    found = ear_score.figures(clips)
    amd = found["amd"]
    assert amd["people_called_machine"]["right"] == 1
    assert amd["acted"]["people_called_machine"]["right"] == 1
    assert (amd["machines_right"]["right"], amd["machines_unknown"]["right"]) == (1, 2)
    assert amd["person_known_after_onset"] == {"p50_s": 1.5, "p90_s": 1.5}
    assert found["as_of"]["4"]["human_machine"]["right"] == 1
    assert found["labels"]["machine"]["false_alarm_percent"] == 50.0
    assert markdown(found).startswith("5 clips")


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("vacant", "announcement_vacant"),
        ("powered_off", "announcement_off"),
        ("announcement_off", "announcement_off"),
        ("announcement_unknown", "announcement"),
        ("screening", "machine"),
        ("sit_no_circuit", "sit_nocircuit"),
        ("busy", "busy"),
        ("fax_ced", "fax_ced"),
    ],
)
def test_labels_of_the_box_and_of_the_set_are_one(label, name) -> None:
    assert ear_score.truth(label) == name


def test_beeps() -> None:
    with_beep = {"beep_start": "5.0", "beep_end": "5.4"}
    clips = [
        ear_score.judge(_row("machine", **with_beep), _heard(("machine", 3000, True), beep_ms=5500)),
        ear_score.judge(_row("beep", **with_beep), _heard(("machine", 3000, True), beep_ms=4900)),
        ear_score.judge(_row("human"), _heard(("human", 3000, True), beep_ms=9000)),
        ear_score.judge(_row("machine", **with_beep), _heard(("machine", 3000, True), beep_ms=6000)),
    ]
    beep = ear_score.figures(clips)["beep"]
    assert (beep["found"]["right"], beep["found"]["n"]) == (1, 3)
    assert beep["false_or_early"]["right"] == 2
    assert beep["after_end"]["p50_s"] == pytest.approx(0.1)


def test_bands_and_splits() -> None:
    clips = [
        ear_score.judge(_row("human", snr_db=snr, plr=loss, codec="alaw"), _heard(("human", 2000, True)))
        for snr, loss in (("9.9", "0.0"), ("10.0", "0.015"), ("31", "0.2"), ("", ""))
    ]
    split = ear_score.figures(clips)["split"]
    assert list(split["snr_db"]) == ["0 below 10", "1 from 10 to 15", "5 from 30", "none"]
    assert [row["all"]["n"] for row in split["loss_percent"].values()] == [1, 1, 1, 1]


def test_calibration_error_is_the_gap_between_confidence_and_truth() -> None:
    right = [ear_score.judge(_row("human"), _heard(("human", 2000, True), confidence=0.92)) for _ in range(3)]
    wrong = [ear_score.judge(_row("machine"), _heard(("human", 2000, True), confidence=0.92))]
    doubt = [ear_score.judge(_row("human"), _heard(("unknown", 4000, True), confidence=0.0))]
    found = ear_score.calibration([*right, *wrong, *doubt])
    assert found["words"] == 4
    assert found["expected_error_percent"] == pytest.approx(17.0)
    assert found["table"][0]["confidence"] == pytest.approx(0.92)


def test_an_announcement_without_a_name_is_a_true_claim_but_not_the_label() -> None:
    said = Verdict(Label.ANNOUNCEMENT_UNKNOWN, Kind.ANNOUNCEMENT, "speech_in_early_media", 0.9, 3000, {}, True)
    clip = ear_score.judge(_row("announcement_off"), Hearing("a.wav", [said], said))
    music = ear_score.judge(_row("music"), Hearing("a.wav", [said], said))
    assert (clip.right, clip.true, music.true) == (False, True, False)
    assert ear_score.figures([clip])["claims_true"]["right"] == 1
    assert ear_score.calibration([clip, music])["table"][0]["right"] == 1


def test_a_late_word_informs_but_is_not_acted_upon() -> None:
    doubt = Verdict(Label.UNKNOWN, Kind.SPEECH, "deadline", 0.0, 4000, {}, True)
    late = Verdict(Label.MACHINE, Kind.SPEECH, "late_talks_on", 0.9, 6000)
    clip = ear_score.judge(_row("machine"), Hearing("a.wav", [doubt, late], doubt))
    assert (clip.said, clip.acted, clip.said_at_s) == ("machine", "unknown", 6.0)
    assert ear_score.figures([clip])["amd"]["acted"]["machines_unknown"]["right"] == 1
