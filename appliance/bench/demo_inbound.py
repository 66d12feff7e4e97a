"""Callers in the demo: a queue for the trunk's number, people who call while the campaign runs, what became of them."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import select

from appliance.bench.callers import callers_file, read_callers
from appliance.bench.plan import CallerPlan, load_plan, plan_file, save_plan
from appliance.bench.sound_sources import generator_for
from appliance.domain.inbound_config import parse_queue
from appliance.ids import new_id
from appliance.settings import Home, Settings
from appliance.store.db import Store
from appliance.store.models import InboundCall, Queue

CALLED = "01012345678"
"""The bench trunk's own number, as its gateway shows it."""
_EVERY_S = (0.5, 3.0)
_STAYS_S = (25.0, 60.0)
_IMPATIENT = 5
"""One caller in so many presses 1 after a few seconds."""
_PRESSES_AFTER_S = 8.0
_END_S = 90.0


def add_queue(store: Store) -> None:
    """Make the queue: everybody answers."""
    config = parse_queue({"language": "en", "announce_every_s": 20, "overflow": "callback", "max_wait_s": 120})
    with store.write() as session:
        session.add(
            Queue(id=new_id(), name="Demo", config=config.model_dump(mode="json"), created_at=datetime.now(UTC))
        )


def call_in(
    home: Home, settings: Settings, *, count: int, seed: int, every_s: tuple[float, float] = _EVERY_S
) -> None:
    """Let `count` people call, one after the other; the exchange takes it up at once."""
    random = generator_for("callers", seed)
    at_s, callers = 0.0, []
    for n in range(count):
        at_s += float(random.uniform(*every_s))
        presses = [(_PRESSES_AFTER_S, "1")] if n % _IMPATIENT == _IMPATIENT - 1 else []
        callers.append(
            CallerPlan(
                id=f"demo-{n}", caller=f"0139{random.integers(0, 10**8):08d}", called=CALLED, at_s=round(at_s, 2),
                stays_s=round(float(random.uniform(*_STAYS_S)), 1), presses=presses, voice=n,
            )
        )  # fmt: skip
    plan = load_plan(plan_file(home))
    door = (settings.sip.trunk_address, settings.sip.trunk_port)
    save_plan(home, msgspec.structs.replace(plan, box=door, callers=callers))


def wait_through(home: Home, count: int) -> None:
    """Wait until all callers are through; who is late is reported as such rather than waited for without end."""
    deadline = time.monotonic() + _END_S
    while len(read_callers(callers_file(home))) < count and time.monotonic() < deadline:
        time.sleep(0.2)


def inbound_report(home: Home, store: Store) -> dict[str, Any]:
    """What became of the callers: by their own word, and by the box's rows."""
    told = read_callers(callers_file(home)).values()
    with store.read() as session:
        rows = session.scalars(select(InboundCall)).all()
    waits = sorted(row.wait_s for row in rows if row.bridged_at is not None)
    return {
        "callers": len(told), "answered": sum(one["answered_at"] is not None for one in told),
        "refused": dict(Counter(str(one["status"]) for one in told if one["answered_at"] is None)),
        "outcomes": dict(Counter(row.outcome or "open" for row in rows)),
        "wait_s": {"p50": waits[len(waits) // 2], "max": waits[-1]} if waits else {"p50": None, "max": None},
    }  # fmt: skip
