"""Letters out (SMTP, RFC 5321; STARTTLS, RFC 3207): one way for alerts and for reports."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage

from appliance.errors import BoxError
from appliance.settings import EmailSettings

_TIMEOUT_S = 20.0


def sender(settings: EmailSettings) -> str:
    """The address that letters come from."""
    return settings.sender or f"callbox@{settings.host}"


def send(settings: EmailSettings, letter: EmailMessage, tls: ssl.SSLContext) -> None:
    """Give one letter to the mail server; a connection a letter, as they are rare. Raises BoxError `mail.failed`."""
    try:
        with _connection(settings, tls) as server:
            if settings.security == "starttls":
                server.starttls(context=tls)
            if settings.user:
                server.login(settings.user, settings.password.get_secret_value())
            server.send_message(letter)
    except (OSError, smtplib.SMTPException) as error:
        raise BoxError(
            "mail.failed", f"The mail server {settings.host}:{settings.port} says: {error}", retryable=True
        ) from error


def _connection(settings: EmailSettings, tls: ssl.SSLContext) -> smtplib.SMTP:
    if settings.security == "tls":
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=_TIMEOUT_S, context=tls)
    return smtplib.SMTP(settings.host, settings.port, timeout=_TIMEOUT_S)
