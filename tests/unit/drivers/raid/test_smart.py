"""What smartctl says, read: recorded answers of real programs on emulated disks, made-up ones, and garbage."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.lines import ReaderError
from drivers.raid.forecast import health_of
from drivers.raid.smart import SmartReport, Trouble, parse_smart, read_exit

pytestmark = pytest.mark.unit

RECORDED = Path(__file__).parents[3] / "data/smart"


def ata(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / "ata.json").read_text())
    return {**found, **changes}


def read(tree: Any, status: int = 0) -> SmartReport:
    return parse_smart(json.dumps(tree), status)


def test_recorded_ata_disk() -> None:
    report = parse_smart((RECORDED / "ata.json").read_text(), 0)
    assert (report.protocol, report.serial, report.passed) == ("ATA", "QEMUSMART1", True)
    assert report.reallocated == 0
    assert report.self_test.running is False
    assert report.attributes[0].name
    assert not health_of(report).failing


def test_recorded_nvme_disk() -> None:
    report = parse_smart((RECORDED / "nvme.json").read_text(), 0)
    assert (report.protocol, report.serial, report.wear, report.media_errors) == ("NVMe", "NVME1", 0.0, 0)
    assert report.spare_threshold is not None
    assert report.temperature_c is not None


def test_recorded_scsi_disk_answers_partly_and_is_not_bad() -> None:
    report = parse_smart((RECORDED / "scsi.json").read_text(), 4)
    assert report.partial
    assert report.troubles == frozenset()
    assert not health_of(report).failing


@pytest.mark.parametrize(
    ("status", "usable", "troubles"),
    [
        (0, True, set()),
        (1, False, set()),
        (2, False, set()),
        (4, True, set()),
        (8, True, {Trouble.FAILING}),
        (64 | 128, True, {Trouble.ERRORS_LOGGED, Trouble.SELF_TEST_ERRORS}),
        (0x30 | 4, True, {Trouble.PREFAIL, Trouble.WAS_LOW}),
        (-9, False, set()),
    ],
)
def test_exit_mask(status: int, usable: bool, troubles: set[Trouble]) -> None:
    found = read_exit(status)
    assert (found.usable, set(found.troubles)) == (usable, troubles)


def test_a_disk_that_cannot_be_opened_says_why() -> None:
    tree = {"smartctl": {"messages": [{"string": "Smartctl open device: /dev/x failed: No such device"}]}}
    with pytest.raises(ReaderError, match="No such device"):
        read(tree, 2)


def test_a_running_test_is_no_verdict() -> None:
    report = read(ata(ata_smart_data={"self_test": {"status": {"value": 0xF7}}}))
    assert (report.self_test.running, report.self_test.remaining) == (True, 0.7)


def test_failed_self_test_and_pending_sectors_are_seen() -> None:
    rows = [
        {"id": 197, "name": "Current_Pending_Sector", "value": 100, "raw": {"value": 3, "string": "3"}},
        # upper bytes hold other figures: what is printed first counts
        {"id": 5, "name": "Reallocated_Sector_Ct", "value": 100, "raw": {"value": 2**40 + 7, "string": "7 (0 1)"}},
    ]
    log = {"standard": {"table": [{"type": {"string": "Short"}, "status": {"value": 0x70, "passed": False}}]}}
    report = read(ata(ata_smart_attributes={"table": rows}, ata_smart_self_test_log=log))
    assert (report.pending, report.reallocated) == (3, 7)
    assert health_of(report).self_test_failed


def test_wear_is_read_only_where_number_and_name_agree() -> None:
    def wear(number: int, name: str, value: int) -> float | None:
        return read(ata(ata_smart_attributes={"table": [{"id": number, "name": name, "value": value}]})).wear

    assert wear(233, "Media_Wearout_Indicator", 88) == 0.12
    assert wear(231, "SSD_Life_Left", 40) == 0.6
    assert wear(231, "Temperature_Celsius", 40) is None
    assert wear(177, "Wear_Leveling_Count", 150) is None


LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
TREE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner), max_leaves=12
)
KNOWN = st.sampled_from(
    ["smart_status", "ata_smart_attributes", "ata_smart_data", "ata_smart_self_test_log", "temperature",
     "power_on_time", "nvme_smart_health_information_log", "nvme_self_test_log", "scsi_self_test_0",
     "scsi_error_counter_log", "smartctl", "device", "serial_number", "model_name"]
)  # fmt: skip


@given(tree=st.dictionaries(KNOWN, TREE), status=st.integers(-20, 300))
def test_no_tree_breaks_the_parser(tree: dict[str, Any], status: int) -> None:
    with contextlib.suppress(ReaderError):
        report = parse_smart(json.dumps(tree), status)
        assert read_exit(status).usable
        assert report.temperature_c is None or 0 < report.temperature_c < 150
        health_of(report)


@given(text=st.text(max_size=60), status=st.integers(0, 255), cut=st.integers(0, 4000))
def test_no_text_breaks_the_parser(text: str, status: int, cut: int) -> None:
    whole = (RECORDED / "ata.json").read_text()
    for said in (text, whole[:cut] + text, text + whole):
        with contextlib.suppress(ReaderError):
            parse_smart(said, status)
