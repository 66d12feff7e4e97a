"""One call through the worker's logic on a simulated telephone stack and a clock moved by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from appliance.clock import ManualClock
from appliance.commands import ConnectSeat, Originate
from appliance.events import Heard
from appliance.telephony.conversation import Conversation, Surroundings
from appliance.telephony.simulated_port import SimulatedPort
from appliance.telephony.storage import Storage
from audio import synth, wavio

ID = "conv1"
VOICE = np.full(160, 500, "<i2").tobytes()
AGENT = np.full(160, -700, "<i2").tobytes()


class Call:
    """One conversation with what it said."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(datetime(2026, 1, 5, tzinfo=UTC))
        self.port = SimulatedPort(self.clock)
        self.events: list[Any] = []
        self.storage = Storage(monotonic=self.clock.monotonic_s)
        for name in ("music", "closed", "abandoned"):
            wavio.write(folder / f"{name}.wav", synth.to_int16(synth.beep(440.0, 0.1)))
        self.conversation = Conversation(
            conversation_id=ID, attempt_id=ID, campaign_id="camp", port=self.port, clock=self.clock,
            publish=self.events.append, figures=lambda: {"cpu_s": 0.1, "rss_mb": 1.0},
            around=Surroundings(
                realm="callbox", prompts=folder, spool=folder, sync_interval_s=1.0, unattended_s=60.0,
                storage=self.storage,
            ),
        )  # fmt: skip

    def dial(self, **fields: Any) -> Call:
        values: dict[str, Any] = {
            "attempt_id": ID, "conversation_id": ID, "number": "+8613800138000", "trunk_id": "t1",
            "caller_id": "+861010", "issued_at_unix_s": 0.0, "ring_timeout_s": 30.0, **fields,
        }  # fmt: skip
        self.conversation.originate(Originate(**values))
        return self

    def run(self, seconds: float = 0.1) -> Call:
        for _ in range(max(1, round(seconds / 0.1))):
            self.port.poll(100)
            self.conversation.step()
        return self

    def answer(self) -> Call:
        self.port.speak("trunk", VOICE)
        self.port.far_answers("trunk")
        return self.run()

    def bridge(self) -> Call:
        self.conversation.post(ConnectSeat(conversation_id=ID, seat_id="seat1", agent_id="agent1"))
        self.run()
        self.port.speak("seat", AGENT)
        self.port.far_answers("seat")
        return self.run()

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events if not isinstance(event, Heard)]
