"""Appeals: an agent says why a score is wrong; somebody who may score answers. Nothing of it is ever lost."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from appliance import commands
from appliance.commands import Done
from appliance.domain import scorecard
from appliance.errors import CallerError, NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs.context import Context
from appliance.jobs.quality import desk
from appliance.store.models import Appeal, Evaluation
from appliance.store.repositories import users
from appliance.types import Permission

_TEXT_MAX = 4000


class Appeals:
    """Answers the commands about appeals."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def appeal(self, command: commands.AppealScore) -> Done:
        """Take an agent's appeal; one at a time for each score."""
        text = _text(command.text, "text")
        with self._context.store.write() as session:
            who = users.require(session, command.actor_id, Permission.QUALITY_OWN)
            found = desk.evaluation(session, command.evaluation_id)
            if found.agent_id != who.id or found.calibration_id is not None:
                raise NotFoundError("score.not_there", "There is no such score.")
            standing = select(Appeal.id).where(Appeal.evaluation_id == found.id, Appeal.state == "open")
            if session.scalar(standing) is not None:
                raise CallerError("appeal.open", "There is an appeal already; wait for its answer.")
            made = Appeal(
                id=new_id(), evaluation_id=found.id, agent_id=who.id, text=text, at=self._context.clock.now(),
                before=_values(found),
            )  # fmt: skip
            session.add(made)
            desk.note(session, self._context, command, "appeal.made", f"recording:{found.recording_id}", appeal=made.id)
        return Done(id=made.id)

    def decide(self, command: commands.DecideAppeal) -> Done:
        """Refuse it, or accept it and change the score."""
        answer = _text(command.answer, "answer")
        with self._context.store.write() as session:
            appeal = session.get(Appeal, command.appeal_id)
            if appeal is None:
                raise NotFoundError("appeal.unknown", "There is no such appeal.")
            if appeal.state != "open":
                raise CallerError("appeal.decided", "This appeal was answered already.")
            who = desk.scorer(session, command.actor_id, appeal.agent_id)
            found = desk.evaluation(session, appeal.evaluation_id)
            if command.accept:
                card = desk.card_of(session, found.scorecard_id, found.version)
                scorecard.check_answers(card, command.answers)
                score = scorecard.score(card, command.answers)
                found.answers, found.score = dict(command.answers), score.value
                found.knocked_out = bool(score.knocked_out)
            appeal.state, appeal.answer = "accepted" if command.accept else "refused", answer
            appeal.decided_by, appeal.decided_at, appeal.after = who.id, self._context.clock.now(), _values(found)
            desk.note(session, self._context, command, f"appeal.{appeal.state}", f"recording:{found.recording_id}",
                      appeal=appeal.id, before=appeal.before["score"], after=found.score)  # fmt: skip
        return Done(id=appeal.id)


def _values(found: Evaluation) -> dict[str, Any]:
    return {"answers": dict(found.answers), "score": found.score, "knocked_out": found.knocked_out}


def _text(text: str, field: str) -> str:
    stripped = text.strip()
    if not 1 <= len(stripped) <= _TEXT_MAX:
        raise ValidationErrors([(field, "appeal.bad_text", f"Say why, in 1 to {_TEXT_MAX} characters.")])
    return stripped
