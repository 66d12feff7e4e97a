"""Call-progress tones of every country, information tones, and the plans they come from."""

import numpy as np
import pytest

from audio import Kind, Label, TonePlanError, plans, synth
from audio.tones import SIT_SEQUENCES, parse_plan, parse_tone, plan
from tests.unit.audio.hearing import hear, noisy

pytestmark = pytest.mark.unit

_TONES = [(country, tone) for country, p in plans().items() for tone in p.tones]
_NAMES = [f"{country}-{tone.label}-{i}" for i, (country, tone) in enumerate(_TONES)]


@pytest.mark.parametrize(("country", "tone"), _TONES, ids=_NAMES)
@pytest.mark.parametrize(("level_dbov", "noise_dbov"), [(-12.0, -70.0), (-25.0, -40.0)])
def test_every_tone_of_every_country(country, tone, level_dbov, noise_dbov) -> None:
    lead = synth.silence(0.4)
    audio = np.concatenate([lead, synth.cadence(tone, 4.0 if tone.endless else 2 * tone.period_s + 1.0, level_dbov)])
    _, last = hear(noisy(audio, noise_dbov), country=country)
    assert last.label is tone.label
    assert last.kind is Kind.TONE


@pytest.mark.parametrize("label", [Label.RINGBACK, Label.BUSY, Label.CONGESTION])
@pytest.mark.parametrize(("hz_scale", "time_scale"), [(0.985, 0.9), (1.015, 1.1)])
def test_detuned_and_off_beat(label, hz_scale, time_scale) -> None:
    tone = plans()["cn"].tone(label)
    audio = synth.cadence(tone, 8.0, hz_scale=hz_scale, time_scale=time_scale)
    _, last = hear(noisy(audio, -45.0))
    assert last.label is label


def test_busy_is_final_within_two_periods() -> None:
    verdicts, _ = hear(np.concatenate([synth.silence(0.5), synth.call_progress("cn", Label.BUSY, 4.0)]))
    final = [v for v in verdicts if v.final]
    assert len(final) == 1
    assert final[0].decided_at_ms <= 500 + 2 * 700 + 300


def _torn(ring: np.ndarray, holes_s: list[tuple[float, float]]) -> np.ndarray:
    torn = ring.copy()
    for start_s, length_s in holes_s:
        torn[round(start_s * 8000) : round((start_s + length_s) * 8000)] = 0
    return torn


@pytest.mark.parametrize("country", ["cn", "ru"])
@pytest.mark.parametrize("lead_s", [0.0, 0.5])
@pytest.mark.parametrize("first_s", [0.2, 0.25, 0.3, 0.35])
@pytest.mark.parametrize("hole_s", [0.3, 0.35, 0.4])
def test_a_ring_with_holes_is_not_busy(country, lead_s, first_s, hole_s) -> None:
    ring = _torn(synth.call_progress(country, Label.RINGBACK, 5.0), [(first_s, hole_s)])
    whole = synth.call_progress(country, Label.RINGBACK, 6.0)
    verdicts, last = hear(noisy(np.concatenate([synth.silence(lead_s), ring, whole]), -60.0), country=country)
    assert not {v.label for v in verdicts} & {Label.BUSY, Label.CONGESTION}
    assert last.label is Label.RINGBACK


def test_frames_that_come_late_make_no_busy() -> None:
    """Ring-back whose frames are held up: the clock runs on in silence, the tone comes in pieces."""
    ring = synth.call_progress("cn", Label.RINGBACK, 20.0)
    for seed in range(8):
        random = np.random.default_rng(seed)
        holes_s = [(float(at), float(random.uniform(0.1, 0.5))) for at in np.cumsum(random.uniform(0.3, 1.5, 18))]
        verdicts, last = hear(noisy(_torn(ring, holes_s), -60.0))
        assert all(v.label not in (Label.BUSY, Label.CONGESTION) for v in [*verdicts, last]), seed


@pytest.mark.parametrize("label", [Label.BUSY, Label.CONGESTION])
def test_another_pitch_than_the_rings_needs_two_tones_only(label) -> None:
    tone = plans()["us"].tone(label)
    verdicts, _ = hear(np.concatenate([synth.silence(0.5), synth.cadence(tone, 4.0)]), country="US")
    final = next(v for v in verdicts if v.final)
    assert final.label is label
    assert final.evidence["tones_heard"] == 2


def test_ringback_is_a_step_not_an_end_and_gives_way_to_busy() -> None:
    ring = synth.call_progress("ru", Label.RINGBACK, 6.0)
    verdicts, last = hear(
        np.concatenate([ring, synth.silence(1.0), synth.call_progress("ru", Label.BUSY, 4.0)]), country="RU"
    )
    assert [v.label for v in verdicts] == [Label.RINGBACK, Label.BUSY]
    assert [v.final for v in verdicts] == [False, True]
    assert last.label is Label.BUSY


@pytest.mark.parametrize("label", list(SIT_SEQUENCES))
@pytest.mark.parametrize("hz_scale", [0.988, 1.0, 1.012])
def test_information_tones_by_type(label, hz_scale) -> None:
    audio = np.concatenate([synth.silence(0.3), synth.sit(label, gap_s=0.015, hz_scale=hz_scale), synth.silence(1.0)])
    end_ms = 300 + round(sum(s for _, s in SIT_SEQUENCES[label]) * 1000) + 30
    verdicts, last = hear(noisy(audio, -42.0), country="US")
    assert (last.label, last.kind) == (label, Kind.SIT)
    assert next(v for v in verdicts if v.final).decided_at_ms <= end_ms + 250


