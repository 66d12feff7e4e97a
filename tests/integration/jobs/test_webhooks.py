"""Webhooks over the real store and a real socket: what is told, how it is signed, what becomes of a dead address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from appliance import commands
from appliance.clock import ManualClock
from appliance.errors import ValidationErrors
from appliance.events import LiveAlert
from appliance.jobs.queue import Progress, WorkQueue
from appliance.jobs.webhooks import TRIES_AFTER_S, Webhooks, purge
from appliance.outside.hooks import signature
from appliance.store.models import Attempt, Campaign, Contact, Job, Lead, Webhook, WebhookDelivery
from appliance.store.repositories import happenings
from appliance.types import LOCAL_ACTOR
from tests.integration.jobs.boxes import START, Shown, new_context
from tests.sim.watch.receivers import Kept, http_server

pytestmark = pytest.mark.integration


class Box:
    """Webhooks of one box, with a queue that the test works off."""

    def __init__(self, folder: Path, target: Kept) -> None:
        self.target = target
        self.clock = ManualClock(START)
        self.context = new_context(folder, clock=self.clock)
        self.hooks = Webhooks(self.context, WorkQueue(self.context, []), allow_loopback=True)
        self.url = f"http://127.0.0.1:{target.port}/hook"
        with self.context.store.write() as session:
            session.add(Campaign(id="c", name="Spring", mode="progressive", state="running", config={},
                                 created_at=START))  # fmt: skip
            session.add(Contact(id="p", number="+8613800138000", created_at=START))
            session.flush()
            session.add(Lead(id="l", campaign_id="c", contact_id="p", number="+8613800138000", name="王小明",
                             currency="CNY", state="done", next_attempt_at=START))  # fmt: skip

    def hook(self, *events: str, **fields: Any) -> tuple[str, str]:
        given = {"name": "CRM", "url": self.url, "events": list(events), "allow_private": True, **fields}
        done = self.hooks.save(commands.SaveWebhook(actor_id=LOCAL_ACTOR, **given))
        return str(done.id), str(done.data["secret"])

    def call(self, attempt_id: str, **fields: Any) -> None:
        self.clock.advance(1)
        now = self.clock.now()
        with self.context.store.write() as session:
            session.add(Attempt(id=attempt_id, campaign_id="c", lead_id="l", number="+8613800138000", trunk_id="t",
                                created_at=now, ended_at=now, outcome="human", **fields))  # fmt: skip
        self.clock.advance(1)

    def work(self) -> int:
        """Do every job that is due; returns how many."""
        self.hooks.sweep()
        with self.context.store.read() as session:
            due = session.query(Job).filter(Job.kind == "webhook", Job.state == "waiting").all()
        due = [job for job in due if job.run_at <= self.clock.now()]
        for job in due:
            with self.context.store.write() as session:
                session.get_one(Job, job.id).state = "finished"
            self.hooks.run(job.payload, cast("Progress", None))
        return len(due)

    def deliveries(self) -> list[WebhookDelivery]:
        with self.context.store.read() as session:
            return session.query(WebhookDelivery).order_by(WebhookDelivery.at, WebhookDelivery.id).all()

    @property
    def alerts(self) -> list[bool]:
        shown = cast("Shown", self.context.publish)
        return [event.raised for _topic, event in shown if isinstance(event, LiveAlert)]

    def row(self, hook_id: str) -> Webhook:
        with self.context.store.read() as session:
            return session.get_one(Webhook, hook_id)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with http_server() as target:
        made = Box(tmp_path, target)
        yield made
        made.context.store.close()


def test_what_happened_is_told_once_and_signed(box: Box) -> None:
    _hook_id, secret = box.hook("attempt.finished", "promise.made")
    box.call("a1")
    box.call("a2", disposition="promise_to_pay", disposed_at=box.clock.now() + timedelta(seconds=1),
             promise_amount_minor=5000, promise_date="2026-03-10")  # fmt: skip
    assert box.work() == 3
    assert box.work() == 0, "the overlap of two sweeps tells nothing twice"
    told = [json.loads(body) for _headers, body in box.target.got]
    assert sorted(one["type"] for one in told) == ["attempt.finished", "attempt.finished", "promise.made"]
    headers, body = box.target.got[0]
    expected = signature(secret, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == expected
    assert {one.state for one in box.deliveries()} == {"delivered"}
    assert all("138001" not in body.decode() and "王" not in body.decode() for _headers, body in box.target.got)


def test_personal_data_only_when_it_was_chosen(box: Box) -> None:
    box.hook("attempt.finished", personal=True)
    box.call("a1")
    box.work()
    data = json.loads(box.target.got[0][1])["data"]
    assert (data["number"], data["name"]) == ("+8613800138000", "王小明")


def test_a_changed_secret_signs_beside_the_old_one_for_a_while(box: Box) -> None:
    hook_id, old = box.hook("attempt.finished")
    new = box.hooks.rotate(commands.RotateWebhookSecret(actor_id=LOCAL_ACTOR, id=hook_id, overlap_hours=1))
    box.call("a1")
    box.work()
    headers, body = box.target.got[0]
    at, name = int(headers["webhook-timestamp"]), headers["webhook-id"]
    signed = [signature(one, name, at, body) for one in (new.data["secret"], old)]
    assert headers["webhook-signature"].split(" ") == signed
    box.clock.advance(3700)
    box.call("a2")
    box.work()
    assert len(box.target.got[1][0]["webhook-signature"].split(" ")) == 1


def test_what_is_not_taken_is_tried_later_under_the_same_id(box: Box) -> None:
    box.hook("attempt.finished")
    box.target.answer = 500
    box.call("a1")
    assert box.work() == 1
    assert box.work() == 0, "not before its time"
    box.target.answer = 204
    box.clock.advance(TRIES_AFTER_S[0])
    assert box.work() == 1
    first, second = (headers["webhook-id"] for headers, _body in box.target.got)
    assert first == second
    assert [(one.state, one.tries) for one in box.deliveries()] == [("delivered", 2)]


def test_while_it_fails_only_its_oldest_message_is_tried(box: Box) -> None:
    hook_id, _secret = box.hook("attempt.finished")
    box.target.answer = 503
    box.call("a1")
    box.work()
    for n in range(5):
        box.call(f"b{n}")
    asked = len(box.target.got)
    box.work()
    assert len(box.target.got) <= asked + 1
    assert box.row(hook_id).failing_since is not None
    box.target.answer = 200
    for _turn in range(12):
        box.clock.advance(60)
        box.work()
    assert {one.state for one in box.deliveries()} == {"delivered"}
    assert box.row(hook_id).failing_since is None


def test_a_dead_address_is_switched_off_with_an_alert_and_on_again_by_hand(box: Box) -> None:
    hook_id, _secret = box.hook("attempt.finished")
    box.target.answer = 500
    box.call("a1")
    for _turn in range(200):
        box.work()
        if not box.row(hook_id).enabled:
            break
        box.clock.advance(600)
    assert not box.row(hook_id).enabled
    assert box.alerts[-1] is True
    assert [one.state for one in box.deliveries()] == ["failed"]
    box.call("a2")
    box.work()
    box.clock.advance(60)
    box.hooks.save(
        commands.SaveWebhook(actor_id=LOCAL_ACTOR, id=hook_id, name="CRM", url=box.url, events=["attempt.finished"],
                             allow_private=True)
    )  # fmt: skip
    assert box.alerts[-1] is False
    box.target.answer = 200
    box.call("a3")
    box.work()
    assert [json.loads(one.body)["data"]["attempt_id"] for one in box.deliveries()] == ["a1", "a3"], "what was off"
    box.hooks.resend(commands.ResendDelivery(actor_id=LOCAL_ACTOR, id=box.deliveries()[0].id))
    box.work()
    assert {one.state for one in box.deliveries()} == {"delivered"}


def test_gone_is_gone(box: Box) -> None:
    hook_id, _secret = box.hook("attempt.finished")
    box.target.answer = 410
    box.call("a1")
    box.work()
    assert not box.row(hook_id).enabled


def test_the_test_button_sends_at_once_and_tells_no_alert(box: Box) -> None:
    hook_id, _secret = box.hook("attempt.finished")
    done = box.hooks.test(commands.TestWebhook(actor_id=LOCAL_ACTOR, id=hook_id))
    assert box.work() == 1
    assert box.target.got[0][0]["webhook-id"] == done.id
    assert json.loads(box.target.got[0][1])["type"] == "webhook.test"


def test_the_own_network_only_by_choice_and_the_box_itself_never(box: Box) -> None:
    hook_id, _secret = box.hook("attempt.finished", url="http://169.254.169.254/latest/meta-data", allow_private=True)
    box.call("a1")
    box.work()
    assert "169.254.169.254" in box.deliveries()[0].error
    strict = Webhooks(box.context, WorkQueue(box.context, []))
    box.hooks.save(
        commands.SaveWebhook(actor_id=LOCAL_ACTOR, id=hook_id, name="own", url=box.url, events=["attempt.finished"])
    )
    strict.run({"delivery_id": box.deliveries()[0].id}, cast("Progress", None))
    assert box.target.got == []


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [({"url": "ftp://x"}, "url"), ({"url": "https://user:pw@x/"}, "url"), ({"url": "https://[::1"}, "url"),
     ({"events": ["made.up"]}, "events"), ({"events": []}, "events"), ({"name": " "}, "name")],
)  # fmt: skip
def test_wrong_webhooks_are_refused(box: Box, fields: dict[str, Any], wrong: str) -> None:
    given = {"name": "CRM", "url": box.url, "events": ["attempt.finished"], **fields}
    with pytest.raises(ValidationErrors) as caught:
        box.hooks.save(commands.SaveWebhook(actor_id=LOCAL_ACTOR, **given))
    assert caught.value.errors[0][0] == wrong


def test_the_log_is_kept_for_a_week(box: Box) -> None:
    box.hook("attempt.finished")
    box.call("a1")
    box.work()
    box.clock.advance(8 * 86400)
    with box.context.store.write() as session:
        purge(session, box.clock.now())
    assert box.deliveries() == []


def test_a_promise_behind_many_other_results_is_told(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happenings, "TAKEN_MAX", 3)
    box.hook("promise.made")
    for number in range(5):
        said = "promise_to_pay" if number == 4 else "informed"
        box.call(f"a{number}", disposed_at=box.clock.now(), disposition=said)
    assert box.work() == 1
    assert json.loads(box.deliveries()[0].body)["data"]["attempt_id"] == "a4"
