"""`callbox demo`: a whole campaign from a spreadsheet on a private box, judged by the exchange's own truth."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from appliance.bench import box as boxes
from appliance.bench import demo_inbound
from appliance.bench.demo_screen import DemoScreen
from appliance.bench.evidence import attempt_rows, recording_evidence, unarchived
from appliance.bench.exchange import read_truth, truth_file
from appliance.bench.plan import DialPlan, GatewayPlan, Times, save_plan, with_shares
from appliance.bench.provide import NO_PASSWORD, Provided, provide, teach_announcements
from appliance.bench.report import ImportFigures, make_report
from appliance.bench.room import RoomPlan
from appliance.bench.spreadsheet import make_rows, write_xlsx
from appliance.bus import Bus
from appliance.commands import CampaignAction
from appliance.domain.campaign import ALL_DAY, parse_config
from appliance.errors import BoxError, CallerError
from appliance.events import LiveCampaign
from appliance.ids import new_id
from appliance.jobs.imports import run_import
from appliance.settings import Home, Settings
from appliance.store.db import Store
from appliance.store.models import Campaign, User
from appliance.types import CampaignMode, CampaignState, Role

_RING_TIMEOUT_S = 12.0
_TIMES = Times(post_dial_delay_s=(0.1, 0.6), ring_s=(0.8, 4.0), pick_up_s=(0.3, 1.1), talk_s=(12.0, 30.0))
_WRAP_UP_S = (0.5, 2.0)
_ATTEMPTS_MAX = 1
_ARCHIVE_TIMEOUT_S = 60.0
_END_ALLOWANCE_S = 60.0
_MODES = tuple(CampaignMode)
_VOICE_SEATS, _VOICE_LINES = 1, 12


@dataclass(frozen=True)
class Running:
    """The demo's box while its campaign runs."""

    home: Home
    settings: Settings
    store: Store
    agent_ids: list[str]


@dataclass(frozen=True)
class DemoOptions:
    numbers: int = 200
    seats: int = 30
    mode: str = "progressive"
    seed: int = 1
    keep: bool = False
    limit_s: float = 600.0
    talk_s: tuple[float, float] = (4.0, 14.0)  # agents hang up after that
    inbound: int = 0  # people who call meanwhile
    meanwhile: Callable[[Running], None] | None = None  # done beside the campaign; the demo ends with it, unreported


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("demo")(demo_command)


