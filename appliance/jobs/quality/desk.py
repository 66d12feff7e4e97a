"""What all of these need: who may, what is there, and the line in the audit log."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from appliance.commands import UserCommand
from appliance.domain import scorecard
from appliance.errors import CallerError, NotAllowedError, NotFoundError
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.store.models import Evaluation, Recording, ScorecardVersion, ScoringTask
from appliance.store.models import Scorecard as ScorecardRow
from appliance.store.repositories import recordings, users
from appliance.types import Permission


def note(session: Session, context: Context, command: UserCommand, action: str, subject: str, **detail: Any) -> None:
    """Write the audit line of a command in its own transaction."""
    audit.append(
        session, context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address, action=action,
        subject=subject, detail=detail,
    )  # fmt: skip


def heard_by(session: Session, actor_id: str, recording_id: str) -> tuple[users.Actor, Recording]:
    """The actor and a recording that he may hear; raises NotAllowedError `recording.not_own`, NotFoundError."""
    who = users.require(session, actor_id, Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_LISTEN_OWN)
    found = recordings.get(session, recording_id)
    if found.agent_id != who.id and not users.in_reach(session, who, Permission.RECORDINGS_LISTEN, found.agent_id):
        raise NotAllowedError("recording.not_own", "Only recordings of your own conversations are open to you.")
    return who, found


def scorer(session: Session, actor_id: str, agent_id: str | None) -> users.Actor:
    """Who may score calls of an agent; raises NotAllowedError, also for one's own calls."""
    who = users.require(session, actor_id, Permission.QUALITY_SCORE)
    if who.id == agent_id:
        raise NotAllowedError("score.own", "Nobody scores his own calls.")
    if not users.in_reach(session, who, Permission.QUALITY_SCORE, agent_id):
        raise NotAllowedError("score.out_of_reach", "This agent is not in your team.")
    return who


def scorable(session: Session, recording_id: str) -> tuple[Recording, str]:
    """A recording that can be scored, and its agent; raises CallerError `score.no_talk`."""
    found = recordings.get(session, recording_id)
    if found.agent_id is None or found.kind != recordings.CONVERSATION or found.state != recordings.ARCHIVED:
        raise CallerError("score.no_talk", "Only archived recordings of an agent's conversation can be scored.")
    return found, found.agent_id


def card_in_use(session: Session, scorecard_id: str) -> ScorecardRow:
    """A scorecard that is not retired; raises NotFoundError `scorecard.unknown`, CallerError `scorecard.retired`."""
    found = session.get(ScorecardRow, scorecard_id)
    if found is None:
        raise NotFoundError("scorecard.unknown", "There is no such scorecard.")
    if found.retired_at is not None:
        raise CallerError("scorecard.retired", "This scorecard is not used any more.")
    return found


def card_of(session: Session, scorecard_id: str, version: int) -> scorecard.Scorecard:
    """The questions of one version."""
    return scorecard.parse(session.get_one(ScorecardVersion, (scorecard_id, version)).card)


def open_task(session: Session, task_id: str) -> ScoringTask:
    """Raises NotFoundError `task.unknown`, CallerError `task.done`."""
    found = session.get(ScoringTask, task_id)
    if found is None:
        raise NotFoundError("task.unknown", "There is no such call to score.")
    if found.state != "open":
        raise CallerError("task.done", "This call was scored or taken out of the queue meanwhile.")
    return found


def evaluation(session: Session, evaluation_id: str) -> Evaluation:
    """Raises NotFoundError `score.not_there`."""
    found = session.get(Evaluation, evaluation_id)
    if found is None:
        raise NotFoundError("score.not_there", "There is no such score.")
    return found
