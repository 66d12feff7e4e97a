"""Queues, missed calls, and a caller on the desk and the board."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance import commands as cmd
from appliance.events import LiveLine, LiveQueue
from appliance.store import models
from appliance.store.read import inbound
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim

FIELDS = {
    "name": "Service", "numbers": "+861088886666", "language": "ru", "hours_from": "09:00", "hours_to": "18:00",
    "days": ["mon", "tue"], "skills_text": "russian:3", "max_wait_s": "300", "overflow": "message",
    "overflow_queue": "", "announce_every_s": "45", "closed_prompt": "", "music": "music", "record": "y",
    "callback_key": "y", "enabled": "y", "campaign_id": "",
}  # fmt: skip


def test_a_queue_is_made_changed_and_removed(box: FakeBox) -> None:
    client = box.client("supervisor")
    assert "No queue yet" in client.get("/queues").text
    made = post(client, "/queues/new", FIELDS)
    assert made.location == "/queues", made.text[-600:]
    queue = inbound.queues(box.bus.store)[0]
    assert queue.config["hours"] == {"mon": ["09:00-18:00"], "tue": ["09:00-18:00"]}
    assert [queue.config[key] for key in ("skills", "notice", "callback_key")] == [{"russian": 3}, False, True]
    assert "+861088886666" in client.get("/queues").text
    now = datetime.now(UTC)
    with box.bus.store.write() as session:
        for n, (outcome, wait_s) in enumerate((("connected", 5.0), ("connected", 31.0), ("abandoned_in_queue", 9.0))):
            session.add(models.InboundCall(
                id=f"f{n}", trunk_id="t1", caller="", state="ended", at=now, ended_at=now, queue_id=queue.id,
                outcome=outcome, wait_s=wait_s,
            ))  # fmt: skip
    figures = inbound.queue_figures(box.bus.store, now - timedelta(minutes=1))[queue.id]
    assert (figures.calls, figures.connected, figures.in_time, figures.hung_up) == (3, 2, 1, 1)
    assert figures.mean_wait_s == 18.0
    today = client.get("/queues").text
    assert "33%" in today
    assert "00:18" in today
    page = client.get(f"/queues/{queue.id}").text
    assert 'value="russian:3"' in page
    taken = post(client, "/queues/new", {**FIELDS, "name": "Other"})
    assert "belongs to another queue" in taken.text
    wrong = post(client, "/queues/new", {**FIELDS, "name": "Third", "numbers": "88886666"})
    assert wrong.status_code == 200
    assert "is-invalid" in wrong.text
    post(client, f"/queues/{queue.id}", {**FIELDS, "max_wait_s": "60"})
    assert inbound.queues(box.bus.store)[0].config["max_wait_s"] == 60
    post(client, f"/queues/{queue.id}/remove", page=f"/queues/{queue.id}")
    assert inbound.queues(box.bus.store) == []
    assert box.client("agent").get("/queues").status_code == 403


def test_missed_calls_are_called_back(box: FakeBox) -> None:
    now = datetime.now(UTC)
    with box.bus.store.write() as session:
        for n, outcome in enumerate(("abandoned_in_queue", "closed", "connected")):
            session.add(models.InboundCall(
                id=f"i{n}", trunk_id="t1", caller=f"+861390000000{n}", called="+861088886666", state="ended", at=now,
                ended_at=now, outcome=outcome,
            ))  # fmt: skip
    client = box.client("supervisor")
    page = client.get("/missed").text
    assert "+8613900000000" in page
    assert "Called outside the hours" in page
    assert "+8613900000002" not in page
    done = post(client, "/missed/call-back", {"call_id": ["i0", "i1"], "campaign_id": ""}, page="/missed")
    assert "2 people are called back" in client.get(done.location).text
    sent = next(c for c in reversed(box.bus.asked) if isinstance(c, cmd.CallBackMissed))
    assert sent.call_ids == ("i0", "i1")


def test_a_caller_on_desk_and_board(box: FakeBox) -> None:
    client, engine, me = box.client("agent"), box.bus.engine, box.people["agent"]
    box.by_administrator(cmd.SaveSeat, id="seat09", display_name="Door", phone="browser")
    post(client, "/desk/seat", {"seat_id": "seat09"}, page="/desk")
    with box.bus.store.write() as session:
        at = datetime(2026, 3, 1, tzinfo=UTC)
        session.add(
            models.InboundCall(id="before", trunk_id="t1", caller="+8613900000009", at=at, ended_at=at, state="ended",
                               outcome="overflowed", note="angry")
        )  # fmt: skip
    engine.connect(me, "conv9", number="+8613900000009", lead_id="", name="", known=False, country="CN")
    engine.change(me, direction="inbound", queue_name="Service", waited_s=34.2)
    engine.queues = [LiveQueue(queue_id="q1", name="Service", open=True, waiting=2, waits_since_unix_s=1.0, agents=3)]
    engine.lines = [
        LiveLine(conversation_id="x", campaign_id="", state="waiting", since_unix_s=1.0, direction="inbound"),
    ]
    box.bus.emit("room", engine.room())
    desk = client.get("/desk").text
    assert "Caller · Service · waited 00:34" in desk
    assert "Add customer" in desk
    assert "China" in desk
    assert "angry" in desk
    assert "Waited too long" in desk
    post(client, "/desk/caller", {"conversation_id": "conv9", "name": "Wang"}, page="/desk", htmx=True)
    after = client.get("/desk/work?shown=call:conv9::new").text
    assert "Wang" in after
    assert "Add customer" not in after
    board = box.client("supervisor").get("/board").text
    assert "Longest wait" in board
    assert "Waits in the queue" in board
