"""The library on disk: whole changes, plain refusals."""

from __future__ import annotations

import numpy as np
import pytest

from audio import Label, Library, LibraryError, enrolment, synth

pytestmark = pytest.mark.unit


def _sample(seed: int, seconds: float = 3.0) -> np.ndarray:
    return synth.to_int16(synth.voice_like(seconds, seed=seed))


def test_replace_and_remove_keep_the_others(tmp_path) -> None:
    for number, label in enumerate((Label.VACANT, Label.POWERED_OFF, Label.UNREACHABLE)):
        enrolment.add(tmp_path, _sample(number), f"a{number}", label)
    enrolment.add(tmp_path, _sample(9), "a1", Label.BUSY, replace=True)
    enrolment.remove(tmp_path, "a0")
    assert [(entry.ann_id, entry.label) for entry in enrolment.listed(tmp_path)] == [
        ("a2", Label.UNREACHABLE),
        ("a1", Label.BUSY),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a1.wav", "a2.wav", "library.csv"]
    assert len(Library.load(tmp_path).entries) == 2


def test_columns_of_others_are_kept(tmp_path) -> None:
    (tmp_path / "library.csv").write_text("ann_id,label,file,carrier\nx,announcement_vacant,x.wav,south\n")
    enrolment.add(tmp_path, _sample(1), "y", Label.POWERED_OFF)
    assert (tmp_path / "library.csv").read_text().splitlines() == [
        "ann_id,label,file,carrier",
        "x,announcement_vacant,x.wav,south",
        "y,powered_off,y.wav,",
    ]


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (_sample(1, 1.0), "too short"),
        (np.zeros(24000, np.int16), "too quiet"),
        (synth.to_int16(synth.noise(3, -70, seed=1)), "too quiet"),
        (np.zeros(8000 * 61, np.int16), "too long"),
    ],
)
def test_refusals_say_what_would_help_and_change_nothing(tmp_path, samples, words) -> None:
    with pytest.raises(LibraryError, match=words):
        enrolment.add(tmp_path / "library", samples, "a", Label.VACANT)
    assert not (tmp_path / "library").exists()


def test_no_library_and_no_entry(tmp_path) -> None:
    with pytest.raises(LibraryError, match=r"library\.csv"):
        enrolment.listed(tmp_path)
    enrolment.add(tmp_path, _sample(1), "a", Label.VACANT)
    with pytest.raises(LibraryError, match="b"):
        enrolment.remove(tmp_path, "b")
    (tmp_path / "library.csv").write_text("id,what\n1,2\n")
    with pytest.raises(LibraryError, match="no column"):
        enrolment.listed(tmp_path)


def test_removing_touches_nothing_outside_the_folder(tmp_path) -> None:
    library, outside = tmp_path / "library", tmp_path / "other.wav"
    library.mkdir()
    outside.write_bytes(b"x")
    (library / "library.csv").write_text("ann_id,label,file\na,vacant,../other.wav\n")
    enrolment.remove(library, "a")
    assert outside.exists()
