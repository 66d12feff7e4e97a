"""The steps of the first set-up as data; what is behind is kept by the office, so that any browser goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for
from flask_babel import lazy_gettext as _l

from appliance.commands import FinishSetUpStep
from appliance.store.read import set_up
from webui.box import ask, store


@dataclass(frozen=True)
class Step:
    """One step. `needs`: the endpoint of a service without which it stays hidden; `optional`: nobody is led to it."""

    name: str
    title: Any
    hint: Any
    needs: str = ""
    optional: bool = False


STEPS = (
    Step(
        "restore", _l("From a backup"), _l("Take over the settings of another box."), needs="backup.restore",
        optional=True,
    ),
    Step("account", _l("Your account"), _l("A second factor keeps the account yours when the password is seen.")),
    Step("network", _l("Network and time"), _l("Where the box is found, and which clock it goes by.")),
    Step("disks", _l("Disks"), _l("Are they healthy, and do they hold the recordings you want to keep?")),
    Step("cards", _l("Cards"), _l("The gateways and line cards that carry the lines.")),
    Step("trunks", _l("Trunks"), _l("The lines to the exchange, and a first call through them.")),
    Step("seats", _l("Seats"), _l("A place with a phone for each agent.")),
    Step("recording", _l("Recordings"), _l("How long they are kept.")),
    Step("rules", _l("Rules"), _l("What the law says about calling people, by country.")),
    Step("campaign", _l("Test campaign"), _l("Three numbers, from the list to the result.")),
    Step("hand_over", _l("Hand-over"), _l("What was set up and tested, to sign and to keep.")),
)


@dataclass(frozen=True)
class Place:
    """A step and how it stands: done | skipped | open."""

    step: Step
    state: str

    @property
    def url(self) -> str:
        return url_for("wizard.show", name=self.step.name)


def shown() -> list[Step]:
    """The steps whose service is there."""
    return [step for step in STEPS if not step.needs or step.needs in current_app.view_functions]


def places() -> list[Place]:
    """All shown steps with their state."""
    known = set_up.steps(store())

    def state(name: str) -> str:
        found = known.get(name)
        return "open" if found is None else "done" if found.done else "skipped"

    return [Place(step, state(step.name)) for step in shown()]


def find(name: str) -> Step | None:
    """A shown step by name."""
    return next((step for step in shown() if step.name == name), None)


def first_open() -> str | None:
    """The first step that was neither done nor left out; None: all are behind."""
    return next((place.step.name for place in places() if place.state == "open" and not place.step.optional), None)


def unfinished() -> bool:
    """Whether the box is still being set up: nobody has reached the hand-over."""
    known = set_up.steps(store())
    return "hand_over" not in known


def after(name: str) -> str:
    """URL of the step that follows."""
    names = [step.name for step in shown()]
    at = names.index(name) + 1
    return url_for("wizard.show", name=names[at]) if at < len(names) else url_for("home.entry")


def finish(name: str, *, skipped: bool = False, **data: Any) -> None:
    """Note a step. Raises CallboxError."""
    ask(FinishSetUpStep, step=name, skipped=skipped, data=data)


def data_of(name: str) -> dict[str, Any]:
    """What a step left for the report."""
    found = set_up.steps(store()).get(name)
    return found.data if found else {}
