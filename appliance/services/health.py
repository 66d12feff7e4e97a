"""`callbox health`: what is broken, and what to do about it; for a person at night and for scripts."""

from __future__ import annotations

import contextlib
import json
import sys
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from appliance.errors import CallboxError
from appliance.services.doors import silent_gateways
from appliance.settings import Home, load_settings
from appliance.store.db import open_store
from appliance.types import Severity
from appliance.watch import alerts
from appliance.watch.conditions import Finding, all_conditions
from appliance.watch.supervision import status


def gather(home: Home) -> dict[str, Any]:
    """Ask the conditions now (the service `watch` may be the one that is down) and add the alerts that stand.

    Returns {"ok": bool, "services": [...], "findings": [...]}.
    """
    settings = load_settings(home)
    services = []
    findings: dict[str, Finding] = {}
    for condition in all_conditions(home, settings, partial(silent_gateways, home)):
        findings.update({finding.key: finding for finding in condition.check()})
    with contextlib.suppress(CallboxError):  # already a finding: supervisor does not answer
        services = [{"name": s.name, "state": s.state, "pid": s.pid, "since_s": s.since_s} for s in status(home)]
    if home.database.exists() or settings.store.url:
        store = open_store(home, settings)
        try:
            with store.read() as session:
                for alert in alerts.standing(session):
                    findings.setdefault(
                        alert.key, Finding(key=alert.key, severity=alert.severity, title=alert.title, text=alert.text)
                    )
        finally:
            store.close()
    bad = [f for f in findings.values() if f.severity != Severity.INFO]
    return {
        "ok": not bad,
        "services": services,
        "findings": [
            {"key": f.key, "severity": str(f.severity), "title": f.title, "text": f.text} for f in findings.values()
        ],
    }


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
        console.print(f"[bold red]{finding['severity'].upper()}[/] {finding['title']}\n    {finding['text']}")
    if found["ok"]:
        console.print("[green]All is well.[/]")
    return 0 if found["ok"] else 1
