"""Commands on the bus (request and reply): the one declaration of what one service may ask of another.

Subject `callbox.<cell>.cmd.<service>`; `service` is `switch` (Originate), `conversation.<id>` (one living worker),
`engine` (live state: campaigns, agents), `office` (accounts, configuration, audit: served by jobs), `jobs`
(imports, archive, retention, reports), `watch` (alerts), `privd`. Each command names its service in `SERVICE`.
A command is answered by its `Reply` type or by `Failure`. Commands are never redelivered by the bus.

One module for each that answers; a command is declared there once and found here (star imports, so that a new one
needs no second list).
"""

from __future__ import annotations

from appliance.commands import (
    accounts,
    base,
    care,
    configuration,
    content,
    customers,
    engine,
    hearing,
    integration,
    jobs,
    quality,
    switch,
    watch,
)
from appliance.commands.accounts import *  # noqa: F403
from appliance.commands.base import *  # noqa: F403
from appliance.commands.base import Command
from appliance.commands.care import *  # noqa: F403
from appliance.commands.configuration import *  # noqa: F403
from appliance.commands.content import *  # noqa: F403
from appliance.commands.customers import *  # noqa: F403
from appliance.commands.engine import *  # noqa: F403
from appliance.commands.hearing import *  # noqa: F403
from appliance.commands.integration import *  # noqa: F403
from appliance.commands.jobs import *  # noqa: F403
from appliance.commands.quality import *  # noqa: F403
from appliance.commands.switch import *  # noqa: F403
from appliance.commands.watch import *  # noqa: F403

COMMANDS: tuple[type[Command], ...] = tuple(
    declared
    for module in (
        accounts, base, care, configuration, content, customers, engine, hearing, integration, jobs, quality, switch,
        watch,
    )
    for declared in vars(module).values()
    if isinstance(declared, type) and issubclass(declared, Command) and declared.__module__ == module.__name__
    if declared.SERVICE
)
