"""Telephone numbers: from what stands in a cell to E.164, or the reason why not.

The numbering plans are those of libphonenumber. What people and spreadsheets do to a number is undone here:
full-width digits, no-break spaces, a leading apostrophe, 0086 for +86, floats (13800138000.0), several numbers in one
cell, an extension. A number whose digits were rounded away (1.38E+10) is refused: dialling the rest would ring a
stranger. Pure: no I/O, no clock.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType, timezone
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from appliance.types import E164, LineType

Cell = str | int | float | bool | None
"""What a table cell may hold. A formula without a stored value arrives as its text, an error as `#N/A` and alike."""

ROUNDED_ZEROS = 6
"""A numeric cell that ends in so many zeros was rounded by a spreadsheet (odds that it was not: one in a million)."""
CELL_LENGTH_MAX = 250


class NumberProblem(StrEnum):
    """Why a cell is not a number that can be dialled."""

    EMPTY = "empty"
    NO_DIGITS = "no_digits"  # text in the phone column
    FORMULA = "formula"  # no stored result in the file
    CELL_ERROR = "cell_error"  # #N/A, #REF!, ...
    ROUNDED = "rounded"  # 1.38E+10: digits lost
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    SHORT_CODE = "short_code"  # 110, 95588: services, not people
    INVALID = "invalid"  # of no numbering plan
    PREMIUM = "premium"  # costs extra


class NumberKind(StrEnum):
    MOBILE = "mobile"
    LANDLINE = "landline"
    MOBILE_OR_LANDLINE = "mobile_or_landline"  # plans that do not tell (US)
    OTHER = "other"  # toll-free, shared cost, VoIP, ...


@dataclass(frozen=True, slots=True)
class Number:
    """A number that can be dialled."""

    e164: E164
    kind: NumberKind
    region: str  # ISO 3166 alpha-2; "001" for international services
    foreign: bool  # of another region than the list's
    extension: str = ""
    others: tuple[E164, ...] = ()  # further numbers that stood in the same cell


@dataclass(frozen=True, slots=True)
class NotANumber:
    """A cell without a number that can be dialled."""

    problem: NumberProblem
    detail: str = ""


_KINDS = {
    PhoneNumberType.MOBILE: NumberKind.MOBILE,
    PhoneNumberType.FIXED_LINE: NumberKind.LANDLINE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberKind.MOBILE_OR_LANDLINE,
}
_SPECIAL = (
    ("premium_rate", PhoneNumberType.PREMIUM_RATE), ("toll_free", PhoneNumberType.TOLL_FREE),
    ("shared_cost", PhoneNumberType.SHARED_COST), ("voip", PhoneNumberType.VOIP),
    ("personal_number", PhoneNumberType.PERSONAL_NUMBER), ("pager", PhoneNumberType.PAGER),
    ("uan", PhoneNumberType.UAN), ("voicemail", PhoneNumberType.VOICEMAIL),
)  # fmt: skip
_LINE_TYPES = {NumberKind.MOBILE: LineType.MOBILE, NumberKind.LANDLINE: LineType.FIXED}
_SCIENTIFIC = re.compile(r"([+-]?\d+(?:[.,]\d*)?)[eE]\+?(\d{1,3})")
_DECIMAL_ZERO = re.compile(r"(\+?\d{5,})[.,]0+")
_CELL_ERROR = re.compile(r"#[A-Z0-9/]+[!?]?")
_CSV_TEXT = re.compile(r'="([^"]*)"')  # how exporters keep a number as text in a CSV file
_EXTENSION = re.compile(
    r"[\s,;(]*(?:extension|ext|extn|доб|вн|转|轉|分机|分機|内线|內線|x|#)[.:\s]*(\d{1,7})\s*\)?\s*$", re.IGNORECASE
)
_DASHED_EXTENSION = re.compile(r"(.*\d.*)[-\u2013\u2014](\d{2,5})")  # 010-88886666-801
_SEPARATORS = re.compile(r"[,;/|、，；／｜\n\r]+|\bor\b|\bили\b|或|和", re.IGNORECASE)
_WORDS = re.compile(r"[^\W\d_]+|[^\x00-\x7f]+")
_WIDE_GAP = re.compile(r"\s+")


def parse_number(cell: Cell, region: str) -> Number | NotANumber:
    """Read one cell; numbers without a country code belong to `region` (ISO 3166 alpha-2). Never raises."""
    text = _plain_text(cell)
    if isinstance(text, NotANumber):
        return text
    if plain := _digits_only(text, region):
        return plain
    found: list[Number] = []
    first_problem: NotANumber | None = None
    for part in _parts(text):
        read = _parse_one(part, region)
        if isinstance(read, Number):
            found.append(read)
        elif first_problem is None or first_problem.problem is NumberProblem.NO_DIGITS:
            first_problem = read
    if not found:
        return first_problem or NotANumber(NumberProblem.NO_DIGITS, text)
    first = found[0]
    others = tuple(dict.fromkeys(number.e164 for number in found[1:] if number.e164 != first.e164))
    return Number(first.e164, first.kind, first.region, first.foreign, first.extension, others) if others else first


def line_type_of(kind: NumberKind) -> LineType:
    """What a number's kind says of its line."""
    return _LINE_TYPES.get(kind, LineType.UNKNOWN)


