"""Answers of a card -> :class:`LineStatus`, by the profile's words.

A line is called up only on positive evidence: the state's word, the profile's words for "no alarm", every field read
exactly once, and no line left over that speaks of trouble. Anything else is an error that says which words were not
understood; it never becomes "up". A state word that means down is believed even when the reason is not understood.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from drivers.lines import Alarm, ChannelState, Counters, Fxo, LineKind, LineStatus, ReaderError, doubted
from drivers.profiles import Profile, Section

SLOTS = 31
_SIGNALLING_SLOT = 16
_INTERVAL_S = 900
_SUSPICIOUS = re.compile(r"(?i)alarm|loss|lost|loop|fail|error|remote|down|\bais\b|\blo[sf]\b|\brai\b|disabled|shut")
_DIGITS = 10


@dataclass
class _Block:
    port: str
    state: str
    lines: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    """What stands behind the block's end: history, and what a spoilt answer left of the next port."""


@dataclass
class _Read:
    """What the words of one block said."""

    values: dict[str, list[str]]
    alarms: set[Alarm]
    clear: int
    strange: list[str]
    """Lines no pattern explains that speak of trouble."""
    wrong: str = ""


def parse(profile: Profile, answers: Sequence[str], *, card: str, taken_at_unix_s: float) -> tuple[LineStatus, ...]:
    """Read the answers to the profile's sections, in their order; later ones may be empty.

    Raises :class:`ReaderError` (``line.not_understood``) when the first answer holds no line at all or the same port
    twice. A single line that is not understood carries its own ``error``.
    """
    words = profile.console
    if words is None:
        raise ReaderError("line.no_console", f"Profile {profile.id} has no words for a console; use its other reader.")
    main, *others = words.sections
    blocks = _blocks(main, answers[0])
    if not blocks:
        start = answers[0].strip().split("\n")[0][:80]
        raise ReaderError(
            "line.not_understood",
            f"{card}: the answer to {main.command!r} names no port. It begins {start!r}. Another firmware? Make a "
            "profile of its transcript (callbox line profile-from).",
        )
    more = [
        {block.port: block for block in _blocks(section, text)}
        for section, text in zip(others, answers[1:], strict=False)
    ]
    lines = []
    for block in blocks:
        extra = [(section, by[block.port]) for section, by in zip(others, more, strict=False) if block.port in by]
        lines.append(_line(profile, main, block, extra, card, taken_at_unix_s))
    return tuple(lines)


def _blocks(section: Section, text: str) -> list[_Block]:
    start, end = re.compile(section.block), re.compile(section.end) if section.end else None
    blocks: list[_Block] = []
    seen: set[str] = set()
    ended, prefix = False, ""
    for line in text.split("\n"):
        if found := start.search(line):
            prefix = line[: found.start("port")]
            block = _Block(found["port"], found.groupdict().get("state") or "")
            if block.port in seen:
                raise ReaderError("line.not_understood", f"Port {block.port} is named twice in one answer: garbled.")
            seen.add(block.port)
            blocks.append(block)
            ended = False
        elif end is not None and end.search(line):
            ended = True
        elif blocks and line.strip():
            spoilt = bool(prefix.strip()) and line.startswith(prefix)  # begins like a port, and names none
            (blocks[-1].after if ended or spoilt else blocks[-1].lines).append(line)
            if spoilt:
                ended = True
    return blocks


def _read(section: Section, block: _Block) -> _Read:
    fields = {name: re.compile(pattern) for name, pattern in section.fields.items()}
    alarms = [(re.compile(words.pattern), words.alarm) for words in section.alarms]
    ignore = [re.compile(pattern) for pattern in section.ignore]
    clear = re.compile(section.clear) if section.clear else None
    read = _Read({}, set(), 0, [])
    for line in block.lines:
        explained = any(pattern.search(line) for pattern in ignore)
        for name, pattern in fields.items():
            if found := pattern.findall(line):
                read.values.setdefault(name, []).extend(found)
                explained = True
        for pattern, alarm in alarms:
            if pattern.search(line):
                explained = True
                read.alarms |= {alarm} if alarm is not None else set()
        if clear is not None and clear.search(line):
            read.clear += 1
            explained = True
        if not explained and _SUSPICIOUS.search(line):
            read.strange.append(line.strip()[:80])
    down = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in section.down) or r"(?!)")
    read.strange += [line.strip()[:80] for line in block.after if down.search(line)]
    read.wrong = _missing(section, read)
    return read


def _missing(section: Section, read: _Read) -> str:
    for name in section.fields:
        count = len(read.values.get(name, ()))
        if count == 0 and name not in section.optional:
            return f"{name} is not in the answer to {section.command!r}; the firmware may use other words"
        if count > 1 and name not in section.repeated:
            return f"{name} is in the answer to {section.command!r} {count} times; it was garbled"
    return ""


