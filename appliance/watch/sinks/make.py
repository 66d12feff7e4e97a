"""The sinks that the settings name."""

from __future__ import annotations

import socket

from appliance.settings import Home, Settings
from appliance.watch.sinks.email import EmailSink
from appliance.watch.sinks.post import Route
from appliance.watch.sinks.sms import SimulatedGateway, SmsSink
from appliance.watch.sinks.syslog import SyslogSink
from appliance.watch.sinks.webhook import WebhookSink


def box_name(settings: Settings) -> str:
    """How the box calls itself to the outside."""
    return settings.web.host_name or socket.gethostname()


def make_routes(home: Home, settings: Settings) -> list[Route]:
    """All sinks that are set up. SMS waits for a gateway; until one is there only its simulator is offered."""
    box, language = box_name(settings), settings.language
    routes = []
    if settings.email.host and settings.email.recipients:
        routes.append(Route(EmailSink(settings.email, box=box, language=language), settings.email.step))
    if settings.sms.numbers and settings.sms.simulate:
        numbers = [number.strip() for number in settings.sms.numbers.split(",")]
        gateway = SimulatedGateway(home.logs / "sms.log")
        routes.append(Route(SmsSink(gateway, numbers, box=box, language=language), settings.sms.step))
    if settings.webhook.url:
        routes.append(Route(WebhookSink(settings.webhook, box=box), settings.webhook.step))
    if settings.syslog.host:
        routes.append(Route(SyslogSink(settings.syslog, box=box, language=language), settings.syslog.step))
    if settings.snmp_trap.host:
        from appliance.watch.sinks.snmp_trap import SnmpTrapSink  # takes a second to import: only where it is used

        sink = SnmpTrapSink(settings.snmp_trap, box=box, language=language, boots=home.snmp_boots)
        routes.append(Route(sink, settings.snmp_trap.step))
    return [route for route in routes if route.step >= 0]
