"""Two texts line by line: what stayed, what went, what came."""

from __future__ import annotations

from difflib import SequenceMatcher

SAME_AROUND = 3


def line_diff(before: str, after: str) -> list[tuple[str, str]]:
    """(kind, line): " " the same, "-" only before, "+" only after, "…" where lines that are the same are left out."""
    old, new = before.splitlines(), after.splitlines()
    found: list[tuple[str, str]] = []
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(SAME_AROUND):
        if found or group[0][1] > 0:
            found.append(("…", ""))
        for tag, begin_old, end_old, begin_new, end_new in group:
            if tag == "equal":
                found += [(" ", line) for line in old[begin_old:end_old]]
                continue
            found += [("-", line) for line in old[begin_old:end_old]]
            found += [("+", line) for line in new[begin_new:end_new]]
    return found
