"""What people say about recordings: notes at a time, scorecards, samples, scores, calibrations, appeals."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.models.base import Base, key


class RecordingNote(Base):
    """A comment at a time of a recording; with an empty `text` it is a marker. What is deleted is kept, unseen."""

    __tablename__ = "recording_notes"
    id: Mapped[str] = key()
    recording_id: Mapped[str] = mapped_column(String(40), index=True)
    at_s: Mapped[float] = mapped_column(Float)
    text: Mapped[str] = mapped_column(Text, default="")
    author_id: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Scorecard(Base):
    """Questions by which calls are scored. `version` is the newest of its ScorecardVersions."""

    __tablename__ = "scorecards"
    id: Mapped[str] = key()
    name: Mapped[str] = mapped_column(String(120), unique=True)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_by: Mapped[str] = mapped_column(String(40), default="")
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class ScorecardVersion(Base):
    """`card` is domain.scorecard.Scorecard as plain data. One that was used is not changed: a change makes another."""

    __tablename__ = "scorecard_versions"
    scorecard_id: Mapped[str] = mapped_column(ForeignKey("scorecards.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    card: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class SamplingPlan(Base):
    """Which calls are drawn for scoring. `rules` is domain.sampling.Rules as plain data; `drawn_week` 2026-W48."""

    __tablename__ = "sampling_plans"
    id: Mapped[str] = key()
    name: Mapped[str] = mapped_column(String(120), unique=True)
    scorecard_id: Mapped[str] = mapped_column(ForeignKey("scorecards.id"))
    rules: Mapped[dict[str, Any]]
    seed: Mapped[str] = mapped_column(String(40))
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    created_by: Mapped[str] = mapped_column(String(40), default="")
    created_at: Mapped[datetime]
    drawn_week: Mapped[str] = mapped_column(String(10), default="")


class Calibration(Base):
    """One call scored by several people who do not see each other's scores until all are in or it is closed."""

    __tablename__ = "calibrations"
    id: Mapped[str] = key()
    recording_id: Mapped[str] = mapped_column(String(40), index=True)
    scorecard_id: Mapped[str] = mapped_column(ForeignKey("scorecards.id"))
    version: Mapped[int] = mapped_column(Integer)
    scorers: Mapped[list[Any]]  # user ids
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class ScoringTask(Base):
    """A call in the queue to be scored. `state`: open | done | skipped. `scorer_id` None: whoever takes it.

    A plan draws a call once: `drawn` is the recording's id for plans, and the task's own for calibrations.
    """

    __tablename__ = "scoring_tasks"
    id: Mapped[str] = key()
    recording_id: Mapped[str] = mapped_column(String(40), index=True)
    drawn: Mapped[str] = mapped_column(String(40), unique=True)
    agent_id: Mapped[str] = mapped_column(String(40))
    scorecard_id: Mapped[str] = mapped_column(ForeignKey("scorecards.id"))
    plan_id: Mapped[str | None] = mapped_column(String(40))
    calibration_id: Mapped[str | None] = mapped_column(String(40), index=True)
    scorer_id: Mapped[str | None] = mapped_column(String(40))
    week: Mapped[str] = mapped_column(String(10), default="")
    state: Mapped[str] = mapped_column(String(10), default="open")
    skip_reason: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    __table_args__ = (Index("ix_scoring_tasks_state", "state", "created_at"),)


class Evaluation(Base):
    """One call scored by one person. `answers`: number by question id; `score` 0 to 1, 0 when knocked out."""

    __tablename__ = "evaluations"
    id: Mapped[str] = key()
    task_id: Mapped[str | None] = mapped_column(String(40))
    recording_id: Mapped[str] = mapped_column(String(40), index=True)
    conversation_id: Mapped[str] = mapped_column(String(40), index=True)
    agent_id: Mapped[str] = mapped_column(String(40))
    campaign_id: Mapped[str | None] = mapped_column(String(40))
    scorecard_id: Mapped[str] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(Integer)
    calibration_id: Mapped[str | None] = mapped_column(String(40))
    scorer_id: Mapped[str] = mapped_column(String(40))
    answers: Mapped[dict[str, Any]]
    comment: Mapped[str] = mapped_column(Text, default="")
    score: Mapped[float] = mapped_column(Float)
    knocked_out: Mapped[bool] = mapped_column(Boolean, default=False)
    scored_at: Mapped[datetime]
    called_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("task_id", "scorer_id"),
        Index("ix_evaluations_agent", "agent_id", "scored_at"),
        Index("ix_evaluations_scored", "scored_at"),
    )


class Appeal(Base):
    """An agent's word against a score, and what was said to it. `state`: open | accepted | refused.

    `before` and `after`: {answers, score, knocked_out} of the evaluation as it was and as it became.
    """

    __tablename__ = "appeals"
    id: Mapped[str] = key()
    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), index=True)
    agent_id: Mapped[str] = mapped_column(String(40), index=True)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default="open")
    answer: Mapped[str] = mapped_column(Text, default="")
    decided_by: Mapped[str] = mapped_column(String(40), default="")
    decided_at: Mapped[datetime | None]
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)
