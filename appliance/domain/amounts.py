"""Money as people write it, into integer minor units and an ISO 4217 code. Pure; locale facts are Babel's (CLDR)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import get_currency_precision, get_decimal_symbol, get_territory_currencies

from appliance.domain.numbers import Cell

AMOUNT_MINOR_MAX = 10**15
"""Ten million millions: more is a number from another column, not a debt."""


@dataclass(frozen=True, slots=True)
class Amount:
    """`minor` in the smallest unit of `currency` (ISO 4217): 12.34 CNY is 1234."""

    minor: int
    currency: str


# longest first; what several currencies share (¥, $) is settled by the region
_CURRENCY_WORDS: tuple[tuple[str, str], ...] = (
    ("人民币", "CNY"), ("rmb", "CNY"), ("рублей", "RUB"), ("рубля", "RUB"), ("рубль", "RUB"), ("руб.", "RUB"),
    ("руб", "RUB"), ("р.", "RUB"), ("р", "RUB"), ("₽", "RUB"), ("тенге", "KZT"), ("тг", "KZT"), ("₸", "KZT"),
    ("грн", "UAH"), ("₴", "UAH"), ("euro", "EUR"), ("eur", "EUR"), ("€", "EUR"), ("£", "GBP"), ("us$", "USD"),
    ("usd", "USD"), ("cny", "CNY"), ("rub", "RUB"), ("kzt", "KZT"), ("gbp", "GBP"), ("uah", "UAH"), ("inr", "INR"),
    ("₹", "INR"), ("hkd", "HKD"), ("hk$", "HKD"), ("jpy", "JPY"), ("円", "JPY"), ("块", "CNY"), ("圆", "CNY"),
    ("元", ""), ("¥", ""), ("$", ""),
)  # fmt: skip
_BARE = re.compile(r"[\d.,]+")  # no currency to look for
_SIMPLE = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?")  # what most lists hold; nothing to guess in any region
_YEN_SIGN = {"CN": "CNY", "JP": "JPY"}
_DOLLAR_REGIONS = {"AU", "CA", "HK", "NZ", "SG", "TW", "MX", "CL", "CO", "AR"}
_MULTIPLES = (("万", 10_000), ("萬", 10_000), ("亿", 100_000_000), ("тыс.", 1000), ("тыс", 1000), ("млн", 1_000_000))
_NOTHING = {"", "-", "--", "—", "–", "n/a", "na", "нет", "无", "null", "none", "nan"}


def parse_amount(cell: Cell, region: str, currency: str = "") -> Amount | ValueError | None:
    """Read an amount. None: the cell holds none. ValueError (returned, not raised): it cannot be read without guessing.

    The cell's own currency sign decides, then `currency` (the list's), then the money of `region`. A lone separator
    before three digits is read as the region writes numbers: 1,234 is 1234 in CN and 1.23 in RU.
    """
    home = currency or region_currency(region)
    if cell is None or isinstance(cell, bool):
        return None
    if isinstance(cell, (int, float)):
        return _minor(repr(cell), home)
    places = _places(home)
    if (simple := _SIMPLE.fullmatch(cell)) and len(simple[2] or "") <= places:
        return Amount(int(simple[1]) * 10**places + int((simple[2] or "").ljust(places, "0") or 0), home)
    text = unicodedata.normalize("NFKC", cell).strip().lower()
    if text in _NOTHING:
        return None
    negative = text.startswith("(") and text.endswith(")")
    text, found = (text, "") if _BARE.fullmatch(text) else _without_currency(text.strip("()"), region)
    if text.endswith(("-", "−")):
        negative, text = True, text[:-1]
    multiple = 1
    for word, factor in _MULTIPLES:
        if text.endswith(word):
            multiple, text = factor, text.removesuffix(word).strip()
            break
    plain = _plain_decimal(text, decimal_symbol(region))
    if plain is None:
        return ValueError(f"cannot read the amount {cell!r}")
    return _minor(f"-{plain}" if negative else plain, found or home, multiple)


def amount_text(minor: int, currency: str) -> str:
    """An amount in minor units as a plain decimal number, as `parse_amount` reads it in any region."""
    places = get_currency_precision(currency or "USD")
    return f"{Decimal(minor).scaleb(-places):.{places}f}"


@lru_cache(maxsize=64)
def _places(currency: str) -> int:
    return get_currency_precision(currency or "USD")


@lru_cache(maxsize=64)
def region_currency(region: str) -> str:
    """ISO 4217 code of the money of a region (CN: CNY); empty when unknown."""
    try:
        codes = get_territory_currencies(region)
    except (KeyError, ValueError, UnknownLocaleError):
        return ""
    return codes[-1] if codes else ""


@lru_cache(maxsize=64)
def decimal_symbol(region: str) -> str:
    """'.' or ',': how a region writes the decimal sign."""
    try:
        return get_decimal_symbol(Locale.parse(f"und_{region}"))
    except (ValueError, UnknownLocaleError):
        return "."


def _without_currency(text: str, region: str) -> tuple[str, str]:
    for word, code in _CURRENCY_WORDS:
        if text.startswith(word) or text.endswith(word):
            rest = text.removesuffix(word) if text.endswith(word) else text.removeprefix(word)
            if not code and word == "¥":
                code = _YEN_SIGN.get(region, "CNY")
            if not code and word == "元":
                code = "CNY"
            inner, other = _without_currency(rest.strip(), region) if rest.strip() else ("", "")
            if not code and word == "$":
                code = region_currency(region) if region in _DOLLAR_REGIONS else "USD"
            return inner, code or other
    return text, ""


def _plain_decimal(text: str, decimal: str) -> str | None:
    """Digits with at most one dot, or None. Groups may be parted by blank, apostrophe, comma or dot."""
    text = re.sub(r"(?<=\d)[\s'\u2019_](?=\d{3}(?!\d))", "", text.strip())
    text = text.replace("−", "-").replace("，", ",")
    sign = ""
    if text[:1] in "+-" and text:
        sign, text = text[0].replace("+", ""), text[1:].strip()
    if not re.fullmatch(r"\d[\d.,]*", text):
        return None
    dots, commas = text.count("."), text.count(",")
    if dots and commas:
        mark = max(".", ",", key=text.rfind)  # the last one is the decimal sign
        if text.count(mark) > 1:
            return None
        whole, _, part = text.rpartition(mark)
        group = "," if mark == "." else "."
        return f"{sign}{whole.replace(group, '')}.{part}" if _grouped(whole, group) else None
    mark = "." if dots else ","
    if dots + commas > 1:
        return sign + text.replace(mark, "") if _grouped(text, mark) else None
    whole, _, part = text.partition(mark)
    if len(part) == 3 and 1 <= len(whole) <= 3 and mark != decimal and whole != "0":
        return sign + whole + part
    return f"{sign}{whole}.{part}" if part else sign + whole


def _grouped(text: str, mark: str) -> bool:
    """True for groups of three (or of two and three, as India writes)."""
    group = re.escape(mark)
    return re.fullmatch(rf"\d+|\d{{1,3}}(?:{group}\d{{2,3}})*{group}\d{{3}}", text) is not None


def _minor(plain: str, currency: str, multiple: int = 1) -> Amount | ValueError:
    try:
        value = Decimal(plain) * multiple
        scaled = value.scaleb(_places(currency)).quantize(Decimal(1), ROUND_HALF_EVEN)
    except InvalidOperation:
        return ValueError(f"cannot read the amount {plain!r}")
    if not scaled.is_finite() or abs(scaled) > AMOUNT_MINOR_MAX:
        return ValueError(f"the amount {plain!r} is out of range")
    return Amount(int(scaled), currency)
