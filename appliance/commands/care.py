"""Commands to jobs about the box as a whole: backup and restore, update, reset. All need `box.maintain`."""

from __future__ import annotations

from typing import ClassVar

from appliance.commands.base import UserCommand


class SetBackupPassphrase(UserCommand, frozen=True, kw_only=True):
    """From now on backups are sealed with this passphrase; those made before keep theirs."""

    SERVICE: ClassVar[str] = "jobs"
    passphrase: str


class MakeBackup(UserCommand, frozen=True, kw_only=True):
    """Make a backup now; reply id = job id, `LiveJob.result` = {name, bytes}."""

    SERVICE: ClassVar[str] = "jobs"


class TryBackup(UserCommand, frozen=True, kw_only=True):
    """Restore a backup beside the box for a test; reply id = job id, result {rows, files, keys_opened, elapsed_s}.

    Without a passphrase with the key that the box keeps.
    """

    SERVICE: ClassVar[str] = "jobs"
    name: str
    passphrase: str = ""


class RemoveBackup(UserCommand, frozen=True, kw_only=True):
    """Delete a backup from the box."""

    SERVICE: ClassVar[str] = "jobs"
    name: str


class AdoptBackup(UserCommand, frozen=True, kw_only=True):
    """Take a file that the web laid in the upload folder as a backup; reply id = its name."""

    SERVICE: ClassVar[str] = "jobs"
    path: str


class FetchBackup(UserCommand, frozen=True, kw_only=True):
    """Audit a download and say where the file is: reply data {path}."""

    SERVICE: ClassVar[str] = "jobs"
    name: str


class RestoreBackup(UserCommand, frozen=True, kw_only=True):
    """Make a backup ready to be put in place; reply id = job id. The box then starts anew with it.

    An empty passphrase: with the key that the box keeps. Where the box cannot start itself anew (a checkout that no
    `callbox run` watches), it is put in place at its next start.
    """

    SERVICE: ClassVar[str] = "jobs"
    name: str
    passphrase: str = ""


class CancelRestore(UserCommand, frozen=True, kw_only=True):
    """Forget a restore that is ready and not yet in place."""

    SERVICE: ClassVar[str] = "jobs"


class ShowSlots(UserCommand, frozen=True, kw_only=True):
    """Reply data {device, version, slots: [{name, state, version, running, good}], update: {…}} (see jobs.update)."""

    SERVICE: ClassVar[str] = "jobs"


class CheckUpdate(UserCommand, frozen=True, kw_only=True):
    """Look at an uploaded update (`path` in the upload folder): signature, kind, version; it is kept if it is good.

    Reply data {version, description, skew}.
    """

    SERVICE: ClassVar[str] = "jobs"
    path: str


class FetchUpdate(UserCommand, frozen=True, kw_only=True):
    """Fetch an update from an https address; reply id = job id. It is then checked as an uploaded one."""

    SERVICE: ClassVar[str] = "jobs"
    url: str


class ApplyUpdate(UserCommand, frozen=True, kw_only=True):
    """Install the update that was checked: `when` now, or quiet (the quiet hour of the settings); reply id = job id."""

    SERVICE: ClassVar[str] = "jobs"
    when: str = "now"


class DropUpdate(UserCommand, frozen=True, kw_only=True):
    """Forget the update that is there and not yet installed."""

    SERVICE: ClassVar[str] = "jobs"


class ResetBox(UserCommand, frozen=True, kw_only=True):
    """Make all data anew; programs stay. `confirmation` is the box's name as a person typed it. The box restarts."""

    SERVICE: ClassVar[str] = "jobs"
    confirmation: str


class Decommission(UserCommand, frozen=True, kw_only=True):
    """Destroy the keys of recordings and all secrets for good; reply data: the certificate's figures.

    `confirmation` is the box's name as a person typed it.
    """

    SERVICE: ClassVar[str] = "jobs"
    confirmation: str
