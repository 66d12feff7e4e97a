"""What already stands on a disk: file systems, partition tables, members of arrays. Read by `wipefs --json`, which
writes nothing when it is not told to; each partition is asked as well as the disk."""

from __future__ import annotations

import json
from dataclasses import dataclass

from drivers.lines import ReaderError

TABLES = frozenset({"gpt", "dos", "PMBR", "atari", "bsd", "mac", "sgi", "sun"})
RAID_MEMBER = "linux_raid_member"


@dataclass(frozen=True, slots=True)
class Signature:
    """One mark on a disk or a partition. `uuid` of a RAID member is its array's, written with dashes."""

    device: str
    kind: str
    uuid: str = ""
    label: str = ""

    @property
    def array_uuid(self) -> str:
        """The array's UUID in md's own form (`a:b:c:d`); empty unless it is a member."""
        plain = self.uuid.replace("-", "").replace(":", "").lower()
        if self.kind != RAID_MEMBER or len(plain) != 32:
            return ""
        return ":".join(plain[start : start + 8] for start in range(0, 32, 8))


def parse_wipefs(output: str, status: int) -> tuple[Signature, ...]:
    """What `wipefs --json` said of one device; nothing at all means that it is blank.

    Raises ReaderError `disk.signatures`: what cannot be read is never taken for blank.
    """
    text = output.strip()
    if status != 0:
        raise ReaderError("disk.signatures", f"What stands on the disk cannot be read: {text[:200] or status}")
    if not text:
        return ()
    try:
        rows = json.loads(text)["signatures"]
        return tuple(
            Signature(
                device=str(row["device"]), kind=str(row["type"]), uuid=str(row.get("uuid") or ""),
                label=str(row.get("label") or ""),
            )
            for row in rows
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ReaderError("disk.signatures", "wipefs gave an answer that cannot be understood.") from error
