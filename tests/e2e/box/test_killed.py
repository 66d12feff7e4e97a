"""One process after the other is killed with SIGKILL while the room talks; what comes back, and what was lost."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from appliance.types import AgentState
from tests.e2e.box.faulty import (
    AU_FRAME_BYTES,
    RATE_HZ,
    FaultyBox,
    Story,
    figure,
    talked_s,
    until,
)  # fmt: skip

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

BUS_AWAY_S = 3.0


def test_engine_killed(box: FaultyBox) -> None:
    """It answers again; no attempt is dialled twice, none is lost, the campaign ends."""
    box.dial(Story.ENGINE)
    until(lambda: box.bridged(Story.ENGINE, 2), "conversations")
    old = box.kill("engine")
    killed = time.monotonic()
    until(lambda: "“engine”" in box.findings(), "health to name the engine")
    with ThreadPoolExecutor() as beside:
        told = beside.submit(box.command_line, "health")
        until(lambda: box.pid("engine") not in (0, old) and box.engine_answers(), "an answer of the engine")
        figure(engine_answers_after_s=time.monotonic() - killed)
    assert told.result().returncode == 1
    assert "Service “engine”" in told.result().stdout
    box.wait_finished(Story.ENGINE)
    box.assert_dialled_once(Story.ENGINE)
    assert all(a.outcome != "lost" for a in box.attempts(Story.ENGINE))
    box.assert_all_archived(Story.ENGINE)


def test_worker_killed_under_a_conversation(box: FaultyBox) -> None:
    """The attempt is `lost`, archived up to a second before; the agent is free, the room goes on."""
    box.dial(Story.WORKER)
    victim = until(lambda: box.bridged(Story.WORKER, 2), "conversations")[0]
    recording = until(lambda: box.recording_of(victim.id), "its recording")
    spool = box.home.spool / f"{recording.id}.au"
    until(lambda: spool.stat().st_size > 3 * RATE_HZ * AU_FRAME_BYTES, "three seconds of sound")
    os.kill(box.life(victim.id).pid, signal.SIGKILL)
    killed = time.time()
    lost = until(partial(box.over, victim.id), "its end")
    assert lost.outcome == "lost"
    figure(worker_lost_told_after_s=time.time() - killed)
    until(lambda: "process died" in box.findings(), "health to name what happened")
    until(lambda: box.agent_state(victim.agent_id) == AgentState.READY, "the agent to be free")
    archived = until(partial(box.archived, victim.id), "its archive")
    missing_s = killed - archived.started_at.timestamp() - archived.duration_s
    figure(worker_killed_missing_s=missing_s)
    assert missing_s <= 1.0
    box.wait_finished(Story.WORKER)
    assert [a.id for a in box.attempts(Story.WORKER) if a.outcome == "lost"] == [victim.id]


def test_switch_parent_killed(box: FaultyBox) -> None:
    """Conversations go on and end as usual; a new parent adopts them and takes new calls."""
    box.dial(Story.SWITCH)
    talking = until(lambda: box.bridged(Story.SWITCH, 4), "conversations")
    ready_before = box.log("switch").count("switch ready")
    box.kill("switch")
    killed = time.monotonic()
    until(lambda: "“switch”" in box.findings(), "health to name the switch")
    until(lambda: box.log("switch").count("switch ready") > ready_before, "a new switch")
    figure(switch_ready_after_s=time.monotonic() - killed)
    adopted = {a.id for a in talking if f"conversation={a.id}" in box.lines("switch", "conversation adopted")}
    assert adopted >= {a.id for a in box.bridged(Story.SWITCH)}
    assert adopted
    box.dial(Story.SWITCH_AFTER)
    until(lambda: any(a.answered_at for a in box.attempts(Story.SWITCH_AFTER)), "a new call to be answered")
    figure(switch_dials_after_s=time.monotonic() - killed)
    box.wait_finished(Story.SWITCH)
    box.wait_finished(Story.SWITCH_AFTER)
    attempts = box.attempts(Story.SWITCH)
    assert {a.outcome for a in attempts} <= {"human", "unknown"}
    assert box.ended_by(Story.SWITCH) == {"local"}, "nobody was cut off"
    for attempt in attempts:  # the agent heard the customer to the end: nothing of the sound is missing
        assert attempt.media["rtp_received"] > 2 * 50 * (talked_s(attempt) - 3)
    box.assert_dialled_once(Story.SWITCH)
    box.assert_all_archived(Story.SWITCH)


def test_bus_killed_for_some_seconds(box: FaultyBox) -> None:
    """Conversations go on; afterwards all events arrive, in order, each once."""
    box.dial(Story.BUS)
    talking = until(lambda: box.bridged(Story.BUS, 3), "conversations")
    began = time.monotonic()
    while time.monotonic() < began + BUS_AWAY_S:  # as often as it is started
        with contextlib.suppress(ProcessLookupError):
            os.kill(box.pid("bus") or 2**22, signal.SIGKILL)
        time.sleep(0.05)
    assert all(box.life_exists(a.id) for a in talking), "conversations go on"
    mended = time.monotonic()
    until(box.engine_answers, "an answer of the engine")
    figure(bus_back_after_s=time.monotonic() - mended)
    assert "“bus”" in box.findings()
    box.wait_finished(Story.BUS)
    attempts = box.attempts(Story.BUS)
    assert {a.outcome for a in attempts} <= {"human", "unknown", "cancelled"}, "cancelled: the switch was never told"
    attempts = [a for a in attempts if a.outcome != "cancelled"]
    assert all(a.media and talked_s(a) > 0 for a in attempts), "the last event of each has arrived"
    for attempt in attempts:
        assert [event.seq for event in box.events(attempt.id)] == list(range(1, attempt.last_seq + 1))
    box.assert_dialled_once(Story.BUS)
    box.assert_all_archived(Story.BUS)


def test_jobs_killed_while_archiving(box: FaultyBox) -> None:
    """All recordings are archived and verified in the end."""
    box.dial(Story.JOBS)
    until(box.archiving, "an archive under way")
    old = box.kill("jobs")
    killed = time.monotonic()
    until(lambda: "“jobs”" in box.findings(), "health to name jobs")
    until(lambda: box.pid("jobs") not in (0, old), "new jobs")
    box.wait_finished(Story.JOBS)
    box.assert_all_archived(Story.JOBS)
    figure(all_archived_after_s=time.monotonic() - killed)
    assert not list(box.home.spool.glob("*.au"))
    assert not list(box.home.archive.glob("*.new"))
