"""Our top-level names are common words: nobody else in the environment may bring a package of the same name."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["appliance", "audio", "drivers", "webui"])
def test_the_name_is_ours_alone(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"callbox"}
    found = import_module(name).__file__
    assert found is not None, f"{name} has no __init__.py and would be shared with strangers"
    assert Path(found).is_relative_to(CHECKOUT) or "site-packages" in found
