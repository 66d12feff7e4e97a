"""Accounts: first run, log-in and log-out, users. Synchronous; `office` calls it in its threads."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy.orm import Session as DbSession

from appliance import commands
from appliance.commands import Done
from appliance.domain.campaign import checked_skills
from appliance.errors import CallerError, NotAllowedError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.jobs.passwords import Hasher, Strangers, lock_s, password_faults
from appliance.jobs.roles import check_not_more
from appliance.jobs.second_factor import SecondFactor
from appliance.logs import mask
from appliance.settings import Home, write_private
from appliance.store import granted, versions
from appliance.store.db import Store
from appliance.store.models import CustomRole, Department, Session, User
from appliance.store.repositories import users
from appliance.types import Permission, Role

_WRONG = "Login or password is wrong."
_LANGUAGES = ("en", "zh", "ru")
_THEMES = ("auto", "light", "dark")


def ensure_set_up_token(home: Home, store: Store) -> str | None:
    """While no administrator exists, make and return the one-time set-up token; else remove it and return None."""
    with store.read() as session:
        is_set_up = users.administrators(session) > 0
    if is_set_up:
        home.set_up_token.unlink(missing_ok=True)
        return None
    if not home.set_up_token.exists():
        write_private(home.set_up_token, secrets.token_urlsafe(24).encode())
    return home.set_up_token.read_text("ascii").strip()


def token_hash(session_token: str) -> str:
    """What the database keeps of a session's token (and what the web looks it up by)."""
    return hashlib.sha256(session_token.encode()).hexdigest()


def user_faults(login: str, display_name: str, role: str, language: str) -> list[tuple[str, str, str]]:
    """What is wrong with a user's particulars, as (field, error id, message)."""
    faults = []
    if not 1 <= len(login) <= 80 or any(c.isspace() or not c.isprintable() for c in login):
        faults.append(("login", "user.bad_login", "Use 1 to 80 characters without blanks."))
    if len(display_name) > 120:
        faults.append(("display_name", "user.name_too_long", "Use at most 120 characters."))
    if role not in {str(r) for r in Role}:
        faults.append(("role", "user.unknown_role", f"Use one of {', '.join(Role)}."))
    if language not in _LANGUAGES:
        faults.append(("language", "user.unknown_language", f"Use one of {', '.join(_LANGUAGES)}."))
    return faults


def skill_faults(skills: dict[str, int] | None) -> list[tuple[str, str, str]]:
    """What is wrong with a user's skills."""
    try:
        checked_skills(skills or {})
    except ValueError as error:
        return [("skills", "user.bad_skills", f"{error}.")]
    return []


