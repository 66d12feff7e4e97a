"""Runs inside a box of the first release as its own user: dials until a person was heard, and has that call recorded.

`first_call.py NUMBER TRUNK TIMEOUT_S`. One JSON object on stdout: the verdict, tries and the conversation's id. That
release's `test call` records nothing, so the switch is asked as its engine asks it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from appliance.bus import Bus
from appliance.commands import ListenPolicy, Originate, RecordPolicy
from appliance.errors import CallboxError
from appliance.events import ConversationEnded, ConversationEvent, Heard
from appliance.ids import new_id
from appliance.services.test_call import hang_up, verdict
from appliance.settings import home_from_environment, load_settings

_LONGEST_S, _PAUSE_S = 75.0, 0.5


async def _call(bus: Bus, number: str, trunk_id: str) -> dict[str, object]:
    conversation_id = new_id()
    command = Originate(
        attempt_id=conversation_id, conversation_id=conversation_id, number=number, trunk_id=trunk_id,
        record=RecordPolicy(enabled=True), listen=ListenPolicy(enabled=True), issued_at_unix_s=time.time(),
    )  # fmt: skip
    await bus.request(command)
    deadline, seen, left = time.monotonic() + _LONGEST_S, list[ConversationEvent](), False
    while not any(isinstance(event, ConversationEnded) for event in seen):
        heard = any(isinstance(event, Heard) and event.final and event.phase == "answered" for event in seen)
        if not left and (heard or time.monotonic() > deadline):
            await hang_up(bus, conversation_id)
            left = True
        if time.monotonic() > 2 * _LONGEST_S + deadline:
            break
        await asyncio.sleep(_PAUSE_S)
        seen = await bus.replay_events(conversation_id)
    return {**verdict(seen), "conversation_id": conversation_id}


async def _main(number: str, trunk_id: str, timeout_s: float) -> dict[str, object]:
    settings = load_settings(home_from_environment())
    deadline, tries, last = time.monotonic() + timeout_s, 0, ""
    while time.monotonic() < deadline:
        tries += 1
        bus = Bus(settings.bus, name="boot-test")
        try:
            await bus.connect(timeout_s=5.0)
            found = await _call(bus, number, trunk_id)
        except CallboxError as error:
            last = error.message
        else:
            last = str(found)
            if found["outcome"] == "human":
                return {**found, "tries": tries}
        finally:
            await bus.close()
        await asyncio.sleep(_PAUSE_S)
    return {"error": last, "tries": tries}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_main(sys.argv[1], sys.argv[2], float(sys.argv[3])))))
