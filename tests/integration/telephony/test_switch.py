"""The switch as it runs - bus, parent, workers, real SIP and RTP - against sipp as the far end."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.bench.far_end import FarEnd
from appliance.bench.switch_rig import SwitchRig, originate
from appliance.commands import ConnectSeat, Hangup, Hold, PlayPrompt
from appliance.domain.hearing import LATE_REASON
from appliance.errors import CallerError
from appliance.events import (
    Bridged,
    ConfigChanged,
    ConversationEnded,
    Heard,
    LegAnswered,
    LegEnded,
    LegProgress,
    PromptEnded,
    RecordingClosed,
    RecordingStarted,
    SeatFailed,
    StorageState,
)
from appliance.ids import new_id
from appliance.telephony.control import process_start_ticks
from appliance.telephony.parent import ANNOUNCEMENTS
from appliance.telephony.recording import read_sidecar, read_spool
from appliance.types import LegRole
from audio import Label, enrolment, synth, wavio

pytestmark = pytest.mark.integration

EDGE_PORT = 5062
CUSTOMER_HZ, AGENT_HZ = 400, 700


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwitchRig]:
    with (
        FarEnd("127.0.0.1", EDGE_PORT),
        SwitchRig(tmp_path_factory.mktemp("box"), edge_port=EDGE_PORT, slots=24) as running,
    ):
        yield running


def _level_at(samples: np.ndarray[Any, Any], hz: float) -> float:
    """Share of a tone in the power of most windows of 50 ms.

    Of most, not of all together: where a busy machine's far end stood still, a frame is filled in or the phase jumps.
    """
    windows = samples[: samples.size // 400 * 400].astype(float).reshape(-1, 400)
    power = np.sum(windows * windows, axis=1)
    wave = np.exp(-2j * np.pi * hz * np.arange(400) / 8000)
    return float(np.median(2 * np.abs(windows @ wave) ** 2 / 400 / np.maximum(power, 1.0)))


def _names(rig: SwitchRig, call: str) -> list[str]:
    return [type(event).__name__ for event in rig.events(call) if not isinstance(event, Heard)]


def _worker_pid(rig: SwitchRig, call: str) -> int:
    life = json.loads((rig.home.run / f"conversation-{call}.json").read_text())
    return int(life["pid"])


def _gone(pid: int) -> bool:
    return process_start_ticks(pid) is None


def _bound_ports(pid: int) -> set[tuple[str, int]]:
    """(address, port) of all UDP sockets of a process."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        target = str(fd.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for line in Path(f"/proc/{pid}/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in inodes:
            address, port = fields[1].split(":")
            found.add((".".join(str(b) for b in reversed(bytes.fromhex(address))), int(port, 16)))
    return found


def test_the_parent_has_one_thread_and_idle_workers(rig: SwitchRig) -> None:
    assert rig.switch is not None
    pid = rig.switch.pid
    assert len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
    children = Path(f"/proc/{pid}/task/{pid}/children")
    assert rig.until(lambda: len(children.read_text().split()) == rig.settings.sip.idle_workers, 5)


def test_early_media_is_heard_then_answer_verdict_recording_and_hang_up(rig: SwitchRig) -> None:
    call = rig.dial("+97001")
    early = rig.wait_for(call, LegProgress, where=lambda e: e.early_media)
    assert early.sip_status == 183
    heard = rig.wait_for(call, Heard)
    assert (heard.phase, heard.label) == ("early", "ringback")
    rig.wait_for(call, LegAnswered)
    started = rig.wait_for(call, RecordingStarted)
    verdict = rig.wait_for(call, Heard, where=lambda e: e.phase == "answered" and e.final)
    assert verdict.label
    rig.command(Hangup(conversation_id=call, reason="machine"))
    end = rig.wait_for(call, ConversationEnded)
    leg = rig.wait_for(call, LegEnded)
    assert (leg.sip_status, leg.by_us, leg.answered, leg.reason) == (200, True, True, "machine")
    closed = rig.wait_for(call, RecordingClosed)
    assert end.seq == max(event.seq for event in rig.events(call))
    assert [event.seq for event in rig.events(call)] == list(range(1, end.seq + 1))
    assert end.rtp_lost == 0
    assert end.lost_frames < 25, "half a second, on a busy machine"
    assert end.rtp_received > 100
    spool = Path(started.spool_path)
    samples = read_spool(spool)
    assert samples.shape[0] == closed.frames
    assert np.abs(samples[:, 0]).max() > 1000, "the customer is on the left"
    assert not samples[:, 1].any(), "nobody was on our side"
    sidecar = read_sidecar(spool)
    assert sidecar is not None
    assert (sidecar.conversation_id, sidecar.error_id) == (call, "")
    assert rig.until(lambda: not (rig.home.run / f"conversation-{call}.json").exists(), 5)


