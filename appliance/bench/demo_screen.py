"""The demo's progress on stderr: what is being done, and the campaign's figures while it runs."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from appliance.events import LiveCampaign

_PLAIN_EVERY_S = 10.0


class DemoScreen:
    """A bar and a line of figures on a terminal; a line every ten seconds where there is none."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )
        self._task = self._progress.add_task("demo", total=None)
        self._figures = Text("")
        self._live = Live(Group(self._progress, self._figures), console=console, transient=True)
        self._said = ""
        self._last_plain_s = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def say(self, what: str) -> None:
        """What is being done now."""
        self._progress.update(self._task, description=what)
        if not self._console.is_terminal and what != self._said:
            self._said = what
            self._console.print(what, highlight=False)

    def show(self, campaign: LiveCampaign) -> None:
        """The campaign's figures."""
        closed = campaign.leads_done + campaign.leads_retired
        self._progress.update(self._task, description="dialling", completed=closed, total=campaign.leads_total)
        line = (
            f"dialling {campaign.dialling_now}  talking {campaign.talking_now}  live {campaign.live_answers}  "
            f"connected {campaign.connected}  abandoned {campaign.abandoned}"
        )
        outcomes = "  ".join(f"{name} {count}" for name, count in sorted(campaign.outcomes.items()))
        self._figures.plain = f"{line}\n{outcomes}"
        if not self._console.is_terminal and time.monotonic() - self._last_plain_s > _PLAIN_EVERY_S:
            self._last_plain_s = time.monotonic()
            self._console.print(f"{closed}/{campaign.leads_total} numbers done; {line}", highlight=False)
