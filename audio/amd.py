"""The answered phase: a person, a machine, a fax, or nothing.

A small model looks each 100 ms at the rhythm of speech since answer (`rhythm.amd_vector`). It may decide for a
person only in a pause (people stop and wait for us) and for a machine once it has talked on; a beep after speech,
fax tones and call-progress tones decide by themselves. At the deadline doubt is said to be doubt: `unknown`.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from audio import model
from audio.analysis import LineAnalysis, Step
from audio.beep import BeepWatch
from audio.config import ListenerConfig
from audio.labels import Kind, Label
from audio.rhythm import PAUSES, amd_vector
from audio.tonewatch import ToneHeard, ToneWatch
from audio.verdict import Evidence, Verdict

_SMOOTH_CHUNKS = 3
_MIN_PAUSE_S = 0.7
_MIN_TALK_S = 0.15
_FEW_HOPS = 10
_MUSIC_VOICE_S, _MUSIC_SURE = 0.8, 0.8
_MIN_SINCE_ONSET_S = 0.4


class AnsweredPhase:
    """Decides from the audio after answer; after its final word it only reports beeps."""

    def __init__(self, country: str | None, config: ListenerConfig) -> None:
        self._config = config
        self._tones = ToneWatch(country, answered=True, probability=config.tone_probability)
        self._beep_watch = BeepWatch()
        self._model = model.load("amd")
        self._texture = model.load("texture")
        self._said: Verdict | None = None
        self._shares: deque[NDArray[np.float32]] = deque(maxlen=_SMOOTH_CHUNKS)
        self._ring: ToneHeard | None = None
        self._onset_told = False
        self.done = False

    def step(self, line: LineAnalysis, step: Step) -> list[Verdict]:
        """Verdicts that this chunk brought."""
        out: list[Verdict] = []
        for digit in step.digits:
            evidence: Evidence = {"key": digit.key, "start_ms": round(digit.start_s * 1000)}
            out.append(self._verdict(line, Label.DTMF, Kind.TONE, "digit", 0.95, evidence))
        if self.done and self._said is not None and self._said.label in (Label.FAX, Label.MODEM):
            return out
        heard = self._tones.step(line, step)
        if heard is not None and not self.done:
            if heard.settled:
                out.append(self._final(line, heard.label, heard.kind, heard.reason, heard.probability, heard.evidence))
                return out
            self._ring = heard
        out += self._beeps(line, step)
        if not self.done:
            out += self._decide(line)
        return out

    def finish(self, line: LineAnalysis) -> Verdict:
        """The last word at the end of the audio."""
        if self._said is not None:
            last = self._said
            return Verdict(last.label, last.kind, last.reason, last.confidence, last.decided_at_ms, last.evidence, True)
        return self._give_up(line, "end_of_audio")

    def _verdict(
        self, line: LineAnalysis, label: Label, kind: Kind, reason: str, confidence: float, evidence: Evidence
    ) -> Verdict:
        return Verdict(label, kind, reason, confidence, round(line.now_s * 1000), evidence)

    def _final(
        self, line: LineAnalysis, label: Label, kind: Kind, reason: str, confidence: float, evidence: Evidence
    ) -> Verdict:
        self._said = Verdict(label, kind, reason, confidence, round(line.now_s * 1000), evidence, final=True)
        self.done = True
        return self._said

    def _beeps(self, line: LineAnalysis, step: Step) -> list[Verdict]:
        out: list[Verdict] = []
        for found in self._beep_watch.step(line, step):
            evidence = {
                "beep_start_ms": round(found.start_s * 1000),
                "beep_end_ms": round(found.end_s * 1000),
                "beep_hz": round(found.hz),
            }
            if self.done:
                out.append(self._verdict(line, Label.MACHINE, Kind.TONE, "beep", found.probability, evidence))
            else:
                out.append(self._final(line, Label.MACHINE, Kind.TONE, "beep_after_speech", found.probability, evidence))
        return out

    def _decide(self, line: LineAnalysis) -> list[Verdict]:
        out: list[Verdict] = []
        speech = line.speech
        onset = speech.onset_hop
        if onset is None:
            return [self._give_up(line, "nothing_heard")] if line.now_s >= self._config.deadline_s else out
        since_s = line.now_s - onset * 0.01
        evidence = {"onset_ms": onset * 10, "bursts": len(speech.bursts), "talk_ms": 10 * speech.voiced_hops}
        if not self._onset_told:
            self._onset_told = True
            out.append(self._verdict(line, Label.UNKNOWN, Kind.SPEECH, "speech_onset", 0.5, evidence))
        if since_s < _MIN_SINCE_ONSET_S:
            return out
        vector = amd_vector(line)
        self._shares.append(self._model.probabilities(vector))
        human, machine, _ = np.mean(self._shares, axis=0).tolist()
        config = self._config
        paused = max(vector[i] for i in PAUSES) >= _MIN_PAUSE_S and speech.voiced_hops * 0.01 >= _MIN_TALK_S
        late = self._expired(line, since_s)
        if (human >= config.human_probability and paused) or (late and human >= config.late_human_probability):
            reason = "short_greeting_then_pause" if len(speech.bursts) == 1 else "speaks_and_waits"
            out.append(self._final(line, Label.HUMAN, Kind.SPEECH, reason, human, evidence))
        elif machine >= config.machine_probability or (late and machine >= config.late_machine_probability):
            out.append(self._final(line, Label.MACHINE, Kind.SPEECH, "talks_on", machine, evidence))
        elif late:
            out.append(self._give_up(line, "deadline"))
        return out

    def _expired(self, line: LineAnalysis, since_s: float) -> bool:
        config = self._config
        if line.now_s >= config.deadline_latest_s:
            return True
        return line.now_s >= config.deadline_s and since_s >= config.deadline_speech_s

    def _give_up(self, line: LineAnalysis, reason: str) -> Verdict:
        speech = line.speech
        if not speech.bursts and line.tone_hops < _FEW_HOPS:
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
