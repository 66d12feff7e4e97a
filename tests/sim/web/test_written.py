"""What agents read, as it is written: articles in versions, scripts with answers, forms and their results."""

from __future__ import annotations

import io
import itertools
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

from appliance.commands import AgentLogin, SaveContact, SaveContactField
from appliance.store import models
from appliance.store.read import campaign_texts, knowledge
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim

_count = itertools.count(1)
HOSTILE = "<script>alert(1)</script>\0\u202e'\"{{ 7*7 }}"


def _article(client: FlaskClient, title: str, do: str = "publish", **more: object) -> str:
    made = post(client, "/knowledge/new", {"title": title, "do": do, **more})
    assert made.status_code == 302, made.text[-500:]
    return made.location.rsplit("/", 1)[1]


def test_an_article_is_drafted_published_compared_and_restored(box: FakeBox) -> None:
    client, store = box.client("supervisor"), box.bus.store
    key = _article(client, "Instalments", "draft", body="Six months.", tags="money, rates", step="The debt\nOffer",
                   dispositions=["promise_to_pay"], category="Payment")  # fmt: skip
    assert knowledge.search(store, "instalments") == [], "a draft is not for agents"
    edit = f"/knowledge/{key}/edit"
    post(client, edit, {"title": "Instalments", "body": "Six months.\n\n**Twelve** for good customers.",
                        "step": "The debt\nOffer", "do": "publish"}, page=edit)  # fmt: skip
    assert [one.version for one in knowledge.search(store, "twelve")] == [2]
    assert [one.id for one in knowledge.suggested(store, step="offer")] == [key], "one of several steps"
    page = client.get(f"/knowledge/{key}").text
    assert "<strong>Twelve</strong>" in page
    assert re.search(r'class="is-new">.*?\*\*Twelve\*\* for good customers', page, re.DOTALL)
    post(client, edit, {"title": "Instalments", "body": "Only three.", "do": "draft"}, page=edit)
    assert "newer draft" in client.get("/knowledge?words=instal").text
    assert knowledge.search(store, "three") == [], "agents go on reading what was published"
    post(client, f"/knowledge/{key}/restore", {"number": "1"}, page=f"/knowledge/{key}")
    found = knowledge.search(store, "instalments")
    assert (found[0].body, found[0].version) == ("Six months.", 4)
    post(client, f"/knowledge/{key}/withdraw", page=f"/knowledge/{key}")
    assert knowledge.search(store, "instalments") == []
    assert [one.number for one in knowledge.versions(store, key)] == [4, 3, 2, 1]
    assert client.get(f"/knowledge/{key}?version=9").status_code == 404
    assert box.client("agent").get("/knowledge").status_code == 403


def test_two_writers_of_an_article_meet(box: FakeBox) -> None:
    client = box.client("supervisor")
    key = _article(client, "Opening hours", body="9 to 5")
    edit = f"/knowledge/{key}/edit"
    seen = re.search(r'name="version" value="(\w+)"', client.get(edit).text)
    assert seen
    form = {"title": "Opening hours", "body": "8 to 6", "do": "publish", "version": seen[1]}
    assert post(client, edit, form, page=edit).status_code == 302
    met = post(client, edit, {**form, "body": "10 to 4"}, page=edit)
    assert (met.status_code, "8 to 6" in met.text, "10 to 4" in met.text) == (409, True, True)


def test_hostile_articles_are_only_texts(box: FakeBox) -> None:
    client = box.client("supervisor")
    key = _article(client, HOSTILE, body=f"{HOSTILE}\n\n[x](javascript:alert(1)) ![p](http://e/x.png)", tags=HOSTILE,
                   category=HOSTILE[:30], step=HOSTILE)  # fmt: skip
    for page in ("/knowledge", f"/knowledge/{key}", f"/knowledge/{key}/edit", "/desk/knowledge?words=alert"):
        shown = client.get(page)
        assert shown.status_code == 200
        for bad in ("<script>alert", 'href="javascript', "<img src=\"http", "\0", "\u202e"):
            assert bad not in shown.text, (page, bad)
    long = post(client, "/knowledge/new", {"title": "x" * 10_000, "do": "publish"})
    assert (long.status_code, "too long" in long.text) == (422, True)
    empty = post(client, "/knowledge/new", {"title": "\0 ", "do": "publish"})
    assert (empty.status_code, "Give the article a title" in empty.text) == (422, True)


SCRIPT = """# Greeting
Good day {name}, your tariff is {tariff}.
! recording: This call is recorded.
* Yes, it is me -> The debt
* Wrong person -> Goodbye
# The debt
You owe {amount}.
# Goodbye
Thank you.
"""


