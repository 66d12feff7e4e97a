"""Personal data go, what a fault is found by stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.masking import Masker

pytestmark = pytest.mark.unit

MASKER = Masker(["Anna Petrova", "王小明", "John O'Neill-Smith"])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("to=sip:+8613800138000@callbox", "to=sip:***********00@callbox"),
        ("dialled +7 (912) 345-67-89 now", "dialled *********89 now"),
        ("number 010-8888-6666", "number *********66"),
        ("id=x013800138000y", "id=x**********00y"),
        ('pii_name="Anna \\"A\\" Petrova" seat=s01', "pii_name=*** seat=s01"),
        ("pii_number=*********00", "pii_number=***"),
        ("agent Anna said", "agent *** said"),
        ("John O'Neill-Smith is ANNA", "*** *** is ***"),
        ("lead 王小明 欠款", "lead ***"),
        ("должник Анна Петрова", "***"),
        ("mail a.b+c@example.co.uk now", "mail ***@*** now"),
    ],
)
def test_personal_data_are_masked(text: str, masked: str) -> None:
    assert MASKER.mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "timestamp=2026-11-25T17:28:24.454843Z level=warning service=jobs",
        "2026-11-25 17:28:24,123 up",
        "gateway 192.168.100.200:5060 silent, 127.0.2.1",
        "pid=31234 port=22000 Service is Running",
        '{"free_mb": 512345, "count": 7}',
    ],
)
def test_what_a_fault_is_found_by_stays(text: str) -> None:
    assert MASKER.mask(text) == text


@given(st.text(alphabet="0123456789", min_size=8, max_size=15), st.sampled_from(["", "+", "sip:", "tel=", "x", '"']),
       st.sampled_from(["", "@", " ", "y", ";", '"']))  # fmt: skip
def test_no_number_gets_through(number: str, before: str, after: str) -> None:
    masked = MASKER.mask(f"{before}{number}{after}")
    assert number not in masked
