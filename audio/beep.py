"""The voicemail beep: one steady tone (or a chord of two) of 300-2000 Hz, with its exact beginning and end.

A tone run that ends, or seems to have ended by the samples themselves (sooner than the run tracker dares to say), is
described by fifteen numbers and judged by a small model: how steady and pure it is, how far above what came before,
how long, how high. Ends are found by the tone's own envelope, in steps of 1.25 ms, so that a message can begin right
after it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio import fax, model
from audio.analysis import Step
from audio.dtmf import COLUMNS_HZ, ROWS_HZ
from audio.memory import RATE_HZ, Memory
from audio.runs import Run
from audio.speech import Burst

_HZ = (290.0, 2130.0)
_LENGTH_S = (0.075, 2.6)
_MAX_WANDER, _MIN_SHARE, _MIN_DBOV = 0.012, 0.75, -60.0
SURE, SURE_ALONE = 0.75, 0.95
"""What the model must give a tone after speech, and one that nobody spoke before; chosen on other seeds."""
_SPOKE_S, _FAINT_DB = 0.15, 28.0
_CED_HZ = (2050.0, 2150.0)
_WIDTH, _STEP = 40, 10
_ENDED_BELOW, _EDGE = 0.4, 0.5
_ENDED_S, _LOST_S, _LOST_PEAK = 0.02, 0.07, 24 / 32768
_LOOK_S = 0.16
_BLOCK = 160
_FFT = 8192
_NEW_S = 0.03
_DIGIT_HZ, _DIGIT_RATIO = 0.025, 0.008

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Beep:
    """A beep that is over. Times in seconds from the start of the phase; `probability` that it is one."""

    hz: float
    start_s: float
    end_s: float
    level_db: float
    probability: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tone that is over, what the model is told of it [15], and how much was spoken before it (seconds)."""

    run: Run
    end_s: float
    vector: NDArray[np.float32]
    spoken_s: float


class BeepWatch:
    """Streaming detector of one line after answer."""

    def __init__(self) -> None:
        self._model = model.load("beep")
        self._judged_until_s = -1.0

    def step(self, step: Step) -> list[Beep]:
        """Beeps that this chunk showed to be over."""
        found: list[Beep] = []
        for candidate in candidates(step):
            if candidate.run.stop_s <= self._judged_until_s + _NEW_S:
                continue
            run = candidate.run
            probability = float(self._model.probabilities(candidate.vector)[1])
            alone = candidate.spoken_s < _SPOKE_S
            if probability < (SURE_ALONE if alone else SURE) or _may_be_fax(run, step.speech.bursts, alone=alone):
                continue
            self._judged_until_s = candidate.end_s
            start_s = _exact_start(run, step.memory)
            found.append(Beep(run.hz, start_s, candidate.end_s, run.level_db, probability))
        return found


def candidates(step: Step) -> list[Candidate]:
    """Tones that are over: those that the run tracker closed, and one that it still waits for."""
    out: list[Candidate] = []
    for run in step.ended:
        if _worth_a_look(run):
            end_s = _exact_end(run, step.memory, min(run.stop_s + 0.05, step.now_s))
            out.append(_describe(run, run.stop_s if end_s is None else end_s, step))
    current = step.current
    if current is not None and _worth_a_look(current):
        end_s = _exact_end(current, step.memory, step.now_s)
        if end_s is not None and step.now_s - end_s >= _patience_s(end_s, step):
            out.append(_describe(current, end_s, step))
    return out


def _worth_a_look(run: Run) -> bool:
    return (
        _HZ[0] <= run.hz <= _HZ[1]
        and _LENGTH_S[0] <= run.length_s <= _LENGTH_S[1]
        and run.wander <= _MAX_WANDER
        and run.share >= _MIN_SHARE
        and run.level_db >= _MIN_DBOV
        and not _is_digit(run)
    )


