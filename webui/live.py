"""Live data for the screens: one ring buffer fed by the bus, one event stream per page.

A stream message says only *what* changed (`event: alert`); the page fetches the fragment it shows, under the usual
permission check. What changes all the time on many screens, the room, the stream itself brings to those that show it.
A page that comes back with its last event id gets what it missed; when that is no longer known it gets `resync` and
fetches everything again. A client that never reads holds one thread and no memory: what it missed is folded to the
newest message per name.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from appliance.events import (
    LiveAgent,
    LiveAlert,
    LiveCampaign,
    LiveHardware,
    LiveJob,
    LiveRoom,
    RecordingArchived,
)  # fmt: skip
from appliance.types import Permission

HEARTBEAT_S = 15.0
RING_SIZE = 4096
STREAMS_MAX = 100
"""Streams at once: each holds a thread of the server, and some must be left for pages."""
STREAMS_OF_ONE_MAX = 40
"""Streams of one user; with one more the oldest of his ends."""
JOBS_KEPT = 256
NOTHING: Mapping[str, Callable[[], str]] = {}


_JOBS_SEEN = {"import": Permission.LISTS_IMPORT, "recordings_zip": Permission.RECORDINGS_EXPORT}


@dataclass(frozen=True)
class Viewer:
    """Who listens: decides which messages he may see."""

    user_id: str
    permissions: frozenset[Permission]


@dataclass(frozen=True)
class Message:
    """One line of the stream; `agent_id` or `permission` says who may see it."""

    number: int
    name: str
    data: dict[str, Any] = field(default_factory=dict)
    agent_id: str | None = None
    permission: Permission | None = None

    @property
    def told(self) -> str:
        """Its lines of the stream."""
        return _told(self.name, self.data)

    def visible_to(self, viewer: Viewer) -> bool:
        if self.agent_id is not None:
            return self.agent_id == viewer.user_id
        return self.permission in viewer.permissions


def _told(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n"


def describe(event: msgspec.Struct) -> list[Message]:
    """Turn a live event into stream messages (number 0); events that no page shows give none."""
    match event:
        case LiveAgent():
            data: dict[str, Any] = {"state": event.state, "conversation_id": event.conversation_id}
            return [Message(0, "agent", data, agent_id=event.agent_id)]
        case LiveRoom():
            return [Message(0, "room", permission=Permission.AGENTS_READ)]
        case LiveJob():
            data = {"done": event.done, "total": event.total, "state": event.state}
            permission = _JOBS_SEEN.get(event.kind, Permission.REPORTS_EXPORT)
            return [Message(0, f"job-{event.job_id}", data, permission=permission)]
        case LiveAlert():
            return [Message(0, "alert", {"title": event.title}, permission=Permission.ALERTS_READ)]
        case LiveHardware():
            return [Message(0, f"hardware-{event.section}", permission=Permission.HARDWARE_READ)]
        case RecordingArchived():
            return [Message(0, "recording", permission=Permission.RECORDINGS_LISTEN)]
    return []


@dataclass(eq=False, slots=True)
class _Stream:
    """One open stream: who reads it; `wake` is set when there may be something for him.

    Of streams of one `group`, which show the same and wait for it, one `leads`: it draws and then wakes the others.
    """

    viewer: Viewer
    group: Hashable
    wake: threading.Event = field(default_factory=threading.Event)
    waits: bool = False
    leads: bool = False


class LiveHub:
    """Newest views and the ring of messages; `publish` is called by the bus thread and only queues."""

    def __init__(self, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._changed = threading.Lock()
        self._ring: deque[Message] = deque(maxlen=RING_SIZE)
        self._number = 0
        self._run = f"{time.time_ns() // 1_000_000:x}"  # a restarted web must not be taken for the old one
        self._heartbeat_s = heartbeat_s
        self._closed = False
        self._open: dict[str, list[_Stream]] = {}  # by user, oldest first
        self._room: LiveRoom | None = None
        self._agents: dict[str, LiveAgent] = {}
        self._campaigns: dict[str, LiveCampaign] = {}
        self._jobs: dict[str, LiveJob] = {}
        self._hardware: dict[str, tuple[LiveHardware, float]] = {}

    def publish(self, _topic: str, event: msgspec.Struct) -> None:
        """Take one live event of the bus; only streams that may see something of it wake up."""
        with self._changed:
            messages = describe(event)
            match event:
                case LiveRoom():
                    self._room = event  # its agents come without their records: they are not taken from here
                    messages += self._keep_campaigns(event.campaigns)
                case LiveAgent():
                    self._agents[event.agent_id] = event
                case LiveCampaign():
                    messages += self._keep_campaigns([event])
                case LiveJob():
                    self._keep_job(event)
                case LiveHardware():
                    self._hardware[event.section] = event, time.monotonic()
            for message in messages:
                self._number += 1
                self._ring.append(
                    Message(self._number, message.name, message.data, message.agent_id, message.permission)
                )
            if messages:
                self._wake(messages)

    def _wake(self, messages: Sequence[Message]) -> None:
        """Wake who may see something of it (lock held)."""
        led: set[Hashable] = set()
        for stream in self._all_open():
            if not any(message.visible_to(stream.viewer) for message in messages):
                continue
            if stream.group is not None and stream.waits:
                if stream.group in led:
                    continue
                led.add(stream.group)
                stream.leads = True
            stream.wake.set()

    def _follow(self, own: _Stream) -> None:
        """Wake those who wait for what `own` has drawn."""
        if own.leads:
            own.leads = False
            with self._changed:
                behind = [stream for stream in self._all_open() if stream.group == own.group and stream is not own]
            for stream in behind:
                stream.wake.set()

    def _keep_campaigns(self, campaigns: Sequence[LiveCampaign]) -> list[Message]:
        """Keep the newest figures and tell what changed; agents hear of a start or an end, which changes their desk."""
        before = {one.campaign_id: self._campaigns.get(one.campaign_id) for one in campaigns}
        changed = [one for one in campaigns if before[one.campaign_id] != one]
        self._campaigns.update({one.campaign_id: one for one in changed})
        messages = [Message(0, f"campaign-{one.campaign_id}", permission=Permission.CAMPAIGNS_READ) for one in changed]
        known = {campaign_id: one.state for campaign_id, one in before.items() if one is not None}
        if any(known.get(one.campaign_id) != one.state for one in changed):
            messages.append(Message(0, "campaigns", permission=Permission.AGENT_WORK))
        return messages

    def close(self) -> None:
        """End all streams (the worker stops)."""
        with self._changed:
            self._closed = True
            for stream in self._all_open():
                stream.wake.set()

    @property
    def last_id(self) -> str:
        """Id of the newest message: a page carries it so that its stream starts where it was rendered."""
        return f"{self._run}-{self._number}"

    def room(self) -> LiveRoom | None:
        return self._room

    def agent(self, agent_id: str) -> LiveAgent | None:
        return self._agents.get(agent_id)

    def campaign(self, campaign_id: str) -> LiveCampaign | None:
        return self._campaigns.get(campaign_id)

    def _keep_job(self, event: LiveJob) -> None:
        self._jobs.pop(event.job_id, None)
        self._jobs[event.job_id] = event
        while len(self._jobs) > JOBS_KEPT:
            del self._jobs[next(iter(self._jobs))]  # the one of which nothing was heard for longest

    def job(self, job_id: str) -> LiveJob | None:
        return self._jobs.get(job_id)

    def hardware(self, section: str) -> tuple[LiveHardware, float] | None:
        """A section of the hardware and how many seconds ago `watch` told it; None when it never did."""
        found = self._hardware.get(section)
        return None if found is None else (found[0], time.monotonic() - found[1])

    def _start_of(self, last_id: str) -> int | None:
        """The number to go on from; None when it is not known any more."""
        run, _, number = last_id.partition("-")
        if run != self._run or not number.isdigit():
            return None
        oldest = self._ring[0].number if self._ring else self._number + 1
        return int(number) if oldest - 1 <= int(number) <= self._number else None

    def stream(
        self, viewer: Viewer, last_id: str, alive: Callable[[], bool],
        shown: Mapping[str, Callable[[], str]] = NOTHING, group: Hashable = None,
    ) -> Iterator[str]:  # fmt: skip
        """Yield text of the event stream until the hub closes or `alive()` (asked each heartbeat) says no.

        `shown`: by name of a message, what is sent in its place (lines of data; empty: nothing is), at `resync` too.
        `group`: of streams to which the same is shown.
        """
        own = _Stream(viewer, group)
        with self._changed:
            start = self._start_of(last_id)
            number = self._number if start is None else start
            if number < self._number:
                own.wake.set()
            mine = self._open.setdefault(viewer.user_id, [])
            mine.append(own)
            for oldest in mine[:-STREAMS_OF_ONE_MAX]:
                oldest.wake.set()  # it finds that it is not open any more
            del mine[:-STREAMS_OF_ONE_MAX]
        try:
            yield from self._lines(own, number, start is None, alive, shown)
        finally:
            self._end(own)

    @property
    def streams(self) -> int:
        """How many are open."""
        with self._changed:
            return len(self._all_open())

    def _all_open(self) -> list[_Stream]:
        return [stream for streams in self._open.values() for stream in streams]

    def _end(self, own: _Stream) -> None:
        user_id = own.viewer.user_id
        with self._changed:
            left = [one for one in self._open.get(user_id, ()) if one is not own]
            if left:
                self._open[user_id] = left
            else:
                self._open.pop(user_id, None)
        self._follow(own)

    def _lines(
        self, own: _Stream, number: int, resync: bool, alive: Callable[[], bool], shown: Mapping[str, Callable[[], str]]
    ) -> Iterator[str]:
        yield "retry: 1000\n\n"
        if resync:
            yield self._line(number, _told("resync", {})) + "".join(self._line(number, new()) for new in shown.values())
        beats_at_s = time.monotonic() + self._heartbeat_s
        while not self._closed and own in self._open.get(own.viewer.user_id, ()):
            own.waits = True
            own.wake.wait(max(0.0, beats_at_s - time.monotonic()))
            own.waits = False
            own.wake.clear()
            fresh, number = self._since(number)
            newest = {message.name: message for message in fresh if message.visible_to(own.viewer)}
            ordered = sorted(newest.values(), key=lambda message: message.number)
            text = "".join(
                self._line(message.number, shown[message.name]() if message.name in shown else message.told)
                for message in ordered
            )
            self._follow(own)
            if text:
                yield text
            if time.monotonic() >= beats_at_s:
                if not alive():
                    return
                yield ": \n\n"
                beats_at_s = time.monotonic() + self._heartbeat_s

    def _since(self, number: int) -> tuple[list[Message], int]:
        """What came after that message, oldest first, and the number of the last one."""
        with self._changed:
            fresh = list(itertools.takewhile(lambda message: message.number > number, reversed(self._ring)))
            return fresh[::-1], self._number

    def _line(self, number: int, text: str) -> str:
        return f"id: {self._run}-{number}\n{text}\n"
