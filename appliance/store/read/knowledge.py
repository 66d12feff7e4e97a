"""The knowledge base as an agent reads it: found as he types, suggested by what he has chosen and where he reads.

SQLite has an index of trigrams (`kb_search`); words shorter than three characters - most Chinese words - are looked for
as they stand, as all words are in PostgreSQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.orm import Session

from appliance.store.db import Store
from appliance.store.models import KbArticle

_TRIGRAM, _WORDS_MAX, _QUERY_MAX = 3, 8, 100
_SUGGESTED_FROM = 500  # newest articles that are looked at for suggestions
_RANKED = text(  # weights: id (not searched), title, tags, body
    "SELECT article_id FROM kb_search WHERE kb_search MATCH :match ORDER BY bm25(kb_search, 0, 8, 4, 1) LIMIT 100"
)


@dataclass(frozen=True)
class Article:
    """One article. `dispositions` and `step` say when it is suggested."""

    id: str
    title: str
    body: str
    tags: str
    dispositions: tuple[str, ...]
    step: str
    version: int
    updated_at: datetime


def _view(row: KbArticle) -> Article:
    return Article(
        row.id, row.title, row.body, row.tags, tuple(row.dispositions), row.step, row.version, row.updated_at
    )


def article(store: Store, article_id: str) -> Article | None:
    """One article."""
    with store.read() as db:
        row = db.get(KbArticle, article_id)
        return _view(row) if row is not None else None


def search(store: Store, query: str, *, limit: int = 8) -> list[Article]:
    """Articles in which all words of the query stand, best first; an empty query finds none."""
    words = query[:_QUERY_MAX].split()[:_WORDS_MAX]
    if not words:
        return []
    long = [word for word in words if len(word) >= _TRIGRAM] if store.is_sqlite else []
    with store.read() as db:
        ranked = _by_index(db, long) if long else None
        found = select(KbArticle).where(*(_holds(word) for word in words if word not in long))
        if ranked is not None:
            found = found.where(KbArticle.id.in_(ranked))
        rows = db.scalars(found.order_by(KbArticle.updated_at.desc()).limit(limit if ranked is None else None)).all()
        if ranked is not None:
            rows = sorted(rows, key=lambda row: ranked.index(row.id))[:limit]
        return [_view(row) for row in rows]


def _by_index(db: Session, words: list[str]) -> list[str]:
    """Return the ids of articles with all the words, best first."""
    match = " ".join('"' + word.replace('"', '""') + '"' for word in words)
    return list(db.scalars(_RANKED, {"match": match}))


def _holds(word: str) -> ColumnElement[bool]:
    columns = (KbArticle.title, KbArticle.tags, KbArticle.body)
    return or_(*(column.icontains(word, autoescape=True) for column in columns))


def suggested(store: Store, *, disposition: str = "", step: str = "", limit: int = 5) -> list[Article]:
    """Articles for what is chosen (first) and for the step of the script that is read, newest first."""
    with store.read() as db:
        newest = select(KbArticle).order_by(KbArticle.updated_at.desc()).limit(_SUGGESTED_FROM)
        rows = [_view(row) for row in db.scalars(newest)]
    chosen = [row for row in rows if disposition and disposition in row.dispositions]
    read = [row for row in rows if step and row.step.casefold() == step.casefold() and row not in chosen]
    return [*chosen, *read][:limit]
