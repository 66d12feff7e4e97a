"""The knowledge base as it is written: articles, their versions and what changed, draft and published."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from appliance.commands import SaveArticle, WithdrawArticle
from appliance.errors import ValidationErrors
from appliance.store.read import knowledge
from appliance.types import Permission
from webui.access import needs
from webui.agent.desk import AGENT_DISPOSITIONS
from webui.box import ask, store
from webui.error_texts import text_of
from webui.errors import done_at
from webui.line_diff import line_diff
from webui.markup import article_html
from webui.versions import edits_by

blueprint = Blueprint("knowledge", __name__, url_prefix="/knowledge")

STATES: dict[str, Any] = {
    "published": _l("Published"), "draft": _l("Draft"), "withdrawn": _l("Withdrawn"),
}  # fmt: skip
COLOURS = {"published": "green", "draft": "yellow", "withdrawn": "secondary"}


@blueprint.get("")
@needs(Permission.CAMPAIGNS_WRITE)
def page() -> str:
    """All articles; the list follows what is typed."""
    words, state = request.args.get("words", ""), request.args.get("state", "")
    category = request.args.get("category", "")
    return render_template(
        "knowledge/page.html", states=STATES, colours=COLOURS, words=words, state=state, category=category,
        articles=knowledge.articles(store(), words, category=category, state=state if state in STATES else ""),
        categories=knowledge.categories(store()),
    )  # fmt: skip


def _article(article_id: str) -> knowledge.Article:
    return knowledge.article(store(), article_id) or abort(404)


@blueprint.get("/<article_id>")
@needs(Permission.CAMPAIGNS_WRITE)
def one(article_id: str) -> str:
    """An article, its versions, and what one of them changed."""
    found, versions = _article(article_id), knowledge.versions(store(), article_id)
    number = request.args.get("version", type=int) or found.newest
    at = next((index for index, one in enumerate(versions) if one.number == number), None)
    if at is None:
        abort(404)
    before = versions[at + 1].text if at + 1 < len(versions) else ""
    return render_template(
        "knowledge/one.html", article=found, versions=versions, shown=versions[at], states=STATES, colours=COLOURS,
        diff=line_diff(before, versions[at].text),
    )  # fmt: skip


@blueprint.route("/new", methods=["GET", "POST"])
@needs(Permission.CAMPAIGNS_WRITE)
def new() -> Response | str | tuple[str, int]:
    """Write the first version."""
    return _form(None)


@blueprint.route("/<article_id>/edit", methods=["GET", "POST"])
@needs(Permission.CAMPAIGNS_WRITE)
@edits_by(lambda article_id: knowledge.edit_version(store(), article_id))
def edit(article_id: str) -> Response | str | tuple[str, int]:
    """Write the next version, from the newest or (`from`) from an older one."""
    return _form(_article(article_id))


def _form(article: knowledge.Article | None) -> Response | str | tuple[str, int]:
    errors: dict[str, str] = {}
    given = _typed() if request.method == "POST" else _standing(article)
    if request.method == "POST":
        publish = request.form.get("do") == "publish"
        try:
            done = ask(SaveArticle, id=article.id if article else None, publish=publish, **given)
            text = _("Agents read it now.") if publish else _("The draft is kept; agents do not see it.")
            return done_at(url_for("knowledge.one", article_id=str(done.id)), text)
        except ValidationErrors as wrong:
            errors = {name: text_of(error_id, message) for name, error_id, message in wrong.errors}
    page = render_template(
        "knowledge/form.html", article=article, given=given, errors=errors, categories=knowledge.categories(store()),
        steps=knowledge.steps(store()), results=[*AGENT_DISPOSITIONS, *knowledge.own_dispositions(store())],
    )  # fmt: skip
    return (page, 422) if errors else page


def _typed() -> dict[str, Any]:
    form = request.form
    texts = {name: form.get(name, "") for name in ("title", "body", "tags", "category", "step")}
    return {**texts, "dispositions": form.getlist("dispositions")}


def _standing(article: knowledge.Article | None) -> dict[str, Any]:
    if article is None:
        return {"title": "", "body": "", "tags": "", "category": "", "dispositions": [], "step": ""}
    wanted = request.args.get("from", type=int) or article.newest
    found = next((one for one in knowledge.versions(store(), article.id) if one.number == wanted), None) or abort(404)
    return {
        "title": found.title, "body": found.body, "tags": found.tags, "category": found.category,
        "dispositions": list(found.dispositions), "step": found.step,
    }  # fmt: skip


@blueprint.post("/preview")
@needs(Permission.CAMPAIGNS_WRITE)
def preview() -> str:
    """What is typed, as the agent will read it."""
    return str(article_html(request.form.get("body", "")[:60_000]))


@blueprint.post("/<article_id>/restore")
@needs(Permission.CAMPAIGNS_WRITE)
def restore(article_id: str) -> Response:
    """Put an older version before the agents again: it becomes the newest one."""
    number = request.form.get("number", type=int)
    found = next((one for one in knowledge.versions(store(), article_id) if one.number == number), None) or abort(404)
    ask(
        SaveArticle, id=article_id, title=found.title, body=found.body, tags=found.tags, category=found.category,
        dispositions=list(found.dispositions), step=found.step, publish=True,
    )  # fmt: skip
    return done_at(url_for("knowledge.one", article_id=article_id), _("Agents read it now."))


@blueprint.post("/<article_id>/withdraw")
@needs(Permission.CAMPAIGNS_WRITE)
def withdraw(article_id: str) -> Response:
    """Take it from the agents."""
    ask(WithdrawArticle, id=article_id)
    return done_at(url_for("knowledge.one", article_id=article_id), _("Agents do not find it any more."))
