"""What a list says that the rules must know of a person: consents, whether he is the debtor, his time zone. Pure.

Only words that leave no doubt are read: a consent is named by its kind, for "yes" does not say to what. What cannot be
read stays with the row as it is written, under its header, and counts for nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import available_timezones

from appliance.domain.numbers import Cell

_YES = frozenset({"yes", "y", "true", "1", "x", "+", "是", "有", "да", "д"})
_NO = frozenset({"no", "n", "false", "0", "-", "否", "无", "нет", "н"})
_CONSENTS: dict[str, str] = {
    "hours": "hours", "时段": "hours", "任意时段": "hours", "часы": "hours", "время": "hours",
    "frequency": "frequency", "频次": "frequency", "частота": "frequency",
    "robot": "robot", "机器人": "robot", "робот": "robot",
    "third_party": "third_party", "third party": "third_party", "第三方": "third_party", "третьи лица": "third_party",
}  # fmt: skip
_REFUSED = frozenset({"refused", "revoked", "withdrawn", "拒绝", "撤回", "отказ", "отозвано", "отозван"})
_OFFSET = re.compile(r"(?:utc|gmt)?([+-])(\d{1,2})(?::?00)?|(?:мск|msk)(?:([+-])(\d{1,2}))?")
_MOSCOW_H = 3


@dataclass(frozen=True, slots=True)
class ListFacts:
    """`consents`: kinds as compliance_ledger.Consent; `refused`: he wants no more calls; `time_zone`: IANA or empty."""

    consents: tuple[str, ...] = ()
    refused: bool = False
    third_party: bool | None = None
    time_zone: str = ""


def read_facts(consent: Cell, third_party: Cell, time_zone: Cell) -> tuple[ListFacts, frozenset[str]]:
    """Read the three cells; returns also the roles (names of list_columns.Column) of those that cannot be read."""
    unread = set()
    kinds, refused = _consents(consent)
    if kinds is None:
        unread.add("consent")
    third = _word(third_party)
    is_third = True if third in _YES else False if third in _NO else None
    if third and is_third is None:
        unread.add("third_party")
    zone = zone_of(time_zone)
    if zone is None:
        unread.add("time_zone")
    return ListFacts(kinds or (), refused, is_third, zone or ""), frozenset(unread)


def _consents(cell: Cell) -> tuple[tuple[str, ...] | None, bool]:
    words = [word for part in re.split(r"[,;/|、，；]", str(cell or "")) if (word := _word(part))]
    if all(word in _NO for word in words):
        return (), False
    if all(word in _REFUSED for word in words):
        return (), True
    if any(word not in _CONSENTS for word in words):
        return None, False
    return tuple(sorted({_CONSENTS[word] for word in words})), False


def zone_of(cell: Cell) -> str | None:
    """Return the IANA name of a zone or of a whole-hour distance from UTC; empty for an empty cell, else None."""
    word = _word(cell)
    if not word:
        return ""
    if word in _zones():
        return _zones()[word]
    found = _OFFSET.fullmatch(word.replace(" ", ""))
    if found is None:
        return None
    sign, hours = (found[1], int(found[2])) if found[1] else (found[3] or "+", int(found[4] or 0))
    distance = (hours if sign == "+" else -hours) + (0 if found[1] else _MOSCOW_H)
    if not -12 <= distance <= 14:
        return None
    return "Etc/UTC" if distance == 0 else f"Etc/GMT{-distance:+d}"  # POSIX: west is positive


@lru_cache(maxsize=1)
def _zones() -> Mapping[str, str]:
    return {name.lower(): name for name in available_timezones()}


def _word(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return unicodedata.normalize("NFKC", "" if cell is None else str(cell)).strip().lower()


FACT_ROLES: Sequence[str] = ("consent", "third_party", "time_zone")
