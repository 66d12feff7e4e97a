"""All that generated tones can say on one line: call-progress cadences, information tones, fax and modem."""

from dataclasses import dataclass, replace

from audio import fax, sit
from audio.analysis import CHUNK_HOPS, Step, any_hop
from audio.cadence import Match, matcher
from audio.features import Features
from audio.labels import Kind, Label
from audio.memory import peaks
from audio.runs import Run
from audio.stretches import Stretch, spectrum_score
from audio.tones import Tone, plan
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
_FOREIGN_PROBABILITY, _OWN_PLAN = 0.995, 0.5
_LEVELS_KEPT, _GAP_HOPS, _LOUD_SHARE = 1000, 4, 8
_ECHO_DB, _ECHO_S, _ECHO_HZ = 11.0, 0.3, 0.02
_ENDLESS_S, _ENDLESS_SHARE, _ENDLESS_WANDER, _ENDLESS_SCORE = 3.3, 0.9, 0.005, -4.0


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
        self._matcher = matcher(country)
        self._foreign = matcher(None) if self._matcher.national else None
        self._fewest = 2 if answered else 1
        """So many tones at least make a word."""
        self._probability = probability
        self._carrier = fax.CarrierWatch()
        self._pass: Features | None = None
        self._possible: list[bool] = []
        """Of each chunk of the pass whether a carrier might sound in it."""
        self._channels: fax.Channels | None = None
        self._runs: list[Run] = []
        self._stretches: list[Stretch] = []
        own = plan(country) if country else None
        self._endless = [t for t in (*own.tones, *own.others) if t.endless] if own else []
        self._last_stop_s = 0.0
        self._levels: list[float] = []
        self._hops = 0
        self._cadence: ToneHeard | None = None
        self._sit: ToneHeard | None = None

    @property
    def runs(self) -> list[Run]:
        """The last closed runs."""
        return self._runs

    def step(self, step: Step) -> ToneHeard | None:
        """The tone that this chunk made sure, if any."""
        self._levels += step.band_db
        self._hops += len(step.band_db)
        if len(self._levels) > 2 * _LEVELS_KEPT:
            del self._levels[:-_LEVELS_KEPT]
        if step.current is None and not (step.ended or self._runs or self._carries(step)):
            return None
        for run in step.ended:
            self._runs.append(run)
            self._note(run, step)
        del self._runs[:-_KEPT_RUNS]
        return self._information_tone(step) or self._modem(step) or self._call_progress(step) or self._without_end(step)

    def _information_tone(self, step: Step) -> ToneHeard | None:
        current = step.current
        if self._sit is not None or not (step.ended or current):
            return None
        found = sit.match(self._runs)
        if found is None and current is not None and current.length_s >= 0.30:
            found = sit.match([*self._runs, current])
        if found is None:
            return None
        evidence = {"start_ms": round(found.start_s * 1000), "end_ms": round(found.stop_s * 1000)}
        self._sit = ToneHeard(found.label, Kind.SIT, "three_tone_sequence", found.probability, evidence, settled=True)
        return self._sit

    def _modem(self, step: Step) -> ToneHeard | None:
        candidates = [r for r in (step.current, *step.ended) if r is not None]
        found = next((m for r in candidates if (m := fax.answer_tone(r, step.memory))), None)
        if found is None:
            found = self._carrier_tone(step)
        if found is None and self._runs and step.current is None:
            found = fax.calling_tone(self._runs, step.speech.bursts, step.now_s)
        if found is None:
            return None
        evidence = {"start_ms": round(found.start_s * 1000)}
        return ToneHeard(found.label, found.kind, found.reason, found.confidence, evidence, settled=True)

    def _carries(self, step: Step) -> bool:
        """Whether a carrier might sound."""
        if step.heard is not self._pass:
            self._pass, self._channels = step.heard, None
            self._possible = any_hop(fax.CarrierWatch.possible(step.heard.band_db[0], step.heard.bands_db[0]))
        return self._possible[step.at // CHUNK_HOPS]

    def _carrier_tone(self, step: Step) -> fax.FaxMatch | None:
        if not self._carries(step):
            self._carrier.skip()
            return None
        if self._channels is None:
            self._channels = fax.CarrierWatch.measure(step.heard.spectrum_db[0], step.heard.band_db[0])
        return self._carrier.push(self._channels, step.at, step.now_s)

    def _note(self, run: Run, step: Step) -> None:
        """Add a closed run, and the gap before it, to the cadence; a foreign tone starts it anew."""
        if (run.length_s < _MIN_ON_S and run.level_db < -40) or self._is_echo(run):
            return
        if not self._belongs(run):
            if run.length_s >= _MIN_ON_S:
                self._stretches = []
            return
        if self._stretches:
            self._stretches.append(self._gap(run.start_s))
        spectrum = tuple(peaks(step.memory.get(run.start_s + 0.01, min(run.stop_s - 0.01, run.start_s + _SPECTRUM_S))))
        cut = run.start_s <= _CUT_S
        self._stretches.append(Stretch(True, run.length_s, spectrum, cut, level_db=run.level_db))
        self._last_stop_s = run.stop_s
        del self._stretches[:-10]

    def _is_echo(self, run: Run) -> bool:
        """Whether the line only says the last tone once more, much fainter and at once: it belongs to the gap."""
        if not self._stretches or not 0 <= run.start_s - self._last_stop_s < _ECHO_S:
            return False
        last = self._stretches[-1]
        hz = last.spectrum[0][0] if last.spectrum else run.hz
        near = any(abs(hz / one - 1) < _ECHO_HZ for one in (run.hz, run.pair_hz) if one)
        return near and run.level_db < last.level_db - _ECHO_DB

    def _gap(self, until_s: float, *, still_open: bool = False) -> Stretch:
        """The gap since the last tone, and how far its louder hops lie below that tone."""
        length_s = max(until_s - self._last_stop_s, 0.01)
        oldest = self._hops - len(self._levels)
        first, last = round(self._last_stop_s * 100) + 3 - oldest, round(until_s * 100) - 2 - oldest
        inside = self._levels[max(0, first) : max(0, last)]
        drop_db = 99.0
        if len(inside) >= _GAP_HOPS:
            drop_db = self._stretches[-1].level_db - sorted(inside)[_LOUD_SHARE * len(inside) // 10]
        return Stretch(False, length_s, open=still_open, drop_db=drop_db)

    def _belongs(self, run: Run) -> bool:
        steady = run.pair_hz > 0 or run.wander < _SINGLE_WANDER or run.share > 0.9
        return _CADENCE_HZ[0] <= run.hz <= _CADENCE_HZ[1] and run.share >= _MIN_SHARE and steady

    def _call_progress(self, step: Step) -> ToneHeard | None:
        if not self._stretches or (self._cadence is not None and not step.ended):
            return None
        current = step.current if step.current is not None and not self._is_echo(step.current) else None
        heard = list(self._stretches)
        gap_s = step.now_s - self._last_stop_s
        if current is None:
            if gap_s > _RESET_GAP_S:
                self._stretches = []
                return None
            gap = self._gap(step.now_s, still_open=True)
            heard.append(replace(gap, length_s=max(gap.length_s - 0.05, 0.01)))
        elif self._belongs(current):
            heard.append(self._gap(current.start_s))
            heard.append(Stretch(on=True, length_s=current.length_s, open=True))
        if sum(s.on for s in heard) < self._fewest:
            return None
        known = 0.0
        for size in sorted({min(window, len(heard)) for window in _WINDOWS}, reverse=True):
            match = self._matcher.match(heard[-size:])
            known = max(known, match.known if match is not None else 0.0)
            if match is not None and match.decided >= self._probability:
                return self._accept(match, extra=0)
        if self._foreign is not None and known < _OWN_PLAN and sum(s.on for s in heard) >= 2:
            match = self._foreign.match(heard)
            if match is not None and match.decided >= _FOREIGN_PROBABILITY:
                return self._accept(match, extra=1)
        return None

    def _accept(self, match: Match, *, extra: int) -> ToneHeard | None:
        """A match becomes a word once it has repeated often enough: more often after answer or from a foreign plan.

        Busy and congestion end a call, so they must not be made of a ring's pieces.
        """
        ends_call = match.label not in (Label.RINGBACK, Label.UNKNOWN)
        wanted = self._fewest + (1 if ends_call else 0) + extra
        if match.tones_heard < wanted or (ends_call and match.may_be_torn_ring):
            return None
        evidence: Evidence = {
            "plan": match.country,
            "tones_heard": match.tones_heard,
            "period_ms": round(match.period_s * 1000),
        }
        if match.rival:
            evidence = {**evidence, "sounds_like": match.rival}
        reason = "cadence_match" if match.label is not Label.UNKNOWN else f"{match.name}_tone"
        heard = ToneHeard(match.label, Kind.TONE, reason, match.probability, evidence, settled=ends_call)
        if self._cadence is not None and self._cadence.label is match.label:
            return None
        self._cadence = heard
        return heard

    def _without_end(self, step: Step) -> ToneHeard | None:
        """A tone that never pauses: number unobtainable in some countries, dial tone in most."""
        current = step.current
        if current is None or current.length_s < _ENDLESS_S or self._cadence is not None or not self._endless:
            return None
        if current.share < _ENDLESS_SHARE or (current.wander > _ENDLESS_WANDER and not current.pair_hz):
            return None
        spectrum = tuple(peaks(step.memory.get(step.now_s - _SPECTRUM_S, step.now_s)))
        if not spectrum:
            return None
        scores: list[tuple[float, Tone]] = [(spectrum_score(spectrum, t.elements[0]), t) for t in self._endless]
        score, tone = max(scores, key=lambda pair: pair[0])
        if score < _ENDLESS_SCORE:
            return None
        evidence: Evidence = {"plan": tone.country, "start_ms": round(current.start_s * 1000)}
        settled = tone.label is not Label.UNKNOWN
        reason = "unobtainable_tone" if settled else f"{tone.name}_tone"
        self._cadence = ToneHeard(tone.label, Kind.TONE, reason, 0.95, evidence, settled=settled)
        return self._cadence
