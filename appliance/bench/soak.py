"""`callbox bench soak`: a private box dials with all seats while its processes are killed at random; then it is judged.

Two campaigns (predictive and progressive) share the seats with people who call in. Nothing may be dialled twice for one
attempt, no agent may be stuck, no attempt may be without an outcome, no recording may be lost.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from appliance.bench import box as boxes
from appliance.bench import demo_inbound
from appliance.bench.plan import DialPlan, GatewayPlan, Times, save_plan, with_shares
from appliance.bench.provide import NO_PASSWORD, provide, teach_announcements
from appliance.bench.room import RoomPlan
from appliance.bench.soak_evidence import Evidence, judge, living, spools
from appliance.bench.soak_kills import Killer, RebuildWatch, parse_services
from appliance.bench.spreadsheet import make_rows, write_xlsx
from appliance.commands import CampaignAction, LiveView
from appliance.domain.campaign import ALL_DAY, parse_config
from appliance.errors import BusError
from appliance.ids import new_id
from appliance.jobs.imports import run_import
from appliance.settings import Home, Settings
from appliance.store.db import Store
from appliance.store.models import Campaign, User
from appliance.thread_bus import ThreadBus
from appliance.types import AgentState, CampaignMode, CampaignState, Role

REBUILT_WITHIN_S = 5.0
_MODES = (CampaignMode.PREDICTIVE, CampaignMode.PROGRESSIVE)
_TIMES = Times(post_dial_delay_s=(0.1, 0.6), ring_s=(0.8, 4.0), pick_up_s=(0.3, 1.1), talk_s=(15.0, 45.0))
_TALK_S, _WRAP_UP_S = (10.0, 30.0), (0.5, 2.0)
_KILL_EVERY_S = (2.0, 7.0)
_ROWS_PER_MINUTE, _ROWS_LEAST = 240, 100
_CALLER_EVERY_S = (4.0, 12.0)
_WARM_UP_S, _SETTLE_S = 90.0, 180.0
_LOOK_S = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True)
class SoakOptions:
    minutes: float = 20.0
    kill: tuple[str, ...] = ()
    seats: int = 30
    seed: int = 1
    keep: bool = False


def register(app: typer.Typer) -> None:
    """Add the command to `callbox bench`."""
    app.command("soak")(soak_command)


def soak_command(
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, max=24 * 60, help="How long it is disturbed.")] = 20.0,
    kill: Annotated[str, typer.Option("--kill", help="random, or services with commas between.")] = "random",
    seats: Annotated[int, typer.Option("--seats", min=1, max=60, help="Agents with phones.")] = 30,
    seed: Annotated[int, typer.Option("--seed", help="Of numbers, people and kills.")] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the home folder (its path is printed).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Kill processes at random while the seats dial, and say what was lost; exit 1 when something was."""
    console = Console(stderr=True)
    options = SoakOptions(minutes, parse_services(kill), seats, seed, keep)
    report = run_soak(options, lambda text: console.print(text, style="dim"))
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        table = Table(title="Soak", show_header=False)
        for key, value in report.items():
            table.add_row(key.replace("_", " "), json.dumps(value, ensure_ascii=False))
        Console().print(table)
    if not report["ok"]:
        raise typer.Exit(1)


def run_soak(options: SoakOptions, say: Say = lambda _text: None) -> dict[str, Any]:
    """Run it and return the report. Raises CallboxError when the box does not come up."""
    with boxes.temporary_home(keep=options.keep) as home:
        if options.keep:
            say(f"home: {home.root}")
        network = boxes.choose_network()
        settings = boxes.private_settings(
            home, network, dialling={"ring_timeout_s": 12.0, "wrap_up_s": 5.0, "originate_per_s": 6.0}
        )
        teach_announcements(home, boxes.provide_sounds(home, lambda done, total, _: say(f"sounds: {done} of {total}")))
        store = boxes.prepare(home, settings)
        try:
            plan = DialPlan(seed=options.seed, times=_TIMES, gateways=[GatewayPlan(address=f"127.{network}.1.1")])
            run = _Run(home, settings, store, options, say)
            run.prepare(plan, network)
            with boxes.running_box(home, settings):
                boxes.wait_registered(home, options.seats)
                return run.run()
        finally:
            store.close()


