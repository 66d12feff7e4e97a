"""Prints the part of requirements.lock that a running box needs: what `callbox` depends on, and what that depends on.

Runs in the checkout's environment (the lock was installed there), so that versions and hashes are the very same; what
the product itself needs is read from pyproject.toml beside the lock.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def closure(requirements: list[str]) -> set[str]:
    """Return the canonical names of all that these requirements need on this platform, extras included."""
    found: set[str] = set()
    waiting = [(text, frozenset[str]()) for text in requirements]
    while waiting:
        text, extras = waiting.pop()
        requirement = Requirement(text)
        wanted = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in (*extras, "")
        )
        name = canonicalize_name(requirement.name)
        if wanted and name not in found:
            found.add(name)
            waiting += [(needed, frozenset(requirement.extras)) for needed in metadata.requires(name) or []]
    return found


def main() -> None:
    lock = Path(sys.argv[1])
    needed = closure(tomllib.loads(lock.with_name("pyproject.toml").read_text("utf-8"))["project"]["dependencies"])
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", lock.read_text("utf-8"))
    kept = [block for block in blocks if canonicalize_name(re.split(r"[=\[ ]", block, maxsplit=1)[0]) in needed]
    locked = {canonicalize_name(re.split(r"[=\[ ]", block, maxsplit=1)[0]) for block in kept}
    if missing := needed - locked:
        sys.exit(f"not in {lock}: {', '.join(sorted(missing))}")
    sys.stdout.write("".join(kept))


if __name__ == "__main__":
    main()
