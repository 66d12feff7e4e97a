"""The frame around every page: navigation by permission, what templates may call."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from flask import Flask, g, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from appliance.errors import StoreError
from appliance.store.read import alerts
from appliance.types import Permission
from webui import fields, labels, versions
from webui.access import may
from webui.alert_texts import told
from webui.assets import asset, icon
from webui.box import box, store
from webui.error_texts import text_of
from webui.i18n import LANGUAGES


@dataclass(frozen=True)
class NavItem:
    """One entry of the navigation."""

    endpoint: str
    text: Any
    icon: str
    permission: Permission
    or_permission: Permission | None = None


NAVIGATION: tuple[tuple[Any, tuple[NavItem, ...]], ...] = (
    (
        _l("Work"),
        (
            NavItem("agent.desk", _l("My desk"), icon="headset", permission=Permission.AGENT_WORK),
            NavItem("board.page", _l("Live board"), icon="activity", permission=Permission.AGENTS_READ),
            NavItem("campaigns.page", _l("Campaigns"), icon="speakerphone", permission=Permission.CAMPAIGNS_READ),
            NavItem("imports.page", _l("Import"), icon="table-import", permission=Permission.LISTS_IMPORT),
            NavItem("numbers.page", _l("Numbers"), icon="activity", permission=Permission.LISTS_IMPORT),
            NavItem("queues.page", _l("Queues"), icon="phone-incoming", permission=Permission.CAMPAIGNS_READ),
            NavItem("missed.page", _l("Missed calls"), icon="phone-x", permission=Permission.CAMPAIGNS_READ),
            NavItem("people.page", _l("People"), icon="address-book", permission=Permission.LISTS_IMPORT),
            NavItem("knowledge.page", _l("Knowledge base"), icon="book-2", permission=Permission.CAMPAIGNS_WRITE),
            NavItem("do_not_call.page", _l("Do not call"), icon="phone-off", permission=Permission.LISTS_IMPORT),
            NavItem(
                "recordings.page",
                _l("Recordings"),
                icon="microphone",
                permission=Permission.RECORDINGS_LISTEN,
                or_permission=Permission.RECORDINGS_LISTEN_OWN,
            ),
            NavItem("quality.page", _l("Quality"), icon="star", permission=Permission.QUALITY_SCORE),
            NavItem("scores.page", _l("My scores"), icon="star", permission=Permission.QUALITY_OWN),
            NavItem("heard.page", _l("What the box heard"), icon="ear", permission=Permission.RECORDINGS_LISTEN),
            NavItem("reports.page", _l("Reports"), icon="chart-bar", permission=Permission.REPORTS_READ),
        ),
    ),
    (
        _l("Box"),
        (
            NavItem("seats.page", _l("Seats"), icon="armchair", permission=Permission.SEATS_WRITE),
            NavItem("trunks.page", _l("Trunks"), icon="route", permission=Permission.TRUNKS_WRITE),
            NavItem("lines.page", _l("Lines"), icon="plug-connected", permission=Permission.HARDWARE_READ),
            NavItem("line_test.page", _l("Line test"), icon="gauge", permission=Permission.HARDWARE_READ),
            NavItem("disks.page", _l("Disks"), icon="server-2", permission=Permission.HARDWARE_READ),
            NavItem("announcements.page", _l("Announcements"), icon="volume", permission=Permission.EAR_TEACH),
            NavItem("users.page", _l("Users"), icon="users", permission=Permission.USERS_WRITE),
            NavItem("retention.page", _l("Retention"), icon="archive", permission=Permission.RECORDINGS_RETAIN),
            NavItem("system.page", _l("System"), icon="heart-rate-monitor", permission=Permission.SETTINGS_WRITE),
            NavItem("settings.page", _l("Settings"), icon="settings", permission=Permission.SETTINGS_WRITE),
            NavItem("audit.page", _l("Audit log"), icon="list-check", permission=Permission.AUDIT_READ),
        ),
    ),
)


_DRAWN_MAX = 500
_drawn: dict[Hashable, Markup] = {}  # the navigation by reader


def shown(item: NavItem) -> bool:
    """May the signed-in user open this entry?"""
    return may(item.permission) or (item.or_permission is not None and may(item.or_permission))


def navigation() -> Markup:
    """Groups and entries the signed-in user may open: drawn once for all who may the same, in each slice of pages."""
    reader = (str(get_locale()), frozenset(g.user.permissions if g.user else ()), _slice(request.endpoint))
    drawn = _drawn.get(reader)
    if drawn is None:
        groups = [(str(title), [item for item in items if shown(item)]) for title, items in NAVIGATION]
        text = render_template("nav.html", groups=[(title, items) for title, items in groups if items])
        if len(_drawn) >= _DRAWN_MAX:
            _drawn.clear()
        drawn = _drawn[reader] = Markup(text)  # noqa: S704 - a template's own text
    return drawn


def standing_alerts() -> int:
    """How many alerts stand, for the bell."""
    if not may(Permission.ALERTS_READ):
        return 0
    try:
        return alerts.standing_count(store())
    except StoreError:
        return 0  # the page itself says what is wrong; the frame must not break the page that says so


def _slice(endpoint: str | None) -> str:
    return (endpoint or "").split(".")[0]


def here(endpoint: str) -> bool:
    """Is the current page in the slice of this endpoint?"""
    return bool(request.endpoint) and _slice(request.endpoint) == _slice(endpoint)


def first_page() -> str:
    """Where a user lands after log-in: agents at their desk, others on the home board, else what is open to them."""
    if may(Permission.CAMPAIGNS_READ):
        return url_for("home.board")
    if may(Permission.AGENT_WORK):
        return url_for("agent.desk")
    return next((url_for(item.endpoint) for _title, items in NAVIGATION for item in items if shown(item)),
                url_for("auth.preferences"))  # fmt: skip


def register(app: Flask) -> None:
    """Give the templates what they call."""
    versions.register(app)
    fields.register(app)
    app.jinja_env.globals.update(
        asset=asset, icon=icon, may=may, Permission=Permission, navigation=navigation, here=here,
        standing_alerts=standing_alerts, told=told, labels=labels, languages=LANGUAGES, first_page=first_page,
        language=lambda: str(get_locale()), text_of=text_of, live_id=lambda: box().live.last_id, now_unix=time.time,
    )  # fmt: skip
