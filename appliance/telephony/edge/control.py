"""Asks the running edge and tells it things: JSON-RPC over Kamailio's unix datagram socket.

All calls raise BoxError `edge.away` (retryable) when Kamailio does not answer.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from appliance.errors import BoxError
from appliance.settings import Home, Settings
from appliance.telephony.edge.places import FIRST_TRUNK_SET, WORKER_SET, control_socket, worker_uri
from appliance.telephony.edge.subscribers import Registration
from appliance.telephony.edge.subscribers import registrations as registrations

_TIMEOUT_S = 2.0
_REPLY_MAX = 1 << 20
_numbers = itertools.count(1)

__all__ = [
    "Ban", "GatewayState", "Registration", "bans", "call", "gateways", "idle_workers", "provider_registrations",
    "refusals", "registrations", "reload_dispatcher", "set_idle_workers", "unban",
]  # fmt: skip


@dataclass(frozen=True)
class Ban:
    """An address that is shut out: `reason` flood or password; ends by itself after `settings.sip.ban_s`."""

    address: str
    reason: str


@dataclass(frozen=True)
class GatewayState:
    """One gateway as the edge sees it: `alive` by its answers to OPTIONS and INVITE."""

    trunk_set: int
    uri: str
    alive: bool


def call(home: Home, method: str, *parameters: str | int) -> Any:
    """One RPC; returns its result. Raises BoxError `edge.away` or `edge.refused`."""
    mine = home.run / f"edge-ask-{os.getpid()}-{next(_numbers)}.sock"
    question = {"jsonrpc": "2.0", "method": method, "params": list(parameters), "id": 1}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asker:
        try:
            asker.bind(str(mine))
            asker.settimeout(_TIMEOUT_S)
            asker.sendto(json.dumps(question).encode(), str(control_socket(home)))
            answer = json.loads(asker.recv(_REPLY_MAX))
        except OSError as error:
            raise BoxError("edge.away", "The SIP edge does not answer; it may be starting.", retryable=True) from error
        finally:
            mine.unlink(missing_ok=True)
    if "error" in answer:
        raise BoxError("edge.refused", f"The SIP edge refused '{method}': {answer['error']}", method=method)
    return answer.get("result")


def reload_dispatcher(home: Home) -> None:
    """Read dispatcher.list again (marks of dead gateways are forgotten)."""
    call(home, "dispatcher.reload")


def bans(home: Home) -> list[Ban]:
    """Addresses that are shut out now."""
    return [Ban(address=name, reason=str(value)) for name, value in _table(home, "ban").items()]


def unban(home: Home, address: str) -> None:
    """Let an address in again."""
    call(home, "htable.delete", "ban", address)


def refusals(home: Home) -> dict[str, int]:
    """Requests turned away since the start, by cause: trunk, worker, dialog (door), banned, flood, password."""
    return {name: int(value) for name, value in _table(home, "refused").items()}


def gateways(home: Home) -> list[GatewayState]:
    """All gateways of all trunks."""
    found = []
    for set_id, uri, flags in _destinations(home):
        if set_id >= FIRST_TRUNK_SET:
            found.append(GatewayState(set_id, uri, alive=flags.startswith("A")))
    return found


def silent_gateways(home: Home) -> list[str]:
    """Addresses of the gateways that do not answer, as host:port. Raises BoxError `edge.away`."""
    return sorted({g.uri.removeprefix("sip:").partition(";")[0] for g in gateways(home) if not g.alive})


def provider_registrations(home: Home) -> dict[str, bool]:
    """Trunk -> does the box stand registered at its provider."""
    online = 1 << 2  # uac module: UAC_REG_ONLINE
    return {str(r["l_uuid"]): bool(int(r["flags"]) & online) for r in call(home, "uac.reg_dump") or []}


def idle_workers(home: Home) -> set[int]:
    """SIP ports of the workers to which the edge would send an incoming call."""
    return {
        int(uri.rsplit(":", 1)[1])
        for set_id, uri, flags in _destinations(home)
        if set_id == WORKER_SET and flags.startswith("A")
    }


def set_idle_workers(home: Home, settings: Settings, ports: Collection[int]) -> None:
    """Tell the edge which workers are idle; all others get no incoming calls and no OPTIONS.

    For tests and tools, with answers; the running switch uses `telephony.idle_list`, which never waits. Only what
    differs is sent.
    """
    for set_id, uri, flags in _destinations(home):
        if set_id != WORKER_SET:
            continue
        wanted = int(uri.rsplit(":", 1)[1]) in ports
        if wanted != flags.startswith("A") or (not wanted and not flags.startswith("D")):
            port = int(uri.rsplit(":", 1)[1])
            call(home, "dispatcher.set_state", "a" if wanted else "d", WORKER_SET, worker_uri(settings, port))


def _table(home: Home, name: str) -> dict[str, Any]:
    slots = call(home, "htable.dump", name) or []
    return {str(entry["name"]): entry["value"] for slot in slots for entry in slot["slot"]}


def _destinations(home: Home) -> list[tuple[int, str, str]]:
    """(set, uri, flags) of the dispatcher; flags as Kamailio writes them: AX, AP, IP, IX, DX."""
    answer = call(home, "dispatcher.list")
    found = []
    for record in answer.get("RECORDS", []):
        dispatcher_set = record["SET"]
        for target in dispatcher_set["TARGETS"]:
            destination = target["DEST"]
            found.append((int(dispatcher_set["ID"]), str(destination["URI"]), str(destination["FLAGS"])))
    return found
