"""Audio files in and out: everything the ear is given becomes int16 mono at 8 kHz.

Reads WAV (PCM, float, A-law, mu-law), AU, FLAC, Ogg through soundfile, and headerless A-law (`.al`, `.alaw`)
and mu-law (`.ul`, `.ulaw`). Several channels are averaged, other rates resampled.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from audio import g711

RATE_HZ = 8000
MAX_SECONDS = 4 * 3600
_RATES_HZ = range(4000, 384001)
_RAW = {
    ".al": g711.decode_alaw,
    ".alaw": g711.decode_alaw,
    ".ul": g711.decode_ulaw,
    ".ulaw": g711.decode_ulaw,
}


class AudioFileError(Exception):
    """The file is not audio that can be read; the message names the file and what to do."""


def read(path: Path) -> NDArray[np.int16]:
    """Samples [n], int16 mono 8 kHz. NaN and infinity become 0. Raises AudioFileError."""
    try:
        if path.suffix.lower() in _RAW:
            return _RAW[path.suffix.lower()](path.read_bytes())
        if path.stat().st_size == 0:
            raise AudioFileError(f"{path}: the file is empty")
        with soundfile.SoundFile(path) as source:
            if source.samplerate not in _RATES_HZ:
                raise AudioFileError(f"{path}: sample rate of {source.samplerate} Hz is not believable")
            if source.frames > MAX_SECONDS * source.samplerate:
                raise AudioFileError(f"{path}: longer than {MAX_SECONDS // 3600} hours; cut it first")
            data = source.read(dtype="float32", always_2d=True).mean(axis=1)
            rate = source.samplerate
    except soundfile.SoundFileError as error:
        raise AudioFileError(f"{path}: not a readable audio file ({error})") from error
    except OSError as error:
        raise AudioFileError(f"{path}: {error.strerror or error}") from error
    data = np.nan_to_num(data, nan=0.0, posinf=0.0, neginf=0.0)
    return to_int16(resample(data, rate))


def write(path: Path, samples: NDArray[np.int16]) -> None:
    """Write int16 mono 8 kHz samples as a PCM WAV file."""
    soundfile.write(path, samples, RATE_HZ, subtype="PCM_16", format="WAV")


def to_int16(data: NDArray[np.floating]) -> NDArray[np.int16]:
    """Floats in [-1, 1] to int16, clipped."""
    return np.clip(np.round(data * 32768.0), -32768, 32767).astype(np.int16)


def resample(data: NDArray[np.floating], rate_hz: int) -> NDArray[np.floating]:
    """Band-limited resampling [n] from `rate_hz` to 8 kHz by cutting the spectrum of 30 s pieces.

    Pieces overlap by a second that is thrown away, so their ends leave no trace.
    """
    if rate_hz == RATE_HZ or data.size == 0:
        return data
    pieces = list(_pieces(data, rate_hz))
    return np.concatenate(pieces)


def _pieces(data: NDArray[np.floating], rate_hz: int) -> Iterator[NDArray[np.floating]]:
    margin, body = rate_hz, 30 * rate_hz
    for start in range(0, data.size, body):
        lead = min(start, margin)
        piece = data[start - lead : start + body + margin]
        whole_s = -(-piece.size // rate_hz)
        padded = np.pad(piece, (0, whole_s * rate_hz - piece.size))
        spectrum = np.fft.rfft(padded)
        bins = whole_s * RATE_HZ // 2 + 1
        spectrum = spectrum[:bins] if bins < spectrum.size else np.pad(spectrum, (0, bins - spectrum.size))
        resampled = np.fft.irfft(spectrum, whole_s * RATE_HZ) * (RATE_HZ / rate_hz)
        first = lead * RATE_HZ // rate_hz
        wanted = round(min(body, data.size - start) * RATE_HZ / rate_hz)
        yield resampled[first : first + wanted]
