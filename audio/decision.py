"""When to say what: the policy over the answered phase's probabilities. Pure, so that training replays it.

A person is said only in a pause (people stop and wait), a machine once its probability is high enough; until then it is
told which way it leans. At the deadline less is asked; what is doubtful then is `unknown`, and one more word may follow
until `late_until_s`. An assistant or a menu is a machine here; what kind it is, `kinds.py` tells.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.config import ListenerConfig
from audio.labels import Label

CLASSES = (Label.HUMAN, Label.MACHINE, Label.SCREENING, Label.IVR, Label.MUSIC, Label.SILENCE)
"""What the model tells apart, in its order."""
_HUMAN, _MACHINE, _, _IVR, _MUSIC, _SILENCE = range(len(CLASSES))
_SMOOTH = 3
_MIN_SINCE_ONSET_S = 0.4
_MIN_TALK_S = 0.15
_OTHER_SURE = 0.9
_OTHER_LATE, _OTHER_LAST = 0.8, 0.6
_FAINT_DBOV = -57.0
_FAINT_SHARES = [0.05, 0.05, 0.0, 0.0, 0.05, 0.85]
"""What so faint a voice is worth: crosstalk or the room, nobody who could be talked with."""
_LATE = "late_"
_LEANS_SURE, _LEANS_AFTER_S = 0.6, 0.7
LEANS = "leans"
"""Reason of what is told before the final word, each time the likelier of person and machine changes."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One look: seconds since answer, since speech began, of pause, of talk; probabilities [6]; the voice's level."""

    now_s: float
    since_s: float
    pause_s: float
    talk_s: float
    shares: NDArray[np.float32]
    level_dbov: float = 0.0


@dataclass(frozen=True, slots=True)
class Word:
    """What is said; `final` as in `Verdict`."""

    label: Label
    reason: str
    confidence: float
    final: bool


class Decision:
    """One answered line."""

    def __init__(self, config: ListenerConfig) -> None:
        self._config = config
        self._recent: list[list[float]] = []
        self._said: Label | None = None
        self._leans: Label | None = None
        self._over = False

    @property
    def over(self) -> bool:
        """Whether nothing more will be said, so that nothing more need be measured."""
        return self._over

    def told(self, label: Label) -> None:
        """The final word came from elsewhere (a tone, a beep, nothing heard): only doubt may still be resolved."""
        self._said = label
        self._over = label not in (Label.UNKNOWN, Label.SILENCE)

    def step(self, moment: Moment) -> Word | None:
        """The word this look brings, if any."""
        if self._over or moment.since_s < _MIN_SINCE_ONSET_S:
            return None
        heard = _FAINT_SHARES if moment.level_dbov < _FAINT_DBOV else moment.shares.tolist()
        self._recent = [*self._recent[1 - _SMOOTH :], heard]
        shares = [sum(looks) / len(looks) for looks in zip(*self._recent, strict=True)]
        word = self._first(moment, shares) if self._said is None else self._later(moment, shares)
        if word is not None and word.final:
            self._said = word.label
            self._over = word.label in (Label.HUMAN, Label.MACHINE, Label.MUSIC)
        elif word is not None and self._said is not None:
            self._over = True
        if moment.now_s >= self._config.late_until_s:
            self._over = True
        return word

    def _expired(self, moment: Moment) -> bool:
        config = self._config
        if moment.now_s >= config.deadline_latest_s:
            return True
        return moment.now_s >= config.deadline_s and moment.since_s >= config.deadline_speech_s

    def _first(self, moment: Moment, shares: list[float]) -> Word | None:
        """The final word, or None while it is open."""
        config, late = self._config, self._expired(moment)
        human, machine = shares[_HUMAN], sum(shares[_MACHINE : _IVR + 1])
        if self._waits(moment) and human >= config.human_probability:
            return Word(Label.HUMAN, "greets_and_waits", human, final=True)
        if machine >= (config.late_machine_probability if late else config.machine_probability):
            return Word(Label.MACHINE, "talks_on", machine, final=True)
        for place in (_MUSIC, _SILENCE):
            if shares[place] >= (_OTHER_LATE if late else _OTHER_SURE) and (late or moment.since_s >= 2.0):
                return Word(CLASSES[place], "no_speech", shares[place], final=True)
        if not late:
            return self._leaning(moment, human, machine)
        if human >= config.late_human_probability:
            return Word(Label.HUMAN, "greets_and_waits", human, final=True)
        return Word(Label.UNKNOWN, "deadline", 0.0, final=True)

    def _leaning(self, moment: Moment, human: float, machine: float) -> Word | None:
        """What it would be if it had to be said now; told when it changes, for who prepares or only measures."""
        label, share = (Label.HUMAN, human) if human >= machine else (Label.MACHINE, machine)
        if label is self._leans or share < _LEANS_SURE or moment.since_s < _LEANS_AFTER_S:
            return None
        self._leans = label
        return Word(label, LEANS, share, final=False)

    def _later(self, moment: Moment, shares: list[float]) -> Word | None:
        """One word after the final one: doubt resolved."""
        config = self._config
        last = moment.now_s >= config.late_until_s
        human, machine = shares[_HUMAN], sum(shares[_MACHINE : _IVR + 1])
        if (self._waits(moment) and human >= config.human_probability) or (last and human >= config.last_probability):
            return Word(Label.HUMAN, _LATE + "greets_and_waits", human, final=False)
        if machine >= (config.last_machine_probability if last else config.late_machine_probability):
            return Word(Label.MACHINE, _LATE + "talks_on", machine, final=False)
        place = max((_MUSIC, _SILENCE), key=shares.__getitem__)
        if self._said is Label.UNKNOWN and last and shares[place] >= _OTHER_LAST:
            return Word(CLASSES[place], _LATE + "no_speech", shares[place], final=False)
        return None

    def _waits(self, moment: Moment) -> bool:
        return moment.pause_s >= self._config.pause_s and moment.talk_s >= _MIN_TALK_S