@pytest.fixture(scope="module")
def tariff(box: FakeBox) -> FakeBox:
    """A box with one own field."""
    box.by_administrator(SaveContactField, new=True, config={"id": "tariff", "label": "Tariff", "kind": "text"})
    return box


def test_a_script_is_checked_before_it_goes_live(tariff: FakeBox) -> None:
    client = tariff.client("supervisor")
    campaign = tariff.campaign(f"Scripted {next(_count)}", rule_profile="uk")
    page = f"/campaigns/{campaign.id}/script"
    bad = "# Start\n{nmae}\n* yes -> Nowhere\n# Lost\n# Lost"
    refused = post(client, page, {"text": bad, "do": "live"}, page=page)
    assert refused.status_code == 422
    for words in ("Nobody&#39;s record has {nmae}", "leads to “Nowhere”", "No way leads to the step “Lost”",
                  "two steps “Lost”", "that the call is recorded"):  # fmt: skip
        assert words in refused.text, words
    assert post(client, page, {"text": bad, "do": "draft"}, page=page).status_code == 302, "a draft may have faults"
    assert post(client, page, {"text": SCRIPT, "do": "live"}, page=page).status_code == 302
    with tariff.bus.store.read() as session:
        assert session.get_one(models.Campaign, campaign.id).config["script"] == SCRIPT.strip()
    versions = campaign_texts.versions(tariff.bus.store, campaign.id, "script")
    assert [(one.version, one.holds) for one in versions] == [(2, True), (1, False)]
    shown = client.get(f"{page}/versions/2").text
    assert "+" in shown
    assert "Good day {name}" in shown
    assert "Nowhere" in client.get(f"{page}?from=1").text, "an old version can be gone on from"
    preview = post(client, f"{page}/preview", {"text": "# A\n{name} <script>alert(2)</script>"}, page=page, htmx=True)
    assert "Name of the customer &lt;script&gt;" in preview.text
    huge = post(client, page, {"text": "x" * 30_000, "do": "live"}, page=page)
    assert huge.status_code == 422


def test_agents_get_answers_and_the_script_they_began_with(tariff: FakeBox) -> None:
    client, supervisor = tariff.client("agent"), tariff.client("supervisor")
    campaign = tariff.campaign(f"At the desk {next(_count)}")
    page, agent = f"/campaigns/{campaign.id}/script", tariff.people["agent"]
    post(supervisor, page, {"text": SCRIPT, "do": "live"}, page=page)
    made = tariff.by_administrator(SaveContact, name="Ann\n# Injected", numbers=[{"number": "+8613900000077"}],
                                   custom={"tariff": "Gold <b>"})  # fmt: skip
    with tariff.bus.store.write() as session:
        session.add(models.Lead(
            id="lead-desk", campaign_id=campaign.id, contact_id=str(made.id), number="+8613900000077", name="Ann",
            state="reserved", next_attempt_at=datetime.now(UTC),
        ))  # fmt: skip
    tariff.bus.request(AgentLogin(actor_id=agent, seat_id="s1"))
    tariff.bus.engine.connect(agent, "conversation-1", campaign, lead_id="lead-desk", name="Ann\n# Injected")
    shown = client.get("/desk/work").text
    assert "your tariff is Gold &lt;b&gt;" in shown
    assert "<dt>Tariff</dt>" in shown
    assert 'data-go="1">Yes, it is me' in shown
    assert shown.count('class="script-step"') == 3, "what a record holds makes no steps"
    assert "This call is recorded." in shown
    post(supervisor, page, {"text": "# New words\nHello.", "do": "live"}, page=page)
    again = client.get("/desk/work").text
    assert "New words" not in again, "a call keeps the script it began with"
    tariff.bus.engine.connect(agent, "conversation-2", campaign, lead_id="lead-desk")
    assert "New words" in client.get("/desk/work").text
    form = f"/campaigns/{campaign.id}/form"
    for live, label in enumerate(("Old question", "New question")):
        post(supervisor, form, {"order": ["n0"], "do": "live", **_question("n0", label)}, page=form)
        tariff.bus.engine.connect(agent, f"conversation-{3 + live}", campaign, lead_id="lead-desk")
        post(supervisor, form, {"order": ["n0"], "do": "live", **_question("n0", "Meanwhile")}, page=form)
        work = client.get("/desk/work").text
        assert (label in work, "Meanwhile" in work) == (True, False), "and the form"


