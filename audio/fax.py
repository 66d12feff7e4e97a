"""Fax and modem tones (ITU-T T.30, V.21, V.25, V.8): CED, CNG, V.21 preamble, ANS/ANSam and Bell answer tones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from audio.analysis import CHUNK_HOPS
from audio.features import BIN_HZ, HIGH_BIN, LOW_BIN
from audio.labels import Kind, Label
from audio.memory import RATE_HZ, Memory
from audio.runs import Run
from audio.speech import Burst

CED_MIN_S = 0.53
"""Long enough that the first phase reversal of an answer tone (450 ms) would have been seen."""
_CED_HZ = (2060.0, 2140.0)
_CNG_HZ = (1062.0, 1138.0)
_CNG_S = (0.38, 0.6)
_CNG_PERIOD_S = (2.5, 4.2)
_BELL_HZ = (2190.0, 2270.0)
_BELL_MIN_S = 0.6
SPOKE_BEFORE_CALLING_S = 0.6
_CNG_QUIET_S = 0.6
_NOT_A_BLIP_S, _FAINT_DB, _TEAR_S, _SAME_PITCH = 0.1, 13.0, 0.13, 0.015
_STEP = 40
_LN10_10 = np.float32(np.log(10) / 10)
_AM_DEPTH = 0.09
_MAX_WANDER = 0.006


@dataclass(frozen=True, slots=True)
class FaxMatch:
    """What it is, why, and since when."""

    label: Label
    kind: Kind
    reason: str
    confidence: float
    start_s: float


def answer_tone(run: Run, memory: Memory) -> FaxMatch | None:
    """CED, ANS, ANSam or a Bell answer tone, from a run that may still be sounding."""
    if run.pair_hz or run.wander > _MAX_WANDER:
        return None
    if _BELL_HZ[0] <= run.hz <= _BELL_HZ[1] and run.length_s >= _BELL_MIN_S:
        return FaxMatch(Label.MODEM, Kind.MODEM, "bell_answer_tone", 0.95, run.start_s)
    if not _CED_HZ[0] <= run.hz <= _CED_HZ[1] or run.length_s < CED_MIN_S:
        return None
    reversals, depth = _phase_and_depth(memory.get(run.start_s + 0.01, run.stop_s - 0.01), run.hz)
    if reversals or depth > _AM_DEPTH:
        reason = "answer_tone_reversals" if reversals else "answer_tone_modulated"
        return FaxMatch(Label.MODEM, Kind.MODEM, reason, 0.95, run.start_s)
    return FaxMatch(Label.FAX, Kind.FAX_CED, "called_station_tone", 0.97, run.start_s)


def _phase_and_depth(samples: NDArray[np.float32], hz: float) -> tuple[int, float]:
    """Number of phase reversals, and depth of 15 Hz amplitude modulation, of a tone near `hz`."""
    count = samples.size // _STEP
    if count < 60:
        return 0, 0.0
    carrier = np.exp(-2j * np.pi * hz / RATE_HZ * np.arange(count * _STEP))
    steps = ((samples[: count * _STEP] - samples.mean()) * carrier).reshape(count, _STEP).mean(axis=1)
    smooth = np.convolve(steps, np.ones(3) / 3, "valid")
    lag = 6
    turn = np.angle(smooth[lag:] * smooth[:-lag].conj())
    turn = np.angle(np.exp(1j * (turn - np.median(turn))))
    heard = np.abs(smooth) > 0.5 * np.median(np.abs(smooth))
    flipped = (np.abs(turn) > 2.2) & heard[lag:] & heard[:-lag]
    reversals = int(np.count_nonzero(flipped[1:] & ~flipped[:-1]))
    envelope = np.abs(smooth)
    mean = float(np.median(envelope)) + 1e-9
    time = np.arange(envelope.size) * _STEP / RATE_HZ
    usable = envelope > 0.5 * mean
    wave = np.exp(-2j * np.pi * 15.0 * time)
    depth = 2 * abs(np.mean((envelope - envelope[usable].mean())[usable] * wave[usable])) / mean
    return reversals, float(depth)


def calling_tone(runs: Sequence[Run], speech: Sequence[Burst], now_s: float) -> FaxMatch | None:
    """CNG from closed runs: a second burst a period after the first, or one burst alone on a line without speech."""
    if not any(_CNG_HZ[0] <= run.hz <= _CNG_HZ[1] for run in runs):
        return None
    whole = _mended(runs)
    last = next((r for r in reversed(whole) if is_calling_burst(r)), None)
    if last is None:
        return None
    loud = [r for r in whole if r.level_db > last.level_db - _FAINT_DB]
    if loud[-1] is not last:
        return None
    for earlier in filter(is_calling_burst, loud[:-1]):
        if _CNG_PERIOD_S[0] <= last.start_s - earlier.start_s <= _CNG_PERIOD_S[1]:
            return FaxMatch(Label.FAX, Kind.FAX_CNG, "calling_tone_repeats", 0.98, earlier.start_s)
    others = [r for r in loud[:-1] if r.length_s >= _NOT_A_BLIP_S]
    quiet = now_s - last.stop_s >= _CNG_QUIET_S
    if quiet and not others and spoken_before(last, speech) < SPOKE_BEFORE_CALLING_S:
        return FaxMatch(Label.FAX, Kind.FAX_CNG, "calling_tone", 0.85, last.start_s)
    return None


def spoken_before(run: Run, bursts: Sequence[Burst], *, faint_db: float = _FAINT_DB) -> float:
    """Seconds of voice before a tone; what lies `faint_db` below the tone is noise of the line."""
    start = round(run.start_s * 100) - 5
    loud = (b for b in bursts if b.start < start and b.level_db > run.level_db - faint_db)
    return sum(min(b.stop, start) - b.start for b in loud) / 100


def _mended(runs: Sequence[Run]) -> list[Run]:
    """The runs with pieces joined that lost packets parted."""
    out: list[Run] = []
    for run in runs:
        last = out[-1] if out else None
        if last is None or run.start_s - last.stop_s > _TEAR_S or abs(run.hz / last.hz - 1) > _SAME_PITCH:
            out.append(run)
            continue
        longer = last if last.length_s > run.length_s else run
        out[-1] = replace(longer, start_s=last.start_s, stop_s=run.stop_s)
    return out


def is_calling_pitch(run: Run) -> bool:
    """Whether a run is a single tone as high as a calling fax's, no longer than its burst (losses may shorten it)."""
    return _CNG_HZ[0] <= run.hz <= _CNG_HZ[1] and run.length_s <= _CNG_S[1] and run.pair_hz == 0


