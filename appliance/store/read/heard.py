"""What the ear heard: mix, confidences, decision times, the doubtful verdicts, unknown announcements that came again.

Sums are made by the database over `ear_verdicts` alone; only the doubtful ones are joined with call and recording.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from appliance.store.db import Store
from appliance.store.models import Attempt, Campaign, ClipCodes, EarLabel, EarVerdict, Recording
from appliance.types import Disposition, Outcome

EARLY, ANSWERED, LATE = "early", "answered", "late"
AGENT_SAYS = "agent"
"""`DoubtView.doubt` of a person whom the agent found to be a machine, or the wrong one."""

CONFIDENCE_BINS, TIME_BINS, TIME_BIN_S = 20, 20, 0.5
"""Twentieths of probability; half seconds, the last bin open upwards."""

_WRONG = (Disposition.MACHINE.value, Disposition.WRONG_NUMBER.value)
_KIND = {EARLY: "evidence", ANSWERED: "conversation", LATE: "conversation"}


@dataclass(frozen=True)
class HeardFilter:
    """What to look at; None: anything."""

    campaign_id: str | None = None
    trunk_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class PhaseFigures:
    """One phase: verdicts by label, by confidence and by the time they took."""

    labels: dict[str, int] = field(default_factory=dict)
    confidences: list[int] = field(default_factory=lambda: [0] * CONFIDENCE_BINS)
    times: list[int] = field(default_factory=lambda: [0] * TIME_BINS)

    @property
    def count(self) -> int:
        return sum(self.labels.values())


@dataclass(frozen=True)
class VerdictView:
    """One word of the ear; `at_s` is its place in its recording, None when there is none."""

    phase: str
    label: str
    kind: str
    reason: str
    confidence: float
    decided_at_ms: int
    announcement_id: str
    beep_end_ms: int | None
    doubt: str
    at_s: float | None = None


@dataclass(frozen=True)
class DoubtView:
    """A verdict to listen to, with its call and its recording. `label` is the person's word, empty for none yet."""

    attempt_id: str
    stage: str
    verdict: VerdictView
    at: datetime
    campaign_name: str
    trunk_id: str
    number: str
    sip_status: int | None
    q850: int | None
    disposition: str
    recording_id: str
    duration_s: float
    label: str


@dataclass(frozen=True)
class ClusterView:
    """An unknown announcement: how often it was heard since when, on which trunks, and a clip to listen to."""

    cluster: str
    count: int
    first_at: datetime
    last_at: datetime
    trunks: list[str]
    recording_id: str | None


def _scope(wanted: HeardFilter) -> list[ColumnElement[bool]]:
    pairs = [
        (wanted.campaign_id, EarVerdict.campaign_id == wanted.campaign_id),
        (wanted.trunk_id, EarVerdict.trunk_id == wanted.trunk_id),
    ]
    found = [condition for given, condition in pairs if given]
    if wanted.since is not None:
        found.append(EarVerdict.at >= wanted.since)
    if wanted.until is not None:
        found.append(EarVerdict.at < wanted.until)
    return found


def _bins(column: Any, width: float, count: int) -> list[ColumnElement[int]]:
    """How many rows fall into each of `count` bins; the last one takes all that is beyond."""
    edges = [round(n * width, 6) for n in range(count + 1)]
    inner = [and_(column >= low, column < high) for low, high in pairwise(edges[:-1])]
    return [func.sum(case((condition, 1), else_=0)) for condition in (*inner, column >= edges[-2])]


def figures(store: Store, wanted: HeardFilter) -> dict[str, PhaseFigures]:
    """The phases by name; the late words count in none of them."""
    query = (
        select(
            EarVerdict.phase, EarVerdict.label, func.count(),
            *_bins(EarVerdict.confidence, 1 / CONFIDENCE_BINS, CONFIDENCE_BINS),
            *_bins(EarVerdict.decided_at_ms, TIME_BIN_S * 1000, TIME_BINS),
        )
        .where(EarVerdict.phase != LATE, *_scope(wanted))
        .group_by(EarVerdict.phase, EarVerdict.label)
    )  # fmt: skip
    found = {EARLY: PhaseFigures(), ANSWERED: PhaseFigures()}
    with store.read() as db:
        for phase, label, count, *bins in db.execute(query):
            one = found[phase]
            one.labels[label] = count
            for n in range(CONFIDENCE_BINS):
                one.confidences[n] += bins[n]
            for n in range(TIME_BINS):
                one.times[n] += bins[CONFIDENCE_BINS + n]
    return found


