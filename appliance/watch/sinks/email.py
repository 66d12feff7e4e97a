"""Alerts by e-mail (SMTP, RFC 5321; STARTTLS, RFC 3207). Raise and clear are one thread in the reader's mailbox."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from appliance.errors import BoxError
from appliance.settings import EmailSettings
from appliance.watch.sinks.base import Message, mark

_TIMEOUT_S = 20.0


class EmailSink:
    """One mail a notice to all recipients; a connection a mail, as alerts are rare."""

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
        letter["From"] = self._settings.sender or f"callbox@{self._settings.host}"
        letter["To"] = self._settings.recipients
        letter["Date"] = format_datetime(datetime.fromtimestamp(message.at_unix_s, UTC))
        letter["Message-ID"] = make_msgid(domain="callbox.invalid")
        letter["References"] = f"<{message.uid}@callbox.invalid>"
        letter["Auto-Submitted"] = "auto-generated"
        since = datetime.fromtimestamp(message.raised_at_unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        letter.set_content(f"{words.title}\n\n{words.text}\n\n{self._box} · {message.key} · {since}\n")
        return letter

    def tell(self, message: Message) -> None:
        settings = self._settings
        try:
            with self._connection() as server:
                if settings.security == "starttls":
                    server.starttls(context=self._tls)
                if settings.user:
                    server.login(settings.user, settings.password.get_secret_value())
                server.send_message(self.letter(message))
        except (OSError, smtplib.SMTPException) as error:
            raise BoxError(
                "sink.failed", f"The mail server {settings.host}:{settings.port} says: {error}", retryable=True
            ) from error

    def _connection(self) -> smtplib.SMTP:
        host, port = self._settings.host, self._settings.port
        if self._settings.security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=self._tls)
        return smtplib.SMTP(host, port, timeout=_TIMEOUT_S)

    def close(self) -> None:
        """Nothing stays open."""
