"""The fingerprint library: enrol, name, refuse."""

import numpy as np
import pytest

from audio import (
    Kind,
    Label,
    Library,
    LibraryError,
    ListenerConfig,
    announcement_label,
    enrolment,
    model,
    score_label,
    synth,
)
from tests.unit.audio.hearing import hear, noisy

pytestmark = pytest.mark.unit


def _announcement(seed: int) -> np.ndarray:
    parts = [synth.voice_like(0.5, seed=100 * seed + i, pitch_hz=100 + 17 * ((seed * 7 + i * 5) % 9)) for i in range(8)]
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def library() -> Library:
    known = Library()
    for seed, label in enumerate([Label.VACANT, Label.POWERED_OFF, Label.UNREACHABLE, Label.VACANT]):
        known.enrol(synth.to_int16(_announcement(seed)), f"a{seed}", label)
    return known


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lead_s", [0.2, 0.5137])
def test_an_enrolled_announcement_is_named(library, seed, lead_s) -> None:
    heard = np.concatenate([synth.silence(lead_s), _announcement(seed) * 0.5, synth.silence(1.0)])
    verdicts, last = hear(noisy(heard, -48.0), library=library)
    assert last.label is library.entries[seed].label
    assert last.kind is Kind.ANNOUNCEMENT
    assert next(v for v in verdicts if v.final).evidence["ann_id"] == f"a{seed}"


def test_another_announcement_is_not(library) -> None:
    heard = np.concatenate([synth.silence(0.3), _announcement(9), synth.silence(0.5)])
    _, last = hear(noisy(heard, -48.0), library=library)
    assert last.reason != "library_match"


def test_unknown_is_not_the_last_word_before_the_library_had_its_chance(library, monkeypatch) -> None:
    all_speech = np.array([1.0, 0.0, 0.0])
    monkeypatch.setattr(model.Model, "probabilities", lambda _self, vectors: np.tile(all_speech, (len(vectors), 1)))
    hasty = ListenerConfig(announcement_final_s=0.1)
    known, strange = (
        noisy(np.concatenate([synth.silence(0.3), _announcement(seed), synth.silence(0.5)]), -48.0) for seed in (0, 9)
    )
    for heard in (known, strange):
        alone = next(v for v in hear(heard, config=hasty)[0] if v.final)
        assert alone.label is Label.ANNOUNCEMENT_UNKNOWN
        assert alone.decided_at_ms < 300 + round(hasty.library_chance_s * 1000)
    assert next(v for v in hear(known, config=hasty, library=library)[0] if v.final).reason == "library_match"
    late = next(v for v in hear(strange, config=hasty, library=library)[0] if v.final)
    assert late.label is Label.ANNOUNCEMENT_UNKNOWN
    assert late.decided_at_ms >= 300 + round(hasty.library_chance_s * 1000)


def test_folder_round_trip(tmp_path) -> None:
    samples = synth.to_int16(_announcement(5))
    enrolment.add(tmp_path / "lib", samples, "cmcc-vacant", Label.VACANT)
    enrolment.add(tmp_path / "lib", synth.to_int16(_announcement(6)), "cmcc-off", Label.POWERED_OFF)
    loaded = Library.load(tmp_path / "lib")
    assert [(e.ann_id, e.label) for e in loaded.entries] == [
        ("cmcc-vacant", Label.VACANT),
        ("cmcc-off", Label.POWERED_OFF),
    ]
    with pytest.raises(LibraryError, match="already"):
        enrolment.add(tmp_path / "lib", samples, "cmcc-vacant", Label.VACANT)


@pytest.mark.parametrize("ann_id", ["", "../x", "a/b", ".hidden"])
def test_ids_are_plain_names(tmp_path, ann_id) -> None:
    with pytest.raises(LibraryError):
        enrolment.add(tmp_path, synth.to_int16(_announcement(5)), ann_id, Label.VACANT)


def test_refuses_what_it_cannot_know_again() -> None:
    known = Library()
    with pytest.raises(LibraryError, match="1 s"):
        known.enrol(np.zeros(4000, np.int16), "short", Label.VACANT)
    with pytest.raises(LibraryError, match="too little"):
        known.enrol(np.zeros(40000, np.int16), "silent", Label.VACANT)


def test_broken_folders(tmp_path) -> None:
    with pytest.raises(LibraryError):
        Library.load(tmp_path)
    (tmp_path / "library.csv").write_text("ann_id,label,file\nx,nonsense,x.wav\n")
    with pytest.raises(LibraryError, match="bad row"):
        Library.load(tmp_path)
    (tmp_path / "library.csv").write_text("ann_id,label,file\nx,vacant,x.wav\n")
    with pytest.raises(LibraryError, match=r"line 2 \(x\)"):
        Library.load(tmp_path)
    (tmp_path / "x.wav").write_bytes(b"RIFF")
    with pytest.raises(LibraryError, match=r"line 2 \(x\)"):
        Library.load(tmp_path)


def test_names_of_the_scorer() -> None:
    assert announcement_label("announcement_off") is Label.POWERED_OFF
    assert announcement_label("announcement_suspended") is Label.OUT_OF_SERVICE
    assert announcement_label("vacant") is Label.VACANT
    assert score_label(Label.BUSY, Kind.ANNOUNCEMENT) == "announcement_busy"
    assert score_label(Label.BUSY, Kind.TONE) == "busy"
    assert score_label(Label.SIT_NO_CIRCUIT, Kind.SIT) == "sit_nocircuit"
    assert score_label(Label.FAX, Kind.FAX_CED) == "fax_ced"
    assert score_label(Label.SCREENING, Kind.SPEECH) == "machine"
    with pytest.raises(ValueError, match="human"):
        announcement_label("human")