def _place_s(verdict: EarVerdict, recording: Recording | None, answered_at: datetime | None) -> float | None:
    """Seconds into the recording at which the verdict fell."""
    if recording is None:
        return None
    if verdict.phase == EARLY:
        return max(0.0, (verdict.decided_at_ms - recording.begins_ms) / 1000)
    before_s = (answered_at - recording.started_at).total_seconds() if answered_at else 0.0
    return verdict.decided_at_ms / 1000 + (before_s if before_s > 1.0 else 0.0)  # recorded from early media on


def _view(verdict: EarVerdict, at_s: float | None, doubt: str = "") -> VerdictView:
    return VerdictView(
        phase=verdict.phase, label=verdict.label, kind=verdict.kind, reason=verdict.reason,
        confidence=verdict.confidence, decided_at_ms=verdict.decided_at_ms, announcement_id=verdict.announcement_id,
        beep_end_ms=verdict.beep_end_ms, doubt=doubt or verdict.doubt, at_s=at_s,
    )  # fmt: skip


def of_recording(store: Store, recording_id: str) -> list[VerdictView]:
    """What the ear said of the call of a recording, as far as it is on this recording."""
    query = (
        select(EarVerdict, Recording, Attempt.answered_at)
        .join(Recording, Recording.attempt_id == EarVerdict.attempt_id)
        .join(Attempt, Attempt.id == EarVerdict.attempt_id)
        .where(Recording.id == recording_id)
        .order_by(EarVerdict.decided_at_ms)
    )
    with store.read() as db:
        return [
            _view(verdict, _place_s(verdict, recording, answered_at))
            for verdict, recording, answered_at in db.execute(query)
            if _KIND[verdict.phase] == recording.kind
        ]


_Doubtful = Select[EarVerdict, Attempt, Recording, str, str]


def _doubtful() -> _Doubtful:
    stage = case((EarVerdict.phase == EARLY, EARLY), else_=ANSWERED)
    kind = case((EarVerdict.phase == EARLY, "evidence"), else_="conversation")
    return (
        select(EarVerdict, Attempt, Recording, Campaign.name, EarLabel.label)
        .join(Attempt, Attempt.id == EarVerdict.attempt_id)
        .join(Recording, and_(Recording.attempt_id == EarVerdict.attempt_id, Recording.kind == kind))
        .outerjoin(Campaign, Campaign.id == EarVerdict.campaign_id)
        .outerjoin(EarLabel, and_(EarLabel.attempt_id == EarVerdict.attempt_id, EarLabel.stage == stage))
        .where(Recording.state == "archived")
    )


def _contradicted(verdict: EarVerdict, attempt: Attempt) -> bool:
    return verdict.label == Outcome.HUMAN.value and attempt.disposition in _WRONG


def _doubt_view(
    verdict: EarVerdict, attempt: Attempt, recording: Recording, campaign: str | None, label: str | None
) -> DoubtView:
    at_s = _place_s(verdict, recording, attempt.answered_at)
    return DoubtView(
        attempt_id=attempt.id, stage=EARLY if verdict.phase == EARLY else ANSWERED,
        verdict=_view(verdict, at_s, verdict.doubt or (AGENT_SAYS if _contradicted(verdict, attempt) else "")),
        at=verdict.at, campaign_name=campaign or "",
        trunk_id=verdict.trunk_id, number=attempt.number, sip_status=attempt.sip_status, q850=attempt.q850,
        disposition=attempt.disposition, recording_id=recording.id, duration_s=recording.duration_s,
        label=label or "",
    )  # fmt: skip


