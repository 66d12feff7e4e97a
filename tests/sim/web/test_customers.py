"""People by hand: own fields, search, changes that meet, merging and taking it back, lists, hostile texts."""

from __future__ import annotations

import io
import itertools
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from appliance.commands import SaveContact, SaveContactField
from appliance.store import models
from appliance.store.read import people
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim

_count = itertools.count(1)
HOSTILE = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "=HYPERLINK(\"http://x\")", "Иванов 'О' \"Б\"",
    "\u202egnp.exe", "nul\0byte", "x" * 10_000, "{{ 7*7 }}{% raw %}",
)  # fmt: skip


def _number() -> str:
    return f"+86139{next(_count):08d}"


@pytest.fixture(scope="module")
def own(box: FakeBox) -> FakeBox:
    """A box whose people have fields of each kind."""
    for config in (
        {"id": "tariff", "label": "Tariff", "kind": "choice", "choices": ["Basic", "Gold"]},
        {"id": "limit", "label": "Credit limit", "kind": "money", "currency": "CNY", "least": 0},
        {"id": "since", "label": "Customer since", "kind": "date"},
        {"id": "vip", "label": "VIP", "kind": "yes_no"},
        {"id": "branch", "label": "Branch", "kind": "text", "longest": 20},
        {"id": "visits", "label": "Visits", "kind": "number", "least": 0, "most": 99},
    ):
        box.by_administrator(SaveContactField, new=True, config=config)
    return box


def _made(box: FakeBox, name: str, *numbers: str, **custom: str) -> str:
    done = box.by_administrator(
        SaveContact, name=name, numbers=[{"number": one, "type": "mobile"} for one in numbers or (_number(),)],
        custom=custom,
    )  # fmt: skip
    return str(done.id)


def _form(client: FlaskClient, page: str, **changes: object) -> dict[str, object]:
    """The person's form as it is, with changes."""
    found = re.findall(r'<input[^>]*name="(name|number|version)"[^>]*value="([^"]*)"', client.get(page).text)
    form: dict[str, object] = {"number": [], "number_type": []}
    for name, value in found:
        if name == "number" and value:
            form["number"] = [*form["number"], value]  # type: ignore[misc]
        elif name != "number":
            form[name] = value
    form["number_type"] = ["mobile"] * len(form["number"])  # type: ignore[arg-type]
    return {**form, **changes}


def _file(client: FlaskClient, address: str) -> str:
    with client.get(f"{address}/file") as answer:
        return answer.get_data(as_text=True)


def test_fields_are_made_ordered_and_put_out_of_use(own: FakeBox) -> None:
    client = own.client("administrator")
    form = {"label": "Favourite colour", "kind": "several", "choices": "red\r\nblue\r\n", "on_pop": "on"}
    assert post(client, "/people/fields/new", form).status_code == 302
    ids = [one.id for one in people.fields(own.bus.store)]
    assert ids[-1] == "favourite_colour"
    post(client, "/people/fields/order", {"id": ["favourite_colour"]}, page="/people/fields", htmx=True)
    assert [one.id for one in people.fields(own.bus.store)] == ["favourite_colour", *ids[:-1]]
    again = post(client, "/people/fields/new", {**form, "id": "favourite_colour"})
    assert (again.status_code, "already a field" in again.text) == (422, True)
    page = "/people/fields/favourite_colour"
    assert post(client, page, {**form, "retired": "on"}, page=page).status_code == 302
    assert "favourite_colour" not in [one.id for one in people.fields(own.bus.store)]
    wrong = post(client, "/people/fields/new", {"label": "Sum", "kind": "money", "currency": "cn"})
    assert wrong.status_code == 422
    assert own.client("supervisor").get("/people/fields").status_code == 403


def test_a_person_is_added_found_and_changed(own: FakeBox) -> None:
    client, number, second = own.client("supervisor"), _number(), _number()
    form = {
        "name": "Анна Петрова", "number": [number, second[1:]], "number_type": ["mobile", "work"],
        "custom.tariff": "Gold", "custom.limit": "1 234,50", "custom.since": "2026-03-05", "custom.vip": "yes",
    }  # fmt: skip
    made = post(client, "/people/new", form)
    assert made.status_code == 302
    page = client.get(made.location).text
    for words in ("Анна Петрова", number, "Gold", "1,234.50", "2026-03-05", "Credit limit"):
        assert words in page
    contact_id = made.location.rsplit("/", 1)[1]
    for query in ("Петр", second[4:], number):
        assert contact_id in client.get(f"/people?q={query.replace('+', '%2B')}").text, query
    edit = f"/people/{contact_id}/edit"
    changed = post(client, edit, _form(client, edit, number=[second, number], **{"custom.limit": "-3"}), page=edit)
    assert (changed.status_code, "at least 0" in changed.text) == (422, True)
    assert post(client, edit, _form(client, edit, number=[second, number]), page=edit).status_code == 302
    with own.bus.store.read() as session:
        assert session.get_one(models.Contact, contact_id).number == second
        lines = session.scalars(select(models.AuditEntry.action).where(
            models.AuditEntry.subject == f"person:{contact_id}")).all()  # fmt: skip
    assert lines == ["contact.made", "contact.saved"]
    taken = post(client, "/people/new", {"name": "Other", "number": [second], "number_type": ["mobile"]})
    assert "Another person is known by this number" in taken.text
    assert contact_id in taken.text
    assert post(client, "/people/new", {"name": "Nobody", "number": [""], "number_type": [""]}).status_code == 422


