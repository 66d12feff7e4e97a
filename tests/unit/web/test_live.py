"""The event stream: who sees what, what a page that comes back gets, and that slow readers cost nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.events import LiveAgent, LiveAlert, LiveCampaign, LiveJob, LiveRoom
from appliance.types import ROLE_PERMISSIONS, Role
from webui.live import JOBS_KEPT, RING_SIZE, LiveHub, Viewer

pytestmark = pytest.mark.unit

AGENT = Viewer("a1", ROLE_PERMISSIONS[Role.AGENT])
SUPERVISOR = Viewer("s1", ROLE_PERMISSIONS[Role.SUPERVISOR])


def _agent(agent_id: str, state: str = "ready", record: dict[str, str] | None = None) -> LiveAgent:
    return LiveAgent(
        agent_id=agent_id, display_name=agent_id, seat_id="seat01", state=state, since_unix_s=1.0, record=record
    )


def _read(stream: Iterator[str], count: int) -> list[str]:
    return [next(stream) for _ in range(count)]


def _hub() -> LiveHub:
    return LiveHub(heartbeat_s=0.01)


def test_an_agent_gets_only_his_own_events() -> None:
    hub = _hub()
    start = hub.last_id
    hub.publish("agent.a2", _agent("a2"))
    hub.publish("room", LiveRoom())
    hub.publish("agent.a1", _agent("a1", "talking"))
    lines = _read(hub.stream(AGENT, start, lambda: True), 3)
    assert "event: agent" in lines[1]
    assert '"talking"' in lines[1]
    assert lines[2] == ": \n\n", "nothing else, then the heartbeat"


def test_a_desk_hears_of_a_campaign_that_starts_or_ends_but_not_of_its_figures() -> None:
    hub = _hub()

    def campaign(state: str, attempts: int) -> LiveCampaign:
        return LiveCampaign(
            campaign_id="c1", name="March", mode="preview", state=state, leads_total=9, leads_waiting=9, leads_done=0,
            leads_retired=0, attempts=attempts, live_answers=0, connected=0, abandoned=0, dialling_now=0, talking_now=0,
        )  # fmt: skip

    hub.publish("campaign.c1", campaign("running", 1))
    start = hub.last_id
    hub.publish("room", LiveRoom(campaigns=[campaign("running", 2)]))
    assert _read(hub.stream(AGENT, start, lambda: True), 2)[1] == ": \n\n"
    hub.publish("room", LiveRoom(campaigns=[campaign("paused", 2)]))
    lines = _read(hub.stream(AGENT, start, lambda: True), 3)
    assert "event: campaigns" in lines[1]
    assert "c1" not in lines[1]
    assert lines[2] == ": \n\n"


def test_the_record_is_never_in_the_stream() -> None:
    hub = _hub()
    start = hub.last_id
    hub.publish("agent.a1", _agent("a1", record={"name": "Secret"}))
    assert "Secret" not in "".join(_read(hub.stream(AGENT, start, lambda: True), 2))


def test_a_room_does_not_take_the_record_off_the_desk() -> None:
    hub = _hub()
    hub.publish("agent.a1", _agent("a1", record={"name": "x"}))
    hub.publish("room", LiveRoom(agents=[_agent("a1")]))
    agent = hub.agent("a1")
    assert agent is not None
    assert agent.record == {"name": "x"}


def test_a_page_that_comes_back_gets_what_it_missed() -> None:
    hub = _hub()
    first = _read(hub.stream(SUPERVISOR, hub.last_id, lambda: True), 1)
    seen = hub.last_id
    hub.publish("alert", LiveAlert(key="k", severity="info", title="t", text="", raised=True, at_unix_s=1.0))
    lines = _read(hub.stream(SUPERVISOR, seen, lambda: True), 2)
    assert first == ["retry: 1000\n\n"]
    assert "event: alert" in lines[1]


@pytest.mark.parametrize("last_id", ["", "garbage", "abc-5", "0-999999"])
def test_an_unknown_last_id_gets_resync(last_id: str) -> None:
    assert "event: resync" in _read(_hub().stream(SUPERVISOR, last_id, lambda: True), 2)[1]


def test_a_reader_left_far_behind_gets_resync_and_a_late_one_the_newest_only() -> None:
    hub = _hub()
    start = hub.last_id
    for _ in range(RING_SIZE + 1):
        hub.publish("room", LiveRoom())
    assert "event: resync" in _read(hub.stream(SUPERVISOR, start, lambda: True), 2)[1]
    late = hub.stream(SUPERVISOR, start.replace("-0", "-10"), lambda: True)
    lines = _read(late, 3)
    assert "event: room" in lines[1]
    assert lines[2] == ": \n\n"


def test_the_stream_ends_with_the_session_and_with_the_hub() -> None:
    hub = _hub()
    assert list(hub.stream(AGENT, hub.last_id, lambda: False)) == ["retry: 1000\n\n"]
    hub.close()
    assert list(hub.stream(AGENT, hub.last_id, lambda: True)) == ["retry: 1000\n\n"]


def test_a_stream_is_woken_only_by_what_its_reader_may_see() -> None:
    hub = _hub()
    stream = hub.stream(AGENT, hub.last_id, lambda: True)
    next(stream)
    (mine,) = hub._all_open()
    hub.publish("agent.a2", _agent("a2"))
    hub.publish("room", LiveRoom())
    assert not mine.wake.is_set()
    hub.publish("agent.a1", _agent("a1"))
    assert mine.wake.is_set()


def test_the_log_in_is_asked_for_however_much_happens() -> None:
    hub = LiveHub(heartbeat_s=0.0)
    start = hub.last_id
    hub.publish("agent.a1", _agent("a1"))
    lines = list(hub.stream(AGENT, start, lambda: False))
    assert "event: agent" in lines[1]
    assert len(lines) == 2, "it ended with the session"


def test_a_campaign_is_told_when_its_figures_changed() -> None:
    hub = _hub()
    start = hub.last_id
    for attempts in (1, 1, 2):
        campaign = LiveCampaign(
            campaign_id="c1", name="March", mode="preview", state="running", leads_total=9, leads_waiting=9,
            leads_done=0, leads_retired=0, attempts=attempts, live_answers=0, connected=0, abandoned=0, dialling_now=0,
            talking_now=0,
        )  # fmt: skip
        hub.publish("campaign.c1", campaign)
    told = [message.name for message in hub._ring]
    assert told == ["campaign-c1", "campaigns", "campaign-c1"]
    assert "event: campaign-c1" in _read(hub.stream(SUPERVISOR, start, lambda: True), 2)[1]


def test_only_the_jobs_last_heard_of_are_kept() -> None:
    hub = _hub()
    for number in range(JOBS_KEPT + 1):
        hub.publish("job", LiveJob(job_id=f"j{number}", kind="import", done=0, total=1, state="running"))
        hub.publish("job", LiveJob(job_id="j0", kind="import", done=number, total=1, state="running"))
    first = hub.job("j0")
    assert first is not None
    assert first.done == JOBS_KEPT
    assert hub.job("j1") is None
    assert hub.job("j2") is not None
