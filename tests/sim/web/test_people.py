"""People: the rules' answer now and then, who must not be called at each level, what the rules must know."""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from appliance.domain.campaign import ALL_DAY
from appliance.store import models
from appliance.store.read import why
from appliance.types import CampaignMode, LeadState
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim
_count = itertools.count(10)


@dataclass(frozen=True)
class Scene:
    """A person of his own for each test: the box is shared."""

    box: FakeBox
    n: int

    @property
    def page(self) -> str:
        return f"/people/p{self.n}"

    @property
    def number(self) -> str:
        return f"+86138123456{self.n}"

    @property
    def second(self) -> str:
        return f"+86139876543{self.n}"

    def kept(self) -> why.PersonView:
        found = why.person(self.box.bus.store, f"p{self.n}")
        assert found is not None
        return found


@pytest.fixture
def scene(box: FakeBox) -> Scene:
    """A person with two numbers in one campaign, called once yesterday."""
    made = Scene(box, next(_count))
    n, now = made.n, datetime.now(UTC)
    config = {"calling_hours": ALL_DAY, "rule_profile": "neutral"}
    with box.bus.store.write() as session:
        session.add(models.Campaign(id=f"c{n}", name=f"Spring {n}", mode=CampaignMode.PROGRESSIVE, state="running",
                                    config=config, created_at=now))  # fmt: skip
        session.add(models.Contact(id=f"p{n}", number=made.number, name="Wang", created_at=now))
        session.flush()
        for position, number in enumerate((made.number, made.second)):
            session.add(models.ContactNumber(contact_id=f"p{n}", position=position, number=number))
        session.add(models.Lead(id=f"l{n}", campaign_id=f"c{n}", contact_id=f"p{n}", number=made.number,
                                state="waiting", next_attempt_at=now))  # fmt: skip
        session.flush()
        at = now - timedelta(days=1)
        session.add(models.Attempt(id=f"a{n}", campaign_id=f"c{n}", lead_id=f"l{n}", contact_id=f"p{n}",
                                   number=made.number, trunk_id="t", created_at=at, originated_at=at,
                                   ended_at=at + timedelta(seconds=30), outcome="no_answer"))  # fmt: skip
    return made


def test_a_person_is_found_and_the_answer_is_told(scene: Scene) -> None:
    client = scene.box.client("supervisor")
    assert scene.page in client.get(f"/people?q={scene.second[4:]}").text, "by any of his numbers"
    assert "Nobody has this name" in client.get("/people?q=555555555").text
    page = client.get(scene.page).text
    assert page.count(f"Spring {scene.n}") >= 2
    assert "May this person be called now?" in page
    why_page = client.get(f"{scene.page}/calls/a{scene.n}").text
    assert "older than the keeping of rules" in why_page
    assert "at most 3 attempts a day to one number" in why_page
    assert client.get("/people/nobody").status_code == 404
    assert client.get(f"{scene.page}/calls/nothing").status_code == 404
    assert scene.box.client("agent").get(scene.page).status_code == 403


@pytest.mark.parametrize(("level", "sentence"), [
    ("box", "do-not-call list of the box"), ("campaign:c%s", "do-not-call list of this campaign"),
    ("person", "The person is not to be called"),
])  # fmt: skip
def test_each_level_bars_is_told_and_taken_back(scene: Scene, level: str, sentence: str) -> None:
    client = scene.box.client("supervisor")
    form = {"number": scene.number, "level": level.replace("%s", str(scene.n)), "reason": "asked"}
    assert post(client, f"{scene.page}/do-not-call", form, page=scene.page).status_code == 302
    assert sentence in client.get(scene.page).text
    with scene.box.bus.store.write() as session:
        session.get_one(models.Lead, f"l{scene.n}").state = LeadState.DO_NOT_CALL  # as the engine does
    post(client, f"{scene.page}/do-not-call", {**form, "remove": "1"}, page=scene.page)
    with scene.box.bus.store.read() as session:
        assert session.get_one(models.Lead, f"l{scene.n}").state == LeadState.WAITING, "the rules are asked again"
    assert sentence not in client.get(scene.page).text
    with scene.box.bus.store.read() as session:
        rows = session.scalars(select(models.AuditEntry).where(models.AuditEntry.action.startswith("do_not_call")))
        done = [row.action for row in rows.all()[-2:]]
    assert done == ["do_not_call.added", "do_not_call.removed"]


