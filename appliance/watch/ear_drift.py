"""Drift watch: each trunk's mix of verdicts against its own days before. The decision is `domain.drift`."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import case, func, select

from appliance.clock import Clock, SystemClock
from appliance.domain.drift import Drift, Measure, Mix, compare, stands
from appliance.domain.hearing import Phase
from appliance.store.db import Store
from appliance.store.models import EarVerdict, Trunk
from appliance.types import Severity
from appliance.watch.conditions import Finding

KEY = "ear.drift."


class EarDrift:
    """A trunk whose calls sound different from how they used to.

    What was found once stays as it was said until it is over, so that an alert does not change its words each minute.
    """

    id = "ear-drift"
    interval_s = 60.0
    keys = (KEY,)
    window = timedelta(hours=3)
    baseline = timedelta(days=7)

    def __init__(self, store: Store, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        self._standing: dict[str, Finding] = {}

    def check(self) -> list[Finding]:
        """Raises StoreError when the database is away."""
        now = self._clock.now()
        names, mixes = self._mixes(now)
        found: dict[str, Finding] = {}
        for trunk_id, (present, before) in mixes.items():
            for measure in Measure:
                key = f"{KEY}{trunk_id}.{measure}"
                drift = compare(measure, present, before)
                if stands(drift, before=key in self._standing):
                    since = now - self.window
                    finding = _finding(key, trunk_id, names.get(trunk_id) or trunk_id, drift, since)
                    found[key] = self._standing.get(key, finding)
        self._standing = found
        return list(found.values())

    def _mixes(self, now: datetime) -> tuple[dict[str, str], dict[str, tuple[Mix, Mix]]]:
        """Names of the trunks, and (last hours, days before) of each."""
        fresh = case((EarVerdict.at >= now - self.window, 1), else_=0)
        query = (
            select(EarVerdict.trunk_id, EarVerdict.phase, EarVerdict.label, fresh, func.count())
            .where(EarVerdict.at >= now - self.window - self.baseline, EarVerdict.phase != Phase.LATE)
            .group_by(EarVerdict.trunk_id, EarVerdict.phase, EarVerdict.label, fresh)
        )
        counts: dict[tuple[str, int, str], dict[str, int]] = defaultdict(dict)
        with self._store.read() as session:
            names = {trunk.id: trunk.display_name for trunk in session.scalars(select(Trunk))}
            for trunk_id, phase, label, is_fresh, count in session.execute(query):
                counts[trunk_id, int(is_fresh), phase][label] = count

        def mix(trunk_id: str, is_fresh: int) -> Mix:
            return Mix(counts[trunk_id, is_fresh, Phase.EARLY], counts[trunk_id, is_fresh, Phase.ANSWERED])

        trunk_ids = {key[0] for key in counts}
        return names, {trunk_id: (mix(trunk_id, 1), mix(trunk_id, 0)) for trunk_id in trunk_ids}


def _finding(key: str, trunk_id: str, name: str, drift: Drift, since: datetime) -> Finding:
    return Finding(
        key=key, severity=Severity.WARNING, alert=f"{KEY}{drift.measure}",
        data={
            "name": name, "trunk": trunk_id, "now": drift.now, "base": drift.base, "now_count": drift.now_count,
            "base_count": drift.base_count, "since": since.isoformat(),
        },
    )  # fmt: skip
