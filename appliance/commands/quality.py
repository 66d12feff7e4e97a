"""Commands about recordings and their quality: notes, exports, scorecards, samples, scores, calibrations, appeals."""

from __future__ import annotations

from typing import Any, ClassVar

from appliance.commands.base import EditCommand, UserCommand


class SaveRecordingNote(UserCommand, frozen=True, kw_only=True):
    """Write a comment at a time of a recording (no id), or change one's own; without `text` it is a marker. Audited."""

    SERVICE: ClassVar[str] = "office"
    recording_id: str
    note_id: str | None = None
    at_s: float = 0.0
    text: str = ""


class DeleteRecordingNote(UserCommand, frozen=True, kw_only=True):
    """Take one's own comment or marker off; it is kept, unseen. Audited."""

    SERVICE: ClassVar[str] = "office"
    note_id: str


class ExportRecordings(UserCommand, frozen=True, kw_only=True):
    """Pack recordings into a zip with a manifest; reply id = job id, `LiveJob.result` = {path, file_name, recordings}.

    All must be within the actor's permission recordings.export; each is audited as it is packed. The file stands in
    the upload folder for a day.
    """

    SERVICE: ClassVar[str] = "jobs"
    recording_ids: list[str]


class SaveScorecard(EditCommand, frozen=True, kw_only=True):
    """Make or change a scorecard; `card` as domain.scorecard. One that was used gets a new version. Reply id."""

    SERVICE: ClassVar[str] = "office"
    scorecard_id: str | None = None
    name: str
    card: dict[str, Any]


class RetireScorecard(UserCommand, frozen=True, kw_only=True):
    """Score by a card no more, or again (`back`)."""

    SERVICE: ClassVar[str] = "office"
    scorecard_id: str
    back: bool = False


class SaveSamplingPlan(EditCommand, frozen=True, kw_only=True):
    """Make or change a plan by which calls are drawn each week; `rules` as domain.sampling. Reply id."""

    SERVICE: ClassVar[str] = "office"
    plan_id: str | None = None
    name: str
    scorecard_id: str
    rules: dict[str, Any]
    enabled: bool = True


class DrawSample(UserCommand, frozen=True, kw_only=True):
    """Draw this week's calls of a plan as far as they are there; reply data {drawn}."""

    SERVICE: ClassVar[str] = "office"
    plan_id: str


class AskForScore(UserCommand, frozen=True, kw_only=True):
    """Put one recording into the queue by hand; reply id = the task's."""

    SERVICE: ClassVar[str] = "office"
    recording_id: str
    scorecard_id: str


class ScoreCall(UserCommand, frozen=True, kw_only=True):
    """Score a task's call; `answers` {question id: number, or None: does not apply}. Reply id = the evaluation's."""

    SERVICE: ClassVar[str] = "office"
    task_id: str
    answers: dict[str, int | None]
    comment: str = ""


class SkipScoring(UserCommand, frozen=True, kw_only=True):
    """Take a call out of the queue; it is not drawn again."""

    SERVICE: ClassVar[str] = "office"
    task_id: str
    reason: str = ""


class StartCalibration(UserCommand, frozen=True, kw_only=True):
    """Have one recording scored by several people, each without the others' scores. Reply id."""

    SERVICE: ClassVar[str] = "office"
    recording_id: str
    scorecard_id: str
    scorers: list[str]


class CloseCalibration(UserCommand, frozen=True, kw_only=True):
    """End a calibration with the scores that are in."""

    SERVICE: ClassVar[str] = "office"
    calibration_id: str


class AppealScore(UserCommand, frozen=True, kw_only=True):
    """An agent's word against a score of his own. Reply id."""

    SERVICE: ClassVar[str] = "office"
    evaluation_id: str
    text: str


class DecideAppeal(UserCommand, frozen=True, kw_only=True):
    """Answer an appeal: `accept` changes the score to `answers`; both scores are kept."""

    SERVICE: ClassVar[str] = "office"
    appeal_id: str
    accept: bool
    answer: str
    answers: dict[str, int | None] = {}
