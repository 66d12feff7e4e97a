"""Refusals of the parent and its book-keeping."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path

import pytest

from appliance.commands import Originate
from appliance.errors import CallerError
from appliance.settings import Home, Settings
from appliance.telephony.parent import ForkedWorker, Switch
from appliance.telephony.pool import SeenAttempts, Slots, SlotState, check_originate

pytestmark = pytest.mark.unit


def _order(**fields: object) -> Originate:
    values = {
        "attempt_id": "a1", "conversation_id": "a1", "number": "+8613800138000", "trunk_id": "t",
        "issued_at_unix_s": 100.0, **fields,
    }  # fmt: skip
    return Originate(**values)  # type: ignore[arg-type]


def _refusal(order: Originate, now_s: float = 100.5, seen: SeenAttempts | None = None) -> str | None:
    try:
        check_originate(order, now_unix_s=now_s, seen=seen or SeenAttempts())
    except CallerError as error:
        return error.error_id
    return None


def test_a_good_order_is_taken() -> None:
    assert _refusal(_order()) is None
    assert _refusal(_order(), now_s=102.0) is None


@pytest.mark.parametrize("now_s", [102.1, 500.0, 98.0])
def test_an_order_too_old_or_from_the_future_is_refused(now_s: float) -> None:
    assert _refusal(_order(), now_s) == "switch.expired"


def test_an_id_that_was_seen_is_refused() -> None:
    seen = SeenAttempts()
    seen.add("a1")
    assert _refusal(_order(), seen=seen) == "switch.duplicate"
    seen.forget("a1")
    assert _refusal(_order(), seen=seen) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"number": "sip:x@y"}, {"number": "+86 138"}, {"number": "+"}, {"number": "+1" + "2" * 30},
        {"number": "+8613800138000@evil;lr"}, {"number": "٣٤٥٦"}, {"conversation_id": ""},
        {"conversation_id": "a.b"}, {"conversation_id": "../x"},
    ],
)  # fmt: skip
def test_what_is_no_number_or_id_is_refused(fields: dict[str, str]) -> None:
    assert _refusal(_order(**fields)) == "switch.malformed"


def test_the_oldest_ids_are_forgotten_first() -> None:
    seen = SeenAttempts(maximum=2)
    for attempt_id in ("a", "b", "c"):
        seen.add(attempt_id)
    assert "a" not in seen
    assert "b" in seen
    assert "c" in seen


def test_slots_give_the_lowest_free_one_that_does_not_rest() -> None:
    slots = Slots(3)
    slots[0].state = SlotState.TAKEN
    slots[1].not_before_s = 10.0
    found = slots.free(5.0)
    assert found is not None
    assert found.number == 2
    found = slots.free(10.0)
    assert found is not None
    assert found.number == 1
    slots[1].state = slots[2].state = SlotState.IDLE
    assert slots.free(10.0) is None
    assert slots.numbers(SlotState.IDLE) == [1, 2]
    assert slots.count(SlotState.IDLE, SlotState.TAKEN) == 3


def test_a_word_about_another_call_is_no_answer_to_the_order() -> None:
    """A caller from outside was first: the order was refused, so it is given to the next worker."""

    async def play() -> None:
        worker = ForkedWorker(0, 4711, -1, asked="a1", answer=asyncio.get_running_loop().create_future())
        assert worker.answer is not None
        worker.life = ("outside", "outside")
        worker.settle("outside", took=True)
        assert not worker.answer.done()
        worker.settle("a1", took=False)
        assert worker.answer.result() is False

    asyncio.run(play())


@pytest.mark.parametrize(("life", "took"), [(None, False), (("outside", "outside"), False), (("a1", "a1"), True)])
def test_a_worker_that_died_took_only_what_it_said(life: tuple[str, str] | None, took: bool) -> None:
    async def play() -> None:
        answer = asyncio.get_running_loop().create_future()
        ForkedWorker(0, 4711, -1, life=life, asked="a1", answer=answer).gone()
        assert answer.result() is took

    asyncio.run(play())


@pytest.mark.parametrize(("state", "ended"), [(SlotState.STARTING, True), (SlotState.IDLE, False)])
def test_a_worker_that_hangs_before_it_is_ready_is_ended(state: SlotState, ended: bool, tmp_path: Path) -> None:
    async def look() -> int | None:
        switch = Switch(Home(tmp_path), Settings())
        with subprocess.Popen(["sleep", "60"]) as process:
            worker = switch._workers[process.pid] = ForkedWorker(0, process.pid, pidfd=-1)
            switch._slots[0].state = state
            switch._end_unready(worker)
            switch._waker.close()
            if not ended:
                assert process.poll() is None
                process.kill()
            return process.wait(60)

    assert asyncio.run(look()) == -signal.SIGKILL
