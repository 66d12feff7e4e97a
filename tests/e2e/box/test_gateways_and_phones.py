"""Gateways that are silent, wrong, deaf or reboot; phones that do not answer: calls end with a reason, others go on."""

from __future__ import annotations

import socket
from functools import partial

import msgspec
import pytest

from appliance.bench.plan import GatewayPlan
from appliance.bench.room import load_room
from appliance.commands import AgentHangup
from appliance.events import Bridged, SeatFailed
from appliance.ids import new_id
from tests.e2e.box.faulty import FaultyBox, Story, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


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


def is_deaf(gateway: GatewayPlan) -> bool:
    """Whether it answers nothing, however often it is asked (a busy machine may miss one answer)."""
    return not any(answers(gateway) for _ in range(3))


def test_gateways_that_fail(box: FaultyBox, whole_gateways: list[GatewayPlan]) -> None:
    """Silent after INVITE, 200 without SDP, a reboot in mid-call: each ends with its reason, others go on."""
    first, second = whole_gateways
    box.dial(Story.GATEWAY)
    until(lambda: box.bridged(Story.GATEWAY, 2), "conversations")
    *good, silent, no_sdp = box.numbers(Story.GATEWAY)
    bad = [until(partial(box.ended, Story.GATEWAY, digits), "the end of a bad call") for digits in (silent, no_sdp)]
    assert [a.outcome for a in bad] == ["trunk_failed", "trunk_failed"]
    assert "408" in bad[0].reason
    assert "sdp" in bad[1].reason.lower()
    for digits in good:  # a call for which no gateway was left meanwhile is made again
        until(partial(box.answered, Story.GATEWAY, digits), "an answered call to a good number")
    # a trunk that was silent is tried again later, the number is not used up: no end of the campaign by itself
    box.act(Story.GATEWAY, "stop")

    until(lambda: "does not answer" not in box.findings(), "the edge to find both gateways alive again")

    box.change_gateways(msgspec.structs.replace(first, deaf=True), second)
    until(lambda: is_deaf(first), "the first gateway to be deaf")
    box.dial(Story.FAILOVER)
    box.wait_finished(Story.FAILOVER)
    assert {a.outcome for a in box.attempts(Story.FAILOVER)} <= {"human", "unknown"}
    assert {call["gateway"] for call in box.truth(Story.FAILOVER)} == {second.address}
    assert "gateway" in box.findings().lower()

    box.change_gateways(first, second)
    until(lambda: answers(first), "the first gateway to be back")
    until(lambda: "gateway" not in box.findings().lower(), "health to see it")
    box.dial(Story.REBOOT)
    talking = until(lambda: box.bridged(Story.REBOOT, 2), "conversations")
    box.change_gateways(*(msgspec.structs.replace(g, reboots=g.reboots + 1, reboot_s=1.0) for g in (first, second)))
    until(lambda: "reboot" in box.ended_by(Story.REBOOT), "the gateways to forget their calls")
    for attempt in talking:  # the agent hears nothing more and hangs up; alone, the box would let go after two minutes
        box.request(AgentHangup(actor_id=attempt.agent_id))
    box.wait_finished(Story.REBOOT)
    for attempt in (box.attempt(a.id) for a in talking):
        assert attempt.outcome in ("human", "unknown")
        assert attempt.ended_at is not None
    box.assert_all_archived(Story.GATEWAY)


def test_seat_that_does_not_answer(box: FaultyBox) -> None:
    """The next agent gets the customer; an alert stands until the phone is back."""
    seats = [spec.seat_id for spec in load_room(box.home).phones if spec.kind == "sip"]
    silent, refusing = seats[0], seats[1]
    planned = box.log("phones").count("room as planned")
    box.set_phone_fault(silent, "silent")
    box.set_phone_fault(refusing, "refuse")
    until(lambda: box.log("phones").count("room as planned") > planned, "the phones to be broken")
    box.dial(Story.SEAT)
    for seat_id in (silent, refusing):
        until(partial(box.alert, f"seat.{seat_id}.unreachable"), "the alert")
        assert seat_id in box.findings()
    box.wait_finished(Story.SEAT)
    attempts = box.attempts(Story.SEAT)
    assert all(a.seat_id not in (silent, refusing) for a in attempts if a.bridged_at)
    tried = [[type(event) for event in box.events(a.id)] for a in attempts]
    assert any(SeatFailed in types and Bridged in types for types in tried), "the next agent gets the customer"
    for seat_id in (silent, refusing):
        box.set_phone_fault(seat_id, "")
    box.dial(Story.SEAT_AFTER)
    for seat_id in (silent, refusing):
        until(partial(box.cleared, f"seat.{seat_id}.unreachable"), "the alert to clear")
    box.wait_finished(Story.SEAT_AFTER)
    assert box.findings() == "" or "seat" not in box.findings()
