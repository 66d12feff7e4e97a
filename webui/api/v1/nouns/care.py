"""Care of the box: lines and disks, backups and updates, services and network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import send_file

from appliance import commands as cmd
from appliance.commands import Done, UserCommand
from appliance.store.read import backups, updates
from appliance.store.read.backups import BackupState, BackupView
from appliance.store.read.updates import UpdateState
from appliance.types import Permission
from webui import raw_upload
from webui.admin import logs
from webui.api.v1.collection import Api, whole
from webui.api.v1.declare import TEXT, Call, Paged, query_of
from webui.box import ask
from webui.box import box as here
from webui.hardware.line_view import LineView, lines
from webui.hardware.readings import reading

SEE, CHANGE = Permission.HARDWARE_READ, Permission.HARDWARE_WRITE
MAINTAIN, SETTINGS = Permission.BOX_MAINTAIN, Permission.SETTINGS_WRITE



@dataclass(frozen=True)
class LineRow:
    """A line as it was read last; `stale`: that is not live. `channels`: the state of each, in their order."""

    id: str
    name: str
    kind: str
    state: str
    cause: str
    followed: list[str]
    channels: list[str]
    in_use: int | None
    counters: dict[str, int | None]
    fxo: dict[str, Any] | None
    trunks: list[str]
    taken_at: datetime
    stale: bool
    error: str


def _row(line: LineView) -> LineRow:
    return LineRow(
        line.id, line.name, line.kind, line.state, line.cause, list(line.followed), [one.state for one in line.slots],
        line.in_use, dict(line.counters), line.fxo, list(line.trunks),
        datetime.fromtimestamp(line.taken_at_unix_s, UTC), line.stale, line.error,
    )  # fmt: skip


def _lines(_call: Call) -> Paged:
    return whole([_row(line) for line in lines(reading("lines"))])


def _line(call: Call) -> LineRow | None:
    return next((row for row in _lines(call).items if row.id == call.path["line_id"]), None)


hardware = Api("Hardware")
hardware.get("/lines", list[LineRow], _lines, SEE, summary="Lines to the exchange, those in trouble first")
hardware.get("/lines/{line_id}", LineRow, _line, SEE, summary="One line")
hardware.command("GET", "/disks", cmd.ShowDisks, SEE, CHANGE, timeout_s=30.0)
hardware.command("POST", "/disks/replace", cmd.ReplaceDisk, CHANGE, timeout_s=30.0)
hardware.command("POST", "/disks/retire", cmd.RetireDisk, CHANGE, timeout_s=30.0)
hardware.command("POST", "/disks/abandon-replacement", cmd.AbandonReplacement, CHANGE)
hardware.command("POST", "/disks/{serial}/test", cmd.RunDiskTest, CHANGE)
hardware.command("PUT", "/disks/{serial}/lamp", cmd.LocateDisk, CHANGE)
hardware.command("POST", "/arrays/{array}/check", cmd.CheckArray, CHANGE)
hardware.command("POST", "/lines/{line_id}/control", cmd.ControlLine, CHANGE, timeout_s=30.0)
hardware.command("GET", "/line-cards", cmd.ShowLineCards, CHANGE)
hardware.command("POST", "/line-cards", cmd.SaveLineCard, CHANGE, fixed={"new": True}, status=201)
hardware.command("PUT", "/line-cards", cmd.SaveLineCard, CHANGE, fixed={"new": False})
hardware.command("DELETE", "/line-cards/{source}/{id}", cmd.RemoveLineCard, CHANGE)
hardware.command("POST", "/line-cards/test", cmd.TestLineCard, CHANGE, timeout_s=60.0)
hardware.command("POST", "/line-profiles", cmd.ProfileFromTranscript, CHANGE)
hardware.command("GET", "/line-tests", cmd.ShowLineTests, SEE, hidden=("pair",))
hardware.command("POST", "/line-tests", cmd.BeginLineTest, CHANGE, status=201)
hardware.command("POST", "/line-tests/{test_id}/act", cmd.ActOnLineTest, CHANGE, timeout_s=60.0)
hardware.command("POST", "/line-tests/{test_id}/report", cmd.LineTestReport, SEE)



@dataclass(frozen=True)
class LogLines:
    """The end of a log, the newest line last, personal data masked."""

    lines: list[str]


def _log(call: Call) -> LogLines | None:
    found = logs.lines(call.path["name"], call.query.words or "", call.query.level or "")
    return None if found is None else LogLines(found)


def _backups(_call: Call) -> Paged:
    return whole(backups.backups(here().home))


def _backup(call: Call) -> BackupView | None:
    return next((one for one in _backups(call).items if one.name == call.path["name"]), None)


def _backup_file(call: Call) -> Any:
    path = ask(cmd.FetchBackup, name=call.path["name"]).data["path"]
    return send_file(path, as_attachment=True, download_name=call.path["name"], mimetype=_FILE)


def _sent(command: type[UserCommand], suffix: str, timeout_s: float) -> Callable[[Call], Done]:
    """Takes the body as a file, gives it to the command, and lets it go."""

    def run(_call: Call) -> Done:
        path = raw_upload.keep(suffix)
        try:
            return ask(command, path=str(path), timeout_s=timeout_s)
        finally:
            path.unlink(missing_ok=True)

    return run


_FILE = "application/octet-stream"
_ROOT_S = 150.0
box = Api("Box")
box.get("/backups", list[BackupView], _backups, MAINTAIN, summary="Backups on the box, the newest first")
box.get("/backups/{name}", BackupView, _backup, MAINTAIN, summary="One backup")
box.get("/backups/{name}/file", None, _backup_file, MAINTAIN, content_type=_FILE, summary="The file, sealed as it is")
box.get("/backup-state", BackupState, lambda _call: backups.state(here().home), MAINTAIN,
        summary="How backups stand: the last good one, the last test, the next")  # fmt: skip
box.get("/restore", dict[str, Any], lambda _call: backups.restoring(here().home), MAINTAIN,
        summary="What waits to be put in place at the next start")  # fmt: skip
box.get("/updates", UpdateState, lambda _call: updates.updates(here().home), MAINTAIN,
        summary="The update that is ready, its way, what became of those before")  # fmt: skip
box.get("/services/{name}/log", LogLines, _log, SETTINGS, summary="The end of a service's log",
        query=query_of("Log", {"words": TEXT, "level": TEXT}, page=False))  # fmt: skip
box.command("POST", "/backups/adopt", cmd.AdoptBackup, MAINTAIN, run=_sent(cmd.AdoptBackup, ".cbb", _ROOT_S), body=None,
            takes_file=True, summary="Send a backup of another box: the body as it is")  # fmt: skip
box.command("POST", "/updates/check", cmd.CheckUpdate, MAINTAIN, run=_sent(cmd.CheckUpdate, ".raucb", _ROOT_S),
            body=None, takes_file=True, summary="Send a signed update: the body as it is")  # fmt: skip
box.command("GET", "/services", cmd.ShowServices, SETTINGS)
box.command("POST", "/services/{name}/restart", cmd.RestartService, SETTINGS, timeout_s=60.0)
box.command("GET", "/network", cmd.ShowNetwork, SETTINGS)
box.command("PUT", "/network", cmd.TryNetwork, SETTINGS)
box.command("POST", "/network/keep", cmd.KeepNetwork, SETTINGS)
box.command("PUT", "/time-zone", cmd.SetTimeZone, SETTINGS)
box.command("PUT", "/set-up/{step}", cmd.FinishSetUpStep, SETTINGS)
for method, path, command in (
    ("PUT", "/backups/passphrase", cmd.SetBackupPassphrase), ("POST", "/backups", cmd.MakeBackup),
    ("POST", "/backups/{name}/try", cmd.TryBackup), ("POST", "/backups/{name}/restore", cmd.RestoreBackup),
    ("DELETE", "/backups/{name}", cmd.RemoveBackup), ("POST", "/restore/cancel", cmd.CancelRestore),
    ("GET", "/slots", cmd.ShowSlots),
    ("POST", "/updates/fetch", cmd.FetchUpdate), ("POST", "/updates/apply", cmd.ApplyUpdate),
    ("POST", "/updates/drop", cmd.DropUpdate),
):  # fmt: skip
    box.command(method, path, command, MAINTAIN, timeout_s=60.0)


def collections() -> tuple[Any, ...]:
    return hardware, box