def line_facts(number: E164) -> tuple[LineType, str]:
    """Line type and region (ISO 3166; "" when it cannot be told) of a number that is not just being read."""
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return LineType.UNKNOWN, ""
    kind = _KINDS.get(phonenumbers.number_type(parsed), NumberKind.OTHER)
    return line_type_of(kind), phonenumbers.region_code_for_number(parsed) or ""


def zones(number: E164) -> tuple[str, ...]:
    """IANA time zones where the number may be, for calling hours; empty when it cannot be told."""
    try:
        found = timezone.time_zones_for_number(phonenumbers.parse(number, None))
    except NumberParseException:
        return ()
    return tuple(zone for zone in found if zone != "Etc/Unknown")


def zone_prefix(number: E164) -> str:
    """The digits after the + that decide a number's time zones, beside its line type."""
    for length in range(TIMEZONE_LONGEST_PREFIX, 0, -1):
        if number[1 : 1 + length] in TIMEZONE_DATA:
            return number[1 : 1 + length]
    return number[1:]


def country(number: E164) -> str | None:
    """ISO 3166 code of the country of a number, for its tone plan; None when it cannot be told."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number, None))
    except NumberParseException:
        return None


def looks_like_number(cell: Cell, region: str) -> bool:
    """True when the cell reads as a number, or as one that was only spoilt (rounded): for guessing the column."""
    read = parse_number(cell, region)
    return isinstance(read, Number) or read.problem in {NumberProblem.ROUNDED, NumberProblem.PREMIUM}


def _plain_text(cell: Cell) -> str | NotANumber:
    """The cell as normalised text, or why it cannot hold a number."""
    if cell is None or cell == "":
        return NotANumber(NumberProblem.EMPTY)
    if isinstance(cell, bool):
        return NotANumber(NumberProblem.NO_DIGITS, str(cell))
    if isinstance(cell, (int, float)):
        return _from_numeric(cell)
    text = cell[:CELL_LENGTH_MAX]
    if text.isascii():
        if text.isdecimal():
            return text
    else:
        text = unicodedata.normalize("NFKC", text)
        text = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text if unicodedata.category(c) != "Cf")
    text = text.strip().lstrip("'`").strip()
    if kept := _CSV_TEXT.fullmatch(text):
        text = kept.group(1).strip()
    if not text:
        return NotANumber(NumberProblem.EMPTY)
    if text.startswith("="):
        return NotANumber(NumberProblem.FORMULA, text)
    if _CELL_ERROR.fullmatch(text) and not text[1:].isdigit():
        return NotANumber(NumberProblem.CELL_ERROR, text)
    if scientific := _SCIENTIFIC.fullmatch(text):
        return _from_scientific(text, scientific.group(1), int(scientific.group(2)))
    if whole := _DECIMAL_ZERO.fullmatch(text):
        return whole.group(1)
    return text


def _from_numeric(value: float) -> str | NotANumber:
    if value != value or value in (float("inf"), float("-inf")) or value != int(value) or value < 0:
        return NotANumber(NumberProblem.INVALID, str(value))
    digits = str(int(value))
    if len(digits) > ROUNDED_ZEROS and digits.endswith("0" * ROUNDED_ZEROS):
        return NotANumber(NumberProblem.ROUNDED, f"{value:.6g}")
    return digits


def _from_scientific(text: str, mantissa: str, exponent: int) -> str | NotANumber:
    """1.3800138001E+10 still has all of its digits, 1.38E+10 has not."""
    digits = re.sub(r"\D", "", mantissa)
    decimals = len(re.split(r"[.,]", mantissa)[1]) if re.search(r"[.,]", mantissa) else 0
    if mantissa.startswith("-") or decimals != exponent:
        return NotANumber(NumberProblem.ROUNDED, text)
    return digits


@dataclass(frozen=True, slots=True)
class _Plan:
    """What of a region's numbering plan is needed to read bare digits."""

    country_code: str
    national: re.Pattern[str]
    home: re.Pattern[str]  # how numbers of this region begin, where others share the country code
    trunk_prefix: re.Pattern[str] | None  # 0 in CN, 8 in RU
    abroad: re.Pattern[str]
    special: tuple[tuple[re.Pattern[str], int], ...]  # toll-free, premium, ...: PhoneNumberType, in the plan's order
    any_special: re.Pattern[str]
    fixed: re.Pattern[str]
    mobile: re.Pattern[str]
    same: bool  # the plan does not tell fixed from mobile


