"""Everything the pages do can be done by the API: all their routes are walked through, and one too many is an error.

What a page changes is not listed here but found: the commands that its view names, also by way of what it calls.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.routing import Rule

from appliance import commands
from appliance.commands import EditCommand, UserCommand
from tests.sim.web.fakes import FakeBox
from webui.access import access_of
from webui.api.v1.nouns import NOT_OFFERED, OPERATIONS

pytestmark = pytest.mark.sim

NOTHING_CHANGES = {
    "auth.log_in": "a program has its key",
    "auth.log_out": "a program has its key",
    "board.choose_seat": "the phone a browser's session listens with; PUT /agents/{agent_id}/supervision names one",
    "forms.preview": "draws what was typed",
    "imports.send": "POST /uploads",
    "knowledge.preview": "draws what was typed",
    "roles.see_as": "a look at the pages as another role has them",
    "scripts.preview": "draws what was typed",
    "setup.administrator": "the first user is made by a person with the one-time link",
}
"""Routes that take something and give no command, and why no operation answers to them."""

OF_A_PERSON = {
    "auth.language": "PATCH /me", "auth.theme": "PATCH /me", "setup.set_language": "PATCH /me",
    "auth.preferences": "PATCH /me; the password is the person's own, not a program's",
    "auth.second_factor_off": "the second factor is the person's own, not a program's",
    "wizard.save": "each step's command is offered to who may give it by itself",
}  # fmt: skip
"""Routes whose permission is not that of the operation with the same command, and why."""

SHOWN: dict[str, str] = {
    "agent": "/me/desk", "alerts": "/alerts", "announcements": "/announcements", "audit": "/audit",
    "auth": "/me", "backup": "/backups", "board": "/room", "calibrations": "/calibrations",
    "campaigns": "/campaigns", "cti": "no: a link for the browser's own use", "disks": "/disks",
    "do_not_call": "/do-not-call", "exports": "/jobs/{id}/file", "forms": "/campaigns/{campaign_id}/form",
    "heard": "/heard/doubtful", "home": "no: figures of other pages together", "imports": "/imports",
    "knowledge": "/articles/{id}/versions", "line_cards": "/line-cards", "line_profiles": "no: a form",
    "line_test": "/line-tests", "lines": "/lines", "metrics": "no: figures for Prometheus, with a key",
    "missed": "/inbound-calls", "numbers": "/numbers", "pace": "/campaigns/{id}", "people": "/contacts/{contact_id}",
    "people_fields": "/contact-fields", "phones": "no: what a desk phone fetches for itself",
    "quality": "/scoring-tasks",
    "quality_results": "/evaluation-results", "queues": "/queues", "recording_packs": "/recording-packs/{id}/file",
    "recordings": "/recordings/{id}/audio", "reports": "/reports/figures",
    "resets": "no: a person stands before the box",
    "retention": "/retention", "roles": "/roles", "rules": "/rules", "sampling_plans": "/sampling-plans",
    "saved_reports": "/reports/saved", "scorecards": "/scorecards", "scores": "/evaluations",
    "scripts": "/campaigns/{campaign_id}/script", "seats": "/seats", "settings": "/settings",
    "setup": "no: before the first user", "stream": "no: the pages' own events; programs have webhooks",
    "system": "/services/{name}/log", "test_calls": "no: POST /test-calls/{id} asks how it goes", "tokens": "/tokens",
    "trunks": "/trunks", "updates": "/updates", "users": "/users", "wall": "/room", "webhooks": "/webhooks",
    "wizard": "no: its steps show what other pages do",
}  # fmt: skip
"""What reads by the API what the pages of a blueprint show; `no:` and why there is nothing to read."""


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _codes(inner)


def _named(view: types.FunctionType) -> Iterator[Any]:
    """All that a function of ours names: of its own module, of modules of ours, of the commands."""
    names = {name for code in _codes(view.__code__) for name in code.co_names}
    known = view.__globals__
    modules = [known[name] for name in names if isinstance(known.get(name), types.ModuleType)]
    ours = [module for module in modules if module.__name__.startswith(("webui", "appliance.commands"))]
    for name in names:
        yield known.get(name)
        yield from (vars(module).get(name) for module in ours)


def _given(view: Any, seen: set[Any] | None = None) -> set[type[UserCommand]]:
    """The commands that a view may give, also by the functions and tables that it names."""
    seen = set() if seen is None else seen
    view = inspect.unwrap(view)
    if view in seen:
        return set()
    seen.add(view)
    found, things = set(), list(_named(view))
    while things:
        thing = things.pop()
        if isinstance(thing, type) and issubclass(thing, UserCommand):
            found.add(thing)
        elif isinstance(thing, types.FunctionType) and thing.__module__.startswith("webui"):
            found |= _given(thing, seen)
        elif isinstance(thing, dict):
            things += thing.values()
        elif isinstance(thing, tuple | list | set | frozenset):
            things += thing
    return found - {UserCommand, EditCommand}


def _pages(box: FakeBox) -> list[Rule]:
    return [rule for rule in box.app.url_map.iter_rules() if not rule.endpoint.startswith(("api_v1.", "static"))]


@pytest.fixture(scope="module")
def changing(box: FakeBox) -> dict[str, set[type[UserCommand]]]:
    """Endpoint -> commands, of every route that takes something."""
    return {
        rule.endpoint: _given(box.app.view_functions[rule.endpoint])
        for rule in _pages(box) if (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
    }  # fmt: skip


def test_what_a_page_changes_the_api_changes(changing: dict[str, set[type[UserCommand]]]) -> None:
    placed = {one.command for one in OPERATIONS if one.command and not one.path.startswith("/commands/")}
    missing = {
        endpoint: [one.__name__ for one in found if one not in placed and one not in NOT_OFFERED]
        for endpoint, found in changing.items()
    }
    assert {endpoint: names for endpoint, names in missing.items() if names} == {}
    assert {endpoint for endpoint, found in changing.items() if not found} == set(NOTHING_CHANGES)
    assert commands.SaveCampaign in changing["campaigns.edit"], "commands are found"


def test_whoever_may_change_it_on_a_page_may_by_the_api(
    box: FakeBox, changing: dict[str, set[type[UserCommand]]]
) -> None:
    shut = set()
    for endpoint, found in changing.items():
        access = access_of(box.app, endpoint)
        assert access is not None
        for command in found - set(NOT_OFFERED):
            doors = [one.needs for one in OPERATIONS if one.command is command]
            for permission in access.permissions or {None}:
                if not any(not needs or permission in needs for needs in doors):
                    shut.add(endpoint)
    assert shut == set(OF_A_PERSON)


def test_what_a_page_shows_the_api_reads(box: FakeBox) -> None:
    readable = {one.path for one in OPERATIONS if one.method == "GET"}
    shown = {rule.endpoint.partition(".")[0] for rule in _pages(box) if "GET" in (rule.methods or set())}
    assert shown == set(SHOWN)
    assert {name: path for name, path in SHOWN.items() if path not in readable and not path.startswith("no: ")} == {}
