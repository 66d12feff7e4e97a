"""`callbox user | seat | trunk | campaign`: what the web UI does, scriptable.

Commands go through the running service. When none runs they are carried out on the store directly, which is said on
stderr; only steering a campaign needs the running box.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from appliance import commands
from appliance.errors import CallerError, NotFoundError
from appliance.services import recordings_cli
from appliance.services.office_client import Client, client, plain, print_done, print_json, print_rows
from appliance.store.models import Campaign, User
from appliance.store.read import campaigns, seats, trunks, users
from appliance.store.repositories import configuration
from appliance.store.repositories import users as user_rows
from appliance.telephony.trunks import parse_trunk, preview
from appliance.types import LOCAL_ACTOR, Role

Json = Annotated[bool, typer.Option("--json", help="JSON: one object, or one a line.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the standard input.")]

user_app = typer.Typer(no_args_is_help=True, help="Who may log in.")
seat_app = typer.Typer(no_args_is_help=True, help="Places with a phone.")
trunk_app = typer.Typer(no_args_is_help=True, help="Ways to the exchange.")
campaign_app = typer.Typer(no_args_is_help=True, help="Campaigns.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(user_app, name="user")
    app.add_typer(seat_app, name="seat")
    app.add_typer(trunk_app, name="trunk")
    app.add_typer(campaign_app, name="campaign")
    recordings_cli.register(app)


def _password(from_stdin: bool) -> str:
    """From stdin for scripts, else asked twice without echo; never from the arguments, which others can see."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise CallerError("cli.no_password", "Give the password on the standard input with --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


# ---- users ---------------------------------------------------------------------------------------------------


@user_app.command("add")
def user_add(
    login: str,
    role: Annotated[Role, typer.Option("--role", help="What he may do.")] = Role.AGENT,
    name: Annotated[str, typer.Option("--name", help="Name shown to others.")] = "",
    language: Annotated[str, typer.Option("--language", help="en, zh or ru.")] = "en",
    password_stdin: FromStdin = False,
    as_json: Json = False,
) -> None:
    """Make a user."""
    with client() as box:
        command = commands.SaveUser(
            actor_id=LOCAL_ACTOR, login=login, display_name=name, role=role, language=language,
            password=_password(password_stdin),
        )  # fmt: skip
        print_done(box.ask(command), f"User '{login}' was made.", as_json=as_json)


@user_app.command("list")
def user_list(as_json: Json = False) -> None:
    """All users."""
    with client() as box:
        rows = [plain(user) for user in users.users(box.context.store)]
    print_rows(rows, ("login", "display_name", "role", "enabled", "has_totp", "locked_until"), as_json=as_json)


def _user(box: Client, login: str) -> User:
    with box.context.store.read() as session:
        found = user_rows.by_login(session, login)
    if found is None:
        raise NotFoundError("user.unknown", f"There is no user '{login}'.", login=login)
    return found


def _changed(user: User, *, enabled: bool | None = None, password: str | None = None) -> commands.SaveUser:
    return commands.SaveUser(
        actor_id=LOCAL_ACTOR, id=user.id, login=user.login, display_name=user.display_name, role=user.role,
        language=user.language, enabled=user.enabled if enabled is None else enabled, password=password,
    )  # fmt: skip


@user_app.command("disable")
def user_disable(login: str, as_json: Json = False) -> None:
    """Shut a user out; his sessions end at once."""
    with client() as box:
        done = box.ask(_changed(_user(box, login), enabled=False))
    print_done(done, f"User '{login}' is disabled.", as_json=as_json)


@user_app.command("enable")
def user_enable(login: str, as_json: Json = False) -> None:
    """Let a disabled user in again."""
    with client() as box:
        done = box.ask(_changed(_user(box, login), enabled=True))
    print_done(done, f"User '{login}' is enabled.", as_json=as_json)


@user_app.command("passwd")
def user_passwd(login: str, password_stdin: FromStdin = False, as_json: Json = False) -> None:
    """Set a new password; a lock is taken off, sessions end."""
    with client() as box:
        done = box.ask(_changed(_user(box, login), password=_password(password_stdin)))
    print_done(done, f"User '{login}' has a new password.", as_json=as_json)


# ---- seats ---------------------------------------------------------------------------------------------------


@seat_app.command("add")
def seat_add(
    seat_id: str,
    name: Annotated[str, typer.Option("--name", help="Name shown to others.")] = "",
    phone: Annotated[str, typer.Option("--phone", help="desk or browser.")] = "desk",
    password_stdin: FromStdin = False,
    as_json: Json = False,
) -> None:
    """Make a seat, or change it; a password that the box makes is printed once."""
    with client() as box:
        password = _password(True) if password_stdin else None
        command = commands.SaveSeat(actor_id=LOCAL_ACTOR, id=seat_id, display_name=name, phone=phone, password=password)
        done = box.ask(command)
    made = done.data.get("password")
    said = f"Seat '{seat_id}' is ready." + (f" SIP password, shown only now: {made}" if made else "")
    print_done(done, said, as_json=as_json)


@seat_app.command("list")
def seat_list(as_json: Json = False) -> None:
    """All seats."""
    with client() as box:
        rows = [plain(seat) for seat in seats.seats(box.context.store)]
    print_rows(rows, ("id", "display_name", "phone", "enabled", "agent_id"), as_json=as_json)


