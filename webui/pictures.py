"""Parts of a page that many screens show alike, pushed to them: drawn once, and again only where something changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class _View:
    """The picture at one step; `news` by the step that is known."""

    subject: object
    sight: Sight
    step: int
    frame_step: int
    parts: Mapping[str, _Part]
    whole: list[str] = field(default_factory=list)  # drawn when it is asked for
    news: dict[int, str] = field(default_factory=dict)


class Picture:
    """What all readers of one sort see. Its steps are counted: who knows it as of a step is told what came after.

    What is drawn already is given without a lock: of thirty readers that wake together none waits for another's turn.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._view: _View | None = None

    def whole(self, subject: Callable[[], object], look: Callable[[object], Sight]) -> str:
        """The root element as it is now; whoever comes while it is drawn waits for it."""
        with self._lock:
            return _whole(self._now(subject(), look))

    def news(self, known: int, subject: Callable[[], object], look: Callable[[object], Sight]) -> tuple[str, int]:
        """What an event stream says to a screen that knows the picture as of step `known` (0: not at all), and the step
        that it knows then. The text is lines of data with elements for htmx (`hx-partial`); empty: nothing is new.
        """
        view = self._view
        if view is None or view.subject is not subject() or known not in view.news:
            with self._lock:
                view = self._now(subject(), look)
                if known not in view.news:
                    view.news[known] = "".join(f"data: {line}\n" for line in _changes(view, known).splitlines())
        return view.news[known], view.step

    def _now(self, subject: object, look: Callable[[object], Sight]) -> _View:
        """The view of this subject (lock held)."""
        last = self._view
        if last is not None and subject is last.subject:
            return last
        sight, step = look(subject), last.step + 1 if last is not None else 1
        parts: dict[str, _Part] = {}
        for name, thing in sight.things.items():
            drawn = last.parts.get(name) if last is not None else None
            same = drawn is not None and drawn.thing == thing
            parts[name] = drawn if drawn is not None and same else _Part(thing, sight.draw(name).strip(), step)
        as_before = last is not None and sight.frame == last.sight.frame
        self._view = _View(subject, sight, step, last.frame_step if last is not None and as_before else step, parts)
        return self._view


def _whole(view: _View) -> str:
    if not view.whole:
        view.whole.append(view.sight.whole({name: part.text for name, part in view.parts.items()}))
    return view.whole[0]


def _changes(view: _View, known: int) -> str:
    if not view.frame_step <= known <= view.step:
        return _partial(view.sight.root, _whole(view))
    return "".join(_partial(name, part.text) for name, part in view.parts.items() if part.step > known)


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
