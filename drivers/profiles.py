"""Makes and models as data: TOML profiles, checked when they are loaded.

A profile holds only what a source shows (``sources`` names them); what no source shows is left out, and then the
driver does not offer it. Where profiles are: ``drivers/e1_gateway/models``, ``drivers/fxo/models`` and, for those made
on site from a transcript, any folder given to :func:`load_all`.

Glossary: *section* = one command whose answer is read; *block* = the part of an answer about one port, it begins at a
line that matches ``block`` (groups ``port`` and, where the state stands there, ``state``).
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec

from drivers.lines import Alarm, LineKind, Verb

SHIPPED = (Path(__file__).parent / "e1_gateway" / "models", Path(__file__).parent / "fxo" / "models")
_PATTERN_LENGTH = 300
FIELDS = frozenset(
    {
        "elapsed_s", "es", "ses", "uas", "css", "lcv", "pcv", "d_channel_l1", "d_channel_l2", "busy", "blocked",
        "framing", "coding", "clock", "volts", "milliamps", "hook", "ring", "polarity_reversed",
    }
)  # fmt: skip
"""Names a section's patterns may fill."""
FXO_FIELDS = frozenset({"connected", "hook", "ring", "polarity_reversed", "volts", "milliamps", "test_failed"})
"""What a table of FXO ports may say."""
_NEEDS_RELEASE = {
    Verb.LOOP_LOCAL: Verb.LOOP_OFF,
    Verb.LOOP_LINE: Verb.LOOP_OFF,
    Verb.LOOP_PAYLOAD: Verb.LOOP_OFF,
    Verb.BERT_START: Verb.BERT_STOP,
    Verb.BLOCK_CHANNEL: Verb.UNBLOCK_CHANNEL,
    Verb.LOCATE_ON: Verb.LOCATE_OFF,
    Verb.FXO_OFF_HOOK: Verb.FXO_ON_HOOK,
}


class ProfileError(ValueError):
    """A profile cannot be used; the message names the file, the place and what to do."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of logging in: at these words, send this ({user}, {password} and {enable_password} are filled in)."""

    expect: str
    send: str


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of an answer that means an alarm."""

    pattern: str
    alarm: Alarm | None = None
    """``None`` = known, and no alarm of this line (as: we are sending a remote alarm)."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command and how its answer is read."""

    command: str
    block: str
    end: str = ""
    """The block ends before a line that matches (history, totals)."""
    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    clear: str = ""
    """The line that says there is no alarm; without it a line is never up."""
    alarms: tuple[Words, ...] = ()
    fields: dict[str, str] = {}
    optional: tuple[str, ...] = ()
    """Fields that may be missing."""
    repeated: tuple[str, ...] = ()
    """Fields that may occur any number of times (each match is one value)."""
    true: dict[str, tuple[str, ...]] = {}
    """For yes-or-no fields: the words that mean yes; other words mean no."""
    ignore: tuple[str, ...] = ()
    """Lines that are known to say nothing about the line's health."""


class VerbWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a verb is said and how it is read back."""

    commands: tuple[str, ...]
    configure: bool = False
    """The commands belong into configuration mode."""
    read: str = ""
    current: str = ""
    """Pattern with one group: what is set now."""
    absent: str = ""
    """What is set when `current` is found nowhere; empty = that is an error."""
    want: str = ""
    """What `current` must say afterwards ({value}, {channel} are filled in)."""
    values: dict[str, str] = {}
    """Values that may be asked for, and the word they are read back as."""
    answer: str = ""
    """Pattern with named groups for verbs that only read (the result of a BERT)."""


class ConsoleWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The command line of a make."""

    prompt: str
    """Pattern of the prompt without its beginning of line and end; group ``host`` is the card's name."""
    sections: tuple[Section, ...]
    login: tuple[Step, ...] = ()
    login_failed: str = ""
    pager: str = ""
    pager_answer: str = " "
    setup: tuple[str, ...] = ()
    refused: str = ""
    """A line that matches means that the command was not understood."""
    unsolicited: str = ""
    """Lines that may come at any time and are no answer (logging)."""
    config_prompt: str = ""
    enter_config: tuple[str, ...] = ()
    leave_config: str = ""
    baud: int = 9600
    firmware_command: str = ""
    firmware: str = ""
    """Pattern with one group in the answer to `firmware_command`: the version."""
    user_prompt: str = ""
    """The prompt of a user who may look only; `enable` gets past it."""
    enable: str = ""


class FxoColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column about FXO ports: a yes or no (`yes`, `no`), or a figure between `least` and `most`."""

    column: str
    yes: tuple[int, ...] = ()
    no: tuple[int, ...] = ()
    least: int = 0
    most: int = 0
    unknown: tuple[int, ...] = ()
    """Values by which the gateway says that it does not know."""

    @property
    def figure(self) -> bool:
        """Whether it is a figure, not a yes or no."""
        return self.least < self.most


class Snmp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a make keeps its lines in SNMP. Columns are object identifiers without the index."""

    columns: dict[str, str] = {}
    """Of E1 spans (DS1-MIB, ISDN-MIB)."""
    alarm_bits: dict[Alarm, tuple[int, ...]] = {}
    fxo: dict[str, FxoColumn] = {}
    """Of FXO ports, by what they say."""
    no_alarm_bit: int = 1
    known_bits: int = 0
    """Bits that are known and no alarm of ours (what we send, test codes)."""
    e1_types: tuple[int, ...] = (4, 5, 6, 7)
    loopback: dict[Verb, int] = {}
    traps: tuple[str, ...] = ()


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One make and model."""

    id: str
    make: str
    model: str
    kind: LineKind
    sources: tuple[str, ...]
    places_calls: bool = True
    """``False`` = watched only, never offered as a trunk (a bare DAHDI card)."""
    note: str = ""
    console: ConsoleWords | None = None
    snmp: Snmp | None = None
    dahdi: bool = False
    verbs: dict[Verb, VerbWords] = {}

    @property
    def readers(self) -> tuple[str, ...]:
        """Which readers can use this profile."""
        have = {"console": self.console is not None, "snmp": self.snmp is not None, "dahdi": self.dahdi}
        return tuple(name for name, yes in have.items() if yes)


def load(path: Path) -> Profile:
    """Read and check one profile. Raises :class:`ProfileError` with all that is wrong with it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        profile = msgspec.convert(raw, Profile)
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: is no TOML text: {error}. Mend the file.") from error
    except msgspec.ValidationError as error:
        raise ProfileError(f"{path}: {error}. See docs/drivers.md for what a profile may hold.") from error
    wrong = list(_mistakes(profile))
    if profile.id != path.stem:
        wrong.append(f"id is {profile.id!r}, but the file is called {path.stem!r}")
    if wrong:
        raise ProfileError(f"{path}: " + "; ".join(wrong) + ".")
    return profile


def load_all(*folders: Path) -> dict[str, Profile]:
    """All shipped profiles and those of `folders` (later ones win), by id."""
    found: dict[str, Profile] = {}
    for folder in (*SHIPPED, *folders):
        for path in sorted(folder.glob("*.toml")):
            found[path.stem] = load(path)
    return found


def find(profile_id: str, *folders: Path) -> Profile:
    """The profile of that id. Raises :class:`ProfileError` that lists the known ones."""
    for folder in (*reversed(folders), *SHIPPED):
        path = folder / f"{profile_id}.toml"
        if re.fullmatch(r"[\w-]+", profile_id) and path.is_file():
            return load(path)
    raise ProfileError(f"There is no profile {profile_id!r}; known are: {', '.join(load_all(*folders))}.")


def _mistakes(profile: Profile) -> list[str]:
    wrong = []
    if not profile.sources:
        wrong.append("sources: name at least one; a profile holds only what a source shows")
    if profile.console is not None:
        wrong += _console_mistakes(profile.console)
    for verb, words in profile.verbs.items():
        wrong += _verb_mistakes(verb, words, profile)
    if profile.snmp is not None:
        wrong += _snmp_mistakes(profile.snmp)
    return wrong