def test_a_beep_after_the_final_word_is_told(rig: SwitchRig) -> None:
    call = rig.dial("+97011")
    word = rig.wait_for(call, Heard, timeout_s=60, where=lambda e: e.phase == "answered" and e.final)
    assert word.label != "machine", "it says no more than a person would"
    late = rig.wait_for(call, Heard, timeout_s=60, where=lambda e: e.reason.startswith(LATE_REASON))
    assert (late.label, late.final) == ("machine", False)
    assert word.decided_at_ms < late.decided_at_ms < 8000
    rig.command(Hangup(conversation_id=call, reason="agent_hangup"))
    rig.wait_for(call, ConversationEnded, timeout_s=60)


@pytest.mark.parametrize(
    ("number", "status", "q850", "retry_after_s"),
    [("+94041", 404, 1, None), ("+94861", 486, 17, None), ("+95031", 503, 34, 5)],
)
def test_causes_of_the_exchange_arrive(
    rig: SwitchRig, number: str, status: int, q850: int, retry_after_s: int | None
) -> None:
    call = rig.dial(number)
    leg = rig.wait_for(call, LegEnded)
    assert (leg.sip_status, leg.q850, leg.retry_after_s, leg.by_us) == (status, q850, retry_after_s, False)
    rig.wait_for(call, ConversationEnded)
    assert "RecordingStarted" not in _names(rig, call)


def test_an_announcement_before_a_404_is_heard(rig: SwitchRig) -> None:
    call = rig.dial("+91831")
    leg = rig.wait_for(call, LegEnded)
    heard = rig.events(call, Heard)
    assert heard
    assert {h.phase for h in heard} == {"early"}
    assert heard[-1].seq < leg.seq
    assert (leg.sip_status, leg.q850) == (404, 1)


def test_ringing_for_too_long_is_cancelled(rig: SwitchRig) -> None:
    call = rig.dial("+96001", ring_timeout_s=1.5)
    leg = rig.wait_for(call, LegEnded)
    assert (leg.sip_status, leg.by_us, leg.reason) == (487, True, "ring_timeout")


def test_a_gateway_that_says_nothing_is_given_up(rig: SwitchRig) -> None:
    call = rig.dial("+90001", ring_timeout_s=1.0)
    pid = _worker_pid(rig, call)
    leg = rig.wait_for(call, LegEnded)
    assert (leg.sip_status, leg.by_us, leg.reason) == (487, True, "ring_timeout")
    rig.wait_for(call, ConversationEnded)
    assert rig.until(lambda: _gone(pid), 5)


def test_an_answer_without_session_is_named_and_ends(rig: SwitchRig) -> None:
    call = rig.dial("+92011")
    leg = rig.wait_for(call, LegEnded)
    assert (leg.reason, leg.answered) == ("answer_without_sdp", False)
    rig.wait_for(call, ConversationEnded)


def test_the_customer_hangs_up(rig: SwitchRig) -> None:
    call = rig.dial("+93001")
    leg = rig.wait_for(call, LegEnded)
    assert (leg.sip_status, leg.by_us, leg.answered) == (200, False, True)
    assert rig.wait_for(call, RecordingClosed).frames > 4000


