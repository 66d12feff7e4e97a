"""Attempts, callers, recordings, what the ear heard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g, send_file

from appliance import commands as cmd
from appliance.store.read import announcements, heard, recording_notes, recordings, retention, tables
from appliance.store.read.announcements import AnnouncementView
from appliance.store.read.heard import ClusterView, DoubtView, HeardFilter, PhaseFigures
from appliance.store.read.recording_notes import NoteView
from appliance.store.read.recordings import RecordingFilter, RecordingView
from appliance.types import Permission
from webui.access import reach
from webui.api.v1 import cursors
from webui.api.v1.collection import Api, whole
from webui.api.v1.declare import SPAN, TEXT, Call, Paged, query_of
from webui.box import box, store
from webui.supervisor import sound, uploads

LISTEN, LISTEN_OWN = Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_LISTEN_OWN

attempts = Api("Attempts")
attempts.rows("/attempts", tables.ATTEMPTS, Permission.REPORTS_READ, summary="Dials of numbers, newest first",
              agents=Permission.REPORTS_READ,
              filters=("campaign_id", "lead_id", "contact_id", "number", "agent_id", "trunk_id", "outcome",
                       "disposition", "abandoned"))  # fmt: skip

inbound = Api("Inbound calls")
inbound.rows("/inbound-calls", tables.INBOUND, Permission.CAMPAIGNS_READ, summary="Calls that came in, newest first",
             filters=("queue_id", "campaign_id", "caller", "contact_id", "agent_id", "outcome", "state"))  # fmt: skip
inbound.command("POST", "/inbound-calls/call-back", cmd.CallBackMissed, Permission.CAMPAIGNS_WRITE)

sounds = Api("Recordings")


def _people() -> frozenset[str] | None:
    """Whose recordings may be heard; None: everybody's."""
    people = reach(LISTEN)
    return None if people is None else people | {g.user.id}


def _search(call: Call) -> Paged:
    asked = call.query
    wanted = RecordingFilter(
        campaign_id=asked.campaign_id, agent_id=asked.agent_id, outcome=asked.outcome, disposition=asked.disposition,
        number=asked.number or "", since=asked.since, until=asked.until, held=asked.held, agent_ids=_people(),
    )  # fmt: skip
    found = recordings.search(store(), wanted, before=cursors.read(asked.cursor, "id"), size=asked.limit)
    return Paged(found.rows, cursors.write(found.older))


def _one(call: Call) -> RecordingView | None:
    found, people = recordings.one(store(), call.path["id"]), _people()
    return None if found is None or (people is not None and found.agent_id not in people) else found


def _audio(call: Call) -> Any:
    found = _one(call)
    return sound.ranged(found) if found else None


def _notes(call: Call) -> Paged | None:
    return whole(recording_notes.notes(store(), call.path["id"])) if _one(call) else None


@dataclass(frozen=True)
class PackState:
    """A zip of recordings. `state`: waiting | running | finished | failed."""

    id: str
    state: str
    error: str
    total: int
    created_at: datetime


def _pack(call: Call) -> PackState | None:
    found = recording_notes.pack(store(), call.path["id"], g.user.id)
    return PackState(found.id, found.state, found.error, found.total, found.created_at) if found else None


def _pack_file(call: Call) -> Any:
    found = recording_notes.pack(store(), call.path["id"], g.user.id)
    return uploads.to_send(found.result) if found is not None and found.state == "finished" else None


@dataclass(frozen=True)
class KeepDays:
    """How long the recordings of a scope are kept."""

    scope: str
    keep_days: int


@dataclass(frozen=True)
class Retention:
    """All rules of keeping, and what the archive holds; `held`: of these may not be deleted."""

    rules: list[KeepDays]
    recordings: int
    size_bytes: int
    held: int


def _retention(_call: Call) -> Retention:
    now = retention.archive_figures(store())
    rules = [KeepDays(*rule) for rule in sorted(retention.rules(store()).items())]
    return Retention(rules, now.count, now.size_bytes, now.held)


def _keep_days(call: Call) -> KeepDays | None:
    days = retention.rules(store()).get(call.path["scope"])
    return None if days is None else KeepDays(call.path["scope"], days)


_FILTERS = ("campaign_id", "agent_id", "outcome", "disposition", "number")
_QUERY = query_of("Recording", {**SPAN, **dict.fromkeys(_FILTERS, TEXT), "held": (bool, False)})
sounds.get("/recordings", list[RecordingView], _search, LISTEN, LISTEN_OWN, query=_QUERY,
           summary="Recorded conversations, newest first")  # fmt: skip
sounds.get("/recordings/{id}", RecordingView, _one, LISTEN, LISTEN_OWN, summary="One recording and its call")
sounds.get("/recordings/{id}/audio", None, _audio, LISTEN, LISTEN_OWN, content_type="audio/ogg",
           summary="The sound, also by ranges; each listen is audited")  # fmt: skip
