"""Scoring of calls: scorecards, sampling plans, what is to be scored, scores and appeals, calibrations, results."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import g

from appliance import commands as cmd
from appliance.store.read import quality, quality_results
from appliance.store.read.quality import AppealView, CalibrationView, CardView, PlanView, ScoreView, TaskView
from appliance.store.read.quality_results import ResultFilter, Results
from appliance.types import Permission
from webui.access import may, reach
from webui.api.v1.collection import Api, whole
from webui.api.v1.declare import SPAN, TEXT, Call, Paged, query_of
from webui.box import box, store
from webui.quality.scores import open_to_me as score_open_to_me
from webui.quality.scoring import open_to_me as task_open_to_me

SCORE, MANAGE, OWN = Permission.QUALITY_SCORE, Permission.QUALITY_MANAGE, Permission.QUALITY_OWN

cards = Api("Scorecards")
cards.get("/scorecards", list[CardView], lambda _call: whole(quality.cards(store(), in_use=False)), MANAGE, SCORE,
          summary="Scorecards in their newest version, also those out of use")  # fmt: skip
cards.get("/scorecards/{scorecard_id}", CardView,
          lambda call: quality.card(store(), call.path["scorecard_id"], call.query.version), MANAGE, SCORE,
          summary="One scorecard, in its newest or another version",
          query=query_of("Scorecard", {"version": (int | None, None)}, page=False), versioned="scorecard",
          version_key="scorecard_id")  # fmt: skip
cards.command("POST", "/scorecards", cmd.SaveScorecard, MANAGE, hidden=("scorecard_id",))
cards.command("PUT", "/scorecards/{scorecard_id}", cmd.SaveScorecard, MANAGE, versioned="scorecard",
              version_key="scorecard_id")  # fmt: skip
cards.command("POST", "/scorecards/{scorecard_id}/retire", cmd.RetireScorecard, MANAGE)

plans = Api("Sampling plans")
plans.get("/sampling-plans", list[PlanView], lambda _call: whole(quality.plans(store())), MANAGE,
          summary="Plans by which calls are drawn for scoring")  # fmt: skip
plans.get("/sampling-plans/{plan_id}", PlanView, lambda call: quality.plan(store(), call.path["plan_id"]), MANAGE,
          summary="One plan", versioned="sampling_plan", version_key="plan_id")  # fmt: skip
plans.command("POST", "/sampling-plans", cmd.SaveSamplingPlan, MANAGE, hidden=("plan_id",), status=201)
plans.command("PUT", "/sampling-plans/{plan_id}", cmd.SaveSamplingPlan, MANAGE, versioned="sampling_plan",
              version_key="plan_id")  # fmt: skip
plans.command("POST", "/sampling-plans/{plan_id}/draw", cmd.DrawSample, MANAGE)

tasks = Api("Scoring")
tasks.get("/scoring-tasks", list[TaskView], lambda _call: whole(quality.queue(store(), g.user.id, reach(SCORE))), SCORE,
          summary="Calls that the key's user may score now, oldest first")  # fmt: skip
tasks.get("/scoring-tasks/{task_id}", TaskView, lambda call: task_open_to_me(call.path["task_id"]), SCORE,
          summary="One of them")  # fmt: skip
tasks.command("POST", "/scoring-tasks", cmd.AskForScore, SCORE, status=201)
tasks.command("PUT", "/scoring-tasks/{task_id}/score", cmd.ScoreCall, SCORE)
tasks.command("POST", "/scoring-tasks/{task_id}/skip", cmd.SkipScoring, SCORE)


def _scores(call: Call) -> Paged:
    """A supervisor's are those of his people, an agent's are his own."""
    people = reach(SCORE) if may(SCORE) else frozenset({g.user.id})
    agent_id, recording_id = call.query.agent_id or "", call.query.recording_id or ""
    return whole(quality.scores(store(), people=people, agent_id=agent_id, recording_id=recording_id))


given = Api("Scores")
given.get("/evaluations", list[ScoreView], _scores, SCORE, OWN, summary="The newest scores, without calibrations",
          query=query_of("Evaluation", {"agent_id": TEXT, "recording_id": TEXT}, page=False))  # fmt: skip
given.get("/evaluations/{evaluation_id}", ScoreView, lambda call: score_open_to_me(call.path["evaluation_id"]), SCORE,
          OWN, summary="One score with its answers and appeals")  # fmt: skip
given.command("POST", "/evaluations/{evaluation_id}/appeal", cmd.AppealScore, OWN)
given.get("/appeals", list[AppealView], lambda _call: whole(quality.open_appeals(store(), reach(SCORE))), SCORE,
          summary="Appeals that wait for an answer, oldest first")  # fmt: skip
given.command("POST", "/appeals/{appeal_id}/decide", cmd.DecideAppeal, SCORE)

together = Api("Calibrations")
together.get("/calibrations", list[CalibrationView], lambda _call: whole(quality.calibrations(store())), MANAGE,
             summary="Calls that several score, newest first")  # fmt: skip
together.get("/calibrations/{calibration_id}", CalibrationView,
             lambda call: quality.calibration(store(), call.path["calibration_id"]), MANAGE,
             summary="One of them; when it is over with its scores and how far they agree")  # fmt: skip
together.command("POST", "/calibrations", cmd.StartCalibration, MANAGE, status=201)
together.command("POST", "/calibrations/{calibration_id}/close", cmd.CloseCalibration, MANAGE)

_SIDES = ("scorecard_id", "agent_id", "team", "campaign_id")


def _results(call: Call) -> Results:
    sides = {name: getattr(call.query, name) or "" for name in _SIDES}
    wanted = ResultFilter(**sides, since=call.query.since, until=call.query.until, people=reach(SCORE))
    return quality_results.results(store(), wanted, ZoneInfo(box().settings.dialling.timezone))


means = Api("Results of scoring")
means.get("/evaluation-results", Results, _results, SCORE, summary="Means over time, by agent, team, question and more",
          query=query_of("EvaluationResult", {**SPAN, **dict.fromkeys(_SIDES, TEXT)}, page=False))  # fmt: skip


def collections() -> tuple[Any, ...]:
    return cards, plans, tasks, given, together, means
