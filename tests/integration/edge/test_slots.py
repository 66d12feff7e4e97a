"""The largest box: the switch can still name the idle ones among 500 worker slots."""

from __future__ import annotations

import pytest

from appliance.settings import save_settings
from appliance.telephony.edge import control
from tests.integration.edge.box import Service, alive, make_home

pytestmark = pytest.mark.integration


def test_500_slots(tmp_path_factory: pytest.TempPathFactory) -> None:
    home, _ = make_home(tmp_path_factory.mktemp("large"), {}, {})
    settings = save_settings(home, {"sip": {"slots": 500, "worker_port_base": 20000, "rtp_port_base": 32000}})
    service = Service(home, "edge")
    try:
        assert alive(30.0), service.log.read_text()[-2000:]
        control.set_idle_workers(home, settings, {20000, 20499})
        assert control.idle_workers(home) == {20000, 20499}
        control.set_idle_workers(home, settings, {20499, 20250})
        assert control.idle_workers(home) == {20499, 20250}
    finally:
        service.stop()
