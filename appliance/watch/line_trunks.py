"""What lines and gateways mean for the trunks: how many calls each may carry now, told to the engine on the bus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.clock import Clock
from appliance.domain.line_alarms import LineCapacity, TrunkUse, trunk_use
from appliance.errors import CallboxError
from appliance.events import TrunkService
from appliance.logs import get_logger
from appliance.watch.line_judge import LineJudge
from appliance.watch.snapshot import SAY_AGAIN_S
from drivers.lines import ChannelState, LineKind

SIP_LOOK_S = 1.0
_SILENT_LOOKS, _E1_CHANNELS = 2, 30
_CLOSED = frozenset({ChannelState.BLOCKED, ChannelState.ALARM, ChannelState.SIGNALLING})


@dataclass(frozen=True)
class TrunkPlan:
    """What is known of a trunk's way out: lines by name, gateways as host:port."""

    trunk_id: str
    channels: int
    lines: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()


class Gateways:
    """Who answers the edge's OPTIONS. One look each second; silence counts when it was seen twice."""

    def __init__(self, silent: Callable[[], list[str]] | None) -> None:
        self._ask = silent
        self._silent: dict[str, int] | None = None  # gateway: looks in a row without an answer; None: the edge is away

    def look(self) -> None:
        """Ask the edge; when it is away nothing is known, and that is an alert of its own."""
        try:
            found = None if self._ask is None else set(self._ask())
        except CallboxError:
            found = None
        counted = self._silent or {}
        self._silent = None if found is None else {address: counted.get(address, 0) + 1 for address in found}

    def answers(self, address: str) -> bool | None:
        """Whether that gateway (host:port) answers; None: not known."""
        silent = self._silent
        return None if silent is None or not address else silent.get(address, 0) < _SILENT_LOOKS


class Trunks:
    """All methods may be called from any thread."""

    def __init__(
        self, judge: LineJudge, gateways: Gateways, clock: Clock, plans: Callable[[], list[TrunkPlan]] | None
    ) -> None:
        self._judge, self._gateways, self._clock, self._ask = judge, gateways, clock, plans
        self._plans: list[TrunkPlan] = []
        self._said: dict[str, tuple[TrunkUse, float]] = {}
        self._log = get_logger()

    def look(self) -> None:
        """Ask the store which trunks there are; when it is away those of before stand."""
        try:
            self._plans = self._plans if self._ask is None else self._ask()
        except CallboxError:
            return

    def plans(self) -> list[TrunkPlan]:
        """The trunks as last read."""
        return list(self._plans)

    def words(self) -> list[TrunkService]:
        """What is to be said of the trunks now: on change, and all again every ten seconds."""
        now_s, at = self._clock.monotonic_s(), self._clock.now().timestamp()
        words = []
        with self._judge.lock:
            for plan in self._plans:
                use = self.use_of(plan)
                before, said_s = self._said.get(plan.trunk_id, (None, float("-inf")))
                if use == before and now_s - said_s < SAY_AGAIN_S:
                    continue
                if before is not None and use != before:
                    self._log.info("trunk", trunk=plan.trunk_id, usable=use.usable, reason=use.reason)
                self._said[plan.trunk_id] = (use, now_s)
                words.append(
                    TrunkService(trunk_id=plan.trunk_id, usable_channels=use.usable, reason=use.reason, at_unix_s=at)
                )
        return words

    def use_of(self, plan: TrunkPlan) -> TrunkUse:
        """What a trunk may use now."""
        with self._judge.lock:
            known = [self._gateways.answers(gateway) for gateway in plan.gateways]
            answers = None if None in known or not known else any(known)
            return trunk_use(plan.channels, [self._capacity(line_id) for line_id in plan.lines], answers=answers)

    def _capacity(self, line_id: str) -> LineCapacity:
        sources = [line for line in self._judge.sources(line_id) if not line.stale]
        whole = 1 if sources and sources[0].kind is LineKind.FXO else _E1_CHANNELS
        if self._judge.alarm(line_id).standing:
            return LineCapacity(line_id, whole, 0)
        if self._judge.up(line_id) is not True:
            return LineCapacity(line_id, whole, None)
        channels = next((line.channels for line in sources if line.channels), ())
        usable = sum(channel not in _CLOSED for channel in channels)
        return LineCapacity(line_id, whole, min(whole, usable) if channels else whole)