@pytest.mark.parametrize("country", ["gb", "hk"])
def test_a_tone_without_end_is_a_number_that_is_none(country) -> None:
    tone = plans()[country].tone(Label.VACANT)
    verdicts, last = hear(noisy(np.concatenate([synth.silence(0.4), synth.cadence(tone, 6.0)]), -45.0), country=country)
    assert (last.label, last.kind) == (Label.VACANT, Kind.TONE)
    assert [v.reason for v in verdicts if v.final] == ["unobtainable_tone"]


_OTHERS = [(country, tone) for country, p in plans().items() for tone in p.others]


@pytest.mark.parametrize(
    ("country", "tone"), _OTHERS[::4], ids=[f"{c}-{t.name}-{i}" for i, (c, t) in enumerate(_OTHERS)][::4]
)
def test_dial_and_call_waiting_tones_end_no_call(country, tone) -> None:
    audio = np.concatenate([synth.silence(0.4), synth.cadence(tone, 6.0)])
    verdicts, last = hear(noisy(audio, -45.0), country=country)
    taken = {v.label for v in [*verdicts, last]}
    assert not taken & {Label.RINGBACK, Label.BUSY, Label.CONGESTION, Label.VACANT}


def test_a_tone_that_two_plans_name_differently_says_so() -> None:
    audio = np.concatenate([synth.silence(0.4), synth.call_progress("id", Label.CONGESTION, 4.0)])
    verdicts, last = hear(noisy(audio, -50.0), country=None)
    assert last.label is Label.CONGESTION
    assert next(v for v in verdicts if v.final).evidence["sounds_like"] == "busy"


def test_what_a_country_does_not_tell_apart_is_in_the_evidence() -> None:
    verdicts, last = hear(noisy(synth.call_progress("my", Label.BUSY, 5.0), -50.0), country="MY")
    assert last.label is Label.BUSY
    assert next(v for v in verdicts if v.final).evidence["sounds_like"] == "congestion"


@pytest.mark.parametrize("label", [Label.RINGBACK, Label.BUSY, Label.CONGESTION])
def test_noise_in_the_gaps_and_lost_packets(label) -> None:
    audio = synth.call_progress("ru", label, 11.0, -20.0)
    random = np.random.default_rng(5)
    for at in random.integers(0, audio.size // 160, size=20):
        audio[160 * at : 160 * at + 160] = 0
    _, last = hear(noisy(audio, -30.0), country="RU")
    assert last.label is label


@pytest.mark.parametrize("country", ["in", "pl", "th"])
@pytest.mark.parametrize("delay_s", [0.15, 0.25])
def test_the_echo_of_a_tone_is_no_tone(country, delay_s) -> None:
    """The line says it again, later and 18 dB fainter: the rhythm is still the tone's."""
    audio = np.concatenate([synth.silence(0.4), synth.call_progress(country, Label.BUSY, 6.0, -12.0)])
    delay = round(delay_s * 8000)
    echo = np.concatenate([np.zeros(delay), audio[:-delay]]) * 10 ** (-18 / 20)
    _, last = hear(noisy(audio + echo, -50.0), country=None)
    assert last.label is Label.BUSY


@pytest.mark.parametrize("seed", range(3))
def test_two_even_tones_in_loud_noise(seed) -> None:
    audio = np.concatenate([synth.silence(0.4), synth.call_progress("ph", Label.BUSY, 6.0, -20.0)])
    _, last = hear(noisy(audio, -25.0, seed=seed), country=None)
    assert last.label is Label.BUSY


@pytest.mark.parametrize("seed", range(6))
def test_talk_is_not_a_tone(seed) -> None:
    talk = synth.voice_like(6.0, seed=seed, pitch_hz=100 + 25 * seed)
    verdicts, last = hear(noisy(talk, -50.0), country=None)
    assert all(v.kind not in (Kind.TONE, Kind.SIT) for v in [*verdicts, last])


def test_plans_are_complete_and_sourced() -> None:
    for country in [
        "cn",
        "ru",
        "us",
        "uk",
        "de",
        "fr",
        "it",
        "es",
        "in",
        "tr",
        "kz",
        "uz",
        "by",
        "ua",
        "br",
        "mx",
        "za",
        "jp",
        "kr",
    ]:
        found = plan(country.upper())
        assert found is not None
        assert found.source
    assert plan("xx") is None


@pytest.mark.parametrize(
    "text", ["", "450,0/350", "450/350", "450/0", "0/350,450/350", "450/350,450/350", "450/x", "9000/350,0/350"]
)
def test_a_bad_tone_is_refused(text) -> None:
    with pytest.raises(TonePlanError):
        parse_tone("zz", Label.BUSY, text)


def test_a_bad_plan_is_refused() -> None:
    good = {
        "name": "Z", "source": "s", "law": "alaw",
        "ringback": ["425/1000,0/4000"], "busy": ["425/500,0/500"], "collides": ["congestion = busy"],
    }  # fmt: skip
    assert parse_plan("zz", good).tone(Label.BUSY).period_s == 1.0
    bad = (
        {**good, "law": "ylaw"},
        {**good, "extra": 1},
        {**good, "source": " "},
        {**good, "source": "none found"},
        {**good, "collides": []},
        {**good, "collides": ["congestion = special"]},
        {**good, "collides": ["busy = ringback", "congestion = ringback"]},
        {**good, "unsourced": ["busy"]},
        {k: v for k, v in good.items() if k != "busy"},
    )
    for entry in bad:
        with pytest.raises(TonePlanError, match="zz"):
            parse_plan("zz", entry)
