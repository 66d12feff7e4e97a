"""The API does what its document says, whatever it is asked (schemathesis; the long run is tests/soak/test_api.py)."""

from __future__ import annotations

from pathlib import Path

import pytest
from openapi_spec_validator import validate

from tests.sim.web.api_fuzz import faults
from webui.api.v1.document import document
from webui.api.v1.nouns import OPERATIONS

pytestmark = [pytest.mark.sim, pytest.mark.timeout(600)]


def test_the_document_is_openapi() -> None:
    validate(document(OPERATIONS))


def test_every_operation_keeps_to_the_document(tmp_path: Path) -> None:
    assert faults(tmp_path, examples=2) == []
