"""`callbox health`: what is broken, and what to do about it; for a person at night and for scripts."""

from __future__ import annotations

import contextlib
import json
import sys
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from appliance.domain.alert_book import Standing
from appliance.errors import CallboxError, StoreError
from appliance.settings import Home, Settings, load_settings
from appliance.store.db import open_store
from appliance.telephony.edge.control import silent_gateways
from appliance.texts import Words, words
from appliance.types import Severity
from appliance.watch import alerts
from appliance.watch.conditions import Condition, Finding, all_conditions
from appliance.watch.supervision import status


def _condition(condition: Condition, found: list[Finding] | None, since: dict[str, str]) -> dict[str, Any]:
    """One line of the list: `found` None when the condition itself could not look."""
    well = words(f"condition.{condition.id}", "en", {}) or Words(condition.id, "")
    if found is None:
        return {"id": condition.id, "title": well.title, "state": "unknown", "since": None, "text": "Not seen."}
    starts = sorted(since[finding.key] for finding in found if finding.key in since)
    text = " ".join(f"{finding.title}. {finding.text}" for finding in found) or well.text
    return {
        "id": condition.id, "title": well.title, "state": "bad" if found else "ok",
        "since": starts[0] if starts else None, "text": text,
    }  # fmt: skip


def _standing(home: Home, settings: Settings) -> list[Standing]:
    """Alerts that stand as the database has them; none when it is away, which is a finding of its own."""
    if not home.database.exists() and not settings.store.url:
        return []
    with contextlib.suppress(StoreError):
        store = open_store(home, settings)
        try:
            with store.read() as session:
                return alerts.standing(session)
        finally:
            store.close()
    return []


def gather(home: Home) -> dict[str, Any]:
    """Ask the conditions now (the service `watch` may be the one that is down) and add the alerts that stand.

    Returns {"ok": bool, "services": [...], "conditions": [{id, title, state ok|bad|unknown, since, text}],
    "findings": [{key, severity, title, text, caused_by}]}; findings that another one explains do not count.
    """
    settings = load_settings(home)
    standing = {alert.key: alert for alert in _standing(home, settings)}
    since = {key: alert.raised_at.isoformat() for key, alert in standing.items()}
    findings: dict[str, Finding] = {}
    listed = []
    for condition in all_conditions(home, settings, partial(silent_gateways, home), once=True):
        found: list[Finding] | None = None
        with contextlib.suppress(CallboxError, OSError):  # then it is unknown, and said so
            found = condition.check()
        listed.append(_condition(condition, found, since))
        findings.update({finding.key: finding for finding in found or []})
    services = []
    with contextlib.suppress(CallboxError):  # already a finding: supervisor does not answer
        services = [{"name": s.name, "state": s.state, "pid": s.pid, "since_s": s.since_s} for s in status(home)]
    for key, alert in standing.items():
        findings.setdefault(
            key, Finding(key=key, severity=alert.severity, title=alert.title, text=alert.text,
                         caused_by=alert.caused_by)
        )  # fmt: skip
    bad = [f for f in findings.values() if f.severity != Severity.INFO and f.caused_by not in findings]
    return {
        "ok": not bad,
        "services": services,
        "conditions": listed,
        "findings": [
            {
                "key": f.key, "severity": str(f.severity), "title": f.title, "text": f.text,
                "caused_by": f.caused_by if f.caused_by in findings else "",
            }
            for f in findings.values()
        ],
    }  # fmt: skip


def print_health(home: Home, *, as_json: bool) -> int:
    """Print it; returns 0 when all is well, 1 when something is broken."""
    found = gather(home)
    if as_json:
        json.dump(found, sys.stdout)
        print()
        return 0 if found["ok"] else 1
    console = Console()
    table = Table("service", "state", "up")
    for service in found["services"]:
        colour = "green" if service["state"] == "RUNNING" else "red"
        table.add_row(service["name"], f"[{colour}]{service['state']}[/]", f"{service['since_s']} s")
    if found["services"]:
        console.print(table)
    for finding in found["findings"]:
        if finding["caused_by"]:
            continue
        console.print(f"[bold red]{finding['severity'].upper()}[/] {finding['title']}\n    {finding['text']}")
    if found["ok"]:
        console.print("[green]All is well.[/]")
    return 0 if found["ok"] else 1
