"""A gateway card's command line on a pty, described by a TOML file per make (``sims/*.toml`` beside the profiles).

It has what makes real ones hard to read: a login, echo, a pager, log lines in the middle of answers, configuration
mode, figures that move, and the faults of :class:`drivers.simkit.faults.Fault`.
"""

from __future__ import annotations

import random
import re
import time
import tomllib
from pathlib import Path

import msgspec

from drivers.lines import Alarm
from drivers.simkit.faults import Fault
from drivers.simkit.pty_device import PtyDevice

SHIPPED = (Path(__file__).parent.parent / "e1_gateway" / "sims", Path(__file__).parent.parent / "fxo" / "sims")
_ERASE = "\r" + " " * 10 + "\r"


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of the login: what is asked, what must be answered."""

    prompt: str
    want: str
    echo: bool = True


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command: its text once per port (or for the port named in the pattern's group)."""

    pattern: str
    text: str
    once: bool = False
    """Its text is about the card, not about a port."""


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command that changes a port's values."""

    pattern: str
    set: dict[str, str]
    """Name -> new value; ``{1}`` is the pattern's first group."""
    config: bool = True


class CardData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One make's behaviour."""

    profile: str
    host: str
    ports: tuple[str, ...]
    login: tuple[Ask, ...]
    prompt: str
    config_prompt: str
    commands: tuple[Command, ...]
    values: dict[str, str]
    """What a healthy port says; see :meth:`ConsoleCard.port_values` for what is added."""
    alarm_words: dict[str, str]
    state_words: dict[str, str]
    refused: str
    boot: str
    log_line: str
    settings: tuple[Setting, ...] = ()
    select: str = ""
    enter: str = ""
    leave: str = ""
    pager: str = ""
    pager_off: str = ""
    page_lines: int = 0
    new_words: dict[str, str] = {}


def load_card(profile_id: str) -> CardData:
    """The simulator's data for a profile. Raises ``KeyError`` that lists the known ones."""
    known = {path.stem: path for folder in SHIPPED for path in folder.glob("*.toml")}
    if profile_id not in known:
        raise KeyError(f"no simulator for {profile_id!r}; there are {', '.join(sorted(known))}")
    return read_card(known[profile_id])


