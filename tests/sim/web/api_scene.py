"""A box with something of everything in it, and keys, for tests of the API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance import commands as cmd
from appliance.store.models import (
    Alert,
    Attempt,
    Contact,
    ContactNumber,
    DoNotCall,
    InboundCall,
    KbArticle,
    Lead,
    PhoneNumber,
    Recording,
    Webhook,
    WebhookDelivery,
)  # fmt: skip
from appliance.types import AgentState, Permission
from tests.sim.web.fakes import FakeBox

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
TRUNK = {"channels": 30, "gateways": [{"address": "127.0.1.1"}]}


def fill(box: FakeBox) -> dict[str, str]:
    """Rows of each kind; returns an id for each name that stands in addresses."""
    campaign = box.campaign("Filled")
    agent = box.people["agent"]
    box.by_administrator(cmd.SaveSeat, id="seat01")
    box.by_administrator(cmd.SaveTrunk, id="trunk1", config=TRUNK)
    queue = box.by_administrator(cmd.SaveQueue, name="Service", config={"numbers": ["+861012345678"]}).id
    role = box.by_administrator(cmd.SaveRole, name="Reader", permissions={"reports.read": "all"}).id
    department = box.by_administrator(cmd.SaveDepartment, name="North").id
    report = box.by_administrator(cmd.SaveReport, name="Daily").id
    token = box.by_administrator(cmd.MakeApiToken, name="old", scopes=["reports.read"]).id
    with box.bus.store.write() as session:
        for n in range(5):
            number = f"+8613812345{n:03}"
            session.add(Contact(id=f"contact{n}", number=number, name=f"王{n}", created_at=NOW))
            session.flush()
            session.add(ContactNumber(contact_id=f"contact{n}", position=0, number=number))
            session.add(PhoneNumber(number=number, region="CN"))
            session.add(
                Lead(id=f"lead{n}", campaign_id=campaign.id, contact_id=f"contact{n}", number=number, name=f"王{n}",
                     state="waiting", next_attempt_at=NOW, callback_at=NOW if n == 0 else None)
            )  # fmt: skip
            session.flush()
            session.add(
                Attempt(id=f"attempt{n}", campaign_id=campaign.id, lead_id=f"lead{n}", contact_id=f"contact{n}",
                        number=number, trunk_id="trunk1", created_at=NOW, answered_at=NOW, bridged_at=NOW,
                        ended_at=NOW + timedelta(seconds=60), outcome="human", agent_id=agent)
            )  # fmt: skip
            session.add(
                Recording(id=f"recording{n}", conversation_id=f"attempt{n}", attempt_id=f"attempt{n}", agent_id=agent,
                          campaign_id=campaign.id, state="archived", started_at=NOW, archived_at=NOW)
            )  # fmt: skip
        session.add(DoNotCall(number="+8613900000000", reason="asked", created_at=NOW))
        session.add(InboundCall(id="inbound1", trunk_id="trunk1", caller="+8613812345000", state="ended", at=NOW,
                                ended_at=NOW, outcome="missed", queue_id=str(queue)))  # fmt: skip
        session.add(Alert(key="disk.low", severity="warning", title="Disk", text="full", raised_at=NOW, data={}))
        session.add(KbArticle(id="article1", title="Paying", body="how", updated_at=NOW))
        session.add(Webhook(id="hook1", name="CRM", url="https://crm.example/hook", events=["attempt.finished"],
                            secret="whsec_eA==", seen_until=NOW, created_at=NOW))  # fmt: skip
        session.flush()
        session.add(WebhookDelivery(id="msg_1", webhook_id="hook1", event="attempt.finished", body="{}", at=NOW))
    box.bus.request(cmd.AgentLogin(actor_id=agent, seat_id="seat01"))
    box.bus.engine.change(agent, state=AgentState.READY)
    return {
        "campaigns": campaign.id, "queues": str(queue), "roles": str(role), "departments": str(department),
        "saved": str(report), "tokens": str(token), "users": agent, "seats": "seat01", "trunks": "trunk1",
        "leads": "lead1", "attempts": "attempt1", "inbound-calls": "inbound1", "recordings": "recording1",
        "contacts": "contact1", "numbers": "+8613812345001", "do-not-call": "+8613900000000", "agents": agent,
        "articles": "article1", "webhooks": "hook1", "webhook-deliveries": "msg_1", "alerts": "disk.low",
    }  # fmt: skip


def key(box: FakeBox, scopes: Iterable[str] = tuple(Permission), owner: str = "administrator") -> str:
    """A key of a user with these scopes."""
    done = box.by_administrator(cmd.MakeApiToken, name="test", scopes=list(scopes), user_id=box.people[owner])
    return str(done.data["token"])


class ApiClient:
    """Asks the API with a key."""

    def __init__(self, box: FakeBox, token: str) -> None:
        self._client: FlaskClient = box.app.test_client()
        self._token = token

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
        """One request; `path` without /api/v1."""
        given = {"Authorization": f"Bearer {self._token}", **(headers or {})}
        return self._client.open(f"/api/v1{path}", method=method, headers=given, base_url="https://localhost", **more)
