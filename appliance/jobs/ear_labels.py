"""What people say that a call was: written down, audited, and taught where it was an announcement."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import audio
from appliance import commands
from appliance.commands import Done
from appliance.errors import CallerError, NotFoundError, ValidationErrors
from appliance.jobs import audit
from appliance.jobs.announcements import Announcements
from appliance.jobs.context import Context
from appliance.jobs.ear_sounds import customer_side, spoken_part
from appliance.store.announcements import Announcement
from appliance.store.models import Attempt, EarLabel, Recording
from appliance.store.repositories import hearing, recordings, users
from appliance.types import Permission
from audio.labels import ANNOUNCEMENT_LABELS, Label

_STAGES = ("early", "answered")


class EarLabels:
    """Answers the commands about labels and the trade-off."""

    def __init__(self, context: Context, announcements: Announcements) -> None:
        self._context = context
        self._announcements = announcements

    def label(self, command: commands.LabelCall) -> Done:
        """Write or take back a label; with `announcement` its sound becomes an entry of the library first."""
        self._check(command)
        with self._context.store.read() as session:
            users.require(session, command.actor_id, Permission.EAR_TEACH)
            attempt = session.get(Attempt, command.attempt_id)
            clip = _evidence(session, command.attempt_id) if command.announcement else None
        if attempt is None:
            raise NotFoundError("attempt.unknown", "There is no such call.", attempt=command.attempt_id)
        announcement_id = self._enrol(command, clip) if command.announcement and command.label else ""
        with self._context.store.write() as session:
            if command.label:
                label = EarLabel(
                    attempt_id=attempt.id, stage=command.stage, label=command.label, announcement_id=announcement_id,
                    labelled_by=command.actor_id, labelled_at=self._context.clock.now(),
                )  # fmt: skip
                hearing.put_label(session, label)
            else:
                hearing.take_label(session, attempt.id, command.stage)
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="ear.labelled" if command.label else "ear.label_taken_back", subject=f"attempt:{attempt.id}",
                detail={"label": command.label, "stage": command.stage, "announcement": announcement_id},
            )  # fmt: skip
        return Done(id=attempt.id, data={"announcement_id": announcement_id})

    @staticmethod
    def _check(command: commands.LabelCall) -> None:
        faults = []
        if command.stage not in _STAGES:
            faults.append(("stage", "ear.bad_stage", f"Use one of {', '.join(_STAGES)}."))
        if command.label and command.label not in set(Label):
            faults.append(("label", "ear.bad_label", f"'{command.label}' is nothing that a line can be."))
        elif command.announcement and command.label and command.label not in ANNOUNCEMENT_LABELS:
            faults.append(
                ("label", "announcement.bad_label", f"'{command.label}' is nothing that an announcement says.")
            )
        if faults:
            raise ValidationErrors(faults)

    def _enrol(self, command: commands.LabelCall, recording_id: str | None) -> str:
        if recording_id is None:
            raise CallerError("announcement.no_clip", "There is no sound of this call any more to learn from.")
        _, samples = customer_side(self._context, recording_id)
        entry = Announcement(ann_id="", label=command.label, file="")
        return str(self._announcements.add(command, entry, spoken_part(samples), source=recording_id).id)

    @staticmethod
    def curve(_command: commands.EarCurve) -> Done:
        """The trade-off as it was measured on sources that the model never saw; empty when none is shipped."""
        return Done(data={"points": list(_tradeoff())})


def _evidence(session: Session, attempt_id: str) -> str | None:
    """The clip before the answer of a call; its recording when there is none."""
    rows = session.execute(
        select(Recording.id, Recording.kind).where(
            Recording.attempt_id == attempt_id, Recording.state == recordings.ARCHIVED
        )
    ).all()
    return next((row[0] for row in sorted(rows, key=lambda row: row[1] != recordings.EVIDENCE)), None)


@cache
def _tradeoff() -> tuple[dict[str, Any], ...]:
    path = Path(audio.__file__).parent / "models" / "tradeoff.json"
    return tuple(json.loads(path.read_text("utf-8"))) if path.exists() else ()
