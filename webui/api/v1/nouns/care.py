"""Care of the box: lines and disks, backups and updates, services and network."""

from __future__ import annotations

from typing import Any

from appliance import commands as cmd
from appliance.types import Permission
from webui.api.v1.collection import Api

SEE, CHANGE = Permission.HARDWARE_READ, Permission.HARDWARE_WRITE
MAINTAIN, SETTINGS = Permission.BOX_MAINTAIN, Permission.SETTINGS_WRITE

hardware = Api("Hardware")
hardware.command("GET", "/disks", cmd.ShowDisks, SEE, timeout_s=30.0)
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

box = Api("Box")
box.command("GET", "/services", cmd.ShowServices, SETTINGS)
box.command("POST", "/services/{name}/restart", cmd.RestartService, SETTINGS, timeout_s=60.0)
box.command("GET", "/network", cmd.ShowNetwork, SETTINGS)
box.command("PUT", "/network", cmd.TryNetwork, SETTINGS)
box.command("POST", "/network/keep", cmd.KeepNetwork, SETTINGS)
box.command("PUT", "/time-zone", cmd.SetTimeZone, SETTINGS)
box.command("PUT", "/set-up/{step}", cmd.FinishSetUpStep, SETTINGS)
for method, path, command in (
    ("PUT", "/backups/passphrase", cmd.SetBackupPassphrase), ("POST", "/backups", cmd.MakeBackup),
    ("POST", "/backups/adopt", cmd.AdoptBackup), ("POST", "/backups/{name}/try", cmd.TryBackup),
    ("POST", "/backups/{name}/fetch", cmd.FetchBackup), ("POST", "/backups/{name}/restore", cmd.RestoreBackup),
    ("DELETE", "/backups/{name}", cmd.RemoveBackup), ("POST", "/restore/cancel", cmd.CancelRestore),
    ("GET", "/slots", cmd.ShowSlots), ("POST", "/updates/check", cmd.CheckUpdate),
    ("POST", "/updates/fetch", cmd.FetchUpdate), ("POST", "/updates/apply", cmd.ApplyUpdate),
    ("POST", "/updates/drop", cmd.DropUpdate),
):  # fmt: skip
    box.command(method, path, command, MAINTAIN, timeout_s=60.0)


def collections() -> tuple[Any, ...]:
    return hardware, box
