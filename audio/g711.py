"""G.711 A-law and mu-law by table (ITU-T G.711; 13- and 14-bit values scaled to int16)."""

import numpy as np
from numpy.typing import NDArray


def _alaw_table() -> NDArray[np.int16]:
    codes = np.arange(256) ^ 0x55
    exponent, mantissa = (codes >> 4) & 7, codes & 15
    magnitude = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(codes & 0x80, magnitude, -magnitude).astype(np.int16)


def _ulaw_table() -> NDArray[np.int16]:
    codes = ~np.arange(256) & 0xFF
    exponent, mantissa = (codes >> 4) & 7, codes & 15
    magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)


def _encoder(decoded: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Nearest code for every int16 value, indexed by value + 32768."""
    order = np.argsort(decoded, kind="stable")
    values = decoded[order].astype(np.int32)
    middles = (values[1:] + values[:-1]) / 2
    every = np.arange(-32768, 32768)
    return order[np.searchsorted(middles, every)].astype(np.uint8)


_ALAW, _ULAW = _alaw_table(), _ulaw_table()
_TO_ALAW, _TO_ULAW = _encoder(_ALAW), _encoder(_ULAW)


def decode_alaw(codes: bytes | NDArray[np.uint8]) -> NDArray[np.int16]:
    """A-law codes [n] to int16 samples [n]."""
    return _ALAW[np.frombuffer(codes, np.uint8) if isinstance(codes, bytes) else codes]


def decode_ulaw(codes: bytes | NDArray[np.uint8]) -> NDArray[np.int16]:
    """mu-law codes [n] to int16 samples [n]."""
    return _ULAW[np.frombuffer(codes, np.uint8) if isinstance(codes, bytes) else codes]


def encode_alaw(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """int16 samples [n] to A-law codes [n] (nearest level)."""
    return _TO_ALAW[samples.astype(np.int32) + 32768]


def encode_ulaw(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """int16 samples [n] to mu-law codes [n] (nearest level)."""
    return _TO_ULAW[samples.astype(np.int32) + 32768]
