"""What passwords are accepted, and how guessing is slowed down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.jobs.passwords import COMMON, MIN_LENGTH, Hasher, Strangers, lock_s, password_faults

pytestmark = pytest.mark.unit
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", {"password.too_short"}),
        ("short 123", {"password.too_short"}),
        ("administrator", {"password.common"}),
        ("PASSWORD123", {"password.common"}),
        ("aaaaaaaaaaaa", {"password.common"}),
        ("abababababab", {"password.common"}),
        ("Anna.Petrova", {"password.is_login"}),
        ("x" * 100 + "y" * 101 + "z", {"password.too_long"}),
        ("correct horse", set()),
        ("密码要够长才行哦朋友", set()),
    ],
)
def test_what_is_accepted(password: str, expected: set[str]) -> None:
    assert {error_id for _, error_id, _ in password_faults(password, "anna.petrova")} == expected


def test_the_list_holds_only_what_length_does_not_refuse_already() -> None:
    assert all(len(word) >= MIN_LENGTH - 1 for word in COMMON)
    assert all(word == word.casefold() for word in COMMON)


def test_locks_grow_from_the_fifth_failure_up_to_an_hour() -> None:
    assert [lock_s(n) for n in (0, 4, 5, 6, 7)] == [0, 0, 30, 60, 120]
    assert lock_s(50) == lock_s(10_000) == 3600


def test_strangers_lock_like_users_and_are_forgotten_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.jobs.passwords._UNKNOWN_LOGINS_KEPT", 3)
    strangers = Strangers()
    untils = [strangers.failed("bob", NOW) for _ in range(6)]
    assert [until - NOW for until in untils] == [timedelta(0)] * 4 + [timedelta(seconds=30), timedelta(seconds=60)]
    for other in ("a", "b", "c"):
        strangers.failed(other, NOW)
    assert strangers.locked_until("bob") is None
    assert strangers.locked_until("c") == NOW


def test_hashes_are_argon2id_salted_and_nobody_is_never_right() -> None:
    hasher = Hasher()
    stored = hasher.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert hasher.verify(stored, "correct horse")
    assert not hasher.verify(stored, "correct horse ")
    assert not hasher.verify(None, "nobody's password")
    assert not hasher.verify("no hash at all", "x")
    assert not hasher.is_outdated(stored)
