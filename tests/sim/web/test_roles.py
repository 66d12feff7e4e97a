"""Roles made of permissions with scopes, departments, keys, phone sheets; the office checks what the pages say."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from appliance import commands as cmd
from appliance.errors import CallerError, NotAllowedError
from appliance.ids import new_id
from appliance.jobs.search_index import SearchIndex
from appliance.store.models import Recording, User
from appliance.store.read import api_tokens
from tests.sim.web.fakes import PASSWORD, FakeBox
from tests.sim.web.forms import post
from webui.session import token_hash

pytestmark = pytest.mark.sim


def _own_role(box: FakeBox, name: str, **permissions: str) -> str:
    given = {key.replace("__", "."): scope for key, scope in permissions.items()}
    return str(box.by_administrator(cmd.SaveRole, name=name, base="supervisor", permissions=given).id)


def _user(box: FakeBox, login: str, *, department: str = "", role_id: str = "", role: str = "agent") -> str:
    done = box.by_administrator(
        cmd.SaveUser, login=login, role=role, password=PASSWORD, role_id=role_id, department_id=department
    )
    box.people[login] = str(done.id)
    return str(done.id)


def _recording(box: FakeBox, agent_id: str) -> str:
    recording_id = new_id()
    with box.bus.store.write() as session:
        session.add(
            Recording(id=recording_id, conversation_id=new_id(), agent_id=agent_id, state="archived",
                      started_at=datetime.now(UTC))
        )  # fmt: skip
    SearchIndex(box.bus.store).sweep()
    return recording_id


def test_a_team_lead_hears_his_department_and_no_other(box: FakeBox) -> None:
    top = str(box.by_administrator(cmd.SaveDepartment, name="Collections").id)
    below = str(box.by_administrator(cmd.SaveDepartment, name="Early", parent_id=top).id)
    aside = str(box.by_administrator(cmd.SaveDepartment, name="Sales").id)
    role = _own_role(box, "Team lead", recordings__listen="team", campaigns__read="all")
    _user(box, "lead", department=top, role_id=role)
    mine = _recording(box, _user(box, "near", department=below))
    other = _recording(box, _user(box, "far", department=aside))
    client = box.client("lead")
    page = client.get("/recordings").text
    assert mine in page
    assert other not in page
    assert client.get(f"/recordings/{mine}").status_code == 200
    assert client.get(f"/recordings/{other}").status_code == 404
    with pytest.raises(NotAllowedError):
        box.bus.request(cmd.OpenRecording(actor_id=box.people["lead"], recording_id=other))
    assert client.get("/settings").status_code == 403
    assert client.get("/").location == "/home"


def test_nobody_gives_more_than_he_has(box: FakeBox) -> None:
    role = _own_role(box, "Staff office", users__write="all", campaigns__read="all", agent__work="all")
    clerk = _user(box, "clerk", role_id=role)
    with pytest.raises(NotAllowedError, match="do not have"):
        box.bus.request(cmd.SaveUser(actor_id=clerk, login="boss2", role="administrator", password=PASSWORD))
    with pytest.raises(NotAllowedError, match="do not have"):
        box.bus.request(
            cmd.SaveUser(actor_id=clerk, id=box.people["administrator"], login="administrator",
                         role="agent", role_id="", password="taken over by the clerk")
        )  # fmt: skip
    with pytest.raises(NotAllowedError):
        box.bus.request(cmd.SaveRole(actor_id=clerk, name="All", permissions={"settings.write": "all"}))


def test_a_smaller_role_signs_its_users_out(box: FakeBox) -> None:
    role = _own_role(box, "Reader", campaigns__read="all", reports__read="all")
    _user(box, "reader", role_id=role)
    client = box.client("reader")
    assert client.get("/reports").status_code == 200
    box.by_administrator(cmd.SaveRole, id=role, name="Reader", base="agent", permissions={"campaigns.read": "all"})
    assert client.get("/api/v1/me").status_code == 401
    with box.bus.store.read() as session:
        assert session.get_one(User, box.people["reader"]).role == "agent"
    with pytest.raises(CallerError, match="Users have this role"):
        box.by_administrator(cmd.RemoveRole, id=role)


def test_see_as_shows_less_and_changes_nothing(box: FakeBox) -> None:
    client = box.client("administrator")
    post(client, "/roles/see-as", {"role": "agent"}, page="/roles")
    desk = client.get("/desk")
    assert "Nothing can be changed meanwhile" in desk.text
    assert client.get("/users").status_code == 403
    assert post(client, "/desk/seat", {"seat_id": "seat01"}, page="/desk").status_code in (404, 405, 409)
    assert post(client, "/roles/see-as", {"role": ""}, page="/desk").location == "/roles"
    assert client.get("/users").status_code == 200


def test_a_ring_of_departments_is_refused(box: FakeBox) -> None:
    top = str(box.by_administrator(cmd.SaveDepartment, name="A").id)
    below = str(box.by_administrator(cmd.SaveDepartment, name="B", parent_id=top).id)
    with pytest.raises(CallerError):
        box.by_administrator(cmd.SaveDepartment, id=top, name="A", parent_id=below)
    with pytest.raises(CallerError):
        box.by_administrator(cmd.RemoveDepartment, id=top)


def test_a_key_is_shown_once_and_ends_when_told(box: FakeBox) -> None:
    client = box.client("administrator")
    page = post(client, "/system/keys", {"name": "CRM", "scope": ["campaigns.read"], "days": "30"})
    token = re.search(r"cbx_[\w-]+", page.text)
    assert token
    assert token[0] not in client.get("/system/keys").text
    found = api_tokens.acting(box.bus.store, token_hash(token[0]))
    assert found is not None
    assert found.token.holds(datetime.now(UTC))
    post(client, "/system/keys/revoke", {"id": found.token.id}, page="/system/keys")
    ended = api_tokens.acting(box.bus.store, token_hash(token[0]))
    assert ended is not None
    assert not ended.token.holds(datetime.now(UTC))


@pytest.mark.parametrize(
    ("make", "line"), [("yealink", "account.1.user_name=seat01"), ("grandstream", "<P35>seat01</P35>")]
)
def test_a_phone_fetches_its_settings_once(box: FakeBox, make: str, line: str) -> None:
    box.by_administrator(cmd.SaveSeat, id="seat01", display_name='A "<x>&', phone="desk")
    sheet = post(box.client("administrator"), "/seats/phones", {"seat": "seat01", "make": make}).text
    url = re.search(r"https://localhost(/phone/[^<\s]+\.cfg)", sheet)
    password = re.findall(r"<code>(\w{16})</code>", sheet)
    assert url
    stranger = box.client()
    settings = stranger.get(url[1]).text
    assert line in settings
    assert password[0] in settings
    assert "<x>" not in settings
    assert stranger.get(url[1]).status_code == 400
    assert box.bus.context.doors.seats.passwords["seat01"] == password[0]  # type: ignore[attr-defined]


def test_the_log_is_masked_and_filtered(box: FakeBox) -> None:
    (box.home.logs / "engine.log").write_text(
        "level=info event=dialled number=+8613812345678\nlevel=error event=broken\n", "utf-8"
    )
    client = box.client("administrator")
    page = client.get("/system/logs?service=engine").text
    assert "8613812345678" not in page
    only = client.get("/system/logs?service=engine&level=error").text
    assert "event=broken" in only
    assert "event=dialled" not in only
    assert "Nothing to show" in client.get("/system/logs?service=../secrets").text