sounds.command("PUT", "/recordings/{recording_id}/legal-hold", cmd.LegalHold, Permission.RECORDINGS_RETAIN,
               summary="Set or lift the legal hold")  # fmt: skip
sounds.command("POST", "/recordings/{recording_id}/notes", cmd.SaveRecordingNote, LISTEN, LISTEN_OWN,
               hidden=("note_id",), status=201)  # fmt: skip
sounds.command("PUT", "/recordings/{recording_id}/notes/{note_id}", cmd.SaveRecordingNote, LISTEN, LISTEN_OWN)
sounds.command("DELETE", "/recording-notes/{note_id}", cmd.DeleteRecordingNote, LISTEN, LISTEN_OWN)
sounds.get("/recordings/{id}/notes", list[NoteView], _notes, LISTEN, LISTEN_OWN,
           summary="Comments at times of a recording")  # fmt: skip
PACK = Permission.RECORDINGS_EXPORT
sounds.command("POST", "/recordings/export", cmd.ExportRecordings, PACK, status=201)
sounds.get("/recording-packs/{id}", PackState, _pack, PACK, summary="How far a zip is that the key's user asked for")
sounds.get("/recording-packs/{id}/file", None, _pack_file, PACK, content_type="application/zip",
           summary="The zip itself")  # fmt: skip
RETAIN = Permission.RECORDINGS_RETAIN
sounds.get("/retention", Retention, _retention, RETAIN, summary="How long recordings are kept, and what is kept now")
sounds.get("/retention/{scope}", KeepDays, _keep_days, RETAIN, summary="Days of one scope: default, campaign:…, seat:…",
           versioned="retention", version_key="scope")  # fmt: skip
sounds.command("PUT", "/retention/{scope}", cmd.SaveRetention, Permission.RECORDINGS_RETAIN, versioned="retention",
               version_key="scope")  # fmt: skip
sounds.command("POST", "/retention/run", cmd.RunRetention, Permission.RECORDINGS_RETAIN, timeout_s=60.0,
               summary="Delete what is older than the rules say, or (`dry_run`) count it")  # fmt: skip

ear = Api("What was heard")
_WANTED = {**SPAN, "campaign_id": TEXT, "trunk_id": TEXT}


def _heard(call: Call) -> HeardFilter:
    asked = call.query
    return HeardFilter(campaign_id=asked.campaign_id, trunk_id=asked.trunk_id, since=asked.since, until=asked.until)


def _doubtful(call: Call) -> Paged:
    return whole(heard.doubtful(store(), _heard(call), label=call.query.label or "", open_only=not call.query.all))


def _announcement_sound(call: Call) -> Any:
    path = announcements.sound(box().home.announcements, call.path["id"])
    return send_file(path, mimetype="audio/wav") if path is not None else None


ear.get("/heard/figures", dict[str, PhaseFigures], lambda call: heard.figures(store(), _heard(call)), LISTEN,
        summary="What the ear heard: labels, confidences and times by phase",
        query=query_of("HeardFigures", _WANTED, page=False))  # fmt: skip
ear.get("/heard/doubtful", list[DoubtView], _doubtful, LISTEN, summary="Calls to listen to and label",
        query=query_of("Doubtful", {**_WANTED, "label": TEXT, "all": (bool, False)}, page=False))  # fmt: skip
ear.get("/announcement-groups", list[ClusterView], lambda call: whole(heard.clusters(store(), _heard(call))), LISTEN,
        summary="Unknown announcements that were heard again and again",
        query=query_of("Groups", _WANTED, page=False))  # fmt: skip
ear.get("/announcements", list[AnnouncementView],
        lambda call: whole(announcements.announcements(store(), box().home.announcements, retired=call.query.retired)),
        Permission.EAR_TEACH, summary="What the ear knows by heart, the most heard first",
        query=query_of("Announcements", {"retired": (bool, False)}, page=False))  # fmt: skip
ear.get("/announcements/{id}/sound", None, _announcement_sound, Permission.EAR_TEACH, content_type="audio/wav",
        summary="Its sound")  # fmt: skip
ear.command("PUT", "/attempts/{attempt_id}/label", cmd.LabelCall, Permission.EAR_TEACH)
ear.command("POST", "/announcements", cmd.EnrolAnnouncement, Permission.EAR_TEACH, status=201)
ear.command("PUT", "/announcements/{id}", cmd.SaveAnnouncement, Permission.EAR_TEACH)
ear.command("POST", "/announcements/{id}/retire", cmd.RetireAnnouncement, Permission.EAR_TEACH)
ear.command("POST", "/announcement-groups/{cluster}/name", cmd.NameCluster, Permission.EAR_TEACH)


def collections() -> tuple[Any, ...]:
    return attempts, inbound, sounds, ear

