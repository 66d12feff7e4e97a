"""Replacing a disk on a simulated box: the good one is never touched, the wrong one never taken, a cut-off goes on."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.lines import ReaderError
from drivers.raid import work
from drivers.raid.arrays import parse_completed, parse_export, read_arrays
from drivers.raid.disks import SECTOR_BYTES, read_disks
from drivers.raid.look import look, smart
from drivers.raid.replace import Refusal, Role, Step
from drivers.raid.signatures import parse_wipefs
from drivers.raid.sims import SimBox, SimDisk

pytestmark = pytest.mark.unit

A, B, NEW = "SN-AAAA0001", "SN-BBBB0002", "SN-DDDD0004"


@pytest.fixture(params=[True, False], ids=["partitions", "whole disks"])
def sim(request: pytest.FixtureRequest, tmp_path: Path) -> SimBox:
    return mirror(tmp_path, partitioned=request.param)


def mirror(root: Path, *, partitioned: bool = True) -> SimBox:
    sim = SimBox(root, partitioned=partitioned)
    for bay, serial in enumerate((A, B), start=1):
        sim.plug(SimDisk(serial, bay))
    sim.create(A, B)
    return sim


def roles(sim: SimBox) -> dict[str, tuple[Role, Refusal | None]]:
    return {p.disk.serial: (p.role, p.refusal) for p in work.show(sim.root, sim, "md0").placed}


def run(sim: SimBox, replacement: work.Replacement, limit: int = 60) -> list[Step]:
    """Advance until done while the rebuild copies; returns the steps without repetition."""
    steps: list[Step] = []
    for _ in range(limit):
        step = replacement.advance().step
        if not steps or steps[-1] is not step:
            steps.append(step)
        if step is Step.DONE:
            return steps
        sim.copy(40)
    raise AssertionError(steps)


def test_a_whole_mirror_is_seen_whole(sim: SimBox) -> None:
    array = read_arrays(sim.root)[0]
    assert (array.missing, array.rebuilding, array.has_bitmap, array.label) == (0, False, True, "callbox")
    assert roles(sim) == {A: (Role.GOOD, None), B: (Role.GOOD, None)}
    assert [(d.serial, d.port) for d in read_disks(sim.root)] == [(A, "ata1"), (B, "ata2")]


def test_a_pulled_disk_is_missed_before_md_notices(sim: SimBox) -> None:
    sim.pull(B)
    array = read_arrays(sim.root)[0]
    assert (array.degraded, array.missing) == (0, 1)
    sim.md_notices()
    assert read_arrays(sim.root)[0].missing == 1


def test_a_freed_name_given_to_another_disk_is_no_member(sim: SimBox) -> None:
    sim.pull(B)
    sim.md_notices()
    sim.do("raid-remove", array="md0", what="failed")
    assert sim.plug(SimDisk(NEW, 2)) == "sdb"
    assert read_arrays(sim.root)[0].missing == 1
    assert roles(sim)[NEW] == (Role.NEW, None)


def test_the_same_disk_back_is_brought_up_to_date_by_the_bitmap(sim: SimBox) -> None:
    disk = sim.pull(B)
    sim.md_notices()
    sim.plug(disk)
    assert roles(sim)[B] == (Role.NEW, None)
    steps = run(sim, work.choose(sim.root, sim, "md0", B, "0002"))
    assert Step.PARTITION not in steps
    assert [name for name, _ in sim.done if name in ("raid-add", "raid-re-add")] == ["raid-re-add"]
    assert read_arrays(sim.root)[0].missing == 0


def test_a_blank_disk_is_filled(sim: SimBox) -> None:
    sim.pull(B)
    sim.plug(SimDisk(NEW, 2))
    steps = run(sim, work.choose(sim.root, sim, "md0", NEW, " 0004 "))
    if sim.partitioned:
        boot = [Step.VERIFY, Step.COPY_BOOT, Step.VERIFY]
        assert steps == [Step.REMOVE_FAILED, Step.PARTITION, Step.ADD, Step.WAIT, *boot, Step.DONE]
    else:
        assert steps == [Step.REMOVE_FAILED, Step.ADD, Step.WAIT, Step.DONE]
    assert roles(sim) == {A: (Role.GOOD, None), NEW: (Role.GOOD, None)}
    written = [words for name, words in sim.done if name != "disk-signatures"]
    assert not any(A in words.get("target", "") + words.get("device", "") for words in written)


@pytest.mark.parametrize(
    ("disk", "refusal"),
    [
        (SimDisk(NEW, 2, signatures=[("", "ext4", "1")]), Refusal.FOREIGN),
        (SimDisk(NEW, 2, signatures=[("", "linux_raid_member", "ffffffff:" * 3 + "ffffffff")]), Refusal.FOREIGN),
        (SimDisk(NEW, 2, table=((1, 34, 50),)), Refusal.FOREIGN),
        (SimDisk(NEW, 2, size_bytes=1000 * SECTOR_BYTES), Refusal.TOO_SMALL),
        (SimDisk("", 2), Refusal.NO_SERIAL),
    ],
)
def test_a_foreign_small_or_nameless_disk_is_refused(sim: SimBox, disk: SimDisk, refusal: Refusal) -> None:
    sim.pull(B)
    sim.plug(disk)
    assert roles(sim)[disk.serial] == (Role.REFUSED, refusal)
    before = len([name for name, _ in sim.done if name != "disk-signatures"])
    with pytest.raises(ReaderError) as refused:
        work.choose(sim.root, sim, "md0", disk.serial, disk.serial[-4:])
    assert refused.value.error_id in ("replace.refused", "replace.disk_gone")
    assert len([name for name, _ in sim.done if name != "disk-signatures"]) == before


def test_a_disk_whose_content_cannot_be_read_is_refused(sim: SimBox) -> None:
    sim.pull(B)
    sim.plug(SimDisk(NEW, 2))
    sim.fails["disk-signatures"] = "wipefs: error"
    assert roles(sim)[NEW] == (Role.REFUSED, Refusal.UNKNOWN_CONTENT)
    sim.fails.clear()
    sim.hangs.add("disk-signatures")
    assert roles(sim)[NEW] == (Role.REFUSED, Refusal.UNKNOWN_CONTENT)


@pytest.mark.parametrize("typed", ["", "0001", "004", "SN-DDDD0004", "000 4"])
def test_wrong_digits_touch_nothing(sim: SimBox, typed: str) -> None:
    sim.pull(B)
    sim.plug(SimDisk(NEW, 2))
    with pytest.raises(ReaderError) as refused:
        work.choose(sim.root, sim, "md0", NEW, typed)
    assert refused.value.error_id == "replace.not_confirmed"


def test_a_whole_mirror_needs_no_disk(sim: SimBox) -> None:
    sim.plug(SimDisk(NEW, 3))
    with pytest.raises(ReaderError) as refused:
        work.choose(sim.root, sim, "md0", NEW, "0004")
    assert refused.value.error_id == "replace.not_ready"


def test_the_last_good_disk_is_never_retired(sim: SimBox) -> None:
    with pytest.raises(ReaderError, match="last four"):
        work.retire(sim.root, sim, "md0", B, "0001")
    assert work.retire(sim.root, sim, "md0", B, "0002").serial == B
    with pytest.raises(ReaderError) as refused:
        work.retire(sim.root, sim, "md0", A, "0001")
    assert refused.value.error_id == "replace.last_good"


def test_a_disk_pulled_in_mid_rebuild_is_said_and_goes_on_when_it_is_back(sim: SimBox) -> None:
    sim.pull(B)
    sim.plug(SimDisk(NEW, 2))
    replacement = work.choose(sim.root, sim, "md0", NEW, "0004")
    while replacement.advance().step is not Step.WAIT:
        pass
    disk = sim.pull(NEW)
    with pytest.raises(ReaderError) as gone:
        replacement.advance()
    assert gone.value.error_id == "replace.disk_gone"
    sim.md_notices()
    sim.plug(disk)
    run(sim, work.Replacement(sim.root, sim, "md0", NEW))
    assert read_arrays(sim.root)[0].missing == 0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(1, 4), max_size=5),
    failing=st.sampled_from(["", "disk-table-copy", "raid-add", "disk-boot-copy"]),
)
def test_wherever_it_is_cut_off_it_ends_whole(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], failing: str
) -> None:
    sim = mirror(tmp_path_factory.mktemp("box"))
    sim.pull(B)
    sim.plug(SimDisk(NEW, 2))
    replacement = work.choose(sim.root, sim, "md0", NEW, "0004")
    if failing:
        sim.fails[failing] = "it does not want to"
    for steps in cuts:
        for _ in range(steps):
            with contextlib.suppress(ReaderError):
                replacement.advance()
        sim.copy(20)
        replacement = work.Replacement(sim.root, sim, "md0", NEW)  # the power came back
    sim.fails.clear()
    run(sim, replacement)
    assert roles(sim) == {A: (Role.GOOD, None), NEW: (Role.GOOD, None)}


def test_a_replacement_cut_off_after_its_table_may_be_chosen_again(tmp_path: Path) -> None:
    sim = mirror(tmp_path)
    sim.pull(B)
    sim.md_notices()
    sim.plug(SimDisk(NEW, 2, table=((1, 34, 100), (2, 134, 3800))))
    assert roles(sim)[NEW] == (Role.NEW, None)


def test_the_wrong_disk_that_answers_is_noticed(sim: SimBox) -> None:
    sim.disks["sda"].smart = '{"serial_number": "SOMEBODY-ELSE"}'
    disk = look(sim.root).disk(A)
    assert disk is not None
    with pytest.raises(ReaderError) as wrong:
        smart(disk, sim)
    assert wrong.value.error_id == "smart.wrong_disk"


def test_small_parsers() -> None:
    assert parse_completed("12 / 100") == (12, 100)
    assert parse_completed("120 / 100") == (100, 100)
    assert parse_completed("none") == parse_completed("delayed") == parse_completed("") == (0, 0)
    export = "MD_LEVEL=raid1\nMD_DEVICES=2\nMD_UUID=a:b:c:d\nMD_DEVICE_dev_sda_ROLE=0\nrubbish\nPATH=/bin\n"
    assert parse_export(export) == {
        "MD_LEVEL": "raid1", "MD_DEVICES": "2", "MD_UUID": "a:b:c:d", "MD_DEVICE_dev_sda_ROLE": "0",
    }  # fmt: skip


@given(st.text(max_size=120), st.integers(0, 3))
def test_what_wipefs_says_is_read_or_refused_never_taken_for_blank(text: str, status: int) -> None:
    with contextlib.suppress(ReaderError):
        found = parse_wipefs(text, status)
        assert found or (not text.strip() and status == 0) or "signatures" in text
