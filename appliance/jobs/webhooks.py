"""Webhooks: who is told what, and telling it (standardwebhooks.com) until it was taken.

What happened is read from rows by a sweep, so that nothing is lost over a restart; the id of a message is made of the
webhook and what happened, so that nothing is told twice under two ids. Each message is a job of the durable queue. A
webhook that took nothing for a day, or says 410 Gone, is switched off, with an alert.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from appliance import commands
from appliance.alerting import told
from appliance.commands import Done
from appliance.errors import BoxError, NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.jobs.queue import Progress, WorkQueue
from appliance.logs import get_logger
from appliance.outside import hooks
from appliance.store import versions
from appliance.store.models import Webhook, WebhookDelivery
from appliance.store.repositories import happenings, jobs_queue, users
from appliance.types import Permission, Severity, WebhookEvent

WEBHOOK = "webhook"
"""Kind of the job; its payload is {delivery_id}."""

TRIES_AFTER_S = (5, 300, 1800, 7200, 18_000, 36_000, 36_000)
"""How long after each try the next one is made; after the last a message has failed (28 hours in all)."""
DEAD_AFTER = timedelta(hours=24)
KEPT = timedelta(days=7)
_OVERLAP = timedelta(seconds=10)  # a row may be written a little later than the instant that stands in it
_PROBE_S = 60.0  # while a webhook fails only its oldest message is tried; the others look again after this
_HOURS_MAX = 168
_GONE = 410
_TEST = "webhook.test"

log = get_logger()


class Webhooks:
    """Answers the commands about webhooks, finds what is to be told, tells it."""

    def __init__(
        self, context: Context, queue: WorkQueue, *, tls: ssl.SSLContext | None = None, allow_loopback: bool = False
    ) -> None:
        self._context, self._queue = context, queue
        self._tls = tls or ssl.create_default_context()
        self._allow_loopback = allow_loopback

    def handlers(self) -> dict[type[commands.Command], Callable[[Any], Done]]:
        """The commands it answers."""
        return {
            commands.SaveWebhook: self.save, commands.RemoveWebhook: self.remove,
            commands.RotateWebhookSecret: self.rotate, commands.TestWebhook: self.test,
            commands.ResendDelivery: self.resend,
        }  # fmt: skip

    # ---- commands ---------------------------------------------------------------------------------------------

    def save(self, command: commands.SaveWebhook) -> Done:
        """Raises ValidationErrors by field, NotFoundError `webhook.unknown`."""
        _check(command)
        now, secret = self._context.clock.now(), ""
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.SETTINGS_WRITE)
            wanted = {
                "name": command.name.strip(), "url": command.url.strip(), "events": sorted(set(command.events)),
                "personal": command.personal, "allow_private": command.allow_private, "enabled": command.enabled,
            }  # fmt: skip
            if command.id is None:
                secret = hooks.new_secret()
                row = Webhook(id=new_id(), secret=secret, created_at=now, seen_until=now, enabled=True)
                session.add(row)
            else:
                row = _known(session, command.id)
                versions.check(session, command, f"webhook:{row.id}", row, wanted)
            if command.enabled and not row.enabled:
                row.seen_until, row.failing_since = now, None  # what happened meanwhile is not told
            for name, value in wanted.items():
                setattr(row, name, value)
            detail = {"url": row.url, "events": row.events, "personal": row.personal, "enabled": row.enabled}
            self._audit(session, command, "webhook.saved", row.id, detail)
        self._alert(row.id, row.name, raised=False)
        return Done(id=row.id, data={"secret": secret} if secret else {})

    def remove(self, command: commands.RemoveWebhook) -> Done:
        """Raises NotFoundError `webhook.unknown`."""
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.SETTINGS_WRITE)
            row = _known(session, command.id)
            self._audit(session, command, "webhook.removed", row.id, {"url": row.url})
            session.execute(delete(WebhookDelivery).where(WebhookDelivery.webhook_id == row.id))
            session.delete(row)
        self._alert(row.id, row.name, raised=False)
        return Done(id=command.id)

    def rotate(self, command: commands.RotateWebhookSecret) -> Done:
        """Raises NotFoundError `webhook.unknown`, ValidationErrors."""
        if not 0 <= command.overlap_hours <= _HOURS_MAX:
            raise ValidationErrors([("overlap_hours", "webhook.bad_hours", f"Use 0 to {_HOURS_MAX} hours.")])
        secret, now = hooks.new_secret(), self._context.clock.now()
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.SETTINGS_WRITE)
            row = _known(session, command.id)
            row.old_secret, row.secret = row.secret, secret
            row.old_secret_until = now + timedelta(hours=command.overlap_hours)
            self._audit(session, command, "webhook.secret_changed", row.id, {"overlap_hours": command.overlap_hours})
        return Done(id=command.id, data={"secret": secret})

    def test(self, command: commands.TestWebhook) -> Done:
        """Raises NotFoundError `webhook.unknown`."""
        now, delivery_id = self._context.clock.now(), f"msg_{new_id()}"
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.SETTINGS_WRITE)
            row = _known(session, command.id)
            self._put(session, row, delivery_id, _TEST, now, {"webhook": row.name})
        self._queue.wake()
        return Done(id=delivery_id)

    def resend(self, command: commands.ResendDelivery) -> Done:
        """Raises NotFoundError `webhook.unknown_delivery`."""
        now = self._context.clock.now()
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.SETTINGS_WRITE)
            row = session.get(WebhookDelivery, command.id)
            if row is None:
                raise NotFoundError("webhook.unknown_delivery", "There is no such message; it is kept for a week.")
            row.state, row.tries, row.next_at, row.done_at = "waiting", 0, now, None
            jobs_queue.put(session, _job_id(row.id), WEBHOOK, {"delivery_id": row.id}, now, again=True)
        self._queue.wake()
        return Done(id=command.id)

    def _audit(self, session: Session, command: commands.UserCommand, action: str, of: str, detail: Any) -> None:
        audit.append(
            session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
            action=action, subject=f"webhook:{of}", detail=detail,
        )  # fmt: skip

    # ---- what happened ----------------------------------------------------------------------------------------

    def sweep(self) -> int:
        """Find what is to be told and put it into the queue; returns how many messages."""
        now = self._context.clock.now()
        with self._context.store.read() as session:
            listening = list(session.scalars(select(Webhook).where(Webhook.enabled)))
        return sum(self._sweep_one(hook, now) for hook in listening)

    def _sweep_one(self, hook: Webhook, now: datetime) -> int:
        since = max(hook.created_at, hook.seen_until - _OVERLAP)
        with self._context.store.read() as session:
            found, until = happenings.between(session, since, now, hook.events, personal=hook.personal)
            ids = {_delivery_id(hook.id, one): one for one in found}
            known = set(session.scalars(select(WebhookDelivery.id).where(WebhookDelivery.id.in_(list(ids)))))
        fresh = {name: one for name, one in ids.items() if name not in known}
        if not fresh and now - hook.seen_until < _OVERLAP:
            return 0  # nothing to write down
        with self._context.store.write() as session:
            row = session.get(Webhook, hook.id)
            if row is None or not row.enabled:
                return 0
            row.seen_until = until
            for name, one in fresh.items():
                self._put(session, row, name, one.event, one.at, one.data)
        if fresh:
            self._queue.wake()
        return len(fresh)

    def _put(
        self, session: Session, hook: Webhook, delivery_id: str, event: str, at: datetime, data: dict[str, Any]
    ) -> None:
        now = self._context.clock.now()
        whole = {"type": event, "timestamp": _instant(at), "data": data}
        body = json.dumps(whole, ensure_ascii=False, default=_json)
        session.add(WebhookDelivery(id=delivery_id, webhook_id=hook.id, event=event, body=body, at=now, next_at=now))
        jobs_queue.put(session, _job_id(delivery_id), WEBHOOK, {"delivery_id": delivery_id}, now)

    # ---- the job ----------------------------------------------------------------------------------------------

    def run(self, payload: dict[str, Any], _progress: Progress) -> dict[str, Any]:
        """Send one message; what is not taken waits for its next try."""
        with self._context.store.read() as session:
            row = session.get(WebhookDelivery, payload["delivery_id"])
            hook = session.get(Webhook, row.webhook_id) if row is not None else None
            first = row is None or row.event == _TEST or hook is None or self._is_first(session, hook, row)
        if row is None or hook is None or row.state == "delivered":
            return {}
        if not hook.enabled and row.event != _TEST:
            self._end(row.id, "failed", None, "The webhook is switched off.")
            return {}
        if not first:
            self._again(row.id, _PROBE_S)
            return {}
        status, error = self._send(hook, row)
        if status is not None and 200 <= status < 300:
            self._end(row.id, "delivered", status, "")
            self._recovered(hook)
        else:
            self._not_taken(hook, row, status, error)
        return {"status": status}

    def _is_first(self, session: Session, hook: Webhook, row: WebhookDelivery) -> bool:
        """Whether it may be tried: while a webhook fails, its oldest waiting message alone."""
        if hook.failing_since is None:
            return True
        oldest = session.scalar(
            select(WebhookDelivery.id).where(WebhookDelivery.webhook_id == hook.id, WebhookDelivery.state == "waiting")
            .order_by(WebhookDelivery.at, WebhookDelivery.id).limit(1)
        )  # fmt: skip
        return oldest is None or oldest == row.id

    def _send(self, hook: Webhook, row: WebhookDelivery) -> tuple[int | None, str]:
        now, body = self._context.clock.now(), row.body.encode()
        stamp = int(now.timestamp())
        signing = [hook.secret]
        if hook.old_secret and hook.old_secret_until is not None and hook.old_secret_until > now:
            signing.append(hook.old_secret)
        headers = {
            "Content-Type": "application/json", "webhook-id": row.id, "webhook-timestamp": str(stamp),
            "webhook-signature": " ".join(hooks.signature(one, row.id, stamp, body) for one in signing),
        }  # fmt: skip
        try:
            answer = hooks.send(
                hook.url, body, headers, allow_private=hook.allow_private, allow_loopback=self._allow_loopback,
                tls=self._tls,
            )  # fmt: skip
        except (OSError, ValueError, http.client.HTTPException) as error:
            return None, f"{type(error).__name__}: {error}"
        except BoxError as error:
            return None, error.message
        return answer.status, "" if 200 <= answer.status < 300 else f"It answers {answer.status}."

    def _not_taken(self, hook: Webhook, row: WebhookDelivery, status: int | None, error: str) -> None:
        now, tries = self._context.clock.now(), row.tries + 1
        log.warning("webhook not taken", webhook=hook.id, delivery=row.id, tries=tries, status=status, error=error)
        over = tries > len(TRIES_AFTER_S) or row.event == _TEST
        with self._context.store.write() as session:
            kept, target = session.get(WebhookDelivery, row.id), session.get(Webhook, hook.id)
            if kept is None or target is None:
                return
            kept.tries, kept.status, kept.error = tries, status, error[:500]
            if row.event != _TEST:
                target.failing_since = target.failing_since or now
                dead = status == _GONE or now - target.failing_since >= DEAD_AFTER
                target.enabled = target.enabled and not dead
            dead = row.event != _TEST and not target.enabled
            if over or dead:
                kept.state, kept.done_at, kept.next_at = "failed", now, None
        if dead:
            log.error("webhook switched off", webhook=hook.id, status=status, error=error)
            self._alert(hook.id, hook.name, raised=True, error=error)
        elif not over:
            self._again(row.id, TRIES_AFTER_S[tries - 1])

    def _again(self, delivery_id: str, wait_s: float) -> None:
        at = self._context.clock.now() + timedelta(seconds=wait_s)
        with self._context.store.write() as session:
            row = session.get(WebhookDelivery, delivery_id)
            if row is not None:
                row.next_at = at
        self._queue.put(_job_id(delivery_id), WEBHOOK, {"delivery_id": delivery_id}, run_at=at, again=True)

    def _end(self, delivery_id: str, state: str, status: int | None, error: str) -> None:
        with self._context.store.write() as session:
            row = session.get(WebhookDelivery, delivery_id)
            if row is not None:
                row.state, row.status, row.error, row.next_at = state, status, error, None
                row.tries, row.done_at = row.tries + (state == "delivered"), self._context.clock.now()

    def _recovered(self, hook: Webhook) -> None:
        if hook.failing_since is None:
            return
        with self._context.store.write() as session:
            row = session.get(Webhook, hook.id)
            if row is not None:
                row.failing_since = None
        log.info("webhook takes again", webhook=hook.id)

    def _alert(self, webhook_id: str, name: str, *, raised: bool, error: str = "") -> None:
        alert = told(
            "webhook.off", {"name": name, "error": error}, key=f"webhook.{webhook_id}.off", severity=Severity.WARNING,
            raised=raised, at=self._context.clock.now(),
        )  # fmt: skip
        self._context.publish("alert", alert)


def purge(session: Session, now: datetime) -> None:
    """Forget messages of more than a week ago."""
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.at < now - KEPT))


def _job_id(delivery_id: str) -> str:
    return f"hook-{delivery_id.removeprefix('msg_')}"[:40]


def _delivery_id(webhook_id: str, one: happenings.Happening) -> str:
    return f"msg_{hashlib.sha256(f'{webhook_id}:{one.event}:{one.key}'.encode()).hexdigest()[:34]}"


def _known(session: Session, webhook_id: str) -> Webhook:
    row = session.get(Webhook, webhook_id)
    if row is None:
        raise NotFoundError("webhook.unknown", "There is no such webhook.")
    return row


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _json(value: Any) -> str:
    return _instant(value) if isinstance(value, datetime) else str(value)


def _check(command: commands.SaveWebhook) -> None:
    """Raises ValidationErrors with all mistakes."""
    faults = []
    if not 1 <= len(command.name.strip()) <= 80:
        faults.append(("name", "webhook.bad_name", "Use 1 to 80 characters."))
    try:
        parts = urlsplit(command.url.strip())
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        good = good and not parts.username and len(command.url) <= 500 and command.url.isprintable()
    except ValueError:
        good = False
    if not good:
        faults.append(("url", "webhook.bad_url", "Write an address that begins with https:// or http://."))
    if not command.events or set(command.events) - set(WebhookEvent):
        faults.append(("events", "webhook.bad_events", f"Choose from {', '.join(WebhookEvent)}."))
    if faults:
        raise ValidationErrors(faults)
