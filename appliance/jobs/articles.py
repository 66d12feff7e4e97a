"""The knowledge base as it is written: versions that are never changed, one of which agents read. All of it audited."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from appliance import commands
from appliance.commands import Done
from appliance.domain.survey import plain_lines, plain_text
from appliance.errors import NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.store import versions
from appliance.store.models import KbArticle, KbVersion
from appliance.store.repositories import users
from appliance.types import ArticleState, Permission

TITLE_MAX, BODY_MAX, TAGS_MAX, CATEGORY_MAX, STEP_MAX = 200, 50_000, 400, 80, 120


class Articles:
    """One method per command; synchronous, safe to call from several threads."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def save(self, command: commands.SaveArticle) -> Done:
        """Write a version; raises ValidationErrors with all mistakes, ConflictError `edit.conflict`."""
        texts = {
            "title": plain_text(command.title), "body": plain_lines(command.body),
            "tags": " ".join(plain_text(command.tags).replace(",", " ").split()),
            "category": plain_text(command.category),
            "step": "\n".join(line for one in command.step.splitlines() if (line := plain_text(one))),
        }  # fmt: skip
        limits = {"title": TITLE_MAX, "body": BODY_MAX, "tags": TAGS_MAX, "category": CATEGORY_MAX, "step": STEP_MAX}
        faults = [
            (name, "article.too_long", f"Use at most {limit} characters.")
            for name, limit in limits.items()
            if len(texts[name]) > limit
        ]
        if not texts["title"]:
            faults.append(("title", "article.no_title", "Give the article a title."))
        if faults:
            raise ValidationErrors(faults)
        now = self._context.clock.now()
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.CAMPAIGNS_WRITE)
            dispositions = [str(one)[:40] for one in dict.fromkeys(command.dispositions)][:40]
            row = _article(session, command, {**texts, "dispositions": dispositions})
            version = KbVersion(
                article_id=row.id, version=row.newest + 1, at=now, actor_id=command.actor_id,
                dispositions=dispositions, published_at=now if command.publish else None, **texts,
            )  # fmt: skip
            row.newest = version.version
            if command.publish or row.state == ArticleState.DRAFT:
                _show(row, version)
                row.state, row.updated_at = ArticleState.DRAFT, now
            if command.publish:
                row.state = ArticleState.PUBLISHED
            session.add(row)
            session.flush()
            session.add(version)
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address,
                action="article.published" if command.publish else "article.drafted", subject=f"article:{row.id}",
                detail={"title": version.title, "version": version.version},
            )  # fmt: skip
        return Done(id=row.id, data={"number": version.version})

    def withdraw(self, command: commands.WithdrawArticle) -> Done:
        """Take an article from the agents; raises NotFoundError."""
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.CAMPAIGNS_WRITE)
            row = session.get(KbArticle, command.id)
            if row is None:
                raise NotFoundError("article.unknown", "There is no such article.")
            row.state = ArticleState.WITHDRAWN
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="article.withdrawn", subject=f"article:{row.id}", detail={"title": row.title},
            )  # fmt: skip
        return Done(id=command.id)


def _article(session: Session, command: commands.SaveArticle, wanted: dict[str, Any]) -> KbArticle:
    if command.id is None:
        return KbArticle(id=new_id(), newest=0, state=ArticleState.DRAFT)
    row = session.get(KbArticle, command.id)
    if row is None:
        raise NotFoundError("article.unknown", "There is no such article.")
    newest = session.get(KbVersion, (row.id, row.newest))
    versions.check(session, command, f"article:{row.id}", newest, wanted)
    return row


def _show(row: KbArticle, version: KbVersion) -> None:
    row.title, row.body, row.tags, row.category = version.title, version.body, version.tags, version.category
    row.dispositions, row.step, row.version = list(version.dispositions), version.step, version.version
