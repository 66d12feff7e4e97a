"""Languages and time: who sees which language, and how instants, durations and money are written."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from babel.numbers import get_currency_precision
from flask import Flask, g, request
from flask_babel import Babel, format_datetime, format_decimal, format_percent, get_locale, gettext

from webui.box import box

LANGUAGES = {"en": "English", "zh": "中文", "ru": "Русский"}
LANGUAGE_COOKIE = "language"


def select_language() -> str:
    """The user's own language, else the cookie of the log-in page, the browser's wish, the box's default."""
    user = g.get("user")
    if user is not None and user.language in LANGUAGES:
        return str(user.language)
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(LANGUAGES, default=box().settings.language) or "en"


def select_timezone() -> str:
    """All times are shown in the zone of the box."""
    return box().settings.dialling.timezone


def instant(value: datetime | float | None, style: str = "short") -> str:
    """An instant in the box's zone; style `short` (date and time), `time`, `date`, `full`. None: a dash."""
    if value is None:
        return "–"
    if isinstance(value, int | float):
        value = datetime.fromtimestamp(value).astimezone()
    patterns = {"time": "HH:mm:ss", "date": "yyyy-MM-dd", "short": "yyyy-MM-dd HH:mm", "full": "yyyy-MM-dd HH:mm:ss"}
    return str(format_datetime(value, patterns[style]))


def duration(seconds: float | None) -> str:
    """mm:ss or h:mm:ss; None: a dash."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    text = f"{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{whole // 3600}:{text}" if whole >= 3600 else text


def seconds(value: float | None) -> str:
    """A short time with one decimal and its unit; None: a dash."""
    return "–" if value is None else gettext("%(value)s s", value=format_decimal(value, "0.0"))


def number(value: float | None) -> str:
    """A figure with the language's separators; None: a dash."""
    return "–" if value is None else str(format_decimal(value))


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction as per cent; None: a dash."""
    return "–" if value is None else str(format_percent(value, f"0.{'0' * digits}%"))


def money(minor: int | None, currency: str) -> str:
    """Minor units with the currency's code; None: nothing."""
    if minor is None:
        return ""
    digits = get_currency_precision(currency or "USD")
    pattern = "#,##0." + "0" * digits if digits else "#,##0"
    return f"{format_decimal(minor / 10**digits, pattern)} {currency}".strip()


def size(count: float | None) -> str:
    """Bytes as kB, MB, GB or TB."""
    if count is None:
        return "–"
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= scale:
            return f"{format_decimal(count / scale, '0.0')} {unit}"
    return f"{format_decimal(count / 1e3, '0')} kB"


def territory(code: str) -> str:
    """A country by its ISO 3166 code in the reader's language; an unknown code as it is."""
    return str(get_locale().territories.get(code, code))


FILTERS: dict[str, Any] = {
    "instant": instant, "duration": duration, "number": number, "percent": percent, "money": money, "size": size,
    "seconds": seconds, "territory": territory,
}  # fmt: skip


def register(app: Flask) -> None:
    """Start Flask-Babel on the catalogues of `webui/translations`."""
    Babel(app, locale_selector=select_language, timezone_selector=select_timezone)
    app.jinja_env.filters.update(FILTERS)
