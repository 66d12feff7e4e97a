"""Alerts by e-mail. Raise and clear are one thread in the reader's mailbox."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from appliance.errors import BoxError
from appliance.outside.mail import send, sender
from appliance.settings import EmailSettings
from appliance.watch.sinks.base import Message, mark


class EmailSink:
    """One mail a notice to all recipients."""

    name = "email"

    def __init__(
        self, settings: EmailSettings, *, box: str, language: str, tls: ssl.SSLContext | None = None
    ) -> None:
        self._settings = settings
        self._box = box
        self._language = language
        self._tls = tls or ssl.create_default_context()

    def letter(self, message: Message) -> EmailMessage:
        """The mail about a notice."""
        words = message.words(self._language)
        letter = EmailMessage()
        title = " ".join(words.title.split())  # a figure with a line end must not become a header
        letter["Subject"] = f"[{self._box}] {mark(message)}: {title}"
        letter["From"] = sender(self._settings)
        letter["To"] = self._settings.recipients
        letter["Date"] = format_datetime(datetime.fromtimestamp(message.at_unix_s, UTC))
        letter["Message-ID"] = make_msgid(domain="callbox.invalid")
        letter["References"] = f"<{message.uid}@callbox.invalid>"
        letter["Auto-Submitted"] = "auto-generated"
        since = datetime.fromtimestamp(message.raised_at_unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        letter.set_content(f"{words.title}\n\n{words.text}\n\n{self._box} · {message.key} · {since}\n")
        return letter

    def tell(self, message: Message) -> None:
        try:
            send(self._settings, self.letter(message), self._tls)
        except BoxError as error:
            raise BoxError("sink.failed", error.message, retryable=True) from error

    def close(self) -> None:
        """Nothing stays open."""
