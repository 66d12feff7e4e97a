"""Paging by cursor: ids are time-ordered, so a page is "what is older than this id" - no offsets, no counting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows newest first; `older` is the cursor of the next page, None at the end."""

    rows: list[Row]
    older: str | None


def page_of(rows: Sequence[Row], ids: Sequence[str], size: int) -> Page[Row]:
    """Make a page of `size` rows from up to `size + 1` that were read."""
    more = len(rows) > size
    return Page(list(rows[:size]), str(ids[size - 1]) if more else None)
