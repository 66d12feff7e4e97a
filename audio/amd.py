"""The answered phase: a person, a machine, a fax, or nothing.

A small model looks each 100 ms at the rhythm and colour of speech since answer (`answered.py`), a policy says when
that is enough (`decision.py`); a beep after speech, fax tones and call-progress tones decide by themselves. At the
deadline doubt is said to be doubt: `unknown`; one later word may resolve it. What kind of machine a machine is
(`kinds.py`) may be said with that word or after it.
"""

from collections import deque
from collections.abc import Sequence

from audio import model
from audio.analysis import CHUNK_S, Step
from audio.answered import MIN_SINCE_S, AnsweredInputs, Spoken, level_dbov, onset_hop, since_s, waiting
from audio.beep import BeepWatch
from audio.config import ListenerConfig
from audio.decision import Decision, Moment, Word
from audio.kinds import KindWatch
from audio.labels import Kind, Label
from audio.tonewatch import ToneHeard, ToneWatch
from audio.verdict import Evidence, Verdict

_FEW_HOPS = 10
MUSIC_VOICE_S, MUSIC_SURE = 0.8, 0.8
FAINT_MUSIC_LOOKS_S, FAINT_MUSIC_SURE = (6.0, 8.0), 0.9
_DOUBTFUL = (Label.UNKNOWN, Label.SILENCE)
_LATE = "late_"
_KIND_REASON = {Label.SCREENING: "asks_who_calls", Label.IVR: "offers_choices"}


