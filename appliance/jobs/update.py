"""Updates: a signed bundle is checked, the box saved and the backup tried, the other slot written, the box rebooted.

What happened is kept in `home.updates/state.json`, outside the database: it must survive a return to the old slot. The
service asks after each start what became of it: the slot it ran in before runs again (`returned`), or the new one runs
and the health gate has proven it (`good`).
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from appliance import commands
from appliance.commands import Command, Done
from appliance.domain.report_times import next_time
from appliance.domain.versions import Skew, may_update, skew
from appliance.errors import BoxError, CallboxError, CallerError, NotAllowedError
from appliance.home import product_version
from appliance.jobs import audit, upgrade
from appliance.jobs.backup import keys, shelf, trial
from appliance.jobs.backup.copies import digest_of
from appliance.jobs.backup.service import Backups
from appliance.jobs.context import Context
from appliance.jobs.queue import Progress, WorkQueue
from appliance.settings import Home, load_settings, write_private
from appliance.store.models import Job
from appliance.store.read import updates as read
from appliance.store.repositories import users
from appliance.types import Permission

UPDATE, FETCH = "update", "update_fetch"
"""Kinds of jobs; both are also the ids of the only one there is at a time."""

LARGEST = 4 * 2**30
COMPATIBLE = "callbox-x86-64"
_STEPS = ("backup", "try", "install", "reboot")
_URL = re.compile(r"https?://[^\s\"'<>]{3,500}")
_FETCH_S, _PIECE = 60.0, 1 << 20
_HISTORY = 50
_PLACE = re.compile(r"rauc\.slot=([AB])\b")


def running_slot(cmdline: Path = Path("/proc/cmdline")) -> str:
    """A or B as the boot loader said; empty on a machine without slots."""
    try:
        found = _PLACE.search(cmdline.read_text("ascii", "replace"))
    except OSError:
        return ""
    return found[1] if found else ""


def fetch(url: str, target: Path, step: Callable[[int, int], None] = lambda *_: None) -> None:
    """Fetch a file, no larger than an update may be.

    Raises CallerError `update.bad_url`, `update.too_large`, BoxError `update.not_fetched`; nothing is left then.
    """
    if not _URL.fullmatch(url):
        raise CallerError("update.bad_url", "Give an address that begins with https:// or http://.")
    size = 0
    try:
        with urllib.request.urlopen(url, timeout=_FETCH_S) as answer, target.open("wb") as out:  # noqa: S310 - checked
            total = int(answer.headers.get("Content-Length") or 0)
            while piece := answer.read(_PIECE):
                size += len(piece)
                if size > LARGEST:
                    raise CallerError("update.too_large", "This is larger than an update of a Callbox can be.")
                out.write(piece)
                step(size, total)
    except (OSError, ValueError) as error:
        target.unlink(missing_ok=True)
        raise BoxError("update.not_fetched", f"The update could not be fetched: {error}.") from error
    except CallboxError:
        target.unlink(missing_ok=True)
        raise
    if total and size != total:
        target.unlink(missing_ok=True)
        raise BoxError("update.not_fetched", f"Only {size} of {total} bytes of the update came. Try again.")


class Updates:
    """Answers the commands about updates and installs what is due."""

    def __init__(
        self, context: Context, queue: WorkQueue, backups: Backups, slot: Callable[[], str] = running_slot
    ) -> None:
        self._context, self._queue, self._backups = context, queue, backups
        self._home, self._slot = context.home, slot

    def handlers(self) -> dict[type[Command], Callable[[Any], Done]]:
        """Command -> what answers it."""
        return {
            commands.ShowSlots: self.show, commands.CheckUpdate: self.check, commands.FetchUpdate: self.fetch,
            commands.ApplyUpdate: self.apply, commands.DropUpdate: self.drop,
        }  # fmt: skip

    # ---- commands --------------------------------------------------------------------------------------------

    def show(self, command: commands.ShowSlots) -> Done:
        """Slots as the boot loader has them; none on a machine without."""
        self._allowed(command)
        try:
            slots = _slots(self._root("slots-show", command.actor_id))
        except CallerError:
            slots = []
        return Done(data={"device": bool(slots), "version": product_version(), "slots": slots})

    def check(self, command: commands.CheckUpdate) -> Done:
        """Raises CallerError `update.not_signed`, `.not_for_this_box`, `.skew`, `box.not_a_device`."""
        self._allowed(command)
        given = Path(command.path).resolve()
        if not given.is_relative_to(self._home.uploads) or not given.is_file():
            raise NotAllowedError("update.no_upload", "This is not a file that was uploaded here; send it again.")
        found = self._take(given, command.actor_id)
        self._audit(command, "update.uploaded", f"update:{found['version']}")
        return Done(data=found)

    def fetch(self, command: commands.FetchUpdate) -> Done:
        """Raises CallerError `update.bad_url`."""
        self._allowed(command)
        if not _URL.fullmatch(command.url):
            raise CallerError("update.bad_url", "Give an address that begins with https:// or http://.")
        self._audit(command, "update.fetched", "update")
        self._queue.put(FETCH, FETCH, {"url": command.url, "actor_id": command.actor_id}, again=True)
        return Done(id=FETCH)

    def apply(self, command: commands.ApplyUpdate) -> Done:
        """Raises CallerError `update.none`, `backup.no_passphrase` (no update without a backup), `update.skew`."""
        self._allowed(command)
        bundle = read.updates(self._home).bundle
        if not bundle:
            raise CallerError("update.none", "There is no update here. Upload one first.")
        keys.needed(self._home)
        _check_skew(str(bundle.get("version")))
        settings = load_settings(self._home)
        now = self._context.clock.now()
        at = now
        if command.when == "quiet":
            zone = ZoneInfo(settings.dialling.timezone)
            at = next_time("day", f"{settings.hardware.quiet_hour:02}:00", 1, zone, now) or now
        self._note(apply={"state": "waiting", "at": at.isoformat(), "from": product_version(), "by": command.actor_id,
                          "to": bundle["version"], "slot": self._slot()})  # fmt: skip
        self._audit(command, "update.asked", f"update:{bundle['version']}")
        self._queue.put(UPDATE, UPDATE, {}, run_at=at, again=True)
        return Done(id=UPDATE)

    def drop(self, command: commands.DropUpdate) -> Done:
        """Raises CallerError `update.under_way`."""
        self._allowed(command)
        state = read.updates(self._home)
        if state.apply.get("state") in (*_STEPS, "rebooting"):
            raise CallerError("update.under_way", "The update is being installed. Wait for its end.")
        with self._context.store.write() as session:
            job = session.get(Job, UPDATE)
            if job is not None:
                session.delete(job)
        read.bundle_file(self._home).unlink(missing_ok=True)
        self._note(bundle={}, apply={})
        self._audit(command, "update.dropped", "update")
        return Done()

    def _take(self, given: Path, actor_id: str) -> dict[str, Any]:
        """Keep a file as the update to install, if it is one."""
        target = read.bundle_file(self._home)
        given.replace(target)
        try:
            found = _about(self._root("update-info", actor_id))
            _check_skew(found["version"])
        except CallboxError as error:
            target.unlink(missing_ok=True)
            self._note(bundle={})
            if error.error_id == "privileged.failed":
                raise CallerError(
                    "update.not_signed", "This is no update of a Callbox, it is damaged, or its signature is not one "
                    "that this box trusts. Nothing was changed.",
                ) from error  # fmt: skip
            raise
        bundle = {**found, "bytes": target.stat().st_size, "sha256": digest_of(target),
                  "checked_at": self._context.clock.now().isoformat()}  # fmt: skip
        self._note(bundle=bundle, apply={})
        return {**found, "skew": skew(product_version(), found["version"]).value}

    # ---- jobs ------------------------------------------------------------------------------------------------

    def run_fetch(self, payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Fetch and check."""
        target = self._home.uploads / "update.raucb"
        fetch(str(payload["url"]), target, lambda done, total: progress(done, total))
        return self._take(target, str(payload["actor_id"]))

    def run(self, _payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Install: a backup that was tried, or no update. Begun again after a crash; never after the reboot."""
        state = read.updates(self._home)
        if state.apply.get("state") not in ("waiting", *_STEPS):
            return {}
        by, bundle = str(state.apply.get("by") or "jobs"), state.bundle
        try:
            self._step("backup", progress)
            if digest_of(read.bundle_file(self._home)) != bundle.get("sha256"):
                raise CallerError("update.changed", "The file was changed since it was checked. Send it again.")
            backup = self._backups.make_now(shelf.UPDATE, lambda *_: progress.check())
            self._step("try", progress)
            trial.run(self._home, self._context.settings, backup, self._context.clock.now(),
                      key=keys.needed(self._home), step=lambda *_: progress.check())  # fmt: skip
            self._step("install", progress)
            self._root("update-install", by)
        except (CallboxError, OSError) as error:
            message = error.message if isinstance(error, CallboxError) else str(error)
            if not isinstance(error, CallboxError) or error.error_id != "jobs.stopped":
                self._end("failed", message)
            raise
        self._note(apply={**read.updates(self._home).apply, "state": "rebooting", "backup": backup.name})
        self._root("reboot", by)
        return {"version": bundle.get("version")}

    def _step(self, name: str, progress: Progress) -> None:
        self._note(apply={**read.updates(self._home).apply, "state": name})
        progress(_STEPS.index(name), len(_STEPS), name)

    def follow(self) -> None:
        """Say what became of an update once it can be told; safe to call often."""
        apply = read.updates(self._home).apply
        if apply.get("state") != "rebooting":
            return
        here = self._slot()
        if apply.get("boot") == read.boot_id():
            return  # the reboot is still to come
        if here == apply.get("slot"):
            self._end("returned", "The new version did not pass its health check; the old one runs with its data.")
            return
        try:
            variables = self._root("boot-variables", "jobs")
        except CallboxError:
            return  # asked again in a minute
        if here and re.search(rf"^TRIAL={here}$", variables, re.MULTILINE) is None:
            self._end("good", "")
            upgrade.proven(self._home)
            read.bundle_file(self._home).unlink(missing_ok=True)
            self._note(bundle={})

    def _end(self, state: str, message: str) -> None:
        told_before = read.updates(self._home)
        apply = {**told_before.apply, "state": state, "message": message,
                 "ended_at": self._context.clock.now().isoformat()}  # fmt: skip
        self._note(apply=apply, history=[apply, *told_before.history][:_HISTORY])
        with self._context.store.write() as session:
            audit.append(
                session, self._context.clock.now(), actor_id=str(apply.get("by") or "jobs"), actor_address="",
                action=f"update.{state}", subject=f"update:{apply.get('to')}", detail={"message": message[:300]},
            )  # fmt: skip

    # ---- helpers ---------------------------------------------------------------------------------------------

    def _note(self, **changes: Any) -> None:
        if changes.get("apply", {}).get("state") == "rebooting":
            changes["apply"] = {**changes["apply"], "boot": read.boot_id()}
        note(self._home, **changes)

    def _root(self, action: str, actor_id: str) -> str:
        return self._context.doors.root(action, actor_id, {})

    def _allowed(self, command: commands.UserCommand) -> None:
        with self._context.store.read() as session:
            users.require(session, command.actor_id, Permission.BOX_MAINTAIN)

    def _audit(self, command: commands.UserCommand, action: str, subject: str) -> None:
        with self._context.store.write() as session:
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action=action, subject=subject,
            )  # fmt: skip


def note(home: Home, **changes: Any) -> None:
    """Write down how updates stand."""
    kept = {**read.plain(read.state_file(home)), **changes}
    write_private(read.state_file(home), json.dumps(kept).encode())


def _check_skew(version: str) -> None:
    here = product_version()
    if may_update(here, version):
        return
    why = {
        Skew.OLDER: "it is older; its programs do not know this box's data. Restore a backup of that version instead",
        Skew.TOO_FAR: "it is more than one major version ahead; install the versions between first",
    }.get(skew(here, version), "it does not say a version")
    raise CallerError("update.skew", f"{version} cannot follow {here}: {why}.", version=version, present=here)


def _about(said: str) -> dict[str, str]:
    """What `rauc info` said of a bundle: {version, description}."""
    try:
        told_of = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
        version, compatible = str(told_of["version"]), str(told_of["compatible"])
    except (StopIteration, ValueError, KeyError, TypeError) as error:
        raise CallerError("update.not_signed", "This is no update of a Callbox, or it is damaged.") from error
    if compatible != COMPATIBLE:
        raise CallerError("update.not_for_this_box", f"This update is for {compatible[:60]}, not for this box.")
    return {"version": version[:60], "description": str(told_of.get("description") or "")[:300]}


def _slots(said: str) -> list[dict[str, Any]]:
    """What `rauc status --detailed` said: [{name, running, good, version, installed_at}] of the bootable slots."""
    try:
        told_of = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
        found = []
        for slot in told_of["slots"]:
            for one in slot.values():
                if not one.get("bootname"):
                    continue
                status = one.get("slot_status") or {}
                found.append({
                    "name": str(one["bootname"]), "running": one.get("state") == "booted",
                    "good": one.get("boot_status") == "good",
                    "version": str((status.get("bundle") or {}).get("version") or ""),
                    "installed_at": str((status.get("installed") or {}).get("timestamp") or ""),
                })  # fmt: skip
    except (StopIteration, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BoxError("update.slots_unreadable", "What is said of the slots is not understood.") from error
    return sorted(found, key=lambda one: str(one["name"]))
