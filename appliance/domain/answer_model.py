"""How likely a number is to be answered now: by what it did before, by the hour, by its line type.

A logistic sum of effects, one for each level of each feature, drawn towards zero (a prior of _SHRINK answers' worth of
information) and learnt one attempt at a time by diagonal Fisher scoring; old attempts weigh less and less. Small enough
to be kept per campaign. What is left of its error over all numbers, the pacer's own factor takes out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SHRINK = 4.0
_MEMORY = 4000.0
"""Information (in p(1-p) of attempts) that one effect keeps at most."""
_FIRST_CHANCE = 0.35
_SHARE_PRIOR_ANSWERS, _SHARE_PRIOR_TRIES = 0.7, 2.0
_SHARE_BINS = 8
_TRIES_TOLD_APART = 6
_LOGIT_MAX = 5.0
_CALIBRATION_BINS = 10
_CALIBRATION_MEMORY = 5000.0
"""Attempts by which the model's word is judged."""


@dataclass(frozen=True)
class NumberHistory:
    """What is known of a number before a dial. `hour`: 0-23 in its own zone; `last_outcome`: of types.Outcome or ''."""

    tries: int = 0
    answers: int = 0
    last_outcome: str = ""
    hour: int = -1
    line_type: str = ""

    def levels(self) -> tuple[str, ...]:
        """Names of the effects that apply."""
        tries, answers = max(0, self.tries), min(max(0, self.answers), max(0, self.tries))
        share = (answers + _SHARE_PRIOR_ANSWERS) / (tries + _SHARE_PRIOR_TRIES)
        return (
            "all", f"share {int(share * _SHARE_BINS)}", f"tries {min(tries, _TRIES_TOLD_APART)}",
            f"record {min(answers, _TRIES_TOLD_APART)}/{min(tries, _TRIES_TOLD_APART)}", f"last {self.last_outcome}",
            f"hour {self.hour}", f"line {self.line_type}", f"hour {self.hour} {self.line_type}",
        )  # fmt: skip


@dataclass(frozen=True)
class Calibration:
    """How far the model's word is to be believed. `error`: mean distance of foretold and found answer shares."""

    attempts: float = 0.0
    foretold: float = 0.0
    answered: float = 0.0
    error: float = 0.0


class AnswerModel:
    """Learns answer chances of one campaign."""

    def __init__(self) -> None:
        self._effects: dict[str, list[float]] = {}  # level -> [effect, information]
        self._judged = [[0.0, 0.0, 0.0] for _ in range(_CALIBRATION_BINS)]  # attempts, answers foretold, answers

    def chance(self, history: NumberHistory) -> float:
        """Return the chance (0..1) that a dial of this number now is answered."""
        first = math.log(_FIRST_CHANCE / (1.0 - _FIRST_CHANCE))
        total = first + sum(self._effects[x][0] for x in history.levels() if x in self._effects)
        return 1.0 / (1.0 + math.exp(-max(-_LOGIT_MAX, min(_LOGIT_MAX, total))))

    def learn(self, history: NumberHistory, answered: bool) -> None:
        """Take the end of one attempt; `history` is that before the dial."""
        chance = self.chance(history)
        self._judge(chance, answered)
        missed, information = float(answered) - chance, chance * (1.0 - chance)
        levels = history.levels()
        for level in levels:
            effect = self._effects.setdefault(level, [0.0, 0.0])
            effect[1] = min(_MEMORY, effect[1] + information)
            effect[0] += missed / (effect[1] + _SHRINK) / (1.0 if level == "all" else 2.0)

    def _judge(self, chance: float, answered: bool) -> None:
        keep = 1.0 - 1.0 / _CALIBRATION_MEMORY
        self._judged = [[x * keep for x in one] for one in self._judged]
        one = self._judged[min(_CALIBRATION_BINS - 1, int(chance * _CALIBRATION_BINS))]
        one[0] += 1.0
        one[1] += chance
        one[2] += float(answered)

    @property
    def calibration(self) -> Calibration:
        """What was foretold of the last attempts, before each was learnt, against what became of them."""
        attempts, foretold, answered = (sum(one[k] for one in self._judged) for k in range(3))
        error = sum(abs(one[1] - one[2]) for one in self._judged) / max(1.0, attempts)
        return Calibration(attempts, foretold / max(1.0, attempts), answered / max(1.0, attempts), error)

    def to_plain(self) -> dict[str, Any]:
        """Return the model as JSON data."""
        effects = {level: list(effect) for level, effect in self._effects.items()}
        return {"effects": effects, "judged": [list(one) for one in self._judged]}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> AnswerModel:
        """Make a model from what `to_plain` gave. Raises KeyError, TypeError or ValueError for spoilt data."""
        made = cls()
        made._effects = {str(k): [float(v[0]), float(v[1])] for k, v in plain["effects"].items()}
        judged = [[float(x) for x in one] for one in plain["judged"]]
        if [len(one) for one in judged] != [3] * _CALIBRATION_BINS:
            raise ValueError("a calibration of another shape")
        made._judged = judged
        return made