@lru_cache(maxsize=64)
def _plan(region: str) -> _Plan | None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    general = metadata.general_desc.national_number_pattern if metadata and metadata.general_desc else None
    code = metadata.country_code if metadata else None
    if metadata is None or general is None or code is None or metadata.national_prefix_transform_rule:
        return None
    if phonenumbers.region_codes_for_country_code(code)[0] != region:
        return None  # whose number it is takes more than this plan
    prefix = metadata.national_prefix_for_parsing
    special = tuple((_pattern(getattr(metadata, name)), kind) for name, kind in _SPECIAL)
    return _Plan(
        str(code), re.compile(general), re.compile(metadata.leading_digits or ""),
        re.compile(prefix) if prefix else None,
        re.compile(metadata.international_prefix or "(?!)"),
        special, re.compile("|".join(f"(?:{pattern.pattern})" for pattern, _kind in special)),
        _pattern(metadata.fixed_line), _pattern(metadata.mobile), metadata.same_mobile_and_fixed_line_pattern,
    )  # fmt: skip


def _pattern(desc: Any) -> re.Pattern[str]:
    """What numbers of one type look like: their lengths, then their digits."""
    if desc is None or not desc.national_number_pattern:
        return re.compile("(?!)")
    lengths = [n for n in desc.possible_length or () if n > 0]
    length = "(?=(?:" + "|".join(f"\\d{{{n}}}" for n in lengths) + ")$)" if lengths else ""
    return re.compile(f"{length}(?:{desc.national_number_pattern})")


def _type_in(plan: _Plan, national: str) -> int:
    """PhoneNumberType of a number that fits the plan, as libphonenumber tells it."""
    if plan.any_special.fullmatch(national):
        return next(kind for pattern, kind in plan.special if pattern.fullmatch(national))
    is_fixed = plan.fixed.fullmatch(national) is not None
    is_mobile = not (plan.same and is_fixed) and plan.mobile.fullmatch(national) is not None
    if is_fixed:
        return PhoneNumberType.FIXED_LINE_OR_MOBILE if plan.same or is_mobile else PhoneNumberType.FIXED_LINE
    return PhoneNumberType.MOBILE if is_mobile and not plan.same else PhoneNumberType.UNKNOWN