def test_tones_of_both_sides_lie_in_their_own_channels(rig: SwitchRig) -> None:
    call = rig.dial("+91001")
    rig.wait_for(call, LegAnswered)
    rig.command(ConnectSeat(conversation_id=call, seat_id="silent", agent_id="a0", answer_timeout_s=0.6))
    failed = rig.wait_for(call, SeatFailed)
    assert (failed.seat_id, failed.reason) == ("silent", "timeout")
    rig.command(ConnectSeat(conversation_id=call, seat_id="gone", agent_id="a0"))
    failed = rig.wait_for(call, SeatFailed, where=lambda e: e.seat_id == "gone")
    assert failed.sip_status == 480
    rig.command(ConnectSeat(conversation_id=call, seat_id="seat1", agent_id="a1"))
    bridged = rig.wait_for(call, Bridged)
    assert (bridged.seat_id, bridged.agent_id) == ("seat1", "a1")
    bound = _bound_ports(_worker_pid(rig, call))
    assert {a for a, _ in bound if a != "127.0.0.1"} == {"127.0.2.1", "127.0.2.2"}, "media at trunk and seat address"
    first = rig.settings.sip.worker_port_base
    assert len([p for _, p in bound if first <= p < first + rig.settings.sip.slots]) == 1, "one socket for signalling"
    time.sleep(1.0)  # talk
    rig.command(Hold(conversation_id=call))
    rig.command(Hold(conversation_id=call, resume=True))
    rig.command(Hangup(conversation_id=call, role=LegRole.SEAT, reason="agent"))
    rig.wait_for(call, ConversationEnded)
    samples = read_spool(Path(rig.wait_for(call, RecordingClosed).spool_path))
    begin = int(np.flatnonzero(np.abs(samples[:, 1]) > 100)[0])
    talk = samples[begin + 800 : begin + 6400]
    assert _level_at(talk[:, 0], CUSTOMER_HZ) > 0.95
    assert _level_at(talk[:, 1], AGENT_HZ) > 0.95
    assert begin > 0.6 * 8000, "silence on the right until the seat is there"


def test_a_prompt_is_played_twice_and_then_the_call_ends(rig: SwitchRig) -> None:
    call = rig.dial("+91002")
    rig.wait_for(call, LegAnswered)
    prompt = rig.home.prompts / "short.wav"
    if not prompt.exists():
        wavio.write(prompt, synth.to_int16(synth.beep(1000.0, 0.4)))
    with pytest.raises(CallerError, match="no prompt"):
        rig.command(PlayPrompt(conversation_id=call, prompt_id="nonsense"))
    rig.command(PlayPrompt(conversation_id=call, prompt_id="short"))
    rig.wait_for(call, PromptEnded)
    rig.command(PlayPrompt(conversation_id=call, prompt_id="short", hangup_after=True))
    leg = rig.wait_for(call, LegEnded)
    assert leg.reason == "after_short"
    assert len(rig.events(call, PromptEnded)) == 2
    samples = read_spool(Path(rig.wait_for(call, RecordingClosed).spool_path))
    sounding = int(np.sum(np.abs(samples[:, 1].reshape(-1, 160)).max(axis=1) > 200))
    assert 38 <= sounding <= 42, "what our side says is on the right, both times 20 frames of it"


def test_orders_that_must_not_be_carried_out(rig: SwitchRig) -> None:
    call = rig.dial("+94049")
    with pytest.raises(CallerError) as refused:
        rig.bus.request(originate("+94049", call))
    assert refused.value.error_id == "switch.duplicate"
    with pytest.raises(CallerError) as refused:
        rig.bus.request(originate("+94049", new_id(), issued_at_unix_s=time.time() - 3))
    assert refused.value.error_id == "switch.expired"
    with pytest.raises(CallerError) as refused:
        rig.bus.request(originate("+94049;lr", new_id()))
    assert refused.value.error_id == "switch.malformed"


def test_a_killed_worker_costs_one_call_and_a_second_of_sound(rig: SwitchRig) -> None:
    other = rig.dial("+91003")
    call = rig.dial("+91004")
    started = rig.wait_for(call, RecordingStarted)
    rig.wait_for(other, RecordingStarted)
    time.sleep(3.0)  # sound to lose
    pid = _worker_pid(rig, call)
    killed_at_s = time.time()
    os.kill(pid, signal.SIGKILL)
    end = rig.wait_for(call, ConversationEnded)
    assert (end.lost, end.seq, end.reason) == (True, 1_000_000, "worker_died")
    samples = read_spool(Path(started.spool_path))
    lost_s = killed_at_s - started.at_unix_s - samples.shape[0] / 8000
    assert lost_s <= 2.0  # written every 0.4 s; a busy machine is late
    assert _level_at(samples[800:, 0], CUSTOMER_HZ) > 0.95
    assert not rig.events(other, ConversationEnded)
    rig.command(Hangup(conversation_id=other))
    assert not rig.wait_for(other, ConversationEnded).lost


