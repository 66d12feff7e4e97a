"""`/metrics` for Prometheus: from the box itself, or with the token of the settings (`Authorization: Bearer …`)."""

from __future__ import annotations

import hmac
import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from flask import Blueprint, Response, abort, request

from appliance.errors import StoreError
from appliance.outside.metrics import CONTENT_TYPE, Family, family, render
from appliance.settings import load_settings
from appliance.store.read.figures import Figures
from webui.access import public
from webui.box import box, store

blueprint = Blueprint("metrics", __name__)
_ARRAY_STATES = ("clean", "degraded")


@blueprint.get("/metrics")
@public  # guarded by its own rule: a scraper has no session
def scrape() -> Response:
    """All figures of now."""
    if not _permitted():
        abort(403)
    try:
        counted: Figures | None = box().tallier.figures(store(), datetime.now(UTC))
    except StoreError:
        counted = None
    families = [
        family("callbox_database_up", "gauge", "Whether the database can be read.", [(float(counted is not None), {})]),
        *(_of_store(counted) if counted else ()), *_of_room(), *_of_hardware(),
    ]  # fmt: skip
    return Response(render(families), content_type=CONTENT_TYPE)


def _permitted() -> bool:
    try:
        if ip_address(request.remote_addr or "").is_loopback:
            return True
    except ValueError:
        return False
    token = load_settings(box().home).alerts.metrics_token.get_secret_value()
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


def _of_store(counted: Figures) -> Iterator[Family]:
    yield family(
        "dialer_attempts_total", "counter", "Attempts that have ended.",
        [(count, {"campaign": campaign, "outcome": outcome})
         for (campaign, outcome), count in sorted(counted.attempts.items())],
    )  # fmt: skip
    yield family(
        "dialer_abandon_ratio", "gauge", "Abandoned calls of live answers.",
        [(lost / live, {"campaign": campaign}) for campaign, (lost, live) in sorted(counted.abandoned.items()) if live],
    )
    channels = []
    for trunk, count in sorted(counted.channels.items()):
        used = counted.dialling.get(trunk, 0)
        channels += [(used, {"trunk": trunk, "state": "busy"}),
                     (max(0, count - used), {"trunk": trunk, "state": "idle"})]  # fmt: skip
    yield family("trunk_channels", "gauge", "Channels of a trunk by state.", channels)
    yield family(
        "callbox_alerts", "gauge", "Alerts that stand.",
        [(counted.alerts.get(severity, 0), {"severity": severity}) for severity in ("info", "warning", "critical")],
    )


def _of_room() -> Iterator[Family]:
    room = box().live.room()
    if room is None:
        return
    states = Counter(agent.state for agent in room.agents)
    yield family("agents", "gauge", "Agents by state.", [(n, {"state": state}) for state, n in sorted(states.items())])
    yield family(
        "dialer_calls", "gauge", "Calls now.",
        [(sum(campaign.dialling_now for campaign in room.campaigns), {"state": "dialling"}),
         (sum(campaign.talking_now for campaign in room.campaigns), {"state": "talking"})],
    )  # fmt: skip


def _of_hardware() -> Iterator[Family]:
    """Lines and arrays as `watch` read them last, with the age of that reading."""
    home = box().home
    usage = shutil.disk_usage(home.root)
    yield family("callbox_disk_free_bytes", "gauge", "Free on the disk of recordings.", [(usage.free, {})])
    try:
        whole: dict[str, Any] = json.loads(home.hardware_file.read_bytes())
        sections: dict[str, Any] = whole["sections"]
        age_s = time.time() - float(whole["written_at_unix_s"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    yield family("callbox_hardware_age_seconds", "gauge", "Since the hardware was read last.", [(age_s, {})])
    lines = sections.get("lines", {}).get("data", {}).get("lines", [])
    yield family(
        "e1_alarm", "gauge", "Alarms of a line (1: stands).",
        [(1, {"span": str(line.get("line_id")), "kind": str(alarm)}) for line in lines
         for alarm in line.get("alarms", [])],
    )  # fmt: skip
    yield family(
        "line_up", "gauge", "Whether a line works.",
        [(float(line["up"]), {"span": str(line.get("line_id"))}) for line in lines
         if isinstance(line.get("up"), bool)],
    )  # fmt: skip
    arrays = sections.get("disks", {}).get("data", {}).get("arrays", [])
    yield family(
        "raid_array_state", "gauge", "State of an array (1: this one).",
        [(float((state == "degraded") == bool(array.get("missing"))), {"array": str(array.get("name")), "state": state})
         for array in arrays for state in _ARRAY_STATES],
    )  # fmt: skip
