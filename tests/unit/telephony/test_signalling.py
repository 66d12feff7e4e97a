"""Reason and Retry-After of a raw SIP message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.telephony.signalling import end_cause, header

pytestmark = pytest.mark.unit


def _message(*lines: str, body: str = "") -> str:
    return "\r\n".join(["SIP/2.0 503 Service Unavailable", "Via: SIP/2.0/UDP 127.0.0.1", *lines, "", body])


@pytest.mark.parametrize(
    ("lines", "q850", "text", "retry_after_s"),
    [
        (['Reason: Q.850;cause=1;text="Unallocated number"'], 1, "Unallocated number", None),
        (["reason: q.850 ; cause = 17"], 17, "", None),
        (['Reason: Q.850;text="a;cause=9 trap";cause=16'], 16, "a;cause=9 trap", None),
        (['Reason: SIP;cause=486;text="Busy", Q.850;cause=17'], 17, "Busy", None),
        (["Reason: SIP;cause=200"], None, "", None),
        (["Reason: Q.850;cause=999"], None, "", None),
        (["Reason: Q.850;", " cause=34"], 34, "", None),
        (["Retry-After: 5"], None, "", 5),
        (['Retry-After: 120 (in a meeting);duration=3600'], None, "", 120),
        (["Retry-After: soon"], None, "", None),
        (['Reason: X-Callbox;text="unknown trunk"'], None, "unknown trunk", None),
    ],
)
def test_cause_is_read(lines: list[str], q850: int | None, text: str, retry_after_s: int | None) -> None:
    cause = end_cause(_message(*lines))
    assert (cause.q850, cause.text, cause.retry_after_s) == (q850, text, retry_after_s)


def test_a_header_in_the_body_does_not_count() -> None:
    assert end_cause(_message(body="Reason: Q.850;cause=1\r\n")).q850 is None


def test_no_message_is_no_cause() -> None:
    assert end_cause("") == end_cause("SIP/2.0 200 OK\r\n\r\n")


def test_header_by_name_in_any_case() -> None:
    assert header(_message("X-Callbox-Seat: seat7"), "x-callbox-SEAT") == "seat7"
    assert header(_message(), "x-callbox-seat") is None


@given(st.text(max_size=300))
def test_nothing_from_the_network_breaks_it(text: str) -> None:
    cause = end_cause(text)
    assert cause.q850 is None or 0 < cause.q850 <= 127