def test_a_killed_parent_leaves_calls_alone_and_the_next_one_finds_them(rig: SwitchRig) -> None:
    assert rig.switch is not None
    living, dying, unseen = (rig.dial(f"+9100{n}") for n in (5, 6, 7))
    for call in (living, dying, unseen):
        rig.wait_for(call, RecordingStarted)
    pids = {call: _worker_pid(rig, call) for call in (living, dying, unseen)}
    rig.switch.kill()
    rig.switch.wait()
    os.kill(pids[unseen], signal.SIGKILL)  # nobody is there to see it
    assert rig.until(lambda: _gone(pids[unseen]), 5)
    rig.start_switch()
    assert rig.wait_for(unseen, ConversationEnded).lost
    assert not _gone(pids[living])
    fresh = rig.dial("+91008")
    rig.wait_for(fresh, LegAnswered)
    os.kill(pids[dying], signal.SIGKILL)
    assert rig.wait_for(dying, ConversationEnded).lost, "the new parent watches what it adopted"
    with pytest.raises(CallerError) as refused:
        rig.bus.request(originate("+91005", living))
    assert refused.value.error_id == "switch.duplicate"
    spool = Path(rig.wait_for(living, RecordingStarted).spool_path)
    written = len(read_spool(spool))
    assert rig.until(lambda: len(read_spool(spool)) > written + 4000, 60), "its recording goes on"
    for call in (living, fresh):
        rig.command(Hangup(conversation_id=call))
        assert not rig.wait_for(call, ConversationEnded).lost
    assert rig.wait_for(living, RecordingClosed).frames > written


def test_a_stopped_switch_ends_idle_workers_and_lets_calls_go_on(rig: SwitchRig) -> None:
    assert rig.switch is not None
    call = rig.dial("+91009")
    rig.wait_for(call, LegAnswered)
    pid = _worker_pid(rig, call)
    children = Path(f"/proc/{rig.switch.pid}/task/{rig.switch.pid}/children")
    idle = [int(p) for p in children.read_text().split() if int(p) != pid]
    rig.switch.terminate()
    assert rig.switch.wait(15) == 0
    assert all(_gone(p) for p in idle)
    assert not _gone(pid)
    rig.start_switch()
    rig.command(Hangup(conversation_id=call))
    assert not rig.wait_for(call, ConversationEnded).lost


def test_a_degraded_mirror_costs_evidence_and_no_call(rig: SwitchRig) -> None:
    """Workers hear the watch's word: those that stand idle by themselves, later ones from the parent."""
    call = rig.dial("+91831")
    rig.wait_for(call, ConversationEnded)
    assert rig.events(call, RecordingStarted)

    def spared() -> bool:
        rig.bus.publish_live("storage", StorageState(degraded=True, rebuilding=True, at_unix_s=time.time()))
        dialled = rig.dial("+91831")
        rig.wait_for(dialled, ConversationEnded)
        return not rig.events(dialled, RecordingStarted)

    assert rig.until(spared, 60)
    rig.bus.publish_live("storage", StorageState(degraded=False, rebuilding=False, at_unix_s=time.time()))


def test_idle_workers_leave_when_the_ear_was_taught(rig: SwitchRig) -> None:
    assert rig.switch is not None
    children = Path(f"/proc/{rig.switch.pid}/task/{rig.switch.pid}/children")
    before = set(children.read_text().split())
    sound = synth.to_int16(np.concatenate([synth.voice_like(0.5, seed=seed) for seed in range(6)]))
    enrolment.add(rig.home.announcements, sound, "taught-1", Label.VACANT)
    rig.bus.publish_live("config", ConfigChanged(what=ANNOUNCEMENTS, id="taught-1"))

    def renewed() -> bool:
        now = set(children.read_text().split())
        return not now & before and len(now) == rig.settings.sip.idle_workers

    assert rig.until(renewed, 60)
    call = rig.dial("+91831")
    rig.wait_for(call, ConversationEnded)