def test_two_who_change_the_same_person_overwrite_nothing(own: FakeBox) -> None:
    first, second = own.client("supervisor"), own.client("administrator")
    edit = f"/people/{_made(own, 'Old name')}/edit"
    mine, theirs = _form(first, edit, name="Mine"), _form(second, edit, name="Theirs")
    assert post(second, edit, theirs, page=edit).status_code == 302
    met = post(first, edit, mine, page=edit)
    assert met.status_code == 409
    assert "Theirs" in met.text
    assert "Mine" in met.text
    assert "Theirs" in first.get(edit).text


def _lead(box: FakeBox, contact_id: str, campaign_id: str, number: str, name: str) -> str:
    lead_id, now = f"lead-{next(_count)}", datetime.now(UTC)
    with box.bus.store.write() as session:
        session.add(models.Lead(id=lead_id, campaign_id=campaign_id, contact_id=contact_id, number=number, name=name,
                                state="waiting", next_attempt_at=now, attempts=1))  # fmt: skip
        session.flush()
        session.add(models.Attempt(
            id=f"a-{lead_id}", campaign_id=campaign_id, lead_id=lead_id, contact_id=contact_id, number=number,
            trunk_id="t", created_at=now - timedelta(hours=1), ended_at=now, outcome="human", note=f"of {name}",
            disposition="promise_to_pay", promise_date="2026-12-01",
        ))  # fmt: skip
    return lead_id


def test_two_become_one_and_two_again(own: FakeBox) -> None:
    client, shared, other = own.client("supervisor"), _number(), _number()
    kept = _made(own, "王小明", shared, branch="North")
    gone = _made(own, "Wang", other, shared, branch="South", tariff="Gold")
    both, alone = own.campaign("Both have it").id, own.campaign("One has it").id
    kept_lead, gone_lead = _lead(own, kept, both, shared, "kept"), _lead(own, gone, both, other, "gone")
    moved = _lead(own, gone, alone, other, "alone")
    with own.bus.store.write() as session:
        session.add(models.PersonFacts(contact_id=gone, third_party=True, third_party_refused=False,
                                       do_not_call_since=datetime.now(UTC), consents=[]))  # fmt: skip
    assert gone in client.get("/people/duplicates").text
    assert "belongs to another person too" in client.get(f"/people/{kept}").text
    compare = f"/people/{kept}/merge/{gone}"
    versions = dict(re.findall(r'name="(\w+_version)" value="(\w+)"', client.get(compare).text))
    form = {**versions, "take.branch": "gone", "take.name": "kept"}
    stale = post(client, compare, {**form, "gone_version": "0" * 20})
    assert stale.status_code == 409
    assert post(client, compare, form).status_code == 302
    card = people.card(own.bus.store, kept)
    assert card is not None
    assert (card.name, card.custom) == ("王小明", {"branch": "South", "tariff": "Gold"})
    assert [one.number for one in card.numbers] == [shared, other]
    with own.bus.store.read() as session:
        assert session.get(models.Contact, gone) is None
        assert session.get(models.Lead, gone_lead) is None
        assert session.get_one(models.Lead, kept_lead).attempts == 2
        assert session.get_one(models.Lead, moved).contact_id == kept
        assert session.get_one(models.PersonFacts, kept).do_not_call_since is not None, "what bars one bars the person"
    page = client.get(f"/people/{kept}").text
    assert page.count("of gone") == page.count("of kept") == page.count("of alone") == 1
    assert client.get(f"/people/{gone}").location.endswith(kept), "who went is found where he is"
    undo = re.search(r'action="(/people/merges/\w+/undo)"', page)
    assert undo
    assert post(client, undo[1], page=f"/people/{kept}").status_code == 302
    back = people.card(own.bus.store, gone)
    card = people.card(own.bus.store, kept)
    assert back is not None
    assert card is not None
    assert (back.name, [one.number for one in back.numbers]) == ("Wang", [other, shared])
    assert (card.custom, [one.number for one in card.numbers]) == ({"branch": "North"}, [shared])
    with own.bus.store.read() as session:
        assert session.get_one(models.Attempt, f"a-{gone_lead}").lead_id == gone_lead
        assert session.get_one(models.Attempt, f"a-{gone_lead}").contact_id == gone
        assert session.get_one(models.Lead, kept_lead).attempts == 1
        assert session.get_one(models.Lead, moved).contact_id == gone
        assert session.get(models.PersonFacts, kept) is None
        assert session.get_one(models.PersonFacts, gone).third_party is True
    assert post(client, undo[1], page=f"/people/{kept}").status_code == 400, "only once"


