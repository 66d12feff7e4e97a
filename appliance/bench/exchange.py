"""The simulated exchange: gateways on the bench's addresses that speak SIP and RTP like E1 gateways would.

`main` runs it as a service; `Exchange` can be driven by a test. What is dialled and what became of it stands in
`truth.jsonl`, one line a call, written when the call is over. People who call the box: see `callers`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from appliance.bench.behaviours import BEHAVIOURS, CallRecord, play_out
from appliance.bench.callers import Callers
from appliance.bench.plan import DialPlan, GatewayPlan, load_plan, national, plan_file
from appliance.bench.rtp import Pacer
from appliance.bench.sip.dialog import Call, CallOver, UserAgent
from appliance.bench.sip.endpoint import Endpoint
from appliance.bench.sounds import SoundLibrary, make_sounds
from appliance.errors import BoxError, CallerError
from appliance.logs import get_logger
from appliance.settings import Home, Settings
from appliance.types import Outcome

_PLAN_CHECK_S = 0.5


def truth_file(home: Home) -> Path:
    return home.bench / "truth.jsonl"


def sounds_folder(home: Home) -> Path:
    return home.bench / "sounds"


class TruthLog:
    """Appends one JSON line a call; a line is either there whole or not at all."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = path.open("a", encoding="utf-8", buffering=1)

    def write(self, **fields: Any) -> None:
        self._handle.write(json.dumps(fields, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._handle.close()


def read_truth(path: Path) -> list[dict[str, Any]]:
    """All calls of a truth log."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


class Exchange:
    """Several gateways with one dial plan."""

    def __init__(
        self, plan: DialPlan, sounds: SoundLibrary, truth: TruthLog, *, first_rtp_port: int = 40000,
        callers: Callers | None = None,
    ) -> None:  # fmt: skip
        self.plan = plan
        self._sounds = sounds
        self._truth = truth
        self._callers = callers
        self._pacer = Pacer(first_port=first_rtp_port)
        self._agents: dict[tuple[str, int], UserAgent] = {}
        self._reboots: dict[tuple[str, int], int] = {}
        self._rebooting: set[asyncio.Task[None]] = set()
        self._log = get_logger(bench="exchange")

    async def start(self) -> None:
        """Open all gateways. Raises BoxError `bench.address_taken`."""
        for gateway in self.plan.gateways:
            endpoint = Endpoint(seed=self.plan.seed)
            try:
                await endpoint.open(gateway.address, gateway.port)
            except OSError as error:
                raise BoxError(
                    "bench.address_taken", f"The exchange cannot listen on {gateway.address}:{gateway.port} ({error}). "
                    "Does another bench run?",
                ) from error  # fmt: skip
            agent = UserAgent(endpoint, self._pacer, self._serve)
            agent.identity = f"sip:exchange@{gateway.address}"
            self._agents[(gateway.address, gateway.port)] = agent
            self._reboots[(gateway.address, gateway.port)] = gateway.reboots
            self._apply(agent, gateway)
        self._place_callers()

    def _place_callers(self) -> None:
        if self._callers is not None:
            self._callers.follow(self.plan, self._agents)

    @property
    def calls(self) -> int:
        return sum(len(agent.calls) for agent in self._agents.values())

    def agent(self, address: str, port: int = 5060) -> UserAgent:
        """The user agent of one gateway (to place calls into the box)."""
        return self._agents[(address, port)]

    def change(self, plan: DialPlan) -> None:
        """Take up a changed plan; gateways can be broken and mended so, not added."""
        self.plan = plan
        for gateway in plan.gateways:
            agent = self._agents.get((gateway.address, gateway.port))
            if agent is not None:
                self._apply(agent, gateway)
        self._place_callers()

    def _apply(self, agent: UserAgent, gateway: GatewayPlan) -> None:
        key = (gateway.address, gateway.port)
        agent.endpoint.deaf = gateway.deaf
        agent.endpoint.loss = gateway.sip_loss
        agent.rtp_loss = gateway.rtp_loss
        if gateway.reboots > self._reboots[key]:
            self._reboots[key] = gateway.reboots
            task = asyncio.ensure_future(self._reboot(agent, gateway))
            self._rebooting.add(task)
            task.add_done_callback(self._rebooting.discard)

    async def _reboot(self, agent: UserAgent, gateway: GatewayPlan) -> None:
        self._log.info("gateway reboots", gateway=gateway.address, calls=len(agent.calls))
        agent.endpoint.deaf = True
        agent.endpoint.forget_all()
        for call in agent.calls:
            call.forget("reboot")
        await asyncio.sleep(gateway.reboot_s)  # the time a gateway takes to come up
        agent.endpoint.deaf = gateway.deaf

    def _gateway_of(self, call: Call) -> GatewayPlan | None:
        key = call.agent.endpoint.address
        return next((g for g in self.plan.gateways if (g.address, g.port) == key), None)

    async def _serve(self, call: Call) -> None:
        gateway = self._gateway_of(call)
        number_plan = self.plan.of(call.number)
        record = CallRecord()
        times: dict[str, float] = {}
        invite_at = time.time()
        row = BEHAVIOURS.get(number_plan.behaviour, BEHAVIOURS["vacant"])
        truth, behaviour = row.truth, number_plan.behaviour
        try:
            if gateway is not None and gateway.refuse:
                truth, behaviour = Outcome.TRUNK_FAILED, f"refused_{gateway.refuse}"
                call.reject(gateway.refuse, headers={"Retry-After": "5"} if gateway.refuse == 503 else None)
            else:
                await play_out(
                    call, number_plan, self._sounds, record, lambda: times.update(answered_at=time.time())
                )
            await call.wait_ended()
        except CallOver:
            pass  # the caller ended it: the truth is written all the same
        finally:
            self._truth.write(
                number=national(call.number), behaviour=behaviour, truth=str(truth), invite_at=invite_at,
                answered_at=times.get("answered_at"), speech_onset_s=record.speech_onset_s, ended_at=time.time(),
                ended_by=call.ended_by, call_id=call.call_id, gateway=call.agent.endpoint.address[0],
                dialled=call.number, digits=call.rtp.digits if call.rtp else "",
                rtp_received=call.rtp.received if call.rtp else 0, rtp_lost=call.rtp.lost if call.rtp else 0,
            )  # fmt: skip

    async def stop(self) -> None:
        """Hang up what lives (it goes into the truth log) and close."""
        for task in set(self._rebooting):
            task.cancel()
        if self._callers is not None:
            await self._callers.stop()
        for agent in self._agents.values():
            await agent.close()
        self._pacer.close()
        self._truth.close()


def keep_time() -> None:
    """Let this process keep its 20 ms on a busy machine: what it plays would be a device with a clock of its own."""
    sys.setswitchinterval(0.001)  # the RTP thread must not wait for a long Python stretch
    gc.freeze()
    with contextlib.suppress(PermissionError):  # not root: it is as good as the machine is idle
        os.setpriority(os.PRIO_PROCESS, 0, -10)


async def stop_asked() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    return asked


async def _run(home: Home) -> None:
    path = plan_file(home)
    log = get_logger(bench="exchange")
    sounds = make_sounds(sounds_folder(home))
    exchange = Exchange(load_plan(path), sounds, TruthLog(truth_file(home)), callers=Callers(home.bench, sounds))
    asked = await stop_asked()
    await exchange.start()
    seen = path.stat().st_mtime_ns if path.exists() else 0
    log.info("exchange is up", gateways=len(exchange.plan.gateways))
    try:
        while not asked.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asked.wait(), _PLAN_CHECK_S)
            changed = path.stat().st_mtime_ns if path.exists() else 0
            if changed != seen:
                seen = changed
                try:
                    exchange.change(load_plan(path))
                except CallerError as error:
                    log.warning("plan not taken up", error=error.message)
    finally:
        await exchange.stop()


def main(home: Home, settings: Settings) -> None:
    """Run until SIGTERM; living calls are hung up and written to the truth log."""
    del settings  # the exchange knows nothing of the box
    keep_time()
    asyncio.run(_run(home))
