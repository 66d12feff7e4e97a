"""A trunk as its page shows it: its lines as strips, its gateways, what stands against it and since when."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.store.read import alerts, trunks
from appliance.store.read.alerts import AlertView
from webui.alert_texts import told
from webui.box import store
from webui.hardware.line_view import LineView, lines
from webui.hardware.readings import Reading


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong: its words, since when, and where it is mended."""

    title: str
    text: str
    since_unix_s: float
    line_id: str


@dataclass(frozen=True)
class Carried:
    """A trunk with the lines that carry it; `usable` None: nobody counts its channels."""

    trunk: trunks.TrunkView
    lines: tuple[LineView, ...]
    troubles: tuple[Trouble, ...]

    @property
    def apart(self) -> list[Trouble]:
        """What its lines do not say themselves."""
        saying = {line.id for line in self.lines if line.cause}
        return [trouble for trouble in self.troubles if trouble.line_id not in saying]

    def since(self, line_id: str) -> float | None:
        """When the alarm of a line began (Unix time); None: none stands."""
        return next((t.since_unix_s for t in self.troubles if t.line_id == line_id), None)

    @property
    def in_use(self) -> int | None:
        """Calls on its lines now; None when not all of them tell."""
        counted = [line.calls for line in self.lines]
        return None if not counted or None in counted else sum(count or 0 for count in counted)


def carried(found: Reading) -> list[Carried]:
    """All trunks, those with trouble first."""
    standing, known = alerts.standing(store()), lines(found)
    rows = []
    for trunk in trunks.trunks(store()):
        chosen = set(trunk.config.get("lines") or ())
        own = tuple(line for line in known if trunk.id in line.trunks or line.id in chosen)
        rows.append(Carried(trunk, own, tuple(_troubles(trunk, own, standing))))
    return sorted(rows, key=lambda row: not row.troubles)


def _troubles(trunk: trunks.TrunkView, own: tuple[LineView, ...], standing: list[AlertView]) -> list[Trouble]:
    addresses = {f"gateway.{g.get('address')}:{g.get('port') or 5060}" for g in trunk.config.get("gateways") or ()}
    found = []
    for alert in standing:
        line = next((line.id for line in own if alert.key in (f"line.{line.id}", f"slips.{line.id}")), "")
        if line or alert.key == f"trunk.{trunk.id}" or alert.key in addresses:
            words = told(alert)
            found.append(Trouble(words.title, words.text, alert.raised_at.timestamp(), line))
    return found
