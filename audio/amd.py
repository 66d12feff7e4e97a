"""The answered phase: a person, a machine, a fax, or nothing.

A small model looks each 100 ms at the rhythm and colour of speech since answer (`answered.py`), a policy says when
that is enough (`decision.py`); a beep after speech, fax tones and call-progress tones decide by themselves. At the
deadline doubt is said to be doubt: `unknown`; one later word may resolve it.
"""

from audio import model
from audio.analysis import LineAnalysis, Step
from audio.answered import MIN_SINCE_S, AnsweredInputs, level_dbov, since_s, waiting
from audio.beep import BeepWatch
from audio.config import ListenerConfig
from audio.decision import Decision, Moment, Word
from audio.labels import Kind, Label
from audio.tonewatch import ToneHeard, ToneWatch
from audio.verdict import Evidence, Verdict

_FEW_HOPS = 10
_MUSIC_VOICE_S, _MUSIC_SURE = 0.8, 0.8
_DOUBTFUL = (Label.UNKNOWN, Label.SILENCE)
_LATE = "late_"


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
        self._said: Verdict | None = None
        self._late: Verdict | None = None
        self._ring: ToneHeard | None = None
        self._onset_told = False
        self.done = False

    def step(self, line: LineAnalysis, step: Step) -> list[Verdict]:
        """Verdicts that this chunk brought."""
        out: list[Verdict] = []
        for digit in step.digits:
            evidence: Evidence = {"key": digit.key, "start_ms": round(digit.start_s * 1000)}
            out.append(_verdict(line, Label.DTMF, Kind.TONE, "digit", 0.95, evidence))
        if self.done and self._said is not None and self._said.label in (Label.FAX, Label.MODEM):
            return out
        heard = None if self.done else self._tones.step(line, step)
        if heard is not None:
            if heard.settled:
                out.append(self._final(line, heard.label, heard.kind, heard.reason, heard.probability, heard.evidence))
                return out
            self._ring = heard
        out += self._beeps(line, step)
        if not self._decision.over:
            self._inputs.push(step.features, step.tonal_hops)
            out += self._decide(line)
        return out

    def finish(self, line: LineAnalysis) -> Verdict:
        """The last word at the end of the audio."""
        last = self._late or self._said
        if last is not None:
            return Verdict(last.label, last.kind, last.reason, last.confidence, last.decided_at_ms, last.evidence, True)
        return self._give_up(line, "end_of_audio")

    def _final(
        self, line: LineAnalysis, label: Label, kind: Kind, reason: str, confidence: float, evidence: Evidence
    ) -> Verdict:
        self._said = Verdict(label, kind, reason, confidence, round(line.now_s * 1000), evidence, final=True)
        self.done = True
        self._decision.told(label)
        return self._said

    def _beeps(self, line: LineAnalysis, step: Step) -> list[Verdict]:
        out: list[Verdict] = []
        for found in self._beep_watch.step(line, step):
            evidence = {
                "beep_start_ms": round(found.start_s * 1000),
                "beep_end_ms": round(found.end_s * 1000),
                "beep_hz": round(found.hz),
            }
            out.append(self._beep(line, evidence, found.probability))
        return out

    def _beep(self, line: LineAnalysis, evidence: Evidence, sure: float) -> Verdict:
        """A beep decides while the question is open, and puts a wrong or doubtful answer right later."""
        if not self.done:
            return self._final(line, Label.MACHINE, Kind.TONE, "beep_after_speech", sure, evidence)
        self._decision.told(Label.MACHINE)
        settled = self._said is None or self._said.label not in (Label.HUMAN, *_DOUBTFUL)
        if settled or self._late is not None or line.now_s > self._config.late_beep_until_s:
            return _verdict(line, Label.MACHINE, Kind.TONE, "beep", sure, evidence)
        self._late = _verdict(line, Label.MACHINE, Kind.TONE, _LATE + "beep_after_speech", sure, evidence)
        return self._late

    def _decide(self, line: LineAnalysis) -> list[Verdict]:
        speech = line.speech
        onset = self._inputs.onset_hop(speech)
        if onset is None:
            expired = line.now_s >= self._config.deadline_s and not self.done
            return [self._give_up(line, "nothing_heard")] if expired else []
        out: list[Verdict] = []
        evidence = {"onset_ms": onset * 10, "bursts": len(speech.bursts), "talk_ms": 10 * speech.voiced_hops}
        if not self._onset_told and not self.done:
            out.append(_verdict(line, Label.UNKNOWN, Kind.SPEECH, "speech_onset", 0.5, evidence))
        self._onset_told = True
        if line.now_s - onset * 0.01 < MIN_SINCE_S:
            return out
        vector = self._inputs.vector(speech)
        begun_s = float(since_s(vector))
        shares = self._model.probabilities(vector, self._model.temperature(begun_s))
        pause_s, talk_s = waiting(vector)
        word = self._decision.step(Moment(line.now_s, begun_s, pause_s, talk_s, shares, level_dbov(vector)))
        if word is not None:
            out.append(self._say(line, word, evidence))
        return out

    def _say(self, line: LineAnalysis, word: Word, evidence: Evidence) -> Verdict:
        kind = {Label.MUSIC: Kind.MUSIC, Label.SILENCE: Kind.SILENCE}.get(word.label, Kind.SPEECH)
        if not word.final and not self.done:
            return _verdict(line, word.label, kind, word.reason, word.confidence, evidence)
        if not word.final:
            self._late = _verdict(line, word.label, kind, word.reason, word.confidence, evidence)
            return self._late
        if word.label is Label.UNKNOWN:
            return self._give_up(line, word.reason)
        return self._final(line, word.label, kind, word.reason, word.confidence, evidence)

    def _give_up(self, line: LineAnalysis, reason: str) -> Verdict:
        speech = line.speech
        if self._inputs.onset_hop(speech) is None and line.tone_hops < _FEW_HOPS:
            return self._final(line, Label.SILENCE, Kind.SILENCE, reason, 0.9, {})
        if self._ring is not None:
            ring = self._ring
            return self._final(line, ring.label, ring.kind, ring.reason, ring.probability, ring.evidence)
        if line.recent_voice[0] >= _MUSIC_VOICE_S:
            music = float(self._texture.probabilities(line.texture_vector())[1])
            if music >= _MUSIC_SURE:
                return self._final(line, Label.MUSIC, Kind.MUSIC, "music_after_answer", music, {})
        evidence = {"bursts": len(speech.bursts), "talk_ms": 10 * speech.voiced_hops}
        return self._final(line, Label.UNKNOWN, Kind.SPEECH, reason, 0.0, evidence)


def _verdict(
    line: LineAnalysis, label: Label, kind: Kind, reason: str, confidence: float, evidence: Evidence
) -> Verdict:
    return Verdict(label, kind, reason, confidence, round(line.now_s * 1000), evidence)
