"""Every reason that disks and clock can give has words."""

from __future__ import annotations

import pytest

from appliance import texts
from appliance.domain.clock_trust import EARLIEST, ClockPolicy, ClockReading, Doubt, doubt
from drivers.raid.forecast import Reason

pytestmark = pytest.mark.unit

GROWING = {Reason.WEAR, Reason.REALLOCATING}
"""Reasons with a trend: today or some day; the others are one of the two."""


@pytest.mark.parametrize("reason", Reason)
def test_reasons_to_replace_a_disk(reason: Reason) -> None:
    table = texts.table("en")
    if reason is not Reason.PENDING_SECTORS:
        assert f"disk.replace_now.{reason}" in table
    if reason in GROWING | {Reason.PENDING_SECTORS}:
        assert f"disk.replace_soon.{reason}" in table


@pytest.mark.parametrize("reason", Doubt)
def test_doubts_about_the_clock(reason: Doubt) -> None:
    assert f"clock.{reason}" in texts.table("en")


NONE, SILENT = ClockReading(installed=False), ClockReading(installed=True)
GOOD = ClockReading(installed=True, synchronised=True, error_bound_s=0.1)
LOST = ClockReading(installed=True, synchronised=False)
WRONG = ClockReading(installed=True, synchronised=True, error_bound_s=31.0)


@pytest.mark.parametrize(
    ("reading", "required", "auto"),
    [
        (GOOD, None, None),
        (NONE, Doubt.NO_SERVICE, None),
        (SILENT, Doubt.NO_ANSWER, Doubt.NO_ANSWER),
        (LOST, Doubt.NOT_SYNCHRONISED, Doubt.NOT_SYNCHRONISED),
        (WRONG, Doubt.TOO_WRONG, Doubt.TOO_WRONG),
    ],
)
def test_what_each_policy_makes_of_a_reading(reading: ClockReading, required: Doubt | None, auto: Doubt | None) -> None:
    now = EARLIEST.replace(month=6)
    assert doubt(ClockPolicy.REQUIRED, reading, now, 30.0) is required
    assert doubt(ClockPolicy.AUTO, reading, now, 30.0) is auto
    assert doubt(ClockPolicy.TRUSTED, reading, now, 30.0) is None
    for policy in ClockPolicy:
        assert doubt(policy, reading, EARLIEST.replace(year=2000), 30.0) is Doubt.BEFORE_BUILD
