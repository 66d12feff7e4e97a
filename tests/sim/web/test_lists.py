"""The way of a list through the pages, and lists that are none."""

from __future__ import annotations

import html
import io
import re
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from appliance.store.models import Attempt, Campaign, ContactNumber, Lead
from appliance.store.read import audit, campaigns
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim

LIST = "姓名,电话,欠款\n王小明,13812345678,1200\n张三,13812345678,5\n李四,hello,7\n,,\n赵六,1.38E+10,9\n"


def _send(box: FakeBox, name: str, data: bytes) -> str:
    client = box.client("supervisor")
    response = post(client, "/imports", {"file": (io.BytesIO(data), name)})
    assert response.status_code == 302, response.text[-800:]
    return str(response.location)


def test_from_file_to_campaign_and_rejects_back(box: FakeBox) -> None:
    client = box.client("supervisor")
    columns = _send(box, "../../list.csv", LIST.encode("gb18030"))
    page = client.get(columns).text
    assert ">list.csv</h2>" in page, "folders in a sent name are dropped"
    assert page.count("selected") >= 3, "phone, name and amount are guessed"
    roles = {"column": ["姓名", "电话", "欠款"], "role": ["name", "phone", "amount"], "campaign_name": "Web list"}
    tried = post(client, columns, roles)
    result = client.get(tried.location)
    assert "Dry run" in result.text
    assert "Import 1 numbers for good" in result.text
    assert campaigns.names(box.bus.store) == {}, "nothing is made by a dry run"
    fields = {
        name: re.search(rf'name="{name}" value="([^"]*)"', result.text)[1].replace("&#34;", '"')  # type: ignore[index]
        for name in ("upload", "plan")
    }
    done = post(client, tried.location.split("?")[0] + "/commit", fields, page=tried.location)
    final = client.get(done.location).text
    assert "To the campaign" in final
    assert list(campaigns.names(box.bus.store).values()) == ["Web list"]
    assert campaigns.campaigns(box.bus.store)[0].leads_total == 1

    import_id = done.location.rsplit("/", 1)[1]
    asked = post(client, "/exports/rejects", {"import_id": import_id}, page=done.location)
    assert "Download" in client.get(asked.location).text
    file = client.get(asked.location + "/file")
    assert "attachment" in file.headers["Content-Disposition"]
    sheet = openpyxl.load_workbook(io.BytesIO(file.data)).worksheets[0]
    file.close()
    cells = [str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None]
    assert "hello" in cells
    assert "1.38E+10" in cells


def test_no_phone_column_and_double_meaning_are_told(box: FakeBox) -> None:
    client = box.client("supervisor")
    columns = _send(box, "list.csv", LIST.encode())
    response = post(client, columns, {"column": ["姓名"], "role": ["name"], "campaign_name": "Spring"})
    assert response.status_code == 400
    assert "Say which column holds the telephone numbers." in response.text
    assert 'value="Spring"' in response.text, "what was typed is still there"


@pytest.mark.parametrize(("name", "data"), [("list.exe", b"MZ"), ("", b"x"), ("list", b"x")])
def test_wrong_kinds_are_refused_at_the_door(box: FakeBox, name: str, data: bytes) -> None:
    client = box.client("supervisor")
    response = post(client, "/imports", {"file": (io.BytesIO(data), name)}, htmx=True)
    assert response.status_code == 400


@pytest.mark.parametrize(("name", "data"), [("empty.xlsx", b""), ("hollow.xlsx", bytes(50)), ("x.csv", b"%PDF-1.7")])
def test_broken_files_are_told_on_the_next_page(box: FakeBox, name: str, data: bytes) -> None:
    columns = _send(box, name, data)
    response = box.client("supervisor").get(columns)
    assert response.status_code == 400
    assert f"“{name}” cannot be imported." in response.text
    assert 'type="file"' in response.text, "another file can be sent at once"


@pytest.mark.parametrize("upload_id", ["../../secrets", "0" * 26, "%2e%2e%2fsecrets.toml"])
def test_uploads_are_found_by_id_only(box: FakeBox, upload_id: str) -> None:
    assert box.client("supervisor").get(f"/imports/columns/{upload_id}").status_code == 404


def test_a_number_is_put_on_the_do_not_call_list_and_taken_off(box: FakeBox) -> None:
    client = box.client("supervisor")
    wrong = post(client, "/do-not-call", {"number": "call me", "reason": "asked"})
    assert wrong.status_code == 400
    assert "“call me” is no telephone number." in wrong.text
    assert 'value="asked"' in wrong.text
    assert post(client, "/do-not-call", {"number": "138 0013 8000", "reason": "asked"}).location == "/do-not-call"
    assert "+8613800138000" in client.get("/do-not-call?number=138-0013").text
    assert "This number is not on the list." in client.get("/do-not-call?number=999").text
    post(client, "/do-not-call", {"number": "+8613800138000", "remove": "1"})
    assert "The list is empty" in client.get("/do-not-call").text


