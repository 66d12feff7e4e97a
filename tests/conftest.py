"""Collection rules for all tests: each module carries the category marker of its folder, or collection fails.

With `-n N --dist loadfile --no-loadscope-reorder` several workers share the modules: the longest begin first (those
with the longest `timeout`), and the tests of a module stay on one worker, but for those in `SHARED`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

import appliance  # noqa: F401 - before numpy: it says how many threads that may have
from tests.netns import private_network, pytest_configure  # noqa: F401 - fixture and hook

hypothesis.settings.register_profile("callbox", deadline=None)  # how long an example takes is the machine's matter
hypothesis.settings.load_profile("callbox")

FOLDER = Path(__file__).parent
CATEGORIES = {"unit", "sim", "integration", "e2e", "soak"}
SHARED = ("tests/e2e/web/test_every_page.py", "tests/unit/domain/test_state_space.py")
"""Modules of a few long tests: any worker may take any of them."""


class Modules(LoadFileScheduling):
    """Whole modules are given to workers, and single tests of those that are shared."""

    def _split_scope(self, nodeid: str) -> str:
        path = super()._split_scope(nodeid)
        return nodeid if path in SHARED else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Modules | None:
    """Our own scheduler for `--dist loadfile`."""
    return Modules(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse modules without exactly one category marker, and those in the folder of another category.

    Put the longest modules first, see above.
    """
    wrong: dict[str, set[str]] = {}
    for item in items:
        found = {mark.name for mark in item.iter_markers() if mark.name in CATEGORIES}
        if found != {item.path.relative_to(FOLDER).parts[0]}:
            wrong[str(item.path)] = found
    if wrong:
        lines = "\n".join(f"  {path}: {sorted(found) or 'none'}" for path, found in sorted(wrong.items()))
        raise pytest.UsageError(f"each test module needs its folder's mark, one of {sorted(CATEGORIES)}:\n{lines}")
    longest_s: dict[str, float] = {}
    for item in items:
        path, limit = str(item.path), item.get_closest_marker("timeout")
        longest_s[path] = max(longest_s.get(path, 0.0), float(limit.args[0]) if limit else 0.0)
    items.sort(key=lambda item: -longest_s[str(item.path)])
