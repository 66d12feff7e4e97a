"""The early phase: what the exchange says before answer (tones, announcements, colour ring-back, nothing)."""

from audio import model
from audio.analysis import CHUNK_HOPS, LineAnalysis, Step
from audio.config import ListenerConfig
from audio.fingerprint import Library
from audio.labels import Kind, Label
from audio.matcher import Matcher, Named
from audio.tonewatch import ToneHeard, ToneWatch
from audio.verdict import Evidence, Verdict

_TEXTURE_EVERY = 2
_MIN_VOICE_S = 0.8
_MAX_TONE_S = 0.6
_SURE, _SURE_AFTER_RING = 0.75, 0.9
_MUSIC, _SPEECH = 1, 0


class EarlyPhase:
    """Decides from early media. A verdict of a settled tone or a named announcement is final; a ring is not."""

    def __init__(self, country: str | None, library: Library | None, config: ListenerConfig) -> None:
        self._config = config
        self._tones = ToneWatch(country, answered=False, probability=config.tone_probability)
        self._matcher = Matcher(library) if library and library.entries else None
        chance_s = config.library_chance_s if self._matcher else 0.0
        self._open_s = max(config.announcement_final_s, chance_s)
        self._texture = model.load("texture")
        self._said: Verdict | None = None
        self._named: Named | None = None
        self._news: list[Verdict] = []
        self._pending_sit: Verdict | None = None
        self._chunks = 0
        self._speech_since_s: float | None = None
        self.done = False

    def step(self, line: LineAnalysis, step: Step) -> list[Verdict]:
        """Verdicts that this chunk brought."""
        self._chunks += 1
        if self._matcher is not None and self._listen_for_names(self._matcher, line, step):
            return self._news
        heard = self._tones.step(line, step)
        if heard is not None:
            return self._tone(heard, line)
        if self._pending_sit is not None:
            return self._await_library(line)
        return self._sound(line)

    def finish(self, line: LineAnalysis) -> Verdict:
        """The last word at the end of early media."""
        self.done = True
        now_ms = round(line.now_s * 1000)
        last = self._pending_sit or self._said
        if last is not None:
            return Verdict(last.label, last.kind, last.reason, last.confidence, now_ms, last.evidence, final=True)
        if line.speech.voiced_hops < 3 * CHUNK_HOPS:
            return Verdict(Label.SILENCE, Kind.SILENCE, "nothing_heard", 0.8, now_ms, final=True)
        return Verdict(Label.UNKNOWN, Kind.SPEECH, "end_of_audio", 0.0, now_ms, final=True)

    def _say(
        self,
        line: LineAnalysis,
        label: Label,
        kind: Kind,
        reason: str,
        confidence: float,
        evidence: Evidence,
        *,
        final: bool,
    ) -> Verdict:
        verdict = Verdict(label, kind, reason, confidence, round(line.now_s * 1000), evidence, final)
        self._said = verdict
        self.done = self.done or final
        return verdict

    def _listen_for_names(self, matcher: Matcher, line: LineAnalysis, step: Step) -> bool:
        """Whether the library has the word: a name holds, or was just withdrawn. `_news` is what there is to say."""
        self._news = []
        headroom_db = line.speech.peak_db - line.speech.floor_db
        named = matcher.push(step.features.spectrum_db[0], voiced=step.voiced, headroom_db=headroom_db)
        held, self._named = self._named, named
        if named is None:
            if held is None:
                return False
            label, kind, evidence = Label.ANNOUNCEMENT_UNKNOWN, Kind.ANNOUNCEMENT, {"ann_id": held.entry.ann_id}
            self._news = [self._say(line, label, kind, "library_match_broke", 0.8, evidence, final=False)]
        elif held is None or held.entry is not named.entry or named.settled:
            self._news = [self._name(named, line)]
        return True

    def _name(self, named: Named, line: LineAnalysis) -> Verdict:
        evidence: Evidence = {
            "ann_id": named.entry.ann_id,
            "likeness": round(named.likeness, 3),
            "matched_s": round(named.span_s, 2),
        }
        confidence = 0.98 if named.settled else 0.9
        label, kind, final = named.entry.label, Kind.ANNOUNCEMENT, named.settled
        return self._say(line, label, kind, "library_match", confidence, evidence, final=final)

    def _tone(self, heard: ToneHeard, line: LineAnalysis) -> list[Verdict]:
        """Only the general information tone leaves its meaning to the words that follow; a typed SIT says it all."""
        wait = heard.label is Label.SIT_INFO and self._matcher is not None
        verdict = self._say(
            line,
            heard.label,
            heard.kind,
            heard.reason,
            heard.probability,
            heard.evidence,
            final=heard.settled and not wait,
        )
        if wait:
            self._pending_sit = verdict
        return [verdict]

    def _await_library(self, line: LineAnalysis) -> list[Verdict]:
        sit = self._pending_sit
        if sit is None or line.now_s * 1000 < sit.decided_at_ms + self._config.library_wait_s * 1000:
            return []
        return [self._say(line, sit.label, sit.kind, sit.reason, sit.confidence, sit.evidence, final=True)]

    def _sound(self, line: LineAnalysis) -> list[Verdict]:
        """Speech, music or nothing, where no tone is."""
        voice_s, tone_s = line.recent_voice
        if self._said is None and not line.speech.bursts and line.tone_hops < CHUNK_HOPS:
            if line.now_s >= self._config.silence_s:
                return [self._say(line, Label.SILENCE, Kind.SILENCE, "nothing_heard", 0.9, {}, final=False)]
            return []
        if voice_s < _MIN_VOICE_S or tone_s > _MAX_TONE_S or self._chunks % _TEXTURE_EVERY:
            return []
        shares = self._texture.probabilities(line.texture_vector())
        winner = int(shares.argmax())
        confidence = float(shares[winner])
        rang = self._said is not None and self._said.label is Label.RINGBACK
        if confidence < (_SURE_AFTER_RING if rang else _SURE) or winner not in (_SPEECH, _MUSIC):
            return []
        label = Label.ANNOUNCEMENT_UNKNOWN if winner == _SPEECH else Label.MUSIC
        kind = Kind.ANNOUNCEMENT if winner == _SPEECH else Kind.MUSIC
        if label is Label.MUSIC:
            self._speech_since_s = None
        elif self._speech_since_s is None:
            self._speech_since_s = line.now_s
        evidence = {"voice_s": round(voice_s, 2)}
        if self._speech_since_s is not None and line.now_s - self._speech_since_s >= self._open_s:
            return [self._say(line, label, kind, "speech_in_early_media", confidence, evidence, final=True)]
        if self._said is not None and self._said.label is label:
            return []
        reason = "speech_in_early_media" if winner == _SPEECH else "music_in_early_media"
        return [self._say(line, label, kind, reason, confidence, evidence, final=False)]
