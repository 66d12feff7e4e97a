"""Starts the box and tells what of it is not up yet: for `callbox run` and for private boxes of bench and tests."""

from __future__ import annotations

import socket

from appliance.errors import BoxError
from appliance.settings import Home, Settings
from appliance.watch.supervision import BENCH, BOX, RunningBox, ServiceStatus, start_supervisor, status


def _port_open(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((address, port)) == 0


def _ports_taken(settings: Settings) -> list[str]:
    wanted = {
        "web": ("127.0.0.1", settings.web.port), "bus": (settings.bus.host, settings.bus.port),
        "seats": (settings.sip.seat_address, settings.sip.seat_port),
    }  # fmt: skip
    return [f"{name} ({address}:{port})" for name, (address, port) in wanted.items() if _port_open(address, port)]


def missing_parts(home: Home, settings: Settings, *, bench: bool) -> list[str]:
    """What is not up yet: services that do not run, doors that do not open. Empty when the box is ready."""
    try:
        services: list[ServiceStatus] = status(home)
    except BoxError:
        return ["supervisor"]
    wanted = {program.name for program in (BOX + BENCH if bench else BOX)}
    missing = [s.name for s in services if s.name in wanted and s.state != "RUNNING"]
    if not _port_open(settings.bus.host, settings.bus.port):
        missing.append("bus port")
    if not _port_open("127.0.0.1", settings.web.port):
        missing.append("web port")
    if not _port_open("127.0.0.1", settings.web.app_port):
        missing.append("web application")
    if not _port_open(settings.sip.seat_address, settings.sip.seat_port):
        missing.append("SIP edge")
    return missing


def start_box(home: Home, settings: Settings, *, bench: bool) -> RunningBox:
    """Start all services of a prepared home and return at once. Raises BoxError for a taken port."""
    taken = _ports_taken(settings)
    if taken:
        raise BoxError(
            "box.port_taken",
            f"Taken by another program: {', '.join(taken)}. Stop it, or change the port in {home.settings_file}.",
        )
    return start_supervisor(home, BOX + BENCH if bench else BOX)
