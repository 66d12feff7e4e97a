"""Who may do what by the API: every operation for nobody, for keys with and without its permission, for every role."""

from __future__ import annotations

import pytest

from appliance.commands import COMMANDS, SaveUser, UserCommand
from appliance.types import ROLE_PERMISSIONS, Permission, Role
from tests.sim.web.api_scene import ApiClient, key
from tests.sim.web.fakes import FakeBox
from webui.api.v1.declare import Operation
from webui.api.v1.nouns import NOT_OFFERED, OPERATIONS

pytestmark = pytest.mark.sim

NOUNS: dict[str, set[str]] = {
    "campaigns": {"campaigns.read", "campaigns.write"}, "queues": {"campaigns.read", "campaigns.write"},
    "uploads": {"lists.import", "ear.teach"}, "lists": {"lists.import"}, "imports": {"lists.import"},
    "leads": {"lists.import"}, "callbacks": {"lists.import"}, "contacts": {"lists.import"},
    "numbers": {"lists.import"}, "do-not-call": {"lists.import"}, "attempts": {"reports.read", "ear.teach"},
    "inbound-calls": {"campaigns.read", "campaigns.write"},
    "recordings": {"recordings.listen", "recordings.listen.own", "recordings.retain", "recordings.export"},
    "recording-packs": {"recordings.export"}, "heard": {"recordings.listen"}, "rules": {"campaigns.read"},
    "room": {"agents.read"}, "contact-search": {"lists.import"}, "contact-duplicates": {"lists.import"},
    "article-drafts": {"campaigns.write"}, "evaluation-results": {"quality.score"}, "backup-state": {"box.maintain"},
    "retention": {"recordings.retain"}, "announcements": {"ear.teach"},
    "announcement-groups": {"ear.teach", "recordings.listen"}, "agents": {"agents.read", "agents.supervise"},
    "seats": {"seats.write", "agents.read", "agent.work", "agents.supervise"}, "trunks": {"trunks.write"},
    "test-calls": {"trunks.write"}, "settings": {"settings.write"}, "certificate": {"settings.write"},
    "alert-ways": {"settings.write"}, "users": {"users.write"}, "roles": {"users.write"},
    "departments": {"users.write"}, "tokens": {"settings.write"}, "alerts": {"alerts.read"}, "audit": {"audit.read"},
    "reports": {"reports.read", "reports.export"}, "exports": {"reports.export", "lists.import"},
    "jobs": {"reports.export", "lists.import"}, "articles": {"agent.work", "campaigns.write"},
    "webhooks": {"settings.write"}, "webhook-deliveries": {"settings.write"}, "me": {"agent.work"},
    "contact-fields": {"settings.write", "lists.import"}, "contact-merges": {"lists.import"},
    "recording-notes": {"recordings.listen", "recordings.listen.own"},
    "scorecards": {"quality.manage", "quality.score"}, "sampling-plans": {"quality.manage"},
    "scoring-tasks": {"quality.score"}, "calibrations": {"quality.manage"},
    "evaluations": {"quality.own", "quality.score"}, "appeals": {"quality.score"},
    "disks": {"hardware.read", "hardware.write"}, "arrays": {"hardware.write"},
    "lines": {"hardware.read", "hardware.write"}, "line-cards": {"hardware.write"},
    "line-profiles": {"hardware.write"}, "line-tests": {"hardware.read", "hardware.write"},
    "services": {"settings.write"}, "network": {"settings.write"}, "time-zone": {"settings.write"},
    "set-up": {"settings.write"}, "backups": {"box.maintain"}, "restore": {"box.maintain"}, "slots": {"box.maintain"},
    "updates": {"box.maintain"},
}  # fmt: skip
"""What the operations of a noun may need; written apart from the declarations."""


def _status(client: ApiClient, operation: Operation) -> int:
    path = operation.path
    for name in operation.places:
        path = path.replace(f"{{{name}}}", "nothing")
    return client.ask(operation.method, path, json=[] if operation.body else None).status_code


def test_every_command_of_a_person_can_be_given_or_has_a_reason() -> None:
    given = {operation.command for operation in OPERATIONS}
    left = [one for one in COMMANDS if issubclass(one, UserCommand) and one not in given and one not in NOT_OFFERED]
    assert left == []
    assert not given & set(NOT_OFFERED)


def test_the_permissions_are_those_of_the_table() -> None:
    wrong = []
    for operation in OPERATIONS:
        noun = operation.path.split("/")[1]
        if operation.every:
            assert noun == "commands"
        elif not set(map(str, operation.needs)) <= NOUNS[noun] or (not operation.needs and noun != "me"):
            wrong.append((operation.name, operation.needs))
    assert wrong == []
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)


def test_nobody_comes_in(box: FakeBox) -> None:
    strangers = [ApiClient(box, "cbx_wrong"), ApiClient(box, "")]
    wrong = [one.name for one in OPERATIONS for client in strangers if _status(client, one) != 401]
    assert wrong == []
    plain = box.app.test_client()
    assert plain.get("/api/v1/campaigns", base_url="https://localhost").status_code == 401


@pytest.mark.parametrize("role", list(Role))
def test_every_operation_for_a_key_of_every_role(box: FakeBox, role: Role) -> None:
    held = ROLE_PERMISSIONS[role]
    client = ApiClient(box, key(box, held, role.value))
    wrong = []
    for operation in OPERATIONS:
        enough = bool(held & set(operation.needs)) or not operation.needs
        enough = held >= set(Permission) if operation.every else enough
        status = _status(client, operation)
        if (status == 403) == enough or status == 401:
            wrong.append((operation.name, status))
    assert wrong == []


def test_a_key_does_no_more_than_its_scopes(box: FakeBox) -> None:
    """An administrator's keys: each operation is shut to a key that has every other permission."""
    wrong = []
    lacking: dict[frozenset[Permission], ApiClient] = {}
    for operation in OPERATIONS:
        taken = frozenset(operation.needs) or frozenset({Permission.AUDIT_READ} if operation.every else ())
        if not taken:
            continue
        if taken not in lacking:
            lacking[taken] = ApiClient(box, key(box, set(Permission) - taken))
        status = _status(lacking[taken], operation)
        if status != 403:
            wrong.append((operation.name, status))
    assert wrong == []


def test_a_key_ends_with_its_owner(box: FakeBox) -> None:
    owner = box.add_user("leaver", "supervisor")
    client = ApiClient(box, key(box, ["campaigns.read"], "leaver"))
    assert client.ask("GET", "/campaigns").status_code == 200
    box.by_administrator(SaveUser, id=owner, login="leaver", role="agent")
    assert client.ask("GET", "/campaigns").status_code == 403
    box.by_administrator(SaveUser, id=owner, login="leaver", role="agent", enabled=False)
    assert client.ask("GET", "/campaigns").status_code == 401
