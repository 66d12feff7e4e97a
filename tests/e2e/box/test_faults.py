"""The whole box when things go wrong: services and calls killed, gateways and phones broken, a full disk, a stop.

Everything is real but the exchange and the room: Kamailio, nats-server, the switch with pjsua2, engine, jobs. What was
really dialled is read from the exchange's own log. Numbers are 138 0000 TTNN: TT the test, NN counted from 00.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pytest

from appliance.bench import box as boxes
from appliance.bench.evidence import recording_evidence
from appliance.bench.exchange import read_truth, truth_file
from appliance.bench.plan import DialPlan, GatewayPlan, NumberPlan, load_plan, plan_file, save_plan
from appliance.bench.provide import NO_PASSWORD, Provided, provide
from appliance.bench.room import RoomPlan, load_room, save_room
from appliance.bus import Bus
from appliance.commands import AgentHangup, CampaignAction, LiveView
from appliance.domain.campaign import ALL_DAY, parse_config
from appliance.errors import BusError
from appliance.events import Bridged, ConversationEvent, SeatFailed
from appliance.ids import new_id
from appliance.jobs.imports import run_import
from appliance.services.health import gather
from appliance.settings import Home, Settings
from appliance.store.db import Store
from appliance.store.models import Alert, Attempt, Campaign, Job, Recording, User
from appliance.telephony.control import LifeFile, life_files
from appliance.thread_bus import ThreadBus
from appliance.types import AgentState, CampaignState, Role
from appliance.watch.supervision import status

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

AGENTS = 6
BACK_WITHIN_S = 5.0
BUS_AWAY_S = 3.0
DISK_MB, RESERVE_MB = 220, 64
RATE_HZ, AU_FRAME_BYTES = 8000, 4
(
    ENGINE, WORKER, SWITCH, SWITCH_AFTER, BUS, JOBS, GATEWAY, FAILOVER, REBOOT, SEAT, SEAT_AFTER, RESERVE, FULL, STOP,
) = range(14)  # fmt: skip
PERSON = NumberPlan(behaviour="human", post_dial_delay_s=0.1, ring_s=0.5, pick_up_s=0.3, talk_s=2.5)


def number(test: int, index: int) -> str:
    """A national number of one test."""
    return f"1380000{test:02d}{index:02d}"


def people(test: int, count: int, talk_s: float) -> dict[str, NumberPlan]:
    """So many people who hang up after `talk_s`."""
    return {
        number(test, index): msgspec.structs.replace(PERSON, talk_s=talk_s, voice=index) for index in range(count)
    }


def faulty(test: int, first: int, *behaviours: str) -> dict[str, NumberPlan]:
    """One number for each behaviour."""
    return {
        number(test, first + index): msgspec.structs.replace(PERSON, behaviour=behaviour)
        for index, behaviour in enumerate(behaviours)
    }


NUMBERS = {
    ENGINE: people(ENGINE, 18, 2.5),
    WORKER: people(WORKER, 4, 8.0),
    SWITCH: people(SWITCH, 4, 12.0),
    SWITCH_AFTER: people(SWITCH_AFTER, 2, 2.5),
    BUS: people(BUS, 8, 7.0),
    JOBS: people(JOBS, 6, 4.0),
    GATEWAY: people(GATEWAY, 6, 4.0) | faulty(GATEWAY, 6, "silent", "no_sdp"),
    FAILOVER: people(FAILOVER, 3, 2.5),
    REBOOT: people(REBOOT, 2, 60.0),
    SEAT: people(SEAT, 12, 6.0),
    SEAT_AFTER: people(SEAT_AFTER, 12, 6.0),
    RESERVE: people(RESERVE, 10, 5.0),
    FULL: people(FULL, 1, 8.0),
    STOP: people(STOP, 8, 6.0),
}


def until(look: Callable[[], Any], what: str, timeout_s: float = 30.0) -> Any:
    """Poll until `look` gives something; fails with what was waited for."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s for {what}"
        time.sleep(0.05)
    return found


