"""The second factor: time-based one-time codes (RFC 6238), each good once. A user may switch it on and off."""

from __future__ import annotations

import hmac

import pyotp

from appliance import commands
from appliance.commands import Done
from appliance.errors import CallerError, ValidationErrors
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.jobs.passwords import Hasher
from appliance.store import sealed
from appliance.store.models import User
from appliance.store.repositories import users
from appliance.types import Permission

_STEP_S = 30
_ENROLMENT_S = 600.0


class SecondFactor:
    """Secrets are kept wrapped by the box's key; one that is being enrolled is kept in memory only."""

    def __init__(self, context: Context, hasher: Hasher) -> None:
        self._context = context
        self._hasher = hasher
        self._box_secret = context.secrets.archive_key.get_secret_value()
        self._enrolments: dict[str, tuple[str, float]] = {}  # user id: new secret, until (monotonic)

    def _seal(self, user_id: str, totp_secret: str) -> str:
        return sealed.wrap(self._box_secret, totp_secret.encode(), f"totp:{user_id}")

    def _step(self, totp_secret: str, code: str) -> int | None:
        """The time step that a code belongs to: the present one, or one beside it; None for a wrong code."""
        totp = pyotp.TOTP(totp_secret, interval=_STEP_S)
        present = int(self._context.clock.now().timestamp()) // _STEP_S
        given = code.replace(" ", "").encode()
        return next(
            (step for step in (present, present - 1, present + 1)
             if hmac.compare_digest(totp.generate_otp(step).encode(), given)), None,
        )  # fmt: skip

    def fits(self, user: User, code: str) -> bool:
        """Whether log-in may go on: no second factor, or a right code that was not used before (which is noted)."""
        if not user.totp_secret:
            return True
        totp_secret = sealed.unwrap(self._box_secret, user.totp_secret, f"totp:{user.id}").decode()
        step = self._step(totp_secret, code)
        if step is None or step <= user.totp_last_step:
            return False
        user.totp_last_step = step
        return True

    def enrol_totp(self, command: commands.EnrolTotp) -> Done:
        """Make a new secret; nothing holds until `confirm_totp`."""
        with self._context.store.read() as session:
            user = users.get(session, users.actor(session, command.actor_id).id)
        totp_secret = pyotp.random_base32()
        self._enrolments[user.id] = (totp_secret, self._context.clock.monotonic_s() + _ENROLMENT_S)
        uri = pyotp.TOTP(totp_secret).provisioning_uri(name=user.login, issuer_name="Callbox")
        return Done(id=user.id, data={"secret": totp_secret, "uri": uri})

    def confirm_totp(self, command: commands.ConfirmTotp) -> Done:
        """Switch it on with a first right code; raises `totp.no_enrolment` or `totp.wrong`."""
        totp_secret, until_s = self._enrolments.get(command.actor_id, ("", 0.0))
        if not totp_secret or self._context.clock.monotonic_s() > until_s:
            raise CallerError("totp.no_enrolment", "Start again: the new secret was not asked for, or is too old.")
        step = self._step(totp_secret, command.code)
        if step is None:
            raise ValidationErrors([("code", "totp.wrong", "This code does not fit; check the clock of the phone.")])
        with self._context.store.write() as session:
            user = users.get(session, users.actor(session, command.actor_id).id)
            user.totp_secret, user.totp_last_step = self._seal(user.id, totp_secret), step
            audit.append(
                session, self._context.clock.now(), actor_id=user.id, action="totp.on",
                actor_address=command.actor_address,
                subject=f"user:{user.id}",
            )  # fmt: skip
        del self._enrolments[command.actor_id]
        return Done(id=user.id)

    def disable_totp(self, command: commands.DisableTotp) -> Done:
        """Switch it off: one's own with the password, another user's with users.write."""
        with self._context.store.read() as session:
            who = users.actor(session, command.actor_id)
            user = users.get(session, command.user_id or who.id)
            if user.id != who.id:
                users.require(session, command.actor_id, Permission.USERS_WRITE)
        if user.id == who.id:
            self._hasher.check(user, command.password, field="password")
        with self._context.store.write() as session:
            user = users.get(session, user.id)
            user.totp_secret = ""
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="totp.off", subject=f"user:{user.id}",
            )  # fmt: skip
        return Done(id=user.id)
