"""What the console knows without asking anybody: name, addresses, version, role, alarms and hardware from their files.

Nothing here imports more than the standard library's small modules: it is on the way to the first paint.
"""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import time
from pathlib import Path
from typing import Any

from appliance.home import DEVICE_SETTINGS, Home

_SIOCGIFADDR = 0x8915
_WATCH_SILENT_S = 45.0
_FALLBACK_PORT = 8443
DATA_FAULT = Path("/run/callbox-data.fault")
"""What keeps the device from its data, a line each, as its own start found it (image_build, `data`)."""


def addresses() -> dict[str, str]:
    """Interface -> IPv4 address, loopback left out."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
            except OSError:
                continue
            address = socket.inet_ntoa(answer[20:24])
            if not address.startswith("127."):
                found[name] = address
    return found


def role(home: Home) -> str:
    """What the box is in its cluster; a box alone is `single`."""
    try:
        return (home.run / "role").read_text("ascii").strip() or "single"
    except (OSError, UnicodeDecodeError):
        return "single"


def web_port(home: Home) -> int:
    """The port people use: as the box's settings file says, else the device's own."""
    for path in (home.settings_file, DEVICE_SETTINGS):
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if "port" not in text:
            continue
        import tomllib  # only when there is something to read

        try:
            return int(tomllib.loads(text)["web"]["port"])
        except (tomllib.TOMLDecodeError, ValueError, KeyError, TypeError):
            continue
    return _FALLBACK_PORT


def read_json(path: Path) -> dict[str, Any]:
    """A file of ours; empty when it is not there or broken."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def supervisor_answers(home: Home) -> bool:
    """Whether somebody listens on supervisor's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(str(home.run / "supervisor.sock")) == 0


def alarms(home: Home) -> list[dict[str, Any]]:
    """Standing alerts as `watch` wrote them last, the gravest first; those that another one explains are left out."""
    standing = read_json(home.alerts_file).get("standing", [])
    rows = [alert for alert in standing if isinstance(alert, dict)] if isinstance(standing, list) else []
    return [alert for alert in rows if not alert.get("caused_by") and alert.get("severity") != "info"]


def hardware(home: Home) -> dict[str, Any]:
    """Sections of the hardware file: {section: {data, error, taken_at_unix_s}}."""
    sections = read_json(home.hardware_file).get("sections", {})
    return sections if isinstance(sections, dict) else {}


def hardware_age_s(home: Home) -> float | None:
    """How long ago `watch` wrote the hardware file; None when it is not there."""
    written = read_json(home.hardware_file).get("written_at_unix_s")
    return time.time() - written if isinstance(written, int | float) else None


def red_lines(home: Home) -> list[str]:
    """What is wrong, for the top of the screen."""
    try:
        lines = [f"!! {line}" for line in DATA_FAULT.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        lines = []
    if not supervisor_answers(home):
        lines.append("!! The services do not run: supervisor does not answer")
    age_s = hardware_age_s(home)
    if age_s is not None and age_s > _WATCH_SILENT_S:
        lines.append(f"!! The watch is silent for {duration(age_s)}: what follows may be old")
    for alert in alarms(home):
        mark = "!!" if alert.get("severity") == "critical" else "! "
        lines.append(f"{mark} {alert.get('title', '')}")
    return lines


def duration(seconds: float) -> str:
    """As people say it: 45 s, 12 min, 3 h, 4 d."""
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
