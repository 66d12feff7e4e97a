"""The commands of the service `jobs`: what is done at once, and what becomes a job in the queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from appliance import commands
from appliance.commands import Command, Done
from appliance.errors import CallerError
from appliance.jobs.context import Context
from appliance.jobs.queue import WorkQueue
from appliance.jobs.retention import Retention
from appliance.store.repositories import users
from appliance.types import Permission


class Desk:
    """Answers the commands of the service `jobs`; safe to call from several threads."""

    def __init__(self, context: Context, queue: WorkQueue) -> None:
        self._context = context
        self._queue = queue
        self._methods: dict[type[Command], Callable[[Any], Done]] = {
            commands.RunRetention: self._run_retention,
        }

    def handle(self, command: Command) -> Done:
        """Carry out or enqueue one command; raises CallboxError."""
        method = self._methods.get(type(command))
        if method is None:
            name = type(command).__name__
            raise CallerError("jobs.unknown_command", f"Jobs do not know the command {name}.", command=name)
        return method(command)

    def _run_retention(self, command: commands.RunRetention) -> Done:
        with self._context.store.read() as session:
            users.require(session, command.actor_id, Permission.RECORDINGS_RETAIN)
        found = Retention(self._context).run(command.actor_id, command.actor_address, dry_run=command.dry_run)
        return Done(data=found)
