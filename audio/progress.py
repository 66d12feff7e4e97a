"""The early phase: what the exchange says before answer (tones, announcements, colour ring-back, nothing).

A verdict may be refined (a ring, then an announcement; an announcement, then its name) until one is final: a settled
tone, a settled name, or speech that has gone on long enough without one.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio import model, texture
from audio.analysis import CHUNK_HOPS, Step
from audio.codes import Coder, Codes
from audio.config import ListenerConfig
from audio.fingerprint import Library
from audio.labels import Kind, Label
from audio.matcher import Matcher, Named
from audio.meanings import Words
from audio.repeats import LEAST_VOICE, LONGEST_HOPS, VOICE_HOPS, Repeats
from audio.tonewatch import ToneHeard, ToneWatch
from audio.verdict import Evidence, Verdict

_CODED_AT_ONCE = 2 * CHUNK_HOPS
_LOOK_EVERY = 4
_LOOKS = 3
_MIN_TEXTURE_S = 0.8
_MIN_VOICE_S = 0.6
_MIN_VOICE_DBOV = -52.0
_SURE, _SURE_TO_CHANGE, _SURE_AFTER_RING = 0.65, 0.75, 0.9
_GUESS = 0.4
_FEW_WORDS, _OVER_HOPS = 40, 220
_LONGER_S = 4.0
_SPEECH, _MUSIC, _NEITHER = 0, 1, 2
_BY_WORDS = ("known_words", 0.95)
_SOUNDS = (
    (Label.ANNOUNCEMENT_UNKNOWN, Kind.ANNOUNCEMENT, "speech_in_early_media"),
    (Label.MUSIC, Kind.MUSIC, "music_in_early_media"),
    (Label.SILENCE, Kind.SILENCE, "nothing_heard"),
)


@dataclass(slots=True)
class _AfterSit:
    """An information tone was heard; the words that follow may say more, or only say it once more."""

    verdict: Verdict
    words_hops: int = 0
    quiet_hops: int = 0
    after_name_hops: int = 0
    looped: bool = False

    def push(self, voiced: list[bool], *, named: bool) -> None:
        """Count the hops with voice, those since the last voice, and those after a named announcement ended."""
        self.words_hops += sum(voiced)
        self.after_name_hops += sum(voiced) if named else 0
        self.quiet_hops = 0 if sum(voiced) > 2 else self.quiet_hops + len(voiced)

    def over(self, now_ms: int, wait_s: float) -> bool:
        """Whether the words came to an end, or none came."""
        if self.words_hops < _FEW_WORDS:
            return now_ms >= self.verdict.decided_at_ms + wait_s * 1000
        return self.quiet_hops >= _OVER_HOPS


class EarlyPhase:
    """Decides from early media."""

    def __init__(self, country: str | None, library: Library | None, config: ListenerConfig) -> None:
        self._config = config
        self._tones = ToneWatch(country, answered=False, probability=config.tone_probability)
        self._matcher = Matcher(library) if library and library.entries else None
        self._repeats = Repeats()
        self._coder = Coder()
        self._codes: Codes | None = None
        self._coded = 0
        """So many hops of the codes were taken."""
        self._uncoded: list[NDArray[np.float32]] = []
        """Bands of passes that were not coded yet."""
        self._voiced: list[bool] = []
        chance_s = config.library_chance_s if self._matcher else 0.0
        self._open_s = max(config.announcement_final_s, chance_s)
        self._texture = model.load("texture")
        self._words_said = Words()
        self._sounds: dict[int, list[float]] = {}
        """Shares of speech, music and neither at the looks of the pass, by the chunk's number."""
        self._looks: deque[list[float]] = deque(maxlen=_LOOKS)
        self._said: Verdict | None = None
        self._named: Named | None = None
        self._sit: _AfterSit | None = None
        self._speech_since_s: float | None = None
        self.done = False

    def look(self, steps: Sequence[Step]) -> None:
        """Measure all chunks of a pass, before each is stepped through."""
        self._code(steps)
        self._words_said.push(steps[0].block)
        due = [s for s in steps if s.number % _LOOK_EVERY == 0 and s.texture.length_s >= _MIN_TEXTURE_S]
        shares = self._texture.probabilities(texture.vectors([s.texture for s in due])).tolist() if due else []
        self._sounds = {s.number: share for s, share in zip(due, shares, strict=True)}

    def step(self, step: Step) -> list[Verdict]:
        """Verdicts that this chunk brought."""
        news = self._names(step)
        if news is not None:
            return news
        heard = self._tones.step(step)
        if heard is not None:
            return self._tone(heard, step)
        if self._sit is not None:
            return self._words(self._sit, step)
        return [] if self._named is not None else self._sound(step)

    def finish(self, step: Step) -> Verdict:
        """The last word at the end of early media."""
        self.done = True
        now_ms = round(step.now_s * 1000)
        last = self._after_sit(self._sit) if self._sit is not None and not self._sit.looped else self._said
        if last is not None and last.label is Label.ANNOUNCEMENT_UNKNOWN and (meant := self._meaning(step)) is not None:
            reason, confidence = _BY_WORDS
            last = Verdict(meant[0], last.kind, reason, confidence, now_ms, meant[1])
        if last is None:
            shares = None
            if step.texture.length_s >= _MIN_TEXTURE_S:
                shares = self._smoothed(self._texture.probabilities(step.texture.vector()).tolist())
            if shares is None or max(shares) < _GUESS:
                return Verdict(Label.UNKNOWN, Kind.SPEECH, "end_of_audio", 0.0, now_ms, final=True)
            label, kind, reason = _SOUNDS[shares.index(max(shares))]
            return Verdict(label, kind, reason, max(shares), now_ms, final=True)
        return Verdict(last.label, last.kind, last.reason, last.confidence, now_ms, last.evidence, final=True)

    def _say(
        self,
        step: Step,
        label: Label,
        kind: Kind,
        reason: str,
        confidence: float,
        evidence: Evidence,
        *,
        final: bool,
    ) -> Verdict:
        verdict = Verdict(label, kind, reason, confidence, round(step.now_s * 1000), evidence, final)
        self._said = verdict
        self.done = self.done or final
        return verdict

    def _code(self, steps: Sequence[Step]) -> None:
        """Code the pass, behind what still waits for its second chunk."""
        if self._matcher is None and self._repeats.lag_s is not None:
            return
        waiting = self._codes
        left = waiting is not None and self._coded < waiting.bits.size
        self._uncoded.append(steps[0].heard.coded_db[0])
        if self._matcher is None and not left and self._nobody_speaks(steps):
            self._codes = None
            return
        coded = self._coder.push(np.concatenate(self._uncoded))
        self._uncoded.clear()
        self._codes = waiting.part(self._coded, waiting.bits.size).followed_by(coded) if waiting and left else coded
        self._coded = 0

    def _nobody_speaks(self, steps: Sequence[Step]) -> bool:
        """Whether there is too little voice to look for words that come again: codes can wait until there is."""
        before = sum(self._voiced[-VOICE_HOPS:]) if self._voiced else self._repeats.voiced_hops
        fresh = sum(sum(step.voiced) for step in steps)
        return before + fresh < LEAST_VOICE and sum(map(len, self._uncoded)) <= LONGEST_HOPS - _CODED_AT_ONCE

    def _names(self, step: Step) -> list[Verdict] | None:
        """What the library says anew: a name, a settled one, or that a name was none after all. None for nothing."""
        self._voiced += step.voiced
        if len(self._voiced) % _CODED_AT_ONCE or self._codes is None:
            return None
        voiced, self._voiced = self._voiced, []
        first, self._coded = self._coded, self._coded + len(voiced)
        self._repeats.push(self._codes.bits[first : self._coded], voiced)
        if self._matcher is None:
            return None
        coded = self._codes.part(first, self._coded)
        headroom_db = step.speech.peak_db - step.speech.floor_db
        named = self._matcher.push(coded, np.array(voiced), headroom_db=headroom_db)
        held, self._named = self._named, named
        if named is None:
            if held is None:
                return None
            doubt: Evidence = {"resembled": held.entry.ann_id}
            label, kind = Label.ANNOUNCEMENT_UNKNOWN, Kind.ANNOUNCEMENT
            return [self._say(step, label, kind, "library_match_broke", 0.8, doubt, final=False)]
        settled = named.settled and (self._sit is None or self._sit.looped)
        if held is not None and held.entry is named.entry and not settled:
            return None
        confidence = 0.98 if settled else 0.9
        label, kind = named.entry.label, Kind.ANNOUNCEMENT
        return [self._say(step, label, kind, "library_match", confidence, _evidence(named), final=settled)]

    def _tone(self, heard: ToneHeard, step: Step) -> list[Verdict]:
        """Only the general information tone leaves its meaning to the words that follow; a typed SIT says it all."""
        info = heard.label is Label.SIT_INFO and self._matcher is not None
        final = heard.settled and not info
        label, kind = heard.label, heard.kind
        verdict = self._say(step, label, kind, heard.reason, heard.probability, heard.evidence, final=final)
        if info:
            self._sit = _AfterSit(verdict)
        return [verdict]

    def _words(self, sit: _AfterSit, step: Step) -> list[Verdict]:
        """Wait for the words after an information tone: said once they explain it, in a loop they are the word."""
        sit.push(step.voiced, named=self._named is not None and self._named.ended)
        if not sit.looped and (self._repeats.lag_s is not None or sit.after_name_hops >= _FEW_WORDS):
            sit.looped = True
            self._speech_since_s = step.now_s
            if self._named is None:
                evidence: Evidence = {"repeats_after_s": round(self._repeats.lag_s or 0.0, 2)}
                label, kind = Label.ANNOUNCEMENT_UNKNOWN, Kind.ANNOUNCEMENT
                return [self._say(step, label, kind, "same_words_again", 0.9, evidence, final=False)]
        if sit.looped:
            return [] if self._named is not None else self._sound(step)
        if not sit.over(round(step.now_s * 1000), self._config.library_wait_s):
            return []
        last = self._after_sit(sit)
        return [self._say(step, last.label, last.kind, last.reason, last.confidence, last.evidence, final=True)]

    def _after_sit(self, sit: _AfterSit) -> Verdict:
        """The information tone's verdict, with the meaning that the library gave the words after it."""
        said = sit.verdict
        if self._named is None:
            return said
        evidence = {**said.evidence, **_evidence(self._named), "meaning": str(self._named.entry.label)}
        return Verdict(said.label, said.kind, "tone_then_known_words", said.confidence, said.decided_at_ms, evidence)

    def _smoothed(self, shares: list[float]) -> list[float]:
        """Shares of speech, music and neither, smoothed over some looks."""
        self._looks.append(shares)
        return [sum(looks) / len(looks) for looks in zip(*self._looks, strict=True)]

    def _sound(self, step: Step) -> list[Verdict]:
        """Speech, music or nothing, where no tone is."""
        if step.number % _LOOK_EVERY:
            return []
        look = self._sounds.get(step.number)
        if look is None:
            self._looks.clear()
            return []
        shares = self._smoothed(look)
        confidence = max(shares)
        winner = shares.index(confidence)
        voice_s = step.texture.recent_voice[0]
        label, kind, reason = _SOUNDS[winner]
        if winner == _SPEECH and self._repeats.lag_s is not None:
            reason = "same_words_again"
        if winner != _SPEECH and confidence > _SURE:
            self._speech_since_s = None
        if confidence < self._wanted(label) or (winner == _SPEECH and voice_s < _MIN_VOICE_S):
            return []
        if winner == _SPEECH and self._speech_since_s is None:
            self._speech_since_s = step.now_s
        evidence: Evidence = {"voice_s": round(voice_s, 2)}
        if self._speech_since_s is not None and step.now_s - self._speech_since_s >= self._patience_s():
            meant = self._meaning(step) if winner == _SPEECH else None
            if meant is not None:
                label, evidence = meant
                reason, confidence = _BY_WORDS
            return [self._say(step, label, kind, reason, confidence, evidence, final=True)]
        if self._said is not None and self._said.label is label:
            return []
        early = step.now_s < self._config.silence_s or step.tone_hops >= CHUNK_HOPS
        if winner == _NEITHER and (self._said is not None or early):
            return []
        return [self._say(step, label, kind, reason, confidence, evidence, final=False)]

    def _meaning(self, step: Step) -> tuple[Label, Evidence] | None:
        """What the words mean that were said since the last tone, where that is clear."""
        since_s = max(0.0, step.now_s - step.texture.since_s)
        if self._sit is not None:
            since_s = max(since_s, self._sit.verdict.decided_at_ms / 1000)
        found = self._words_said.meaning(since_s, step.now_s)
        if found is None:
            return None
        label, score, apart = found
        return label, {"score": round(score, 1), "apart": round(apart, 1)}

    def _wanted(self, label: Label) -> float:
        said = self._said.label if self._said is not None else None
        if said is Label.RINGBACK:
            return _SURE_AFTER_RING
        return _SURE if said in (None, label) else _SURE_TO_CHANGE

    def _patience_s(self) -> float:
        """How long speech stays open for a name: longer while the library has something in mind."""
        follows = self._matcher is not None and self._matcher.follows
        return self._open_s + (_LONGER_S if follows else 0.0)


def _evidence(named: Named) -> Evidence:
    return {
        "ann_id": named.entry.ann_id,
        "likeness": round(named.likeness, 3),
        "matched_s": round(named.span_s, 2),
    }