def test_who_is_in_a_call_is_not_merged(own: FakeBox) -> None:
    kept, gone = _made(own, "A"), _made(own, "B")
    lead = _lead(own, gone, own.campaign("Calls now").id, _number(), "busy")
    with own.bus.store.write() as session:
        session.get_one(models.Lead, lead).state = "reserved"
    client = own.client("supervisor")
    refused = post(client, f"/people/{kept}/merge/{gone}")
    assert (refused.status_code, "in a call now" in refused.text) == (400, True)


def test_a_list_fills_the_fields_and_goes_out_again(own: FakeBox) -> None:
    client, good, bad = own.client("supervisor"), _number(), _number()
    known = _made(own, "Known", branch="Old branch")
    first = people.card(own.bus.store, known)
    assert first is not None
    table = (
        f"phone,name,Tariff,Credit limit,Customer since,VIP,Branch,Visits\n{good},Ann,gold,100.5,2026/03/05,是,East,7\n"
        f"{bad},Ben,Platin,x,soon,maybe,,1000\n{first.numbers[0].number},Known,,,,,New branch,\n"
    ).encode()
    sent = post(client, "/imports", {"file": (io.BytesIO(table), "own.csv")})
    columns = client.get(sent.location).text
    assert 'value="custom.tariff" selected' in columns, "a heading that is a field's name is taken for it"
    heads = ["phone", "name", "Tariff", "Credit limit", "Customer since", "VIP", "Branch", "Visits"]
    roles = ["phone", "name", "custom.tariff", "custom.limit", "custom.since", "custom.vip", "custom.branch",
             "custom.visits"]  # fmt: skip
    dry = post(client, sent.location, {"column": heads, "role": roles, "campaign_name": "With fields"})
    plan = dict(re.findall(r'name="(plan|upload)" value="([^"]*)"', client.get(dry.location).text))
    plan = {name: value.replace("&#34;", '"') for name, value in plan.items()}
    assert post(client, dry.location.split("?")[0] + "/commit", plan, page=dry.location).status_code == 302
    found = {one.name: one for one in people.search(own.bus.store, "").rows}
    assert found["Ann"].custom == {"tariff": "Gold", "limit": 10050, "since": "2026-03-05", "vip": "yes",
                                   "branch": "East", "visits": 7}  # fmt: skip
    assert found["Ben"].custom == {}
    assert found["Known"].custom == {"branch": "New branch"}, "the newer list holds"
    with own.bus.store.read() as session:
        ben = session.scalars(select(models.Lead).where(models.Lead.name == "Ben")).one()
    assert ben.fields["Tariff"] == "Platin", "nothing is lost"
    out = post(client, "/exports/contacts", {"format": "csv", "q": "Ann"}, page="/people")
    text = _file(client, out.location)
    assert text.lstrip("\ufeff").splitlines()[0].startswith("name,phone,phone2,phone3,phone4,Tariff,Credit limit")
    assert f"Ann,{good},,,,Gold,100.50,2026-03-05,yes,East,7" in text


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_hostile_texts_are_only_texts(own: FakeBox, text: str) -> None:
    client = own.client("supervisor")
    made = post(client, "/people/new", {"name": text, "number": [_number()], "number_type": ["mobile"],
                                        "custom.branch": text[:20]})  # fmt: skip
    assert made.status_code == 302
    contact_id = made.location.rsplit("/", 1)[1]
    other = _made(own, text[:50])
    compare = f"/people/{contact_id}/merge/{other}"
    for page in (made.location, f"/people/{contact_id}/edit", compare, "/people"):
        shown = client.get(page)
        assert shown.status_code == 200
        assert "<script>alert" not in shown.text
        assert "<img src=x" not in shown.text
        assert "\u202e" not in shown.text
        assert "\0" not in shown.text
    assert client.get("/people", query_string={"q": text}).status_code == 200
    out = post(client, "/exports/contacts", {"format": "csv", "q": ""}, page="/people")
    rows = _file(client, out.location)
    assert not re.search(r"(^|,)\"?=HYPERLINK", rows, re.MULTILINE)
