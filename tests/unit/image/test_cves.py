"""Known weaknesses of the image's Debian packages, told by the tracker's own shape of data."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.unit
SCRIPT = Path(__file__).resolve().parents[3] / "image_build/image/cves.py"


@pytest.fixture(scope="module")
def cves() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cves", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["cves"] = module
    spec.loader.exec_module(module)
    return module


def part(name: str, version: str, source: str, source_version: str = "") -> dict[str, Any]:
    properties = [{"name": "debian:source", "value": source}]
    if source_version:
        properties.append({"name": "debian:source-version", "value": source_version})
    return {"name": name, "version": version, "properties": properties}


def told(status: str, fixed: str = "", urgency: str = "not yet assigned") -> dict[str, Any]:
    release = {"status": status, "urgency": urgency, **({"fixed_version": fixed} if fixed else {})}
    return {"description": "a flaw", "releases": {"bookworm": release}}


def test_only_what_the_version_has_is_told_gravest_first(cves: ModuleType) -> None:
    bom = {
        "components": [
            part("libssl3", "3.0.11-1", "openssl"), part("nginx-light", "1.22.1-9+b1", "nginx", "1.22.1-9"),
            {"name": "flask", "version": "3.1", "properties": []},
        ]
    }  # fmt: skip
    tracker = {
        "openssl": {
            "CVE-1": told("resolved", "3.0.12-1"), "CVE-2": told("resolved", "3.0.10-1"),
            "CVE-3": told("resolved", "0"), "CVE-4": told("undetermined"),
            "CVE-5": {"releases": {"trixie": {"status": "open", "urgency": "high"}}},
        },
        "nginx": {"CVE-6": told("open", urgency="high"), "CVE-7": told("resolved", "1.22.1-9+deb12u1", "low**")},
        "apache2": {"CVE-8": told("open")},
    }  # fmt: skip
    found = list(cves.weaknesses(bom, tracker))
    assert [(w.cve, w.urgency, w.fixed) for w in found] == [
        ("CVE-6", "high", ""), ("CVE-7", "low", "1.22.1-9+deb12u1"), ("CVE-1", "not yet assigned", "3.0.12-1"),
    ]  # fmt: skip
    assert found[0].version == "1.22.1-9"
