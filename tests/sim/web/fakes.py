"""A box for the web's tests: the real store and office, a fake engine, and a bus that is a function call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
from flask import Flask
from flask.testing import FlaskClient

from appliance import commands as cmd
from appliance.clock import SystemClock
from appliance.commands import Command, Done
from appliance.errors import CallboxError, CallerError, NotFoundError
from appliance.events import LiveAgent, LiveAlert, LiveCampaign, LiveJob, LiveLine, LiveQueue, LiveRoom
from appliance.ids import new_id
from appliance.jobs.accounts import ensure_set_up_token
from appliance.jobs.backup.service import Backups
from appliance.jobs.context import Context, Doors
from appliance.jobs.imports import remembered_by
from appliance.jobs.inspection import inspect_list
from appliance.jobs.list_sources import make_list
from appliance.jobs.lists import ListImports
from appliance.jobs.office import Office
from appliance.jobs.passwords import Hasher
from appliance.jobs.queue import Progress, WorkQueue
from appliance.jobs.recordings_zip import RECORDINGS_ZIP, RecordingsZip
from appliance.jobs.reports import Reports, ask_for
from appliance.jobs.reset import Resets
from appliance.jobs.retention import Retention
from appliance.jobs.saved_reports import SavedReports
from appliance.jobs.update import Updates
from appliance.jobs.webhooks import Webhooks
from appliance.services.doors import preview_number
from appliance.settings import Home, load_secrets, load_settings
from appliance.store.models import Campaign, User
from appliance.store.repositories import jobs_queue
from appliance.telephony.trunks import parse_trunk, to_plain
from appliance.types import AgentState, CampaignState
from tests.databases import new_store
from tests.sim.web.fake_watch import FakeWatch
from webui.app import create_app

PASSWORD = "a quiet long sentence"
RECORD = {
    "lead_id": "lead1", "name": "王小明", "number": "+8613812345678", "external_id": "A-1007", "amount_minor": 1234500,
    "currency": "CNY", "fields": {"合同": "HT-2025-88", "逾期天数": "42"}, "attempts": 1, "last_outcome": "",
}  # fmt: skip


class _Seats:
    """The edge's seats in memory."""

    def __init__(self) -> None:
        self.passwords: dict[str, str] = {}

    def set_password(self, seat_id: str, password: str) -> None:
        self.passwords[seat_id] = password

    def remove(self, seat_id: str) -> None:
        self.passwords.pop(seat_id, None)


