"""Queues of callers as configuration. Synchronous; every change and its audit line are one transaction."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import commands
from appliance.commands import Done
from appliance.domain.inbound_config import Overflow, QueueConfig, parse_queue
from appliance.errors import NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.store import versions
from appliance.store.models import Campaign, Queue
from appliance.store.repositories import users
from appliance.types import Permission

_NAME_MAX = 120
Fault = tuple[str, str, str]


class CallerQueues:
    """Answers SaveQueue and RemoveQueue."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def save(self, command: commands.SaveQueue) -> Done:
        """Make or change a queue."""
        name = command.name.strip()
        faults: list[Fault] = []
        if not 1 <= len(name) <= _NAME_MAX:
            faults.append(("name", "queue.bad_name", f"Give the queue a name of at most {_NAME_MAX} characters."))
        config = None
        try:
            config = parse_queue(command.config)
        except ValidationErrors as error:
            faults += error.errors
        now = self._context.clock.now()
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.CAMPAIGNS_WRITE)
            faults += self._conflicts(session, command.id, name, config)
            if faults or config is None:
                raise ValidationErrors(faults)
            queue = session.get(Queue, command.id) if command.id else Queue(id=new_id(), created_at=now)
            if queue is None:
                raise _unknown(command.id or "")
            if command.id:
                versions.check(session, command, f"queue:{queue.id}", queue)
            queue.name, queue.config, queue.enabled = name, config.model_dump(mode="json"), command.enabled
            session.add(queue)
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address,
                action="queue.saved" if command.id else "queue.made", subject=f"queue:{queue.id}",
                detail={"name": name, "numbers": config.numbers, "enabled": command.enabled},
            )  # fmt: skip
            queue_id = queue.id
        self._context.changed("queue", queue_id)
        return Done(id=queue_id)

    @staticmethod
    def _conflicts(session: Session, queue_id: str | None, name: str, config: QueueConfig | None) -> list[Fault]:
        """A name and a called number belong to one queue; what is named must be there."""
        faults: list[Fault] = []
        others = [row for row in session.scalars(select(Queue)) if row.id != queue_id]
        if any(row.name == name for row in others):
            faults.append(("name", "queue.name_taken", f"There is already a queue '{name}'."))
        if config is None:
            return faults
        taken = {number: row.name for row in others if row.enabled for number in row.config.get("numbers", [])}
        faults += [
            ("numbers", "queue.number_taken", f"{number} belongs to the queue '{taken[number]}' already.")
            for number in config.numbers
            if number in taken
        ]
        if not config.numbers and any(row.enabled and not row.config.get("numbers") for row in others):
            faults.append(("numbers", "queue.rest_taken", "Another queue takes all other numbers already."))
        if config.overflow is Overflow.QUEUE and config.overflow_queue not in {row.id for row in others}:
            faults.append(("overflow_queue", "queue.no_other", "Choose another queue."))
        if config.campaign_id and session.get(Campaign, config.campaign_id) is None:
            faults.append(("campaign_id", "campaign.unknown", "This campaign is not there any more."))
        return faults

    def remove(self, command: commands.RemoveQueue) -> Done:
        """Take a queue away; calls that came in stay in the books."""
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.CAMPAIGNS_WRITE)
            queue = session.get(Queue, command.id)
            if queue is None:
                raise _unknown(command.id)
            session.delete(queue)
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="queue.removed", subject=f"queue:{command.id}", detail={"name": queue.name},
            )  # fmt: skip
        self._context.changed("queue", command.id)
        return Done(id=command.id)


def _unknown(queue_id: str) -> NotFoundError:
    return NotFoundError("queue.unknown", "There is no such queue.", queue=queue_id)
