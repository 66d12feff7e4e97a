"""Parts of a page that many screens show alike, pushed to them: drawn once, and again only where something changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

_READERS_MAX = 64


@dataclass(frozen=True, slots=True)
class Sight:
    """What there is to see now. `things`: by element id, what each part is drawn of; what is equal looks alike.

    `draw` gives the text of the element with that id, `whole` that of the element `root`, which holds all of them.
    Where `frame` (which parts there are, in which order) is another than before, parts alone do not say it.
    """

    root: str
    frame: object
    things: Mapping[str, object]
    draw: Callable[[str], str]
    whole: Callable[[Mapping[str, str]], str]


@dataclass(frozen=True, slots=True)
class _Part:
    thing: object
    text: str
    step: int


class Picture:
    """What all readers of one sort see. Its steps are counted: who knows it as of a step is told what came after."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subject: object = None
        self._step = 0
        self._frame: object = None
        self._frame_step = 0
        self._sight: Sight | None = None
        self._parts: dict[str, _Part] = {}
        self._whole = ""
        self._news: dict[int, str] = {}  # by the step that is known

    def whole(self, subject: Callable[[], object], look: Callable[[object], Sight]) -> str:
        """The root element as it is now; whoever comes while it is drawn waits for it."""
        with self._lock:
            self._look(subject(), look)
            return self._whole_text()

    def news(self, known: int, subject: Callable[[], object], look: Callable[[object], Sight]) -> tuple[str, int]:
        """What an event stream says to a screen that knows the picture as of step `known` (0: not at all), and the step
        that it knows then. The text is lines of data with elements for htmx (`hx-partial`); empty: nothing is new.
        """
        with self._lock:
            self._look(subject(), look)
            if known not in self._news:
                self._news[known] = "".join(f"data: {line}\n" for line in self._changes(known).splitlines())
            return self._news[known], self._step

    def _look(self, subject: object, look: Callable[[object], Sight]) -> None:
        if self._sight is not None and subject is self._subject:
            return
        sight, step = look(subject), self._step + 1
        parts: dict[str, _Part] = {}
        for name, thing in sight.things.items():
            known = self._parts.get(name)
            same = known is not None and known.thing == thing
            parts[name] = known if known is not None and same else _Part(thing, sight.draw(name).strip(), step)
        if self._sight is None or sight.frame != self._frame:
            self._frame, self._frame_step = sight.frame, step
        self._subject, self._sight, self._step, self._parts = subject, sight, step, parts
        self._whole, self._news = "", {}

    def _whole_text(self) -> str:
        assert self._sight is not None
        if not self._whole:
            self._whole = self._sight.whole({name: part.text for name, part in self._parts.items()})
        return self._whole

    def _changes(self, known: int) -> str:
        assert self._sight is not None
        if not self._frame_step <= known <= self._step:
            return _partial(self._sight.root, self._whole_text())
        return "".join(_partial(name, part.text) for name, part in self._parts.items() if part.step > known)


def _partial(name: str, text: str) -> str:
    return f'<hx-partial hx-target="#{name}" hx-swap="outerMorph">\n{text}\n</hx-partial>\n'


class Pictures:
    """One picture for each sort of reader (all that it depends on beside its subject)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pictures: dict[Hashable, Picture] = {}  # the one looked at last is the last

    def of(self, reader: Hashable) -> Picture:
        with self._lock:
            found = self._pictures.pop(reader, None) or Picture()
            self._pictures[reader] = found
            while len(self._pictures) > _READERS_MAX:
                del self._pictures[next(iter(self._pictures))]
            return found
