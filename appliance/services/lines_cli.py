"""`callbox line`: makes and models, one reading, a profile from a transcript, a simulated card. Wiring only."""

from __future__ import annotations

import dataclasses
import json
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated

import typer

from appliance.errors import BoxError, CallerError
from appliance.settings import home_from_environment
from appliance.watch.line_history import read_history, report, running
from appliance.watch.snapshot import read_snapshot
from drivers import profiles
from drivers.console.capture import CaptureError, profile_from
from drivers.console.reader import ConsoleReader
from drivers.console.session import Session
from drivers.e1_gateway.dahdi import DahdiReader
from drivers.e1_gateway.snmp import SnmpReader
from drivers.e1_gateway.snmp_sim import SnmpGateway, load_agent
from drivers.lines import LineKind, LineStatus, ReaderError
from drivers.resources import Console, DahdiTree, SerialPort, SnmpAgent, TcpPort
from drivers.simkit.card import ConsoleCard, load_card
from drivers.simkit.faults import Fault

_JSON = typer.Option("--json", help="JSON.")
line_app = typer.Typer(no_args_is_help=True, help="Lines: makes and models, readings, simulated cards.")


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(line_app, name="line")


@line_app.command("profiles")
def profiles_command(
    folder: Annotated[list[Path] | None, typer.Option(help="Folders with more profiles.")] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """The makes and models that are known, how they are read and what they can be told."""
    try:
        known = profiles.load_all(*(folder or ()))
    except profiles.ProfileError as error:
        raise CallerError("line.bad_profile", str(error)) from error
    for profile in known.values():
        row = {
            "id": profile.id, "make": profile.make, "model": profile.model, "kind": profile.kind,
            "readers": profile.readers, "verbs": sorted(profile.verbs), "places_calls": profile.places_calls,
            "sources": profile.sources, "note": profile.note,
        }  # fmt: skip
        readers = ", ".join(profile.readers) or "status page"
        print(json.dumps(row) if as_json else f"{profile.id:16} {profile.make} {profile.model} ({readers})")


@line_app.command("profile-from")
def profile_from_command(
    transcript: Annotated[Path, typer.Argument(help="A captured terminal session.")],
    make: Annotated[str, typer.Option(help="Who made it.")],
    model: Annotated[str, typer.Option(help="What it is called.")],
    out: Annotated[Path, typer.Option(help="The profile to write, NAME.toml.")],
    kind: Annotated[LineKind, typer.Option(help="What hangs on its ports.")] = LineKind.E1,
) -> None:
    """Make a profile of a captured terminal session, and check it."""
    try:
        raw = transcript.read_text(encoding="utf-8", errors="replace")
        text = profile_from(raw, make=make, model=model, profile_id=out.stem, kind=kind)
        out.write_text(text, encoding="utf-8")
        profile = profiles.load(out)
    except (CaptureError, profiles.ProfileError) as error:
        raise CallerError("line.bad_transcript", f"{transcript}: {error}") from error
    except OSError as error:
        raise CallerError("line.no_file", f"{error.filename}: {error.strerror}.") from error
    section = profile.console.sections[0] if profile.console is not None else None
    found = section is not None and (*section.up, *section.down)
    print(json.dumps({"profile": str(out), "states": found, "fields": sorted(section.fields) if section else []}))


@line_app.command("read")
def read_command(
    profile: Annotated[str, typer.Option(help="A profile's id.")],
    port: Annotated[str, typer.Option(help="Serial device, best by /dev/serial/by-id.")] = "",
    address: Annotated[str, typer.Option(help="HOST:PORT of a terminal server.")] = "",
    user: Annotated[str, typer.Option(help="User of the console.")] = "",
    password: Annotated[str, typer.Option(envvar="CALLBOX_LINE_PASSWORD", help="Its password.")] = "",
    baud: Annotated[int, typer.Option(help="Speed; the profile's if left out.")] = 0,
    folder: Annotated[list[Path] | None, typer.Option(help="Folders with more profiles.")] = None,
    root: Annotated[Path, typer.Option(help="Where the kernel's tree is (DAHDI).")] = Path("/"),
    snmp: Annotated[bool, typer.Option("--snmp", help="Ask the SNMP agent at --address instead of a console.")] = False,
    community: Annotated[str, typer.Option(envvar="CALLBOX_SNMP_COMMUNITY", help="SNMP v2c.")] = "",
    auth_key: Annotated[str, typer.Option(envvar="CALLBOX_SNMP_AUTH_KEY", help="SNMP v3, with --user.")] = "",
    priv_key: Annotated[str, typer.Option(envvar="CALLBOX_SNMP_PRIV_KEY", help="SNMP v3, with --user.")] = "",
) -> None:
    """One reading: a JSON object for each line."""
    try:
        model = profiles.find(profile, *(folder or ()))
    except profiles.ProfileError as error:
        raise CallerError("line.bad_profile", str(error)) from error
    try:
        if model.dahdi:
            lines = DahdiReader(DahdiTree(root, control=root == Path("/"))).lines()
        elif snmp or model.console is None:
            host, _, number = address.partition(":")
            if not host or (number and not number.isdigit()):
                raise CallerError("line.where", f"{address!r} is no HOST or HOST:PORT of an SNMP agent.")
            keys = {"user": user, "auth_key": auth_key, "priv_key": priv_key}
            lines = _snmp_lines(model, SnmpAgent(host, int(number or 161), community=community, **keys))
        else:
            lines = _console_lines(model, _console_port(model, port, address, baud), user, password)
    except ReaderError as error:
        raise BoxError(error.error_id, error.message) from error
    for line in lines:
        print(json.dumps(line_as_dict(line)))
    raise typer.Exit(1 if any(line.up is not True for line in lines) else 0)


@line_app.command("simulate")
def simulate_command(
    profile: Annotated[str, typer.Option(help="A profile's id.")] = "cisco_e1",
    fault: Annotated[list[Fault] | None, typer.Option(help="What it does wrong; may be given several times.")] = None,
    baud: Annotated[int, typer.Option(help="Pace of a real line; 0 = none.")] = 0,
) -> None:
    """Run a simulated card on a pseudo terminal until stopped; prints where it is and how to log in."""
    try:
        data = load_card(profile)
    except KeyError as error:
        raise CallerError("line.no_simulator", str(error.args[0])) from error
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="callbox-line-") as folder:
        card = ConsoleCard(Path(folder), data, bytes_per_s=baud / 10 or None)
        card.faults = set(fault or ())
        card.start()
        login = [step.want for step in data.login]
        print(json.dumps({"port": str(card.path), "profile": profile, "login": login}), flush=True)
        stop.wait()
        card.stop()


