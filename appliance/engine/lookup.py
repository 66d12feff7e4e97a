"""Asking the customer's own system before a number is dialled: it may add fields, or say not to call.

The question runs beside everything else and has a time-out; nothing about a call in progress waits for it. What comes
too late is as the settings say: dialled all the same, or not dialled now.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from appliance.domain.after_call import LOOKUP_LATE, LOOKUP_NEVER
from appliance.errors import BoxError
from appliance.logs import get_logger
from appliance.outside import hooks
from appliance.settings import CtiSettings
from appliance.url_template import fill

_THREADS = 16
_ANSWER_MAX = 65_536
_FIELDS_MAX, _TEXT_MAX = 50, 500


@dataclass(frozen=True)
class Found:
    """What the other system said. `dial` False: not now (`reason`); `never`: not at all."""

    dial: bool = True
    never: bool = False
    reason: str = ""
    fields: dict[str, str] = field(default_factory=dict)


class Lookup:
    """Asks `settings.lookup_url`; without one it finds nothing at once."""

    def __init__(self, settings: CtiSettings, *, allow_loopback: bool = False) -> None:
        self._settings, self._allow_loopback = settings, allow_loopback
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="lookup")
        self._failing = False
        self._log = get_logger(engine="lookup")

    @property
    def on(self) -> bool:
        return bool(self._settings.lookup_url)

    async def ask(self, values: dict[str, Any], fields: dict[str, Any]) -> Found:
        """Ask about one customer; `values` as url_template.PLACEHOLDERS. Never raises for the other side's sake."""
        if not self.on:
            return Found()
        timeout_s = self._settings.lookup_timeout_ms / 1000
        work = asyncio.get_running_loop().run_in_executor(self._pool, self._fetch, values, fields, timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                found = await work
        except (TimeoutError, OSError, ValueError, http.client.HTTPException, BoxError) as error:
            self._note(f"{type(error).__name__}: {error}")
            late = self._settings.lookup_late == "dial"
            return Found(dial=late, reason="" if late else LOOKUP_LATE)
        self._note("")
        return found

    def _fetch(self, values: dict[str, Any], fields: dict[str, Any], timeout_s: float) -> Found:
        settings = self._settings
        headers = {"Accept": "application/json"}
        token = settings.lookup_token.get_secret_value()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = None
        if settings.lookup_method == "POST":
            headers["Content-Type"] = "application/json"
            body = json.dumps({**values, "fields": fields}, ensure_ascii=False, default=str).encode()
        answer = hooks.send(
            fill(settings.lookup_url, values, fields), body, headers, method=settings.lookup_method,
            allow_private=settings.allow_private, allow_loopback=self._allow_loopback, timeout_s=timeout_s,
            read_max=_ANSWER_MAX,
        )  # fmt: skip
        return understood(answer.status, answer.body)

    def _note(self, problem: str) -> None:
        """Say it once when the other system is lost and once when it is back."""
        if bool(problem) != self._failing:
            self._failing = bool(problem)
            self._log.warning("lookup lost", error=problem) if problem else self._log.info("lookup back")


def understood(status: int, body: bytes) -> Found:
    """Read an answer: {"dial": false} says not to call, "reason" why, "fields" are added to the record.

    404 and 204: the customer is not known there, nothing is added. Raises ValueError for what is no answer.
    """
    if status in (204, 404):
        return Found()
    if status != 200:
        raise ValueError(f"it answers {status}")
    said = json.loads(body)
    if not isinstance(said, dict):
        raise ValueError("it answers no object")
    if said.get("dial") is False:
        return Found(dial=False, never=True, reason=f"{LOOKUP_NEVER} {str(said.get('reason', ''))[:80]}".strip())
    given = said.get("fields", {})
    if not isinstance(given, dict):
        raise ValueError("its fields are no object")
    plain = {str(name)[:80]: str(value)[:_TEXT_MAX] for name, value in list(given.items())[:_FIELDS_MAX]
             if value is not None and not isinstance(value, dict | list)}  # fmt: skip
    return Found(fields=plain)