class FakeBus:
    """Answers commands at once in the caller's thread; `emit` shows a live event to the web."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.settings = load_settings(home)
        self.store = new_store(home, self.settings)
        self.context = Context(
            home=home, settings=self.settings, secrets=load_secrets(home), store=self.store, clock=SystemClock(),
            doors=Doors(
                seats=_Seats(), check_trunk=lambda config: to_plain(parse_trunk(config)), edge_changed=lambda: None,
                preview_number=preview_number, root=self._root,
            ),
            publish=lambda topic, event: self.emit(topic, event),
        )  # fmt: skip
        self.set_up_token = ensure_set_up_token(home, self.store) or home.set_up_token.read_text().strip()
        self._office = Office(self.context, Hasher(passes=1, memory_kib=64))  # a hash is slow on purpose
        self.saved = SavedReports(self.context, cast("WorkQueue", _AtOnce(self)))
        self.webhooks = Webhooks(self.context, cast("WorkQueue", _AtOnce(self)))
        self.root_answers: dict[str, str] | None = None  # None: no device
        self.asked_root: list[str] = []
        self.care = _Care(self)
        self._listeners: list[Callable[[str, Any], None]] = []
        self._lock = threading.Lock()
        self.asked: list[Command] = []
        self.failure: CallboxError | None = None
        self.engine = FakeEngine(self)
        self.watch = FakeWatch(home, self.store, self.emit)

    # ---- what the web uses ------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        return True

    def connect(self, *, timeout_s: float = 15.0) -> None:
        """Always there."""

    def close(self) -> None:
        self.store.close()

    def subscribe_live(self, pattern: str, handler: Callable[[str, Any], None]) -> None:
        self._listeners.append(handler)

    def request(self, command: Command, *, timeout_s: float = 5.0) -> Done:
        self.asked.append(command)
        if self.failure is not None:
            raise self.failure
        if command.SERVICE == "office":
            return self._office.handle(command)
        if command.SERVICE == "jobs":
            return self._jobs(command)
        if command.SERVICE == "engine":
            return self.engine.handle(command)
        if command.SERVICE == "watch":
            return self.watch.handle(command)
        return Done()

    def _root(self, action: str, _actor_id: str, _arguments: dict[str, str]) -> str:
        if self.root_answers is None:
            raise CallerError("box.not_a_device", "This box runs from a checkout.")
        self.asked_root.append(action)
        return self.root_answers.get(action, "")

    # ---- for tests ----------------------------------------------------------------------------------------

    def emit(self, topic: str, event: msgspec.Struct) -> None:
        """Show a live event."""
        for listener in self._listeners:
            listener(topic, event)

    def alert(self, title: str) -> None:
        self.emit("alert", LiveAlert(key="x", severity="warning", title=title, text="", raised=True, at_unix_s=1.0))

    def _jobs(self, command: Command) -> Done:
        if type(command) in self.webhooks.handlers():
            return self.webhooks.handlers()[type(command)](command)
        match command:
            case cmd.InspectList():
                region = self.settings.dialling.default_region
                remembered = remembered_by(self.context.store, command.campaign_id)
                return Done(data=inspect_list(Path(command.path), command.file_name, region, remembered))
            case cmd.MakeList():
                path = self.context.home.uploads / f"made-{len(self.asked)}.xlsx"
                with self.context.store.read() as session:
                    rows = make_list(session, command, path, ZoneInfo("UTC"))
                return Done(data={"path": str(path), "file_name": f"{command.source}.xlsx", "rows": rows})
            case cmd.ImportList():
                import_id = f"import-{len(self.asked)}"
                payload = {**msgspec.to_builtins(command), "import_id": import_id}
                self._run(import_id, "import", lambda progress: ListImports(self.context).run(payload, progress))
                return Done(id=import_id)
            case cmd.ExportReport():
                job_id = f"report-{len(self.asked)}"
                payload = ask_for(command, job_id)
                self._run(job_id, "report", lambda progress: Reports(self.context).run(payload, progress))
                return Done(id=job_id)
            case cmd.ExportRecordings():
                return self._pack(command)
            case cmd.SaveReport():
                return self.saved.save(command)
            case cmd.DeleteReport():
                return self.saved.delete(command)
            case cmd.RunReport():
                return self.saved.run_now(command)
            case cmd.RunRetention():
                data = Retention(self.context).run(command.actor_id, "", dry_run=command.dry_run)
                return Done(data=data)
        if (answer := self.care.handlers.get(type(command))) is not None:
            return answer(command)
        raise CallerError("jobs.unknown_command", type(command).__name__)

    def _pack(self, command: cmd.ExportRecordings) -> Done:
        packs, job_id = RecordingsZip(self.context), new_id()
        payload = packs.ask_for(command, job_id)
        with self.store.write() as session:
            jobs_queue.put(session, job_id, RECORDINGS_ZIP, payload, self.context.clock.now())
        result = packs.run(payload, cast("Progress", _SilentProgress()))
        with self.store.write() as session:
            jobs_queue.claim(session, [RECORDINGS_ZIP], self.context.clock.now())
            jobs_queue.finish(session, job_id, result, self.context.clock.now())
        return Done(id=job_id)

    def _run(self, job_id: str, kind: str, work: Callable[[Progress], dict[str, Any]]) -> None:
        try:
            result = work(_SilentProgress())
            event = LiveJob(job_id=job_id, kind=kind, done=1, total=1, state="finished", result=result)
        except CallboxError as error:
            event = LiveJob(job_id=job_id, kind=kind, done=0, total=1, state="failed", message=error.message)
        self.emit(f"job.{job_id}", event)


class _AtOnce:
    """A queue whose work is done when it is put, unless it is for later."""

    def wake(self) -> None:
        """Webhooks put their jobs into the table themselves; nothing leaves a test."""

    def __init__(self, bus: FakeBus) -> None:
        self._bus = bus

    def put(self, job_id: str, _kind: str, payload: dict[str, Any], *, run_at: datetime, again: bool) -> None:
        if again and run_at <= self._bus.context.clock.now():
            self._bus._run(job_id, "saved_report", lambda progress: self._bus.saved.run(payload, progress))


class _Care:
    """Backups, updates and resets; what is put into their queue is done at once, unless it is for later."""

    def __init__(self, bus: FakeBus) -> None:
        self._bus = bus
        queue = cast("WorkQueue", self)
        self.backups = Backups(bus.context, queue)
        self.updates = Updates(bus.context, queue, self.backups, slot=lambda: "A")
        self.handlers = self.backups.handlers() | self.updates.handlers() | Resets(bus.context).handlers()

    def put(self, job_id: str, kind: str, payload: dict[str, Any], *, run_at: datetime | None = None,
            again: bool = False) -> None:  # fmt: skip
        work = {"backup": self.backups.run_backup, "update": self.updates.run, "update_fetch": self.updates.run_fetch}
        if again and kind in work and (run_at is None or run_at <= self._bus.context.clock.now()):
            self._bus._run(job_id, kind, lambda progress: work[kind](payload, progress))


class _SilentProgress:
    """Progress that nobody looks at."""

    def __call__(self, done: int, total: int, message: str = "") -> None:
        return

    def check(self) -> None:
        return


class FakeEngine:
    """Agents at seats and one call at a time for each, as far as the pages need it."""

    def __init__(self, bus: FakeBus) -> None:
        self._bus = bus
        self.agents: dict[str, LiveAgent] = {}
        self.campaigns: dict[str, LiveCampaign] = {}
        self.lines: list[LiveLine] = []
        self.queues: list[LiveQueue] = []
        self.forecast: dict[str, Any] = {"reason": "no_agents"}
        self.targets: dict[str, Any] = {"agents": [], "seats": [], "queues": [], "numbers": False}

    def handle(self, command: Command) -> Done:
        match command:
            case cmd.LiveView(agent_id=None):
                return Done(data=msgspec.to_builtins(self.room()))
            case cmd.LiveView():
                if command.agent_id not in self.agents:
                    raise CallerError("agent.not_here", "Not signed in at a seat.")
                return Done(data=msgspec.to_builtins(self.agents[command.agent_id]))
            case cmd.CampaignAction():
                self._campaign(command)
            case cmd.AgentLogin():
                self.put(self._fresh(command.actor_id, command.seat_id))
            case cmd.AgentLogout():
                self.change(command.actor_id, state=AgentState.OFFLINE, seat_id=None)
            case cmd.AgentReady():
                self.change(command.actor_id, state=AgentState.READY, pause_reason="", pending_state=None)
            case cmd.AgentPause():
                self._pause(command)
            case cmd.AgentHangup():
                self.change(command.actor_id, state=AgentState.WRAP_UP, wrap_up_ends_unix_s=time.time() + 60)
            case cmd.AgentHold():
                self.change(command.actor_id, on_hold=not command.resume)
            case cmd.AgentMute():
                self.change(command.actor_id, muted=command.on)
            case cmd.AgentRecording():
                self.change(command.actor_id, recording_paused=command.paused)
            case cmd.ForecastPace():
                return Done(data=self.forecast)
            case cmd.ForceState():
                return Done(data={"state": command.state, "pending": None})
            case cmd.TransferTargets():
                return Done(data=self.targets)
            case cmd.AgentTransfer(attended=True):
                self.change(command.actor_id, third="talking", third_name=command.to, on_hold=True)
            case cmd.AgentTransfer():
                self.change(command.actor_id, state=AgentState.WRAP_UP, wrap_up_ends_unix_s=time.time() + 60)
            case cmd.AgentThird():
                self._third(command)
            case cmd.CallBackMissed():
                return Done(data={"called_back": len(command.call_ids), "skipped": 0})
            case cmd.AddCaller():
                seated = self.agents.get(command.actor_id)
                record = {**((seated.record if seated else None) or {}), "name": command.name, "known": True}
                self.change(command.actor_id, record=record)
            case cmd.AgentDispose():
                self.change(
                    command.actor_id, state=AgentState.READY, conversation_id=None, record=None,
                    wrap_up_ends_unix_s=None,
                )  # fmt: skip
        return Done()

    def _third(self, command: cmd.AgentThird) -> None:
        if command.action == "complete":
            self.change(command.actor_id, state=AgentState.WRAP_UP, third="", on_hold=False)
        elif command.action == "drop":
            self.change(command.actor_id, third="", on_hold=False)
        else:
            self.change(command.actor_id, on_hold=command.action == "private")

    def _fresh(self, agent_id: str, seat_id: str) -> LiveAgent:
        with self._bus.store.read() as session:
            user = session.get_one(User, agent_id)
        return LiveAgent(
            agent_id=agent_id, display_name=user.display_name, seat_id=seat_id, state=AgentState.PAUSED,
            since_unix_s=time.time(),
        )  # fmt: skip

    def _pause(self, command: cmd.AgentPause) -> None:
        seated = self.agents.get(command.actor_id)
        if seated and seated.state == AgentState.TALKING:
            self.change(command.actor_id, pending_state=AgentState.PAUSED, pause_reason=command.reason)
        else:
            self.change(command.actor_id, state=AgentState.PAUSED, pause_reason=command.reason)

    def _campaign(self, command: cmd.CampaignAction) -> None:
        states = {"start": CampaignState.RUNNING, "resume": CampaignState.RUNNING, "pause": CampaignState.PAUSED}
        with self._bus.store.write() as session:
            campaign = session.get(Campaign, command.campaign_id)
            if campaign is None:
                raise NotFoundError("campaign.unknown", "There is no such campaign.")
            campaign.state = states.get(command.action, CampaignState.STOPPED)
        self._bus.emit(f"campaign.{campaign.id}", self.live_campaign(campaign))

    def live_campaign(self, campaign: Campaign, **figures: Any) -> LiveCampaign:
        """A campaign as the engine shows it."""
        plain = LiveCampaign(
            campaign_id=campaign.id, name=campaign.name, mode=campaign.mode, state=campaign.state, leads_total=200,
            leads_waiting=120, leads_done=70, leads_retired=10, attempts=96, live_answers=41, connected=40,
            abandoned=1, dialling_now=6, talking_now=9,
        )  # fmt: skip
        self.campaigns[campaign.id] = msgspec.structs.replace(plain, **figures)
        return self.campaigns[campaign.id]

    def put(self, agent: LiveAgent) -> None:
        """Set an agent and tell the screens."""
        self.agents[agent.agent_id] = agent
        self._bus.emit(f"agent.{agent.agent_id}", agent)
        self._bus.emit("room", self.room())

    def change(self, agent_id: str, **changes: Any) -> None:
        """Change an agent and tell the screens."""
        if "state" in changes:
            changes["since_unix_s"] = time.time()
        if agent_id not in self.agents:
            raise CallerError("agent.not_here", "Not signed in at a seat.")
        self.put(msgspec.structs.replace(self.agents[agent_id], **changes))

    def connect(self, agent_id: str, conversation_id: str, campaign: Campaign | None = None, **record: Any) -> None:
        """A live person is bridged to this agent."""
        self.change(
            agent_id, state=AgentState.TALKING, conversation_id=conversation_id, record={**RECORD, **record},
            campaign_id=campaign.id if campaign else None, campaign_name=campaign.name if campaign else "",
            popped_at_unix_s=time.time(),
        )  # fmt: skip

    def room(self) -> LiveRoom:
        """The whole room."""
        return LiveRoom(
            agents=[msgspec.structs.replace(agent, record=None) for agent in self.agents.values()],
            campaigns=list(self.campaigns.values()), lines=self.lines, queues=self.queues,
            at_unix_s=time.time(),
        )  # fmt: skip


class FakeBox:
    """Everything together; `sign_in` gives a client with a session."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.home.make()
        load_secrets(self.home)
        self.bus = FakeBus(self.home)
        self.app: Flask = create_app(self.home, self.bus.settings, bus=self.bus, store=self.bus.store)
        self.app.config["PREFERRED_URL_SCHEME"] = "https"  # what the test client asks with
        self.people: dict[str, str] = {}
        self._tokens: dict[str, str] = {}

    def set_up(self) -> None:
        """An administrator, a supervisor and an agent; names as their roles."""
        self.bus.request(cmd.SetUpAdministrator(token=self.bus.set_up_token, login="administrator", password=PASSWORD))
        with self.bus.store.read() as session:
            self.people["administrator"] = session.query(User).one().id
        for role in ("supervisor", "agent"):
            self.add_user(role, role)

    def add_user(self, login: str, role: str, display_name: str = "") -> str:
        """Make a user through the office; returns the id."""
        done = self.bus.request(
            cmd.SaveUser(
                actor_id=self.people["administrator"], login=login, role=role, password=PASSWORD,
                display_name=display_name or login.capitalize(),
            )
        )  # fmt: skip
        self.people[login] = str(done.id)
        return str(done.id)

    def read_in(self, login: str, language: str) -> None:
        """This user's pages are in this language from now on."""
        me = self.people[login]
        self.bus.request(
            cmd.SaveUser(actor_id=me, id=me, login=login, role="agent", language=language, own_password=True)
        )

    def by_administrator(self, command: type[cmd.UserCommand], **fields: Any) -> Done:
        """Send a command in the administrator's name."""
        return self.bus.request(command(actor_id=self.people["administrator"], **fields))

    def campaign(self, name: str = "Spring", **config: Any) -> Campaign:
        """Make a campaign; returns its row."""
        done = self.by_administrator(cmd.SaveCampaign, name=name, mode="progressive", config=config)
        with self.bus.store.read() as session:
            return session.get_one(Campaign, done.id)

    def token(self, login: str) -> str:
        """A session token of a user; the same one each time, since hashing passwords is slow on purpose."""
        if login not in self._tokens:
            done = self.bus.request(cmd.LogIn(login=login, password=PASSWORD))
            self._tokens[login] = str(done.data["session_token"])
        return self._tokens[login]

    def client(self, login: str | None = None, language: str = "en") -> FlaskClient:
        """A test client over https, signed in as `login`."""
        client = self.app.test_client()
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        if login:
            client.set_cookie("__Host-callbox", self.token(login), secure=True, httponly=True)
        return client