class AnsweredPhase:
    """Decides from the audio after answer; after its final word it reports beeps, and once what it doubted."""

    def __init__(self, country: str | None, config: ListenerConfig) -> None:
        self._config = config
        self._tones = ToneWatch(country, answered=True, probability=config.tone_probability)
        self._model = model.load("answered")
        self._texture = model.load("texture")
        self._inputs = AnsweredInputs()
        self._beep_watch = BeepWatch()
        self._decision = Decision(config)
        self._kinds = KindWatch()
        self._beeped = False
        self._said: Verdict | None = None
        self._late: Verdict | None = None
        self._ring: ToneHeard | None = None
        self._onset_told = False
        self._spoken: Spoken | None = None
        self._looks: deque[tuple[Spoken, Moment | None]] = deque()
        self.done = False

    def look(self, steps: Sequence[Step]) -> None:
        """Measure all chunks of a pass, before each is stepped through."""
        self._looks.clear()
        if not self._kinds.over:
            self._kinds.push(steps[0].block)
        if self._decision.over:
            return
        spoken = self._inputs.push(steps[0].heard, [step.tonal_hops for step in steps])
        moments: list[Moment | None] = [None] * len(steps)
        chosen = [k for k, step in enumerate(steps) if _since_onset_s(step, spoken[k]) >= MIN_SINCE_S]
        if chosen:
            vectors = self._inputs.vectors([(spoken[k], steps[k].speech) for k in chosen])
            begun = since_s(vectors)
            shares = self._model.probabilities(vectors, self._model.temperature(begun)[:, None])
            for k, vector, begun_s, share in zip(chosen, vectors, begun.tolist(), shares, strict=True):
                pause_s, talk_s = waiting(vector)
                moments[k] = Moment(steps[k].now_s, begun_s, pause_s, talk_s, share, level_dbov(vector))
        self._looks.extend(zip(spoken, moments, strict=True))

    def step(self, step: Step) -> list[Verdict]:
        """Verdicts that this chunk brought."""
        out: list[Verdict] = []
        for digit in step.digits:
            evidence: Evidence = {"key": digit.key, "start_ms": round(digit.start_s * 1000)}
            out.append(_verdict(step, Label.DTMF, Kind.TONE, "digit", 0.95, evidence))
        looked = self._looks.popleft() if self._looks else None
        if self.done and self._said is not None and self._said.label in (Label.FAX, Label.MODEM):
            return out
        heard = None if self.done else self._tones.step(step)
        if heard is not None:
            if heard.settled:
                out.append(self._final(step, heard.label, heard.kind, heard.reason, heard.probability, heard.evidence))
                return out
            self._ring = heard
        out += self._beeps(step)
        if not self._decision.over and looked is not None:
            self._spoken, moment = looked
            out += self._decide(step, self._spoken, moment)
        return out + self._faint_music(step) + self._kind(step)

    def finish(self, step: Step) -> Verdict:
        """The last word at the end of the audio."""
        self._kind(step, last=True)
        last = self._late or self._said
        if last is not None:
            return Verdict(last.label, last.kind, last.reason, last.confidence, last.decided_at_ms, last.evidence, True)
        return self._give_up(step, "end_of_audio")

    def _final(
        self, step: Step, label: Label, kind: Kind, reason: str, confidence: float, evidence: Evidence
    ) -> Verdict:
        self._said = Verdict(label, kind, reason, confidence, round(step.now_s * 1000), evidence, final=True)
        self.done = True
        self._decision.told(label)
        return self._said

    def _beeps(self, step: Step) -> list[Verdict]:
        out: list[Verdict] = []
        for found in self._beep_watch.step(step):
            self._beeped = True
            evidence = {
                "beep_start_ms": round(found.start_s * 1000),
                "beep_end_ms": round(found.end_s * 1000),
                "beep_hz": round(found.hz),
            }
            out.append(self._beep(step, evidence, found.probability))
        return out

    def _beep(self, step: Step, evidence: Evidence, sure: float) -> Verdict:
        """A beep decides while the question is open, and puts a wrong or doubtful answer right later."""
        if not self.done:
            return self._final(step, Label.MACHINE, Kind.TONE, "beep_after_speech", sure, evidence)
        self._decision.told(Label.MACHINE)
        settled = self._said is None or self._said.label not in (Label.HUMAN, *_DOUBTFUL)
        if settled or self._late is not None or step.now_s > self._config.late_beep_until_s:
            return _verdict(step, Label.MACHINE, Kind.TONE, "beep", sure, evidence)
        self._late = _verdict(step, Label.MACHINE, Kind.TONE, _LATE + "beep_after_speech", sure, evidence)
        return self._late

    def _decide(self, step: Step, spoken: Spoken, moment: Moment | None) -> list[Verdict]:
        speech = step.speech
        onset = onset_hop(spoken, speech)
        if onset is None:
            expired = step.now_s >= self._config.deadline_s and not self.done
            return [self._give_up(step, "nothing_heard")] if expired else []
        out: list[Verdict] = []
        evidence = {"onset_ms": onset * 10, "bursts": len(speech.bursts), "talk_ms": 10 * speech.voiced_hops}
        if not self._onset_told and not self.done:
            out.append(_verdict(step, Label.UNKNOWN, Kind.SPEECH, "speech_onset", 0.5, evidence))
        self._onset_told = True
        word = self._decision.step(moment) if moment is not None else None
        if word is not None:
            out.append(self._say(step, word, evidence))
        return out

    def _say(self, step: Step, word: Word, evidence: Evidence) -> Verdict:
        kind = {Label.MUSIC: Kind.MUSIC, Label.SILENCE: Kind.SILENCE}.get(word.label, Kind.SPEECH)
        if not word.final and not self.done:
            return _verdict(step, word.label, kind, word.reason, word.confidence, evidence)
        if not word.final:
            self._late = _verdict(step, word.label, kind, word.reason, word.confidence, evidence)
            return self._late
        if word.label is Label.UNKNOWN:
            return self._give_up(step, word.reason)
        if word.label is Label.MACHINE and (found := self._kinds.look(step.now_s, beeped=self._beeped)) is not None:
            label, _ = found
            return self._final(step, label, kind, _KIND_REASON[label], word.confidence, evidence)
        return self._final(step, word.label, kind, word.reason, word.confidence, evidence)

    def _faint_music(self, step: Step) -> list[Verdict]:
        """Music too faint to be taken for a voice: silence is looked at twice more."""
        silent = self._said is not None and self._said.label is Label.SILENCE and self._late is None
        if not silent or not any(abs(step.now_s - at) < CHUNK_S / 2 for at in FAINT_MUSIC_LOOKS_S):
            return []
        music = float(self._texture.probabilities(step.texture.vector())[1])
        if music < FAINT_MUSIC_SURE:
            return []
        self._decision.told(Label.MUSIC)
        self._late = _verdict(step, Label.MUSIC, Kind.MUSIC, _LATE + "music_after_answer", music, {})
        return [self._late]

    def _kind(self, step: Step, *, last: bool = False) -> list[Verdict]:
        """What kind of machine it turns out to be, once."""
        word = self._late or self._said
        if word is not None and word.label is not Label.MACHINE and self._decision.over:
            self._kinds.stop()
        self._kinds.expire(step.now_s)
        if word is None or word.label is not Label.MACHINE or not (last or self._kinds.due(step.now_s)):
            return []
        found = self._kinds.look(step.now_s, beeped=self._beeped, last=last)
        if found is None:
            return []
        label, sure = found
        evidence: Evidence = {"sure": round(sure, 3)}
        self._late = _verdict(step, label, Kind.SPEECH, _LATE + _KIND_REASON[label], word.confidence, evidence)
        return [self._late]

    def _give_up(self, step: Step, reason: str) -> Verdict:
        speech = step.speech
        quiet = speech.onset_hop is None and not (self._spoken and self._spoken.bursts)
        if quiet and step.tone_hops < _FEW_HOPS:
            return self._final(step, Label.SILENCE, Kind.SILENCE, reason, 0.9, {})
        if self._ring is not None:
            ring = self._ring
            return self._final(step, ring.label, ring.kind, ring.reason, ring.probability, ring.evidence)
        if step.texture.recent_voice[0] >= MUSIC_VOICE_S:
            music = float(self._texture.probabilities(step.texture.vector())[1])
            if music >= MUSIC_SURE:
                return self._final(step, Label.MUSIC, Kind.MUSIC, "music_after_answer", music, {})
        evidence = {"bursts": len(speech.bursts), "talk_ms": 10 * speech.voiced_hops}
        return self._final(step, Label.UNKNOWN, Kind.SPEECH, reason, 0.0, evidence)


def _since_onset_s(step: Step, spoken: Spoken) -> float:
    """Seconds since speech began, below 0 when it has not."""
    onset = onset_hop(spoken, step.speech)
    return -1.0 if onset is None else step.now_s - onset * 0.01


def _verdict(step: Step, label: Label, kind: Kind, reason: str, confidence: float, evidence: Evidence) -> Verdict:
    return Verdict(label, kind, reason, confidence, round(step.now_s * 1000), evidence)
