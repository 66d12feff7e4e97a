"""Prints the part of requirements.lock that a running box needs: what `callbox` depends on, and what that depends on.

Runs in the checkout's environment (the lock was installed there), so that versions and hashes are the very same.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def closure(root: str) -> set[str]:
    """Return the canonical names of everything `root` needs on this platform, extras included, without `root`."""
    found: set[str] = set()
    waiting: list[tuple[str, frozenset[str]]] = [(root, frozenset())]
    while waiting:
        name, extras = waiting.pop()
        for text in metadata.requires(name) or []:
            requirement = Requirement(text)
            wanted = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in (*extras, "")
            )
            needed = canonicalize_name(requirement.name)
            if wanted and needed not in found:
                found.add(needed)
                waiting.append((needed, frozenset(requirement.extras)))
    return found


def main() -> None:
    needed = closure("callbox")
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", Path(sys.argv[1]).read_text("utf-8"))
    kept = [block for block in blocks if canonicalize_name(re.split(r"[=\[ ]", block, maxsplit=1)[0]) in needed]
    locked = {canonicalize_name(re.split(r"[=\[ ]", block, maxsplit=1)[0]) for block in kept}
    if missing := needed - locked:
        sys.exit(f"not in {sys.argv[1]}: {', '.join(sorted(missing))}")
    sys.stdout.write("".join(kept))


if __name__ == "__main__":
    main()
