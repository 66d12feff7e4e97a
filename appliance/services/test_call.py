"""One test call through the switch: dial, listen, say what happens, hang up. No campaign, no recording."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from appliance.bus import Bus
from appliance.commands import Hangup, ListenPolicy, Originate, RecordPolicy
from appliance.errors import BoxError, BusError, CallerError
from appliance.events import ConversationEnded, ConversationEvent, Heard, LegAnswered, LegEnded, LegProgress
from appliance.ids import new_id
from appliance.settings import Home, load_settings

_RING_S, _LISTEN_S, _LONGEST_S = 40.0, 8.0, 75.0
_LOOK_S = 0.25


def dial(
    home: Home, number: str, trunk_id: str, say: Callable[[str], None], conversation_id: str = ""
) -> dict[str, Any]:
    """Return {outcome, reason, answered, seconds}. Raises BusError when the switch is away.

    With a `conversation_id` of the caller's it is recorded under that, so that it can be looked at.
    """
    return asyncio.run(_dial(home, number, trunk_id, say, conversation_id))


async def originate(bus: Bus, trunk_id: str, number: str, *, listen: bool, conversation_id: str = "") -> str:
    """Start a conversation that belongs to nobody; returns its id. One with an id of the caller's is recorded."""
    record = RecordPolicy(enabled=bool(conversation_id), early=bool(conversation_id))
    conversation_id = conversation_id or new_id()
    command = Originate(
        attempt_id=conversation_id, conversation_id=conversation_id, number=number, trunk_id=trunk_id,
        ring_timeout_s=_RING_S, record=record, listen=ListenPolicy(enabled=listen),
        issued_at_unix_s=time.time(),
    )  # fmt: skip
    await bus.request(command)
    return conversation_id


async def hang_up(bus: Bus, conversation_id: str) -> None:
    """End it; one that has ended already is fine."""
    try:
        await bus.request(Hangup(conversation_id=conversation_id, reason="test"))
    except (BusError, CallerError):
        return


async def _dial(
    home: Home, number: str, trunk_id: str, say: Callable[[str], None], wanted_id: str
) -> dict[str, Any]:
    settings = load_settings(home)
    bus = Bus(settings.bus, name="test-call")
    await bus.connect(timeout_s=5.0)
    try:
        started = time.monotonic()
        conversation_id = await originate(bus, trunk_id, number, listen=True, conversation_id=wanted_id)
        seen: list[ConversationEvent] = []
        answered_s: float | None = None
        while time.monotonic() - started < _LONGEST_S:
            events = await bus.replay_events(conversation_id)
            for event in events[len(seen) :]:
                at_s = event.at_unix_s - (events[0].at_unix_s if events else 0.0)
                said = _words(event)
                if said:
                    say(f"{at_s:5.1f} s  {said}")
                if isinstance(event, LegAnswered):
                    answered_s = time.monotonic()
            seen = events
            if any(isinstance(event, ConversationEnded) for event in events):
                break
            final = any(isinstance(event, Heard) and event.final and event.phase == "answered" for event in events)
            if answered_s is not None and (final or time.monotonic() - answered_s > _LISTEN_S):
                await hang_up(bus, conversation_id)
                answered_s = time.monotonic() + _LONGEST_S  # once is enough
            await asyncio.sleep(_LOOK_S)
        else:
            await hang_up(bus, conversation_id)
            raise BoxError("call.stuck", "The call did not end in time; log/switch.log says more.")
    finally:
        await bus.close()
    return {**verdict(seen), "seconds": time.monotonic() - started}


def _words(event: ConversationEvent) -> str:
    match event:
        case LegProgress():
            return f"{event.sip_status} {'early media' if event.early_media else ''}".rstrip()
        case LegAnswered():
            return "answered"
        case Heard() if event.final:
            return f"heard: {event.label} ({event.reason}, {event.confidence:.0%}) at {event.decided_at_ms} ms"
        case LegEnded():
            cause = f", Q.850 {event.q850}" if event.q850 is not None else ""
            return f"ended: {event.sip_status} {event.reason}{cause}"
    return ""


def verdict(events: list[ConversationEvent]) -> dict[str, Any]:
    """Hearing wins where the exchange lies; else what signalling said."""
    answered = any(isinstance(event, LegAnswered) for event in events)
    heard = [event for event in events if isinstance(event, Heard) and event.final]
    ended = next((event for event in events if isinstance(event, LegEnded)), None)
    told = [event for event in heard if event.phase == ("answered" if answered else "early")]
    if told and told[-1].label != "unknown":
        return {"outcome": told[-1].label, "reason": told[-1].reason, "answered": answered}
    if answered:
        return {"outcome": "unknown", "reason": "answered, nothing certain heard", "answered": True}
    if ended is None:
        return {"outcome": "lost", "reason": "the switch ended without a word", "answered": False}
    said = f"SIP {ended.sip_status} {ended.reason}".rstrip()
    return {"outcome": _signalled(ended), "reason": said, "answered": False}


def _signalled(ended: LegEnded) -> str:
    for codes, outcome in (
        ((404, 410, 484), "vacant"), ((486, 600), "busy"), ((480, 408, 487), "no_answer"), ((403, 603), "rejected"),
        ((500, 502, 503), "trunk_failed"),
    ):  # fmt: skip
        if ended.sip_status in codes:
            return outcome
    return "unknown"