def answers(gateway: GatewayPlan) -> bool:
    """Whether a gateway answers an OPTIONS."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((gateway.address.rsplit(".", 1)[0] + ".99", 0))
        probe.settimeout(0.3)
        host, port = probe.getsockname()
        lines = (
            f"OPTIONS sip:{gateway.address} SIP/2.0", f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{port}",
            f"From: <sip:test@{host}>;tag=1", f"To: <sip:{gateway.address}>", f"Call-ID: {new_id()}", "CSeq: 1 OPTIONS",
            "Max-Forwards: 1", "Content-Length: 0", "", "",
        )  # fmt: skip
        probe.sendto("\r\n".join(lines).encode(), (gateway.address, gateway.port))
        try:
            return probe.recv(4096).startswith(b"SIP/2.0")
        except TimeoutError:
            return False


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
    provided: Provided
    manager_id: str
    small_disk: bool
    running: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    campaigns: dict[int, str] = field(default_factory=dict)

    # ---- doing ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.running.enter_context(boxes.running_box(self.home, self.settings))
        boxes.wait_registered(self.home, AGENTS)
        until(lambda: self.agents().count(AgentState.READY) == AGENTS, "agents to be ready")

    def stop(self) -> None:
        self.running.close()

    def dial(self, test: int) -> str:
        """Import the numbers of a test into a campaign of its own and start it."""
        campaign_id = new_id()
        config = parse_config({"calling_hours": ALL_DAY, "rule_profile": "neutral", "retry_s": {}})
        with self.store.write() as session:
            session.add(
                Campaign(id=campaign_id, name=f"test {test}", mode="progressive", state=CampaignState.DRAFT,
                         config=config.model_dump(mode="json"), created_at=datetime.now(UTC))
            )  # fmt: skip
        path = self.home.uploads / f"{test}.xlsx"
        book = openpyxl.Workbook()
        for row in (["name", "phone"], *([f"customer {n}", n] for n in NUMBERS[test])):
            book.active.append(row)
        book.save(path)
        run_import(self.store, path, campaign_id=campaign_id, region="CN")
        self.request(CampaignAction(actor_id=self.manager_id, campaign_id=campaign_id, action="start"))
        self.campaigns[test] = campaign_id
        return campaign_id

    def request(self, command: Any, timeout_s: float = 5.0) -> Any:
        bus = ThreadBus(self.settings.bus, name="test")
        bus.connect()
        try:
            return bus.request(command, timeout_s=timeout_s)
        finally:
            bus.close()

    def command_line(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "CALLBOX_HOME": str(self.home.root), "COLUMNS": "200"}
        command = [sys.executable, "-m", "appliance.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)

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

    def attempts(self, test: int) -> list[Attempt]:
        with self.store.read() as session:
            query = session.query(Attempt).filter_by(campaign_id=self.campaigns[test]).order_by(Attempt.created_at)
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

    def state(self, test: int) -> str:
        with self.store.read() as session:
            return session.get_one(Campaign, self.campaigns[test]).state

    def wait_finished(self, test: int, timeout_s: float = 60.0) -> None:
        until(lambda: self.state(test) == CampaignState.FINISHED, "the campaign to end", timeout_s)

    def recordings(self, test: int) -> list[Recording]:
        with self.store.read() as session:
            return list(session.query(Recording).filter_by(campaign_id=self.campaigns[test]).all())

    def recording_of(self, attempt_id: str) -> Recording | None:
        with self.store.read() as session:
            return session.query(Recording).filter_by(attempt_id=attempt_id).one_or_none()

    def bridged(self, test: int, count: int = 1) -> list[Attempt]:
        """Attempts whose customer talks to an agent now, when there are so many."""
        found = [a for a in self.attempts(test) if a.bridged_at is not None and a.ended_at is None]
        return found if len(found) >= count else []

    def life(self, attempt_id: str) -> LifeFile:
        return next(life for life in life_files(self.home.run) if life.attempt_id == attempt_id)

    def alert(self, key: str) -> Alert | None:
        """The alert of that key, if it stands."""
        with self.store.read() as session:
            return session.query(Alert).filter(Alert.key == key, Alert.cleared_at.is_(None)).one_or_none()

    def cleared(self, key: str) -> bool:
        return self.alert(key) is None

    def calls_per_number(self, test: int) -> Counter[str]:
        """What the exchange was really asked to dial."""
        return Counter(call["number"] for call in read_truth(truth_file(self.home)) if call["number"] in NUMBERS[test])

    def findings(self) -> str:
        """What `callbox health` says, as one text; empty when all is well."""
        found = gather(self.home)
        return "" if found["ok"] else " | ".join(f["title"] + ": " + f["text"] for f in found["findings"])

    def agent_state(self, agent_id: str) -> str:
        return str(self.request(LiveView(agent_id=agent_id)).data["state"])

    def ended(self, test: int, digits: str) -> Attempt | None:
        """The attempt on a number, once it has ended."""
        return next((a for a in self.attempts(test) if a.number.endswith(digits) and a.ended_at is not None), None)

    def answered(self, test: int, digits: str) -> Attempt | None:
        """An attempt on a number that was answered and has ended."""
        found = (a for a in self.attempts(test) if a.number.endswith(digits) and a.ended_at is not None)
        return next((a for a in found if a.answered_at is not None), None)

    def blocked(self, test: int) -> str:
        """Why the campaign is not dialled, as its page shows it."""
        view = self.request(LiveView()).data
        shown = next(c for c in view["campaigns"] if c["campaign_id"] == self.campaigns[test])
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
        """Fill the box's disk but for so much."""
        filler = self.home.root / "filler"
        free = shutil.disk_usage(self.home.root).free
        with filler.open("wb") as handle, contextlib.suppress(OSError):
            os.posix_fallocate(handle.fileno(), 0, free - int(leave_mb * 1e6))
        try:
            yield
        finally:
            filler.unlink()

    def lines(self, name: str, event: str) -> str:
        """The lines of a log that tell of one kind of event."""
        return "\n".join(line for line in self.log(name).splitlines() if event in line)

    def assert_dialled_once(self, test: int) -> None:
        """Every number was called, each attempt has its outcome and one call at the exchange, no call is unknown."""
        attempts = self.attempts(test)
        assert all(a.outcome is not None for a in attempts)
        calls = self.calls_per_number(test)
        per_number = Counter(a.number.removeprefix("+86") for a in attempts if a.reason != "never reached the switch")
        assert set(calls) == set(NUMBERS[test])
        assert calls <= per_number, calls - per_number

    def log(self, name: str) -> str:
        return (self.home.logs / f"{name}.log").read_text("utf-8", "replace")

    def assert_all_archived(self, test: int) -> None:
        """Every recording of a test's campaign is archived, opened and measured."""
        until(lambda: all(r.state == "archived" for r in self.recordings(test)), "the archive")
        evidence = recording_evidence(self.home, self.store, self.campaigns[test])
        assert evidence
        assert all(row.verified for row in evidence)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of its own at `folder`; False where we may not mount one."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "callbox-test", str(folder)], capture_output=True
    ).returncode == 0  # fmt: skip
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyBox]:
    """Two gateways, six agents at six phones, all numbers known; customers decide how long they talk."""
    with small_disk(tmp_path_factory.mktemp("faults") / "home") as mounted:
        home = Home(tmp_path_factory.getbasetemp() / "faults0" / "home")
        outside = tmp_path_factory.mktemp("bench")  # the exchange is no part of the box's disk
        (home.root / "bench").symlink_to(outside)
        home.make()
        network = boxes.choose_network()
        settings = boxes.private_settings(
            home, network, recording={"reserve_mb": RESERVE_MB},
            dialling={"ring_timeout_s": 8.0, "wrap_up_s": 5.0, "seat_answer_timeout_s": 2.0},
        )  # fmt: skip
        boxes.provide_sounds(home, lambda _done, _total, _what: None)
        store = boxes.prepare(home, settings)
        plan = DialPlan(
            gateways=[GatewayPlan(address=f"127.{network}.1.{host}") for host in (1, 2)],
            numbers={digits: plan for numbers in NUMBERS.values() for digits, plan in numbers.items()},
        )
        provided = provide(
            home, settings, store, plan=plan, seats=AGENTS, agents=True, network=network, channels=30,
            room=RoomPlan(talk_s=(40.0, 40.0), wrap_up_s=(0.2, 0.6)),
        )  # fmt: skip
        manager_id = new_id()
        with store.write() as session:
            session.add(
                User(id=manager_id, login="manager", display_name="Manager", role=Role.ADMINISTRATOR,
                     password_hash=NO_PASSWORD, created_at=datetime.now(UTC))
            )  # fmt: skip
        box = FaultyBox(home, settings, store, provided, manager_id, mounted)
        try:
            box.start()
            yield box
        finally:
            box.stop()
            shutil.copytree(home.logs, home.root.parent / "log", dirs_exist_ok=True)  # the disk goes
            store.close()


