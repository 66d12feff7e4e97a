"""Collection rules for all tests: each module carries exactly one category marker, or collection fails."""

from __future__ import annotations

import hypothesis
import pytest

import appliance  # noqa: F401 - before numpy: it says how many threads that may have
from tests.netns import private_network, pytest_configure  # noqa: F401 - fixture and hook

hypothesis.settings.register_profile("callbox", deadline=None)  # how long an example takes is the machine's matter
hypothesis.settings.load_profile("callbox")

CATEGORIES = {"unit", "sim", "integration", "e2e", "soak"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse modules without exactly one category marker (soak tests may stand beside one other in a module)."""
    wrong: dict[str, set[str]] = {}
    for item in items:
        found = {mark.name for mark in item.iter_markers() if mark.name in CATEGORIES}
        if len(found) != 1:
            wrong[str(item.path)] = found
    if wrong:
        lines = "\n".join(f"  {path}: {sorted(found) or 'none'}" for path, found in sorted(wrong.items()))
        raise pytest.UsageError(f"each test module needs exactly one of {sorted(CATEGORIES)}:\n{lines}")
