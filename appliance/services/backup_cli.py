"""`callbox backup …` and `callbox restore FILE`: on the files themselves, beside a running box and without one."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.clock import SystemClock
from appliance.errors import BoxError, CallerError
from appliance.jobs.backup import keys, restore, shelf, trial
from appliance.jobs.backup.archive import Archive
from appliance.services.doors import make_doors
from appliance.services.office_client import print_json, print_rows
from appliance.settings import Home, Settings, home_from_environment, load_settings
from appliance.store.db import open_store
from appliance.store.read import backups as read
from appliance.types import LOCAL_ACTOR
from appliance.watch.supervision import status

backup_app = typer.Typer(invoke_without_command=True, help="Make, list and test backups. Without a word: make one.")
Json = Annotated[bool, typer.Option("--json", help="JSON: one object, or one a line.")]
FromStdin = Annotated[bool, typer.Option("--passphrase-stdin", help="Read the passphrase from the standard input.")]
_COLUMNS = ("name", "made_at", "bytes", "product", "rows", "why", "test", "tested_at")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(backup_app, name="backup")
    app.command("restore")(restore_command)


def ask_passphrase(from_stdin: bool, *, twice: bool = False) -> str:
    """From stdin for scripts, else asked without echo; never from the arguments, which others can see."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise CallerError("cli.no_password", "Give the passphrase on the standard input with --passphrase-stdin.")
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True))


def _now() -> datetime:
    return SystemClock().now()


@backup_app.callback()
def make(
    context: typer.Context,
    to: Annotated[Path | None, typer.Option("--to", help="Lay a copy into this folder or file too.")] = None,
    passphrase_stdin: FromStdin = False,
    as_json: Json = False,
) -> None:
    """Make a backup now, also while calls run. The first time it asks for a passphrase, which is then kept."""
    if context.invoked_subcommand is not None:
        return
    home, settings = _home()
    key = keys.kept(home)
    if key is None:
        key = keys.new_key(ask_passphrase(passphrase_stdin, twice=True))
        keys.keep(home, key)
    store = open_store(home, settings)
    try:
        path = shelf.make(home, settings, store, key, _now(), why=shelf.HAND)
    finally:
        store.close()
    if to is not None:
        _lay(path, to)
    if as_json:
        print_json({"name": path.name, "path": str(path), "bytes": path.stat().st_size, "rows": read.backup(path).rows})
    else:
        print(f"{path} ({path.stat().st_size / 1e6:.1f} MB, {read.backup(path).rows} rows)")


def _lay(path: Path, to: Path) -> None:
    try:
        shutil.copyfile(path, to / path.name if to.is_dir() else to)
    except OSError as error:
        raise BoxError("backup.not_written", f"{path} was made, but not copied to {to}: {error.strerror}.") from error


def _home() -> tuple[Home, Settings]:
    home = home_from_environment()
    home.make()
    return home, load_settings(home)


@backup_app.command("list")
def list_(as_json: Json = False) -> None:
    """The backups on this box."""
    home, _ = _home()
    rows = [{name: getattr(one, name) for name in _COLUMNS} for one in read.backups(home)]
    print_rows(rows, _COLUMNS, as_json=as_json)


@backup_app.command("passphrase")
def passphrase(passphrase_stdin: FromStdin = False) -> None:
    """Set the passphrase of the backups to come."""
    home, _ = _home()
    keys.keep(home, keys.new_key(ask_passphrase(passphrase_stdin, twice=True)))
    if read.state(home).since is None:
        shelf.note_state(home, since=_now())
    print("Backups are sealed with this passphrase from now on. Keep it where the box is not.")


@backup_app.command("verify")
def verify(
    name: Annotated[str, typer.Argument(help="Name or file; without: the newest on this box.")] = "",
    passphrase_stdin: FromStdin = False,
    as_json: Json = False,
) -> None:
    """Really restore a backup beside the box, open and count it, and take it away again."""
    home, settings = _home()
    path = _chosen(home, name)
    known = path.parent == home.backups
    key = keys.kept(home)
    words = ask_passphrase(passphrase_stdin) if passphrase_stdin or key is None else ""
    now = _now()
    try:
        found = trial.run(home, settings, path, now, passphrase=words, key=key)
    except (BoxError, CallerError) as error:
        if known and error.error_id != "backup.wrong_passphrase":
            shelf.note(path, test="failed", tested_at=now.isoformat(), test_message=error.message)
            shelf.note_state(home, last_test_at=now, test_error=error.message)
        raise BoxError(error.error_id, error.message) from error  # exit 1: the box (its backup) has a fault
    if known:
        shelf.note(path, test="good", tested_at=now.isoformat(), test_message="", rows=found.rows)
        shelf.note_state(home, last_test_at=now, test_error="")
    told: dict[str, Any] = {"name": path.name, "ok": True, "rows": found.rows, "files": found.files,
                            "keys_opened": found.keys_opened, "elapsed_s": found.elapsed_s}  # fmt: skip
    if as_json:
        print_json(told)
    else:
        print(f"{path.name} is good: {found.files} files, {found.rows} rows, {found.elapsed_s} s.")


def _chosen(home: Home, name: str) -> Path:
    if not name:
        newest = next(iter(read.backups(home)), None)
        if newest is None:
            raise CallerError("backup.unknown", "There is no backup on this box yet.")
        return home.backups / newest.name
    return Path(name) if "/" in name or Path(name).is_file() else shelf.find(home, name)


def restore_command(
    file: Annotated[str, typer.Argument(help="Backup file, or the name of one on this box.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="A box that runs is started anew with it.")] = False,
    passphrase_stdin: FromStdin = False,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of this box's data. Recordings that are here stay; all else is replaced."""
    home, settings = _home()
    path = _chosen(home, file)
    runs = _runs(home)
    if runs and not restart:
        raise CallerError(
            "restore.box_runs", "The box runs. Stop it first (on the device: systemctl stop callbox.target), or say "
            "--restart: then it is made ready now and put in place when the box starts anew.",
        )  # fmt: skip
    key = keys.kept(home)
    words = ask_passphrase(passphrase_stdin) if passphrase_stdin or key is None else ""
    with Archive(path, words, key=key) as archive:
        manifest = archive.manifest
        said = f"{manifest.rows} rows of {manifest.box}, made {manifest.made_at} by version {manifest.product}"
        if not yes:
            typer.confirm(f"Replace all data of this box by {said}?", abort=True, err=True)
        restore.prepare(home, settings, archive, by=LOCAL_ACTOR)
    told: dict[str, Any] = {"made_at": manifest.made_at, "rows": manifest.rows, "box": manifest.box, "state": "ready"}
    if not runs:
        restore.finish(home, _now())
        told["state"] = "restored"
    else:
        _start_anew(home, settings)
    if as_json:
        print_json(told)
    else:
        print(f"{'Restored' if not runs else 'Ready; the box starts anew with it'}: {said}.")


def _start_anew(home: Home, settings: Settings) -> None:
    """On the device by a reboot; `callbox run` sees it by itself."""
    try:
        make_doors(home, settings).root("reboot", LOCAL_ACTOR, {})
    except CallerError as error:
        if error.error_id != "box.not_a_device":
            raise


def _runs(home: Home) -> bool:
    try:
        status(home)
    except BoxError:
        return False
    return True