def _is_digit(run: Run) -> bool:
    """Whether a pair stands as far apart as the tones of a DTMF digit, and where they are."""
    return run.pair_hz > 0 and any(
        abs(run.hz / row - 1) < _DIGIT_HZ and abs(run.pair_hz / run.hz * row / column - 1) < _DIGIT_RATIO
        for row in ROWS_HZ
        for column in COLUMNS_HZ
    )


def _may_be_fax(run: Run, bursts: Sequence[Burst], *, alone: bool) -> bool:
    """Whether a fax could have made this tone; after speech it hardly is one."""
    calling = fax.is_calling_pitch(run) and fax.spoken_before(run, bursts) < fax.SPOKE_BEFORE_CALLING_S
    return calling or (alone and _CED_HZ[0] <= run.hz <= _CED_HZ[1])


def _patience_s(end_s: float, step: Step) -> float:
    """So long a tone must be gone: longer when the line fell dead silent, for then packets may be missing."""
    since = _without_dc(step.memory.get(end_s + 0.004, step.now_s))
    lost = since.size > 0 and float(np.abs(since).max()) < _LOST_PEAK
    return _LOST_S if lost else _ENDED_S


def _without_dc(samples: Samples) -> Samples:
    return samples - samples.mean() if samples.size else samples


def _tones(run: Run) -> list[float]:
    return [run.hz, run.pair_hz] if run.pair_hz else [run.hz]