TWO_PHONES = "姓名,电话,备用电话\n王小明,13812345678,010-62345678\n张三,13900139000,13812345678\n"


def _roles(page: str) -> dict[str, str]:
    """Column -> role as the page offers it."""
    heads = re.findall(r'name="column" value="([^"]*)".*?</select>', page, re.DOTALL)
    chosen = [
        re.search(r'<option value="([^"]*)" selected', block)
        for block in re.findall(r'<select[^>]*name="role".*?</select>', page, re.DOTALL)
    ]
    return {head: found[1] if found else "" for head, found in zip(heads, chosen, strict=True)}


def _import(box: FakeBox, data: str, fields: dict[str, Any]) -> str:
    """Send a list, try it out and take it for good; returns the address of the result."""
    client = box.client("supervisor")
    columns = _send(box, "list.csv", data.encode())
    roles = _roles(client.get(columns).text)
    tried = post(client, columns, {"column": list(roles), "role": list(roles.values()), **fields})
    page = client.get(tried.location).text
    plan = {
        name: html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page)[1])  # type: ignore[index]
        for name in ("upload", "plan")
    }
    return str(post(client, tried.location.split("?")[0] + "/commit", plan, page=tried.location).location)


def test_further_phones_duplicates_and_a_remembered_header(box: FakeBox) -> None:
    client = box.client("supervisor")
    assert _roles(client.get(_send(box, "a.csv", TWO_PHONES.encode())).text) == {
        "姓名": "name", "电话": "phone", "备用电话": "phone2",
    }  # fmt: skip
    result = client.get(_import(box, TWO_PHONES, {"campaign_name": "Two", "duplicates": "merge"})).text
    assert "Added to the person who is there: 1" in result
    with box.bus.store.read() as session:
        numbers = session.scalars(select(ContactNumber.number).order_by(ContactNumber.position)).all()
    assert numbers == ["+8613812345678", "+861062345678", "+8613900139000"]
    odd = "x,y\n13700137000,13700137001\n"
    columns = _send(box, "odd.csv", odd.encode())
    tried = post(client, columns, {"column": ["x", "y"], "role": ["", "phone"], "campaign_name": "Two"})
    plan = {
        name: html.unescape(re.search(rf'name="{name}" value="([^"]*)"', client.get(tried.location).text)[1])  # type: ignore[index]
        for name in ("upload", "plan")
    }
    post(client, tried.location.split("?")[0] + "/commit", plan, page=tried.location)
    page = client.get(_send(box, "odd2.csv", odd.replace("137", "136").encode())).text
    assert "As you set it for the last list" in page
    assert _roles(page) == {"x": "", "y": "phone"}


def test_a_list_from_the_calls_made(box: FakeBox) -> None:
    client = box.client("supervisor")
    none = post(client, "/imports/source", {"source": "history"}, page="/imports")
    assert none.status_code == 400
    assert "There are no such calls." in none.text
    _import(box, TWO_PHONES, {"campaign_name": "Old"})
    with box.bus.store.write() as session:
        lead = session.scalars(select(Lead).join(Campaign).where(Campaign.name == "Old")).one()
        session.add(Attempt(id="a1", campaign_id=lead.campaign_id, lead_id=lead.id, number=lead.number, trunk_id="t",
                            created_at=datetime.now(UTC), outcome="no_answer", ended_at=datetime.now(UTC)))  # fmt: skip
    made = post(client, "/imports/source", {"source": "history", "outcome": ["no_answer"]}, page="/imports")
    page = client.get(made.location).text
    assert "history.xlsx" in page
    assert "+8613812345678" in page
    assert _roles(page)["phone2"] == "phone2"


def test_the_health_of_numbers_and_a_persons_word(box: FakeBox) -> None:
    client = box.client("supervisor")
    _import(box, TWO_PHONES, {"campaign_name": "Health"})
    given_up = post(client, "/numbers", {"number": "138 1234 5678", "state": "retired"}, page="/numbers")
    assert given_up.status_code < 400
    cell = '<td class="figures">+8613812345678</td>'
    page = client.get("/numbers").text
    assert cell in page
    assert "Dial again" in page
    post(client, "/numbers", {"number": "+8613812345678", "state": "good"}, page="/numbers")
    assert cell not in client.get("/numbers").text
    actions = [entry.action for entry in audit.search(box.bus.store).rows]
    assert {"number.retired", "number.good"} <= set(actions)