class Accounts:
    """The commands about people. Every change and its audit line are one transaction."""

    def __init__(self, context: Context, hasher: Hasher, second_factor: SecondFactor) -> None:
        self._context = context
        self._hasher = hasher
        self._strangers = Strangers()
        self._second_factor = second_factor

    # ---- first run ----------------------------------------------------------------------------------------

    def set_up_administrator(self, command: commands.SetUpAdministrator) -> Done:
        """Make the first administrator; raises `set_up.done`, `set_up.wrong_token` or ValidationErrors."""
        login = users.normal_login(command.login)
        token = ensure_set_up_token(self._context.home, self._context.store)
        if token is None:
            raise CallerError("set_up.done", "The box is already set up; log in as its administrator.")
        now = self._context.clock.now()
        if not hmac.compare_digest(token.encode(), command.token.strip().encode()):
            with self._context.store.write() as session:
                audit.append(
                    session, now, actor_id="", actor_address=command.actor_address, action="set_up.refused",
                    subject="box",
                )  # fmt: skip
            raise NotAllowedError("set_up.wrong_token", "This is not the set-up link that the box shows.")
        faults = user_faults(login, "", Role.ADMINISTRATOR, command.language) + password_faults(command.password, login)
        if faults:
            raise ValidationErrors(faults)
        password_hash = self._hasher.hash(command.password)
        with self._context.store.write() as session:
            if users.administrators(session):
                raise CallerError("set_up.done", "The box is already set up; log in as its administrator.")
            self._refuse_taken_login(session, login, None)
            user = User(
                id=new_id(), login=login, display_name=command.login.strip(), role=Role.ADMINISTRATOR,
                password_hash=password_hash, language=command.language, created_at=now,
            )  # fmt: skip
            session.add(user)
            audit.append(
                session, now, actor_id=user.id, actor_address=command.actor_address, action="set_up.done",
                subject=f"user:{user.id}", detail={"login": login},
            )  # fmt: skip
        self._context.home.set_up_token.unlink(missing_ok=True)
        self._context.changed("user", user.id)
        return Done(id=user.id)

    # ---- log-in -------------------------------------------------------------------------------------------

    def log_in(self, command: commands.LogIn) -> Done:
        """Check login, password and second factor; reply data: session_token, user_id, role, expires_at.

        Raises `login.wrong` (the same for an unknown user, a disabled one and a wrong password), `login.locked`
        (with retry_after_s), `login.totp_required`.
        """
        login = users.normal_login(command.login)
        with self._context.store.read() as session:
            user = users.by_login(session, login)
        self._refuse_locked(user.locked_until if user else self._strangers.locked_until(login))
        right = self._hasher.verify(user.password_hash if user else None, command.password)
        if user is None:
            verdict: Done | CallerError = self._stranger(command, login)
        else:
            outdated = right and self._hasher.is_outdated(user.password_hash)
            new_hash = self._hasher.hash(command.password) if outdated else None
            with self._context.store.write() as session:
                verdict = self._judge(session, users.get(session, user.id), command, right, new_hash)
        if isinstance(verdict, CallerError):
            raise verdict
        return verdict

    def _judge(self, session: DbSession, user: User, command: commands.LogIn, right: bool,
               new_hash: str | None) -> Done | CallerError:  # fmt: skip
        """Count and write down one log-in; an error is returned, not raised, so that the count is committed."""
        now = self._context.clock.now()
        if user.locked_until is not None and user.locked_until > now:  # locked while the password was hashed
            return self._locked(user.locked_until)
        if right and user.enabled and user.totp_secret and not command.totp:
            return NotAllowedError("login.totp_required", "Enter the six digits from your authenticator.")
        if not (right and user.enabled and self._second_factor.fits(user, command.totp)):
            user.failed_logins += 1
            user.locked_until = now + timedelta(seconds=lock_s(user.failed_logins))
            self._audit_login(session, "login.failed", user.id, command, {"failures": user.failed_logins})
            return NotAllowedError("login.wrong", _WRONG)
        user.failed_logins, user.locked_until = 0, None
        if new_hash is not None:
            user.password_hash = new_hash
        token = secrets.token_urlsafe(32)
        expires = now + timedelta(hours=self._context.settings.web.session_hours)
        session.add(
            Session(
                token_hash=token_hash(token), user_id=user.id, created_at=now, expires_at=expires,
                address=command.actor_address[:60], user_agent=command.user_agent[:200],
            )
        )  # fmt: skip
        self._audit_login(session, "login", user.id, command, {})
        return Done(
            id=user.id,
            data={"session_token": token, "user_id": user.id, "role": user.role, "expires_at": expires.isoformat()},
        )

    def _stranger(self, command: commands.LogIn, login: str) -> CallerError:
        now = self._context.clock.now()
        self._strangers.failed(login, now)
        with self._context.store.write() as session:
            # people type their password into the login field: what was typed is masked
            self._audit_login(session, "login.failed", "", command, {"login": mask(login)})
        return NotAllowedError("login.wrong", _WRONG)

    def _audit_login(self, session: DbSession, action: str, user_id: str, command: commands.LogIn,
                     detail: dict[str, object]) -> None:  # fmt: skip
        audit.append(
            session, self._context.clock.now(), actor_id=user_id, actor_address=command.actor_address,
            action=action, subject=f"user:{user_id or 'unknown'}", detail=detail,
        )  # fmt: skip

    def _locked(self, until: datetime) -> CallerError:
        wait_s = max(1, round((until - self._context.clock.now()).total_seconds()))
        return NotAllowedError(
            "login.locked", f"Too many wrong passwords: try again in {wait_s} s.", retryable=True, retry_after_s=wait_s
        )

    def _refuse_locked(self, until: datetime | None) -> None:
        if until is not None and until > self._context.clock.now():
            raise self._locked(until)

    def log_out(self, command: commands.LogOut) -> Done:
        """End one session, or all of its user; an unknown one is no error."""
        with self._context.store.write() as session:
            found = session.get(Session, token_hash(command.session_token))
            if found is not None:
                audit.append(
                    session, self._context.clock.now(), actor_id=found.user_id, actor_address=found.address,
                    action="logout", subject=f"user:{found.user_id}",
                    detail={"everywhere": True} if command.everywhere else {},
                )  # fmt: skip
                if command.everywhere:
                    users.end_sessions(session, found.user_id)
                else:
                    session.delete(found)
        return Done()

    # ---- users --------------------------------------------------------------------------------------------

    def save_user(self, command: commands.SaveUser) -> Done:
        """Make or change a user; with `own_password` a user changes his own password, language and theme."""
        login = users.normal_login(command.login)
        faults = user_faults(login, command.display_name, command.role, command.language)
        faults += skill_faults(command.skills)
        if command.theme is not None and command.theme not in _THEMES:
            faults.append(("theme", "user.unknown_theme", f"Use one of {', '.join(_THEMES)}."))
        if command.password is not None:
            faults += password_faults(command.password, login)
        elif command.id is None:
            faults.append(("password", "password.missing", "A new user needs a password."))
        with self._context.store.read() as session:
            if not command.own_password:
                who = users.require(session, command.actor_id, Permission.USERS_WRITE)
                faults += self._grant_faults(session, who, command)
            elif users.actor(session, command.actor_id).id != command.id:
                raise NotAllowedError("user.not_allowed", "Only one's own password is changed here.")
            known = users.get(session, command.id) if command.id else None
        if command.own_password and command.password is not None:
            self._hasher.check(known, command.current_password or "", field="current_password")
        if faults:
            raise ValidationErrors(faults)
        password_hash = self._hasher.hash(command.password) if command.password is not None else None
        with self._context.store.write() as session:
            user = self._write_user(session, command, login, password_hash)
        self._context.changed("user", user.id)
        return Done(id=user.id)

    @staticmethod
    def _grant_faults(session: DbSession, who: users.Actor, command: commands.SaveUser) -> list[tuple[str, str, str]]:
        """What is wrong with the role and department given; raises NotAllowedError for more than the actor has."""
        custom = session.get(CustomRole, command.role_id) if command.role_id else None
        faults = []
        if command.role_id and custom is None:
            faults.append(("role", "role.unknown", "There is no such role."))
        elif command.role in {str(r) for r in Role}:
            check_not_more(who.granted, granted.of_role(command.role, custom.permissions if custom else None))
        if command.id is not None and (known := session.get(User, command.id)) is not None:
            check_not_more(who.granted, granted.of_user(session, known))  # nor is a greater one's account changed
        if command.department_id and session.get(Department, command.department_id) is None:
            faults.append(("department_id", "department.unknown", "There is no such department."))
        return faults

    def _write_user(self, session: DbSession, command: commands.SaveUser, login: str,
                    password_hash: str | None) -> User:  # fmt: skip
        now = self._context.clock.now()
        if command.id is None:
            user = User(id=new_id(), created_at=now, password_hash="", login=login, role=command.role)
        else:
            user = users.get(session, command.id)
            versions.check(session, command, f"user:{user.id}", user)
        if not command.own_password:
            self._refuse_taken_login(session, login, command.id)
            role, role_id = command.role, user.role_id if command.role_id is None else command.role_id or None
            if role_id and (custom := session.get(CustomRole, role_id)) is not None:
                role = custom.base
            loses_office = user.role == Role.ADMINISTRATOR and user.enabled and command.id is not None and (
                role != Role.ADMINISTRATOR or not command.enabled
            )  # fmt: skip
            if loses_office and users.administrators(session) == 1:
                raise CallerError("user.last_administrator", "This is the last administrator; make another one first.")
            if command.id is not None and ((user.role, user.role_id) != (role, role_id) or not command.enabled):
                users.end_sessions(session, user.id)
            user.login, user.role, user.role_id, user.enabled = login, role, role_id, command.enabled
            if command.department_id is not None:
                user.department_id = command.department_id or None
            if command.skills is not None:
                user.skills = dict(command.skills)
            user.display_name = command.display_name.strip() or login
        user.language = command.language
        if command.theme is not None:
            user.theme = command.theme
        if password_hash is not None:
            user.password_hash, user.failed_logins, user.locked_until = password_hash, 0, None
            keep = token_hash(command.session_token) if command.session_token else ""
            users.end_sessions(session, user.id, keep_hash=keep)
        session.add(user)
        audit.append(
            session, now, actor_id=command.actor_id, actor_address=command.actor_address,
            action="user.saved" if command.id else "user.made", subject=f"user:{user.id}",
            detail={"login": user.login, "role": user.role, "enabled": user.enabled,
                    "password_changed": password_hash is not None},
        )  # fmt: skip
        return user

    @staticmethod
    def _refuse_taken_login(session: DbSession, login: str, user_id: str | None) -> None:
        other = users.by_login(session, login)
        if other is not None and other.id != user_id:
            raise ValidationErrors([("login", "user.login_taken", f"There is already a user '{login}'.")])
