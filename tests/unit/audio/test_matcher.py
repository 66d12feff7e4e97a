"""Names from the library: siblings, cut-in, noise and codecs, break-off, loops, speed."""

import numpy as np
import pytest

from audio import Kind, Label, Library, LibraryError, codes, g711, synth
from audio.repeats import Repeats
from tests.unit.audio.hearing import hear, noisy

pytestmark = pytest.mark.unit


def _words(seeds: list[int]) -> np.ndarray:
    """Half a second of made-up voice for each word; the same word always sounds the same."""
    return np.concatenate([synth.voice_like(0.5, seed=s, pitch_hz=100 + 17 * (s * 5 % 9)) for s in seeds]) * 0.5


_OPENING = [501, 502, 503]
_VACANT = [*_OPENING, 504, 505, 506, 507, 508]
_OFF = [*_OPENING, 511, 512, 513, 514, 515]
_STRANGER = [*_OPENING, 521, 522, 523, 524, 525]


@pytest.fixture(scope="module")
def library() -> Library:
    known = Library()
    known.enrol(synth.to_int16(_words(_VACANT)), "vacant", Label.VACANT)
    known.enrol(synth.to_int16(_words(_OFF)), "off", Label.POWERED_OFF)
    return known


def _line(*parts: np.ndarray, noise_dbov: float = -52.0) -> np.ndarray:
    return noisy(np.concatenate([synth.silence(0.4), *parts, synth.silence(0.9)]), noise_dbov)


def test_siblings_with_one_opening_are_told_apart_after_it(library) -> None:
    for words, label in ((_VACANT, Label.VACANT), (_OFF, Label.POWERED_OFF)):
        verdicts, last = hear(_line(_words(words)), library=library)
        assert last.label is label
        named = [v for v in verdicts if v.reason == "library_match"]
        assert all(v.label is label for v in named)
        assert named[0].decided_at_ms <= 400 + 3000


def test_a_sibling_that_nobody_enrolled_is_not_named_in_the_end(library) -> None:
    _, last = hear(_line(_words(_STRANGER), synth.silence(0.8), _words(_STRANGER)), library=library)
    assert last.reason != "library_match"
    assert last.label not in (Label.VACANT, Label.POWERED_OFF)


def test_a_name_is_withdrawn_when_the_likeness_breaks_off() -> None:
    alone = Library()
    alone.enrol(synth.to_int16(_words(_VACANT)), "vacant", Label.VACANT)
    strange = [*_VACANT[:5], 531, 532, 533]
    verdicts, last = hear(_line(_words(strange)), library=alone)
    reasons = [v.reason for v in verdicts]
    assert "library_match" in reasons
    broke = next(v for v in verdicts if v.reason == "library_match_broke")
    assert broke.label is Label.ANNOUNCEMENT_UNKNOWN
    assert broke.kind is Kind.ANNOUNCEMENT
    assert broke.evidence["resembled"] == "vacant"
    assert not any(v.final and v.reason == "library_match" for v in verdicts)
    assert last.label is not Label.VACANT


def test_a_common_ending_names_nothing(library) -> None:
    ending = [541, 542, 543, 544, *_VACANT[-3:]]
    _, last = hear(_line(_words(ending), synth.silence(0.7), _words(ending)), library=library)
    assert last.reason != "library_match"


@pytest.mark.parametrize("cut_s", [0.3, 0.83, 1.4])
def test_cut_in_anywhere(library, cut_s) -> None:
    whole = _words(_OFF)
    heard = np.concatenate([whole[int(cut_s * 8000) :], synth.silence(0.8), whole])
    _, last = hear(noisy(heard, -52.0), library=library)
    assert last.label is Label.POWERED_OFF
    assert last.evidence["ann_id"] == "off"


@pytest.mark.parametrize("loss", [0.0, 0.04])
def test_noise_companding_and_lost_packets(library, loss) -> None:
    heard = synth.to_int16(_line(_words(_VACANT) * 0.3, noise_dbov=-48.0))
    heard = g711.decode_alaw(g711.encode_alaw(heard))
    dice = np.random.Generator(np.random.PCG64(3))
    for start in range(0, heard.size - 160, 160):
        if dice.random() < loss:
            heard[start : start + 160] = 0
    _, last = hear(heard, library=library)
    assert last.label is Label.VACANT


@pytest.mark.parametrize("speed", [0.987, 1.013])
def test_a_tape_that_runs_a_little_fast_or_slow(library, speed) -> None:
    words = _words(_VACANT)
    times = np.arange(0, words.size - 1, speed)
    played = np.interp(times, np.arange(words.size), words)
    _, last = hear(_line(played), library=library)
    assert last.label is Label.VACANT


def test_any_split_gives_the_same_names(library) -> None:
    heard = _line(_words(_OFF))
    first = hear(heard, library=library)
    for blocks in ((160, 80, 240), (1601,), (8000,)):
        assert hear(heard, library=library, blocks=blocks) == first


def test_tones_hiss_and_silence_are_never_named(library) -> None:
    ring = synth.tone([450.0], 1.0, -13.0)
    cases = (
        np.concatenate([ring, synth.silence(4.0), ring, synth.silence(3.0)]),
        synth.noise(6.0, -30.0, seed=1),
        synth.silence(6.0),
    )
    for heard in cases:
        verdicts, last = hear(heard, library=library)
        assert "library_match" not in [v.reason for v in [*verdicts, last]]


def test_a_bad_row_is_named(tmp_path) -> None:
    (tmp_path / "library.csv").write_text("ann_id,label,file\nok,vacant,\n")
    with pytest.raises(LibraryError, match=r"line 2 \(ok\).*empty"):
        Library.load(tmp_path)


def test_codes_do_not_depend_on_level_or_pushes() -> None:
    samples = synth.to_int16(_words(_VACANT))
    whole = codes.codes_of(samples)
    quiet = codes.codes_of(synth.to_int16(_words(_VACANT) * 0.3))
    loud = whole.loud_db > -45
    same = np.bitwise_count(whole.bits[loud] ^ quiet.bits[loud]).mean() / codes.N_SLOPES
    assert same < 0.15
    assert float(np.median(np.abs(whole.slopes[loud] - quiet.slopes[loud]))) < 0.05


def test_repeats_hears_the_same_words_again() -> None:
    words = _words([551, 552, 553, 554])
    again = noisy(np.concatenate([words, synth.silence(0.7), words]), -55.0)
    other = noisy(np.concatenate([words, synth.silence(0.7), _words([561, 562, 563, 564])]), -55.0)
    for heard, lag in ((again, words.size / 8000 + 0.7), (other, None)):
        coded = codes.codes_of(synth.to_int16(heard))
        repeats = Repeats()
        for start in range(0, coded.bits.size - 19, 20):
            repeats.push(coded.bits[start : start + 20], coded.loud_db[start : start + 20] > -50)
        assert repeats.lag_s == (pytest.approx(lag, abs=0.03) if lag else None)
