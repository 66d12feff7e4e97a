"""The box itself as commands of `watch`: services, network, the system's time zone."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil

from appliance import commands as cmd
from appliance.commands import Command, Done, UserCommand
from appliance.errors import BoxError, CallboxError, CallerError, NotFoundError, ValidationErrors
from appliance.logs import get_logger
from appliance.settings import Home
from appliance.types import Permission
from appliance.watch.root import RootActions
from appliance.watch.supervision import BOX, WORKERS, restart_service, status
from drivers.lines import ReaderError

TRIAL_S = 60
_OWN = "watch"
_CUTS_THE_ANSWER = frozenset({"bus", "web", "front"})
"""Restarting these cuts the way of the answer, so the answer goes first."""
_ANSWER_GOES_S = 0.5
_ROUTES = Path("/proc/net/route")

Noted = Callable[[UserCommand, str, str, dict[str, Any]], Awaitable[None]]


class BoxCommands:
    """Each handler checks the actor's permission by `require` (raises NotAllowedError)."""

    def __init__(self, home: Home, require: Callable[[str, Permission], None], noted: Noted) -> None:
        self._home, self._require, self._noted = home, require, noted
        self._root = RootActions(home.run / "privd.sock")
        self._trial_ends_unix_s: float | None = None
        self._work: set[asyncio.Task[None]] = set()

    def handlers(self) -> dict[type[Command], Callable[[Any], Awaitable[Done]]]:
        """Command -> what answers it."""
        return {
            cmd.ShowServices: self.show_services, cmd.RestartService: self.restart, cmd.ShowNetwork: self.show_network,
            cmd.TryNetwork: self.try_network, cmd.KeepNetwork: self.keep_network, cmd.SetTimeZone: self.set_zone,
        }  # fmt: skip

    # ---- services ----------------------------------------------------------------------------------------------

    async def show_services(self, command: cmd.ShowServices) -> Done:
        """What supervisor says; on the device the rest are systemd's own and not asked for here."""
        self._require(command.actor_id, Permission.SETTINGS_WRITE)
        try:
            found = await asyncio.to_thread(status, self._home)
        except BoxError:
            found = []
        rows = [{"name": s.name, "state": s.state, "since_s": s.since_s} for s in found]
        on_device = self._root.available
        if on_device:
            rows += [{"name": p.name, "state": "", "since_s": 0} for p in BOX if p.name not in WORKERS]
        return Done(data={"services": rows, "on_device": on_device})

    async def restart(self, command: cmd.RestartService) -> Done:
        """Restart one; what carries the answer is restarted right after it."""
        self._require(command.actor_id, Permission.SETTINGS_WRITE)
        name = command.name
        if name not in {program.name for program in BOX}:
            raise NotFoundError("service.unknown", f"There is no service '{name}'.", service=name)
        await self._noted(command, "service.restart", f"service:{name}", {})
        if name == _OWN and not self._root.available:
            # supervisor starts it again; the answer goes out first
            asyncio.get_running_loop().call_later(_ANSWER_GOES_S, os.kill, os.getpid(), signal.SIGTERM)
        elif name in _CUTS_THE_ANSWER or name == _OWN:
            task = asyncio.create_task(self._restart_later(name))
            self._work.add(task)
            task.add_done_callback(self._work.discard)
        else:
            await asyncio.to_thread(self._restart, name)
        return Done(id=name)

    async def _restart_later(self, name: str) -> None:
        try:
            await asyncio.to_thread(self._restart, name)
        except CallboxError as error:
            get_logger().error("service not restarted", service=name, error=error.message)

    def _restart(self, name: str) -> None:
        if self._root.available and name not in WORKERS:
            self._as_root("service-restart", unit=name)
        else:
            restart_service(self._home, name)

    # ---- network and time --------------------------------------------------------------------------------------

    async def show_network(self, command: cmd.ShowNetwork) -> Done:
        """Ports with their addresses, and whether they may be changed here."""
        self._require(command.actor_id, Permission.SETTINGS_WRITE)
        if self._trial_ends_unix_s is not None and self._trial_ends_unix_s < time.time():
            self._trial_ends_unix_s = None
        return Done(
            data={"ports": ports(), "gateway": gateway(), "can_change": self._root.available,
                  "trial_ends_unix_s": self._trial_ends_unix_s}
        )  # fmt: skip

    async def try_network(self, command: cmd.TryNetwork) -> Done:
        """Change a port for a minute."""
        self._require(command.actor_id, Permission.SETTINGS_WRITE)
        faults = network_faults(command)
        if faults:
            raise ValidationErrors(faults)
        await self._noted(command, "network.try", f"port:{command.port}", {"address": command.address})
        await asyncio.to_thread(
            self._as_root, "network-try", port=command.port, address=command.address,
            gateway=command.gateway or "none", seconds=str(TRIAL_S),
        )  # fmt: skip
        self._trial_ends_unix_s = time.time() + TRIAL_S
        return Done(data={"trial_ends_unix_s": self._trial_ends_unix_s})

    async def keep_network(self, command: cmd.KeepNetwork) -> Done:
        """Keep it, or take it back at once."""
        self._require(command.actor_id, Permission.SETTINGS_WRITE)
        if command.keep and (self._trial_ends_unix_s is None or self._trial_ends_unix_s < time.time()):
            raise CallerError("network.no_trial", "The minute is over: the old address holds again. Try it once more.")
        await asyncio.to_thread(self._as_root, "network-keep" if command.keep else "network-back")
        self._trial_ends_unix_s = None
        await self._noted(command, "network.kept" if command.keep else "network.back", "network", {})
        return Done()

    async def set_zone(self, command: cmd.SetTimeZone) -> Done:
        """The system's zone."""
        self._require(command.actor_id, Permission.SETTINGS_WRITE)
        await asyncio.to_thread(self._as_root, "time-zone-set", zone=command.zone)
        await self._noted(command, "time_zone.set", "box", {"zone": command.zone})
        return Done()

    def _as_root(self, action: str, **arguments: str) -> None:
        if not self._root.available:
            raise CallerError("network.not_here", "The system under this box is not set from here.")
        try:
            ran = self._root.do(action, **arguments)
        except ReaderError as error:
            raise BoxError(error.error_id, error.message) from error
        if ran.status != 0:
            raise BoxError("privd.failed", f"'{action}' failed: {ran.output.strip()[-300:]}")


