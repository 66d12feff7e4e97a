"""Attempts, callers, recordings, what the ear heard."""

from __future__ import annotations

from typing import Any

from flask import g

from appliance import commands as cmd
from appliance.store.read import recordings, tables
from appliance.store.read.recordings import RecordingFilter, RecordingView
from appliance.types import Permission
from webui.access import reach
from webui.api.v1 import cursors
from webui.api.v1.collection import Api
from webui.api.v1.declare import SPAN, TEXT, Call, Paged, query_of
from webui.box import store
from webui.supervisor import sound

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
sounds.command("POST", "/recordings/export", cmd.ExportRecordings, Permission.RECORDINGS_EXPORT, status=201)
sounds.command("PUT", "/retention/{scope}", cmd.SaveRetention, Permission.RECORDINGS_RETAIN, versioned="retention",
               version_key="scope")  # fmt: skip
sounds.command("POST", "/retention/run", cmd.RunRetention, Permission.RECORDINGS_RETAIN, timeout_s=60.0)

ear = Api("What was heard")
ear.command("PUT", "/attempts/{attempt_id}/label", cmd.LabelCall, Permission.EAR_TEACH)
ear.command("POST", "/announcements", cmd.EnrolAnnouncement, Permission.EAR_TEACH, status=201)
ear.command("PUT", "/announcements/{id}", cmd.SaveAnnouncement, Permission.EAR_TEACH)
ear.command("POST", "/announcements/{id}/retire", cmd.RetireAnnouncement, Permission.EAR_TEACH)
ear.command("POST", "/announcement-groups/{cluster}/name", cmd.NameCluster, Permission.EAR_TEACH)


def collections() -> tuple[Any, ...]:
    return attempts, inbound, sounds, ear