# ---- trunks --------------------------------------------------------------------------------------------------


def _gateway(text: str) -> dict[str, Any]:
    address, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "5060")
    if not port.isdigit():
        raise CallerError("cli.bad_gateway", f"'{text}' is no gateway; write ADDRESS or ADDRESS:PORT.")
    return {"address": address, "port": int(port)}


@trunk_app.command("add")
def trunk_add(
    trunk_id: str,
    gateway: Annotated[list[str] | None, typer.Option("--gateway", help="ADDRESS[:PORT]; may be repeated.")] = None,
    channels: Annotated[int | None, typer.Option("--channels", help="Calls at once.")] = None,
    caller_id: Annotated[str | None, typer.Option("--caller-id", help="E.164 number shown.")] = None,
    config_file: Annotated[Path | None, typer.Option("--config", help="JSON file with all of the trunk.")] = None,
    name: Annotated[str, typer.Option("--name", help="Name shown to others.")] = "",
    as_json: Json = False,
) -> None:
    """Make a trunk, or change it; options go before the file."""
    config = _read_json(config_file) if config_file else {}
    if gateway:
        config["gateways"] = [_gateway(text) for text in gateway]
    given = {"channels": channels, "caller_id": caller_id}
    config.update({key: value for key, value in given.items() if value is not None})
    with client() as box:
        done = box.ask(commands.SaveTrunk(actor_id=LOCAL_ACTOR, id=trunk_id, display_name=name, config=config))
    print_done(done, f"Trunk '{trunk_id}' is saved.", as_json=as_json)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CallerError("cli.bad_file", f"{path} cannot be read as JSON: {error}", path=str(path)) from error
    if not isinstance(found, dict):
        raise CallerError("cli.bad_file", f"{path} must hold one JSON object.", path=str(path))
    return found


@trunk_app.command("show")
def trunk_show(
    trunk_id: Annotated[str | None, typer.Argument(help="One trunk; none: all.")] = None, as_json: Json = False
) -> None:
    """Trunks with their gateways and number rules (a provider's password is never shown)."""
    with client() as box:
        rows = [plain(t) for t in trunks.trunks(box.context.store) if trunk_id in (None, t.id)]
    if trunk_id is not None and not rows:
        raise NotFoundError("trunk.unknown", f"There is no trunk '{trunk_id}'.", trunk=trunk_id)
    print_rows(rows, ("id", "display_name", "channels", "enabled", "config"), as_json=as_json)


@trunk_app.command("preview")
def trunk_preview(
    trunk_id: str,
    number: str,
    calling: Annotated[bool, typer.Option("--calling", help="As the calling number.")] = False,
    inbound: Annotated[bool, typer.Option("--inbound", help="As it comes from the gateway.")] = False,
    as_json: Json = False,
) -> None:
    """What the trunk's rules make of a number."""
    with client() as box, box.context.store.read() as session:
        config = parse_trunk(configuration.trunk(session, trunk_id).config)
    shown = preview(
        config, number, direction="inbound" if inbound else "outbound", which="calling" if calling else "called"
    )
    if as_json:
        print_json(plain(shown))
    else:
        print(f"{shown.given} is sent as {shown.sent} ({f'rule {shown.rule}' if shown.rule else 'no rule applies'})")


# ---- campaigns -----------------------------------------------------------------------------------------------


@campaign_app.command("add")
def campaign_add(
    name: str,
    mode: Annotated[str, typer.Option("--mode", help="preview, progressive, predictive or voice.")] = "progressive",
    config_file: Annotated[Path | None, typer.Option("--config", help="JSON file with its settings.")] = None,
    as_json: Json = False,
) -> None:
    """Make a campaign (a draft)."""
    config = _read_json(config_file) if config_file else {}
    with client() as box:
        done = box.ask(commands.SaveCampaign(actor_id=LOCAL_ACTOR, name=name, mode=mode, config=config))
    print_done(done, f"Campaign '{name}' was made.", as_json=as_json)


@campaign_app.command("list")
def campaign_list(as_json: Json = False) -> None:
    """All campaigns with their figures."""
    with client() as box:
        rows = [plain(campaign) for campaign in campaigns.campaigns(box.context.store)]
    print_rows(rows, ("name", "mode", "state", "leads", "attempts", "connected", "abandoned"), as_json=as_json)


def _campaign(box: Client, name: str) -> Campaign:
    with box.context.store.read() as session:
        found = configuration.campaign_by_name(session, name)
        return found or configuration.campaign(session, name)


def _steer(name: str, action: str, as_json: bool) -> None:
    with client() as box:
        campaign = _campaign(box, name)
        command = commands.CampaignAction(actor_id=LOCAL_ACTOR, campaign_id=campaign.id, action=action)
        print_done(box.ask_running(command), f"Campaign '{campaign.name}': {action}.", as_json=as_json)


@campaign_app.command("start")
def campaign_start(name: str, as_json: Json = False) -> None:
    """Dial (in the calling hours); by name or id."""
    _steer(name, "start", as_json)


@campaign_app.command("pause")
def campaign_pause(name: str, as_json: Json = False) -> None:
    """Dial no more for now."""
    _steer(name, "pause", as_json)


@campaign_app.command("stop")
def campaign_stop(name: str, as_json: Json = False) -> None:
    """End it; conversations in progress go on."""
    _steer(name, "stop", as_json)
