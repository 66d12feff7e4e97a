"""The whole box for the tests in which things go wrong: what they do to it, and what they ask of it.

Everything is real but the exchange and the room: Kamailio, nats-server, the switch with pjsua2, engine, jobs. What was
really dialled is read from the exchange's own log. Numbers are 13800 RR SS NN: RR the try, SS the story, NN counted
from 00; a test that is made again dials numbers that nobody has dialled.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

import msgspec
import openpyxl
import pytest

from appliance.bench import box as boxes
from appliance.bench.evidence import recording_evidence
from appliance.bench.exchange import read_truth, truth_file
from appliance.bench.plan import GatewayPlan, NumberPlan, load_plan, plan_file, save_plan
from appliance.bench.room import load_room, save_room
from appliance.bus import Bus
from appliance.commands import CampaignAction, LiveView
from appliance.domain.campaign import ALL_DAY, parse_config
from appliance.errors import BusError
from appliance.events import ConversationEvent
from appliance.ids import new_id
from appliance.jobs.imports import run_import
from appliance.services.health import gather
from appliance.settings import Home, Settings
from appliance.store.db import Store
from appliance.store.models import Alert, Attempt, Campaign, Job, Recording
from appliance.telephony.control import LifeFile, life_files
from appliance.thread_bus import ThreadBus
from appliance.types import AgentState, CampaignState
from appliance.watch.supervision import status

AGENTS = 6
TRIES = 3
RESERVE_MB = 64
RATE_HZ, AU_FRAME_BYTES = 8000, 4
PATIENCE_S = 120.0
"""What is waited for is a condition; how soon it comes is printed, and a busy machine is slow."""
PERSON = NumberPlan(behaviour="human", post_dial_delay_s=0.1, ring_s=0.5, pick_up_s=0.3, talk_s=2.5)


class Story(IntEnum):
    """Each has a campaign with numbers of its own."""

    ENGINE = 0
    WORKER = 1
    SWITCH = 2
    SWITCH_AFTER = 3
    BUS = 4
    JOBS = 5
    GATEWAY = 6
    FAILOVER = 7
    REBOOT = 8
    SEAT = 9
    SEAT_AFTER = 10
    RESERVE = 11
    FULL = 12
    STOP = 13


def people(count: int, talk_s: float) -> list[NumberPlan]:
    """So many people who hang up after `talk_s`."""
    return [msgspec.structs.replace(PERSON, talk_s=talk_s, voice=index) for index in range(count)]


BEHAVIOURS = {
    Story.ENGINE: people(12, 6.0),
    Story.WORKER: people(4, 8.0),
    Story.SWITCH: people(4, 16.0),
    Story.SWITCH_AFTER: people(2, 2.5),
    Story.BUS: people(8, 7.0),
    Story.JOBS: people(6, 4.0),
    Story.GATEWAY: people(6, 6.0) + [msgspec.structs.replace(PERSON, behaviour=b) for b in ("silent", "no_sdp")],
    Story.FAILOVER: people(3, 2.5),
    Story.REBOOT: people(2, 60.0),
    Story.SEAT: people(12, 6.0),
    Story.SEAT_AFTER: people(12, 6.0),
    Story.RESERVE: people(10, 5.0),
    Story.FULL: people(1, 8.0),
    Story.STOP: people(8, 6.0),
}


def national(story: Story, index: int, attempt: int) -> str:
    """A national number of one story in one try."""
    return f"13800{attempt:02d}{story:02d}{index:02d}"


def all_numbers() -> dict[str, NumberPlan]:
    """What the exchange knows: the numbers of all stories and tries."""
    return {
        national(story, index, attempt): plan
        for attempt in range(TRIES) for story, plans in BEHAVIOURS.items() for index, plan in enumerate(plans)
    }  # fmt: skip


def until(look: Callable[[], Any], what: str, timeout_s: float = PATIENCE_S) -> Any:
    """Poll until `look` gives something; fails with what was waited for."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s for {what}"
        time.sleep(0.05)
    return found


def figure(**values: float) -> None:
    """Print one line of figures for the record."""
    print(json.dumps({name: round(value, 2) for name, value in values.items()}))


def talked_s(attempt: Attempt) -> float:
    """Seconds from answer to end."""
    assert attempt.answered_at is not None
    assert attempt.ended_at is not None
    return (attempt.ended_at - attempt.answered_at).total_seconds()


