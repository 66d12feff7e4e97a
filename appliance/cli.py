"""The command line (DESIGN, section 7): wiring only. Reports go to stdout, everything else to stderr.

Exit status: 0 success, 1 the box found a fault, 2 wrong use.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
from typing import Annotated

import typer

from appliance.errors import CallboxError, CallerError
from appliance.logs import configure
from appliance.settings import home_from_environment

_WRONG_USE = 2
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
bench_app = typer.Typer(no_args_is_help=True, help="Figures: each prints one JSON object with --json.")
app.add_typer(bench_app, name="bench")


@app.command("run")
def run_command(
    bench: Annotated[bool, typer.Option("--bench", help="Add the simulated exchange and phones.")] = False,
    device: Annotated[bool, typer.Option("--device", help="The device's worker group, under systemd.")] = False,
) -> None:
    """Run the whole box in the foreground."""
    if device:
        from appliance.watch.device import run as run_device

        run_device(home_from_environment())
    from appliance.services.run import run

    raise typer.Exit(run(home_from_environment(), bench=bench))


@app.command("prepare")
def prepare_command(
    bench: Annotated[bool, typer.Option("--bench", help="Make the bench's sounds too.")] = False,
) -> None:
    """Make the home folder ready: database, keys, certificates (set-up and `run` do this by themselves)."""
    from appliance.services.run import prepare

    home = home_from_environment()
    if bench:
        from appliance.bench.sounds import ensure_sounds

        ensure_sounds(home)
    else:
        prepare(home)


@app.command("health")
def health_command(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """What is broken, and what to do about it (exit 1 when something is)."""
    from appliance.services.health import print_health

    raise typer.Exit(print_health(home_from_environment(), as_json=as_json))


# Which module brings which commands. Only the module of the command that was given is imported: numpy, the SIP library
# and the database take a second together, and most commands need one of them at most.
_COMMANDS = {
    "appliance.services.detect_cli": ("detect",),
    "appliance.services.ear_cli": ("ear",),
    "appliance.services.enrol_cli": ("enrol", "library"),
    "appliance.services.alert_cli": ("alert",),
    "appliance.services.backup_cli": ("backup", "restore"),
    "appliance.services.update_cli": ("update", "factory-reset", "decommission"),
    "appliance.services.console_cli": ("console",),
    "appliance.services.diag": ("diag",),
    "appliance.services.import_cli": ("import",),
    "appliance.services.line_test_cli": ("line-test",),
    "appliance.services.lines_cli": ("line",),
    "appliance.services.numbers_cli": ("numbers",),
    "appliance.services.office_cli": ("user", "seat", "trunk", "campaign", "audit", "recordings", "retention"),
    "appliance.services.train_cli": ("train-ear",),
    "appliance.services.why_cli": ("why",),
    "appliance.bench.demo": ("demo",),
}
_FIGURES = {
    "appliance.bench.calls": ("calls", "short-calls"),
    "appliance.bench.compliance": ("compliance",),
    "appliance.bench.console": ("console",),
    "appliance.bench.detector": ("detector",),
    "appliance.bench.drivers": ("drivers",),
    "appliance.bench.ear": ("ear",),
    "appliance.bench.pacing": ("pacing",),
    "appliance.bench.soak": ("soak",),
    "appliance.bench.reports": ("reports",),
    "appliance.bench.search": ("search",),
    "appliance.bench.store": ("store",),
    "appliance.bench.web": ("web",),
}


def _register(words: list[str]) -> None:
    """Add the commands that `words` (the command line) may mean: one module's, or all of a group for its help."""
    named = [word for word in words if not word.startswith("-")]
    command, figure = [*named, "", ""][:2]
    if command == "bench":
        _add(_FIGURES, bench_app, figure)
    elif command not in {own.name for own in app.registered_commands}:
        _add(_COMMANDS, app, command)


def _add(table: dict[str, tuple[str, ...]], target: typer.Typer, wanted: str) -> None:
    known = any(wanted in names for names in table.values())
    for module, names in table.items():
        if wanted in names or not known:
            importlib.import_module(module).register(target)


def main() -> None:
    """Entry point of `callbox`."""
    configure("callbox", level="WARNING")
    # being told to stop unwinds like any other end: private boxes are stopped, temporary homes removed
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        _register(sys.argv[1:])
        app(standalone_mode=True)
    except SystemExit as end:
        if end.code == _WRONG_USE and "--json" in sys.argv:  # stderr has the parser's words
            print(json.dumps({"error_id": "cli.usage", "message": "Wrong use of the command; see --help."}))
        raise
    except CallboxError as error:
        wrong_use = isinstance(error, CallerError)
        if "--json" in sys.argv:
            print(json.dumps({"error_id": error.error_id, "message": error.message}))
        print(f"callbox: {error.message}", file=sys.stderr)
        sys.exit(_WRONG_USE if wrong_use else 1)


if __name__ == "__main__":
    main()