def _envelope(samples: Samples, hz: Sequence[float]) -> NDArray[np.float64]:
    """Amplitude of the tones in windows of 5 ms that begin each 1.25 ms."""
    time = np.arange(samples.size) / RATE_HZ
    power = np.zeros(max(0, (samples.size - _WIDTH) // _STEP + 1))
    for f in hz:
        sums = np.concatenate([[0], np.cumsum(samples * np.exp(-2j * np.pi * f * time))])
        means = (sums[_WIDTH:] - sums[:-_WIDTH])[::_STEP][: power.size] / _WIDTH
        power += np.abs(means) ** 2
    return np.sqrt(power)


def _exact_end(run: Run, memory: Memory, until_s: float) -> float | None:
    """Where the tone's envelope falls for good to half of what it was; None while it has not."""
    first_s = max(run.start_s + 0.005, until_s - _LOOK_S)
    samples = _without_dc(memory.get(first_s, until_s))
    envelope = _envelope(samples, _tones(run))
    if envelope.size < 12:
        return None
    before = envelope[: max(6, envelope.size - round((until_s - run.stop_s) * RATE_HZ / _STEP))]
    reference = float(np.median(before[-48:]))
    above = np.flatnonzero(envelope > _EDGE * reference)
    if above.size == 0 or envelope[-1] > _ENDED_BELOW * reference:
        return None
    return first_s + (int(above[-1]) * _STEP + _WIDTH / 2) / RATE_HZ


def _exact_start(run: Run, memory: Memory) -> float:
    """Where the envelope first reaches half of what it is in the tone's first part."""
    first_s = max(0.0, run.start_s - 0.08)
    envelope = _envelope(_without_dc(memory.get(first_s, run.start_s + 0.06)), _tones(run))
    if envelope.size < 24:
        return run.start_s
    above = np.flatnonzero(envelope > _EDGE * float(np.median(envelope[-24:])))
    holes = np.flatnonzero(np.diff(above) > 4)
    first = int(above[holes[-1] + 1]) if holes.size else int(above[0])
    return first_s + (first * _STEP + _WIDTH / 2) / RATE_HZ


def _speech_before(run: Run, bursts: Sequence[Burst]) -> tuple[float, float, float]:
    """Seconds spoken before the run, level of the last burst, and time since it (0.5 at most; 0.5 when none)."""
    level_db, gap_s = run.level_db - 10.0, 0.5
    for burst in bursts:
        stop = min(burst.stop, round(run.start_s * 100))
        if burst.start < stop - 5:
            level_db, gap_s = burst.level_db, run.start_s - stop / 100
    return fax.spoken_before(run, bursts, faint_db=_FAINT_DB), level_db, min(gap_s, 0.5)


def _describe(run: Run, end_s: float, step: Step) -> Candidate:
    spoken_s, speech_db, gap_s = _speech_before(run, step.speech.bursts)
    inside = _without_dc(step.memory.get(run.start_s + 0.005, max(end_s - 0.005, run.start_s + 0.05)))
    before = _without_dc(step.memory.get(max(0.0, run.start_s - 0.08), max(0.01, run.start_s - 0.01)))
    power = float(np.mean(inside**2)) + 1e-10 if inside.size else 1e-10
    noise = float(np.mean(before**2)) + 1e-10 if before.size else 1e-10
    rest, swing_db = _residual(inside, _tones(run))
    side, rival = _sides(inside, _tones(run))
    above_noise = max(rest - 1.2 * noise, 1e-3 * power)
    numbers = (
        math.log(run.wander + 3e-4),
        _decibel(above_noise / power, -20),
        _decibel(side, -25),
        _decibel(rival, -30),
        math.log(max(end_s - run.start_s, 0.02)),
        math.log(run.hz),
        min(swing_db, 6.0),
        min(run.rise_db, 40.0),
        min(max(_decibel(power / noise, -5), -5.0), 30.0),
        min(max(run.level_db - speech_db, -10.0), 15.0),
        _decibel(rest / power, -30),
        float(run.pair_hz > 0),
        gap_s,
        min(run.share, 1.05),
        math.log(run.pair_hz / run.hz) if run.pair_hz else 0.0,
    )
    return Candidate(run, end_s, np.array(numbers, np.float32), spoken_s)


def _decibel(ratio: float, least: float) -> float:
    return max(10 * math.log10(ratio + 1e-12), least)


def _residual(samples: Samples, hz: Sequence[float]) -> tuple[float, float]:
    """Power that sines of these frequencies leave in pieces of 20 ms, and the spread of their level in dB."""
    count = samples.size // _BLOCK
    if count < 2:
        return float(np.mean(samples**2)) if samples.size else 1e-10, 6.0
    pieces = samples[: count * _BLOCK].reshape(count, _BLOCK).astype(np.float64)
    spectrum = np.abs(np.fft.rfft(samples[:4096] * np.hanning(min(samples.size, 4096)), _FFT))
    time = np.arange(_BLOCK) / RATE_HZ
    waves: list[NDArray[np.float64]] = []
    for f in hz:
        low = max(1, round(f * _FFT / RATE_HZ) - 20)
        sharp = (low + int(spectrum[low : low + 41].argmax())) * RATE_HZ / _FFT
        waves += [np.cos(2 * np.pi * sharp * time), np.sin(2 * np.pi * sharp * time)]
    basis, _ = np.linalg.qr(np.stack(waves, axis=1))
    explained = np.sum((pieces @ basis) ** 2, axis=1)
    rest = float(np.mean(np.sum(pieces**2, axis=1) - explained)) / _BLOCK
    return max(rest, 0.0), float(np.std(10 * np.log10(explained + 1e-9)))


def _sides(samples: Samples, hz: Sequence[float]) -> tuple[float, float]:
    """Share of the 250-3500 Hz power outside the tones' lobes, and the highest rival there, both of one spectrum."""
    cut = samples[:4096]
    if cut.size < 200:
        return 1.0, 1.0
    power = np.abs(np.fft.rfft(cut * np.hanning(cut.size), _FFT)) ** 2
    first, last = 250 * _FFT // RATE_HZ, 3500 * _FFT // RATE_HZ
    band = power[first:last].copy()
    total, top = float(band.sum()) + 1e-12, float(band.max()) + 1e-12
    lobe = math.ceil(2.2 * _FFT / cut.size) + 1
    for f in hz:
        middle = round(f * _FFT / RATE_HZ) - first
        low = max(0, middle - 20)
        near = band[low : middle + 21]
        middle = low + int(near.argmax()) if near.size else middle
        band[max(0, middle - lobe) : middle + lobe + 1] = 0
    return float(band.sum()) / total, float(band.max()) / top
