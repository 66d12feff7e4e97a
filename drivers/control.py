"""Safe control of lines over any actuator: refused in use, read back, undone on failure, tests limited in time."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from drivers.lines import Change, ReaderError, Verb
from drivers.protocols import Actuator, Arg
from drivers.releases import Release, Releases

TIMED = frozenset(
    {Verb.LOOP_LOCAL, Verb.LOOP_LINE, Verb.LOOP_PAYLOAD, Verb.BERT_START, Verb.LOCATE_ON, Verb.FXO_OFF_HOOK}
)
"""Verbs that end by themselves."""
DISRUPTIVE = TIMED - {Verb.LOCATE_ON} | {
    Verb.SET_FRAMING, Verb.SET_CODING, Verb.SET_CRC4, Verb.SET_CLOCK, Verb.SET_D_CHANNEL, Verb.SET_IMPEDANCE,
    Verb.RESTART, Verb.FXO_DIAL, Verb.FXO_FLASH,
}  # fmt: skip
"""Verbs that cut calls."""
_OFF_HOOK = frozenset({Verb.FXO_DIAL, Verb.FXO_FLASH})
DEFAULT_LIMIT_S = 60.0
MAX_LIMIT_S = 3600.0


class GuardedControl:
    """A :class:`drivers.lines.LineControl`. Arguments besides the verb's own: ``force`` (also with calls up) and
    ``seconds`` (time limit of a test, 1..3600, 60 if left out). :meth:`release_due` must be called each second and at
    start; it ends tests whose time has come, also those of a process that died.
    """

    def __init__(self, actuator: Actuator, releases: Releases, *, wall: Callable[[], float] = time.time) -> None:
        self.actuator = actuator
        self._releases = releases
        self._wall = wall
        self._one_at_a_time = threading.RLock()

    def verbs(self, line_id: str) -> frozenset[Verb]:
        """What this line can be told to do."""
        return self.actuator.verbs(line_id)

    def do(self, line_id: str, verb: Verb, **args: Arg) -> Change:
        """Do it, read it back, undo it when it did not take.

        Raises :class:`ReaderError`: ``line.verb_unknown``, ``line.in_use``, ``line.bad_argument``,
        ``line.change_not_taken`` (its message says whether the old state is back) or what the equipment said.
        """
        with self._one_at_a_time:
            if verb not in self.actuator.verbs(line_id):
                raise ReaderError("line.verb_unknown", f"{line_id}: the profile has no words for {verb}.")
            force = bool(args.pop("force", False))
            seconds = _limit(line_id, args.pop("seconds", DEFAULT_LIMIT_S)) if verb in TIMED else 0.0
            if verb is Verb.BERT_READ:
                return Change("", self.actuator.current(line_id, verb, args), verified=True)
            wanted = self.actuator.wanted(line_id, verb, args)
            if verb in DISRUPTIVE and not force:
                self._refuse_in_use(line_id, verb)
            before = self.actuator.current(line_id, verb, args)
            back = self.actuator.undo(line_id, verb, args, before)
            if seconds:
                self._note(line_id, verb, back, seconds)
            return self._changed(line_id, verb, args, before, wanted, back)

    def release_due(self) -> tuple[str, ...]:
        """End the tests whose time has come; returns their lines. One that fails stays noted and is tried again."""
        ended = []
        now = self._wall()
        with self._one_at_a_time:
            for row in self._releases.open():
                if row.at_unix_s - row.limit_s <= now < row.at_unix_s or row.verb not in self.verbs(row.line_id):
                    continue
                try:
                    self.actuator.apply(row.line_id, row.verb, row.args)
                    taken = self.actuator.current(row.line_id, row.verb, row.args)
                except ReaderError:
                    continue  # the reader reports the card; the note stays
                if taken == self.actuator.wanted(row.line_id, row.verb, row.args):
                    self._releases.done(row.line_id, row.verb)
                    ended.append(row.line_id)
        return tuple(ended)

    def _refuse_in_use(self, line_id: str, verb: Verb) -> None:
        noted = {(row.line_id, row.verb) for row in self._releases.open()}
        if verb in _OFF_HOOK and (line_id, Verb.FXO_ON_HOOK) in noted:
            return  # the line is off hook because this test took it off
        calls = self.actuator.in_use(line_id)
        if calls is None:
            raise ReaderError(
                "line.in_use",
                f"{line_id}: whether calls are up is not known; {verb} would cut them. Force it to go on.",
            )
        if calls:
            raise ReaderError(
                "line.in_use", f"{line_id}: {calls} channels carry calls, {verb} would cut them. Block first, or force."
            )

    def _note(self, line_id: str, verb: Verb, back: tuple[Verb, dict[str, Arg]] | None, seconds: float) -> None:
        if back is None:
            raise ReaderError("line.verb_unknown", f"{line_id}: {verb} could not be taken back, so it is not begun.")
        self._releases.note(Release(line_id, back[0], back[1], self._wall() + seconds, seconds))

    def _changed(
        self,
        line_id: str,
        verb: Verb,
        args: dict[str, Arg],
        before: str,
        wanted: str | None,
        back: tuple[Verb, dict[str, Arg]] | None,
    ) -> Change:
        try:
            self.actuator.apply(line_id, verb, args)
            after = self.actuator.current(line_id, verb, args)
        except ReaderError as error:
            self._put_back(line_id, verb, args, before, back, f"it failed: {error.message}")
        if after != wanted:
            self._put_back(line_id, verb, args, before, back, f"it is {after!r} and not {wanted!r}")
        self._releases.done(line_id, verb)  # done by hand what was noted to be done later
        return Change(before, after, verified=True)

    def _put_back(
        self,
        line_id: str,
        verb: Verb,
        args: dict[str, Arg],
        before: str,
        back: tuple[Verb, dict[str, Arg]] | None,
        why: str,
    ) -> NoReturn:
        """Undo and say so. Always raises."""
        undone = False
        with contextlib.suppress(ReaderError):  # what it was told may have got half way: say it also if all looks well
            if back is not None:
                self.actuator.apply(line_id, *back)
        with contextlib.suppress(ReaderError):
            undone = self.actuator.current(line_id, verb, args) == before
        if undone and back is not None:
            self._releases.done(line_id, back[0])
        state = f"The old state {before!r} is back." if undone else f"The old state {before!r} is NOT back: look at it."
        raise ReaderError("line.change_not_taken", f"{line_id}: {verb} did not take, {why}. {state}")


def _limit(line_id: str, seconds: Arg) -> float:
    try:
        limit = float(seconds)
    except ValueError:
        limit = 0.0
    if not 1.0 <= limit <= MAX_LIMIT_S:
        raise ReaderError("line.bad_argument", f"{line_id}: a test lasts 1 to {MAX_LIMIT_S:.0f} seconds.")
    return limit