def _line(
    profile: Profile,
    main: Section,
    block: _Block,
    extra: list[tuple[Section, _Block]],
    card: str,
    taken_at_unix_s: float,
) -> LineStatus:
    read = _read(main, block)
    status = LineStatus(
        line_id=f"{card}:{block.port}",
        kind=profile.kind,
        name=f"{profile.make} {block.port}",
        up=None,
        alarms=frozenset(read.alarms),
        d_channel_l1=None,
        d_channel_l2=None,
        channels=(),
        in_use=None,
        counters=None,
        fxo=None,
        source="console",
        taken_at_unix_s=taken_at_unix_s,
    )
    up, error = _state(main, block, read)
    values = {name: _yes(main, name, found_words) for name, found_words in read.values.items()}
    for section, found in extra:
        second = _read(section, found)
        error = error or second.wrong
        values |= {name: _yes(section, name, found_words) for name, found_words in second.values.items()}
    if error and up is not False:
        return doubted(status, f"{card}:{block.port}: {error}.")
    try:
        known = doubted(replace(status, up=up), f"{card}:{block.port}: {error}." if error else "")
        return _filled(known, values)
    except ValueError as garbled:
        return doubted(status, f"{card}:{block.port}: {garbled}; the answer was garbled.", "line.noise")


def _state(section: Section, block: _Block, read: _Read) -> tuple[bool | None, str]:
    """Whether the line is up, and what was not understood."""
    if block.state in section.down:
        strange = f"it says {read.strange[0]!r}, which the profile does not know" if read.strange else ""
        silent = "" if read.alarms or read.clear else "it is down, and gives no reason that the profile knows"
        return False, read.wrong or strange or silent
    if block.state not in section.up:
        return None, f"the state {block.state!r} is not known to the profile"
    if read.wrong:
        return None, read.wrong
    if read.strange:
        return None, f"it says {read.strange[0]!r}, which the profile does not know"
    if read.alarms and read.clear:
        return None, "it names an alarm and says that there is none"
    if read.alarms:
        return False, ""
    if read.clear != 1:
        return None, "the words for 'no alarm' are not there; the firmware may use others"
    return True, ""


def _yes(section: Section, name: str, values: list[str]) -> list[str]:
    known = section.true.get(name)
    return values if known is None else ["1" if value in known else "0" for value in values]


def _filled(status: LineStatus, values: dict[str, list[str]]) -> LineStatus:
    """Fill in figures. Raises ``ValueError`` for figures that cannot be."""
    layer1, layer2 = _flag(values, "d_channel_l1"), _flag(values, "d_channel_l2")
    channels: tuple[ChannelState, ...] = ()
    in_use = None
    if status.kind is LineKind.E1 and layer1 is not None:
        busy, blocked = _slots(values, "busy"), _slots(values, "blocked")
        channels = tuple(_slot(slot, busy, blocked, down=status.up is False) for slot in range(1, SLOTS + 1))
        in_use = len(busy)
    counters = None
    if "elapsed_s" in values:
        age_s = _number(values, "elapsed_s")
        if age_s is None or age_s > _INTERVAL_S:
            raise ValueError(f"an interval of {age_s} seconds is longer than 15 minutes")
        es, ses, uas, css, lcv, pcv = (_number(values, name) for name in ("es", "ses", "uas", "css", "lcv", "pcv"))
        if any(seconds is not None and seconds > _INTERVAL_S for seconds in (es, ses, uas, css)):
            raise ValueError("there are more bad seconds than the interval can hold")
        counters = Counters(es, ses, uas, css, lcv, pcv, float(age_s))
    fxo = None
    if status.kind is LineKind.FXO:
        fxo = Fxo(
            _measure(values, "volts"), _measure(values, "milliamps"),
            _flag(values, "hook"), _flag(values, "ring"), _flag(values, "polarity_reversed"),
        )  # fmt: skip
        in_use = None if fxo.hook is None else int(fxo.hook)
    return replace(
        status,
        d_channel_l1=layer1,
        d_channel_l2=layer2,
        channels=channels,
        in_use=in_use,
        counters=counters,
        fxo=fxo,
    )


def _slot(slot: int, busy: frozenset[int], blocked: frozenset[int], *, down: bool) -> ChannelState:
    if slot == _SIGNALLING_SLOT:
        return ChannelState.SIGNALLING
    if down:
        return ChannelState.ALARM
    if slot in busy:
        return ChannelState.BUSY
    return ChannelState.BLOCKED if slot in blocked else ChannelState.IDLE


def _slots(values: dict[str, list[str]], name: str) -> frozenset[int]:
    slots = frozenset(_whole(value, name) for value in values.get(name, ()))
    if not slots <= set(range(1, SLOTS + 1)) - {_SIGNALLING_SLOT}:
        raise ValueError(f"there is no channel {max(slots)}")
    return slots


def _number(values: dict[str, list[str]], name: str) -> int | None:
    return _whole(values[name][0], name) if name in values else None


def _whole(text: str, name: str) -> int:
    if len(text) > _DIGITS or not text.isascii() or not text.isdigit():
        raise ValueError(f"{name} is {text[:20]!r}")
    return int(text)


def _measure(values: dict[str, list[str]], name: str) -> float | None:
    if name not in values:
        return None
    text = values[name][0]
    if not re.fullmatch(r"-?\d{1,4}(?:\.\d{1,4})?", text):
        raise ValueError(f"{name} is {text[:20]!r}")
    return float(text)


def _flag(values: dict[str, list[str]], name: str) -> bool | None:
    if name not in values:
        return None
    if (text := values[name][0]) not in {"0", "1"}:
        raise ValueError(f"{name} is {text[:20]!r}")
    return text == "1"
