"""Quality: the queue of calls to score, scores and appeals, scorecards, sampling plans, calibrations, results."""

from webui.quality.calibrations import blueprint as calibrations
from webui.quality.plans import blueprint as sampling_plans
from webui.quality.results import blueprint as quality_results
from webui.quality.scorecards import blueprint as scorecards
from webui.quality.scores import blueprint as scores
from webui.quality.scoring import blueprint as quality

BLUEPRINTS = (quality, scores, scorecards, sampling_plans, calibrations, quality_results)
