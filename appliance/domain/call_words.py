"""The tokens by which a call is found: pure functions from what is known of it, and from what is looked for, to tokens.

A token is a kind, `=` and a value: `a` agent, `c` campaign, `o` outcome, `d` disposition, `h` held, `i` inbound (or
not: 0), `r` recorded, `l` length class, `s` score class, `n` three digits of the number, `e` its last three to six, `p`
a word of the person's name, `t` a word of the note. Every search is then "all of these, and one of those": lists of
calls cut with each other, which SQLite and PostgreSQL both do by index however common the words are.

Words are found by their beginning (up to six letters), so that endings do not matter; Chinese and Japanese, which have
no spaces, by each sign and each two neighbouring signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_PREFIX_MIN, _PREFIX_MAX = 2, 6
_SUFFIX_MIN, _SUFFIX_MAX = 3, 6
_TEXT_MAX = 2000  # characters of a note that are looked at
_CLASSES = range(1, 26)
_SIGN = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_SIGNS, _SIGNS_APART = re.compile(f"[{_SIGN}]+"), re.compile(f"([{_SIGN}]+)")
_ENDING = re.compile(r"[^0-9A-Za-z_.\-\u0080-\U0010ffff]|[\s\ud800-\udfff]")
_RUN = re.compile(r"[^\W_]+")


@dataclass(frozen=True, kw_only=True)
class CallFacts:
    """What is known of a call; ids as they are, `score` 0 to 1, `duration_s` of the recording (None: none)."""

    number: str = ""
    name: str = ""
    note: str = ""
    agent_id: str = ""
    campaign_id: str = ""
    outcome: str = ""
    disposition: str = ""
    inbound: bool = False
    held: bool = False
    duration_s: float | None = None
    score: float | None = None


def tokens(call: CallFacts) -> list[str]:
    """All tokens of a call, sorted."""
    digits = _digits(call.number)
    found = {f"n={digits[n : n + 3]}" for n in range(len(digits) - 2)}
    found |= {f"e={digits[-n:]}" for n in range(_SUFFIX_MIN, _SUFFIX_MAX + 1) if len(digits) >= n}
    found |= {f"p={word}" for word in _indexed(call.name)} | {f"t={word}" for word in _indexed(call.note[:_TEXT_MAX])}
    plain = {"a": call.agent_id, "c": call.campaign_id, "o": call.outcome, "d": call.disposition}
    found |= {of_value(kind, value) for kind, value in plain.items() if value}
    found |= {"i=1" if call.inbound else "i=0"} | ({"h=1"} if call.held else set())
    if call.duration_s is not None:
        found |= {"r=1", f"l={length_class(call.duration_s)}"}
    if call.score is not None:
        found.add(f"s={score_class(call.score)}")
    return sorted(found)


def of_number(text: str) -> list[str]:
    """Tokens a number must have: up to six digits are its last ones, more stand anywhere. Under three: none."""
    digits = _digits(text)
    if len(digits) < _SUFFIX_MIN:
        return []
    if len(digits) <= _SUFFIX_MAX:
        return [f"e={digits}"]
    return list(dict.fromkeys(f"n={digits[n : n + 3]}" for n in range(len(digits) - 2)))


def of_text(kind: str, text: str) -> list[str]:
    """Tokens that a name (kind `p`) or a note (kind `t`) with all these words has."""
    found: set[str] = set()
    for piece in _pieces(text[:_TEXT_MAX]):
        if _SIGNS.fullmatch(piece):
            found |= {piece[n : n + 2] for n in range(len(piece) - 1)} or {piece}
        else:
            found.add(piece[:_PREFIX_MAX])
    return sorted(f"{kind}={word}" for word in found)


def length_class(duration_s: float) -> int:
    """Class of a length: each is twice as wide as the one before."""
    return min(_CLASSES.stop - 1, max(1, int(duration_s + 1).bit_length()))


def score_class(score: float) -> int:
    """Class of a score 0 to 1: tenths, 0 to 10."""
    return min(10, max(0, int(score * 10)))


def of_lengths(at_least_s: float | None, at_most_s: float | None) -> list[str]:
    """Tokens of which a length in these bounds has one; the bounds themselves are still to be kept."""
    first = length_class(at_least_s) if at_least_s is not None else _CLASSES.start
    last = length_class(at_most_s) if at_most_s is not None else _CLASSES.stop - 1
    return [f"l={one}" for one in range(first, last + 1)]


def of_scores(at_least: float | None, at_most: float | None) -> list[str]:
    """Tokens of which a score in these bounds has one; the bounds themselves are still to be kept."""
    first = score_class(at_least) if at_least is not None else 0
    last = score_class(at_most) if at_most is not None else 10
    return [f"s={one}" for one in range(first, last + 1)]


def of_value(kind: str, value: str) -> str:
    """The token of a value as it is; signs that would end a token are written as one that does not."""
    return f"{kind}={_ENDING.sub('_', value)}"


def of_any(kind: str, values: Iterable[str]) -> list[str]:
    """Tokens of which a call has one when it is about one of these values."""
    return sorted(of_value(kind, value) for value in values)


def _digits(number: str) -> str:
    return "".join(sign for sign in number if "0" <= sign <= "9")


def _pieces(text: str) -> Iterator[str]:
    """Words, lower case; signs of Chinese and the like apart from letters."""
    for run in _RUN.findall(text.casefold()):
        yield from (piece for piece in _SIGNS_APART.split(run) if piece)


@lru_cache(maxsize=4096)  # the same person is called again and again
def _indexed(text: str) -> frozenset[str]:
    found: set[str] = set()
    for piece in _pieces(text):
        if _SIGNS.fullmatch(piece):
            found |= set(piece) | {piece[n : n + 2] for n in range(len(piece) - 1)}
        else:
            found |= {piece[:n] for n in range(_PREFIX_MIN, min(len(piece), _PREFIX_MAX) + 1)} or {piece}
    return frozenset(found)
