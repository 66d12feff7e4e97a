"""People who call the box: each entry of the dial plan's `callers` is one call, with real SIP and RTP.

What became of it is one line in `callers.jsonl`; with `keep` what the caller heard stands beside it as raw A-law.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import Any

from appliance.bench.plan import CallerPlan, DialPlan
from appliance.bench.players import Talker
from appliance.bench.sip.dialog import Call, CallOver, UserAgent
from appliance.bench.sounds import SoundLibrary
from appliance.logs import get_logger
from appliance.settings import Home

_RINGS_S = 60.0


def callers_file(home: Home) -> Path:
    return home.bench / "callers.jsonl"


def heard_file(home: Home, caller_id: str) -> Path:
    """What a caller with `keep` heard from the answer on: 8 kHz A-law."""
    return home.bench / "callers" / f"{caller_id}.al"


def read_callers(path: Path) -> dict[str, dict[str, Any]]:
    """All callers who are through, by id."""
    if not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
    return {line["id"]: line for line in lines}


class Callers:
    """Places the calls of a plan, each once."""

    def __init__(self, folder: Path, sounds: SoundLibrary) -> None:
        self._folder = folder
        self._sounds = sounds
        self._placed: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = get_logger(bench="callers")

    def follow(self, plan: DialPlan, agents: dict[tuple[str, int], UserAgent]) -> None:
        """Place the calls that are new in the plan; `agents` are the gateways, by address."""
        for caller in plan.callers:
            if caller.id in self._placed or not agents:
                continue
            self._placed.add(caller.id)
            keys = list(agents)
            agent = agents[keys[caller.gateway % len(keys)]]
            task = asyncio.create_task(self._one(caller, plan, agent), name=f"caller {caller.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _one(self, caller: CallerPlan, plan: DialPlan, agent: UserAgent) -> None:
        await asyncio.sleep(caller.at_s)
        began = time.time()
        host, port = plan.box
        call = agent.dial(
            f"sip:{caller.called}@{host}", (host, port),
            identity=f"sip:{caller.caller or 'anonymous'}@{agent.endpoint.address[0]}",
        )  # fmt: skip
        answered_at: float | None = None
        try:
            status = await call.wait_status(200, caller.rings_s or _RINGS_S)
            if status == 200:
                answered_at = time.time()
                await self._talk(call, caller)
            call.hang_up()
            await call.wait_ended()
        except CallOver:
            pass  # the box hung up
        finally:
            call.hang_up()
            self._write(caller, call, began, answered_at)

    async def _talk(self, call: Call, caller: CallerPlan) -> None:
        """Speak, press keys, hang up at the end. Raises CallOver when the box does first."""
        media = call.open_media()
        person = self._sounds.people[caller.voice % len(self._sounds.people)]
        if caller.keep:
            media.kept = bytearray()
        media.play(Talker(person.hello, person.lines, bed=person.bed, delay_s=0.5))
        spent_s = 0.0
        for after_s, digits in caller.presses:
            await call.pause(after_s - spent_s)
            spent_s = after_s
            media.press(digits)
        await call.pause(caller.stays_s - spent_s)

    def _write(self, caller: CallerPlan, call: Call, began: float, answered_at: float | None) -> None:
        heard = call.rtp.kept if call.rtp is not None else None
        self._folder.mkdir(parents=True, exist_ok=True)
        if heard is not None:
            place = self._folder / "callers"
            place.mkdir(exist_ok=True)
            (place / f"{caller.id}.al").write_bytes(bytes(heard))
        line = {
            "id": caller.id, "caller": caller.caller, "called": caller.called, "invite_at": began,
            "answered_at": answered_at, "ended_at": time.time(), "status": call.final.status if call.final else 0,
            "retry_after": call.final.get("retry-after") if call.final else "", "ended_by": call.ended_by,
            "rtp_received": call.rtp.received if call.rtp else 0, "rtp_lost": call.rtp.lost if call.rtp else 0,
        }  # fmt: skip
        with (self._folder / "callers.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._log.info("caller through", caller=caller.id, status=line["status"], ended_by=call.ended_by)

    async def stop(self) -> None:
        """Give up those who have not rung yet; the others end as their gateway closes."""
        for task in set(self._tasks):
            task.cancel()
        for task in set(self._tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await task