def network_faults(command: cmd.TryNetwork) -> list[tuple[str, str, str]]:
    """What is wrong with an address and its gateway, as (field, error id, message)."""
    if command.port not in {port["name"] for port in ports()}:
        return [("port", "network.no_port", "There is no such port.")]
    if command.address == "dhcp":
        return []
    try:
        if "/" not in command.address:
            raise ValueError
        own = ipaddress.IPv4Interface(command.address)
    except ValueError:
        return [("address", "network.bad_address", "Write it like 192.168.1.10/24.")]
    if not command.gateway:
        return []
    try:
        if ipaddress.IPv4Address(command.gateway) in own.network and command.gateway != str(own.ip):
            return []
    except ValueError:
        pass  # said below
    return [("gateway", "network.bad_gateway", "The gateway must be another address of the same network.")]


def ports() -> list[dict[str, Any]]:
    """The wired and wireless ports of this machine with their IPv4 addresses."""
    stats = psutil.net_if_stats()
    rows = []
    for name, addresses in sorted(psutil.net_if_addrs().items()):
        if name == "lo":
            continue
        own = [
            str(ipaddress.IPv4Interface(f"{a.address}/{a.netmask or 32}"))
            for a in addresses if a.family == socket.AF_INET
        ]  # fmt: skip
        rows.append({"name": name, "addresses": own, "up": name in stats and stats[name].isup})
    return rows


def gateway() -> str:
    """The default route of /proc/net/route (its address is little-endian hexadecimal); empty without one."""
    try:
        rows = [line.split() for line in _ROUTES.read_text("ascii").splitlines()[1:]]
    except OSError:
        return ""
    found = next((row[2] for row in rows if len(row) > 2 and row[1] == "00000000"), "")
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(found))) if found else ""
