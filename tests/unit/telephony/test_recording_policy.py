"""Which part of a conversation is recorded: policies of campaign, seat and rule profile, and the agent's button."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from appliance.commands import ConnectSeat, HandOver, PauseRecording, RecordPolicy, StartRecording
from appliance.domain.recording_policy import at_seat, from_answer, order_for
from appliance.errors import CallerError
from appliance.events import Controls, RecordingClosed, RecordingStarted
from appliance.telephony.recording import read_spool
from appliance.types import RecordingPolicy
from tests.unit.telephony.call_rig import ID, Call

pytestmark = pytest.mark.unit
ON_DEMAND = RecordPolicy(on_demand=True)


def _ended(call: Call) -> Call:
    call.port.far_ends("trunk", 200)
    return call.run(0.3)


def test_the_rules_duty_is_stronger_than_everything_and_reserve_is_stronger_than_zeal() -> None:
    order = {"never": 2, "on_demand": 1, "always": 0, "": -1}
    for record, asked, seat in product((True, False), (True, False), order):
        must = order_for(record=record, on_demand=asked, required=True, seats={"s1": seat})
        assert from_answer(must)
        assert at_seat(must, "s1") is RecordingPolicy.ALWAYS
        free = order_for(record=record, on_demand=asked, required=False, seats={"s1": seat})
        campaign = "never" if not record else "on_demand" if asked else "always"
        assert at_seat(free, "s1") == max(campaign, seat, key=order.__getitem__)
        assert at_seat(free, "s2") == campaign
        assert from_answer(free) == (campaign == "always" and not seat), "no seat is known at the answer"
    assert from_answer(order_for(record=True, on_demand=False, required=False, seats={"s1": "never"},
                                 speaks_itself=True))  # fmt: skip


def test_on_demand_begins_with_the_button_and_in_stereo(tmp_path: Path) -> None:
    call = Call(tmp_path).dial(record=ON_DEMAND).answer().bridge().run(2.0)
    assert call.of(RecordingStarted) == []
    with pytest.raises(CallerError, match="not being recorded"):
        call.conversation.post(PauseRecording(conversation_id=ID))
    call.conversation.post(StartRecording(conversation_id=ID))
    call.run(1.0)
    assert [c.recording for c in call.of(Controls)] == [True]
    _ended(call)
    closed = call.of(RecordingClosed)[0]
    samples = read_spool(Path(closed.spool_path))
    assert 0.8 < len(samples) / 8000 < 1.4, "it begins where it was asked for"
    assert np.abs(samples[2000:6000]).min(axis=0).tolist() == [500, 700], "both sides"


def test_always_and_never_are_not_chosen_at_the_desk(tmp_path: Path) -> None:
    for number, record in enumerate((RecordPolicy(), RecordPolicy(enabled=False))):
        folder = tmp_path / str(number)
        folder.mkdir()
        call = Call(folder).dial(record=record).answer().bridge()
        with pytest.raises(CallerError, match="not chosen"):
            call.conversation.post(StartRecording(conversation_id=ID))
        _ended(call)


def test_a_seats_policy_holds_while_the_customer_is_there(tmp_path: Path) -> None:
    order = order_for(record=True, on_demand=False, required=False, seats={"seat2": "never"})
    call = Call(tmp_path).dial(record=order).answer().run(0.5)
    assert call.of(RecordingStarted) == [], "the seat decides"
    call.bridge().run(1.0)
    assert len(call.of(RecordingStarted)) == 1
    call.conversation.post(HandOver(conversation_id=ID, seat_id="seat2", agent_id="agent2"))
    call.run(0.3)
    call.conversation.post(ConnectSeat(conversation_id=ID, seat_id="seat2", agent_id="agent2"))
    call.run()
    call.port.far_answers("seat")
    call.run(1.0)
    with pytest.raises(CallerError, match="not being recorded"):
        call.conversation.post(PauseRecording(conversation_id=ID, resume=True))
    _ended(call)
    closed = call.of(RecordingClosed)[0]
    [[begin_s, end_s]] = closed.gaps
    assert end_s - begin_s > 0.9
    samples = read_spool(Path(closed.spool_path))
    assert not samples[int((begin_s + 0.3) * 8000) :].any(), "nothing of what was said at the other seat"