@line_app.command("quality")
def quality_command(
    line: Annotated[str, typer.Option(help="One line's name; all if left out.")] = "",
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Quality of each span after G.826 (the last quarter of an hour, 24 hours) and its clock slips after G.822."""
    home = home_from_environment()
    section = read_snapshot(home.hardware_file).sections.get("lines")
    rows = read_history(home.line_history) + running(section.data.get("lines", []) if section else [])
    found = report((row for row in rows if line in ("", row.line_id)), time.time())
    if line and not found:
        raise CallerError("line.unknown", f"Nothing has been counted on {line!r} yet.")
    if as_json:
        print(json.dumps(found))
        return
    for line_id, each in found.items():
        print(f"{line_id}: {json.dumps(each['day'])} slips {json.dumps(each['slips'])}")


@line_app.command("simulate-gateway")
def simulate_gateway_command(
    port: Annotated[int, typer.Option(help="UDP port of its SNMP agent; 0 = a free one.")] = 0,
    profile: Annotated[str, typer.Option(help="ds1_mib: four E1; audiocodes_fxo: four FXO ports.")] = "ds1_mib",
    fault: Annotated[list[Fault] | None, typer.Option(help="What it does wrong; may be given several times.")] = None,
) -> None:
    """Run a simulated gateway that speaks SNMP until stopped; prints where it is and who is let in."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    gateway = SnmpGateway(load_agent(profile), port=port).start()
    gateway.faults = set(fault or ())
    print(json.dumps({"address": f"127.0.0.1:{gateway.port}", "community": gateway.community, "user": gateway.user,
                      "auth_key": gateway.auth_key, "priv_key": gateway.priv_key}), flush=True)  # fmt: skip
    stop.wait()
    gateway.stop()


def line_as_dict(line: LineStatus) -> dict[str, object]:
    """A status as plain values, sets sorted."""
    return dataclasses.asdict(line) | {"alarms": sorted(line.alarms)}


def _console_port(model: profiles.Profile, port: str, address: str, baud: int) -> SerialPort | TcpPort:
    if model.console is None:
        raise CallerError("line.no_console", f"{model.id} is read by {', '.join(model.readers)}, not on a console.")
    if bool(port) == bool(address):
        raise CallerError("line.where", "Name a --port or an --address; not both.")
    if port:
        return SerialPort(port, baud or model.console.baud)
    host, _, number = address.rpartition(":")
    if not host or not number.isdigit():
        raise CallerError("line.where", f"{address!r} is no HOST:PORT.")
    return TcpPort(host, int(number))


def _snmp_lines(model: profiles.Profile, agent: SnmpAgent) -> tuple[LineStatus, ...]:
    reader = SnmpReader(agent.host, agent, model)
    try:
        return reader.lines()
    finally:
        reader.close()


def _console_lines(
    model: profiles.Profile, port: SerialPort | TcpPort, user: str, password: str
) -> tuple[LineStatus, ...]:
    lock_dir = Path("/run/lock") if Path("/run/lock").is_dir() else Path(tempfile.gettempdir())
    session = Session(Console(port, user=user, password=password, lock_dir=lock_dir), model)
    reader = ConsoleReader(port.name, session, model)
    try:
        return reader.lines()
    finally:
        reader.close()
