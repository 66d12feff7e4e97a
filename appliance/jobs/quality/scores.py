"""The queue of calls to score, and the scores."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance import commands
from appliance.commands import Done
from appliance.domain import scorecard
from appliance.errors import CallerError, NotAllowedError
from appliance.ids import new_id
from appliance.jobs.context import Context
from appliance.jobs.quality import desk
from appliance.store.models import Calibration, Evaluation, Scorecard, ScoringTask

_COMMENT_MAX = 4000


class Scores:
    """Answers the commands about tasks and scores."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def ask(self, command: commands.AskForScore) -> Done:
        """Put a recording into the queue by hand."""
        with self._context.store.write() as session:
            recording, agent_id = desk.scorable(session, command.recording_id)
            desk.scorer(session, command.actor_id, agent_id)
            card = desk.card_in_use(session, command.scorecard_id)
            if session.scalar(select(ScoringTask.id).where(ScoringTask.drawn == recording.id)):
                raise CallerError("score.asked_already", "This call is in the queue already, or was scored.")
            task = ScoringTask(
                id=new_id(), recording_id=recording.id, drawn=recording.id, agent_id=agent_id, scorecard_id=card.id,
                created_at=self._context.clock.now(),
            )  # fmt: skip
            session.add(task)
            desk.note(session, self._context, command, "score.asked", f"recording:{recording.id}", card=card.name)
        return Done(id=task.id)

    def score(self, command: commands.ScoreCall) -> Done:
        """Write what a call is worth. Raises ValidationErrors by question, NotAllowedError for somebody else's task."""
        with self._context.store.write() as session:
            task = desk.open_task(session, command.task_id)
            who = desk.scorer(session, command.actor_id, task.agent_id)
            if task.scorer_id not in (None, who.id):
                raise NotAllowedError("task.not_yours", "Somebody else scores this call.")
            recording, agent_id = desk.scorable(session, task.recording_id)
            version = self._version(session, task)
            card = desk.card_of(session, task.scorecard_id, version)
            scorecard.check_answers(card, command.answers)
            found = scorecard.score(card, command.answers)
            row = Evaluation(
                id=new_id(), task_id=task.id, recording_id=recording.id, conversation_id=recording.conversation_id,
                agent_id=agent_id, campaign_id=recording.campaign_id, scorecard_id=task.scorecard_id, version=version,
                calibration_id=task.calibration_id, scorer_id=who.id, answers=dict(command.answers),
                comment=command.comment.strip()[:_COMMENT_MAX], score=found.value,
                knocked_out=bool(found.knocked_out), scored_at=self._context.clock.now(),
                called_at=recording.started_at,
            )  # fmt: skip
            session.add(row)
            task.state, task.scorer_id = "done", who.id
            session.flush()
            if task.calibration_id:
                self._close_when_all_are_in(session, task.calibration_id)
            desk.note(session, self._context, command, "score.given", f"recording:{recording.id}", evaluation=row.id,
                      score=round(row.score, 4), calibration=task.calibration_id or "")  # fmt: skip
        return Done(id=row.id, data={"score": row.score, "knocked_out": row.knocked_out})

    @staticmethod
    def _version(session: Session, task: ScoringTask) -> int:
        if task.calibration_id:
            return session.get_one(Calibration, task.calibration_id).version
        return session.get_one(Scorecard, task.scorecard_id).version

    def _close_when_all_are_in(self, session: Session, calibration_id: str) -> None:
        calibration = session.get_one(Calibration, calibration_id)
        scored = session.scalar(select(func.count()).where(Evaluation.calibration_id == calibration_id)) or 0
        if calibration.closed_at is None and scored >= len(calibration.scorers):
            calibration.closed_at = self._context.clock.now()

    def skip(self, command: commands.SkipScoring) -> Done:
        """Leave a call out."""
        with self._context.store.write() as session:
            task = desk.open_task(session, command.task_id)
            desk.scorer(session, command.actor_id, task.agent_id)
            if task.calibration_id:
                raise CallerError(
                    "task.calibration", "A call of a calibration is scored, or the calibration is closed."
                )
            task.state, task.skip_reason = "skipped", command.reason.strip()[:200]
            desk.note(session, self._context, command, "score.skipped", f"recording:{task.recording_id}",
                      reason=task.skip_reason)  # fmt: skip
        return Done(id=task.id)
