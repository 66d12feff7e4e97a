"""Addresses that may be tried, test calls one at a time, and the file of a network port."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from appliance import commands as cmd
from appliance.errors import BoxError, CallerError, NotFoundError, ValidationErrors
from appliance.services.privileged.network import text_of
from appliance.types import LOCAL_ACTOR
from appliance.watch import box_commands
from appliance.watch.test_calls import TestCalls

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("address", "gateway", "field"),
    [("dhcp", "", None), ("192.0.2.10/24", "192.0.2.1", None), ("192.0.2.10/24", "", None),
     ("192.0.2.10", "", "address"), ("192.0.2.300/24", "", "address"), ("192.0.2.10/24", "198.51.100.1", "gateway"),
     ("192.0.2.10/24", "192.0.2.10", "gateway"), ("192.0.2.10/24", "x", "gateway")],
)  # fmt: skip
def test_addresses(monkeypatch: pytest.MonkeyPatch, address: str, gateway: str, field: str | None) -> None:
    monkeypatch.setattr(box_commands, "ports", lambda: [{"name": "eth0"}])
    command = cmd.TryNetwork(actor_id="x", port="eth0", address=address, gateway=gateway)
    assert [fault[0] for fault in box_commands.network_faults(command)] == ([field] if field else [])


def test_a_port_that_is_not_there() -> None:
    command = cmd.TryNetwork(actor_id="x", port="no-such-port", address="dhcp")
    assert box_commands.network_faults(command)[0][1] == "network.no_port"


def test_the_file_of_a_port() -> None:
    fixed = text_of("eth0", "192.0.2.10/24", "192.0.2.1").splitlines()
    assert {"Name=eth0", "Address=192.0.2.10/24", "Gateway=192.0.2.1"} <= set(fixed)
    assert "DHCP=yes" not in fixed
    assert "Gateway=none" not in text_of("eth0", "192.0.2.10/24", "none")
    assert "DHCP=yes" in text_of("eth0", "dhcp", "none")


def _calls(dial: Callable[..., dict[str, Any]]) -> TestCalls:
    async def noted(*_line: object) -> None:
        return None

    return TestCalls(dial, lambda _actor, _permission: None, noted)


async def _ended(calls: TestCalls, call_id: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            data = (await calls.show(cmd.ShowTestCall(actor_id=LOCAL_ACTOR, id=call_id))).data
            if not data["running"]:
                return data
            await asyncio.sleep(0.01)


def test_one_test_call_at_a_time() -> None:
    hold = threading.Event()

    def dial(number: str, _trunk: str, say: Callable[[str], None], _call_id: str) -> dict[str, Any]:
        say(f"dials {number}")
        hold.wait(60)
        return {"outcome": "human", "answered": True}

    async def go() -> None:
        calls = _calls(dial)
        begin = cmd.BeginTestCall(actor_id=LOCAL_ACTOR, number="+86 138-0013-8000", trunk_id="t")
        call_id = str((await calls.begin(begin)).id)
        with pytest.raises(CallerError, match="under way"):
            await calls.begin(begin)
        hold.set()
        data = await _ended(calls, call_id)
        assert (data["outcome"], data["answered"], data["steps"]) == ("human", True, ["dials +8613800138000"])

    asyncio.run(go())


def test_a_call_that_fails_says_why() -> None:
    def dial(*_given: object) -> dict[str, Any]:
        raise BoxError("switch.full", "No slot is free.")

    async def go() -> None:
        calls = _calls(dial)
        with pytest.raises(ValidationErrors):
            await calls.begin(cmd.BeginTestCall(actor_id=LOCAL_ACTOR, number="12", trunk_id="t"))
        with pytest.raises(NotFoundError):
            await calls.show(cmd.ShowTestCall(actor_id=LOCAL_ACTOR, id="unknown"))
        begun = await calls.begin(cmd.BeginTestCall(actor_id=LOCAL_ACTOR, number="+8613800138000", trunk_id="t"))
        assert (await _ended(calls, str(begun.id)))["error_id"] == "switch.full"

    asyncio.run(go())
