"""Calibrations: the same call, several scorers, none of whom sees the others before all are done."""

from __future__ import annotations

from sqlalchemy import update

from appliance import commands
from appliance.commands import Done
from appliance.errors import CallerError, NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs.context import Context
from appliance.jobs.quality import desk
from appliance.store.models import Calibration, ScoringTask
from appliance.store.repositories import users
from appliance.types import Permission

_SCORERS_MAX = 20


class Calibrations:
    """Answers the commands about calibrations."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def start(self, command: commands.StartCalibration) -> Done:
        """Give each scorer a task of his own."""
        scorers, now = list(dict.fromkeys(command.scorers)), self._context.clock.now()
        if not 2 <= len(scorers) <= _SCORERS_MAX:
            raise ValidationErrors([("scorers", "calibration.scorers", f"Choose 2 to {_SCORERS_MAX} people.")])
        with self._context.store.write() as session:
            who = users.require(session, command.actor_id, Permission.QUALITY_MANAGE)
            recording, agent_id = desk.scorable(session, command.recording_id)
            card = desk.card_in_use(session, command.scorecard_id)
            for scorer in scorers:
                desk.scorer(session, scorer, agent_id)
            made = Calibration(
                id=new_id(), recording_id=recording.id, scorecard_id=card.id, version=card.version, scorers=scorers,
                created_by=who.id, created_at=now,
            )  # fmt: skip
            session.add(made)
            for scorer in scorers:
                task_id = new_id()
                session.add(
                    ScoringTask(
                        id=task_id, recording_id=recording.id, drawn=task_id, agent_id=agent_id, scorecard_id=card.id,
                        calibration_id=made.id, scorer_id=scorer, created_at=now,
                    )
                )  # fmt: skip
            desk.note(session, self._context, command, "calibration.started", f"recording:{recording.id}",
                      calibration=made.id, scorers=scorers)  # fmt: skip
        return Done(id=made.id)

    def close(self, command: commands.CloseCalibration) -> Done:
        """End it with what is in; tasks that are open go."""
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.QUALITY_MANAGE)
            found = session.get(Calibration, command.calibration_id)
            if found is None:
                raise NotFoundError("calibration.unknown", "There is no such calibration.")
            if found.closed_at is not None:
                raise CallerError("calibration.closed", "This calibration is over already.")
            found.closed_at = self._context.clock.now()
            session.execute(
                update(ScoringTask)
                .where(ScoringTask.calibration_id == found.id, ScoringTask.state == "open")
                .values(state="skipped")
            )
            desk.note(session, self._context, command, "calibration.closed", f"recording:{found.recording_id}",
                      calibration=found.id)  # fmt: skip
        return Done(id=found.id)
