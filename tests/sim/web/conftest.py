"""A box of the web's own for each test module that wants one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sim.web.fakes import FakeBox


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeBox]:
    """A set-up box with an administrator, a supervisor and an agent."""
    made = FakeBox(Path(tmp_path_factory.mktemp("box")))
    made.set_up()
    yield made
    made.bus.close()


@pytest.fixture
def new_box(tmp_path: Path) -> Iterator[FakeBox]:
    """A box that was never set up."""
    made = FakeBox(tmp_path)
    yield made
    made.bus.close()
