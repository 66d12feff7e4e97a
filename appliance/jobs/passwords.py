"""Passwords: what is accepted, how they are kept (Argon2id), and how guessing is slowed down."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from appliance.errors import ValidationErrors
from appliance.store.models import User

MIN_LENGTH = 10
MAX_LENGTH = 200
FREE_FAILURES = 5
_FIRST_LOCK_S = 30.0
_LONGEST_LOCK_S = 3600.0
_UNKNOWN_LOGINS_KEPT = 10_000

# The commonest passwords of ten and more characters; shorter ones are refused for their length.
_COMMON_LIST = """
    1234567890 12345678910 0123456789 0987654321 1111111111 0000000000 1q2w3e4r5t 1qaz2wsx3edc 1q2w3e4r5t6y
    qwertyuiop qwerty12345 qwerty123456 qwertyuiop123 asdfghjkl1 asdfghjkl; zxcvbnm123 q1w2e3r4t5 q1w2e3r4t5y6
    password12 password123 password1234 password01 passw0rd123 p@ssw0rd123 administrator admin12345 admin123456
    administrator1 letmein123 welcome123 welcome1234 iloveyou12 iloveyou123 changeme123 changeme1234 abc1234567
    abcd123456 a123456789 aa12345678 aa123456789 qq123456789 woaini1314 woaini520 woaini1314520 5201314520
    1314520520 147258369a 1472583690 123456789a 123456789q 123123123123 1234512345 superman123 football123
    baseball123 sunshine123 princess123 dragon1234 monkey1234 trustno1234 callbox123 callbox1234 callcenter
    callcenter1 callcentre iloveyou1234 йцукенгшщз йцукенгшщзх привет12345 пароль12345 qazwsxedcrfv qazwsx1234
"""
COMMON = frozenset(_COMMON_LIST.split())


def password_faults(password: str, login: str) -> list[tuple[str, str, str]]:
    """Return what is wrong with a new password as (field, error id, message); empty when it is good."""
    faults = []
    folded = password.casefold()
    if len(password) < MIN_LENGTH:
        faults.append(("password", "password.too_short", f"Use at least {MIN_LENGTH} characters."))
    if len(password) > MAX_LENGTH:
        faults.append(("password", "password.too_long", f"Use at most {MAX_LENGTH} characters."))
    if login and folded.strip() == login.casefold():
        faults.append(("password", "password.is_login", "The password must not be the login name."))
    if folded in COMMON or (password and len(set(folded)) <= 2):
        faults.append(("password", "password.common", "This password is among the first that are tried."))
    return faults


def lock_s(failures: int) -> float:
    """How long to lock after so many wrong passwords in a row: from the fifth 30 s, doubling up to an hour."""
    if failures < FREE_FAILURES:
        return 0.0
    return float(min(_FIRST_LOCK_S * 2.0 ** min(failures - FREE_FAILURES, 20), _LONGEST_LOCK_S))


class Hasher:
    """Argon2id, 46 MiB and 2 passes in one lane: twice what OWASP asks for, and 0.1 s of one core.

    More lanes (RFC 9106 names four) would take both cores from the calls at each log-in.
    """

    def __init__(self, *, passes: int = 2, memory_kib: int = 46 * 1024) -> None:
        self._argon = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._nobody = self._argon.hash("nobody's password")

    def hash(self, password: str) -> str:
        return self._argon.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Check a password; for nobody (None) it takes just as long and is never right."""
        try:
            self._argon.verify(stored or self._nobody, password[: MAX_LENGTH + 1])
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
        return stored is not None

    def check(self, user: User | None, password: str, *, field: str) -> None:
        """Raises ValidationErrors on `field` when this is not the user's present password."""
        if not self.verify(user.password_hash if user else None, password):
            raise ValidationErrors([(field, "password.wrong", "This is not your present password.")])

    def is_outdated(self, stored: str) -> bool:
        return self._argon.check_needs_rehash(stored)


class Strangers:
    """Failures of log-in names that do not exist: they lock like real ones, so that a lock tells nothing."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def locked_until(self, login: str) -> datetime | None:
        return self._failures[login][1] if login in self._failures else None

    def failed(self, login: str, now: datetime) -> datetime:
        """Count a failure and return until when the name is now locked (not after `now`: it is not)."""
        count = self._failures.pop(login, (0, now))[0] + 1
        until = now + timedelta(seconds=lock_s(count))
        self._failures[login] = (count, until)
        if len(self._failures) > _UNKNOWN_LOGINS_KEPT:
            self._failures.popitem(last=False)
        return until
