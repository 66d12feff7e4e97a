"""Alerts by SMS. The gateway is behind a Protocol; so far there is only its simulator, which writes to a file."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Protocol

from appliance.errors import BoxError
from appliance.watch.sinks.base import Message, mark

GSM_CHARS, UCS2_CHARS = 160, 70
"""One short message: GSM 03.38 alphabet or UCS-2 (3GPP TS 23.038)."""


class SmsGateway(Protocol):
    """Sends one short message. Raises BoxError `sink.failed`."""

    def send(self, number: str, text: str) -> None: ...


class SimulatedGateway:
    """Writes each message as a line "time number text"; `fail` makes it refuse as a gateway without credit does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.fail = ""

    def send(self, number: str, text: str) -> None:
        if self.fail:
            raise BoxError("sink.failed", f"The SMS gateway says: {self.fail}.", retryable=True)
        with self._lock, self._path.open("a", encoding="utf-8") as handle:
            handle.write(f"{time.time():.3f} {number} {text}\n")


def short(message: Message, box: str, language: str) -> str:
    """Title and as much of the text as one short message holds."""
    words = message.words(language)
    text = f"{box} {mark(message)}: {words.title}. {words.text}"
    room = GSM_CHARS if text.isascii() else UCS2_CHARS
    return text if len(text) <= room else text[: room - 1].rstrip() + ("." if text.isascii() else "…")


class SmsSink:
    """One short message a notice and number."""

    name = "sms"

    def __init__(self, gateway: SmsGateway, numbers: list[str], *, box: str, language: str) -> None:
        self._gateway = gateway
        self._numbers = numbers
        self._box = box
        self._language = language
        self._sent: set[tuple[str, str, str]] = set()

    def tell(self, message: Message) -> None:
        text = short(message, self._box, self._language)
        for number in self._numbers:
            mark_sent = (message.uid, message.happened, number)
            if mark_sent in self._sent:  # a retry after another number failed
                continue
            self._gateway.send(number, text)
            self._sent.add(mark_sent)
        self._sent = {sent for sent in self._sent if sent[0] != message.uid or sent[1] != message.happened}

    def close(self) -> None:
        """Nothing stays open."""