def _digits_only(text: str, region: str) -> Number | None:
    """Read what most lists hold, bare digits of the home plan, as libphonenumber would, in a fifth of its time.

    None: not so simple, ask libphonenumber.
    """
    plan = _plan(region)
    if plan is None or not text.isascii():
        return None
    digits = text
    if text.startswith("+" + plan.country_code):
        digits = text[1 + len(plan.country_code) :]
    elif plan.abroad.match(text) or (text.startswith(plan.country_code) and not plan.national.fullmatch(text)):
        return None
    if not digits.isdigit():
        return None
    if plan.trunk_prefix is not None and (prefix := plan.trunk_prefix.match(digits)):
        rest = digits[prefix.end() :]
        if prefix.lastindex is not None or not plan.national.fullmatch(rest):
            return None
        digits = rest
    if digits.startswith("0") or not plan.home.match(digits) or not plan.national.fullmatch(digits):
        return None
    kind = _type_in(plan, digits)
    if kind in (PhoneNumberType.UNKNOWN, PhoneNumberType.PREMIUM_RATE):
        return None
    return Number(E164(f"+{plan.country_code}{digits}"), _KINDS.get(kind, NumberKind.OTHER), region, foreign=False)


def _parts(text: str) -> Iterator[str]:
    """The numbers of a cell, one by one. Blanks only part numbers when the whole would be too long for one."""
    for part in _SEPARATORS.split(text):
        if not part or not part.strip():
            continue
        if sum(c.isdigit() for c in part) > 18 and _WIDE_GAP.search(part.strip()):
            yield from _WIDE_GAP.split(part.strip())
        else:
            yield part.strip()


def _parse_one(text: str, region: str) -> Number | NotANumber:
    digits = sum(c.isdigit() for c in text)
    if digits == 0:
        return NotANumber(NumberProblem.NO_DIGITS, text)
    extension = ""
    bare = text
    if (found := _EXTENSION.search(bare)) and sum(c.isdigit() for c in bare[: found.start()]) >= 5:
        extension, bare = found.group(1), bare[: found.start()]
    parsed, kind = _parsed(bare, region)
    if kind == PhoneNumberType.UNKNOWN and (dashed := _DASHED_EXTENSION.fullmatch(bare)):
        shorter, shorter_kind = _parsed(dashed.group(1), region)
        if shorter_kind != PhoneNumberType.UNKNOWN:
            parsed, kind, extension = shorter, shorter_kind, dashed.group(2)
    if parsed is None:
        return NotANumber(_why_unparsed(digits), text)
    if kind == PhoneNumberType.UNKNOWN:
        return NotANumber(_why_invalid(parsed, region), text)
    if kind == PhoneNumberType.PREMIUM_RATE:
        return NotANumber(NumberProblem.PREMIUM, text)
    home = phonenumbers.region_code_for_number(parsed) or "001"
    return Number(
        e164=E164(phonenumbers.format_number(parsed, PhoneNumberFormat.E164)),
        kind=_KINDS.get(kind, NumberKind.OTHER),
        region=home,
        foreign=home != region,
        extension=extension or parsed.extension or "",
    )


def _parsed(text: str, region: str) -> tuple[PhoneNumber | None, int]:
    """Number and PhoneNumberType; UNKNOWN says that it is of no plan.

    A leading 00 also means + where the home plan has another prefix for abroad.
    """
    best: PhoneNumber | None = None
    if sum(c.isdigit() for c in text) >= 7:
        text = _WORDS.sub(" ", text).strip()  # what is written beside the digits, such as (father)
    spellings = [text]
    if text.startswith("00"):
        spellings.append("+" + text[2:])
    for spelling in spellings:
        try:
            parsed = phonenumbers.parse(spelling, region)
        except NumberParseException:
            continue
        kind = phonenumbers.number_type(parsed)
        if kind != PhoneNumberType.UNKNOWN:
            return parsed, kind
        best = best or parsed
    return best, PhoneNumberType.UNKNOWN


def _why_unparsed(digits: int) -> NumberProblem:
    if digits < 3:
        return NumberProblem.NO_DIGITS
    return NumberProblem.TOO_LONG if digits > 17 else NumberProblem.INVALID


def _why_invalid(parsed: PhoneNumber, region: str) -> NumberProblem:
    if phonenumbers.is_valid_short_number_for_region(parsed, region):
        return NumberProblem.SHORT_CODE
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    if reason == phonenumbers.ValidationResult.TOO_SHORT:
        return NumberProblem.TOO_SHORT
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        return NumberProblem.TOO_LONG
    return NumberProblem.INVALID
