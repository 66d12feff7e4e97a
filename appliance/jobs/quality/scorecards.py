"""Scorecards, in versions: what was asked of a scored call stays as it was asked."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import commands
from appliance.commands import Done
from appliance.domain import scorecard
from appliance.errors import NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs.context import Context
from appliance.jobs.quality import desk
from appliance.store import versions
from appliance.store.models import Calibration, Evaluation, Scorecard, ScorecardVersion
from appliance.store.repositories import users
from appliance.types import Permission

_NAME_MAX = 120


class Scorecards:
    """Answers the commands about scorecards."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def save(self, command: commands.SaveScorecard) -> Done:
        """Make one, change an unused version where it stands, or make the next version of a used one."""
        card, name, now = scorecard.parse(command.card), command.name.strip(), self._context.clock.now()
        if not 1 <= len(name) <= _NAME_MAX:
            raise ValidationErrors([("name", "scorecard.bad_name", f"Use 1 to {_NAME_MAX} characters.")])
        with self._context.store.write() as session:
            who = users.require(session, command.actor_id, Permission.QUALITY_MANAGE)
            same = session.scalar(select(Scorecard.id).where(Scorecard.name == name))
            if same is not None and same != command.scorecard_id:
                raise ValidationErrors([("name", "scorecard.name_taken", "There is a scorecard of this name already.")])
            row = session.get(Scorecard, command.scorecard_id) if command.scorecard_id else None
            if command.scorecard_id and row is None:
                raise NotFoundError("scorecard.unknown", "There is no such scorecard.")
            plain = scorecard.to_plain(card)
            if row is None:
                row = Scorecard(id=new_id(), created_by=who.id, created_at=now, version=1, name=name)
                session.add(row)
                session.flush()
                session.add(ScorecardVersion(scorecard_id=row.id, version=1, card=plain, created_at=now))
            else:
                newest = session.get_one(ScorecardVersion, (row.id, row.version))
                stands = versions.of_scorecard(row.name, newest.card)
                versions.check(session, command, f"scorecard:{row.id}", stands, versions.of_scorecard(name, plain))
                row.name = name
                self._keep(session, row, plain)
            desk.note(session, self._context, command, "scorecard.saved", f"scorecard:{row.id}", card=name,
                      version=row.version)  # fmt: skip
        return Done(id=row.id, data={"version": row.version})

    def _keep(self, session: Session, row: Scorecard, plain: dict[str, object]) -> None:
        newest = session.get_one(ScorecardVersion, (row.id, row.version))
        if newest.card == plain:
            return
        used = (Evaluation, Calibration)
        if any(
            session.scalar(select(one.id).where(one.scorecard_id == row.id, one.version == row.version).limit(1))
            for one in used
        ):
            row.version += 1
            now = self._context.clock.now()
            session.add(ScorecardVersion(scorecard_id=row.id, version=row.version, card=plain, created_at=now))
        else:
            newest.card = plain

    def retire(self, command: commands.RetireScorecard) -> Done:
        """Take one out of use, or back; its scores stay."""
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.QUALITY_MANAGE)
            row = session.get(Scorecard, command.scorecard_id)
            if row is None:
                raise NotFoundError("scorecard.unknown", "There is no such scorecard.")
            row.retired_at = None if command.back else self._context.clock.now()
            action = "scorecard.brought_back" if command.back else "scorecard.retired"
            desk.note(session, self._context, command, action, f"scorecard:{row.id}", card=row.name)
        return Done(id=row.id)
