"""All that generated tones can say on one line: call-progress cadences, information tones, fax and modem."""

from dataclasses import dataclass

from audio import fax, sit
from audio.analysis import LineAnalysis, Step
from audio.cadence import CadenceMatcher, Match, Stretch
from audio.labels import Kind, Label
from audio.memory import peaks
from audio.runs import Run
from audio.verdict import Evidence

_CADENCE_HZ = (330.0, 700.0)
_MIN_ON_S = 0.09
_MIN_SHARE = 0.78
_SINGLE_WANDER = 0.02
_RESET_GAP_S = 7.5
_KEPT_RUNS = 12
_CUT_S = 0.03
_SPECTRUM_S = 0.4
_WINDOWS = (10, 5, 3)
_FOREIGN_PROBABILITY = 0.995
_SPOKE_HOPS = 60


@dataclass(frozen=True, slots=True)
class ToneHeard:
    """A tone recognised, not yet a verdict. `settled` once more waiting cannot change the word."""

    label: Label
    kind: Kind
    reason: str
    probability: float
    evidence: Evidence
    settled: bool


class ToneWatch:
    """Streaming recogniser; `answered` makes it harder to please, for call-progress tones are rare after answer."""

    def __init__(self, country: str | None, *, answered: bool, probability: float) -> None:
        self._matcher = CadenceMatcher(country)
        self._foreign = CadenceMatcher(None) if self._matcher.national else None
        self._answered = answered
        self._probability = probability
        self._carrier = fax.CarrierWatch()
        self._runs: list[Run] = []
        self._stretches: list[Stretch] = []
        self._last_stop_s = 0.0
        self._cadence: ToneHeard | None = None
        self._sit: ToneHeard | None = None

    @property
    def runs(self) -> list[Run]:
        """The last closed runs."""
        return self._runs

    def step(self, line: LineAnalysis, step: Step) -> ToneHeard | None:
        """The tone that this chunk made sure, if any."""
        for run in step.ended:
            self._runs.append(run)
            self._note(run, line)
        del self._runs[:-_KEPT_RUNS]
        current = line.runs.current
        return (
            self._information_tone(current)
            or self._modem(line, step, current)
            or self._call_progress(line, current, fresh=bool(step.ended))
        )

    def _information_tone(self, current: Run | None) -> ToneHeard | None:
        if self._sit is not None:
            return None
        found = sit.match(self._runs)
        if found is None and current is not None and current.length_s >= 0.30:
            found = sit.match([*self._runs, current])
        if found is None:
            return None
        evidence = {"start_ms": round(found.start_s * 1000), "end_ms": round(found.stop_s * 1000)}
        self._sit = ToneHeard(found.label, Kind.SIT, "three_tone_sequence", found.probability, evidence, settled=True)
        return self._sit

    def _modem(self, line: LineAnalysis, step: Step, current: Run | None) -> ToneHeard | None:
        candidates = [r for r in (current, *step.ended) if r is not None]
        found = next((m for r in candidates if (m := fax.answer_tone(r, line.memory))), None)
        if found is None:
            heard = step.features
            found = self._carrier.push(heard.spectrum_db[0], heard.band_db[0], heard.bands_db[0], line.now_s)
        if found is None and self._runs and current is None:
            quiet_s = line.now_s - self._runs[-1].stop_s
            spoke = line.speech.voiced_hops >= _SPOKE_HOPS
            found = fax.calling_tone(self._runs, speech_before=spoke, quiet_after_s=quiet_s)
        if found is None:
            return None
        evidence = {"start_ms": round(found.start_s * 1000)}
        return ToneHeard(found.label, found.kind, found.reason, found.confidence, evidence, settled=True)

    def _note(self, run: Run, line: LineAnalysis) -> None:
        """Add a closed run, and the gap before it, to the cadence; a foreign tone starts it anew."""
        if run.length_s < _MIN_ON_S and run.level_db < -40:
            return
        if not self._belongs(run):
            if run.length_s >= _MIN_ON_S:
                self._stretches = []
            return
        gap_s = run.start_s - self._last_stop_s
        if self._stretches:
            self._stretches.append(Stretch(on=False, length_s=gap_s))
        spectrum = tuple(peaks(line.memory.get(run.start_s + 0.01, min(run.stop_s - 0.01, run.start_s + _SPECTRUM_S))))
        self._stretches.append(Stretch(on=True, length_s=run.length_s, spectrum=spectrum, cut=run.start_s <= _CUT_S))
        self._last_stop_s = run.stop_s
        del self._stretches[:-10]

    def _belongs(self, run: Run) -> bool:
        steady = run.pair_hz > 0 or run.wander < _SINGLE_WANDER or run.share > 0.9
        return _CADENCE_HZ[0] <= run.hz <= _CADENCE_HZ[1] and run.share >= _MIN_SHARE and steady

    def _call_progress(self, line: LineAnalysis, current: Run | None, *, fresh: bool) -> ToneHeard | None:
        if not self._stretches or (self._cadence is not None and not fresh):
            return None
        heard = list(self._stretches)
        gap_s = line.now_s - self._last_stop_s
        if current is None:
            if gap_s > _RESET_GAP_S:
                self._stretches = []
                return None
            heard.append(Stretch(on=False, length_s=max(gap_s - 0.05, 0.01), open=True))
        elif self._belongs(current):
            heard.append(Stretch(on=False, length_s=current.start_s - self._last_stop_s))
            heard.append(Stretch(on=True, length_s=current.length_s, open=True))
        for window in _WINDOWS:
            match = self._matcher.match(heard[-window:])
            if match is not None and match.probability >= self._probability:
                return self._accept(match, extra=0)
        if self._foreign is not None and sum(s.on for s in heard) >= 2:
            match = self._foreign.match(heard)
            if match is not None and match.probability >= _FOREIGN_PROBABILITY:
                return self._accept(match, extra=1)
        return None

    def _accept(self, match: Match, *, extra: int) -> ToneHeard | None:
        """A match becomes a word once it has repeated often enough: more often after answer or from a foreign plan.

        Busy and congestion end a call, so they must not be made of a ring's pieces.
        """
        ring = match.label is Label.RINGBACK
        wanted = (1 if ring else 2) + (1 if self._answered else 0) + extra
        if match.tones_heard < wanted or (not ring and match.may_be_torn_ring):
            return None
        evidence: Evidence = {
            "plan": match.country,
            "tones_heard": match.tones_heard,
            "period_ms": round(match.period_s * 1000),
        }
        heard = ToneHeard(match.label, Kind.TONE, "cadence_match", match.probability, evidence, settled=not ring)
        if self._cadence is not None and self._cadence.label is match.label:
            return None
        self._cadence = heard
        return heard
