"""Figures for Prometheus: who may have them, and that they are what the box knows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from appliance.bench.technician import write_hardware
from appliance.settings import save_settings
from appliance.store.models import Attempt, Contact, Lead
from appliance.store.read.figures import Tallier
from tests.sim.web.fakes import FakeBox

pytestmark = pytest.mark.sim

LINE = re.compile(r'[a-z_][a-z0-9_]*(\{([a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? -?[0-9.e+-]+')


def test_the_box_itself_sees_figures_in_the_text_format(box: FakeBox) -> None:
    write_hardware(box.home)
    answer = box.app.test_client().get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.get_data(as_text=True)
    for line in text.splitlines():
        assert line.startswith(("# HELP ", "# TYPE ")) or LINE.fullmatch(line), line
    assert "callbox_database_up 1" in text
    assert 'e1_alarm{kind="los",span="span-2"} 1' in text
    assert 'line_up{span="span-1"} 1' in text
    assert 'raid_array_state{array="md0",state="clean"} 1' in text
    assert "+86" not in text


def test_each_attempt_is_counted_once_however_often_one_looks(box: FakeBox) -> None:
    campaign = box.campaign("Counted")
    now = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
    tallier = Tallier()

    def ended(name: str, at: datetime, outcome: str, *, abandoned: bool = False) -> None:
        with box.bus.store.write() as session:
            session.add(Contact(id=name, number=f"+86138{name}", created_at=now))
            session.flush()
            session.add(Lead(id=name, campaign_id=campaign.id, contact_id=name, number=f"+86138{name}", state="done",
                             next_attempt_at=now))  # fmt: skip
            session.flush()
            session.add(Attempt(id=name, campaign_id=campaign.id, lead_id=name, number=f"+86138{name}", trunk_id="t",
                                created_at=at, answered_at=at, ended_at=at, outcome=outcome,
                                abandoned=abandoned))  # fmt: skip

    ended("1", now - timedelta(hours=1), "human")
    ended("2", now, "busy")
    for minutes in range(4):
        found = tallier.figures(box.bus.store, now + timedelta(minutes=minutes))
        assert found.attempts == {(campaign.id, "human"): 1, (campaign.id, "busy"): 1}
    ended("3", now + timedelta(minutes=2, seconds=30), "human", abandoned=True)  # written a little late
    found = tallier.figures(box.bus.store, now + timedelta(minutes=3))
    assert found.attempts[campaign.id, "human"] == 2
    assert found.abandoned == {campaign.id: (1, 2)}
    assert found == Tallier().figures(box.bus.store, now + timedelta(minutes=3))


def test_others_need_the_token(box: FakeBox) -> None:
    def status(**headers: str) -> int:
        away = {"REMOTE_ADDR": "192.0.2.7"}
        return box.app.test_client().get("/metrics", environ_base=away, headers=headers).status_code

    assert status() == 403
    assert status(Authorization="Bearer ") == 403  # an empty token is none
    save_settings(box.home, {"alerts": {"metrics_token": "a-long-token"}})
    assert status(Authorization="Bearer a-long-token") == 200
    assert status(Authorization="Bearer another") == 403
    assert status(**{"X-Forwarded-For": "192.0.2.9"}) == 403
