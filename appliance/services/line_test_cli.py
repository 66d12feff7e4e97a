"""`callbox line-test`: measure a pair with a SCPI meter, signed reports, trends, simulated instruments. Wiring only."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.commands import Audit
from appliance.errors import BoxError, CallerError
from appliance.settings import home_from_environment, load_settings
from appliance.types import LOCAL_ACTOR
from appliance.watch.box_key import verify_document
from appliance.watch.line_test import LineTester, result_as_dict
from appliance.watch.line_test_commands import report_of
from drivers.instruments.simulator import LanInstrument, SerialInstrument, meter_brain, tester_brain
from drivers.simkit.faults import Fault

_JSON = typer.Option("--json", help="One JSON object.")
line_test_app = typer.Typer(no_args_is_help=True, help="Line test: a pair or span measured with an instrument.")


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(line_test_app, name="line-test")


def _tester() -> LineTester:
    home = home_from_environment()
    home.make()
    return LineTester(home)


@line_test_app.command("run")
def run_command(
    pair: Annotated[str, typer.Option(help="Name of the pair or span, as on the frame.")],
    resource: Annotated[str, typer.Option(help="VISA name; the setting hardware.meter if left out.")] = "",
    profile: Annotated[str, typer.Option(help="Instrument: see `line-test profiles`.")] = "scpi_meter",
    simulate: Annotated[bool, typer.Option("--simulate", help="A simulated instrument on a healthy pair.")] = False,
    unattended: Annotated[bool, typer.Option("--unattended", help="Only with --simulate: answers itself.")] = False,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Measure step by step; exit 1 when a figure is not in order."""
    from appliance.services.line_test_talk import measure, say_figures

    if unattended and not simulate:
        raise CallerError("line_test.unattended", "A real line is measured with a technician only: leave --unattended.")
    resource = resource or load_settings(home_from_environment()).hardware.meter
    if not resource and not simulate:
        raise CallerError("line_test.no_meter", "Name the instrument: --resource, or the setting hardware.meter.")

    def say(line: str) -> None:
        print(line, file=sys.stderr if as_json else sys.stdout, flush=True)

    def ask(question: str) -> str:
        if unattended:
            return "yes" if "yes:" in question else ""
        say(question.rstrip())
        typed = sys.stdin.readline()
        return typed if typed else "abort"

    result = measure(
        _tester(), pair, resource, ask, say, by=LOCAL_ACTOR, profile_id=profile, simulate=simulate
    )
    _note(pair.strip(), result)
    if not result:
        raise BoxError("line_test.nothing", "Nothing was measured, nothing is kept.")
    say_figures(result["figures"], say)
    print(json.dumps(result) if as_json else f"{result['pair']}: {result['verdict']}, test {result['id']}")
    raise typer.Exit(1 if result["verdict"] == "bad" else 0)


def _note(pair: str, result: dict[str, Any]) -> None:
    """A line in the audit log; a folder that is no box yet has none."""
    from appliance.services.office_client import client

    home = home_from_environment()
    if not home.database.exists() and not load_settings(home).store.url:
        return
    with client(home, quiet=True) as box:
        detail = {"test": str(result.get("id", "")), "at": "command line"}
        action = "line_test.result" if result else "line_test.begin"
        box.ask(Audit(actor_id=LOCAL_ACTOR, action=action, subject=pair, detail=detail))


def _results(tester: LineTester, pair: str) -> list[dict[str, Any]]:
    found = tester.book.results(pair.strip())
    return [result_as_dict(result, found) for result in found]


@line_test_app.command("list")
def list_command(
    pair: Annotated[str, typer.Option(help="Only this pair.")] = "", as_json: Annotated[bool, _JSON] = False
) -> None:
    """Results, newest first, with the change of each figure against earlier visits."""
    from appliance.services.line_test_talk import say_figures

    for result in _results(_tester(), pair):
        if as_json:
            print(json.dumps(result))
            continue
        print(f"{result['id']} {result['pair']} {result['verdict']}{' SIMULATED' if result['simulated'] else ''}")
        say_figures(result["figures"], print)


@line_test_app.command("report")
def report_command(
    out: Annotated[Path, typer.Option(help="The PDF to write; a folder: named after pair and day.")],
    test: Annotated[str, typer.Option(help="A test's id.")] = "",
    pair: Annotated[str, typer.Option(help="The newest test of this pair.")] = "",
    language: Annotated[str, typer.Option(help="en, zh or ru.")] = "en",
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Write the signed report."""
    tester = _tester()
    if bool(test) == bool(pair):
        raise CallerError("line_test.which", "Name a --test or a --pair; not both.")
    if pair:
        results = tester.book.results(pair.strip())
        if not results:
            raise CallerError("line_test.unknown", f"There is no result of {pair}.")
        test = results[0].id
    timezone = load_settings(home_from_environment()).dialling.timezone
    pdf, name = report_of(tester, test, language, timezone)
    path = out / name if out.is_dir() else out
    try:
        path.write_bytes(pdf)
    except OSError as error:
        raise CallerError("line_test.not_written", f"{path}: {error.strerror}.") from error
    print(json.dumps({"file": str(path), "test": test, "key": tester.key.public}) if as_json else path)


@line_test_app.command("verify")
def verify_command(
    file: Annotated[Path, typer.Argument(help="A report.")],
    key: Annotated[str, typer.Option(help="The key it must bear; this box's if left out.")] = "",
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Check a report's signature; exit 1 when it was changed or is another box's."""
    try:
        signature = verify_document(file.read_bytes())
    except OSError as error:
        raise CallerError("line_test.no_file", f"{file}: {error.strerror}.") from error
    except CallerError as error:  # the file was readable: that it is not genuine is the finding, not wrong use
        raise BoxError(error.error_id, f"{file}: {error.message}") from error
    wanted = key.strip().lower() or _tester().key.public
    if signature.key != wanted:
        raise BoxError("signature.other_key", f"{file}: unchanged, but signed by another box ({signature.key}).")
    facts = {"valid": True, "key": signature.key, "sha256": signature.sha256}
    print(json.dumps(facts) if as_json else f"{file}: unchanged, signed by {signature.key}")


@line_test_app.command("profiles")
def profiles_command(as_json: Annotated[bool, _JSON] = False) -> None:
    """Instruments that are known, and what each measures."""
    for profile in _tester().profiles().values():
        row = {
            "id": profile.id, "make": profile.make, "model": profile.model, "kind": profile.kind,
            "measures": sorted(profile.queries), "sources": profile.sources, "note": profile.note,
        }  # fmt: skip
        print(json.dumps(row) if as_json else f"{profile.id:16} {profile.make} {profile.model}. {profile.note}")


@line_test_app.command("simulate")
def simulate_command(
    serial: Annotated[bool, typer.Option("--serial", help="On a pseudo terminal instead of TCP.")] = False,
    e1: Annotated[bool, typer.Option("--e1", help="An E1 tester instead of a multimeter.")] = False,
    fault: Annotated[list[Fault] | None, typer.Option(help="hang, noise, other_card, new_words or reboot.")] = None,
) -> None:
    """Run a simulated instrument until stopped; prints its VISA name."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    brain = tester_brain() if e1 else meter_brain()
    brain.faults = set(fault or ())
    with tempfile.TemporaryDirectory(prefix="callbox-instrument-") as folder:
        device = SerialInstrument(Path(folder), brain) if serial else LanInstrument(brain)
        device.start()
        print(json.dumps({"resource": device.resource, "profile": "sim_e1_tester" if e1 else "scpi_meter"}), flush=True)
        stop.wait()
        device.stop()
