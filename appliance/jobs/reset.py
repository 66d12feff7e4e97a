"""The end of a box's data: a factory reset that keeps the programs, and decommissioning that destroys keys for good.

Recordings are encrypted, each with a key of its own that is wrapped by the box's: without those keys nobody reads them
any more, wherever a copy of the files lies (crypto-erase, NIST SP 800-88 rev. 1, 2.6). Backups hold the keys too: those
on the box go with it, copies elsewhere are named in the certificate as a person's task.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, update

from appliance import commands
from appliance.commands import Command, Done
from appliance.errors import CallerError
from appliance.home import product_version
from appliance.jobs import audit
from appliance.jobs.backup import shelf
from appliance.jobs.backup.content import box_name
from appliance.jobs.context import Context
from appliance.settings import write_private
from appliance.store import models
from appliance.store.read import backups as read_backups
from appliance.store.repositories import users
from appliance.types import CampaignState, Permission

CERTIFICATE = "decommissioned.json"
_PIECE = 1 << 16


class Resets:
    """Answers the two commands. Both ask for the box's name as a person typed it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._home = context.home

    def handlers(self) -> dict[type[Command], Callable[[Any], Done]]:
        """Command -> what answers it."""
        return {commands.ResetBox: self.reset, commands.Decommission: self.decommission}

    def reset(self, command: commands.ResetBox) -> Done:
        """All data is made anew at the next boot, which is now. Raises CallerError `reset.not_confirmed`,
        `box.not_a_device` (a checkout's data is the folder it lies in)."""
        self._confirmed(command.actor_id, command.confirmation)
        self._audit(command, "box.reset", {})
        self._context.doors.root("data-reset", command.actor_id, {})
        self._context.doors.root("reboot", command.actor_id, {})
        return Done()

    def decommission(self, command: commands.Decommission) -> Done:
        """Destroy keys and secrets; reply data: the certificate. Raises CallerError `reset.not_confirmed`.

        Campaigns end first; the box cannot be used afterwards but to show the certificate and to be reset.
        """
        who = self._confirmed(command.actor_id, command.confirmation)
        now = self._context.clock.now()
        with self._context.store.write() as session:
            keys = int(session.scalar(select(func.count()).select_from(models.RecordingKey)) or 0)
            session.execute(update(models.Campaign).values(state=CampaignState.STOPPED))
            session.execute(delete(models.RecordingKey))
        self._context.store.scrub()
        copies = sum(1 for one in read_backups.backups(self._home) if one.copied)
        gone = self._destroy_files()
        disk = self._erase_disk(command.actor_id)
        facts = {
            "box": box_name(), "host": socket.gethostname(), "version": product_version(), "at": now.isoformat(),
            "by": who, "recording_keys": keys, "files": gone, "disk": disk, "copies_elsewhere": copies,
        }  # fmt: skip
        facts["fingerprint"] = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        self._audit(command, "box.decommissioned", {"keys": keys, "disk": disk, "fingerprint": facts["fingerprint"]})
        write_private(self._home.root / CERTIFICATE, json.dumps(facts).encode())
        return Done(data=facts)

    def _destroy_files(self) -> list[str]:
        """Backups, and the secrets that open recordings and settings; overwritten before they are removed."""
        home = self._home
        for one in read_backups.backups(home):
            shelf.remove(home.backups / one.name)
        targets = [home.backup_key, home.box_key, *sorted(home.updates.glob("before.*")), home.updates / "after.sqlite"]
        gone = [path.name for path in targets if _shred(path)]
        # last: its archive key is what wrapped every key; the running services keep what they need to stop
        return [*gone, home.secrets_file.name] if _shred(home.secrets_file) else gone

    def _erase_disk(self, actor_id: str) -> str:
        """`erased` (LUKS), `plain` (not encrypted), or `none` where there is no root helper."""
        try:
            said = self._context.doors.root("data-erase", actor_id, {})
        except CallerError as error:
            if error.error_id != "box.not_a_device":
                raise
            return "none"
        return "erased" if "erased" in said.split() else "plain"

    def _confirmed(self, actor_id: str, confirmation: str) -> str:
        with self._context.store.read() as session:
            who = users.require(session, actor_id, Permission.BOX_MAINTAIN)
            user = session.get(models.User, who.id)
        if confirmation.strip() != socket.gethostname():
            raise CallerError(
                "reset.not_confirmed", f"Type the name of the box, {socket.gethostname()}, to confirm.",
                name=socket.gethostname(),
            )  # fmt: skip
        return user.display_name or user.login if user else who.id

    def _audit(self, command: commands.UserCommand, action: str, detail: dict[str, Any]) -> None:
        with self._context.store.write() as session:
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action=action, subject="box", detail=detail,
            )  # fmt: skip


def _shred(path: Path) -> bool:
    """Overwrite and remove a file; False when there is none. On flash the drive may keep a copy: see the disk's key."""
    if not path.is_file():
        return False
    with path.open("r+b") as handle:
        left = path.stat().st_size
        while left > 0:
            left -= handle.write(os.urandom(min(left, _PIECE)))
        handle.flush()
        os.fsync(handle.fileno())
    path.unlink()
    return True
