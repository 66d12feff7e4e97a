"""First run: language first, no default password, only with the box's own link."""

from __future__ import annotations

import pytest

from tests.sim.web.fakes import PASSWORD, FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim

ACCOUNT = {"login": "boss", "password": PASSWORD, "again": PASSWORD}


def test_every_way_leads_to_the_first_run(new_box: FakeBox) -> None:
    client = new_box.client()
    response = client.get("/", follow_redirects=True)
    assert response.request.path == "/setup/"
    assert "not set up yet" in response.text
    assert "token=" in response.text


def test_language_then_administrator_then_signed_in(new_box: FakeBox) -> None:
    client = new_box.client()
    start = f"/setup/?token={new_box.bus.set_up_token}"
    assert "欢迎" in client.get(start).text
    chosen = post(client, "/setup/language", {"language": "zh"}, page=start)
    assert chosen.location == "/setup/administrator"
    assert "管理员" in client.get("/setup/administrator").text
    made = post(client, "/setup/administrator", ACCOUNT)
    assert made.status_code == 302
    assert made.location == "/setup/box"
    home = client.get("/home")
    assert home.status_code == 200
    assert '<html lang="zh"' in home.text
    assert client.get("/setup/").location == "/login", "it is over for ever"


def test_a_wrong_link_makes_nobody(new_box: FakeBox) -> None:
    client = new_box.client()
    client.get("/setup/?token=guessed")
    refused = post(client, "/setup/administrator", ACCOUNT)
    assert refused.status_code == 400
    assert "not the set-up link" in refused.text
    assert client.get("/login").location == "/setup/"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"password": "short", "again": "short"}, "10"),
        ({"again": "something else"}, "differ"),
        ({"login": "a b"}, "only"),
    ],
)
def test_mistakes_are_shown_beside_their_field(new_box: FakeBox, change: dict[str, str], said: str) -> None:
    client = new_box.client()
    client.get(f"/setup/?token={new_box.bus.set_up_token}")
    response = post(client, "/setup/administrator", {**ACCOUNT, **change})
    assert "is-invalid" in response.text
    assert said in response.text
