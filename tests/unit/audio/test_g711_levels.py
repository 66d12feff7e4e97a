"""G.711 tables and levels."""

import numpy as np
import pytest

from audio import g711, levels, synth

pytestmark = pytest.mark.unit

_LAWS = [(g711.encode_alaw, g711.decode_alaw), (g711.encode_ulaw, g711.decode_ulaw)]


@pytest.mark.parametrize(("encode", "decode"), _LAWS)
def test_every_code_survives_a_round_trip(encode, decode) -> None:
    codes = np.arange(256, dtype=np.uint8)
    values = decode(codes)
    assert np.array_equal(decode(encode(values)), values)


@pytest.mark.parametrize(("encode", "decode"), _LAWS)
def test_error_stays_below_half_a_step(encode, decode) -> None:
    values = np.arange(-32000, 32001, dtype=np.int16)
    error = np.abs(decode(encode(values)).astype(int) - values)
    assert np.all(error <= np.maximum(16, np.abs(values.astype(int)) / 24))


def test_known_codes() -> None:
    assert g711.decode_alaw(b"\xd5\x55").tolist() == [8, -8]
    assert g711.decode_ulaw(b"\xff\x00\x80").tolist() == [0, -32124, 32124]


def test_levels_agree_with_the_synthesiser() -> None:
    tone = synth.to_int16(synth.tone([1000.0], 1.0, -20.0))
    assert levels.level_dbov(tone) == pytest.approx(-20.0, abs=0.1)
    full = np.full(800, 32767, np.int16)
    assert levels.level_dbov(full) == pytest.approx(0.0, abs=0.01)
    assert levels.level_dbov(np.zeros(0, np.int16)) == levels.SILENCE_DBOV
