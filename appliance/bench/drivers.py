"""`callbox bench drivers`: what watching lines costs, how soon an alarm is on the bus, and a day of faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from appliance.bench import box as boxes
from appliance.bench.dark_exchange import CHANNELS, TRUNK, DarkExchange, running_edge
from appliance.bench.line_faults import HOURS, run_day
from appliance.bench.line_sims import PORTS_OF_E1
from appliance.bench.switch_rig import free_port
from appliance.bus import Bus
from appliance.errors import CallboxError
from appliance.events import TrunkService
from appliance.settings import Home, LineCardSettings, Settings
from appliance.telephony.edge.control import silent_gateways
from appliance.watch.line_cards import make_card
from appliance.watch.line_trunks import SIP_LOOK_S, TrunkPlan
from appliance.watch.lines import LineWatch
from drivers.cards import Card, dahdi_card
from drivers.e1_gateway.snmp_sim import load_agent
from drivers.lines import LineReader, LineStatus
from drivers.resources import DahdiTree
from drivers.simkit.sysfs_tree import SysfsTree

_SPANS, _WATCH_S, _WARM_UP_S, _PATIENCE_S, _TELL_S = 8, 30.0, 5.0, 60.0, 0.1
_DARK_ROUNDS, _SIP_PORT = 8, 5060


def register(app: typer.Typer) -> None:
    """Add the command to `callbox bench`."""
    app.command("drivers")(drivers_command)


def drivers_command(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    hours: Annotated[float, typer.Option(help="Simulated hours of faults.")] = HOURS,
    seconds: Annotated[float, typer.Option(help="How long the cost is measured.")] = _WATCH_S,
    seed: Annotated[int, typer.Option(help="Of the faults.")] = 1,
) -> None:
    """8 spans and 32 FXO lines read by all readers: cost, delay of alarms, and a day of faults in accelerated time."""
    screen = Console(stderr=True)
    with boxes.temporary_home() as home:
        with screen.status("reading simulated lines"):
            found = asyncio.run(_measure(home, seconds))
        with screen.status("a day of faults"):
            found["day"] = run_day(seed=seed, hours=hours)
    found["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(found) if as_json else json.dumps(found, indent=1))


# ---- the box that watches --------------------------------------------------------------------------------


@dataclass
class _Timed:
    """A reader whose readings are timed."""

    inner: LineReader
    source: str
    took_s: list[float] = field(default_factory=list)

    def lines(self) -> tuple[LineStatus, ...]:
        began_s = time.perf_counter()
        found = self.inner.lines()
        self.took_s.append(time.perf_counter() - began_s)
        return found

    def close(self) -> None:
        self.inner.close()


class _Rig:
    """Simulators, a bus, and a watch over all of them."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.network = boxes.choose_network()
        self.exchange = f"127.{self.network}.1.1", _SIP_PORT
        self.tree = SysfsTree(home.root / "kernel")
        for span in range(1, _SPANS + 1):
            self.tree.add_e1(span, first_channel=(span - 1) * 31 + 1)
        self.timed: dict[str, list[_Timed]] = {}
        self.words: list[tuple[float, TrunkService]] = []

    def settings(self, sims: dict[str, Any], trap_port: int) -> Settings:
        cards: list[dict[str, Any]] = [
            {"id": f"gw{number}", "profile": "ds1_mib", "address": f"127.0.0.1:{port}", "community": "public"}
            for number, port in enumerate(sims["gateways"])
        ]
        cards += [
            {"id": f"c{number}", "source": "console", "profile": console["profile"], "port": console["port"],
             "password": "secret"}
            for number, console in enumerate(sims["consoles"])
        ]  # fmt: skip
        cards.append({"id": "dahdi", "source": "dahdi", "profile": "dahdi"})
        hardware = {"cards": cards, "trap_address": "127.0.0.1", "trap_port": trap_port}
        return boxes.private_settings(self.home, self.network, hardware=hardware)

    def make(self, home: Home, card: LineCardSettings) -> Card:
        """The card as the box makes it; DAHDI from the tree, each reader timed."""
        made = make_card(home, card)
        if card.source == "dahdi":
            made = dahdi_card(DahdiTree(self.tree.root, control=False), home.root / "dahdi-tests.json")
        timed = _Timed(made.reader, made.reader.source)
        self.timed.setdefault(f"{card.source}:{card.profile}", []).append(timed)
        return Card(timed, made.control)

    def plans(self) -> list[TrunkPlan]:
        """A trunk on each span, so that each alarm is a word on the bus; one that only OPTIONS speaks of."""
        dark = TrunkPlan(TRUNK, CHANNELS, gateways=(f"{self.exchange[0]}:{self.exchange[1]}",))
        return [dark] + [
            TrunkPlan(f"t{number}-{span}", 30, (f"gw{number}:{span}",))
            for number in range(_SPANS // PORTS_OF_E1)
            for span in load_agent().spans
        ]

    def all_read(self, lines: int) -> bool:
        """Whether every reader has read its lines."""
        return sum(len(timed.took_s) > 0 for each in self.timed.values() for timed in each) == lines

    async def on_word(self, _topic: str, word: Any) -> None:
        if isinstance(word, TrunkService):
            self.words.append((time.monotonic(), word))


async def _until(condition: Any, what: str) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{what} did not happen within {_PATIENCE_S:.0f} s")
        await asyncio.sleep(0.01)


@contextlib.contextmanager
def _simulators(home: Home, trap_port: int) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    folder = home.root / "sims"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "appliance.bench.line_sims", str(folder), str(trap_port)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait(10)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


async def _measure(home: Home, seconds: float) -> dict[str, Any]:
    trap_port = free_port("127.0.0.1", socket.SOCK_DGRAM)
    rig, exchange = _Rig(home), DarkExchange()
    with _simulators(home, trap_port) as (process, sims):
        settings = rig.settings(sims, trap_port)
        server = subprocess.Popen(
            [sys.executable, "-m", "appliance.services", "bus"], env={**os.environ, "CALLBOX_HOME": str(home.root)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        watch = LineWatch(
            home, settings, trunks=rig.plans, make=rig.make, silent_gateways=partial(silent_gateways, home)
        )
        teller, hearer = Bus(settings.bus, name="watch"), Bus(settings.bus, name="bench")
        tasks: list[asyncio.Task[None]] = []
        try:
            await teller.connect(timeout_s=_PATIENCE_S)
            await hearer.connect(timeout_s=_PATIENCE_S)
            await hearer.subscribe_live("trunk.*", rig.on_word)
            await exchange.listen(rig.exchange)
            await asyncio.to_thread(watch.look_at_gateways)
            watch.start()
            tasks += [asyncio.create_task(_tell(watch, teller)), asyncio.create_task(_look(watch))]
            await _until(lambda: rig.all_read(len(watch.pollers)), "a first reading of every card")
            await asyncio.sleep(_WARM_UP_S)
            found = await _cost(rig, watch, seconds)
            found["alarm_to_bus_s"] = {
                "trap": await _delays(rig, process, trap=True), "poll": await _delays(rig, process, trap=False),
                "options": await _dark(rig, settings, exchange),
            }  # fmt: skip
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.to_thread(watch.stop)
            await teller.close()
            await hearer.close()
            exchange.close()
            server.terminate()
            server.wait(10)
    return found


async def _tell(watch: LineWatch, bus: Bus) -> None:
    """As `hardware.Hardware` does."""
    while True:
        for word in watch.trunk_words():
            await bus.publish_live(f"trunk.{word.trunk_id}", word)
        await asyncio.sleep(_TELL_S)


async def _look(watch: LineWatch) -> None:
    """As `hardware.Hardware` does."""
    while True:
        await asyncio.to_thread(watch.look_at_gateways)
        await asyncio.sleep(SIP_LOOK_S)


async def _cost(rig: _Rig, watch: LineWatch, seconds: float) -> dict[str, Any]:
    before = {name: [len(timed.took_s) for timed in each] for name, each in rig.timed.items()}
    cpu_s, began_s = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    cores = (time.process_time() - cpu_s) / (time.monotonic() - began_s)
    polls = {
        name: [took for timed, start in zip(each, before[name], strict=True) for took in timed.took_s[start:]]
        for name, each in rig.timed.items()
    }
    everything = [took for each in polls.values() for took in each]
    lines = [line for state in watch.cards.values() for line in state.lines.values()]
    return {
        "lines": len(lines), "up": sum(line.up is True for line in lines), "cpu_cores": round(cores, 3),
        "polls": len(everything), "poll_p99_ms": _p99_ms(everything),
        "readers": {name: {"polls": len(took), "p50_ms": round(statistics.median(took) * 1000, 1),
                           "p99_ms": _p99_ms(took)} for name, took in polls.items() if took},
    }  # fmt: skip


def _p99_ms(took: list[float]) -> float:
    return round(sorted(took)[min(len(took) - 1, int(len(took) * 0.99))] * 1000, 1) if took else 0.0


async def _delays(rig: _Rig, process: subprocess.Popen[str], *, trap: bool) -> dict[str, float]:
    """From the alarm on each span to its trunk's word on the bus; then all is well again."""
    delays = []
    say = partial(_say, process)
    for number in range(_SPANS // PORTS_OF_E1):
        for span in load_agent().spans:
            rig.words.clear()
            began_s = time.monotonic()
            say(gateway=number, span=span, alarms=["los"], trap=trap)
            trunk = f"t{number}-{span}"
            await _until(partial(_heard, rig, trunk, 0), f"the alarm of {trunk}")
            delays.append(next(at for at, w in rig.words if w.trunk_id == trunk and w.usable_channels == 0) - began_s)
            await asyncio.sleep(0.37)  # so that polls are met at all moments
    rig.words.clear()
    for number in range(_SPANS // PORTS_OF_E1):
        for span in load_agent().spans:
            say(gateway=number, span=span, alarms=[], trap=False)
    for plan in rig.plans():
        await _until(partial(_heard, rig, plan.trunk_id, plan.channels), f"the end of the alarm of {plan.trunk_id}")
    return _summary(delays)


async def _dark(rig: _Rig, settings: Settings, exchange: DarkExchange) -> dict[str, float]:
    """From the exchange's last answer to its trunk's word on the bus, told by a real edge's OPTIONS alone."""
    delays = []
    with running_edge(rig.home, settings, rig.exchange):
        await _until(lambda: _edge_knows(rig.home), "the edge's first OPTIONS")
        for number in range(_DARK_ROUNDS):
            await asyncio.sleep(settings.sip.options_ping_s * number / _DARK_ROUNDS)  # at all moments between two pings
            rig.words.clear()
            exchange.dark, began_s = True, time.monotonic()
            await _until(partial(_heard, rig, TRUNK, 0), "the word of the dark exchange")
            delays.append(time.monotonic() - began_s)
            exchange.dark = False
            await _until(partial(_heard, rig, TRUNK, CHANNELS), "its end")
    return _summary(delays)


def _edge_knows(home: Home) -> bool:
    try:
        return not silent_gateways(home)
    except CallboxError:
        return False


def _summary(delays: list[float]) -> dict[str, float]:
    return {"max": round(max(delays), 2), "median": round(statistics.median(delays), 2), "count": len(delays)}


def _heard(rig: _Rig, trunk: str, usable: int) -> bool:
    return any(word.trunk_id == trunk and word.usable_channels == usable for _at, word in rig.words)


def _say(process: subprocess.Popen[str], **command: Any) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(command) + "\n")
    process.stdin.flush()
