"""The answered phase's policy: one final word, doubt said as doubt, at most one later word."""

import numpy as np
import pytest

from audio import Label, ListenerConfig
from audio.decision import CLASSES, Decision, Moment, Word

pytestmark = pytest.mark.unit
_CONFIG = ListenerConfig()


def _shares(**given: float) -> np.ndarray:
    shares = np.zeros(len(CLASSES), np.float32)
    for name, share in given.items():
        shares[CLASSES.index(Label(name))] = share
    rest = 1 - float(shares.sum())
    shares[shares == 0] = rest / max(1, int((shares == 0).sum()))
    return shares


def _say(
    shares: np.ndarray, *, until_s: float = 9.0, pause_s: float = 1.0, onset_s: float = 0.5
) -> list[tuple[float, Word]]:
    decision = Decision(_CONFIG)
    said = []
    for tick in range(6, round(until_s * 10) + 1):
        now_s = tick / 10
        word = decision.step(Moment(now_s, now_s - onset_s, pause_s, 0.6, shares))
        if word is not None:
            said.append((now_s, word))
    return said


@pytest.mark.parametrize(
    ("given", "pause_s", "label"),
    [
        ({"human": 0.97}, 1.0, Label.HUMAN),
        ({"machine": 0.999}, 0.0, Label.MACHINE),
        ({"machine": 0.1, "screening": 0.899}, 2.0, Label.MACHINE),
        ({"machine": 0.1, "ivr": 0.899}, 0.0, Label.MACHINE),
        ({"music": 0.97}, 0.0, Label.MUSIC),
    ],
)
def test_what_is_sure_is_said_before_the_deadline(given, pause_s, label) -> None:
    at, word = _say(_shares(**given), pause_s=pause_s)[0]
    assert (word.label, word.final) == (label, True)
    assert at < _CONFIG.deadline_s


def test_somebody_who_still_speaks_is_no_person_before_the_deadline() -> None:
    (before, leans), (at, word) = _say(_shares(human=0.97), pause_s=0.0)
    assert (leans.label, leans.reason, leans.final) == (Label.HUMAN, "leans", False)
    assert (word.label, word.final) == (Label.HUMAN, True)
    assert before < 2.0 <= _CONFIG.deadline_s <= at


def test_which_way_it_leans_is_told_when_that_changes() -> None:
    decision = Decision(_CONFIG)
    told: list[Label] = []
    for tick in range(10, 38):
        shares = _shares(human=0.8, machine=0.1) if tick < 20 else _shares(human=0.1, machine=0.8)
        word = decision.step(Moment(tick / 10, tick / 10, 0.0, 1.0, shares))
        told += [word.label] if word else []
    assert told == [Label.HUMAN, Label.MACHINE]
    assert not decision.over


def test_doubt_is_said_at_the_deadline_and_not_resolved_by_more_doubt() -> None:
    said = _say(_shares(human=0.4, machine=0.4, silence=0.1))
    assert [(word.label, word.final) for _, word in said] == [(Label.UNKNOWN, True)]
    assert said[0][0] == _CONFIG.deadline_s


def test_one_later_word_may_resolve_doubt() -> None:
    decision = Decision(_CONFIG)
    for tick in range(10, 42):
        word = decision.step(Moment(tick / 10, tick / 10 - 0.5, 0.0, 1.0, _shares(human=0.4, machine=0.5)))
    said = [
        word
        for tick in range(42, 95)
        if (word := decision.step(Moment(tick / 10, tick / 10 - 0.5, 0.0, 3.0, _shares(machine=0.995))))
    ]
    assert [(word.label, word.final) for word in said] == [(Label.MACHINE, False)]
    assert said[0].reason.startswith("late_")
    assert decision.over


def test_a_word_from_elsewhere_closes_the_matter_unless_it_is_doubt() -> None:
    decision = Decision(_CONFIG)
    decision.told(Label.FAX)
    assert decision.over
    assert decision.step(Moment(3.0, 2.0, 1.0, 0.5, _shares(human=0.99))) is None


def test_a_voice_too_faint_to_talk_with_is_silence_until_it_is_louder() -> None:
    decision = Decision(_CONFIG)
    said = []
    for tick in range(10, 80):
        level_dbov = -62.0 if tick < 60 else -40.0
        moment = Moment(tick / 10, tick / 10 - 0.5, 1.0, 0.6, _shares(human=0.97), level_dbov)
        if word := decision.step(moment):
            said.append((tick / 10, word.label, word.final))
    assert said == [(4.0, Label.SILENCE, True), (6.2, Label.HUMAN, False)]
