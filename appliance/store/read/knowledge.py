"""The knowledge base: found as an agent types, suggested by what he has chosen and where he reads; as it is written.

SQLite has an index of trigrams (`kb_search`); words shorter than three characters - most Chinese words - are looked for
as they stand, as all words are in PostgreSQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.orm import Session

from appliance.domain.script import parse
from appliance.store.db import Store
from appliance.store.models import Campaign, KbArticle, KbVersion, User
from appliance.store.versions import values_of, version_of
from appliance.types import ArticleState

_TRIGRAM, _WORDS_MAX, _QUERY_MAX = 3, 8, 100
_SUGGESTED_FROM = 500  # newest articles that are looked at for suggestions
_LISTED_MAX = 200
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
    category: str = ""
    state: str = ArticleState.PUBLISHED
    newest: int = 1


@dataclass(frozen=True)
class Version:
    """One version as it was written; `published_at` None: agents never read it."""

    number: int
    title: str
    body: str
    tags: str
    category: str
    dispositions: tuple[str, ...]
    step: str
    at: datetime
    by: str
    published_at: datetime | None

    @property
    def text(self) -> str:
        """All of it as lines that can be compared."""
        about = (self.title, self.category, self.tags, ", ".join(self.dispositions), *self.step.splitlines())
        return "\n".join((*about, "", self.body))


def _view(row: KbArticle) -> Article:
    return Article(
        row.id, row.title, row.body, row.tags, tuple(row.dispositions), row.step, row.version, row.updated_at,
        row.category, row.state, row.newest,
    )  # fmt: skip


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
        found = select(KbArticle).where(
            KbArticle.state == ArticleState.PUBLISHED, *(_holds(word) for word in words if word not in long)
        )
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
        published = select(KbArticle).where(KbArticle.state == ArticleState.PUBLISHED)
        newest = published.order_by(KbArticle.updated_at.desc()).limit(_SUGGESTED_FROM)
        rows = [_view(row) for row in db.scalars(newest)]
    chosen = [row for row in rows if disposition and disposition in row.dispositions]
    read = [row for row in rows if step and _is_for(row, step) and row not in chosen]
    return [*chosen, *read][:limit]


def _is_for(row: Article, step: str) -> bool:
    wanted = " ".join(step.casefold().split())
    return any(" ".join(one.casefold().split()) == wanted for one in row.step.splitlines())


# ---- as it is written -----------------------------------------------------------------------------


def articles(store: Store, words: str = "", *, category: str = "", state: str = "") -> list[Article]:
    """Articles of all states that hold all the words, newest change first."""
    query = select(KbArticle).where(*(_holds(word) for word in words[:_QUERY_MAX].split()[:_WORDS_MAX]))
    if category:
        query = query.where(KbArticle.category == category)
    if state:
        query = query.where(KbArticle.state == state)
    with store.read() as db:
        return [_view(row) for row in db.scalars(query.order_by(KbArticle.updated_at.desc()).limit(_LISTED_MAX))]


def categories(store: Store) -> list[str]:
    """All that are in use, in the order of the alphabet."""
    with store.read() as db:
        return list(db.scalars(select(KbArticle.category).where(KbArticle.category != "").distinct().order_by(
            KbArticle.category
        )))  # fmt: skip


def versions(store: Store, article_id: str) -> list[Version]:
    """All versions of an article, newest first."""
    query = (
        select(KbVersion, User.display_name).outerjoin(User, User.id == KbVersion.actor_id)
        .where(KbVersion.article_id == article_id).order_by(KbVersion.version.desc())
    )  # fmt: skip
    with store.read() as db:
        rows = db.execute(query).all()
    return [
        Version(
            row.version, row.title, row.body, row.tags, row.category, tuple(row.dispositions), row.step, row.at,
            by or "", row.published_at,
        )
        for row, by in rows
    ]  # fmt: skip


def edit_version(store: Store, article_id: str) -> str:
    """How the newest version looks (store.versions): who changes an older one is told."""
    with store.read() as db:
        row = db.get(KbArticle, article_id)
        return version_of(values_of(db.get(KbVersion, (article_id, row.newest)) if row is not None else None))


def steps(store: Store) -> list[str]:
    """Headings of the steps of all campaigns' scripts."""
    with store.read() as db:
        scripts = [str(config.get("script") or "") for config in db.scalars(select(Campaign.config))]
    return list(dict.fromkeys(step.title for text in scripts for step in parse(text) if step.title))


def own_dispositions(store: Store) -> list[str]:
    """Results that campaigns have beside the usual ones."""
    with store.read() as db:
        configs = db.scalars(select(Campaign.config)).all()
    return list(dict.fromkeys(str(one) for config in configs for one in config.get("dispositions") or ()))
