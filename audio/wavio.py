"""Audio files in and out: everything the ear is given becomes int16 mono at 8 kHz.

Reads WAV (PCM, float, A-law, mu-law), AU, FLAC, Ogg through soundfile, and headerless A-law (`.al`, `.alaw`, `.raw`)
and mu-law (`.ul`, `.ulaw`). Several channels are averaged, other rates resampled. `blocks` reads a file of any length
second by second; `read` gives it whole.
"""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from audio import g711
from audio.resample import Resampler

RATE_HZ = 8000
MAX_SECONDS = 4 * 3600
SUFFIXES = frozenset({".wav", ".au", ".flac", ".ogg", ".opus", ".al", ".alaw", ".raw", ".ul", ".ulaw"})
"""Names of files that `callbox` looks for in a folder."""
_RATES_HZ = range(4000, 192001)
_READ_S = 8
_RAW: dict[str, Callable[[bytes], NDArray[np.int16]]] = {
    ".al": g711.decode_alaw,
    ".alaw": g711.decode_alaw,
    ".raw": g711.decode_alaw,
    ".ul": g711.decode_ulaw,
    ".ulaw": g711.decode_ulaw,
}
_MOST_NOT_NUMBERS = 0.1
_MOST_BEYOND = 0.01
_PCM_BITS_APART = 1.5


class AudioFileError(Exception):
    """The file is not audio that can be read; the message names the file and what to do."""


def read(path: Path) -> NDArray[np.int16]:
    """Samples [n], int16 mono 8 kHz. Raises AudioFileError."""
    return np.concatenate(list(blocks(path)))


def blocks(path: Path) -> Iterator[NDArray[np.int16]]:
    """The same in pieces of about a second, never more in memory. NaN and infinity become 0.

    Raises AudioFileError, at the first piece for what the file's head tells, at the last one for what only all of it
    tells: no sound in it at all, mostly not numbers, floats far beyond full scale.
    """
    some = False
    try:
        for block in _raw_blocks(path) if path.suffix.lower() in _RAW else _file_blocks(path):
            some = some or block.size > 0
            yield block
    except soundfile.SoundFileError as error:
        raise AudioFileError(f"{path}: not a readable audio file ({error})") from error
    except OSError as error:
        raise AudioFileError(f"{path}: {error.strerror or error}") from error
    if not some:
        raise AudioFileError(f"{path}: no sound in it, not one sample")


def write(path: Path, samples: NDArray[np.int16]) -> None:
    """Write int16 mono 8 kHz samples as a PCM WAV file."""
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16", format="WAV")


def to_int16(data: NDArray[np.floating]) -> NDArray[np.int16]:
    """Floats in [-1, 1] to int16, clipped."""
    return np.clip(np.round(data * 32768.0), -32768, 32767).astype(np.int16)


def _raw_blocks(path: Path) -> Iterator[NDArray[np.int16]]:
    decode = _RAW[path.suffix.lower()]
    with path.open("rb") as source:
        first = True
        while data := source.read(RATE_HZ):
            if first and _looks_like_pcm(data):
                raise AudioFileError(f"{path}: these are 16-bit samples, not G.711; save them as WAV")
            first = False
            yield decode(data)


def _looks_like_pcm(data: bytes) -> bool:
    """Whether every other byte varies far less: the high bytes of 16-bit samples. G.711 has one byte a sample."""
    codes = np.frombuffer(data[: len(data) // 2 * 2], np.uint8).reshape(-1, 2)
    return codes.size > 0 and abs(_entropy_bits(codes[:, 0]) - _entropy_bits(codes[:, 1])) > _PCM_BITS_APART


def _entropy_bits(codes: NDArray[np.uint8]) -> float:
    shares = np.bincount(codes) / codes.size
    shares = shares[shares > 0]
    return float(-np.sum(shares * np.log2(shares)))


def _file_blocks(path: Path) -> Iterator[NDArray[np.int16]]:
    if path.stat().st_size == 0:
        raise AudioFileError(f"{path}: the file is empty")
    _check_header(path)
    with soundfile.SoundFile(path) as source:
        rate = source.samplerate
        if rate not in _RATES_HZ:
            raise AudioFileError(f"{path}: sample rate of {rate} Hz is not believable")
        if source.frames > MAX_SECONDS * rate:
            raise AudioFileError(f"{path}: longer than {MAX_SECONDS // 3600} hours; cut it first")
        resampler = Resampler(rate) if rate != RATE_HZ else None
        total = not_numbers = beyond = 0
        while (data := source.read(_READ_S * rate, dtype="float32", always_2d=True)).size:
            finite = np.isfinite(data)
            total += data.size
            not_numbers += data.size - int(np.count_nonzero(finite))
            known = np.where(finite, data, np.float32(0))
            mono = known.mean(axis=1) if known.shape[1] > 1 else known[:, 0]
            beyond += int(np.count_nonzero(np.abs(mono) > 2)) * data.shape[1]
            yield to_int16(resampler.push(mono) if resampler else mono)
        if resampler:
            yield to_int16(resampler.finish())
        if not_numbers > _MOST_NOT_NUMBERS * total:
            raise AudioFileError(f"{path}: {100 * not_numbers / total:.0f} % of the samples are no numbers")
        if beyond > _MOST_BEYOND * total:
            raise AudioFileError(f"{path}: floats far beyond full scale; scale them to -1...1")


def _check_header(path: Path) -> None:
    """Raise AudioFileError when the numbers in a WAV header contradict each other: its sample rate is then a guess."""
    with path.open("rb") as source:
        head = source.read(64)
    at = head.find(b"fmt ")
    if head[:4] != b"RIFF" or at < 0 or len(head) < at + 24:
        return
    code, channels, rate, bytes_per_s, frame, bits = struct.unpack_from("<HHIIHH", head, at + 8)
    known = code in (1, 3, 6, 7) and channels and bits
    if known and (frame != channels * bits // 8 or bytes_per_s != rate * frame):
        raise AudioFileError(
            f"{path}: the header contradicts itself ({rate} samples/s of {frame} bytes, but {bytes_per_s} bytes/s); "
            "save the file again with its true sample rate"
        )
