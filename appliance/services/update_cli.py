"""`callbox update FILE|URL`, `callbox factory-reset`, `callbox decommission`: done by the running box."""

from __future__ import annotations

import shutil
import socket
import sys
import time
from typing import Annotated, Any

import typer

from appliance import commands
from appliance.errors import BoxError, CallerError
from appliance.home import WAITS_AT_START, give_to_owner
from appliance.jobs import update
from appliance.services.office_client import Client, client, print_json
from appliance.store.read import updates as read
from appliance.types import LOCAL_ACTOR

Json = Annotated[bool, typer.Option("--json", help="JSON: one object.")]
_ENDS = ("failed", "good", "returned", "rebooting")
_LONGEST_S, _LOOK_S = 7200.0, 1.0
_CHECK_S = 300.0  # hundreds of megabytes are read, on any disk
_DESTROY_S = 120.0


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("update")(update_command)
    app.command("factory-reset")(reset_command)
    app.command("decommission")(decommission_command)


def update_command(
    source: Annotated[str, typer.Argument(help="File or address of the signed update; without: how it stands.")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="Install in the quiet hour instead of now.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only look at it.")] = False,
    as_json: Json = False,
) -> None:
    """Check a signed update, back the box up, write the other slot and reboot into it."""
    with client(quiet=True) as box:
        home = box.context.home
        if not source:
            _say(_standing(box), as_json=as_json)
            return
        if not (home.run / "privd.sock").exists():
            raise CallerError(
                "box.not_a_device", "This is not a device: a checkout has no slots to update."
            )
        target = home.uploads / "update.raucb"
        if "://" in source:
            update.fetch(source, target)
        else:
            try:
                shutil.copyfile(source, target)
            except OSError as error:
                raise CallerError("update.none", f"{source} cannot be read: {error.strerror}.") from error
        give_to_owner(target)
        check_it = commands.CheckUpdate(actor_id=LOCAL_ACTOR, path=str(target))
        found = box.ask_running(check_it, timeout_s=_CHECK_S).data
        if check:
            _say({"state": "checked", **found}, as_json=as_json)
            return
        if WAITS_AT_START.exists():
            print("callbox: after the reboot the box waits at its console for its data's passphrase", file=sys.stderr)
        when = "quiet" if quiet else "now"
        box.ask_running(commands.ApplyUpdate(actor_id=LOCAL_ACTOR, when=when))
        if not quiet:
            _follow(box)
        _say(_standing(box), as_json=as_json)


def _standing(box: Client) -> dict[str, Any]:
    state = read.updates(box.context.home)
    return {"state": "none", **state.apply, "available": state.bundle.get("version", "")}


def _follow(box: Client) -> None:
    """Say each step until the box reboots. Raises BoxError `update.failed`."""
    deadline, said = time.monotonic() + _LONGEST_S, ""
    while time.monotonic() < deadline:
        apply = read.updates(box.context.home).apply
        state = str(apply.get("state") or "")
        if state != said:
            print(f"callbox: {state}", file=sys.stderr)
            said = state
        if state in _ENDS:
            if state == "failed":
                raise BoxError("update.failed", str(apply.get("message") or "The update failed."))
            return
        time.sleep(_LOOK_S)
    raise BoxError("update.failed", "The update takes longer than two hours; see log/jobs.log.")


def _say(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        print("\n".join(f"{name}: {value}" for name, value in found.items() if value))


def _confirmed(name: str) -> str:
    """The box's name as a person types it, or as a script gives it with --confirm."""
    if name:
        return name
    if not sys.stdin.isatty():
        raise CallerError("reset.not_confirmed", f"Say --confirm {socket.gethostname()}.")
    return str(typer.prompt(f"This cannot be undone. Type the name of the box, {socket.gethostname()}", err=True))


Confirm = Annotated[str, typer.Option("--confirm", help="The name of the box, instead of being asked for it.")]


def reset_command(confirm: Confirm = "", as_json: Json = False) -> None:
    """Make all data anew; programs stay. The box reboots."""
    with client(quiet=True) as box:
        box.ask_running(commands.ResetBox(actor_id=LOCAL_ACTOR, confirmation=_confirmed(confirm)))
    _say({"state": "rebooting"}, as_json=as_json)


def decommission_command(confirm: Confirm = "", as_json: Json = False) -> None:
    """Destroy the keys of all recordings and the box's secrets for good."""
    with client(quiet=True) as box:
        destroy = commands.Decommission(actor_id=LOCAL_ACTOR, confirmation=_confirmed(confirm))
        found = box.ask_running(destroy, timeout_s=_DESTROY_S).data
    _say(found, as_json=as_json)
