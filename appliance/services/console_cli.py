"""`callbox console [ENTRY ...]`: the technician's menu, or one entry of it."""

from __future__ import annotations

import typer

from appliance.home import home_from_environment
from appliance.services.console import run


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""

    @app.command("console", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
    def console_command(context: typer.Context) -> None:
        """The technician's menu, as on the serial line; with words, one entry of it ("console lines")."""
        raise typer.Exit(run(home_from_environment(), list(context.args)))