def test_engine_killed(box: FaultyBox) -> None:
    """It answers again within 5 s; no attempt is dialled twice, none is lost, the campaign ends."""
    box.dial(ENGINE)
    until(lambda: box.bridged(ENGINE, 2), "conversations")
    old = box.kill("engine")
    killed = time.monotonic()
    until(lambda: "“engine”" in box.findings(), "health to name the engine", 15)
    until(lambda: box.pid("engine") not in (0, old) and box.engine_answers(), "an answer of the engine", 15)
    figure(engine_answers_after_s=time.monotonic() - killed)
    assert time.monotonic() - killed < BACK_WITHIN_S
    told = box.command_line("health")
    assert told.returncode == 1
    assert "Service “engine” was restarted a moment ago" in told.stdout
    box.wait_finished(ENGINE)
    box.assert_dialled_once(ENGINE)
    assert all(a.outcome != "lost" for a in box.attempts(ENGINE))
    box.assert_all_archived(ENGINE)


def test_worker_killed_under_a_conversation(box: FaultyBox) -> None:
    """The attempt is `lost`, archived up to a second before; the agent is free, the room goes on."""
    box.dial(WORKER)
    victim = until(lambda: box.bridged(WORKER, 2), "conversations")[0]
    recording = until(lambda: box.recording_of(victim.id), "its recording")
    spool = box.home.spool / f"{recording.id}.au"
    until(lambda: spool.stat().st_size > 3 * RATE_HZ * AU_FRAME_BYTES, "three seconds of sound")
    os.kill(box.life(victim.id).pid, signal.SIGKILL)
    killed = time.time()
    lost = until(partial(box.over, victim.id), "its end", 10)
    assert lost.outcome == "lost"
    figure(worker_lost_told_after_s=time.time() - killed)
    until(lambda: "process died" in box.findings(), "health to name what happened", 15)
    until(lambda: box.agent_state(victim.agent_id) == AgentState.READY, "the agent to be free")
    archived = until(partial(box.archived, victim.id), "its archive")
    missing_s = killed - archived.started_at.timestamp() - archived.duration_s
    figure(worker_killed_missing_s=missing_s)
    assert missing_s <= 1.0
    box.wait_finished(WORKER)
    assert [a.id for a in box.attempts(WORKER) if a.outcome == "lost"] == [victim.id]