class _Run:
    """One soak on a prepared home."""

    def __init__(self, home: Home, settings: Settings, store: Store, options: SoakOptions, say: Say) -> None:
        self._home, self._settings, self._store, self._options, self._say = home, settings, store, options, say
        self._campaigns: list[str] = []
        self._manager_id = new_id()
        self._callers = 0
        self._killer = Killer(home, options.kill, options.seed)
        self._rebuilt_s: list[float] = []
        self._starts: list[dict[str, float]] = []

    # ---- before -------------------------------------------------------------------------------------------

    def prepare(self, plan: DialPlan, network: int) -> None:
        """Write campaigns with their lists, seats, agents, and the queue for callers."""
        now = datetime.now(UTC)
        with self._store.write() as session:
            session.add(
                User(id=self._manager_id, login="soak-manager", display_name="Soak", role=Role.ADMINISTRATOR,
                     password_hash=NO_PASSWORD, created_at=now)
            )  # fmt: skip
        dialable: list[str] = []
        for mode in _MODES:
            dialable += self._campaign(mode, now)
        save_plan(self._home, with_shares(plan, dialable))
        provide(
            self._home, self._settings, self._store, plan=plan, seats=self._options.seats, agents=True,
            network=network, channels=3 * self._options.seats,
            room=RoomPlan(seed=self._options.seed, talk_s=_TALK_S, wrap_up_s=_WRAP_UP_S),
        )  # fmt: skip
        demo_inbound.add_queue(self._store)

    def _campaign(self, mode: CampaignMode, now: datetime) -> list[str]:
        """Make one campaign with a list that lasts; returns its numbers. Each is dialled once, unless taken back."""
        config = parse_config(
            {"calling_hours": ALL_DAY, "rule_profile": "neutral", "attempts_total_max": 1, "retry_s": {},
             "wrap_up_s": 5.0}
        )  # fmt: skip
        campaign_id = new_id()
        with self._store.write() as session:
            session.add(
                Campaign(id=campaign_id, name=f"Soak {mode}", mode=mode, state=CampaignState.DRAFT,
                         config=config.model_dump(mode="json"), created_at=now)
            )  # fmt: skip
        rows = _ROWS_LEAST + round(_ROWS_PER_MINUTE * self._options.minutes)
        sheet = make_rows(rows, seed=self._options.seed * len(_MODES) + _MODES.index(mode))
        path = self._home.uploads / f"{mode}.xlsx"
        write_xlsx(path, sheet)
        run_import(self._store, path, campaign_id=campaign_id, region=self._settings.dialling.default_region)
        self._campaigns.append(campaign_id)
        return sheet.dialable

    # ---- the run ------------------------------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        """Dial, disturb, let it settle, judge."""
        bus = ThreadBus(self._settings.bus, name="soak")
        bus.connect()
        try:
            self._until("all agents ready", lambda: self._ready(bus) == self._options.seats, _WARM_UP_S)
            for campaign_id in self._campaigns:
                self._ask(bus, campaign_id, "start")
            self._callers = max(1, round(60 * self._options.minutes / (sum(_CALLER_EVERY_S) / 2)))
            demo_inbound.call_in(
                self._home, self._settings, count=self._callers, seed=self._options.seed, every_s=_CALLER_EVERY_S
            )
            self._until("the first conversation", lambda: self._in_conversation(bus) > 0, _WARM_UP_S)
            self._disturb()
            for campaign_id in self._campaigns:
                self._ask(bus, campaign_id, "stop")
            demo_inbound.wait_through(self._home, self._callers)
            self._until("the last calls to end", lambda: living(self._store) == 0, _SETTLE_S)
            self._until("all agents ready", lambda: self._ready(bus) == self._options.seats, _SETTLE_S)
            self._until("the archive", lambda: spools(self._home) == 0, _SETTLE_S)
            stuck = self._options.seats - self._ready(bus)
        finally:
            bus.close()
        return self._report(judge(self._home, self._store, self._killer.kills.conversations), stuck)

    def _disturb(self) -> None:
        """Kill one process after the other; the engine only once it knows its room again."""
        watch = RebuildWatch(self._home, self._settings, self._store)
        ends = time.monotonic() + 60.0 * self._options.minutes
        try:
            while (left_s := ends - time.monotonic()) > 0:
                time.sleep(min(left_s, self._killer.pause_s(_KILL_EVERY_S)))
                struck = self._killer.strike(frozenset({"engine"}) if watch.busy else frozenset())
                if struck is not None:
                    self._say(f"{left_s:5.0f} s left, killed {struck[0]}")
                    if struck[0] == "engine":
                        watch.begin(struck[1])
        finally:
            watch.finish()
        self._rebuilt_s, self._starts = watch.measured_s, watch.starts

    def _until(self, what: str, look: Callable[[], bool], timeout_s: float) -> None:
        """Wait for a condition; what does not come in time is judged as it stands."""
        self._say(f"waiting for {what}")
        deadline = time.monotonic() + timeout_s
        while not look() and time.monotonic() < deadline:
            time.sleep(_LOOK_S)

    def _ask(self, bus: ThreadBus, campaign_id: str, action: str) -> None:
        """Send an action until the engine takes it. Raises BusError when it stays away."""
        deadline = time.monotonic() + _SETTLE_S
        while True:
            try:
                bus.request(CampaignAction(actor_id=self._manager_id, campaign_id=campaign_id, action=action))
            except BusError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK_S)
            else:
                return

    def _states(self, bus: ThreadBus) -> list[str]:
        try:
            return [str(agent["state"]) for agent in bus.request(LiveView(), timeout_s=2.0).data["agents"]]
        except BusError:
            return []

    def _ready(self, bus: ThreadBus) -> int:
        return self._states(bus).count(AgentState.READY)

    def _in_conversation(self, bus: ThreadBus) -> int:
        return self._states(bus).count(AgentState.TALKING)

    def _report(self, found: Evidence, stuck: int) -> dict[str, Any]:
        rebuilt = sorted(self._rebuilt_s)
        slowest = rebuilt[-1] if rebuilt else 0.0
        return {
            "minutes": self._options.minutes, "seed": self._options.seed, "seats": self._options.seats,
            "kills": dict(self._killer.kills.by_service.most_common()),
            "agents_stuck": stuck, **asdict(found),
            "rebuild_s": {
                "p50": round(statistics.median(rebuilt), 2) if rebuilt else None,
                "max": round(slowest, 2) if rebuilt else None,
                **{
                    part: round(statistics.median(one[part] for one in self._starts), 2) if self._starts else None
                    for part in ("loaded_s", "connected_s", "rebuilt_s", "cpu_s")
                },
            },
            "ok": found.faults == 0 and stuck == 0 and found.connected > 0 and slowest <= REBUILT_WITHIN_S,
        }  # fmt: skip
