"""`callbox diag`: the full check. Every part is looked at by use, not by its own word; each check is one line."""

from __future__ import annotations

import json
import random
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.console import facts
from appliance.errors import CallboxError
from appliance.home import product_version
from appliance.services import media_check
from appliance.services.health import gather
from appliance.settings import Home, Settings, home_from_environment, load_settings

_OPTIONS_S = 2.0
_OLD_S = 45.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Check:
    """One thing looked at: `state` ok | bad | unknown; unknown is no fault (no card, no chrony)."""

    id: str
    state: str
    text: str
    figures: dict[str, Any] = field(default_factory=dict)


def check(home: Home, say: Say) -> dict[str, Any]:
    """Run all checks; returns {"ok", "version", "elapsed_s", "checks": [{id, state, text, figures}]}."""
    started = time.monotonic()
    settings = load_settings(home)
    found = []
    for one in _all(home, settings):
        found.append(one)
        said = {"ok": "ok  ", "bad": "BAD ", "unknown": "?   "}[one.state]
        say(f"{said}{one.id:14} {one.text}")
    return {
        "ok": all(one.state != "bad" for one in found), "version": product_version(),
        "elapsed_s": round(time.monotonic() - started, 2), "checks": [asdict(one) for one in found],
    }  # fmt: skip


def _all(home: Home, settings: Settings) -> Iterator[Check]:
    for condition in gather(home)["conditions"]:
        yield Check(condition["id"], condition["state"], condition["text"], {"since": condition["since"]})
    yield from _hardware(home)
    yield _network(home)
    yield from essentials(home, settings)
    yield _licences()


def essentials(home: Home, settings: Settings) -> Iterator[Check]:
    """What a box must do to be called well: the store opens, the edge answers, a call to itself is heard."""
    yield _database(home, settings)
    for name, address, port in (
        ("sip-workers", settings.sip.worker_address, settings.sip.edge_worker_port),
        ("sip-seats", settings.sip.seat_address, settings.sip.seat_port),
    ):
        yield _sip(name, address, port)
    yield _media(home, settings)


def _database(home: Home, settings: Settings) -> Check:
    """SQLite's own check of the whole file."""
    if settings.store.url or not home.database.exists():
        return Check("database-file", "unknown", "There is no database file here.")
    try:
        with closing(sqlite3.connect(f"file:{home.database}?mode=ro", uri=True, timeout=5.0)) as database:
            said = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        said = str(error)
    size_mb = home.database.stat().st_size / 2**20
    if said != "ok":
        return Check("database-file", "bad", f"The database is damaged ({said}). Restore the last backup.")
    return Check("database-file", "ok", f"{size_mb:.1f} MB, whole.", {"size_mb": round(size_mb, 1)})


def _hardware(home: Home) -> Iterator[Check]:
    """Lines, disks and clock as `watch` read them."""
    sections = facts.hardware(home)
    age_s = facts.hardware_age_s(home)
    if age_s is None or age_s > _OLD_S:
        yield Check("hardware", "unknown", "The watch has not read the hardware lately; is the service 'watch' up?")
        return
    lines = sections.get("lines", {}).get("data", {}).get("lines", [])
    down = [str(line.get("line_id")) for line in lines if line.get("alarms") or line.get("up") is False]
    text = f"{len(lines)} lines, down: {', '.join(down) or 'none'}."
    yield Check("lines", "bad" if down else "ok" if lines else "unknown", text, {"lines": len(lines), "down": down})
    arrays = sections.get("disks", {}).get("data", {}).get("arrays", [])
    degraded = [str(array.get("name")) for array in arrays if array.get("missing")]
    text = f"{len(arrays)} arrays, degraded: {', '.join(degraded) or 'none'}."
    yield Check("disks", "bad" if degraded else "ok" if arrays else "unknown", text, {"degraded": degraded})
    clock = sections.get("clock", {}).get("data", {})
    trusted = clock.get("trusted")
    text = "The time is known." if trusted else f"The time is not known ({clock.get('reason', 'not read')})."
    yield Check("time", "unknown" if trusted is None else "ok" if trusted else "bad", text, clock)


