"""A profile from a captured terminal session: only what stands in the transcript, made general in its numbers.

What means "up" is learned from evidence, not guessed: a state's word is *up* where the port's block says that there is
no alarm, and *down* where it names one. A transcript that shows both makes a complete profile.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import tomlkit

from drivers.console.text import unerased
from drivers.lines import Alarm, LineKind

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
_PROMPT = re.compile(r"^([A-Za-z][\w.-]*)([>#$%]) ?(.*)$")
_LOGIN = re.compile(r"^ *((?:user ?name|login|password) ?: ?)", re.IGNORECASE)
_PAGER = re.compile(r"(-+ ?more ?-+|press any key[^\n]*)", re.IGNORECASE)
_HEADER = re.compile(
    r"^( *(?:E1|Port|Span|Trunk|Line|PRI|Controller|FXO|Interface)[ #:]*(?:E1 )?)(\d[\d/]*)(\W+(?:is|state|status)?\W*)"
    r"([A-Za-z][A-Za-z -]*?)(\.?) *$",
    re.IGNORECASE,
)
_CLEAR = re.compile(
    r"(?i)\bno (?:active )?(?:alarm|defect|fault)|(?:alarm|defect|fault)s? *:? *(?:none|clear|normal|ok)\b"
)
_ALARM_WORDS = (
    (re.compile(r"(?i)t(?:ime)? ?s(?:lot)? ?16"), Alarm.T16AIS),
    (re.compile(r"(?i)send|transmit"), None),
    (re.compile(r"(?i)loss of signal|\blos\b"), Alarm.LOS),
    (re.compile(r"(?i)multi-?frame|\blomf\b|\blmfa\b"), Alarm.LOMF),
    (re.compile(r"(?i)loss of frame|\blof\b|\blfa\b"), Alarm.LOF),
    (re.compile(r"(?i)\bais\b|all ones"), Alarm.AIS),
    (re.compile(r"(?i)remote alarm|\brai\b|yellow"), Alarm.RAI),
    (re.compile(r"(?i)loop-?(?:back|ed)"), Alarm.LOOP),
)
_FIGURES = {
    "elapsed_s": r"(?i)(?:seconds|secs) elapsed|elapsed",
    "ses": r"(?i)sever\w* err\w*(?: sec\w*)?|\bses\b",
    "es": r"(?i)err\w* sec\w*|\bes\b",
    "uas": r"(?i)unavail\w*(?: sec\w*)?|\buas\b",
    "css": r"(?i)(?:controlled )?slip\w*(?: sec\w*)?|\bcss\b",
    "lcv": r"(?i)line code viol\w*|\blcv\b|\bbpv\b",
    "pcv": r"(?i)path code viol\w*|\bpcv\b|crc-?4? err\w*",
}
_HISTORY = re.compile(r"(?i)^ *(?:total|last 24|interval \d|data in interval \d)")


class CaptureError(ValueError):
    """A transcript that shows no line's state; the message says what it lacks."""


@dataclass
class _Found:
    """What a command's answer showed."""

    command: str
    blocks: list[tuple[re.Match[str], list[str]]] = field(default_factory=list)


def profile_from(transcript: str, *, make: str, model: str, profile_id: str, kind: LineKind = LineKind.E1) -> str:
    """The TOML text of a profile. Raises :class:`CaptureError` with what the transcript lacks."""
    text = _ANSI.sub("", transcript).replace("\r\n", "\n")
    lines = [unerased(line).rstrip() for line in text.split("\n")]
    prompts = Counter(found[1] for line in lines if (found := _PROMPT.match(line)))
    if not prompts:
        raise CaptureError("no prompt (a name and # or >) stands in the transcript; capture from the login on")
    answers = [found for found in _answers(lines, prompts.most_common(1)[0][0]) if found.blocks]
    if not answers:
        raise CaptureError("no answer names a port and its state; capture the command that shows the lines")
    document = tomlkit.document()
    document.add(tomlkit.comment(f"Made from a transcript of {make} {model}; nothing here was invented."))
    document.update(
        {
            "id": profile_id,
            "make": make,
            "model": model,
            "kind": str(kind),
            "sources": ["a transcript captured on site"],
        }
    )
    console: dict[str, Any] = {"prompt": r"(?P<host>[A-Za-z][\w.-]*)[>#$%] ?"}
    steps = list(dict.fromkeys(found[1] for line in lines if (found := _LOGIN.match(line))))
    if steps:
        console["login"] = [
            {"expect": re.escape(step), "send": "{password}" if "assword" in step else "{user}"} for step in steps
        ]
    if pager := _PAGER.search(text):
        console["pager"] = " ?" + re.escape(pager[1]) + " ?"
    console["sections"] = [_section(answers[0])]
    document["console"] = console
    return tomlkit.dumps(document)


