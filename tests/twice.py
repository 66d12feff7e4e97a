"""A plug-in that runs each test twice: can it pass on its second try, in the same process and on the same box?

`python -m pytest -p tests.twice --reruns 1 tests/e2e/web`: a first try that passed is said to have failed, so that
it is made again, as it would be after a real failure. Names, logins and numbers must be new on each try.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest


class FirstTryError(AssertionError):
    """The first try passed; the second one is what counts."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Let the first try of each test fail when it has passed."""
    yield
    if getattr(item, "execution_count", 2) == 1:
        raise FirstTryError
