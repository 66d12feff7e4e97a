"""Bearer tokens (RFC 6750): who stands behind one, what it may, and how often it may ask."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flask import g, request

from appliance.commands import NoteTokenUse
from appliance.errors import CallboxError, CallerError
from appliance.logs import get_logger
from appliance.store.read import api_tokens
from webui.box import box, store, tell
from webui.session import CurrentUser, token_hash

_NOTED_EVERY_S = 60.0
_KEPT_MAX = 10_000

_log = get_logger(web="api")


class TooOftenError(CallerError):
    """The token asks more often than it may."""

    http_status = 429


def bearer() -> str:
    """The token of the request; empty without one."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def user_of_token() -> CurrentUser | None:
    """The user whom the request's token acts for, with no more than its scopes; None: it opens nothing."""
    found = api_tokens.acting(store(), token_hash(bearer()))
    if found is None or not found.token.holds(datetime.now(UTC)):
        return None
    g.token_id = found.token.id
    _note(found.token.id)
    return CurrentUser(
        id=found.token.user_id, login=found.login, display_name=found.display_name or found.login, role=found.role,
        language="", theme="auto", permissions=found.permissions,
    )  # fmt: skip


@dataclass
class Bucket:
    """Allows `per_minute` requests on average, as many at once."""

    per_minute: int
    left: float = -1.0
    at_s: float = 0.0

    def take(self, now_s: float) -> float:
        """Take one; returns how many seconds to wait first (0: taken)."""
        if self.left < 0:
            self.left = float(self.per_minute)
        self.left = min(float(self.per_minute), self.left + max(0.0, now_s - self.at_s) * self.per_minute / 60)
        self.at_s = max(self.at_s, now_s)
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) * 60 / self.per_minute


@dataclass
class Limiter:
    """One bucket for each caller, in the memory of the one process that serves."""

    buckets: dict[str, Bucket] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, caller: str, per_minute: int) -> None:
        """Raises TooOftenError with `retry_after_s`."""
        now_s = time.monotonic()
        with self.lock:
            if len(self.buckets) > _KEPT_MAX:
                self.buckets = {name: one for name, one in self.buckets.items() if now_s - one.at_s < 60}
            bucket = self.buckets.get(caller)
            if bucket is None or bucket.per_minute != per_minute:
                bucket = self.buckets[caller] = Bucket(per_minute, at_s=now_s)
            wait_s = bucket.take(now_s)
        if wait_s > 0:
            raise TooOftenError(
                "request.too_often", f"More than {per_minute} requests in a minute; go on in {math.ceil(wait_s)} s.",
                retryable=True, per_minute=per_minute, retry_after_s=math.ceil(wait_s),
            )  # fmt: skip


limiter = Limiter()
_noted: dict[str, float] = {}


def check_rate() -> None:
    """Count this request for its token, or its user's session."""
    caller = g.get("token_id") or (g.user.id if g.user else f"address {request.remote_addr}")
    limiter.check(caller, box().settings.web.api_per_minute)


def _note(token_id: str) -> None:
    """Have the office write down when the key was used; a box that cannot just now still answers."""
    now_s = time.monotonic()
    if now_s - _noted.get(token_id, -math.inf) < _NOTED_EVERY_S:
        return
    _noted[token_id] = now_s
    try:
        tell(NoteTokenUse(id=token_id), timeout_s=1.0)
    except CallboxError as error:
        _log.info("use of a key not noted", token=token_id, error_id=error.error_id)
