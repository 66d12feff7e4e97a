"""What people say about recordings, written down: notes, scorecards, samples, scores, calibrations, appeals.

One module for each; `handlers` puts them together for the office.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from appliance import commands
from appliance.commands import Command, Done
from appliance.jobs.context import Context
from appliance.jobs.quality.appeals import Appeals
from appliance.jobs.quality.calibrations import Calibrations
from appliance.jobs.quality.notes import RecordingNotes
from appliance.jobs.quality.plans import SamplingPlans
from appliance.jobs.quality.scorecards import Scorecards
from appliance.jobs.quality.scores import Scores


def handlers(context: Context) -> dict[type[Command], Callable[[Any], Done]]:
    """The office's methods about quality."""
    notes, cards, plans = RecordingNotes(context), Scorecards(context), SamplingPlans(context)
    scores, calibrations, appeals = Scores(context), Calibrations(context), Appeals(context)
    return {
        commands.SaveRecordingNote: notes.save,
        commands.DeleteRecordingNote: notes.delete,
        commands.SaveScorecard: cards.save,
        commands.RetireScorecard: cards.retire,
        commands.SaveSamplingPlan: plans.save,
        commands.DrawSample: plans.draw,
        commands.AskForScore: scores.ask,
        commands.ScoreCall: scores.score,
        commands.SkipScoring: scores.skip,
        commands.StartCalibration: calibrations.start,
        commands.CloseCalibration: calibrations.close,
        commands.AppealScore: appeals.appeal,
        commands.DecideAppeal: appeals.decide,
    }