def test_what_the_rules_must_know_is_kept_and_mistakes_are_told(scene: Scene) -> None:
    client = scene.box.client("supervisor")
    form = {"time_zone": "Asia/Urumqi", "consents": ["hours", "robot"], "third_party": "on"}
    assert post(client, scene.page, form).status_code == 302
    kept = scene.kept()
    assert (kept.time_zone, kept.third_party, kept.consents_now) == ("Asia/Urumqi", True, ["hours", "robot"])
    post(client, scene.page, {"consents": ["robot"], "contact_revoked": "on"})
    kept = scene.kept()
    assert kept.consents_now == ["robot"]
    assert [one["kind"] for one in kept.consents] == ["hours", "robot"], "what was agreed once stays on record"
    assert "taken back the consent" in client.get(scene.page).text
    wrong = post(client, scene.page, {"time_zone": "Mars/Base", "debtor_number": "+8613700000009"})
    assert wrong.status_code == 400
    assert "alert-danger" in wrong.text


def test_a_file_of_numbers_is_barred_and_what_is_no_number_is_told(scene: Scene) -> None:
    client = scene.box.client("supervisor")
    table = f"phone,name\n{scene.number},Wang\n{scene.number[3:]},again\nhello,none\n137000000{scene.n},\n".encode()
    sent = post(client, "/do-not-call/import", {"file": (io.BytesIO(table), "list.csv")}, page="/do-not-call")
    assert "2 numbers were put on the list, 0 stood there already, 1 rows" in sent.text
    assert "Row 4: hello" in sent.text
    again = {"file": (io.BytesIO(table), "list.csv"), "campaign_id": f"c{scene.n}"}
    assert "2 numbers were put" in post(client, "/do-not-call/import", again, page="/do-not-call").text
    assert f"not called by Spring {scene.n}" in client.get(scene.page).text
    broken = {"file": (io.BytesIO(b"\x00"), "x.exe")}
    assert post(client, "/do-not-call/import", broken, page="/do-not-call").status_code == 400


def test_rules_are_shown_with_their_sources(scene: Scene) -> None:
    page = scene.box.client("supervisor").get("/rules").text
    for words in ("ru.talks_per_week", "at most 2 conversations", "230-FZ art. 7", "12 CFR 1006.14(b)(2)(i)(A)", "(H)"):
        assert words in page
    assert "at most 3%, counted from the end of the greeting" in page


def test_a_campaign_is_made_stricter_and_never_looser(scene: Scene) -> None:
    client = scene.box.client("supervisor")
    address = f"/campaigns/c{scene.n}/edit"
    form = {
        "name": f"Spring {scene.n}", "mode": "progressive", "hours_from": "09:00", "hours_to": "18:00", "days": ["mon"],
        "time_zone_rule": "box", "attempts_per_day_max": "2", "attempts_total_max": "5", "wrap_up_mode": "timed",
    }  # fmt: skip
    saved = post(client, address, {**form, "rule_profile": "ru", "stricter": "ru.talks_per_week = 1"}, page=address)
    assert saved.status_code == 302, saved.text[-2000:]
    with scene.box.bus.store.read() as session:
        config = session.get_one(models.Campaign, f"c{scene.n}").config
    assert (config["rule_profile"], config["rule_overrides"]) == ("ru", {"ru.talks_per_week": 1.0})
    assert "ru.talks_per_week = 1" in client.get(address).text
    for wrong, words in (("ru.talks_per_week = 3", "never looser"), ("two", "Write for instance")):
        refused = post(client, address, {**form, "rule_profile": "ru", "stricter": wrong}, page=address)
        assert words in refused.text