def _answers(lines: list[str], host: str) -> list[_Found]:
    found: list[_Found] = []
    ended = False
    for line in lines:
        prompt = _PROMPT.match(line)
        if prompt and prompt[1] == host:
            found.append(_Found(prompt[3].strip()))
        elif found:
            header = _HEADER.match(line)
            if header:
                found[-1].blocks.append((header, []))
                ended = False
            elif _HISTORY.match(line):
                ended = True
            elif found[-1].blocks and not ended and line.strip():
                found[-1].blocks[-1][1].append(line)
    return [answer for answer in found if answer.command]


def _section(found: _Found) -> dict[str, Any]:
    header = found.blocks[0][0]
    up, down, clear, harmless = set(), set(), [], set()
    alarms: dict[str, Alarm | None] = {}
    for head, lines in found.blocks:
        clear_here = [line for line in lines if _CLEAR.search(line)]
        alarms_here = {line: alarm for line in lines if line not in clear_here for alarm in _alarm(line)}
        named = {alarm for alarm in alarms_here.values() if alarm is not None}
        if clear_here and not named:
            up.add(head[4])
            clear += clear_here
            harmless |= {line for line in lines if line not in clear_here and not _figures(line)}
        elif named:
            down.add(head[4])
            alarms |= alarms_here
    if not up - down:
        raise CaptureError("no port is shown without an alarm; capture once while a line is well, or 'up' is not known")
    section: dict[str, Any] = {
        "command": found.command,
        "block": f"^{re.escape(header[1])}(?P<port>[\\d/]+){re.escape(header[3])}(?P<state>[A-Za-z][A-Za-z -]*?)\\.?$",
        "end": "^ *(?:[Tt]otal|[Ll]ast 24|[Ii]nterval \\d|Data in [Ii]nterval \\d)",
        "up": sorted(up - down),
        "down": sorted(down),
        "clear": _general(clear[0]),
        "alarms": [
            {"pattern": _general(line)} | ({"alarm": str(alarm)} if alarm else {}) for line, alarm in alarms.items()
        ],
        "ignore": sorted({_general(line) for line in harmless})[:40],
        "fields": {},
    }
    for line in (line for _, lines in found.blocks[:1] for line in lines):
        section["fields"] |= _figures(line)
    return section


def _alarm(line: str) -> list[Alarm | None]:
    trouble = any(pattern.search(line) for pattern, alarm in _ALARM_WORDS if alarm is not None)
    return [alarm for pattern, alarm in _ALARM_WORDS if pattern.search(line)][:1] if trouble else []


def _general(line: str) -> str:
    """A pattern for exactly this line, whatever its numbers."""
    return "^" + re.sub(r"\d+", r"\\d+", re.escape(line.strip()).replace(r"\ ", " ")).join((" *", " *$"))


def _figures(line: str) -> dict[str, str]:
    """Patterns of the counters on a line, with the words as they stand there."""
    fields: dict[str, str] = {}
    taken: list[tuple[int, int]] = []
    for name, words in _FIGURES.items():
        for form in (rf"(\d+) ({words[4:]})", rf"({words[4:]})(\W{{1,4}})(\d+)"):
            found = re.search(f"(?i){form}", line)
            if found is None or any(found.start() < end and start < found.end() for start, end in taken):
                continue
            taken.append(found.span())
            groups = found.groups()
            if groups[0].isdigit():
                fields[name] = f"(\\d+) {re.escape(groups[1])}\\b"
            else:
                fields[name] = f"\\b{re.escape(groups[0])}{re.escape(groups[1])}(\\d+)"
            break
    return {name: pattern.replace(r"\ ", " ") for name, pattern in fields.items()}
