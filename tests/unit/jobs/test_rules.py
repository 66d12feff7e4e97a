"""Small decisions of `jobs`: which retention rule holds, what the audit log masks, how long a job waits, peaks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.jobs.audit import masked
from appliance.jobs.encoding import Peaks, opus_level
from appliance.jobs.queue import wait_s
from appliance.jobs.retention import keep_days

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, 180),
        ({"default": 30}, 30),
        ({"default": 365, "campaign:c": 10}, 10),
        ({"campaign:c": 10, "seat:101": 90}, 90),
        ({"campaign:c": 400, "seat:101": 90}, 400),
        ({"campaign:other": 1, "seat:102": 1}, 180),
        ({"campaign:c": 10, "law:c": 731}, 731),  # no rule of the box is shorter than the law's
        ({"campaign:c": 1096, "law:c": 731, "law:other": 2000}, 1096),
    ],
)
def test_the_longest_own_rule_holds_else_the_default(rules: dict[str, int], expected: int) -> None:
    assert keep_days(rules, "c", "101", 180) == expected


def test_a_recording_of_no_campaign_has_the_default() -> None:
    assert keep_days({"campaign:None": 1}, "c", None, 180) == 180
    assert keep_days({"campaign:c": 1}, None, None, 180) == 180


def test_personal_data_is_masked_at_any_depth() -> None:
    given_detail = {
        "number": "+8613800138000", "list": [{"phone": "13800138000"}], "text": "called +8613800138000 twice",
        "pii_name": "Anna", "campaign": "01jq8800000000000000000000", "count": 5, "none": None,
    }  # fmt: skip
    assert masked(given_detail) == {
        "number": "************00", "list": [{"phone": "*********00"}], "text": "called ************00 twice",
        "pii_name": "**na", "campaign": "01jq8800000000000000000000", "count": 5, "none": None,
    }  # fmt: skip


def test_waits_double_up_to_five_minutes() -> None:
    assert [wait_s(n) for n in (1, 2, 3)] == [2, 4, 8]
    assert wait_s(9) == wait_s(1000) == 300


def test_the_opus_level_spans_what_libsndfile_spans() -> None:
    assert opus_level(512_000) == 0.0
    assert opus_level(12_000) == 1.0
    assert opus_level(32_000) == pytest.approx(0.96)
    assert opus_level(6_000) == 1.0


@given(cuts=st.lists(st.integers(0, 4000), max_size=6))
def test_peaks_do_not_depend_on_how_the_sound_is_cut(cuts: list[int]) -> None:
    sound = np.random.default_rng(3).integers(-32768, 32767, (4000, 2)).astype(np.int16)
    whole, pieces = Peaks(), Peaks()
    whole.push(sound)
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(sound)], strict=True):
        pieces.push(sound[start:end])
    assert pieces.result() == whole.result()
    assert whole.result()["left"][0] == round(float(np.abs(sound[:800, 0].astype(int)).max()) / 32768, 3)
    assert len(whole.result()["right"]) == 5


def test_peaks_of_nothing_and_of_a_long_call() -> None:
    assert Peaks().result() == {"left": [], "right": [], "per_s": 10}
    long = Peaks()
    block = np.zeros((8000, 2), dtype=np.int16)
    for _ in range(1200):  # 20 minutes
        long.push(block)
    long.push(np.full((800, 2), -32768, dtype=np.int16))
    found = long.result()
    assert found["per_s"] == pytest.approx(10 / 3)
    assert len(found["left"]) == 4001
    assert found["right"][-1] == 1.0