def is_calling_burst(run: Run) -> bool:
    """Whether one closed run has pitch and length of a CNG burst."""
    return is_calling_pitch(run) and run.length_s >= _CNG_S[0] and run.wander < _MAX_WANDER


@dataclass(frozen=True, slots=True)
class Channels:
    """How the power of the hops of a pass lies.

    worth     of each chunk, whether any of its hops lies in a channel's band
    mark      share of V.21's lower band of each hop, `space` of its upper band
    preamble  of each hop, whether it is loud and lies in both; `carrier`: in a data channel of faster modems
    """

    worth: list[bool]
    mark: list[float]
    space: list[float]
    preamble: list[bool]
    carrier: list[bool]


class CarrierWatch:
    """V.21 preamble and unmodulated modem carriers: power steadily inside a data channel's band, but not one tone."""

    _NEED_HOPS = 55
    _PREAMBLE_SHARE = 0.8
    _EACH_TONE = 0.05
    _MARK_OVER_SPACE = 1.6
    """Flags are three quarters mark; a chord of two equal tones in the channel is none."""
    _CARRIER_HZ = (2130.0, 2720.0)
    _CARRIER_SHARE = 0.82
    _FORGIVEN_HOPS = 4
    _MIN_DBOV = -50.0
    _THIRD_DB = 5.7
    """A data channel spans two of the three upper bands: with 82 % of the power, one of the three has over 27 %."""

    @classmethod
    def possible(cls, band_db: NDArray[np.float32], bands_db: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Of hops in any shape, from levels [...] and bands [..., 8], those in which a carrier might sound."""
        loud = band_db > cls._MIN_DBOV
        highest = np.maximum(np.maximum(bands_db[..., 5], bands_db[..., 6]), bands_db[..., 7])
        third: NDArray[np.bool_] = loud & (highest > band_db - cls._THIRD_DB)
        return third

    def __init__(self) -> None:
        self._preamble: list[tuple[float, float]] = []
        self._preamble_misses = 0
        self._carrier = 0
        self._carrier_misses = 0

    def skip(self) -> None:
        """Five hops or more in which no carrier can sound are more misses than are forgiven."""
        self._preamble, self._carrier = [], 0

    @classmethod
    def measure(cls, spectrum_db: NDArray[np.float32], band_db: NDArray[np.float32]) -> Channels:
        """Of hops in whole chunks, from spectra [n, 129] and levels [n], how their power lies; see `Channels`."""
        power = np.exp(spectrum_db[:, LOW_BIN:HIGH_BIN] * _LN10_10)
        total = power.sum(axis=1)
        mark, space = _band(power, 1500.0, 1750.0) / total, _band(power, 1781.0, 2000.0) / total
        carrier = _band(power, *cls._CARRIER_HZ) / total
        loud = band_db > cls._MIN_DBOV
        in_band = loud & (mark + space > cls._PREAMBLE_SHARE), loud & (carrier > cls._CARRIER_SHARE)
        worth = np.logical_or.reduce((in_band[0] | in_band[1]).reshape(-1, CHUNK_HOPS), axis=1)
        return Channels(worth.tolist(), mark.tolist(), space.tolist(), in_band[0].tolist(), in_band[1].tolist())

    def push(self, channels: Channels, at: int, now_s: float) -> FaxMatch | None:
        """Watch the chunk that begins at hop `at` of a pass and ends at `now_s`."""
        if not channels.worth[at // CHUNK_HOPS]:
            self.skip()
            return None
        for hop in range(at, at + CHUNK_HOPS):
            preamble = channels.preamble[hop]
            self._count((channels.mark[hop], channels.space[hop]) if preamble else None, channels.carrier[hop])
        if len(self._preamble) >= self._NEED_HOPS:
            means = np.mean(self._preamble, axis=0)
            if means[1] > self._EACH_TONE and means[0] > self._MARK_OVER_SPACE * means[1]:
                start_s = now_s - 0.01 * len(self._preamble)
                return FaxMatch(Label.FAX, Kind.FAX_PREAMBLE, "v21_preamble", 0.95, start_s)
        if self._carrier >= self._NEED_HOPS:
            return FaxMatch(Label.MODEM, Kind.MODEM, "modem_carrier", 0.9, now_s - 0.01 * self._carrier)
        return None

    def _count(self, preamble: tuple[float, float] | None, carrier: bool) -> None:
        if preamble is not None:
            self._preamble.append(preamble)
            self._preamble_misses = 0
        else:
            self._preamble_misses += 1
            if self._preamble_misses > self._FORGIVEN_HOPS:
                self._preamble = []
        if carrier:
            self._carrier += 1
            self._carrier_misses = 0
        else:
            self._carrier_misses += 1
            if self._carrier_misses > self._FORGIVEN_HOPS:
                self._carrier = 0


def _band(power: NDArray[np.float32], low_hz: float, high_hz: float) -> NDArray[np.float32]:
    """Power [n] of speech-band rows [n, 110] between two frequencies."""
    low, high = round(low_hz / BIN_HZ) - LOW_BIN, round(high_hz / BIN_HZ) - LOW_BIN
    banded: NDArray[np.float32] = power[:, low : high + 1].sum(axis=1)
    return banded
