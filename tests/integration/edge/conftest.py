"""Fixtures for the edge's tests: `box` (settings and home of a module), the edge service that runs in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.settings import Home, Settings
from tests.integration.edge.box import Service, alive, make_home

TRUNKS = {
    "bench": {
        "gateways": [{"address": "127.0.1.1"}, {"address": "127.0.1.2"}],
        "outbound": {
            "called": [
                {"match": r"\+861[3-9]\d{9}$", "strip": 3, "prepend": "0"},
                {"match": r"\+86", "strip": 3},
                {"match": r"\+", "strip": 1, "prepend": "00"},
            ],
            "calling": [{"match": r"\+86", "strip": 3}],
        },
        "inbound": {
            "called": [{"match": "[2-8]", "prepend": "+8610"}],
            "calling": [{"match": "0", "strip": 1, "prepend": "+86"}],
        },
    },
    "provider": {
        "gateways": [{"address": "127.0.1.9"}],
        "provider": {"user": "acct7", "password": "s3cr$t;,q", "domain": "sip.provider.example", "registers": True},
    },
}
SEATS = {f"seat{n:02d}": f"pw{n:02d}" for n in range(1, 7)}


@pytest.fixture(scope="module")
def box(private_network: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Settings]:
    return make_home(tmp_path_factory.mktemp("box"), TRUNKS, SEATS)


@pytest.fixture(scope="module")
def edge(box: tuple[Home, Settings]) -> Iterator[Service]:
    home, _ = box
    service = Service(home, "edge")
    try:
        assert alive(30.0), service.log.read_text()[-3000:]
        yield service
    finally:
        service.stop()
