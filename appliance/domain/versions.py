"""Which version may follow which: updates, and backups that are restored. Pure.

Versions are `major.minor.patch`, maybe with `+build` or `-build` behind (a build of the same release). The rules:

- an update goes to the same or a newer version, at most one major step at a time (a box of 1.x goes to 2.x, not 3.x);
- an older version is refused: its programs do not know the newer tables (going back is the slot's matter, which has its
  own data from before, or a restored backup);
- a backup is restored by the version that made it or a newer one of the same or the next major version; its tables are
  brought to the present form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

FIRST = "0.1.0"
"""The first release: everything from it on is taken over."""
_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:\.dev\d+)?(?:[-+~]([0-9A-Za-z.+-]{1,60}))?")


class Skew(StrEnum):
    """What a step from one version to another is."""

    SAME = "same"
    NEWER = "newer"
    OLDER = "older"
    TOO_FAR = "too_far"
    UNKNOWN = "unknown"


@dataclass(frozen=True, order=True)
class Version:
    """A release; the build behind it does not order."""

    major: int
    minor: int
    patch: int


def parse(text: str) -> Version | None:
    """The release of a version's text; None for what is no version."""
    found = _VERSION.fullmatch(text.strip())
    return Version(int(found[1]), int(found[2]), int(found[3])) if found else None


def skew(present: str, other: str) -> Skew:
    """What `other` is, seen from `present`."""
    here, there = parse(present), parse(other)
    if here is None or there is None:
        return Skew.UNKNOWN
    if there == here:
        return Skew.SAME
    if there < here:
        return Skew.OLDER
    return Skew.TOO_FAR if there.major > here.major + 1 else Skew.NEWER


def may_update(present: str, other: str) -> bool:
    """Whether a box of version `present` may be updated to `other`."""
    return skew(present, other) in (Skew.SAME, Skew.NEWER)


def may_restore(present: str, made_by: str) -> bool:
    """Whether a backup made by version `made_by` may be restored by version `present`."""
    return skew(made_by, present) in (Skew.SAME, Skew.NEWER)
