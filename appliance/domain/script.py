"""What an agent says, step by step: a text whose lines have a meaning, so that versions are compared line by line.

    # Greeting                      a heading begins a step
    Good day, {name}.               braces are filled in from the record
    ! recording: This call is recorded.   must be said; the key before the colon names the disclosure
    * Yes, it is me -> The debt     an answer, and the step that it leads to
    # The debt

A step without answers goes on to the next one; with answers, only where they lead. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

SCRIPT_MAX = 20_000
_HEADING = re.compile(r"#{1,3}\s+(.*)")
_ANSWER = re.compile(r"[*-]\s+(.+?)\s*(?:->|→|⟶)\s*(.+)")
_MUST = re.compile(r"!\s*(?:([a-z][a-z_]{0,39})\s*[:：]\s*)?(.*)")
_PLACEHOLDER = re.compile(r"\{([^{}\n]{1,60})\}")

PLACEHOLDERS = ("name", "amount", "external_id", "number", "currency")
"""What every record has."""


@dataclass(frozen=True)
class Answer:
    """What the customer may say, and the heading of the step that comes then."""

    text: str
    to: str


@dataclass(frozen=True)
class Must:
    """What has to be said; `key` names the disclosure, or is empty."""

    key: str
    text: str


@dataclass(frozen=True)
class Step:
    """From one heading to the next; what stands before the first heading has no title."""

    title: str
    text: str
    must: tuple[Must, ...] = ()
    answers: tuple[Answer, ...] = ()


class Fault(StrEnum):
    """What is wrong with a script."""

    UNKNOWN_PLACEHOLDER = "unknown_placeholder"
    UNREACHABLE = "unreachable"
    NO_SUCH_STEP = "no_such_step"
    TWICE = "twice"
    MISSING_DISCLOSURE = "missing_disclosure"


@dataclass(frozen=True)
class Problem:
    """`what`: the placeholder, the step or the disclosure; `step`: where it stands."""

    fault: Fault
    what: str
    step: str = ""


def parse(text: str) -> tuple[Step, ...]:
    """Cut a script at its headings. Never raises: any text is a script."""
    found: list[tuple[str, list[str], list[Must], list[Answer]]] = [("", [], [], [])]
    for line in text.splitlines():
        _title, lines, must, answers = found[-1]
        if heading := _HEADING.match(line):
            found.append((heading[1].strip(), [], [], []))
        elif answer := _ANSWER.fullmatch(line.strip()):
            answers.append(Answer(answer[1].strip(), answer[2].strip()))
        elif line.startswith("!") and (said := _MUST.fullmatch(line.strip())) and said[2].strip():
            must.append(Must(said[1] or "", said[2].strip()))
        else:
            lines.append(line)
    return tuple(
        Step(title, "\n".join(lines).strip(), tuple(must), tuple(answers))
        for title, lines, must, answers in found
        if title or must or answers or any(line.strip() for line in lines)
    )


def plain(title: str) -> str:
    """A heading for comparison."""
    return " ".join(title.casefold().split())


def following(steps: Sequence[Step], index: int) -> list[int]:
    """Where a step leads: by its answers, or to the next one when it has none."""
    places = {plain(step.title): at for at, step in reversed(list(enumerate(steps)))}
    if steps[index].answers:
        return [places[plain(answer.to)] for answer in steps[index].answers if plain(answer.to) in places]
    return [index + 1] if index + 1 < len(steps) else []


def reachable(steps: Sequence[Step]) -> set[int]:
    """The steps that an agent can come to from the first."""
    seen, waiting = set[int](), [0] if steps else []
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            waiting += following(steps, at)
    return seen


def placeholders(text: str) -> list[str]:
    """Names in braces, in order, each once."""
    return list(dict.fromkeys(match[1] for match in _PLACEHOLDER.finditer(text)))


def problems(text: str, *, known: Collection[str], disclosures: Collection[str] = ()) -> list[Problem]:
    """What to mend before it goes live: `known` placeholders, keys of `disclosures` that must be said somewhere."""
    steps, found = parse(text), list[Problem]()
    here = reachable(steps)
    titles: set[str] = set()
    for index, step in enumerate(steps):
        if index and plain(step.title) in titles:
            found.append(Problem(Fault.TWICE, step.title, step.title))
        titles.add(plain(step.title))
        if index not in here:
            found.append(Problem(Fault.UNREACHABLE, step.title, step.title))
        words = "\n".join((step.text, *(one.text for one in step.must), *(one.text for one in step.answers)))
        found += [
            Problem(Fault.UNKNOWN_PLACEHOLDER, name, step.title) for name in placeholders(words) if name not in known
        ]
    every = {plain(step.title) for step in steps}
    found += [
        Problem(Fault.NO_SUCH_STEP, answer.to, step.title)
        for step in steps for answer in step.answers if plain(answer.to) not in every
    ]  # fmt: skip
    said = {one.key for index in here for one in steps[index].must}
    found += [Problem(Fault.MISSING_DISCLOSURE, key) for key in disclosures if key not in said]
    return found
