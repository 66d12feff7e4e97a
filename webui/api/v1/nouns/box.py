"""The box: trunks, settings, alerts, users, roles, keys, audit, reports, knowledge, webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from flask import g

from appliance import commands as cmd
from appliance.commands import Done
from appliance.settings import load_settings
from appliance.store.read import (
    api_tokens,
    audit,
    knowledge,
    roles,
    saved_reports,
    tables,
    trunks,
    users,
)  # fmt: skip
from appliance.store.read.api_tokens import TokenView
from appliance.store.read.audit import AuditView
from appliance.store.read.knowledge import Article, Version
from appliance.store.read.report_scope import FIELDS, scope_of
from appliance.store.read.roles import DepartmentView, RoleView
from appliance.store.read.saved_reports import SavedReportView
from appliance.store.read.tallies import Dimension, Tally, tallies
from appliance.store.read.trunks import TrunkView
from appliance.store.read.users import UserView
from appliance.types import Permission
from webui.api.v1 import cursors
from webui.api.v1.collection import Api, whole
from webui.api.v1.declare import TEXT, Call, Paged, query_of
from webui.box import ask, box, store
from webui.supervisor import uploads

TRUNKS, SETTINGS, USERS = Permission.TRUNKS_WRITE, Permission.SETTINGS_WRITE, Permission.USERS_WRITE
REPORTS, EXPORT, ALERTS = Permission.REPORTS_READ, Permission.REPORTS_EXPORT, Permission.ALERTS_READ

lines = Api("Trunks")
lines.get("/trunks", list[TrunkView], lambda _call: whole(trunks.trunks(store())), TRUNKS,
          summary="Groups of channels to the exchange")  # fmt: skip
lines.get("/trunks/{id}", TrunkView, lambda call: trunks.trunk(store(), call.path["id"]), TRUNKS, summary="One trunk",
          versioned="trunk")  # fmt: skip
lines.command("PUT", "/trunks/{id}", cmd.SaveTrunk, TRUNKS, versioned="trunk")
lines.command("POST", "/trunks/preview-number", cmd.PreviewNumber, TRUNKS)
lines.command("POST", "/test-calls", cmd.BeginTestCall, TRUNKS, status=201)
lines.command("POST", "/test-calls/{id}", cmd.ShowTestCall, TRUNKS, summary="How a test call goes")


# ---- settings and people who work here ----------------------------------------------------------------------------


def _settings(_call: Call) -> dict[str, Any]:
    """All settings; secrets come as asterisks."""
    return load_settings(box().home).model_dump(mode="json")


config = Api("Settings")
config.get("/settings", dict[str, Any], _settings, SETTINGS, summary="All settings by section, without secrets",
           versioned="settings")  # fmt: skip
config.command("PATCH", "/settings", cmd.SaveSettings, SETTINGS, versioned="settings",
               summary="Change some settings: `changes` nested by section")  # fmt: skip
config.command("PUT", "/certificate", cmd.UploadCertificate, SETTINGS)
config.command("POST", "/alert-ways/{sink}/test", cmd.TestSink, SETTINGS, timeout_s=45.0)

staff = Api("Users and roles")
_OWN = ("own_password", "current_password", "theme")
staff.get("/users", list[UserView], lambda _call: whole(users.users(store())), USERS, summary="All accounts")
staff.get("/users/{id}", UserView, lambda call: users.user(store(), call.path["id"]), USERS, summary="One account",
          versioned="user")  # fmt: skip
staff.command("POST", "/users", cmd.SaveUser, USERS, hidden=("id", *_OWN))
staff.command("PUT", "/users/{id}", cmd.SaveUser, USERS, hidden=_OWN, versioned="user")
staff.command("DELETE", "/users/{user_id}/second-factor", cmd.DisableTotp, USERS, hidden=("password",),
              summary="Switch a user's second factor off")  # fmt: skip
staff.get("/roles", list[RoleView], lambda _call: whole(roles.roles(store())), USERS, summary="Roles of one's own")
staff.get("/roles/{id}", RoleView, lambda call: roles.role(store(), call.path["id"]), USERS, summary="One role",
          versioned="role")  # fmt: skip
staff.command("POST", "/roles", cmd.SaveRole, USERS, hidden=("id",))
staff.command("PUT", "/roles/{id}", cmd.SaveRole, USERS, versioned="role")
staff.command("DELETE", "/roles/{id}", cmd.RemoveRole, USERS)
staff.get("/departments", list[DepartmentView], lambda _call: whole(roles.departments(store())), USERS,
          summary="Departments, each followed by those below it")  # fmt: skip
staff.command("POST", "/departments", cmd.SaveDepartment, USERS, hidden=("id",))
staff.command("PUT", "/departments/{id}", cmd.SaveDepartment, USERS, versioned="department")
staff.command("DELETE", "/departments/{id}", cmd.RemoveDepartment, USERS)


@dataclass(frozen=True)
class Me:
    """Who the key or session belongs to, and what it may do."""

    id: str
    login: str
    display_name: str
    role: str
    language: str
    permissions: list[str]


def _language() -> str:
    """The user's own: a key asks in no language."""
    own = users.user(store(), g.user.id)
    return own.language if own is not None else ""


