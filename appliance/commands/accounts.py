"""Commands to the office (served by jobs): people, roles, tokens, certificates, the set-up wizard."""

from __future__ import annotations

from typing import Any, ClassVar

from appliance.commands.base import Command, EditCommand, UserCommand


class SetUpAdministrator(Command, frozen=True, kw_only=True):
    """First run: `token` is the one-time set-up token; refused when an administrator exists."""

    SERVICE: ClassVar[str] = "office"
    token: str
    login: str
    password: str
    actor_address: str = ""
    language: str = "en"


class LogIn(Command, frozen=True, kw_only=True):
    """Reply data: session_token, user_id, role. Lock-out after repeated failures (`login.locked`)."""

    SERVICE: ClassVar[str] = "office"
    login: str
    password: str
    totp: str = ""
    actor_address: str = ""
    user_agent: str = ""


class LogOut(Command, frozen=True, kw_only=True):
    """End one session; `everywhere` ends all of its user's, this one included."""

    SERVICE: ClassVar[str] = "office"
    session_token: str
    everywhere: bool = False


class SaveUser(EditCommand, frozen=True, kw_only=True):
    """Make (id None) or change a user; `password=None` leaves it. Reply id."""

    SERVICE: ClassVar[str] = "office"
    id: str | None = None
    login: str
    display_name: str = ""
    role: str
    password: str | None = None
    language: str = "en"
    enabled: bool = True
    skills: dict[str, int] | None = None  # level 1 to 5 by name; None leaves them
    own_password: bool = False  # a user changes his own password or language (no users.write needed)
    theme: str | None = None  # light | dark | auto; None leaves it
    current_password: str | None = None  # needed with own_password when a new password is given
    session_token: str = ""  # a new password ends the user's sessions, all but this one
    role_id: str | None = None  # a role of one's own ("": back to the built-in `role`); None leaves it
    department_id: str | None = None  # "": none; None leaves it


class SaveShortcuts(UserCommand, frozen=True, kw_only=True):
    """Remember one's own keys: {shortcut id: chord}; what is left out has its usual key."""

    SERVICE: ClassVar[str] = "office"
    keys: dict[str, str] = {}


class SaveRole(EditCommand, frozen=True, kw_only=True):
    """Make (id None) or change a role of one's own; `permissions` {types.Permission: types.Scope}. Reply id.

    Nobody gives what he does not have himself (`role.not_own`). Its users are signed out when it becomes smaller.
    """

    SERVICE: ClassVar[str] = "office"
    id: str | None = None
    name: str
    base: str = "agent"  # types.Role beside whose users its users are listed
    permissions: dict[str, str] = {}


class RemoveRole(UserCommand, frozen=True, kw_only=True):
    """Take a role away that nobody has (`role.in_use`)."""

    SERVICE: ClassVar[str] = "office"
    id: str


class SaveDepartment(EditCommand, frozen=True, kw_only=True):
    """Make (id None) or change a department; `parent_id` "": at the top. Reply id."""

    SERVICE: ClassVar[str] = "office"
    id: str | None = None
    name: str
    parent_id: str = ""


class RemoveDepartment(UserCommand, frozen=True, kw_only=True):
    """Take a department away that is empty: no users, none below it (`department.in_use`)."""

    SERVICE: ClassVar[str] = "office"
    id: str


class MakeApiToken(UserCommand, frozen=True, kw_only=True):
    """A key for another program that acts for `user_id` (empty: oneself). Reply id, data.token (shown once).

    `scopes`: values of types.Permission that user and actor have; `days` 0: it does not run out.
    """

    SERVICE: ClassVar[str] = "office"
    name: str
    scopes: list[str]
    user_id: str = ""
    days: int = 365


class RevokeApiToken(UserCommand, frozen=True, kw_only=True):
    """End a key now; one's own, or any with settings.write."""

    SERVICE: ClassVar[str] = "office"
    id: str


class FinishSetUpStep(UserCommand, frozen=True, kw_only=True):
    """Note a step of the first set-up as done, or left out for now (`skipped`); `data` is for the hand-over report."""

    SERVICE: ClassVar[str] = "office"
    step: str
    skipped: bool = False
    data: dict[str, Any] = {}


class PreparePhone(UserCommand, frozen=True, kw_only=True):
    """New credentials for a desk phone, as its sheet shows them: data {user, password, realm, token, expires_at}.

    `token` lets the phone fetch its settings once (RedeemPhoneToken); credentials given before hold no longer.
    """

    SERVICE: ClassVar[str] = "office"
    seat_id: str


class RedeemPhoneToken(Command, frozen=True, kw_only=True):
    """A phone fetches its settings: data {user, password, realm, display_name}. Fails with `phone.token_used`."""

    SERVICE: ClassVar[str] = "office"
    token: str
    actor_address: str = ""


class UploadCertificate(UserCommand, frozen=True, kw_only=True):
    """Use an own certificate (PEM, leaf first) with its key, or the box's own again (both empty).

    Fails with ValidationErrors by field; front and edge take it up when they start next.
    """

    SERVICE: ClassVar[str] = "office"
    certificate: str = ""
    key: str = ""


class EnrolTotp(UserCommand, frozen=True, kw_only=True):
    """First half of switching the second factor on: reply data {secret, uri}; nothing holds yet."""

    SERVICE: ClassVar[str] = "office"


class ConfirmTotp(UserCommand, frozen=True, kw_only=True):
    """Second half: a code made from the new secret; from now on log-in asks for one."""

    SERVICE: ClassVar[str] = "office"
    code: str


class DisableTotp(UserCommand, frozen=True, kw_only=True):
    """Switch the second factor off: one's own by password, another user's (`user_id`) by users.write."""

    SERVICE: ClassVar[str] = "office"
    user_id: str | None = None
    password: str = ""