def demo_command(
    numbers: Annotated[int, typer.Option("--numbers", min=5, max=20000, help="Rows of the spreadsheet.")] = 200,
    seats: Annotated[int, typer.Option("--seats", min=1, max=60, help="Agents with phones.")] = 30,
    mode: Annotated[str, typer.Option("--mode", help="progressive, predictive, preview or voice.")] = "progressive",
    seed: Annotated[int, typer.Option("--seed", help="Another seed, other numbers and people.")] = 1,
    inbound: Annotated[int, typer.Option("--inbound", min=0, max=1000, help="People who call meanwhile.")] = 0,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the demo's home folder (its path is printed).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Run a whole campaign on the bench: spreadsheet in, live people to agents, recordings and a report out."""
    if mode not in _MODES:
        raise CallerError("demo.mode", f"There is no demo of the mode '{mode}'; use {', '.join(_MODES)}.")
    seats = _VOICE_SEATS if mode == CampaignMode.VOICE else seats  # nobody is needed there
    limit_s = max(600.0, 3.0 * numbers)
    report = run_demo(DemoOptions(numbers, seats, mode, seed, keep, limit_s=limit_s, inbound=inbound))
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        _print(report)


def run_demo(options: DemoOptions) -> dict[str, Any]:
    """Run it and return the report. Raises CallboxError when the box does not come up or the campaign does not end."""
    began = time.monotonic()
    console = Console(stderr=True)
    with boxes.temporary_home(keep=options.keep) as home, DemoScreen(console) as screen:
        network = boxes.choose_network()
        settings = boxes.private_settings(
            home, network,
            dialling={"ring_timeout_s": _RING_TIMEOUT_S, "wrap_up_s": 20.0, "originate_per_s": 10.0},
        )  # fmt: skip
        screen.say("making the sounds")
        sounds = boxes.provide_sounds(
            home, lambda done, total, _: screen.say(f"making the sounds: {done} of {total}")
        )
        screen.say("preparing the home")
        teach_announcements(home, sounds)
        store = boxes.prepare(home, settings)
        try:
            campaign_id, manager_id, imported = _import(home, settings, store, options, network)
            provided = _provide(home, settings, store, options, network)
            if options.inbound:
                demo_inbound.add_queue(store)
            screen.say("starting the box")
            with boxes.running_box(home, settings, on_wait=screen.say):
                boxes.wait_registered(home, len(provided.seat_ids), on_wait=screen.say)
                if options.inbound:
                    demo_inbound.call_in(home, settings, count=options.inbound, seed=options.seed)
                running = Running(home, settings, store, provided.agent_ids)
                with _beside(options, running) as is_over:
                    asyncio.run(_run_campaign(settings, store, campaign_id, manager_id, options, screen, is_over))
                if options.meanwhile is not None:
                    return {}
                demo_inbound.wait_through(home, options.inbound)
                _wait_archived(store, campaign_id, screen)
            screen.say("verifying the recordings")
            recordings = recording_evidence(home, store, campaign_id)
            report = make_report(
                imported, attempt_rows(store, campaign_id), recordings, read_truth(truth_file(home)),
                attempts_max=_ATTEMPTS_MAX, elapsed_s=time.monotonic() - began,
            )  # fmt: skip
            if options.inbound:
                report["inbound"] = demo_inbound.inbound_report(home, store)
        finally:
            store.close()
    if options.keep:
        console.print(f"The demo's home: {home.root}")
    return report


@contextmanager
def _beside(options: DemoOptions, running: Running) -> Iterator[Callable[[], bool]]:
    """Do what is to be done meanwhile in a thread; gives whether it is over. What it raises is raised here."""
    if options.meanwhile is None:
        yield lambda: False
        return
    with ThreadPoolExecutor(1, thread_name_prefix="meanwhile") as pool:
        work = pool.submit(options.meanwhile, running)
        yield work.done
        work.result()


def _import(
    home: Home, settings: Settings, store: Store, options: DemoOptions, network: int
) -> tuple[str, str, ImportFigures]:
    """Make campaign, manager, spreadsheet and dial plan, and import the list. Returns campaign, manager, figures."""
    config = parse_config(
        {
            "calling_hours": ALL_DAY, "rule_profile": "neutral", "attempts_total_max": _ATTEMPTS_MAX, "retry_s": {},
            "wrap_up_s": 20.0, "max_lines": _VOICE_LINES if options.mode == CampaignMode.VOICE else None,
        }
    )  # fmt: skip
    campaign_id, manager_id, now = new_id(), new_id(), datetime.now(UTC)
    with store.write() as session:
        session.add(
            User(id=manager_id, login="demo-manager", display_name="Demo", role=Role.ADMINISTRATOR,
                 password_hash=NO_PASSWORD, created_at=now)
        )  # fmt: skip
        session.add(
            Campaign(id=campaign_id, name="Demo", mode=options.mode, state=CampaignState.DRAFT,
                     config=config.model_dump(mode="json"), created_at=now)
        )  # fmt: skip
    path = home.uploads / "customer.xlsx"
    sheet = make_rows(options.numbers, seed=options.seed)
    write_xlsx(path, sheet)
    save_plan(home, with_shares(_plan(options, network), sheet.dialable))
    done = run_import(store, path, campaign_id=campaign_id, region=settings.dialling.default_region)
    return campaign_id, manager_id, ImportFigures(done.rows, done.rejected, done.duplicates, done.reasons)


def _plan(options: DemoOptions, network: int) -> DialPlan:
    return DialPlan(seed=options.seed, times=_TIMES, gateways=[GatewayPlan(address=f"127.{network}.1.1")])


def _provide(home: Home, settings: Settings, store: Store, options: DemoOptions, network: int) -> Provided:
    preview = options.mode == CampaignMode.PREVIEW
    room = RoomPlan(seed=options.seed, preview=preview, talk_s=options.talk_s, wrap_up_s=_WRAP_UP_S)
    return provide(
        home, settings, store, plan=_plan(options, network), seats=options.seats, network=network, room=room,
        agents=options.mode != CampaignMode.VOICE, channels=max(30, 2 * options.seats),
    )  # fmt: skip


async def _run_campaign(
    settings: Settings, store: Store, campaign_id: str, manager_id: str, options: DemoOptions, screen: DemoScreen,
    is_over: Callable[[], bool],
) -> None:  # fmt: skip
    """Start the campaign and follow it to its end, or until it `is_over`. Raises BoxError `demo.not_finished`."""
    bus = Bus(settings.bus, name="demo")
    await bus.connect()

    async def on_live(_topic: str, event: object) -> None:
        if isinstance(event, LiveCampaign):
            screen.show(event)

    try:
        await bus.subscribe_live(f"campaign.{campaign_id}", on_live)
        await bus.request(CampaignAction(actor_id=manager_id, campaign_id=campaign_id, action="start"))
        deadline = time.monotonic() + options.limit_s - _END_ALLOWANCE_S
        while _state(store, campaign_id) != CampaignState.FINISHED and not is_over():
            if time.monotonic() > deadline:
                raise BoxError(
                    "demo.not_finished", f"The campaign did not end within {options.limit_s:g} s. Run it again with "
                    "--keep and look at the logs.",
                )  # fmt: skip
            await asyncio.sleep(0.5)
    finally:
        await bus.close()


def _state(store: Store, campaign_id: str) -> str:
    with store.read() as session:
        campaign = session.get(Campaign, campaign_id)
        return campaign.state if campaign is not None else ""


def _wait_archived(store: Store, campaign_id: str, screen: DemoScreen) -> None:
    """Wait for the archive; what is late is reported as not verified rather than waited for without end."""
    deadline = time.monotonic() + _ARCHIVE_TIMEOUT_S
    while (left := unarchived(store, campaign_id)) and time.monotonic() < deadline:
        screen.say(f"archiving: {left} recordings left")
        time.sleep(0.2)


def _print(report: dict[str, Any]) -> None:
    console = Console()
    table = Table(title="Demo", show_header=False)
    for key, value in report.items():
        if key != "confusion":
            table.add_row(key.replace("_", " "), json.dumps(value, ensure_ascii=False))
    console.print(table)
    confusion = Table("truth", "said so", "said otherwise", title="Truth of the exchange against the box's outcome")
    for true, row in report["confusion"].items():
        others = ", ".join(f"{outcome} {count}" for outcome, count in sorted(row.items()) if outcome != true)
        confusion.add_row(true, str(row.get(true, 0)), others)
    console.print(confusion)
