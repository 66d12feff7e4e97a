"""The line test as commands of `watch`, for the web."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from appliance import commands as cmd
from appliance.commands import Command, Done, UserCommand
from appliance.types import Permission
from appliance.watch.line_test import LineTester

Handlers = dict[type[Command], Callable[[Any], Awaitable[Done]]]


Noted = Callable[[UserCommand, str, str, dict[str, Any]], Awaitable[None]]
"""(command, action, subject, detail): one line in the audit log."""


def handlers(
    tester: LineTester, require: Callable[[str, Permission], None], name_of: Callable[[str], str], timezone: str,
    noted: Noted,
) -> Handlers:
    """Command -> what answers it; each checks the actor's permission (`require` raises NotAllowedError).

    `name_of`: what a user is called, for the report.
    """

    async def begin(command: cmd.BeginLineTest) -> Done:
        require(command.actor_id, Permission.HARDWARE_WRITE)
        view = await asyncio.to_thread(
            tester.begin, command.pair, command.resource, by=name_of(command.actor_id), profile_id=command.profile,
            simulate=command.simulate,
        )  # fmt: skip
        await noted(command, "line_test.begin", command.pair, {"simulate": command.simulate, "meter": view["resource"]})
        return Done(id=view["id"], data=view)

    async def act(command: cmd.ActOnLineTest) -> Done:
        require(command.actor_id, Permission.HARDWARE_WRITE)
        view = await asyncio.to_thread(tester.act, command.test_id, command.event)
        if view.get("kept"):
            await noted(command, "line_test.result", view["pair"], {"test": command.test_id})
        return Done(id=command.test_id, data=view)

    async def show(command: cmd.ShowLineTests) -> Done:
        require(command.actor_id, Permission.HARDWARE_READ)
        return Done(data=await asyncio.to_thread(tester.show, command.pair))

    async def report(command: cmd.LineTestReport) -> Done:
        require(command.actor_id, Permission.HARDWARE_READ)
        pdf, name = await asyncio.to_thread(report_of, tester, command.test_id, command.language, timezone)
        return Done(id=command.test_id, data={"pdf_base64": base64.b64encode(pdf).decode(), "file_name": name})

    return {
        cmd.BeginLineTest: begin, cmd.ActOnLineTest: act, cmd.ShowLineTests: show, cmd.LineTestReport: report,
    }  # fmt: skip


def report_of(tester: LineTester, test_id: str, language: str, timezone: str) -> tuple[bytes, str]:
    """The signed report of a test and a name for its file. Raises NotFoundError `line_test.unknown`."""
    from appliance.watch.line_test_report import write_report  # fonts and layout are not wanted before

    result = tester.book.result(test_id)
    visits = tester.book.results(result.pair)
    pdf = write_report(result, visits, tester.key, language=language, timezone=timezone)
    day = datetime.fromtimestamp(result.at_unix_s, ZoneInfo(timezone)).strftime("%Y%m%d-%H%M")
    return pdf, f"line-test-{re.sub(r'[^A-Za-z0-9]+', '_', result.pair).strip('_') or 'pair'}-{day}.pdf"