def doubtful(
    store: Store, wanted: HeardFilter, *, label: str = "", open_only: bool = True, every: bool = False,
    limit: int = 100,
) -> list[DoubtView]:  # fmt: skip
    """Verdicts that deserve a listen and can be listened to, newest first.

    `label` keeps one of the ear's labels; `every` takes those that nobody doubts as well.
    """
    people_taken = and_(
        EarVerdict.phase == ANSWERED, EarVerdict.label == Outcome.HUMAN.value, Attempt.disposition.in_(_WRONG)
    )
    query = _doubtful().where(*_scope(wanted))
    if not every:
        query = query.where(or_(EarVerdict.doubt != "", people_taken))
    if label:
        query = query.where(EarVerdict.label == label)
    if open_only:
        query = query.where(EarLabel.label.is_(None))
    with store.read() as db:
        rows = [_doubt_view(*row) for row in db.execute(query.order_by(EarVerdict.at.desc()).limit(2 * limit))]
    found: dict[tuple[str, str], DoubtView] = {}
    for row in rows:  # a late word says more than the doubt it followed
        key = (row.attempt_id, row.stage)
        if key not in found or row.verdict.phase == LATE:
            found[key] = row
    return list(found.values())[:limit]


def one(store: Store, attempt_id: str, stage: str) -> DoubtView | None:
    """One verdict of a call with its recording, doubtful or not."""
    phases = (EARLY,) if stage == EARLY else (ANSWERED, LATE)
    query = _doubtful().where(EarVerdict.attempt_id == attempt_id, EarVerdict.phase.in_(phases))
    with store.read() as db:
        rows = [_doubt_view(*row) for row in db.execute(query)]
    return max(rows, key=lambda row: row.verdict.phase == LATE, default=None)


def clusters(store: Store, wanted: HeardFilter, *, least: int = 2, limit: int = 50) -> list[ClusterView]:
    """Unknown announcements without a name that were heard at least `least` times, the most frequent first."""
    where: list[ColumnElement[bool]] = [ClipCodes.announcement_id == ""]
    if wanted.trunk_id:
        where.append(ClipCodes.trunk_id == wanted.trunk_id)
    if wanted.since is not None:
        where.append(ClipCodes.at >= wanted.since)
    query = (
        select(ClipCodes.cluster, func.count(), func.min(ClipCodes.at), func.max(ClipCodes.at))
        .where(*where)
        .group_by(ClipCodes.cluster)
        .having(func.count() >= least)
        .order_by(func.count().desc())
        .limit(limit)
    )
    with store.read() as db:
        rows = db.execute(query).all()
        keys = [row[0] for row in rows]
        members = db.execute(
            select(ClipCodes.cluster, ClipCodes.trunk_id, func.max(Recording.id))
            .join(Recording, and_(Recording.id == ClipCodes.recording_id, Recording.state == "archived"), isouter=True)
            .where(ClipCodes.cluster.in_(keys))
            .group_by(ClipCodes.cluster, ClipCodes.trunk_id)
        ).all()
    trunks: dict[str, list[str]] = defaultdict(list)
    clips: dict[str, str] = {}
    for cluster, trunk_id, recording_id in members:
        trunks[cluster].append(trunk_id)
        clips[cluster] = max(clips.get(cluster, ""), recording_id or "")
    return [
        ClusterView(cluster, count, first, last, sorted(trunks[cluster]), clips.get(cluster) or None)
        for cluster, count, first, last in rows
    ]


def hits(store: Store) -> dict[str, tuple[int, datetime]]:
    """How often each entry of the library was recognised, and when last."""
    query = (
        select(EarVerdict.announcement_id, func.count(), func.max(EarVerdict.at))
        .where(EarVerdict.announcement_id != "")
        .group_by(EarVerdict.announcement_id)
    )
    with store.read() as db:
        return {ann_id: (count, last) for ann_id, count, last in db.execute(query)}


@dataclass(frozen=True)
class LabelView:
    """A labelled call and the recording that was listened to; `number` tells the country."""

    attempt_id: str
    stage: str
    label: str
    number: str
    recording_id: str
    labelled_by: str
    labelled_at: datetime


def labels(store: Store) -> list[LabelView]:
    """All labels whose sound is still kept, oldest first; for training."""
    kind = case((EarLabel.stage == EARLY, "evidence"), else_="conversation")
    query = (
        select(EarLabel, Attempt.number, Recording.id)
        .join(Attempt, Attempt.id == EarLabel.attempt_id)
        .join(Recording, and_(Recording.attempt_id == EarLabel.attempt_id, Recording.kind == kind))
        .where(Recording.state == "archived")
        .order_by(EarLabel.labelled_at)
    )
    with store.read() as db:
        return [
            LabelView(label.attempt_id, label.stage, label.label, number, recording_id, label.labelled_by,
                      label.labelled_at)
            for label, number, recording_id in db.execute(query)
        ]  # fmt: skip
