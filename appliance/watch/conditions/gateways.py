"""Every gateway of every trunk answers the edge's ping."""

from __future__ import annotations

from collections.abc import Callable

from appliance.types import Severity
from appliance.watch.conditions.base import Finding
from appliance.watch.conditions.services import service_key


class GatewaysAnswer:
    """`silent` asks the edge: the SIP addresses of those that do not answer."""

    id = "gateways"
    interval_s = 2.0
    keys = ("gateway.",)

    def __init__(self, silent: Callable[[], list[str]]) -> None:
        self._silent = silent

    def check(self) -> list[Finding]:
        addresses = self._silent()  # BoxError while the edge is away: unknown, and a finding of its own
        return [
            Finding(
                key=f"gateway.{address}", severity=Severity.WARNING, alert="gateway.silent", data={"address": address},
                caused_by=service_key("edge"),
            )
            for address in addresses
        ]  # fmt: skip
