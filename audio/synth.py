"""Deterministic tone synthesiser: what exchanges, faxes and voicemails sound like, from the same data as the ear.

Everything returns float64 samples [n] in int16 units at 8 kHz; `to_int16` ends a chain. Levels are dBov RMS of the
sounding part. The same arguments always give the same samples; noise takes a seed.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from audio import levels
from audio.labels import Label
from audio.tones import SIT_SEQUENCES, Element, Tone, plan

RATE_HZ = 8000
Samples = NDArray[np.float64]
_RAMP_S = 0.003
_AM_DEPTH = 0.85
_DTMF_ROWS_HZ = (697.0, 770.0, 852.0, 941.0)
_DTMF_COLUMNS_HZ = (1209.0, 1336.0, 1477.0, 1633.0)
_DTMF_KEYS = "123A456B789C*0#D"
_V21_MARK_HZ, _V21_SPACE_HZ, _V21_BAUD = 1650.0, 1850.0, 300


def to_int16(samples: Samples) -> NDArray[np.int16]:
    """Round and clip to int16."""
    return np.clip(np.round(samples), -32768, 32767).astype(np.int16)


def silence(duration_s: float) -> Samples:
    """Digital silence."""
    return np.zeros(round(duration_s * RATE_HZ))


def noise(duration_s: float, level_dbov: float, *, seed: int) -> Samples:
    """White Gaussian noise."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.standard_normal(round(duration_s * RATE_HZ)) * levels.rms_from_dbov(level_dbov)


def tone(hz: Sequence[float], duration_s: float, level_dbov: float = -16.0) -> Samples:
    """Sum of equally strong sines with soft edges."""
    time = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    peak = levels.sine_peak_from_dbov(level_dbov) / float(np.sqrt(len(hz)))
    return _edges(peak * sum((np.sin(2 * np.pi * f * time) for f in hz), np.zeros(time.size)))


