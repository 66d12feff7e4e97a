"""How far people agree who scored the same: per cent, and Cohen's kappa, which takes off what chance alone would give.

Cohen, J. (1960): A coefficient of agreement for nominal scales. Educational and Psychological Measurement 20, 37-46.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

Answered = Mapping[str, Hashable]


@dataclass(frozen=True)
class Agreement:
    """`share` of equal answers, 0 to 1; `kappa` -1 to 1, None where nothing can be said: every answer was the same one.

    With more than two people both are means over all pairs of them. `questions`: the share question by question.
    """

    share: float
    kappa: float | None
    questions: dict[str, float]


def share_equal(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """Share of places at which two lists of the same length are equal; raises ValueError for empty ones."""
    if not first or len(first) != len(second):
        raise ValueError("two lists of one length, not empty")
    return sum(a == b for a, b in zip(first, second, strict=True)) / len(first)


def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Kappa of two people's answers to the same things; None when both always gave one and the same answer."""
    observed = share_equal(first, second)
    ours, theirs, total = Counter(first), Counter(second), len(first)
    by_chance = sum(ours[answer] * theirs[answer] for answer in ours) / total**2
    return None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)


def agreement(people: Sequence[Answered]) -> Agreement | None:
    """How far people agree on the questions that all of them answered; None for fewer than two or no such question."""
    if len(people) < 2:
        return None
    shared = [question for question in people[0] if all(question in one for one in people)]
    if not shared:
        return None
    pairs = list(combinations(people, 2))
    lists = [([one[q] for q in shared], [other[q] for q in shared]) for one, other in pairs]
    kappas = [kappa for kappa in (cohens_kappa(*pair) for pair in lists) if kappa is not None]
    return Agreement(
        share=sum(share_equal(*pair) for pair in lists) / len(pairs),
        kappa=sum(kappas) / len(kappas) if kappas else None,
        questions={q: sum(one[q] == other[q] for one, other in pairs) / len(pairs) for q in shared},
    )
