"""The long run of tests/sim/web/test_api_schema.py: many more requests to every operation of the API."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sim.web.api_fuzz import faults

pytestmark = pytest.mark.soak


def test_every_operation_keeps_to_the_document_for_long(tmp_path: Path) -> None:
    assert faults(tmp_path, examples=100) == []