def test_switch_parent_killed(box: FaultyBox) -> None:
    """Conversations go on and end as usual; a new parent adopts them and takes new calls."""
    box.dial(SWITCH)
    talking = until(lambda: box.bridged(SWITCH, 4), "conversations")
    ready_before = box.log("switch").count("switch ready")
    box.kill("switch")
    killed = time.monotonic()
    until(lambda: "“switch”" in box.findings(), "health to name the switch", 15)
    until(lambda: box.log("switch").count("switch ready") > ready_before, "a new switch", 15)
    figure(switch_ready_after_s=time.monotonic() - killed)
    adopted = {a.id for a in talking if f"conversation={a.id}" in box.lines("switch", "conversation adopted")}
    assert adopted >= {a.id for a in box.bridged(SWITCH)}
    assert adopted
    box.dial(SWITCH_AFTER)
    until(lambda: any(a.answered_at for a in box.attempts(SWITCH_AFTER)), "a new call to be answered")
    figure(switch_dials_after_s=time.monotonic() - killed)
    box.wait_finished(SWITCH)
    box.wait_finished(SWITCH_AFTER)
    attempts = box.attempts(SWITCH)
    assert {a.outcome for a in attempts} <= {"human", "unknown"}
    for attempt in attempts:
        assert talked_s(attempt) > NUMBERS[SWITCH][number(SWITCH, 0)].talk_s - 1
        # the agent heard the customer to the end: nothing of the sound is missing
        assert attempt.media["rtp_received"] > 2 * 50 * (NUMBERS[SWITCH][number(SWITCH, 0)].talk_s - 3)
    box.assert_dialled_once(SWITCH)
    box.assert_all_archived(SWITCH)


