"""Alerts by HTTP POST, signed as standardwebhooks.com says (`outside.hooks`)."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from urllib.parse import urlsplit

from appliance.errors import BoxError
from appliance.outside import hooks
from appliance.outside.hooks import permitted as permitted
from appliance.settings import WebhookSettings
from appliance.watch.sinks.base import Message


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header. `secret`: `whsec_` and base64, or any text."""
    try:
        return hooks.signature(secret, message_id, timestamp, body)
    except ValueError as error:
        raise BoxError("sink.failed", "The webhook secret is not whsec_ and base64.") from error


class WebhookSink:
    """One POST a notice; any answer but 2xx is a failure and is tried again with the same id."""

    name = "webhook"

    def __init__(
        self, settings: WebhookSettings, *, box: str, tls: ssl.SSLContext | None = None, allow_loopback: bool = False
    ) -> None:
        self._settings = settings
        self._box = box
        self._tls = tls or ssl.create_default_context()
        self._allow_loopback = allow_loopback

    def _body(self, message: Message) -> bytes:
        kind = "alert.raised" if message.raised else "alert.cleared"
        data = {
            "box": self._box, "uid": message.uid, "happened": message.happened, "key": message.key,
            "severity": message.severity, "test": message.test, "raised_at": _rfc3339(message.raised_at_unix_s),
            "figures": message.data,
            "words": {name: vars(message.words(name)) for name in ("en", "zh", "ru")},
        }  # fmt: skip
        whole = {"type": kind, "timestamp": _rfc3339(message.at_unix_s), "data": data}
        return json.dumps(whole, ensure_ascii=False, default=str).encode()

    def tell(self, message: Message) -> None:
        host = urlsplit(self._settings.url).hostname or ""
        body, message_id, now = self._body(message), f"{message.uid}-{message.happened}", int(time.time())
        headers = {
            "Content-Type": "application/json", "webhook-id": message_id, "webhook-timestamp": str(now),
        }  # fmt: skip
        secret = self._settings.secret.get_secret_value()
        if secret:
            headers["webhook-signature"] = signature(secret, message_id, now, body)
        try:
            status = hooks.send(
                self._settings.url, body, headers, allow_private=self._settings.allow_private,
                allow_loopback=self._allow_loopback, tls=self._tls,
            ).status  # fmt: skip
        except (OSError, ValueError, http.client.HTTPException) as error:
            said = f"The webhook at {host} cannot be reached: {error}"
            raise BoxError("sink.failed", said, retryable=True) from error
        except BoxError as error:
            raise BoxError("sink.failed", f"'{host}' is an address that alerts may not go to (webhook).") from error
        if not 200 <= status < 300:
            raise BoxError("sink.failed", f"The webhook at {host} answers {status}.", retryable=True)

    def close(self) -> None:
        """Nothing stays open."""


def _rfc3339(unix_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_s))
