"""Permissions in the reader's language, in groups as the form of a role shows them."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from appliance.types import Permission, Scope

SCOPES: dict[Scope, Any] = {
    Scope.OWN: _l("own"), Scope.TEAM: _l("own department and below"), Scope.ALL: _l("all"),
}  # fmt: skip
PERMISSIONS: dict[str, Any] = {
    Permission.AGENT_WORK: _l("Sit at a seat and take calls"),
    Permission.CALLS_DIAL: _l("Dial a number by hand"),
    Permission.CAMPAIGNS_READ: _l("See campaigns"),
    Permission.CAMPAIGNS_WRITE: _l("Change, start and stop campaigns"),
    Permission.LISTS_IMPORT: _l("Import lists, see people and numbers"),
    Permission.AGENTS_READ: _l("See the live board"),
    Permission.AGENTS_SUPERVISE: _l("Listen in, whisper, barge in"),
    Permission.RECORDINGS_LISTEN: _l("Listen to recordings"),
    Permission.RECORDINGS_LISTEN_OWN: _l("Listen to one's own recordings"),
    Permission.RECORDINGS_EXPORT: _l("Take recordings away as files"),
    Permission.RECORDINGS_RETAIN: _l("Set retention and legal hold"),
    Permission.QUALITY_OWN: _l("See one's own scores and appeal"),
    Permission.QUALITY_SCORE: _l("Score calls, answer appeals, see results"),
    Permission.QUALITY_MANAGE: _l("Change scorecards and sampling plans, calibrate"),
    Permission.REPORTS_READ: _l("See reports"),
    Permission.REPORTS_EXPORT: _l("Export reports"),
    Permission.EAR_TEACH: _l("Teach the ear"),
    Permission.SEATS_WRITE: _l("Change seats"),
    Permission.TRUNKS_WRITE: _l("Change trunks"),
    Permission.USERS_WRITE: _l("Change users and roles"),
    Permission.SETTINGS_WRITE: _l("Change settings, restart services"),
    Permission.BOX_MAINTAIN: _l("Back up, restore, update and reset the box"),
    Permission.HARDWARE_READ: _l("See lines and disks"),
    Permission.HARDWARE_WRITE: _l("Change lines and disks"),
    Permission.ALERTS_READ: _l("See and acknowledge alerts"),
    Permission.AUDIT_READ: _l("Read the audit log"),
}
GROUPS: tuple[tuple[Any, tuple[Permission, ...]], ...] = (
    (_l("Calls"), (Permission.AGENT_WORK, Permission.CALLS_DIAL, Permission.RECORDINGS_LISTEN_OWN,
                   Permission.QUALITY_OWN)),
    (_l("People and campaigns"), (
        Permission.AGENTS_READ, Permission.AGENTS_SUPERVISE, Permission.CAMPAIGNS_READ, Permission.CAMPAIGNS_WRITE,
        Permission.LISTS_IMPORT,
    )),
    (_l("Recordings and reports"), (
        Permission.RECORDINGS_LISTEN, Permission.RECORDINGS_EXPORT, Permission.RECORDINGS_RETAIN,
        Permission.QUALITY_SCORE, Permission.QUALITY_MANAGE, Permission.REPORTS_READ, Permission.REPORTS_EXPORT,
        Permission.EAR_TEACH,
    )),
    (_l("Box"), (
        Permission.SEATS_WRITE, Permission.TRUNKS_WRITE, Permission.HARDWARE_READ, Permission.HARDWARE_WRITE,
        Permission.ALERTS_READ, Permission.USERS_WRITE, Permission.SETTINGS_WRITE, Permission.AUDIT_READ,
        Permission.BOX_MAINTAIN,
    )),
)  # fmt: skip