@dataclass
class FaultyBox:
    """The running box, its home on a small disk of its own, and what the tests ask and do."""

    home: Home
    settings: Settings
    store: Store
    manager_id: str
    small_disk: bool
    running: contextlib.ExitStack | None = None
    campaigns: dict[Story, str] = field(default_factory=dict)
    tries: Counter[Story] = field(default_factory=Counter)

    # ---- doing ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.running = contextlib.ExitStack()
        self.running.enter_context(boxes.running_box(self.home, self.settings))
        boxes.wait_registered(self.home, AGENTS)
        self.wait_ready()

    def stop(self) -> None:
        if self.running is not None:
            self.running.close()
            self.running = None

    def wait_ready(self) -> None:
        """Wait until all agents could take a call."""
        until(lambda: self.agents().count(AgentState.READY) == AGENTS, "agents to be ready", 2 * PATIENCE_S)

    def mend(self, gateways: list[GatewayPlan]) -> None:
        """What a test that failed has left behind is put right; after one that passed there is nothing to do."""
        if self.running is None:
            self.start()
        for story in self.campaigns:
            if self.state(story) in (CampaignState.RUNNING, CampaignState.PAUSED):
                self.act(story, "stop")
        if load_plan(plan_file(self.home)).gateways != gateways:
            self.change_gateways(*gateways)
        for phone in load_room(self.home).phones:
            if phone.fault:
                self.set_phone_fault(phone.seat_id, "")
        self.wait_ready()

    def dial(self, story: Story) -> None:
        """Import new numbers of a story into a campaign of its own and start it."""
        self.tries[story] += 1
        name = f"{story.name} {self.tries[story]}"
        config = parse_config({"calling_hours": ALL_DAY, "rule_profile": "neutral", "retry_s": {}})
        campaign = Campaign(
            id=new_id(), name=name, mode="progressive", state=CampaignState.DRAFT,
            config=config.model_dump(mode="json"), created_at=datetime.now(UTC),
        )  # fmt: skip
        self.campaigns[story] = campaign.id
        with self.store.write() as session:
            session.add(campaign)
        path = self.home.uploads / f"{name}.xlsx"
        book = openpyxl.Workbook()
        for row in (["name", "phone"], *([f"customer {n}", n] for n in self.numbers(story))):
            book.active.append(row)
        book.save(path)
        run_import(self.store, path, campaign_id=self.campaigns[story], region="CN")
        self.act(story, "start")

    def act(self, story: Story, action: str) -> None:
        """Start or stop the campaign of a story."""
        self.request(CampaignAction(actor_id=self.manager_id, campaign_id=self.campaigns[story], action=action))

    def request(self, command: Any, timeout_s: float = 20.0) -> Any:
        bus = ThreadBus(self.settings.bus, name="test")
        bus.connect()
        try:
            return bus.request(command, timeout_s=timeout_s)
        finally:
            bus.close()

    def command_line(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "CALLBOX_HOME": str(self.home.root), "COLUMNS": "200"}
        command = [sys.executable, "-m", "appliance.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)

    def kill(self, service: str) -> int:
        """`kill -9` of a service's main process; returns its id."""
        pid = self.pid(service)
        assert pid > 0, f"{service} does not run"
        os.kill(pid, signal.SIGKILL)
        return pid

    def change_gateways(self, *gateways: GatewayPlan) -> None:
        plan = load_plan(plan_file(self.home))
        save_plan(self.home, msgspec.structs.replace(plan, gateways=list(gateways)))

    def set_phone_fault(self, seat_id: str, fault: str) -> None:
        room = load_room(self.home)
        phones = [msgspec.structs.replace(p, fault=fault) if p.seat_id == seat_id else p for p in room.phones]
        save_room(self.home, msgspec.structs.replace(room, phones=phones))

    # ---- asking --------------------------------------------------------------------------------------------

    def numbers(self, story: Story) -> list[str]:
        """What this try of a story dials."""
        return [national(story, index, self.tries[story] - 1) for index in range(len(BEHAVIOURS[story]))]

    def pid(self, service: str) -> int:
        return next(s.pid for s in status(self.home) if s.name == service)

    def engine_answers(self) -> bool:
        try:
            return bool(self.request(LiveView(), timeout_s=0.5).data)
        except BusError:
            return False

    def agents(self) -> list[str]:
        """States of all signed-in agents."""
        try:
            return [agent["state"] for agent in self.request(LiveView(), timeout_s=1.0).data["agents"]]
        except BusError:
            return []

    def attempts(self, story: Story) -> list[Attempt]:
        with self.store.read() as session:
            query = session.query(Attempt).filter_by(campaign_id=self.campaigns[story]).order_by(Attempt.created_at)
            return list(query.all())

    def attempt(self, attempt_id: str) -> Attempt:
        with self.store.read() as session:
            return session.get_one(Attempt, attempt_id)

    def over(self, attempt_id: str) -> Attempt | None:
        """The attempt, once it has ended."""
        attempt = self.attempt(attempt_id)
        return attempt if attempt.ended_at is not None else None

    def archived(self, attempt_id: str) -> Recording | None:
        """The recording of an attempt, once it is archived."""
        found = self.recording_of(attempt_id)
        return found if found is not None and found.state == "archived" else None

    def state(self, story: Story) -> str:
        with self.store.read() as session:
            return session.get_one(Campaign, self.campaigns[story]).state

    def wait_finished(self, story: Story) -> None:
        until(lambda: self.state(story) == CampaignState.FINISHED, "the campaign to end", 2 * PATIENCE_S)

    def recordings(self, story: Story) -> list[Recording]:
        with self.store.read() as session:
            return list(session.query(Recording).filter_by(campaign_id=self.campaigns[story]).all())

    def recording_of(self, attempt_id: str) -> Recording | None:
        with self.store.read() as session:
            return session.query(Recording).filter_by(attempt_id=attempt_id).one_or_none()

    def bridged(self, story: Story, count: int = 1) -> list[Attempt]:
        """Attempts whose customer talks to an agent now, when there are so many."""
        found = [a for a in self.attempts(story) if a.bridged_at is not None and a.ended_at is None]
        return found if len(found) >= count else []

    def life(self, attempt_id: str) -> LifeFile:
        return next(life for life in life_files(self.home.run) if life.attempt_id == attempt_id)

    def alert(self, key: str) -> Alert | None:
        """The alert of that key, if it stands."""
        with self.store.read() as session:
            return session.query(Alert).filter(Alert.key == key, Alert.cleared_at.is_(None)).one_or_none()

    def cleared(self, key: str) -> bool:
        return self.alert(key) is None

    def truth(self, story: Story) -> list[dict[str, Any]]:
        """What the exchange has written of the calls of a story that are over."""
        numbers = self.numbers(story)
        return [call for call in read_truth(truth_file(self.home)) if call["number"] in numbers]

    def calls_per_number(self, story: Story) -> Counter[str]:
        """What the exchange was really asked to dial."""
        return Counter(call["number"] for call in self.truth(story))

    def ended_by(self, story: Story) -> set[str]:
        """Who or what ended the answered calls, as the exchange saw it: `local` is the customer."""
        return {call["ended_by"] for call in self.truth(story) if call["answered_at"] is not None}

    def findings(self) -> str:
        """What `callbox health` says, as one text; empty when all is well."""
        found = gather(self.home)
        return "" if found["ok"] else " | ".join(f["title"] + ": " + f["text"] for f in found["findings"])

    def agent_state(self, agent_id: str) -> str:
        return str(self.request(LiveView(agent_id=agent_id)).data["state"])

    def ended(self, story: Story, digits: str) -> Attempt | None:
        """The attempt on a number, once it has ended."""
        return next((a for a in self.attempts(story) if a.number.endswith(digits) and a.ended_at is not None), None)

    def answered(self, story: Story, digits: str) -> Attempt | None:
        """An attempt on a number that was answered and has ended."""
        found = (a for a in self.attempts(story) if a.number.endswith(digits) and a.ended_at is not None)
        return next((a for a in found if a.answered_at is not None), None)

    def blocked(self, story: Story) -> str:
        """Why the campaign is not dialled, as its page shows it."""
        view = self.request(LiveView()).data
        shown = next(c for c in view["campaigns"] if c["campaign_id"] == self.campaigns[story])
        return str(shown["blocked_reason"])

    def archiving(self) -> bool:
        with self.store.read() as session:
            return session.query(Job).filter_by(kind="archive", state="running").count() > 0

    def events(self, attempt_id: str) -> list[ConversationEvent]:
        """What the stream holds of one conversation, in order."""

        async def read() -> list[ConversationEvent]:
            bus = Bus(self.settings.bus, name="test")
            await bus.connect()
            try:
                return await bus.replay_events(attempt_id)
            finally:
                await bus.close()

        return asyncio.run(read())

    def life_exists(self, attempt_id: str) -> bool:
        return any(life.attempt_id == attempt_id and life.alive for life in life_files(self.home.run))

    def need_small_disk(self) -> None:
        if not self.small_disk:
            pytest.skip("may not mount a small disk here (root is needed)")

    @contextlib.contextmanager
    def disk_filled(self, *, leave_mb: float) -> Iterator[None]:
        """Fill the box's disk but for so much, whatever the box writes to it meanwhile."""
        filler = self.home.root / "filler"
        with filler.open("wb") as handle:
            while (to_fill := shutil.disk_usage(self.home.root).free - int(leave_mb * 1e6)) > 0:
                with contextlib.suppress(OSError):  # what did not fit whole is given back whole: ask for less
                    os.posix_fallocate(handle.fileno(), os.fstat(handle.fileno()).st_size, -(-to_fill // 2))
        try:
            yield
        finally:
            filler.unlink()

    def lines(self, name: str, event: str) -> str:
        """The lines of a log that tell of one kind of event."""
        return "\n".join(line for line in self.log(name).splitlines() if event in line)

    def assert_dialled_once(self, story: Story) -> None:
        """Every number was called, each attempt has its outcome and one call at the exchange, no call is unknown."""
        attempts = self.attempts(story)
        assert all(a.outcome is not None for a in attempts)
        calls = self.calls_per_number(story)
        per_number = Counter(a.number.removeprefix("+86") for a in attempts if a.reason != "never reached the switch")
        assert set(calls) == set(self.numbers(story))
        assert calls <= per_number, calls - per_number

    def log(self, name: str) -> str:
        return (self.home.logs / f"{name}.log").read_text("utf-8", "replace")

    def assert_all_archived(self, story: Story) -> None:
        """Every recording of a story's campaign is archived, opened and measured."""
        until(lambda: {r.state for r in self.recordings(story)} == {"archived"}, "the archive")
        evidence = recording_evidence(self.home, self.store, self.campaigns[story])
        assert evidence
        assert all(row.verified for row in evidence)
