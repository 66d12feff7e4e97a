"""`callbox alert`: what stands, who has seen it, and whether the ways out work."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from appliance.commands import AcknowledgeAlert, SnoozeAlert, TestSink
from appliance.services.office_client import client, print_done, print_rows
from appliance.store.read import alerts
from appliance.texts import alert_words
from appliance.types import LOCAL_ACTOR

Json = Annotated[bool, typer.Option("--json", help="JSON: one object, or one a line.")]
alert_app = typer.Typer(no_args_is_help=True, help="Alerts and the ways they leave the box.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(alert_app, name="alert")


@alert_app.command("list")
def alert_list(
    history: Annotated[bool, typer.Option("--history", help="Those that are over.")] = False,
    language: Annotated[str, typer.Option("--language", help="en, zh or ru.")] = "en",
    as_json: Json = False,
) -> None:
    """What stands now, or what stood."""
    with client() as box:
        found = alerts.history(box.context.store) if history else alerts.standing(box.context.store)
    rows = []
    for alert in found:
        said = alert_words(alert.data, language, title=alert.title, text=alert.text)
        rows.append({**asdict(alert), "title": said.title, "text": said.text})
    print_rows(rows, ("key", "severity", "title", "text", "raised_at", "acknowledged_by", "caused_by"), as_json=as_json)


@alert_app.command("ack")
def alert_ack(key: str, as_json: Json = False) -> None:
    """Say that somebody looks after it: it goes no further."""
    with client() as box:
        done = box.ask_running(AcknowledgeAlert(actor_id=LOCAL_ACTOR, key=key))
    print_done(done, f"'{key}' is acknowledged.", as_json=as_json)


@alert_app.command("snooze")
def alert_snooze(
    key: str,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=10080, help="How long.")] = 60,
    as_json: Json = False,
) -> None:
    """Hear nothing of it for a while."""
    with client() as box:
        done = box.ask_running(SnoozeAlert(actor_id=LOCAL_ACTOR, key=key, minutes=minutes))
    print_done(done, f"'{key}' is silent for {minutes} minutes.", as_json=as_json)


@alert_app.command("test")
def alert_test(sink: str, as_json: Json = False) -> None:
    """Send a test alert one way now: email, sms, webhook, syslog, snmp_trap."""
    with client() as box:
        done = box.ask_running(TestSink(actor_id=LOCAL_ACTOR, sink=sink))
    print_done(done, f"Sent by {sink} in {done.data['seconds']} s.", as_json=as_json)
