"""Recordings to take away: a zip of Ogg files with a manifest, made by a job, kept for a day.

The manifest says of each file what it is (SHA-256, the call, the attempt), as CSV for people and JSON for programs.
Each recording is audited as it is packed, in the name of who asked; what he may not have any more is left out.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import commands
from appliance.commands import Command, Done
from appliance.errors import BoxError, CallboxError, CallerError, NotAllowedError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.jobs.queue import Progress, WorkQueue
from appliance.jobs.reports import EXPORT_PREFIX
from appliance.outside.table_files import write_csv
from appliance.store import sealed
from appliance.store.models import (
    Attempt,
    Campaign,
    Evaluation,
    InboundCall,
    Lead,
    Recording,
    RecordingKey,
    RecordingNote,
    User,
)  # fmt: skip
from appliance.store.repositories import recordings, users
from appliance.types import Permission

RECORDINGS_ZIP = "recordings_zip"
"""Kind of the job; payload {job_id, recording_ids, actor_id, actor_address}."""

COUNT_MAX, BYTES_MAX = 500, 4 * 2**30
_COLUMNS = (
    "file", "recording", "sha256", "size_bytes", "started_at", "duration_s", "not_recorded", "campaign", "agent",
    "seat", "direction", "number", "name", "outcome", "disposition", "note", "promise_amount_minor", "promise_date",
    "attempt", "score", "legal_hold", "missing",
)  # fmt: skip
_ATTEMPT = (
    "id", "campaign_id", "lead_id", "number", "trunk_id", "caller_id", "created_at", "originated_at", "answered_at",
    "verdict_at", "bridged_at", "ended_at", "outcome", "kind", "reason", "confidence", "sip_status", "q850", "agent_id",
    "seat_id", "abandoned", "disposition", "note", "promise_amount_minor", "promise_date", "disposed_at", "answers",
)  # fmt: skip
_CALLER = (
    "id", "campaign_id", "lead_id", "trunk_id", "caller", "called", "queue_id", "at", "answered_at", "queued_at",
    "bridged_at", "ended_at", "wait_s", "outcome", "reason", "agent_id", "seat_id", "disposition", "note",
    "promise_amount_minor", "promise_date", "disposed_at", "answers",
)  # fmt: skip


class RecordingsZip:
    """Takes the command and does the job."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def handlers(self, queue: WorkQueue) -> dict[type[Command], Callable[[Any], Done]]:
        """The commands that are answered here."""

        def export(command: commands.ExportRecordings) -> Done:
            payload = self.ask_for(command, new_id())
            queue.put(payload["job_id"], RECORDINGS_ZIP, payload)
            return Done(id=payload["job_id"])

        return {commands.ExportRecordings: export}

    def ask_for(self, command: commands.ExportRecordings, job_id: str) -> dict[str, Any]:
        """Check and audit the request, return the job's payload; raises ValidationErrors, NotAllowedError."""
        wanted = list(dict.fromkeys(command.recording_ids))
        if not 1 <= len(wanted) <= COUNT_MAX:
            raise ValidationErrors([("recording_ids", "recordings.bad_count", f"Choose 1 to {COUNT_MAX} recordings.")])
        with self._context.store.write() as session:
            for one in wanted:
                _allowed(session, command.actor_id, one)
            size = session.scalar(select(func.sum(Recording.size_bytes)).where(Recording.id.in_(wanted))) or 0
            if size > BYTES_MAX:
                raise CallerError("recordings.too_large", "These are more than 4 GB: take them away in parts.")
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="recording.export_asked", subject=f"job:{job_id}", detail={"recordings": len(wanted)},
            )  # fmt: skip
        return {
            "job_id": job_id, "recording_ids": wanted, "actor_id": command.actor_id,
            "actor_address": command.actor_address,
        }  # fmt: skip

    def run(self, payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Returns {path, file_name, recordings, missing}."""
        zone = ZoneInfo(self._context.settings.dialling.timezone)
        path = self._context.home.uploads / f"{EXPORT_PREFIX}{payload['job_id']}.zip"
        ids: list[str] = payload["recording_ids"]
        now = self._context.clock.now()
        about = []
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as handle, zipfile.ZipFile(handle, "w", zipfile.ZIP_STORED) as pack:
            for number, recording_id in enumerate(ids):
                progress(number, len(ids))
                about.append(self._pack(pack, recording_id, payload, zone, progress))
            rows = [[one["row"].get(column) for column in _COLUMNS] for one in about]
            with pack.open("manifest.csv", "w") as table:
                write_csv(table, _COLUMNS, rows, zone=zone)
            plain = {
                "made_at": now.isoformat(), "made_by": payload["actor_id"], "zone": str(zone),
                "recordings": [{**one["row"], "call": one["call"], "notes": one["notes"]} for one in about],
            }  # fmt: skip
            pack.writestr("manifest.json", json.dumps(plain, ensure_ascii=False, indent=1, default=_json))
        missing = sum(bool(one["row"]["missing"]) for one in about)
        name = f"callbox-recordings-{now.astimezone(zone):%Y%m%d-%H%M}.zip"
        return {"path": str(path), "file_name": name, "recordings": len(ids) - missing, "missing": missing}

    def _pack(
        self, pack: zipfile.ZipFile, recording_id: str, payload: dict[str, Any], zone: ZoneInfo, progress: Progress
    ) -> dict[str, Any]:
        """Put one recording in; one that cannot be had is told by its error id."""
        try:
            with self._context.store.write() as session:
                found = _allowed(session, payload["actor_id"], recording_id)
                about = _about(session, found)
                key_row = session.get(RecordingKey, recording_id)
                if found.state != recordings.ARCHIVED or key_row is None:
                    raise CallerError("recording.not_ready", "Not archived, or deleted.")
                audit.append(
                    session, self._context.clock.now(), actor_id=payload["actor_id"],
                    actor_address=payload["actor_address"], action="recording.export",
                    subject=f"recording:{recording_id}", detail={"job": payload["job_id"]},
                )  # fmt: skip
            name = f"{found.started_at.astimezone(zone):%Y%m%d-%H%M%S}-{recording_id}.ogg"
            about["row"]["file"] = name
            self._copy(pack, name, found, key_row.wrapped_key, progress)
        except CallboxError as error:
            if error.error_id == "jobs.stopped":
                raise
            about = {"row": {"recording": recording_id, "missing": error.error_id}, "call": {}, "notes": []}
        except OSError:
            about["row"]["missing"] = "recording.damaged"
        return about

    def _copy(
        self, pack: zipfile.ZipFile, name: str, found: Recording, wrapped: str, progress: Progress
    ) -> None:  # fmt: skip
        """Decrypt into the zip; raises BoxError `recording.damaged` when it is not what was recorded."""
        key = sealed.unwrap(self._context.secrets.archive_key.get_secret_value(), wrapped, f"recording:{found.id}")
        digest = hashlib.sha256()
        entry = zipfile.ZipInfo(name, date_time=found.started_at.timetuple()[:6])
        entry.external_attr = 0o600 << 16
        with sealed.SealedReader(self._context.home.archive / found.archive_path, key) as reader, \
                pack.open(entry, "w", force_zip64=True) as target:  # fmt: skip
            for chunk in reader.chunks():
                progress.check()
                digest.update(chunk)
                target.write(chunk)
        if found.sha256 and digest.hexdigest() != found.sha256:
            raise BoxError("recording.damaged", f"Recording {found.id} is not what was recorded.")


def _allowed(session: Session, actor_id: str, recording_id: str) -> Recording:
    who = users.require(session, actor_id, Permission.RECORDINGS_EXPORT)
    found = recordings.get(session, recording_id)
    if not users.in_reach(session, who, Permission.RECORDINGS_EXPORT, found.agent_id):
        raise NotAllowedError("recording.not_own", "Only recordings of your own conversations are open to you.")
    return found


def _about(session: Session, found: Recording) -> dict[str, Any]:
    """The manifest's line of a recording, its call, and what was noted in it."""
    ours, theirs = session.get(Attempt, found.conversation_id), session.get(InboundCall, found.conversation_id)
    call: Any = ours or theirs
    lead = session.get(Lead, call.lead_id) if call is not None and call.lead_id else None
    campaign = session.get(Campaign, found.campaign_id) if found.campaign_id else None
    agent = session.get(User, found.agent_id) if found.agent_id else None
    score = session.scalar(
        select(Evaluation.score)
        .where(Evaluation.conversation_id == found.conversation_id, Evaluation.calibration_id.is_(None))
        .order_by(Evaluation.scored_at.desc()).limit(1)
    )  # fmt: skip
    notes = session.scalars(
        select(RecordingNote)
        .where(RecordingNote.recording_id == found.id, RecordingNote.deleted_at.is_(None)).order_by(RecordingNote.at_s)
    )  # fmt: skip
    row = {
        "file": "", "recording": found.id, "sha256": found.sha256, "size_bytes": found.size_bytes,
        "started_at": found.started_at, "duration_s": round(found.duration_s, 2),
        "not_recorded": " ".join(f"{begin:g}-{end:g}" for begin, end in found.gaps),
        "campaign": campaign.name if campaign else "", "agent": (agent.display_name or agent.login) if agent else "",
        "seat": found.seat_id or "", "direction": "inbound" if theirs is not None else "outbound",
        "number": ours.number if ours is not None else theirs.caller if theirs is not None else "",
        "name": lead.name if lead else "", "outcome": (call.outcome or "") if call else "",
        "disposition": call.disposition if call else "", "note": call.note if call else "",
        "promise_amount_minor": call.promise_amount_minor if call else None,
        "promise_date": (call.promise_date or "") if call else "", "attempt": ours.id if ours is not None else "",
        "score": None if score is None else round(score, 4), "legal_hold": found.legal_hold, "missing": "",
    }  # fmt: skip
    columns = _ATTEMPT if ours is not None else _CALLER
    return {
        "row": row, "call": {name: getattr(call, name) for name in columns} if call is not None else {},
        "notes": [{"at_s": one.at_s, "text": one.text, "author": one.author_id, "at": one.created_at} for one in notes],
    }  # fmt: skip


def _json(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
