"""The listener's contract: blocks do not matter, nothing makes it raise, one final word a phase."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio import Kind, Label, Listener, ListenerConfig, synth
from tests.unit.audio.hearing import hear, noisy

pytestmark = pytest.mark.unit

_GREETING = np.concatenate(
    [synth.silence(0.5), synth.voice_like(3.0, seed=1), synth.silence(0.4), synth.beep(1000, 0.4), synth.silence(1.0)]
)
_PIECES = {
    "busy": (synth.to_int16(noisy(synth.call_progress("cn", Label.BUSY, 3.0), -50)), "early"),
    "ring": (synth.to_int16(noisy(synth.call_progress("us", Label.RINGBACK, 7.0), -50)), "early"),
    "sit": (synth.to_int16(noisy(np.concatenate([synth.sit(Label.SIT_VACANT), synth.silence(1)]), -50)), "early"),
    "greeting": (synth.to_int16(noisy(_GREETING, -50)), "answered"),
    "hello": (
        synth.to_int16(noisy(np.concatenate([synth.silence(1), synth.voice_like(0.5, seed=2), synth.silence(3)]), -50)),
        "answered",
    ),
}
_WHOLE = {
    name: hear(audio, country="US", phase=phase, blocks=(audio.size,)) for name, (audio, phase) in _PIECES.items()
}


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(_PIECES)), st.lists(st.integers(1, 3000), min_size=1, max_size=8))
def test_any_split_into_blocks_gives_the_same(name, blocks) -> None:
    audio, phase = _PIECES[name]
    assert hear(audio, country="US", phase=phase, blocks=blocks) == _WHOLE[name]


@pytest.mark.parametrize("name", sorted(_PIECES))
def test_at_most_one_final_word(name) -> None:
    verdicts, last = _WHOLE[name]
    assert sum(v.final for v in verdicts) <= 1
    assert last.final


@pytest.mark.parametrize("phase", ["early", "answered"])
@pytest.mark.parametrize(
    "audio",
    [
        np.zeros(0, np.int16),
        np.zeros(16000, np.int16),
        np.full(16000, 32767, np.int16),
        np.tile(np.array([32767, -32768], np.int16), 8000),
        np.full(40000, -3000, np.int16),
        np.random.default_rng(1).integers(-32768, 32767, 40000).astype(np.int16),
    ],
    ids=["empty", "zeros", "stuck", "nyquist", "offset", "loud noise"],
)
def test_nothing_makes_it_raise_or_sure_of_a_person(audio, phase) -> None:
    _, last = hear(audio, phase=phase)
    assert last.final
    assert last.label in (Label.SILENCE, Label.UNKNOWN)


def test_digital_silence_is_silence_in_both_phases() -> None:
    for phase in ("early", "answered"):
        verdicts, last = hear(np.zeros(8 * 8000, np.int16), phase=phase)
        assert (last.label, last.kind) == (Label.SILENCE, Kind.SILENCE)
        assert verdicts[0].decided_at_ms == round(ListenerConfig().silence_s * 1000)


def test_answer_restarts_clock_and_phase() -> None:
    listener = Listener(country="CN")
    assert [v.label for v in listener.push(synth.to_int16(synth.call_progress("cn", Label.RINGBACK, 2.033)))] == [
        Label.RINGBACK
    ]
    assert listener.phase == "early"
    listener.answer()
    assert listener.phase == "answered"
    after = [v for v in listener.push(synth.to_int16(np.concatenate([synth.silence(0.5), synth.fax_ced()]))) if v.final]
    assert [v.label for v in after] == [Label.FAX]
    assert after[0].decided_at_ms <= 1300


def test_doubt_at_the_deadline_is_unknown_never_later() -> None:
    murmur = np.concatenate([synth.voice_like(0.35, seed=s, level_dbov=-30) for s in range(30)])
    verdicts, last = hear(noisy(murmur, -33.0), phase="answered")
    assert last.decided_at_ms <= round(ListenerConfig().deadline_latest_s * 1000)
    assert sum(v.final for v in verdicts) == 1
