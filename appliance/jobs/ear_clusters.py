"""Unknown announcements that come again: evidence clips that sound alike form a cluster, which is named once.

A sweep takes clips whose call was judged an unknown announcement, a few at a time, after both the archive and the
engine have written what they know.
"""

from __future__ import annotations

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import CallboxError
from appliance.jobs.context import Context
from appliance.jobs.ear_sounds import customer_side, spoken_part
from appliance.logs import get_logger
from appliance.store.models import ClipCodes, EarVerdict, Recording
from appliance.store.repositories import recordings
from appliance.types import Outcome
from audio.codes import codes_of
from audio.unknowns import Words, same

_AT_ONCE = 5
_UNNAMED = (Outcome.ANNOUNCEMENT_UNKNOWN.value, Outcome.SIT_INFO.value)

log = get_logger()


class Clusters:
    """Finds the cluster of each new clip; `sweep` may be called again and again."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def sweep(self) -> int:
        """Take up to five clips; returns how many were taken."""
        with self._context.store.read() as session:
            fresh = list(
                session.execute(
                    select(Recording.id, EarVerdict.attempt_id, EarVerdict.trunk_id, EarVerdict.at)
                    .join(EarVerdict, EarVerdict.attempt_id == Recording.attempt_id)
                    .outerjoin(ClipCodes, ClipCodes.recording_id == Recording.id)
                    .where(
                        Recording.kind == recordings.EVIDENCE, Recording.state == recordings.ARCHIVED,
                        EarVerdict.phase == "early", EarVerdict.label.in_(_UNNAMED), ClipCodes.recording_id.is_(None),
                    )
                    .order_by(Recording.id)
                    .limit(_AT_ONCE)
                )
            )  # fmt: skip
        for recording_id, attempt_id, trunk_id, at in fresh:
            row = ClipCodes(
                recording_id=recording_id, attempt_id=attempt_id, trunk_id=trunk_id, at=at, codes=b"",
                cluster=recording_id,
            )  # fmt: skip
            self._take(row)
        return len(fresh)

    def _take(self, row: ClipCodes) -> None:
        """Write the clip's codes with its cluster; a clip that cannot be read is a cluster of its own, unheard."""
        try:
            _, samples = customer_side(self._context, row.recording_id)
        except CallboxError as error:
            log.warning("evidence clip not read", recording=row.recording_id, error_id=error.error_id)
        else:
            words = codes_of(spoken_part(samples)).bits.astype(np.int64)
            row.codes = words.astype("<u2").tobytes()
            with self._context.store.read() as session:
                known = next((found for found in _heads(session) if same(words, _words(found))), None)
            if known is not None:
                row.cluster, row.announcement_id = known.cluster, known.announcement_id
        with self._context.store.write() as session:
            session.merge(row)


def _words(row: ClipCodes) -> Words:
    return np.frombuffer(row.codes, "<u2").astype(np.int64)


def _heads(session: Session) -> list[ClipCodes]:
    """The first clip of each cluster, newest cluster first: what came lately comes again."""
    query = select(ClipCodes).where(ClipCodes.cluster == ClipCodes.recording_id).order_by(ClipCodes.at.desc())
    return list(session.scalars(query))


def clearest(session: Session, cluster: str) -> str | None:
    """Recording id of the cluster's clip with the most speech that is still kept; None when none is."""
    query = (
        select(ClipCodes.recording_id, ClipCodes.codes)
        .join(Recording, Recording.id == ClipCodes.recording_id)
        .where(ClipCodes.cluster == cluster, Recording.state == recordings.ARCHIVED)
        .order_by(ClipCodes.at.desc())
        .limit(50)
    )
    rows = session.execute(query).all()
    return max(rows, key=lambda row: len(row[1]))[0] if rows else None
