"""What a person decides about a number: to dial it again, to let it rest, or to give it up."""

from __future__ import annotations

from appliance import commands
from appliance.commands import Done
from appliance.domain.numbers import NotANumber, parse_number
from appliance.errors import CallerError, ValidationErrors
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.logs import mask
from appliance.store.repositories import leads, numbers, users
from appliance.types import NumberState, Permission


class NumberStates:
    """Synchronous, safe to call from several threads."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def save(self, command: commands.SetNumberState) -> Done:
        """Write the decision; reply data {leads}: those that wait again because their number is good again.

        Raises ValidationErrors for what is no telephone number, CallerError `number.unknown_state`.
        """
        read = parse_number(command.number, self._context.settings.dialling.default_region)
        if isinstance(read, NotANumber):
            raise ValidationErrors([("number", f"number.{read.problem}", "This is no number that can be dialled.")])
        if command.state not in set(NumberState):
            raise CallerError("number.unknown_state", f"Use one of {', '.join(NumberState)}.", state=command.state)
        number, now, state = read.e164, self._context.clock.now(), NumberState(command.state)
        reason = command.reason.strip()[:60] or "by_hand"
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.LISTS_IMPORT)
            numbers.decide(session, number, state, reason, now)
            back = leads.take_back(session, number, now) if state is NumberState.GOOD else 0
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address,
                action=f"number.{state}", subject=f"number:{mask(number)}", detail={"reason": reason, "leads": back},
            )  # fmt: skip
        if back:
            self._context.changed("campaign", "")
        return Done(id=number, data={"leads": back})
