"""The box calls itself through the real edge and a real worker; a test call says each step and ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from appliance.bench.far_end import FarEnd
from appliance.bench.switch_rig import SwitchRig
from appliance.errors import BoxError
from appliance.services import media_check, test_call
from appliance.services.diag import _sip

pytestmark = pytest.mark.integration

GATEWAY = ("127.0.1.1", 5060)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwitchRig]:
    folder = tmp_path_factory.mktemp("box")
    with FarEnd(*GATEWAY), SwitchRig(folder, edge_port=5062, slots=12, gateway=GATEWAY) as running:
        yield running


def test_tones_come_through_both_ways(rig: SwitchRig) -> None:
    found = media_check.measure(rig.home, rig.settings)
    assert set(found.losses_db) == {"out", "back"}
    assert all(abs(loss) < 3 for loss in found.losses_db.values()), found
    assert found.packets > 100


def test_nobody_but_the_check_may_listen_there(rig: SwitchRig) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((rig.settings.sip.worker_address, rig.settings.sip.self_test_port))
        with pytest.raises(BoxError, match="port is taken"):
            media_check.measure(rig.home, rig.settings)


def test_options_are_answered_and_silence_is_a_fault(rig: SwitchRig) -> None:
    assert _sip("sip", rig.settings.sip.seat_address, rig.settings.sip.seat_port).state == "ok"
    assert _sip("sip", "127.0.9.9", 5999).state == "bad"


def test_a_test_call_says_each_step_and_hangs_up(rig: SwitchRig) -> None:
    said: list[str] = []
    found = test_call.dial(rig.home, "+91001", "bench", said.append)
    assert found["answered"]
    assert any("answered" in line for line in said)
    assert any("ended: 200" in line for line in said)


def test_a_test_call_that_nobody_takes_fails_with_words(rig: SwitchRig) -> None:
    found = test_call.dial(rig.home, "+91001", "nowhere", lambda _line: None)
    assert not found["answered"]
    assert found["reason"]


def test_level_of_a_tone() -> None:
    samples = (16384 * np.sin(2 * np.pi * 1004 / 8000 * np.arange(8000))).astype(np.int16)
    assert media_check.tone_level_dbov(samples, 1004.0) == pytest.approx(-9.03, abs=0.05)
    slipped = np.concatenate([samples[:4000], samples[4004:]])
    assert media_check.tone_level_dbov(slipped, 1004.0) == pytest.approx(-9.03, abs=0.05)
    assert media_check.tone_level_dbov(samples, 620.0) < -40
    assert media_check.tone_level_dbov(samples[:10], 620.0) == -96.0