def _question(place: int | str, label: str, kind: str = "text", **more: str) -> dict[str, str]:
    return {f"q.{place}.{name}": value for name, value in {"label": label, "kind": kind, **more}.items()}


def test_a_form_is_designed_checked_and_counted(tariff: FakeBox) -> None:
    client = tariff.client("supervisor")
    campaign = tariff.campaign(f"Survey {next(_count)}")
    page = f"/campaigns/{campaign.id}/form"
    form: dict[str, object] = {
        "order": ["1", "0", "2", "n3"],  # dragged: the second comes first
        **_question(0, "How many?", "number", id="pieces", least="1", most="9", when_id="wants", when_is="yes"),
        **_question(1, "Wants it?", "yes_no", id="wants", required="on"),
        **_question(2, "Budget", "money", currency="cny"),
        **_question(3, "ignored: not in the order"),
    }
    form |= {f"q.n3.{key}": value for key, value in {"label": "颜色", "kind": "several", "choices": "红\n蓝"}.items()}
    preview = post(client, f"{page}/preview", form, page=page, htmx=True)
    assert 'data-when="answers.wants"' in preview.text
    assert post(client, page, {**form, "do": "live"}, page=page).status_code == 302
    with tariff.bus.store.read() as session:
        survey = session.get_one(models.Campaign, campaign.id).config["survey"]
    assert [one["id"] for one in survey] == ["wants", "pieces", "budget", "question_4"]
    assert survey[2]["currency"] == "CNY"
    wrong = post(client, page, {"order": ["0", "1"], **_question(0, "", "text", id="a", when_id="b"),
                                **_question(1, "Choose", "choice", id="a"), "do": "draft"}, page=page)  # fmt: skip
    assert wrong.status_code == 422
    for words in ("Write the question", "Give at least one choice"):
        assert words in wrong.text
    now = datetime.now(UTC)
    with tariff.bus.store.write() as session:
        session.add(models.Contact(id="c-form", number="+8613900000088", name="=cmd|' /C calc'!A0", created_at=now))
        session.flush()
        session.add(models.Lead(id="l-form", campaign_id=campaign.id, contact_id="c-form", number="+8613900000088",
                                state="done", next_attempt_at=now))  # fmt: skip
        session.flush()
        given = (
            {"wants": "yes", "pieces": 3, "budget": 12050, "question_4": ["红", "蓝"]},
            {"wants": "yes", "pieces": 5, "question_4": ["红"]}, {"wants": "no"},
        )  # fmt: skip
        for n, answers in enumerate(given):
            session.add(models.Attempt(
                id=f"at-form-{n}", campaign_id=campaign.id, lead_id="l-form", contact_id="c-form", trunk_id="t",
                number="+8613900000088", created_at=now - timedelta(hours=n + 1), ended_at=now, answers=answers,
            ))  # fmt: skip
    results = client.get(f"{page}/results").text
    for words in ("Wants it?", "67%", "33%", "红", "120.50 CNY"):
        assert words in results, words
    out = post(client, "/exports/answers", {"format": "xlsx", "campaign_id": campaign.id}, page=f"{page}/results")
    with client.get(f"{out.location}/file") as answer:
        rows = [list(row) for row in load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True)]
    assert rows[0][-4:] == ["Wants it? (wants)", "How many? (pieces)", "Budget (budget)", "颜色 (question_4)"]
    assert sorted(str(row[-2]) for row in rows[1:]) == ["120.50", "None", "None"]
    assert {row[4] for row in rows[1:]} == {"=cmd|' /C calc'!A0"}, "a text, not a formula"


def test_two_designers_meet_and_drafts_stay_drafts(tariff: FakeBox) -> None:
    client = tariff.client("supervisor")
    campaign = tariff.campaign(f"Two designers {next(_count)}")
    page = f"/campaigns/{campaign.id}/form"
    seen = re.search(r'name="version" value="(\w+)"', client.get(page).text)
    assert seen
    mine = {"order": ["0"], **_question(0, "Mine", id="mine"), "do": "draft", "version": seen[1]}
    assert post(client, page, mine, page=page).status_code == 302
    assert post(client, page, {**mine, **_question(0, "Theirs", id="theirs")}, page=page).status_code == 409
    with tariff.bus.store.read() as session:
        assert session.get_one(models.Campaign, campaign.id).config["survey"] == []
        actions = session.scalars(select(models.AuditEntry.action).where(
            models.AuditEntry.subject == f"campaign:{campaign.id}")).all()  # fmt: skip
    assert actions[-1] == "form.drafted"
    assert "No form yet" in client.get(f"/campaigns/{tariff.campaign('Bare').id}/form/results").text
