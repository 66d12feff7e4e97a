"""Calls that the ear has judged, with real sound in a real archive, for the tests of its pages."""

from __future__ import annotations

import io
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from appliance.ids import new_id
from appliance.jobs.archive import Archive
from appliance.store.models import Attempt, Campaign, Contact, EarVerdict, Lead
from appliance.telephony.recording import CONVERSATION, EVIDENCE, Sidecar, SpoolWriter
from appliance.telephony.taps import SILENCE, interleave
from audio import wavio
from audio.resample import resample
from tests.sim.web.fakes import FakeBox

Samples = npt.NDArray[np.int16]


TEXTS = (
    "The number you have dialled does not exist. Please check the number and try again.",
    "This subscriber has switched off his phone, so please call again a little later.",
    "We cannot reach the person you want to speak with at the moment.",
    "All our lines are taken now; hold on, or try once more tomorrow morning.",
    "Hello? Yes, speaking. Who is calling, please, and what is it about?",
)


@cache
def spoken(number: int) -> Samples:
    """One of the texts, in a voice of the synthesiser."""
    said = subprocess.run(
        ["espeak-ng", "-v", "en", "-s", "150", "--stdout", TEXTS[number]], check=True, capture_output=True, timeout=30
    ).stdout
    data, rate_hz = soundfile.read(io.BytesIO(said), dtype="float32")
    return wavio.to_int16(0.5 * resample(data, rate_hz))


_NUMBERS = count()


class EarScene:
    """Adds judged calls to a box."""

    def __init__(self, box: FakeBox, campaign: str = "Ear") -> None:
        self.box = box
        self.now = datetime.now(UTC)
        self.campaign: Campaign = box.campaign(campaign)

    def call(
        self, phase: str, label: str, confidence: float, *, sound: Samples | None = None, doubt: str = "",
        ago: timedelta = timedelta(), trunk_id: str = "trunk1", decided_at_ms: int = 1800, **attempt: Any,
    ) -> str:  # fmt: skip
        """One closed call with one verdict; returns the attempt's id."""
        attempt_id, at = new_id(), self.now - ago
        number = f"+86138{next(_NUMBERS):08}"
        with self.box.bus.store.write() as session:
            session.add(Contact(id=attempt_id, number=number, created_at=at))
            session.flush()
            session.add(
                Lead(id=attempt_id, campaign_id=self.campaign.id, contact_id=attempt_id, number=number,
                     state="done", next_attempt_at=at)
            )  # fmt: skip
            session.flush()
            session.add(
                Attempt(
                    id=attempt_id, campaign_id=self.campaign.id, lead_id=attempt_id, number=number,
                    trunk_id=trunk_id, created_at=at, ended_at=at, outcome=label,
                    answered_at=None if phase == "early" else at, **attempt,
                )
            )  # fmt: skip
            session.flush()
            session.add(
                EarVerdict(
                    attempt_id=attempt_id, phase=phase, campaign_id=self.campaign.id, trunk_id=trunk_id, at=at,
                    label=label, kind="speech", reason="talks_on", confidence=confidence,
                    decided_at_ms=decided_at_ms, doubt=doubt,
                )
            )  # fmt: skip
        if sound is not None:
            self.archive(attempt_id, sound, EVIDENCE if phase == "early" else CONVERSATION)
        return attempt_id

    def archive(self, attempt_id: str, sound: Samples, kind: str) -> str:
        """Spool and archive a sound as the switch and the jobs do; returns the recording's id."""
        recording_id = new_id()
        sidecar = Sidecar(
            recording_id, attempt_id, attempt_id, self.campaign.id, self.now.timestamp(), kind=kind, begins_ms=0
        )
        spool = SpoolWriter(self.box.home.spool, sidecar, sync_interval_s=1.0)
        frames = [part.astype("<i2").tobytes() for part in sound[: sound.size // 160 * 160].reshape(-1, 160)]
        spool.append(interleave(frames, [SILENCE] * len(frames)))
        spool.close()
        assert Archive(self.box.bus.context).archive(recording_id)
        return recording_id