def _snmp_mistakes(words: Snmp) -> list[str]:
    wrong = []
    if not words.fxo and not {"line_status"} <= set(words.columns):
        wrong.append("snmp: neither columns.line_status nor fxo says how a line is")
    if "line_status" in words.columns and not words.alarm_bits:
        wrong.append("snmp.alarm_bits: without them no alarm of a span can be read")
    if words.fxo and "connected" not in words.fxo:
        wrong.append("snmp.fxo.connected: without it a port can never be called up")
    for name, column in words.fxo.items():
        at = f"snmp.fxo.{name}"
        if name not in FXO_FIELDS:
            wrong.append(f"{at}: is no field; fields are {', '.join(sorted(FXO_FIELDS))}")
        if column.figure == bool(column.yes or column.no):
            wrong.append(f"{at}: give yes and no, or least and most")
        if set(column.yes) & set(column.no):
            wrong.append(f"{at}: the same value means yes and no")
    for name, text in {**words.columns, **{name: one.column for name, one in words.fxo.items()}}.items():
        if not re.fullmatch(r"\d+(\.\d+)+", text):
            wrong.append(f"snmp, {name}: {text!r} is no object identifier")
    return wrong


def _console_mistakes(words: ConsoleWords) -> list[str]:
    wrong = _pattern("console.prompt", words.prompt, groups=("host",))
    for name in ("login_failed", "pager", "refused", "unsolicited", "config_prompt", "user_prompt"):
        wrong += _pattern(f"console.{name}", getattr(words, name))
    for number, step in enumerate(words.login):
        wrong += _pattern(f"console.login[{number}].expect", step.expect)
    if bool(words.enter_config) != bool(words.leave_config) or bool(words.enter_config) != bool(words.config_prompt):
        wrong.append("console: enter_config, leave_config and config_prompt belong together")
    if words.firmware_command or words.firmware:
        wrong += _pattern("console.firmware", words.firmware, captures=1)
    if not words.sections:
        wrong.append("console.sections: at least one command must be read")
    for number, section in enumerate(words.sections):
        wrong += _section_mistakes(f"console.sections[{number}]", section, first=number == 0)
    return wrong


def _section_mistakes(at: str, section: Section, *, first: bool) -> list[str]:
    wrong = _pattern(f"{at}.block", section.block, groups=("port",))
    for name in ("end", "clear"):
        wrong += _pattern(f"{at}.{name}", getattr(section, name))
    for number, words in enumerate(section.alarms):
        wrong += _pattern(f"{at}.alarms[{number}].pattern", words.pattern)
    for number, pattern in enumerate(section.ignore):
        wrong += _pattern(f"{at}.ignore[{number}]", pattern)
    for field, pattern in section.fields.items():
        wrong += _pattern(f"{at}.fields.{field}", pattern, captures=1)
        if field not in FIELDS:
            wrong.append(f"{at}.fields: {field!r} is no field; fields are {', '.join(sorted(FIELDS))}")
    for name in {*section.optional, *section.repeated, *section.true} - set(section.fields):
        wrong.append(f"{at}: {name!r} is named, but fields has no pattern for it")
    if first and section.up and not section.clear:
        wrong.append(f"{at}.clear: without the words for 'no alarm' a line can never be called up")
    return wrong


def _verb_mistakes(verb: Verb, words: VerbWords, profile: Profile) -> list[str]:
    at = f"verbs.{verb}"
    wrong = _pattern(f"{at}.current", words.current, captures=1) if words.current else []
    wrong += _pattern(f"{at}.answer", words.answer)
    if profile.console is None and not profile.dahdi:
        wrong.append(f"{at}: verbs need a console section")
    if words.configure and profile.console is not None and not profile.console.enter_config:
        wrong.append(f"{at}.configure: the console section does not say how configuration mode is entered")
    if verb is not Verb.BERT_READ and not (words.read and words.current and (words.want or words.values)):
        wrong.append(f"{at}: read, current and want (or values) are needed: a change that cannot be read back is none")
    release = _NEEDS_RELEASE.get(verb)
    if release is not None and release not in profile.verbs:
        wrong.append(f"{at}: needs {release} beside it, or it could never be taken back")
    return wrong


def _pattern(at: str, pattern: str, *, groups: tuple[str, ...] = (), captures: int | None = None) -> list[str]:
    if len(pattern) > _PATTERN_LENGTH:
        return [f"{at}: longer than {_PATTERN_LENGTH} characters"]
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        return [f"{at}: {pattern!r} is no pattern: {error}"]
    wrong = [f"{at}: group {name!r} is missing" for name in groups if name not in compiled.groupindex]
    if captures is not None and compiled.groups != captures:
        wrong.append(f"{at}: needs exactly {captures} group")
    if re.search(r"[+*]\)[+*{]", pattern):
        wrong.append(f"{at}: nested repeats can take for ever; write it without")
    return wrong