def test_bus_killed_for_some_seconds(box: FaultyBox) -> None:
    """Conversations go on; afterwards all events arrive, in order, each once."""
    box.dial(BUS)
    talking = until(lambda: box.bridged(BUS, 3), "conversations")
    began = time.monotonic()
    while time.monotonic() < began + BUS_AWAY_S:  # as often as it is started
        with contextlib.suppress(ProcessLookupError):
            os.kill(box.pid("bus") or 2**22, signal.SIGKILL)
        time.sleep(0.05)
    assert all(box.life_exists(a.id) for a in talking), "conversations go on"
    mended = time.monotonic()
    until(box.engine_answers, "an answer of the engine", 15)
    figure(bus_back_after_s=time.monotonic() - mended)
    assert "“bus”" in box.findings()
    box.wait_finished(BUS)
    attempts = box.attempts(BUS)
    assert {a.outcome for a in attempts} <= {"human", "unknown", "cancelled"}, "cancelled: the switch was never told"
    attempts = [a for a in attempts if a.outcome != "cancelled"]
    assert all(a.media and talked_s(a) > 0 for a in attempts), "the last event of each has arrived"
    for attempt in attempts:
        assert [event.seq for event in box.events(attempt.id)] == list(range(1, attempt.last_seq + 1))
    box.assert_dialled_once(BUS)
    box.assert_all_archived(BUS)


def test_jobs_killed_while_archiving(box: FaultyBox) -> None:
    """All recordings are archived and verified in the end."""
    box.dial(JOBS)
    until(box.archiving, "an archive under way", 60)
    old = box.kill("jobs")
    killed = time.monotonic()
    until(lambda: "“jobs”" in box.findings(), "health to name jobs", 15)
    until(lambda: box.pid("jobs") not in (0, old), "new jobs", 10)
    box.wait_finished(JOBS)
    box.assert_all_archived(JOBS)
    figure(all_archived_after_s=time.monotonic() - killed)
    assert not list(box.home.spool.glob("*.au"))
    assert not list(box.home.archive.glob("*.new"))


def test_gateways_that_fail(box: FaultyBox) -> None:
    """Silent after INVITE, 200 without SDP, a reboot in mid-call: each ends with its reason, others go on."""
    first, second = load_plan(plan_file(box.home)).gateways
    box.dial(GATEWAY)
    until(lambda: box.bridged(GATEWAY, 2), "conversations")
    bad = {
        digits: until(partial(box.ended, GATEWAY, digits), "the end of a call to a bad gateway", 30)
        for digits in (number(GATEWAY, 6), number(GATEWAY, 7))
    }
    assert [a.outcome for a in bad.values()] == ["trunk_failed", "trunk_failed"]
    assert "408" in bad[number(GATEWAY, 6)].reason
    assert "sdp" in bad[number(GATEWAY, 7)].reason.lower()
    others = [digits for digits in NUMBERS[GATEWAY] if digits not in bad]
    for digits in others:  # a call for which no gateway was left meanwhile is made again
        until(partial(box.answered, GATEWAY, digits), "an answered call to a good number")
    # a trunk that was silent is tried again later, the number is not used up: no end of the campaign by itself
    box.request(CampaignAction(actor_id=box.manager_id, campaign_id=box.campaigns[GATEWAY], action="stop"))

    until(lambda: "does not answer" not in box.findings(), "the edge to find both gateways alive again", 20)

    box.change_gateways(msgspec.structs.replace(first, deaf=True), second)
    until(lambda: not answers(first), "the first gateway to be deaf", 5)
    box.dial(FAILOVER)
    box.wait_finished(FAILOVER)
    assert {a.outcome for a in box.attempts(FAILOVER)} <= {"human", "unknown"}
    gateways = {c["gateway"] for c in read_truth(truth_file(box.home)) if c["number"] in NUMBERS[FAILOVER]}
    assert gateways == {second.address}
    assert "gateway" in box.findings().lower()

    box.change_gateways(first, second)
    until(lambda: answers(first), "the first gateway to be back", 5)
    until(lambda: "gateway" not in box.findings().lower(), "health to see it", 20)
    box.dial(REBOOT)
    talking = until(lambda: box.bridged(REBOOT, 2), "conversations")
    box.change_gateways(*(msgspec.structs.replace(g, reboots=g.reboots + 1, reboot_s=1.0) for g in (first, second)))
    until(lambda: not answers(first) and not answers(second), "the gateways to reboot", 5)
    for attempt in talking:  # the agent hears nothing more and hangs up; alone, the box would let go after two minutes
        box.request(AgentHangup(actor_id=attempt.agent_id))
    box.wait_finished(REBOOT)
    for attempt in (box.attempt(a.id) for a in talking):
        assert attempt.outcome in ("human", "unknown")
        assert attempt.ended_at is not None
    box.assert_all_archived(GATEWAY)


