"""A profile's verbs on a console: the bare words; :class:`drivers.control.GuardedControl` makes them safe."""

from __future__ import annotations

import re

from drivers.console.reader import ConsoleReader
from drivers.console.session import Session
from drivers.lines import ReaderError, Verb
from drivers.profiles import Profile, VerbWords
from drivers.protocols import Arg

_BACK = {
    Verb.LOOP_LOCAL: Verb.LOOP_OFF,
    Verb.LOOP_LINE: Verb.LOOP_OFF,
    Verb.LOOP_PAYLOAD: Verb.LOOP_OFF,
    Verb.BERT_START: Verb.BERT_STOP,
    Verb.BLOCK_CHANNEL: Verb.UNBLOCK_CHANNEL,
    Verb.UNBLOCK_CHANNEL: Verb.BLOCK_CHANNEL,
    Verb.LOCATE_ON: Verb.LOCATE_OFF,
    Verb.FXO_OFF_HOOK: Verb.FXO_ON_HOOK,
    Verb.FXO_DIAL: Verb.FXO_ON_HOOK,
}
_SETTINGS = {verb for verb in Verb if verb.startswith("set_")}
_PORT = re.compile(r"[\w/.:-]{1,32}")
_DIGITS = re.compile(r"[0-9*#]{1,32}")
_SLOTS = range(1, 32)


class ConsoleActuator:
    """An :class:`drivers.protocols.Actuator` over a session."""

    def __init__(self, card: str, session: Session, profile: Profile, reader: ConsoleReader) -> None:
        self._card = card
        self._session = session
        self._profile = profile
        self._reader = reader

    def verbs(self, line_id: str) -> frozenset[Verb]:
        """All the profile has words for."""
        return frozenset(self._profile.verbs) if line_id.startswith(f"{self._card}:") else frozenset()

    def current(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> str:
        """Read back, in the card's words."""
        words = self._profile.verbs[verb]
        filled = self._filled(line_id, words, args)
        answer = self._session.submit(lambda session: session.open().run(words.read.format(**filled)))
        if verb is Verb.BERT_READ:
            return _result(words.answer.format(**filled) if "{" in words.answer else words.answer, answer, line_id)
        pattern = words.current.replace("{channel}", re.escape(filled["channel"]))
        found = re.findall(pattern, answer, re.MULTILINE)
        if not found and words.absent:
            return words.absent
        if len(found) != 1:
            raise ReaderError(
                "line.not_understood",
                f"{line_id}: {words.read.format(**filled)!r} does not say once what is set; another firmware?",
            )
        return str(found[0])

    def wanted(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> str | None:
        """What :meth:`current` must say afterwards."""
        words = self._profile.verbs[verb]
        if verb is Verb.BERT_READ:
            return None
        filled = self._filled(line_id, words, args)
        return words.values[filled["value"]] if words.values else words.want.format(**filled)

    def apply(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> None:
        """Say it."""
        words = self._profile.verbs[verb]
        commands = [command.format(**self._filled(line_id, words, args)) for command in words.commands]

        def say(session: Session) -> None:
            session.open()
            if words.configure:
                session.configure(commands)
            else:
                for command in commands:
                    session.run(command)

        self._session.submit(say)

    def undo(self, line_id: str, verb: Verb, args: dict[str, Arg], before: str) -> tuple[Verb, dict[str, Arg]] | None:
        """The way back: the opposite verb, or the value that was set before."""
        if verb in _SETTINGS:
            values = {seen: value for value, seen in self._profile.verbs[verb].values.items()}
            return (verb, {**args, "value": values[before]}) if before in values else None
        back = _BACK.get(verb)
        return (back, args) if back is not None and back in self.verbs(line_id) else None

    def in_use(self, line_id: str) -> int | None:
        """Channels with calls, read now; ``None`` when the card does not say."""
        for line in self._reader.lines():
            if line.line_id == line_id:
                return None if line.stale else line.in_use
        raise ReaderError("line.unknown", f"{line_id}: the card has no such line.")

    def _filled(self, line_id: str, words: VerbWords, args: dict[str, Arg]) -> dict[str, str]:
        """Arguments for the words, checked: nothing but these ever reaches a card."""
        port = line_id.removeprefix(f"{self._card}:")
        filled = {"port": port, "channel": "", "value": "", "digits": ""}
        if not _PORT.fullmatch(port):
            raise ReaderError("line.unknown", f"{line_id!r} is no line of {self._card}.")
        needs = " ".join((*words.commands, words.read, words.current))
        if "{channel}" in needs:
            channel = args.get("channel")
            if not isinstance(channel, int) or isinstance(channel, bool) or channel not in _SLOTS:
                raise ReaderError("line.bad_argument", f"{line_id}: name a channel from 1 to 31.")
            filled["channel"] = str(channel)
        if "{digits}" in needs:
            filled["digits"] = str(args.get("digits", ""))
            if not _DIGITS.fullmatch(filled["digits"]):
                raise ReaderError("line.bad_argument", f"{line_id}: digits are 0-9, * and #, 32 at most.")
        if words.values:
            filled["value"] = str(args.get("value", ""))
            if filled["value"] not in words.values:
                raise ReaderError("line.bad_argument", f"{line_id}: values are {', '.join(words.values)}.")
        return filled


def _result(pattern: str, answer: str, line_id: str) -> str:
    """The named figures of a test's result, as ``errors=0 bits=2048000``."""
    found = re.search(pattern, answer, re.MULTILINE)
    if not pattern or found is None:
        raise ReaderError("line.not_understood", f"{line_id}: the card shows no result of the test.")
    return " ".join(f"{name}={value}" for name, value in found.groupdict().items())
