"""Other programs at the desk: the customer's page, telephone links."""

from __future__ import annotations

import pytest

from appliance.commands import AgentLogin, SaveSeat
from appliance.settings import save_settings
from appliance.types import AgentState
from tests.sim.web.fakes import FakeBox
from webui.agent.cti import dialled

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module", autouse=True)
def seated(box: FakeBox) -> None:
    box.by_administrator(SaveSeat, id="seat01")
    box.bus.request(AgentLogin(actor_id=box.people["agent"], seat_id="seat01"))


def test_the_customers_page_opens_when_the_agent_talks(box: FakeBox) -> None:
    client, agent = box.client("agent"), box.people["agent"]
    box.bus.engine.connect(agent, "call1", box.campaign("CTI"))
    assert 'id="customer-page"' not in client.get("/desk/bar").text, "no address, no button"
    save_settings(box.home, {"cti": {"screen_url": "https://crm.example/?p={phone}&n={name}&c={field.合同}"}})
    bar = client.get("/desk/bar").text
    assert "https://crm.example/?p=%2B8613812345678&amp;n=%E7%8E%8B%E5%B0%8F%E6%98%8E&amp;c=HT-2025-88" in bar
    assert "data-opens" in bar
    assert 'rel="noopener noreferrer"' in bar
    box.bus.engine.change(agent, state=AgentState.WRAP_UP)
    assert "data-opens" not in client.get("/desk/bar").text, "only by its button now"
    save_settings(box.home, {"cti": {"screen_on": "ring"}})
    box.bus.engine.change(agent, state=AgentState.RESERVED)
    assert "data-opens" in client.get("/desk/bar").text


@pytest.mark.parametrize(
    ("link", "number"),
    [("tel:+861012345678", "+861012345678"), ("tel:+86-10-1234;ext=5", "+86-10-1234"), ("callto://5551234", "5551234"),
     ("TEL:112", "112"), ("tel:javascript:alert(1)", ""), ("<script>", ""), ("", ""), ("tel:" + "1" * 60, "")],
)  # fmt: skip
def test_numbers_of_links(link: str, number: str) -> None:
    assert dialled(link) == number


def test_a_link_shows_the_number_and_dials_nothing(box: FakeBox) -> None:
    asked = len(box.bus.asked)
    page = box.client("agent").get("/desk/link?number=tel%3A%2B861012345678")
    assert page.status_code == 200
    assert not [command for command in box.bus.asked[asked:] if type(command).__name__ == "AgentDial"]
    assert "no telephone number" in box.client("agent").get("/desk/link?number=%3Cscript%3E").text