def _network(home: Home) -> Check:
    found = facts.addresses()
    text = ", ".join(f"{name} {address}" for name, address in found.items()) or "No port has an address."
    return Check("network", "ok" if found else "unknown", text, {"addresses": found, "web_port": facts.web_port(home)})


def _sip(name: str, address: str, port: int) -> Check:
    """OPTIONS (RFC 3261, 11): any final answer shows that the edge lives."""
    branch, tag = (f"{random.getrandbits(64):x}" for _ in range(2))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(_OPTIONS_S)
        try:
            probe.connect((address, port))
            own, own_port = probe.getsockname()
            probe.send(
                (
                    f"OPTIONS sip:{address}:{port} SIP/2.0\r\n"
                    f"Via: SIP/2.0/UDP {own}:{own_port};branch=z9hG4bK{branch}\r\n"
                    f"From: <sip:check@{own}>;tag={tag}\r\nTo: <sip:{address}:{port}>\r\nCall-ID: {branch}@{own}\r\n"
                    "CSeq: 1 OPTIONS\r\nMax-Forwards: 10\r\nContent-Length: 0\r\n\r\n"
                ).encode()
            )
            started = time.monotonic()
            status = probe.recv(4096).split(b" ", 2)[1].decode("ascii", "replace")
        except (OSError, IndexError) as error:
            return Check(name, "bad", f"{address}:{port} does not answer OPTIONS ({error}); is the service 'edge' up?")
    took_ms = (time.monotonic() - started) * 1000
    return Check(name, "ok", f"{address}:{port} answers {status} in {took_ms:.0f} ms.", {"ms": round(took_ms, 1)})


def _media(home: Home, settings: Settings) -> Check:
    """A call to ourselves: edge, worker, bridge, RTP both ways, measured by tones."""
    try:
        found = media_check.measure(home, settings)
    except CallboxError as error:
        return Check("media", "bad", f"The call to ourselves failed: {error.message}")
    text = ", ".join(f"{way} {level:+.1f} dB" for way, level in found.losses_db.items())
    state = "ok" if found.sound else "bad"
    return Check("media", state, f"Tones: {text}; {found.lost} of {found.packets} packets lost.", asdict(found))


def _licences() -> Check:
    """Licences of what is installed, as its metadata say."""
    found = {}
    for distribution in metadata.distributions():
        said = distribution.metadata
        classes = [value.rpartition(" :: ")[2] for value in said.get_all("Classifier") or [] if "License ::" in value]
        stated = [*(said.get_all("License-Expression") or []), " / ".join(classes), *(said.get_all("License") or [])]
        lines = [value.strip().partition("\n")[0] for value in stated]
        found[said["Name"]] = next((line for line in lines if line and line != "UNKNOWN"), "")
    silent = sorted(name for name, licence in found.items() if not licence)
    text = f"{len(found)} packages, without a stated licence: {', '.join(silent) or 'none'}."
    return Check("licences", "ok", text, {"licences": found, "silent": silent})


# ---- the command --------------------------------------------------------------------------------------------------


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command("diag")
    def diag_command(
        bundle: Annotated[Path | None, typer.Option("--bundle", help="Folder for a support bundle.")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    ) -> None:
        """The full check: services, lines, disks, time, network, SIP, a call to ourselves, licences."""
        from appliance.services.bundle import write_bundle

        home = home_from_environment()
        found = check(home, lambda line: print(line, file=sys.stderr if as_json else sys.stdout))
        if bundle is not None:
            found["bundle"] = str(write_bundle(home, bundle, found))
        if as_json:
            print(json.dumps(found, default=str))
        elif bundle is not None:
            print(found["bundle"])
        raise typer.Exit(0 if found["ok"] else 1)
