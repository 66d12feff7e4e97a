"""The first set-up behind the administrator's account: steps that are tested, kept, left out, taken up again."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from appliance import commands as cmd
from appliance.errors import CallerError
from appliance.outside.pdf_fonts import font_for
from appliance.settings import load_settings
from appliance.store.read import set_up
from appliance.store.read.seats import seats
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim

TRUNK = {"id": "trunk1", "gateway": "192.0.2.20", "port": "5060", "transport": "udp", "channels": "30",
         "country": "RU", "do": "save"}  # fmt: skip


@pytest.fixture
def client(box: FakeBox) -> FlaskClient:
    """An administrator of the module's box."""
    return box.client("administrator")


@pytest.fixture
def fresh(new_box: FakeBox) -> FlaskClient:
    """An administrator on a box of his own, where nothing was done yet."""
    new_box.set_up()
    return new_box.client("administrator")


def test_it_goes_on_where_it_was_left_in_any_browser(new_box: FakeBox, fresh: FlaskClient) -> None:
    assert fresh.get("/setup/box").location == "/setup/box/account"
    assert post(fresh, "/setup/box/account").location == "/setup/box/network"
    assert post(fresh, "/setup/box/network/skip", page="/setup/box/network").location == "/setup/box/disks"
    assert new_box.client("administrator").get("/setup/box").location == "/setup/box/disks"
    known = set_up.steps(new_box.bus.store)
    assert (known["account"].done, known["network"].done) == (True, False)
    assert "left out for now" in fresh.get("/setup/box/disks").text


def test_restoring_is_offered_and_nobody_is_led_to_it(client: FlaskClient) -> None:
    assert client.get("/setup/box/restore").status_code == 200
    assert "From a backup" in client.get("/setup/box/account").text
    assert post(client, "/setup/box/restore").location == "/setup/box/account"


def test_a_zone_that_is_none_is_refused_and_kept_on_the_page(box: FakeBox, client: FlaskClient) -> None:
    wrong = post(client, "/setup/box/network", {"zone": "Asia/Nowhere", "host_name": "box.example"})
    assert wrong.status_code == 400
    assert 'value="Asia/Nowhere"' in wrong.text
    assert post(client, "/setup/box/network", {"zone": "Asia/Shanghai"}).location == "/setup/box/disks"
    assert load_settings(box.home).dialling.timezone == "Asia/Shanghai"


def test_an_address_is_only_tried_on_the_device(box: FakeBox, client: FlaskClient) -> None:
    assert "Shown only" in client.get("/setup/box/network").text
    box.bus.watch.on_device = True
    form = {"port": "eth0", "how": "fixed", "address": "192.0.2.11/24", "gateway": "192.0.2.1"}
    post(client, "/setup/box/network/try", form, page="/setup/box/network")
    assert "on trial" in client.get("/setup/box/network").text
    post(client, "/setup/box/network/keep", {"keep": "1"}, page="/setup/box/network")
    kept = [command for command in box.bus.asked if isinstance(command, cmd.KeepNetwork)]
    assert kept[-1].keep is True


def test_figures_are_tried_out_without_saving(box: FakeBox, client: FlaskClient) -> None:
    before = set_up.steps(box.bus.store).get("disks")
    tried = post(client, "/setup/box/disks", {"seats": "30", "hours": "6", "days": "3650", "do": "look"})
    assert tried.status_code == 200
    assert 'value="3650"' in tried.text
    assert set_up.steps(box.bus.store).get("disks") == before


def test_more_days_than_the_disk_holds_are_said_to_be_known(client: FlaskClient) -> None:
    post(client, "/setup/box/disks", {"seats": "30", "hours": "24", "days": "3650", "do": "next"})
    first = post(client, "/setup/box/recording", {"days": "3650", "do": "next"})
    if first.status_code == 302:
        pytest.skip("this disk holds ten years of thirty seats")
    assert "The disk holds" in first.text
    assert post(client, "/setup/box/recording", {"days": "3650", "do": "next", "sure": "y"}).status_code == 302


def test_a_trunk_with_its_country_and_a_test_call(new_box: FakeBox, fresh: FlaskClient) -> None:
    assert post(fresh, "/setup/box/trunks", {"do": "next"}).status_code == 400
    wrong = post(fresh, "/setup/box/trunks", {**TRUNK, "gateway": "not an address"})
    assert wrong.status_code == 400
    assert "not an address" in wrong.text
    post(fresh, "/setup/box/trunks", TRUNK)
    assert load_settings(new_box.home).dialling.default_region == "RU"
    call = post(fresh, "/test-calls", {"number": "+8613800138000", "trunk_id": "trunk1"}, page="/trunks", htmx=True)
    assert "Person" in call.text
    assert "answered" in call.text
    assert post(fresh, "/setup/box/trunks", {"do": "next"}).location == "/setup/box/seats"
    assert set_up.steps(new_box.bus.store)["trunks"].data["test_call"]["outcome"] == "human"


def test_seats_with_names_up_to_thirty(new_box: FakeBox, fresh: FlaskClient) -> None:
    post(fresh, "/setup/box/seats", {"count": "28", "phone": "desk", "names": "Анна\n王小明\n", "do": "make"})
    made = seats(new_box.bus.store)
    assert [seat.display_name for seat in made[:3]] == ["Анна", "王小明", "seat03"]
    assert post(fresh, "/setup/box/seats", {"count": "3", "phone": "desk", "do": "make"}).status_code == 400
    assert len(seats(new_box.bus.store)) == 28


def test_three_numbers_make_a_running_campaign(box: FakeBox, client: FlaskClient) -> None:
    assert post(client, "/setup/box/campaign", {"number": ["13800138000"], "do": "start"}).status_code == 400
    numbers = ["13800138000", "13800138001", "13800138002"]
    assert post(client, "/setup/box/campaign", {"number": numbers, "do": "start"}).location == "/setup/box/campaign"
    page = client.get("/setup/box/campaign").text
    assert "Running" in page
    assert "an agent must be ready" in page
    assert post(client, "/setup/box/campaign", {"do": "next"}).location == "/setup/box/hand_over"


@pytest.mark.parametrize(("language", "word"), [("en", "Hand-over report"), ("ru", "Акт"), ("zh", "交付")])
def test_the_report_says_what_was_tested(box: FakeBox, client: FlaskClient, language: str, word: str) -> None:
    box.by_administrator(cmd.SaveUser, id=box.people["administrator"], login="administrator",
                             role="administrator", language=language, own_password=True)  # fmt: skip
    post(client, "/setup/box/trunks", TRUNK)
    post(client, "/setup/box/trunks", {"do": "next"})
    answer = client.get("/setup/box/hand-over.pdf")
    assert answer.content_type == "application/pdf"
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages)
    if font_for(word):  # the fonts of these letters are Debian's, and may be missing
        assert word in text
    assert "trunk1 (30)" in text
    assert post(client, "/setup/box/hand_over").location == "/"
    assert "/setup/box" not in client.get("/home").text


def test_an_agent_sets_nothing_up(box: FakeBox, client: FlaskClient) -> None:
    assert client.get("/setup/box/network").status_code == 200
    assert box.client("agent").get("/setup/box/network").status_code == 403
    with pytest.raises(CallerError):
        box.bus.request(cmd.FinishSetUpStep(actor_id=box.people["agent"], step="network"))
