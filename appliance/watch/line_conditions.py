"""What is wrong with lines, cards and trunks, as findings: one a line whatever the cause, the trunk explained by it."""

from __future__ import annotations

from appliance.domain.line_alarms import Cause, alarm_key
from appliance.types import Severity
from appliance.watch.conditions.base import Condition, Finding
from appliance.watch.lines import LineWatch


def card_key(card_id: str, source: str) -> str:
    """The key of a card that cannot be read."""
    return f"card.{card_id}.{source}"


class LinesWell:
    """Every line is up; one that was looped for a test is told as such."""

    id = "lines"
    interval_s = 0.5
    keys = ("line.",)

    def __init__(self, watch: LineWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        return [
            Finding(
                key=alarm_key(line_id), severity=Severity.WARNING if alarm.cause is Cause.LOOP else Severity.CRITICAL,
                alert=f"line.{alarm.cause}", data={"line": line_id, "suppressed": ", ".join(alarm.suppressed)},
            )
            for line_id, alarm in sorted(self._watch.alarms.copy().items())
            if alarm.cause not in (None, Cause.SIP)  # a gateway that does not answer is told by `GatewaysAnswer`
        ]  # fmt: skip


class ClocksAgree:
    """No span slips more often in a day than ITU-T G.822 accepts: both ends run on one clock."""

    id = "line-clocks"
    interval_s = 30.0
    keys = ("slips.",)

    def __init__(self, watch: LineWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        found = []
        for line_id, report in sorted(self._watch.quality().items()):
            slips = report["slips"]
            if isinstance(slips, dict) and slips["grade"] in ("b", "c"):
                data = {"line": line_id, "day": slips["day"], "hour": slips["worst_hour"]}
                found.append(Finding(key=f"slips.{line_id}", severity=Severity.WARNING, alert="line.slips", data=data))
        return found


class CardsAnswer:
    """Every card can be read; of the lines of one that cannot, nothing is known."""

    id = "cards"
    interval_s = 1.0
    keys = ("card.",)

    def __init__(self, watch: LineWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        found = [
            Finding(
                key=card_key(card_id, source), severity=Severity.WARNING, alert="card.unread",
                data={"card": card_id, "error": state.error, "error_id": state.error_id, "lines": len(state.lines)},
            )
            for (card_id, source), state in self._watch.cards.items()
            if state.unread
        ]  # fmt: skip
        if self._watch.traps_error:
            data = {"error": self._watch.traps_error, "error_id": self._watch.traps_error_id}
            found.append(Finding(key="card.traps", severity=Severity.WARNING, alert="card.traps", data=data))
        return found


class TrunksWhole:
    """Every trunk has all of its channels."""

    id = "trunks"
    interval_s = 0.5
    keys = ("trunk.",)

    def __init__(self, watch: LineWatch) -> None:
        self._watch = watch

    def check(self) -> list[Finding]:
        found = []
        for plan in self._watch.plans():
            use = self._watch.use_of(plan)
            if use.usable >= plan.channels:
                continue
            data = {"trunk": plan.trunk_id, "usable": use.usable, "channels": plan.channels, "reason": use.reason}
            found.append(
                Finding(
                    key=f"trunk.{plan.trunk_id}", severity=Severity.CRITICAL if use.usable == 0 else Severity.WARNING,
                    alert="trunk.out" if use.usable == 0 else "trunk.degraded", data=data,
                    caused_by=self._cause(plan.lines, plan.gateways, sip=use.reason == Cause.SIP),
                )
            )  # fmt: skip
        return found

    def _cause(self, lines: tuple[str, ...], gateways: tuple[str, ...], *, sip: bool) -> str:
        if sip and gateways:
            return f"gateway.{gateways[0]}"
        alarms = self._watch.alarms
        return next((alarm_key(i) for i in lines if i in alarms and alarms[i].standing), "")


def line_conditions(watch: LineWatch) -> list[Condition]:
    """For the manager."""
    return [LinesWell(watch), ClocksAgree(watch), CardsAnswer(watch), TrunksWhole(watch)]
