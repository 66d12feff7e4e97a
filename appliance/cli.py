"""The command line (DESIGN, section 7): wiring only. Reports go to stdout, everything else to stderr.

Exit status: 0 success, 1 the box found a fault, 2 wrong use.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from appliance.errors import CallboxError, CallerError
from appliance.logs import configure
from appliance.settings import home_from_environment

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
bench_app = typer.Typer(no_args_is_help=True, help="Figures: each prints one JSON object with --json.")
app.add_typer(bench_app, name="bench")


@app.command("run")
def run_command(
    bench: Annotated[bool, typer.Option("--bench", help="Add the simulated exchange and phones.")] = False,
) -> None:
    """Run the whole box in the foreground."""
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


def _register() -> None:
    from appliance.bench import calls, demo, detector
    from appliance.bench import store as bench_store
    from appliance.services import detect_cli, import_cli, office_cli

    detect_cli.register(app)
    import_cli.register(app)
    office_cli.register(app)
    demo.register(app)
    for module in (calls, detector, bench_store):
        module.register(bench_app)


def main() -> None:
    """Entry point of `callbox`."""
    configure("callbox", level="WARNING")
    _register()
    try:
        app(standalone_mode=True)
    except CallboxError as error:
        wrong_use = isinstance(error, CallerError)
        if "--json" in sys.argv:
            print(json.dumps({"error_id": error.error_id, "message": error.message}))
        print(f"callbox: {error.message}", file=sys.stderr)
        sys.exit(2 if wrong_use else 1)


if __name__ == "__main__":
    main()
