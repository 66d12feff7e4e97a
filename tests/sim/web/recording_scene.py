"""Recordings with sound of a few bytes, found as jobs makes them found."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from appliance import commands as cmd
from appliance.jobs.search_index import SearchIndex
from appliance.settings import load_secrets
from appliance.store import sealed
from appliance.store.models import Attempt, Campaign, Contact, Lead, Recording, RecordingKey, ScoringTask
from tests.sim.web.fakes import FakeBox

SOUND = bytes(range(256)) * 1000  # four sealed chunks


def make_recording(box: FakeBox, recording_id: str, agent: str, **more: Any) -> None:
    """An archived recording with its wrapped key."""
    key = sealed.new_key()
    with sealed.SealedWriter(box.home.archive / f"{recording_id}.cbr", key) as writer:
        writer.write(SOUND)
    now = datetime.now(UTC)
    secret = load_secrets(box.home).archive_key.get_secret_value()
    with box.bus.store.write() as session:
        values = {
            "conversation_id": recording_id, "agent_id": box.people[agent], "state": "archived", "started_at": now,
            "duration_s": 12.0, "archive_path": f"{recording_id}.cbr", "size_bytes": len(SOUND),
            "sha256": hashlib.sha256(SOUND).hexdigest(),
            "peaks": {"left": [0.1, 0.9], "right": [0.5], "per_s": 1}, "expires_at": now + timedelta(days=9),
        }  # fmt: skip
        session.add(Recording(id=recording_id, **{**values, **more}))
        session.add(
            RecordingKey(recording_id=recording_id, wrapped_key=sealed.wrap(secret, key, f"recording:{recording_id}"))
        )
    SearchIndex(box.bus.store).sweep()


def make_call(
    box: FakeBox, campaign: Campaign, call_id: str, *, number: str, name: str, agent: str | None = None, **more: Any
) -> None:  # fmt: skip
    """An attempt with its lead; `make_recording(conversation_id=call_id)` adds its sound."""
    now = more.pop("at", datetime.now(UTC))
    with box.bus.store.write() as session:
        session.add(Contact(id=f"c-{call_id}", number=f"{number}#{call_id}"[:20], name=name, created_at=now))
        session.flush()
        session.add(
            Lead(id=f"l-{call_id}", campaign_id=campaign.id, contact_id=f"c-{call_id}", number=number, name=name,
                 state="done", next_attempt_at=now)
        )  # fmt: skip
        session.flush()
        values = {"outcome": "human", "disposition": "", "note": "", **more}
        session.add(
            Attempt(id=call_id, campaign_id=campaign.id, lead_id=f"l-{call_id}", number=number, trunk_id="t",
                    created_at=now, ended_at=now, agent_id=box.people[agent] if agent else None, **values)
        )  # fmt: skip
    SearchIndex(box.bus.store).sweep()


CARD = {
    "sections": [
        {"title": "开场 Opening", "weight": 1, "questions": [
            {"text": "Said his name and the company's", "hint": "In the first ten seconds"},
            {"text": "Сказал о записи разговора", "knock_out": True},
        ]},
        {"title": "Talk", "weight": 3, "questions": [
            {"text": "Tone", "kind": "scale", "top": 5, "weight": 2}, {"text": "Asked why", "may_skip": True},
        ]},
    ]
}  # fmt: skip


def make_quality(box: FakeBox, recording_id: str) -> dict[str, str]:
    """A card, a plan, two scores, an appeal, a calibration that is over and a call in the queue; ids by name."""
    second = box.people.get("second") or box.add_user("second", "supervisor")
    card_id = str(box.by_administrator(cmd.SaveScorecard, name="Politeness", card=CARD).id)
    box.by_administrator(cmd.SaveSamplingPlan, name="Weekly", scorecard_id=card_id, rules={"per_agent": 2})
    for n in range(3):
        make_recording(box, f"{recording_id}-{n}", "agent", duration_s=95.0 + n, gaps=[[3.0, 5.5]])
    answers = {"q1": 1, "q2": 1, "q3": 4, "q4": None}
    task = box.by_administrator(cmd.AskForScore, recording_id=f"{recording_id}-0", scorecard_id=card_id)
    given = box.by_administrator(cmd.ScoreCall, task_id=str(task.id), answers=answers, comment="Well begun.")
    agent = box.people["agent"]
    box.bus.request(cmd.AppealScore(actor_id=agent, evaluation_id=str(given.id), text="The tone was fine."))
    begun = box.by_administrator(
        cmd.StartCalibration, recording_id=f"{recording_id}-1", scorecard_id=card_id,
        scorers=[box.people["administrator"], second],
    )  # fmt: skip
    with box.bus.store.read() as session:
        tasks = session.query(ScoringTask).filter_by(calibration_id=begun.id).all()
    for one in tasks:
        box.bus.request(cmd.ScoreCall(actor_id=str(one.scorer_id), task_id=one.id, answers=answers))
    waiting = box.by_administrator(cmd.AskForScore, recording_id=f"{recording_id}-2", scorecard_id=card_id)
    note = {"recording_id": f"{recording_id}-2", "at_s": 7.0}
    box.by_administrator(cmd.SaveRecordingNote, **note, text="Here he explains the delay well")
    box.by_administrator(cmd.SaveRecordingNote, **note)
    return {"task": str(waiting.id), "score": str(given.id), "calibration": str(begun.id)}
