"""Sampling plans, and the draw: each week's calls, once the week is over, or so far when somebody asks."""

from __future__ import annotations

import secrets
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from appliance import commands
from appliance.commands import Done
from appliance.domain import sampling
from appliance.errors import NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.jobs.quality import desk
from appliance.store import granted, versions
from appliance.store.models import (
    Attempt,
    Department,
    InboundCall,
    Recording,
    SamplingPlan,
    Scorecard,
    ScoringTask,
    User,
)  # fmt: skip
from appliance.store.repositories import recordings, users
from appliance.types import Permission

ACTOR = "jobs"
_NAME_MAX = 120


class SamplingPlans:
    """Answers the commands about plans; `sweep` draws what is due."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._zone = ZoneInfo(context.settings.dialling.timezone)

    def save(self, command: commands.SaveSamplingPlan) -> Done:
        """Make or change a plan. Its seed is chosen once, by the box."""
        rules, name = sampling.parse(command.rules), command.name.strip()
        if not 1 <= len(name) <= _NAME_MAX:
            raise ValidationErrors([("name", "plan.bad_name", f"Use 1 to {_NAME_MAX} characters.")])
        with self._context.store.write() as session:
            who = users.require(session, command.actor_id, Permission.QUALITY_MANAGE)
            desk.card_in_use(session, command.scorecard_id)
            same = session.scalar(select(SamplingPlan.id).where(SamplingPlan.name == name))
            if same is not None and same != command.plan_id:
                raise ValidationErrors([("name", "plan.name_taken", "There is a plan of this name already.")])
            if command.plan_id:
                plan = _found(session, command.plan_id)
                wanted = {
                    "name": name, "scorecard_id": command.scorecard_id, "enabled": command.enabled,
                    "rules": sampling.to_plain(rules),
                }  # fmt: skip
                versions.check(session, command, f"sampling_plan:{plan.id}", plan, wanted)
            else:
                now = self._context.clock.now()
                before = sampling.week_of(now - timedelta(days=7), self._zone)  # it begins with the week it is made in
                plan = SamplingPlan(
                    id=new_id(), seed=secrets.token_hex(8), created_by=who.id, created_at=now, drawn_week=before
                )
                session.add(plan)
            plan.name, plan.scorecard_id, plan.enabled = name, command.scorecard_id, command.enabled
            plan.rules = sampling.to_plain(rules)
            desk.note(session, self._context, command, "sampling_plan.saved", f"sampling_plan:{plan.id}", plan=name,
                      rules=plan.rules)  # fmt: skip
        return Done(id=plan.id)

    def draw(self, command: commands.DrawSample) -> Done:
        """Draw of this week what is there."""
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.QUALITY_MANAGE)
            plan = _found(session, command.plan_id)
            desk.card_in_use(session, plan.scorecard_id)
            drawn = self._draw(session, plan, sampling.week_of(self._context.clock.now(), self._zone))
            desk.note(session, self._context, command, "sampling_plan.drawn", f"sampling_plan:{plan.id}", drawn=drawn,
                      seed=plan.seed)  # fmt: skip
        return Done(id=plan.id, data={"drawn": drawn})

    def sweep(self) -> int:
        """Draw last week's calls of each plan that has not drawn them; returns how many were drawn."""
        now, total = self._context.clock.now(), 0
        week = sampling.week_of(now - timedelta(days=7), self._zone)
        due = (
            select(SamplingPlan.id)
            .join(Scorecard, Scorecard.id == SamplingPlan.scorecard_id)
            .where(SamplingPlan.enabled, SamplingPlan.drawn_week < week, Scorecard.retired_at.is_(None))
        )
        with self._context.store.read() as session:
            waiting = list(session.scalars(due))
        for plan_id in waiting:
            with self._context.store.write() as session:
                plan = _found(session, plan_id)
                drawn = self._draw(session, plan, week)
                plan.drawn_week = week
                audit.append(
                    session, now, actor_id=ACTOR, action="sampling_plan.drawn", subject=f"sampling_plan:{plan.id}",
                    detail={"drawn": drawn, "seed": plan.seed, "week": week},
                )  # fmt: skip
            total += drawn
        return total

    def _draw(self, session: Session, plan: SamplingPlan, week: str) -> int:
        rules = sampling.parse(plan.rules)
        count = select(ScoringTask.agent_id, func.count()).where(
            ScoringTask.plan_id == plan.id, ScoringTask.week == week
        )
        already = {row[0]: row[1] for row in session.execute(count.group_by(ScoringTask.agent_id))}
        chosen = sampling.draw(
            self._candidates(session, rules, week), per_agent=rules.per_agent, seed=plan.seed, week=week,
            already=already,
        )  # fmt: skip
        now = self._context.clock.now()
        session.add_all(
            ScoringTask(
                id=new_id(), recording_id=one.recording_id, drawn=one.recording_id, agent_id=one.agent_id,
                scorecard_id=plan.scorecard_id, plan_id=plan.id, week=week, created_at=now,
            )
            for one in chosen
        )  # fmt: skip
        return len(chosen)

    def _candidates(self, session: Session, rules: sampling.Rules, week: str) -> list[sampling.Candidate]:
        """The week's recordings that fit and that no plan has drawn yet."""
        since, until = sampling.bounds_of(week, self._zone)
        query = (
            select(Recording.id, Recording.agent_id)
            .outerjoin(Attempt, Attempt.id == Recording.conversation_id)
            .outerjoin(InboundCall, InboundCall.id == Recording.conversation_id)
            .where(Recording.started_at >= since, Recording.started_at < until, Recording.agent_id.is_not(None),
                   Recording.kind == recordings.CONVERSATION, Recording.state == recordings.ARCHIVED,
                   Recording.id.not_in(select(ScoringTask.drawn)))
        )  # fmt: skip
        if rules.campaign_ids:
            query = query.where(Recording.campaign_id.in_(rules.campaign_ids))
        if rules.outcomes:
            query = query.where(or_(Attempt.outcome.in_(rules.outcomes), InboundCall.outcome.in_(rules.outcomes)))
        if rules.dispositions:
            query = query.where(
                or_(Attempt.disposition.in_(rules.dispositions), InboundCall.disposition.in_(rules.dispositions))
            )
        if rules.at_least_s:
            query = query.where(Recording.duration_s >= rules.at_least_s)
        if rules.at_most_s:
            query = query.where(Recording.duration_s <= rules.at_most_s)
        if rules.team:
            rows = session.execute(select(Department.id, Department.parent_id)).all()
            team = granted.below(rules.team, [(row[0], row[1]) for row in rows])
            query = query.where(Recording.agent_id.in_(select(User.id).where(User.department_id.in_(team))))
        return [sampling.Candidate(row[0], row[1] or "") for row in session.execute(query)]


def _found(session: Session, plan_id: str) -> SamplingPlan:
    plan = session.get(SamplingPlan, plan_id)
    if plan is None:
        raise NotFoundError("plan.unknown", "There is no such sampling plan.")
    return plan