def _me(_call: Call) -> Me:
    user = g.user
    return Me(user.id, user.login, user.display_name, user.role.value, _language(), sorted(user.permissions))


class OwnChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a user sees his pages; what is left out stays as it is."""

    language: Literal["en", "zh", "ru"] | None = None
    theme: Literal["auto", "light", "dark"] | None = None


def _choose(call: Call) -> Done:
    user, wanted = g.user, call.body
    return ask(
        cmd.SaveUser, id=user.id, login=user.login, role=user.role.value, own_password=True, theme=wanted.theme,
        language=wanted.language or _language(),
    )  # fmt: skip


keys = Api("Keys")
keys.get("/me", Me, _me, summary="Who the key acts for, and what it may do")
keys.add("PATCH", "/me", run=_choose, body=OwnChoice, summary="Language and colours of one's own pages")
keys.get("/tokens", list[TokenView], lambda _call: whole(api_tokens.tokens(store())), SETTINGS,
         summary="All keys, never what they are")  # fmt: skip
keys.command("POST", "/tokens", cmd.MakeApiToken, SETTINGS, status=201, summary="Make a key; shown this once")
keys.command("DELETE", "/tokens/{id}", cmd.RevokeApiToken, SETTINGS)

# ---- what happens ----------------------------------------------------------------------------------------------------

alarms = Api("Alerts")
alarms.rows("/alerts", tables.ALERTS, ALERTS, summary="Alerts, newest first", filters=("key", "severity"), one=False)
alarms.command("POST", "/alerts/{key}/acknowledge", cmd.AcknowledgeAlert, ALERTS)
alarms.command("POST", "/alerts/{key}/snooze", cmd.SnoozeAlert, ALERTS)


def _audit(call: Call) -> Paged:
    before = cursors.read(call.query.cursor, "id")
    found = audit.search(
        store(), action=call.query.action or "", actor_id=call.query.actor_id or "", size=call.query.limit,
        before=int(before) if before and before.isdecimal() else None,
    )  # fmt: skip
    return Paged(found.rows, cursors.write(found.older))


trail = Api("Audit")
trail.get("/audit", list[AuditView], _audit, Permission.AUDIT_READ, summary="The audit log, newest first",
          query=query_of("Audit", {"action": TEXT, "actor_id": TEXT}))  # fmt: skip


def _figures(call: Call) -> Paged:
    asked = {name: value for name, value in msgspec.structs.asdict(call.query).items() if isinstance(value, str)}
    now, zone = datetime.now(UTC), box().settings.dialling.timezone
    by: Dimension = call.query.by or ""
    return whole(tallies(store(), scope_of(asked, zone, now), now=now, by=by))


_FIELDS = tuple(name for name in FIELDS if name != "measure")
figures = Api("Reports")
figures.get("/reports/figures", list[Tally], _figures, REPORTS, summary="Figures of attempts, in all or by a side",
            query=query_of("Figures", {"by": (Dimension, ""), **dict.fromkeys(_FIELDS, TEXT)}, page=False))  # fmt: skip
figures.get("/reports/saved", list[SavedReportView], lambda _call: whole(saved_reports.saved_reports(store())), REPORTS,
            summary="Reports that are kept")  # fmt: skip
figures.get("/reports/saved/{report_id}", SavedReportView,
            lambda call: saved_reports.saved_report(store(), call.path["report_id"]), REPORTS,
            summary="One of them", versioned="saved_report", version_key="report_id")  # fmt: skip
figures.command("POST", "/reports/saved", cmd.SaveReport, EXPORT, hidden=("report_id",), status=201,
                summary="Keep a report")  # fmt: skip
figures.command("PUT", "/reports/saved/{report_id}", cmd.SaveReport, EXPORT, versioned="saved_report",
                version_key="report_id", summary="Change a report that is kept")  # fmt: skip
figures.command("DELETE", "/reports/saved/{report_id}", cmd.DeleteReport, EXPORT)
figures.command("POST", "/reports/saved/{report_id}/run", cmd.RunReport, EXPORT)


def _saved_file(call: Call) -> Any:
    found = saved_reports.saved_report(store(), call.path["report_id"])
    return uploads.to_send({"path": found.last_file, "file_name": found.last_file_name}) if found else None


def _job_file(call: Call) -> Any:
    found = box().live.job(call.path["id"])
    return uploads.to_send(found.result) if found is not None and found.state == "finished" else None


_FILE = "application/octet-stream"
figures.get("/reports/saved/{report_id}/file", None, _saved_file, REPORTS, content_type=_FILE,
            summary="The table of its last making")  # fmt: skip
figures.command("POST", "/exports", cmd.ExportReport, EXPORT, Permission.LISTS_IMPORT, status=201)


def _job(call: Call) -> Done | None:
    found = box().live.job(call.path["id"])
    if found is None:
        return None
    shown = {name: value for name, value in msgspec.to_builtins(found).items() if name in _JOB_FIELDS}
    return Done(id=found.job_id, data=shown)


_JOB_FIELDS = ("kind", "done", "total", "state", "message")
figures.get("/jobs/{id}", Done, _job, EXPORT, Permission.LISTS_IMPORT,
            summary="How far an import or an export is")  # fmt: skip
figures.get("/jobs/{id}/file", None, _job_file, EXPORT, Permission.LISTS_IMPORT, content_type=_FILE,
            summary="The table that an export has written")  # fmt: skip

articles = Api("Knowledge")
articles.get("/articles", list[Article], lambda call: whole(knowledge.search(store(), call.query.q, limit=100)),
             Permission.AGENT_WORK, summary="Articles in which all words stand, best first",
             query=query_of("Article", {"q": (str,)}, page=False))  # fmt: skip
articles.get("/articles/{id}", Article, lambda call: knowledge.article(store(), call.path["id"]),
             Permission.AGENT_WORK, summary="One article")  # fmt: skip

WRITE = Permission.CAMPAIGNS_WRITE
articles.command("POST", "/articles", cmd.SaveArticle, WRITE, hidden=("id",), status=201)
articles.get("/articles/{id}/versions", list[Version],
             lambda call: whole(knowledge.versions(store(), call.path["id"])), WRITE,
             summary="Its versions, drafts too; the ETag is the newest one's", versioned="article")  # fmt: skip
articles.get("/article-drafts", list[Article], lambda call: whole(knowledge.articles(store(), call.query.q or "")),
             WRITE, summary="All articles as they are written, drafts and withdrawn ones too",
             query=query_of("ArticleDrafts", {"q": TEXT}, page=False))  # fmt: skip
articles.command("PUT", "/articles/{id}", cmd.SaveArticle, WRITE, versioned="article")
articles.command("DELETE", "/articles/{id}", cmd.WithdrawArticle, WRITE)

hooks = Api("Webhooks")
hooks.rows("/webhooks", tables.WEBHOOKS, SETTINGS, summary="Addresses that are told what happens",
           versioned="webhook")  # fmt: skip
hooks.command("POST", "/webhooks", cmd.SaveWebhook, SETTINGS, hidden=("id",))
hooks.command("PUT", "/webhooks/{id}", cmd.SaveWebhook, SETTINGS, versioned="webhook")
hooks.command("DELETE", "/webhooks/{id}", cmd.RemoveWebhook, SETTINGS)
hooks.command("POST", "/webhooks/{id}/secret", cmd.RotateWebhookSecret, SETTINGS)
hooks.command("POST", "/webhooks/{id}/test", cmd.TestWebhook, SETTINGS)
hooks.rows("/webhook-deliveries", tables.DELIVERIES, SETTINGS, summary="What was sent to webhooks, for a week",
           filters=("webhook_id", "event", "state"))  # fmt: skip
hooks.command("POST", "/webhook-deliveries/{id}/resend", cmd.ResendDelivery, SETTINGS)


def collections() -> tuple[Any, ...]:
    return lines, config, staff, keys, alarms, trail, figures, articles, hooks
