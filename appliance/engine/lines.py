"""The lines of a campaign: trunks with a free channel in order of preference, and the caller number shown.

A trunk has channels and, if the carrier asks for it, calls per second of its own; a campaign may have lines at most.
A caller number may have a daily budget: it is counted from attempt rows, so every campaign and every restart agrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from appliance.clock import Clock
from appliance.domain.calling_hours import local_instant
from appliance.domain.line_share import RateLimit
from appliance.engine.room import Campaign, Line, Room, Trunk
from appliance.settings import DiallingSettings
from appliance.store.repositories import attempts

NEVER_S = 3600.0
SPENT = "caller_ids_spent"


class Lines:
    """Reads the room; the rate of new calls is its own."""

    def __init__(self, room: Room, settings: DiallingSettings, clock: Clock) -> None:
        self._room, self._clock = room, clock
        self._zone = ZoneInfo(settings.timezone)
        self._rate = RateLimit(settings.originate_per_s)
        self._trunk_rates: dict[str, RateLimit] = {}

    # ---- channels and rates ---------------------------------------------------------------------------------

    def allowed_now(self) -> int:
        """Return how many calls may start at this instant, over all trunks."""
        return self._rate.allows(self._clock.monotonic_s())

    def used(self, trunk_id: str) -> None:
        """A call is started on a trunk."""
        self._rate.use(1)
        if trunk_id in self._trunk_rates:
            self._trunk_rates[trunk_id].use(1)

    def free(self, campaign: Campaign) -> dict[str, int]:
        """Return the free channels of each trunk of the campaign, in order of preference, at most its own lines."""
        now_s = self._clock.monotonic_s()
        left = self._room.lines_left(campaign)
        found: dict[str, int] = {}
        for trunk in self._trunks(campaign):
            if trunk.not_before_s > now_s:
                continue
            channels = max(0, trunk.open_channels(now_s) - self._room.channels_used(trunk.trunk_id))
            found[trunk.trunk_id] = min(channels, left, self._trunk_allows(trunk, now_s))
            left -= found[trunk.trunk_id]
        return found

    def wait_s(self, campaign: Campaign) -> float:
        """Return when a trunk that rests or is held back by its rate may be tried again, s from now."""
        now_s = self._clock.monotonic_s()
        rests = [at_s - now_s for t in self._trunks(campaign) for at_s in (t.not_before_s, t.word_ends_s)]
        rates = [rate.wait_s() for trunk_id, rate in self._trunk_rates.items() if trunk_id in self._room.trunks]
        return max(0.02, min((wait for wait in (*rests, *rates) if wait > 0), default=NEVER_S))

    def rate_wait_s(self) -> float:
        return max(0.02, self._rate.wait_s())

    def _trunk_allows(self, trunk: Trunk, now_s: float) -> int:
        if trunk.per_s is None:
            self._trunk_rates.pop(trunk.trunk_id, None)
            return trunk.channels
        rate = self._trunk_rates.get(trunk.trunk_id)
        if rate is None or rate.per_s != trunk.per_s:
            rate = self._trunk_rates[trunk.trunk_id] = RateLimit(trunk.per_s)
        return max(0, rate.allows(now_s))

    def _trunks(self, campaign: Campaign) -> list[Trunk]:
        wanted = campaign.config.trunk_ids or list(self._room.trunks)
        return [self._room.trunks[t] for t in wanted if t in self._room.trunks and self._room.trunks[t].enabled]

    # ---- caller numbers ---------------------------------------------------------------------------------------

    def choose(
        self, session: Session, campaign: Campaign, channels: Mapping[str, int], wanted: int, now: datetime
    ) -> list[Line]:
        """Return up to `wanted` lines, each with the caller number that was used least today.

        Fewer when the numbers of a trunk have spent their budget: the next trunk's are asked. Runs in the transaction
        that writes the attempts.
        """
        budget = campaign.config.caller_id_daily
        by_trunk = {trunk_id: self._callers(campaign, trunk_id) for trunk_id, free in channels.items() if free}
        numbers = {number for callers in by_trunk.values() for number in callers}
        used = attempts.calls_by_caller(session, numbers, self.midnight(now)) if len(numbers) > 1 or budget else {}
        lines: list[Line] = []
        for trunk_id, callers in by_trunk.items():
            for _ in range(min(channels[trunk_id], wanted - len(lines))):
                left = [n for n in callers if budget is None or used.get(n, 0) < budget]
                if callers and not left:
                    break
                number = min(left, key=lambda n: used.get(n, 0), default="")
                used[number] = used.get(number, 0) + 1
                lines.append(Line(trunk_id, number))
        return lines

    def _callers(self, campaign: Campaign, trunk_id: str) -> tuple[str, ...]:
        """Return the numbers that may be shown: the campaign's, of these what the trunk takes; else the trunk's."""
        own, of_trunk = campaign.config.callers, self._room.trunks[trunk_id].callers
        if not own:
            return of_trunk
        return tuple(number for number in own if number in of_trunk) or own if len(of_trunk) > 1 else own

    def midnight(self, now: datetime) -> datetime:
        """Return the begin of the box's day."""
        return local_instant(now.astimezone(self._zone).date(), 0, self._zone)

    def next_midnight(self, now: datetime) -> datetime:
        """Return when the budgets start anew."""
        return local_instant(now.astimezone(self._zone).date() + timedelta(days=1), 0, self._zone)
