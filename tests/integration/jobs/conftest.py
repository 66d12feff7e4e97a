"""A backup of a filled box, made once for each module that wants one."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.jobs.backup import shelf
from appliance.jobs.context import Context
from appliance.settings import load_settings
from tests.integration.jobs.backup_scene import KEY, NOW, filled_box


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return filled_box(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def made(first: Context) -> Path:
    return shelf.make(first.home, load_settings(first.home), first.store, KEY, NOW, why=shelf.HAND)
