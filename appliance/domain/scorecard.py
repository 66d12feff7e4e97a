"""Scorecards: questions in sections, with weights, and what the answers of one call are worth.

Pure. An answer is a whole number, 0 to the question's `top` (a yes-no question has the top 1), or None: does not apply.
A section is worth the weighted mean of its answered questions, the call the weighted mean of its sections; what does
not apply counts for nothing and against nothing. A knock-out question that is answered 0 makes the whole call worth 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from appliance.errors import ValidationErrors

TOP_MAX, WEIGHT_MAX = 9, 100  # one digit of the keyboard
_SECTIONS_MAX, _QUESTIONS_MAX, _TEXT_MAX = 20, 60, 300

Answers = Mapping[str, int | None]


class QuestionKind(StrEnum):
    YES_NO = "yes_no"
    SCALE = "scale"


@dataclass(frozen=True)
class Question:
    """One question. `may_skip`: it may not apply to a call."""

    id: str
    text: str
    kind: QuestionKind = QuestionKind.YES_NO
    weight: int = 1
    top: int = 1
    knock_out: bool = False
    may_skip: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Section:
    """Questions under one heading."""

    title: str
    questions: tuple[Question, ...]
    weight: int = 1


@dataclass(frozen=True)
class Scorecard:
    """All questions of one version of a card."""

    sections: tuple[Section, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(question for section in self.sections for question in section.questions)


@dataclass(frozen=True)
class Score:
    """What a call is worth, 0 to 1; `knocked_out` are the questions that made it 0; `sections` None: none applied."""

    value: float
    knocked_out: tuple[str, ...]
    sections: tuple[float | None, ...]


def to_plain(card: Scorecard) -> dict[str, Any]:
    """The card as plain data."""
    return asdict(card)


def parse(plain: Mapping[str, Any]) -> Scorecard:
    """A card of plain data; raises ValidationErrors with all mistakes (fields like `sections.0.questions.2.weight`).

    A question without an id gets the first free one, so that answers of older versions keep their question.
    """
    faults: list[tuple[str, str, str]] = []
    known = {str(one.get("id") or "") for section in plain.get("sections", []) for one in section.get("questions", [])}
    sections, seen = [], set[str]()
    for n, section in enumerate(plain.get("sections", [])):
        at = f"sections.{n}"
        questions = []
        for m, one in enumerate(section.get("questions", [])):
            question = _question(one, f"{at}.questions.{m}", known, faults)
            if question.id in seen:
                faults.append((f"{at}.questions.{m}", "scorecard.twice", "A question is in the card twice."))
            seen.add(question.id)
            questions.append(question)
        title = str(section.get("title", "")).strip()[:_TEXT_MAX]
        if not title:
            faults.append((f"{at}.title", "scorecard.no_title", "Give the section a heading."))
        if not questions:
            faults.append((at, "scorecard.empty_section", "A section needs a question."))
        sections.append(Section(title, tuple(questions), _whole(section.get("weight", 1), f"{at}.weight", faults)))
    if not sections or len(sections) > _SECTIONS_MAX or len(seen) > _QUESTIONS_MAX:
        faults.append(("sections", "scorecard.bad_size", f"A card has 1 to {_QUESTIONS_MAX} questions."))
    if sections and not faults and not any(s.weight and any(q.weight for q in s.questions) for s in sections):
        faults.append(("sections", "scorecard.no_weight", "Give at least one question a weight above 0."))
    if faults:
        raise ValidationErrors(faults)
    return Scorecard(tuple(sections))


def _question(
    plain: Mapping[str, Any], at: str, known: set[str], faults: list[tuple[str, str, str]]
) -> Question:  # fmt: skip
    text = str(plain.get("text", "")).strip()[:_TEXT_MAX]
    if not text:
        faults.append((f"{at}.text", "scorecard.no_text", "Write the question."))
    kind = QuestionKind.SCALE if plain.get("kind") == QuestionKind.SCALE else QuestionKind.YES_NO
    top = 1
    if kind is QuestionKind.SCALE:
        top = _whole(plain.get("top", 5), f"{at}.top", faults, least=2, most=TOP_MAX)
    question_id = str(plain.get("id") or "")
    if not question_id:
        question_id = next(f"q{n}" for n in range(1, 1000) if f"q{n}" not in known)
        known.add(question_id)
    return Question(
        question_id[:20], text, kind, _whole(plain.get("weight", 1), f"{at}.weight", faults), top,
        knock_out=bool(plain.get("knock_out")), may_skip=bool(plain.get("may_skip")),
        hint=str(plain.get("hint", "")).strip()[:_TEXT_MAX],
    )  # fmt: skip


def _whole(value: Any, at: str, faults: list[tuple[str, str, str]], *, least: int = 0, most: int = WEIGHT_MAX) -> int:
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, str) and value.isdecimal())):
        faults.append((at, "scorecard.bad_number", f"Use a whole number from {least} to {most}."))
        return least
    if not least <= int(value) <= most:
        faults.append((at, "scorecard.bad_number", f"Use a whole number from {least} to {most}."))
        return least
    return int(value)


def check_answers(card: Scorecard, answers: Answers) -> None:
    """Raises ValidationErrors when a question is not answered, or by something that is no answer to it."""
    faults = []
    for question in card.questions:
        answer = answers.get(question.id)
        if answer is None:
            if not (question.may_skip and question.id in answers):
                faults.append((question.id, "score.unanswered", "Answer this question."))
        elif not 0 <= answer <= question.top:
            faults.append((question.id, "score.bad_answer", f"Answer 0 to {question.top}."))
    known = {question.id for question in card.questions}
    faults += [(one, "score.unknown", "The card has no such question.") for one in answers if one not in known]
    if faults:
        raise ValidationErrors(faults)


def score(card: Scorecard, answers: Answers) -> Score:
    """What the answers are worth; they have been checked."""
    knocked_out = tuple(one.id for one in card.questions if one.knock_out and answers.get(one.id) == 0)
    sections = tuple(_section(section, answers) for section in card.sections)
    parts = [(one.weight, value) for one, value in zip(card.sections, sections, strict=True) if value is not None]
    weight = sum(part[0] for part in parts)
    value = sum(part[0] * part[1] for part in parts) / weight if weight else 1.0
    return Score(0.0 if knocked_out else value, knocked_out, sections)


def _section(section: Section, answers: Answers) -> float | None:
    parts = [(one.weight, share) for one in section.questions if (share := share_of(one, answers)) is not None]
    weight = sum(part[0] for part in parts)
    return sum(part[0] * part[1] for part in parts) / weight if weight else None


def share_of(question: Question, answers: Answers) -> float | None:
    """What one question got of what it could, 0 to 1; None: it did not apply."""
    answer = answers.get(question.id)
    return None if answer is None else answer / question.top
