"""Reports on the web: figures, the rows behind them, one attempt, tables, saved reports, and today on the board."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from appliance.store.models import AgentStateLog, Attempt, Contact, Import, Lead, Recording, User
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim


def seed(box: FakeBox, campaign_id: str, agent_id: str) -> datetime:
    """Nine calls of the last minutes (all of one hour): 4 persons, 3 conversations, 2 with the debtor, 1 abandoned."""
    now = datetime.now(UTC).replace(microsecond=0)
    first = now - timedelta(seconds=120)
    with box.bus.store.write() as session:
        session.add(Import(id="list1", campaign_id=campaign_id, file_name="march.xlsx", dry_run=False,
                           state="finished", created_at=first))  # fmt: skip
        session.add(Contact(id="person", number="+8613800138000", name="=1+1", created_at=first))
        session.flush()
        session.add(Lead(id="lead1", campaign_id=campaign_id, contact_id="person", number="+8613800138000",
                         name="=1+1", import_id="list1", state="done", next_attempt_at=first,
                         currency="CNY"))  # fmt: skip
        session.flush()
        for n in range(9):
            at = first + timedelta(seconds=n)
            row = Attempt(id=f"try{n}", campaign_id=campaign_id, lead_id="lead1", contact_id="person",
                          number="+8613800138000", trunk_id="e1", created_at=at, originated_at=at,
                          ended_at=at + timedelta(seconds=60), left_at=at + timedelta(seconds=60), outcome="busy",
                          evidence={}, media={}, rule_inputs={})  # fmt: skip
            if n < 4:
                row.outcome, row.answered_at, row.verdict_at = "human", at, at
                row.clock_at, row.answer_within_s = at, 2.0
            if n < 3:
                row.agent_id, row.bridged_at = agent_id, at + timedelta(seconds=1)
                row.disposition = ("promise_to_pay", "refused", "wrong_number")[n]
                row.disposed_at = at + timedelta(seconds=70)
            row.abandoned = n == 3
            session.add(row)
        session.add(Recording(id="rec0", conversation_id="try0", attempt_id="try0", campaign_id=campaign_id,
                              state="archived", started_at=first))  # fmt: skip
        session.add(AgentStateLog(agent_id=agent_id, at=first, state="talking"))
        session.add(AgentStateLog(agent_id=agent_id, at=first + timedelta(seconds=60), state="ready"))
    return first


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeBox]:
    """A box of its own: its figures are counted."""
    box = FakeBox(tmp_path_factory.mktemp("reports"))
    box.set_up()
    box.people["campaign"] = box.campaign("Spring").id
    seed(box, box.people["campaign"], box.people["agent"])
    yield box
    box.app.extensions["callbox"].live.close()
    box.bus.close()


def _figures(text: str) -> dict[str, str]:
    return dict(re.findall(r'data-figure="(\w+)">([^<]*)<', text))


WEEK = "period=last_7_days"  # the calls may have begun before midnight


def test_figures_and_their_meaning(full: FakeBox) -> None:
    text = full.client("supervisor").get(f"/reports?{WEEK}&by=agent").text
    shown = _figures(text)
    assert {name: shown[name] for name in ("attempts", "persons", "conversations", "rpc", "promises")} == {
        "attempts": "9", "persons": "4", "conversations": "3", "rpc": "2", "promises": "1",
    }  # fmt: skip
    assert shown["abandoned_share"] == "25.0%"
    assert "Right-party contacts / attempts." in text
    assert "Agent" in text


def test_each_figure_leads_to_as_many_rows(full: FakeBox) -> None:
    client = full.client("supervisor")
    for by in ("day", "hour", "campaign", "agent", "list", "trunk"):
        text = client.get(f"/reports?{WEEK}&by={by}").text
        links = re.findall(r'href="(/reports/attempts\?[^"]+)">(\d+)<', text)
        assert len(links) >= 14, by  # a line and the sum, seven figures each
        for address, figure in links:
            page = client.get(html.unescape(address))
            assert page.status_code == 200
            assert _figures(page.text)["rows"] == figure, address


def test_one_attempt_from_its_row(full: FakeBox) -> None:
    client = full.client("supervisor")
    rows = client.get(f"/reports/attempts?{WEEK}&measure=promises").text
    (address,) = set(re.findall(r'href="(/reports/attempts/try0[^"]*)"', rows))
    text = client.get(html.unescape(address)).text
    assert "Right party (RPC)" in text
    assert "/recordings/rec0" in text
    assert "/people/person" in text
    assert "Why this call was made" in text
    assert client.get("/reports/attempts/unknown").status_code == 404


def test_rows_come_in_pages(full: FakeBox) -> None:
    client = full.client("supervisor")
    assert client.get(f"/reports/attempts?{WEEK}&before=try4&measure=nonsense&hour=99&outcome=x").status_code == 200
    older = client.get(f"/reports/attempts?{WEEK}&before=try4").text
    assert re.findall(r'<td class="figures"><a href="/reports/attempts/(try\d)', older) == [
        "try3", "try2", "try1", "try0",
    ]  # fmt: skip


def test_nothing_dialled_says_what_comes_next(full: FakeBox) -> None:
    client = full.client("supervisor")
    assert "Nothing was dialled" in client.get("/reports?since=2020-01-01&until=2020-01-02").text
    assert "No such attempts" in client.get("/reports/attempts?since=2020-01-01&until=2020-01-02").text
    assert "No report is saved" in client.get("/reports/saved").text


def _table(client: FlaskClient, report: str, **fields: str) -> list[list[str]]:
    made = post(client, f"/exports/{report}", {**fields, "format": "csv"}, page="/reports")
    assert made.status_code == 302, made.text[-500:]
    return list(csv.reader(io.StringIO(_file(client, f"{made.headers['Location']}/file"))))


def _file(client: FlaskClient, address: str) -> str:
    with client.get(address) as response:
        return str(response.data.decode("utf-8-sig"))


def test_tables_to_take_away(full: FakeBox) -> None:
    client = full.client("supervisor")
    figures = _table(client, "figures", period="last_7_days", by="campaign")
    assert figures[0][:2] == ["Campaign", "Attempts"]
    assert [line[:3] for line in figures[1:]] == [["Spring", "9", "4"], ["All", "9", "4"]]
    rows = _table(client, "attempts", period="last_7_days", measure="rpc")
    assert len(rows) == 3
    first = dict(zip(rows[0], rows[1], strict=True))
    assert first["name"] == "'=1+1"  # no formula in somebody's spreadsheet
    zone = full.bus.settings.dialling.timezone
    wanted = datetime.fromisoformat(first["dialled_at"])
    assert wanted.utcoffset() == wanted.astimezone(ZoneInfo(zone)).utcoffset()


def test_a_saved_report(full: FakeBox) -> None:
    client = full.client("supervisor")
    saved = "/reports/saved"
    assert client.get(f"/reports/saved/new?{WEEK}&by=agent").status_code == 200
    fields = {
        "name": "Weekly", "period": "last_7_days", "by": "agent", "every": "week", "at_time": "08:00", "on_day": "1",
        "file_format": "csv", "language": "en",
    }  # fmt: skip
    wrong = post(client, "/reports/saved/save", {**fields, "recipients": "nobody", "at_time": "26:00"}, page=saved)
    assert wrong.status_code == 400
    assert "Write e-mail addresses" in wrong.text
    assert post(client, "/reports/saved/save", fields, page=saved).status_code in (302, 303)
    page = client.get("/reports/saved").text
    (report_id,) = set(re.findall(r"/reports/saved/(\w+)/run", page))
    assert "Weekly" in page
    assert "Every week" in page
    post(client, f"/reports/saved/{report_id}/run", page=saved)
    assert "Made" in client.get("/reports/saved").text
    assert "\r\nAgent,3,3," in _file(client, f"/reports/saved/{report_id}/file")
    assert client.get(f"/reports/saved/{report_id}").status_code == 200
    post(client, f"/reports/saved/{report_id}/delete", page=saved)
    assert "No report is saved" in client.get("/reports/saved").text


def test_the_board_shows_what_the_report_shows(full: FakeBox) -> None:
    client = full.client("supervisor")
    board, report = (_figures(client.get(page).text) for page in ("/board/today", "/reports?period=today"))
    names = ("attempts", "persons", "conversations", "rpc", "promises", "abandoned_share")
    assert {name: board[name] for name in names} == {name: report.get(name, board[name]) for name in names}
    assert 'id="today"' in client.get("/board").text


def test_agents_see_no_reports(full: FakeBox) -> None:
    client = full.client("agent")
    for page in ("/reports", "/reports/attempts", "/reports/attempts/try0", "/reports/saved", "/reports/saved/new",
                 "/board/today"):  # fmt: skip
        assert client.get(page).status_code == 403, page


@pytest.mark.parametrize("language", ["zh", "ru"])
def test_in_other_languages(full: FakeBox, language: str) -> None:
    with full.bus.store.write() as session:
        session.get_one(User, full.people["supervisor"]).language = language
    try:
        client = full.client("supervisor", language)
        for page in (f"/reports?{WEEK}", f"/reports/attempts?{WEEK}", "/reports/attempts/try0", "/reports/saved/new"):
            text = client.get(page).text
            assert {"zh": "本人接触", "ru": "Должник у телефона"}[language] in text or "saved" in page
            assert "Right party" not in text
    finally:
        with full.bus.store.write() as session:
            session.get_one(User, full.people["supervisor"]).language = "en"
