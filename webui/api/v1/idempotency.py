"""`Idempotency-Key`: a POST that is repeated is carried out once, and answered as it was the first time.

The office keeps the answer for a day. It is sealed under a key made of the bearer token and the idempotency key,
neither of which the box keeps, so that a secret in an answer (a new token) is not readable in the database.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Response, g, request

from appliance.commands import BeginApiRequest, EndApiRequest
from appliance.errors import CallboxError, CallerError, ConflictError
from webui.bearer import bearer
from webui.box import tell

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_UNKNOWN_AFTER_S = 60.0
_NONCE_BYTES = 12


class ReusedKeyError(CallerError):
    """The key was used for another request."""

    http_status = 422


@dataclass(frozen=True)
class _Request:
    id: str
    fingerprint: str
    secret: bytes

    def seal(self, body: bytes) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + AESGCM(self.secret).encrypt(nonce, body, self.id.encode())).decode()

    def open(self, sealed_b64: str) -> bytes:
        sealed = base64.b64decode(sealed_b64)
        return AESGCM(self.secret).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self.id.encode())


def _request(key: str) -> _Request:
    who = bearer() or f"user {g.user.id}"
    asked = b"\n".join((request.method.encode(), request.full_path.encode(), request.get_data()))
    return _Request(
        id=hashlib.sha256(f"{who}\n{key}".encode()).hexdigest(), fingerprint=hashlib.sha256(asked).hexdigest(),
        secret=hashlib.sha256(f"callbox api reply\n{who}\n{key}".encode()).digest(),
    )  # fmt: skip


def once(work: Callable[[], Response]) -> Response:
    """Do `work` unless it was done under this key. Raises ReusedKeyError, ConflictError (still running, unknown)."""
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method != "POST":
        return work()
    if not _KEY.fullmatch(key):
        raise CallerError("request.bad_key", "An Idempotency-Key has 1 to 200 visible ASCII characters.")
    asked = _request(key)
    known = tell(BeginApiRequest(id=asked.id, fingerprint=asked.fingerprint)).data
    if known["known"]:
        return _replay(asked, known)
    try:
        response = work()
    except CallboxError as error:
        if isinstance(error, CallerError) or error.error_id == "bus.no_service":  # nothing was carried out
            tell(EndApiRequest(id=asked.id, status=None))
        raise
    tell(EndApiRequest(id=asked.id, status=response.status_code, sealed_b64=asked.seal(response.get_data())))
    return response


def _replay(asked: _Request, known: dict[str, object]) -> Response:
    if known["fingerprint"] != asked.fingerprint:
        raise ReusedKeyError("request.key_reused", "This Idempotency-Key was used for another request; use a new one.")
    if known["status"] is None:
        if float(str(known["age_s"])) > _UNKNOWN_AFTER_S:
            raise ConflictError(
                "request.fate_unknown", "It is not known whether the first request was carried out. Look, and if not, "
                "ask again with a new Idempotency-Key.",
            )  # fmt: skip
        raise ConflictError("request.running", "The first request with this key is still being carried out.")
    try:
        body = asked.open(str(known["sealed_b64"]))
    except InvalidTag as error:
        raise ReusedKeyError("request.key_reused", "This Idempotency-Key was used otherwise; use a new one.") from error
    response = Response(body, status=int(str(known["status"])), content_type="application/json")
    response.headers["Idempotency-Replayed"] = "true"
    return response
