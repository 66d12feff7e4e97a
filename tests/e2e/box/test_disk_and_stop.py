"""A disk that is full, a box that is stopped and started: what was said stays readable, nothing is dialled twice."""

from __future__ import annotations

import time
from functools import partial

import pytest

from appliance.telephony.control import life_files
from appliance.types import CampaignState
from tests.e2e.box.faulty import AU_FRAME_BYTES, RATE_HZ, RESERVE_MB, FaultyBox, Story, figure, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_disk_reserve_stops_dialling(box: FaultyBox) -> None:
    """Calls in progress are recorded to their end within the reserve; dialling goes on once there is room."""
    box.need_small_disk()
    box.dial(Story.RESERVE)
    talking = until(lambda: box.bridged(Story.RESERVE, 3), "conversations")
    with box.disk_filled(leave_mb=RESERVE_MB // 2):
        until(lambda: box.alert("disk.reserve"), "the alert")
        assert "disk" in box.findings().lower()
        until(lambda: box.blocked(Story.RESERVE) == "disk_full", "the campaign to be blocked")
        until(lambda: all(box.attempt(a.id).ended_at for a in talking), "the conversations to end")
        dialled = sum(box.calls_per_number(Story.RESERVE).values())
        assert dialled < len(box.numbers(Story.RESERVE))
    until(lambda: not box.alert("disk.reserve"), "the alert to clear")
    box.wait_finished(Story.RESERVE)
    box.assert_dialled_once(Story.RESERVE)
    box.assert_all_archived(Story.RESERVE)


def test_disk_full_while_recording(box: FaultyBox) -> None:
    """The call goes on; what was written stays readable; the log says it once."""
    box.need_small_disk()
    told = "recording stopped, call goes on"
    told_before = box.log("switch").count(told)
    box.dial(Story.FULL)
    attempt = until(lambda: box.bridged(Story.FULL, 1), "a conversation")[0]
    recording = until(lambda: box.recording_of(attempt.id), "its recording")
    spool = box.home.spool / f"{recording.id}.au"
    until(lambda: spool.stat().st_size > 2 * RATE_HZ * AU_FRAME_BYTES, "two seconds of sound")
    with box.disk_filled(leave_mb=0):
        until(lambda: box.log("switch").count(told) > told_before, "the log to say it")
        until(lambda: box.calls_per_number(Story.FULL), "the customer to end the call himself")
        assert box.log("switch").count(told) == told_before + 1
    box.wait_finished(Story.FULL)
    ended = box.attempt(attempt.id)
    assert ended.outcome in ("human", "unknown")
    assert box.ended_by(Story.FULL) == {"local"}
    archived = until(partial(box.archived, attempt.id), "its archive")
    assert archived.duration_s >= 2


def test_the_whole_box_is_stopped_and_started(box: FaultyBox) -> None:
    """A clean end in time, all spools closed; the next start goes on where it was and archives what was left."""
    box.dial(Story.STOP)
    talking = until(lambda: box.bridged(Story.STOP, 3), "conversations")
    began = time.monotonic()
    box.stop()
    figure(stopped_after_s=time.monotonic() - began)
    assert not list(life_files(box.home.run)), "every conversation has ended well"
    assert box.state(Story.STOP) in (CampaignState.RUNNING, CampaignState.FINISHED), "finished on a slow machine"
    began = time.monotonic()
    box.start()
    figure(started_after_s=time.monotonic() - began)
    assert box.state(Story.STOP) in (CampaignState.RUNNING, CampaignState.FINISHED)
    for attempt in talking:
        ended = until(partial(box.over, attempt.id), "the stopped conversation's end")
        assert ended.outcome in ("human", "unknown")
    box.wait_finished(Story.STOP)
    box.assert_dialled_once(Story.STOP)
    box.assert_all_archived(Story.STOP)