def _edges(samples: Samples) -> Samples:
    n = min(round(_RAMP_S * RATE_HZ), samples.size // 2)
    ramp = np.sin(np.linspace(0, np.pi / 2, n)) ** 2
    shaped = samples.copy()
    shaped[:n] *= ramp
    shaped[samples.size - n :] *= ramp[::-1]
    return shaped


def _element(element: Element, level_dbov: float, hz_scale: float, time_scale: float) -> Samples:
    duration_s = element.duration_s * time_scale
    if element.first_hz == 0:
        return silence(duration_s)
    if element.modulated:
        time = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
        carrier = tone([element.first_hz * hz_scale], duration_s, level_dbov)
        shape = 1 + _AM_DEPTH * np.sin(2 * np.pi * element.second_hz * time)
        modulated: Samples = carrier * shape / np.sqrt(1 + _AM_DEPTH**2 / 2)
        return modulated
    hz = [f * hz_scale for f in (element.first_hz, element.second_hz) if f]
    return tone(hz, duration_s, level_dbov)


def cadence(
    pattern: Tone, duration_s: float, level_dbov: float = -16.0, *, hz_scale: float = 1.0, time_scale: float = 1.0
) -> Samples:
    """A call-progress tone repeated and cut to `duration_s`; scales bend frequency and timing for tests."""
    wanted = round(duration_s * RATE_HZ)
    if pattern.endless:
        return _element(replace(pattern.elements[0], duration_s=duration_s), level_dbov, hz_scale, 1.0)[:wanted]
    period = np.concatenate([_element(e, level_dbov, hz_scale, time_scale) for e in pattern.elements])
    return np.tile(period, -(-wanted // period.size))[:wanted]


def call_progress(country: str, label: Label, duration_s: float, level_dbov: float = -16.0) -> Samples:
    """Ring-back, busy or congestion of a country. Raises TonePlanError (unknown tone), KeyError (unknown country)."""
    found = plan(country)
    if found is None:
        raise KeyError(country)
    return cadence(found.tone(label), duration_s, level_dbov)


def sit(label: Label, level_dbov: float = -16.0, *, gap_s: float = 0.0, hz_scale: float = 1.0) -> Samples:
    """A special information tone sequence. Raises KeyError for a label that is not one."""
    parts: list[Samples] = []
    for hz, duration_s in SIT_SEQUENCES[label]:
        parts += [tone([hz * hz_scale], duration_s, level_dbov), silence(gap_s)]
    return np.concatenate(parts[:-1])


def beep(hz: float, duration_s: float, level_dbov: float = -18.0) -> Samples:
    """A voicemail record tone."""
    return tone([hz], duration_s, level_dbov)


def fax_ced(duration_s: float = 3.0, level_dbov: float = -14.0) -> Samples:
    """Called-station tone, 2100 Hz (ITU-T T.30)."""
    return tone([2100.0], duration_s, level_dbov)


def fax_cng(bursts: int = 2, level_dbov: float = -14.0) -> Samples:
    """Calling tone, 1100 Hz for 0.5 s every 3.5 s (ITU-T T.30)."""
    return np.tile(np.concatenate([tone([1100.0], 0.5, level_dbov), silence(3.0)]), bursts)


def fax_preamble(duration_s: float = 1.0, level_dbov: float = -14.0) -> Samples:
    """V.21 channel 2 flags (01111110 at 300 bit/s; mark 1650 Hz, space 1850 Hz), as before a DIS frame (T.30)."""
    flag = (0, 1, 1, 1, 1, 1, 1, 0)
    index = (np.arange(round(duration_s * RATE_HZ)) * _V21_BAUD // RATE_HZ) % len(flag)
    hz = np.where(np.array(flag)[index] == 1, _V21_MARK_HZ, _V21_SPACE_HZ)
    return levels.sine_peak_from_dbov(level_dbov) * np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)


def modem_answer(
    duration_s: float = 3.0, level_dbov: float = -14.0, *, modulated: bool = True, reversals: bool = True
) -> Samples:
    """ANS or ANSam: 2100 Hz, 15 Hz modulation of 20 %, phase reversal each 450 ms (ITU-T V.25, V.8)."""
    time = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    sign = 1 - 2 * ((time // 0.45) % 2) if reversals else np.ones(time.size)
    shape = 1 + 0.2 * np.sin(2 * np.pi * 15 * time) if modulated else np.ones(time.size)
    return levels.sine_peak_from_dbov(level_dbov) * sign * shape * np.sin(2 * np.pi * 2100 * time)


def phase_modulated(
    duration_s: float, level_dbov: float = -14.0, *, carrier_hz: float = 2400.0, baud: int = 600, seed: int
) -> Samples:
    """Scrambled differential phase modulation with four phases, as a V.22bis modem answers with (ITU-T V.22bis)."""
    generator = np.random.Generator(np.random.PCG64(seed))
    size = round(duration_s * RATE_HZ)
    symbols = np.exp(0.5j * np.pi * np.cumsum(generator.integers(4, size=size * baud // RATE_HZ + 2)))
    held = symbols[np.arange(size) * baud // RATE_HZ]
    smooth = np.convolve(held, np.hanning(2 * RATE_HZ // baud), "same")
    wave = np.real(smooth * np.exp(2j * np.pi * carrier_hz * np.arange(size) / RATE_HZ))
    out: Samples = wave * levels.rms_from_dbov(level_dbov) / np.sqrt(np.mean(wave**2))
    return out


def dtmf(digits: str, level_dbov: float = -13.0, *, on_s: float = 0.08, off_s: float = 0.08) -> Samples:
    """Dual-tone digits (ITU-T Q.23). Raises ValueError for a character that has no tone."""
    parts: list[Samples] = [np.zeros(0)]
    for digit in digits.upper():
        row, column = divmod(_DTMF_KEYS.index(digit), 4)
        parts += [tone([_DTMF_ROWS_HZ[row], _DTMF_COLUMNS_HZ[column]], on_s, level_dbov), silence(off_s)]
    return np.concatenate(parts)


def voice_like(duration_s: float, level_dbov: float = -22.0, *, seed: int, pitch_hz: float = 130.0) -> Samples:
    """A gliding harmonic sound with syllable rhythm: not speech, but loud and voiced where speech would be."""
    generator = np.random.Generator(np.random.PCG64(seed))
    time = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    glide = pitch_hz * (1 + 0.15 * np.sin(2 * np.pi * 1.3 * time + generator.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(glide) / RATE_HZ
    formants = generator.uniform((350, 900, 2200), (800, 1800, 2900))
    out = np.zeros(time.size)
    for harmonic in range(1, int(3400 / (1.2 * pitch_hz))):
        hz = harmonic * pitch_hz
        gain = sum(np.exp(-(((hz - f) / 180.0) ** 2)) for f in formants) + 0.05
        out += gain * np.sin(harmonic * phase + generator.uniform(0, 6))
    out += 0.15 * generator.standard_normal(time.size)
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4.1 * time + generator.uniform(0, 6))
    out *= syllables
    if out.size == 0:
        return out
    return _edges(out * levels.rms_from_dbov(level_dbov) / np.sqrt(np.mean(out**2)))