def test_seat_that_does_not_answer(box: FaultyBox) -> None:
    """The next agent gets the customer; an alert stands until the phone is back."""
    seats = [spec.seat_id for spec in load_room(box.home).phones if spec.kind == "sip"]
    silent, refusing = seats[0], seats[1]
    box.set_phone_fault(silent, "silent")
    box.set_phone_fault(refusing, "refuse")
    until(lambda: box.log("phones").count("room as planned") >= 2, "the phones to be broken", 5)
    box.dial(SEAT)
    for seat_id in (silent, refusing):
        until(partial(box.alert, f"seat.{seat_id}.unreachable"), "the alert", 30)
        assert seat_id in box.findings()
    box.wait_finished(SEAT)
    attempts = box.attempts(SEAT)
    assert all(a.seat_id not in (silent, refusing) for a in attempts if a.bridged_at)
    tried = [[type(event) for event in box.events(a.id)] for a in attempts]
    assert any(SeatFailed in types and Bridged in types for types in tried), "the next agent gets the customer"
    for seat_id in (silent, refusing):
        box.set_phone_fault(seat_id, "")
    box.dial(SEAT_AFTER)
    for seat_id in (silent, refusing):
        until(partial(box.cleared, f"seat.{seat_id}.unreachable"), "the alert to clear", 30)
    box.wait_finished(SEAT_AFTER)
    assert box.findings() == "" or "seat" not in box.findings()


def test_disk_reserve_stops_dialling(box: FaultyBox) -> None:
    """Calls in progress are recorded to their end within the reserve; dialling goes on once there is room."""
    box.need_small_disk()
    box.dial(RESERVE)
    talking = until(lambda: box.bridged(RESERVE, 3), "conversations")
    with box.disk_filled(leave_mb=RESERVE_MB // 2):
        until(lambda: box.alert("disk.reserve"), "the alert", 10)
        assert "disk" in box.findings().lower()
        until(lambda: box.blocked(RESERVE) == "disk_full", "the campaign to be blocked", 5)
        until(lambda: all(box.attempt(a.id).ended_at for a in talking), "the conversations to end")
        dialled = sum(box.calls_per_number(RESERVE).values())
        assert dialled < len(NUMBERS[RESERVE])
    until(lambda: not box.alert("disk.reserve"), "the alert to clear", 15)
    box.wait_finished(RESERVE)
    box.assert_dialled_once(RESERVE)
    box.assert_all_archived(RESERVE)


def test_disk_full_while_recording(box: FaultyBox) -> None:
    """The call goes on; what was written stays readable; the log says it once."""
    box.need_small_disk()
    box.dial(FULL)
    attempt = until(lambda: box.bridged(FULL, 1), "a conversation")[0]
    recording = until(lambda: box.recording_of(attempt.id), "its recording")
    spool = box.home.spool / f"{recording.id}.au"
    until(lambda: spool.stat().st_size > 2 * RATE_HZ * AU_FRAME_BYTES, "two seconds of sound")
    with box.disk_filled(leave_mb=0):
        until(lambda: "recording stopped, call goes on" in box.log("switch"), "the log to say it", 10)
        until(lambda: box.calls_per_number(FULL), "the customer to end the call himself")
        assert box.log("switch").count("recording stopped, call goes on") == 1
    box.wait_finished(FULL)
    ended = box.attempt(attempt.id)
    assert ended.outcome in ("human", "unknown")
    assert talked_s(ended) > 7
    archived = until(partial(box.archived, attempt.id), "its archive")
    assert archived.duration_s >= 2


def test_the_whole_box_is_stopped_and_started(box: FaultyBox) -> None:
    """A clean end in time, all spools closed; the next start goes on where it was and archives what was left."""
    box.dial(STOP)
    talking = until(lambda: box.bridged(STOP, 3), "conversations")
    began = time.monotonic()
    box.stop()
    figure(stopped_after_s=time.monotonic() - began)
    assert not list(life_files(box.home.run)), "every conversation has ended well"
    assert box.state(STOP) == CampaignState.RUNNING
    began = time.monotonic()
    box.start()
    figure(started_after_s=time.monotonic() - began)
    assert box.state(STOP) in (CampaignState.RUNNING, CampaignState.FINISHED)
    for attempt in talking:
        ended = until(partial(box.over, attempt.id), "the stopped conversation's end")
        assert ended.outcome in ("human", "unknown")
    box.wait_finished(STOP)
    box.assert_dialled_once(STOP)
    box.assert_all_archived(STOP)