def read_card(path: Path) -> CardData:
    """Read a data file."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), CardData)


class ConsoleCard(PtyDevice):
    """The card. `alarms`, `busy`, `values` and `faults` may be changed at any time."""

    def __init__(self, folder: Path, data: CardData, *, seed: int = 0, bytes_per_s: float | None = None) -> None:
        super().__init__(folder, data.profile, bytes_per_s=bytes_per_s)
        self.data = data
        self.faults: set[Fault] = set()
        self.alarms: dict[str, set[Alarm]] = {port: set() for port in data.ports}
        self.busy: dict[str, set[int]] = {port: set() for port in data.ports}
        self.values: dict[str, dict[str, str]] = {port: dict(data.values) for port in data.ports}
        self.said: list[str] = []
        """Every command that was given."""
        self.elapsed_s = 0
        self._dice = random.Random(seed)
        self._began_s = time.monotonic()
        self.paging = True
        self._pages: list[str] = []
        self._typed = ""
        self.asked = 0
        self.in_config = False
        self._selected = data.ports[0]

    def received(self, text: str) -> None:
        """Take keys."""
        for char in text:
            if Fault.HANG in self.faults:
                continue
            if self._pages:
                self._turn_page(char)
            elif char in "\r\n":
                line, self._typed = self._typed, ""
                self._line(line)
            else:
                if self._logged_in or self.data.login[self.asked].echo:
                    self.send(char)
                self._typed += char

    def port_values(self, port: str) -> dict[str, str]:
        """What the texts may name: a port's values, its state and alarms in the card's words, and its figures."""
        alarms = self.alarms[port]
        if Fault.STUCK not in self.faults:
            self.elapsed_s = int(time.monotonic() - self._began_s) * 3 % 900  # three times life, for impatient tests
        words = self.data.alarm_words
        shown = alarms or ({Alarm.LOOP} if self.values[port].get("loop", "none") != "none" else set())
        texts = [words[alarm] for alarm in sorted(shown) if alarm in words] or [words["none"]]
        return self.values[port] | {
            "port": port,
            "state": self.data.state_words["down" if alarms - {Alarm.LOOP} else "up"],
            "alarms": "\n  ".join(texts),
            "layer1": self.data.state_words["l1_down" if alarms - {Alarm.LOOP} else "l1_up"],
            "layer2": self.data.state_words["l2_down" if alarms - {Alarm.LOOP} else "l2_up"],
            "elapsed_s": str(self.elapsed_s),
            "bad_s": str(self.elapsed_s if alarms - {Alarm.LOOP} else 0),
            "calls": str(len(self.busy[port])),
            "busy": "\n".join(self.data.state_words["call"].format(slot=slot) for slot in sorted(self.busy[port])),
            "blocked": "\n".join(self.data.state_words["blocked"].format(slot=slot) for slot in self._blocked(port)),
        }

    def _blocked(self, port: str) -> list[int]:
        marks = [name for name, value in self.values[port].items() if name.startswith("slot_") and value == "blocked"]
        return sorted(int(mark.removeprefix("slot_")) for mark in marks)

    @property
    def _logged_in(self) -> bool:
        return self.asked >= len(self.data.login)

    def _line(self, line: str) -> None:
        self.send("\n")
        if not self._logged_in:
            ask = self.data.login[self.asked]
            self.asked = self.asked + 1 if line == ask.want else 0
            self.send("\n")
            self._prompt()
            return
        if line:
            self.said.append(line)
        self._answer(self._text(line))

    def told(self, command: str) -> str:
        """What it would answer to a command, spoilt by its faults: for runs in other than real time."""
        return self._spoilt(self._text(command))

    def _text(self, line: str) -> str:
        """The answer to a command; changes what it changes."""
        data = self.data
        if line in {"", data.pager_off}:
            self.paging = self.paging and line != data.pager_off
            return ""
        if data.enter and line == data.enter:
            self.in_config = True
            return ""
        if data.leave and line == data.leave:
            self.in_config = False
            return ""
        if self.in_config and data.select and (found := re.fullmatch(data.select, line)):
            self._selected = found[1]
            return "" if found[1] in self.values else data.refused
        for setting in data.settings:
            if self.in_config == setting.config and (found := re.fullmatch(setting.pattern, line)):
                self._set(setting, found)
                return ""
        for command in data.commands:
            if found := re.fullmatch(command.pattern, line):
                named = found.groupdict().get("port")
                ports = [named] if named else list(data.ports)[: 1 if command.once else None]
                return "\n".join(command.text.rstrip().format(**self.port_values(port)) for port in ports)
        return data.refused

    def _set(self, setting: Setting, found: re.Match[str]) -> None:
        if Fault.DEAF not in self.faults:
            port = found.groupdict().get("port") or self._selected
            groups = [group or "" for group in (found[0], *found.groups())]
            for name, value in setting.set.items():
                self.values[port][name.format(*groups)] = value.format(*groups)

    def _answer(self, text: str) -> None:
        text = self._spoilt(text)
        if Fault.REBOOT in self.faults:
            self.faults.discard(Fault.REBOOT)
            self.send(text[: len(text) // 2])
            self.restart()
            return
        lines = text.split("\n") if text else []
        if self.paging and self.data.page_lines and len(lines) > self.data.page_lines:
            self._pages = lines
            self._show_page()
            return
        if lines:
            self.send("\n".join(lines) + "\n")
        self._prompt()

    def restart(self) -> None:
        """Start anew: boot text, then the login; an open configuration mode is gone."""
        self.asked, self.in_config, self._typed, self._pages, self.paging = 0, False, "", [], True
        self._began_s = time.monotonic()
        self.send("\n" + self.data.boot)
        self._prompt()

    def _spoilt(self, text: str) -> str:
        for old, new in self.data.new_words.items() if Fault.NEW_WORDS in self.faults else ():
            text = text.replace(old, new)
        lines = text.split("\n")
        if Fault.HALF_LINES in self.faults:
            lines = [line[: len(line) // 2] for line in lines]
        if Fault.LOG_LINES in self.faults and lines:
            lines.insert(self._dice.randrange(len(lines) + 1), self.data.log_line)
        text = "\n".join(lines)
        if Fault.NOISE in self.faults and text:
            at = self._dice.randrange(len(text))
            text = text[:at] + "".join(chr(self._dice.choice([0x80, 0xFF, 0x9C, 0x01])) for _ in range(4)) + text[at:]
        return text

    def _turn_page(self, char: str) -> None:
        self.send(_ERASE)
        if char == "q":
            self._pages = []
            self._prompt()
        else:
            self._show_page()

    def _show_page(self) -> None:
        size = self.data.page_lines
        page, self._pages = self._pages[:size], self._pages[size:]
        self.send("\n".join(page) + "\n")
        if self._pages:
            self.send(self.data.pager)
        else:
            self._prompt()

    def _prompt(self) -> None:
        if not self._logged_in:
            self.send(self.data.login[self.asked].prompt)
        elif Fault.WRONG_PROMPT in self.faults:
            self.send("\n??? ")
        else:
            host = "other" if Fault.OTHER_CARD in self.faults else self.data.host
            self.send((self.data.config_prompt if self.in_config else self.data.prompt).format(host=host))
