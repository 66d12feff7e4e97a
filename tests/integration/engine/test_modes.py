"""Predictive, voice and preview campaigns, call-backs and dials by hand, over the real bus and store."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.commands import (
    AgentDial,
    AgentDispose,
    AgentHangup,
    AgentPause,
    AgentPreview,
    AgentReady,
    CampaignAction,
    ForecastPace,
    Hold,
    PlayPrompt,
)
from appliance.domain.compliance_profile import load_profile
from appliance.domain.pacing import (
    AgentState,
    Answered,
    AttemptEnded,
    AttemptStarted,
    Connected,
    Pacer,
)
from appliance.engine import terms
from appliance.errors import CallerError, NotAllowedError
from appliance.store import models
from appliance.store.read.abandoned import figure
from tests.integration.engine.fake_switch import Fate
from tests.integration.engine.scene import CAMPAIGN, CONFIG, Scene, scene

pytestmark = pytest.mark.integration

LONG_S = 60.0
PATIENT = {"abandon_after_s": 5.0}


def abandoned_of(s: Scene) -> tuple[int, int, float]:
    with s.store.read() as session:
        found = figure(session, CAMPAIGN, datetime(2020, 1, 1, tzinfo=UTC), estimate_dropped=False)
    return found.people, found.abandoned, found.share


async def forecast(s: Scene, actor_id: str = "boss", **change: Any) -> dict[str, Any]:
    asked = ForecastPace(actor_id=actor_id, campaign_id=CAMPAIGN, **{"abandoned_limit": 0.05, **change})
    return (await s.ask(asked)).data


def test_predictive_dials_ahead_and_its_figure_agrees_with_the_rows(tmp_path: Path) -> None:
    async def play() -> None:
        config = {"abandoned_limit": 0.05}
        async with scene(tmp_path, agents=4, numbers=60, mode="predictive", dialling=PATIENT, config=config) as s:
            s.switch.plan = lambda n: Fate(talk_s=0.3) if int(n[-4:]) % 3 == 0 else Fate(answer=None, ring_s=0.4)
            await s.seat(1, 2, 3, 4)
            await s.act("start")
            await s.until(lambda: s.state() == "finished", LONG_S)
            rows = s.attempts()
            assert Counter(a.outcome for a in rows) == {"human": 20, "busy": 40}
            assert all(a.bridged_at or a.abandoned for a in rows if a.outcome == "human")
            live = s.campaign
            assert live is not None
            people, abandoned, share = abandoned_of(s)
            await s.until(lambda: s.campaign is not None and s.campaign.abandoned_share == share, LONG_S)
            assert people == 20
            assert abandoned == sum(a.abandoned for a in rows)

    asyncio.run(play())


def _taught() -> dict[str, Any]:
    """What a pacer has learnt of a hundred dials, a third of them answered."""
    pacer = Pacer()
    for n in range(100):
        at_s = 100.0 * n
        pacer.observe(AttemptStarted(f"c{n}", at_s))
        if n % 3 == 0:
            pacer.observe(Answered(f"c{n}", at_s + 8.0))
            pacer.observe(Connected(f"c{n}", "a1", at_s + 8.0))
            pacer.observe(AgentState("a1", "wrap_up", at_s + 60.0))
            pacer.observe(AgentState("a1", "ready", at_s + 80.0))
        pacer.observe(AttemptEnded(f"c{n}", "human" if n % 3 == 0 else "no_answer", at_s + 60.0))
    return pacer.to_plain()


def test_the_forecast_of_a_pace_is_asked_of_the_engine(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=4, numbers=40, mode="predictive", dialling=PATIENT) as s:
            s.switch.plan = lambda _number: Fate(talk_s=LONG_S)
            await s.seat(1, 2, 3, 4)
            assert (await forecast(s))["reason"] == "not_running"
            assert s.engine is not None
            s.engine._core.pace.take({CAMPAIGN: _taught()})
            await s.act("start")
            await s.until(lambda: all(s.agent_state(f"a{n}") == "talking" for n in range(1, 5)), LONG_S)
            found = await forecast(s, max_lines=2)
            assert found["reason"] == ""
            assert found["now"]["agents"] == found["then"]["agents"] == 4
            assert 0 <= found["then"]["lines"] < found["now"]["lines"]
            assert found["then"]["bound"] == "lines"
            assert found["then"]["utilisation"] < found["now"]["utilisation"] < 1
            with pytest.raises(NotAllowedError):
                await forecast(s, actor_id="a1")

    asyncio.run(play())


def test_what_a_pacer_learnt_survives_the_engine(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=12, mode="predictive", dialling=PATIENT) as s:
            await s.seat(1, 2)
            await s.act("start")
            await s.until(lambda: len([a for a in s.attempts() if a.ended_at]) >= 4, LONG_S)
            assert s.engine is not None
            await s.engine.stop()
            (kept,) = s.rows(models.PacerState)
            assert kept.state["answers"]["effects"]["all"][1] > 0  # the answer model has learnt from attempts
            people = sum(bucket[1] for bucket in kept.state["budget"]["buckets"])
            assert people > 0
            await s.start_engine()
            await s.until(lambda: s.state() == "finished", LONG_S)
            await s.engine.stop()
            (after,) = s.rows(models.PacerState)
            assert sum(bucket[1] for bucket in after.state["budget"]["buckets"]) >= people

    asyncio.run(play())


def test_nobody_is_dialled_for_while_all_agents_are_away(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=3, mode="predictive") as s:
            await s.seat(1)
            await s.ask(AgentPause(actor_id="a1"))
            await s.act("start")
            await s.until(lambda: s.campaign is not None and s.campaign.blocked_reason == "no_agents", LONG_S)
            assert s.switch.originated == []

    asyncio.run(play())


def test_campaigns_of_two_modes_share_the_agents(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=4, numbers=16, mode="predictive", dialling=PATIENT) as s:
            now = datetime.now(UTC)
            with s.store.write() as session:
                session.add(models.Campaign(
                    id="c2", name="Second", mode="progressive", state="draft", config={**CONFIG, "weight": 3},
                    created_at=now,
                ))  # fmt: skip
                for n in range(16):
                    number = f"+861390000{n:04d}"
                    session.add(models.Contact(id=f"j{n}", number=number, created_at=now))
                    session.flush()
                    session.add(models.Lead(
                        id=f"m{n}", campaign_id="c2", contact_id=f"j{n}", number=number, state="waiting",
                        next_attempt_at=now,
                    ))  # fmt: skip
            s.switch.plan = lambda n: Fate(talk_s=0.2) if int(n[-1]) % 2 else Fate(answer=None)
            await s.seat(1, 2, 3, 4)
            await s.ask(CampaignAction(actor_id="boss", campaign_id="c2", action="start"))
            await s.act("start")
            await s.until(lambda: {c.state for c in s.rows(models.Campaign)} == {"finished"}, LONG_S)
            people = [a for a in s.attempts() if a.outcome == "human"]
            assert Counter(a.campaign_id for a in people) == {"c1": 8, "c2": 8}
            assert all(a.bridged_at or a.abandoned for a in people)

    asyncio.run(play())


# ---- the abandoned clock ----------------------------------------------------------------------------------


def test_where_the_clock_starts_at_the_answer_the_ear_takes_machines_off_the_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    neutral = load_profile("neutral")
    at_answer = neutral.model_copy(update={"abandoned": neutral.abandoned.model_copy(update={"clock": "answer"})})
    monkeypatch.setattr(terms, "rules_of", lambda _config, _zone: at_answer)

    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1, dialling=PATIENT) as s:
            s.switch.plan = lambda _n: Fate(answer="machine", heard_after_s=0.5)
            s.works = False
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.agent_state("a1") == "talking", LONG_S)
            await s.until(lambda: s.agent_state("a1") == "ready", LONG_S)  # no wrap-up: nobody was there
            await s.until(lambda: not s.open_attempts(), LONG_S)
            (attempt,) = s.attempts()
            assert (attempt.outcome, attempt.abandoned, attempt.agent_id) == ("machine", False, "a1")
            assert attempt.clock_at == attempt.answered_at

    asyncio.run(play())


def test_a_greeting_holds_a_person_until_an_agent_is_free(tmp_path: Path) -> None:
    async def play() -> None:
        config = {"greeting_prompt": "greeting", "greeting_wait_s": 20.0}
        async with scene(tmp_path, agents=1, numbers=1, config=config) as s:
            s.switch.plan = lambda _n: Fate(ring_s=0.3, prompt_s=0.2)
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.switch.originated, LONG_S)
            await s.ask(AgentPause(actor_id="a1"))
            await s.until(lambda: any(isinstance(c, Hold) for c in s.switch.commands), LONG_S)  # longer than it lasts
            await s.ask(AgentReady(actor_id="a1"))
            await s.until(lambda: s.state() == "finished", LONG_S)
            (attempt,) = s.attempts()
            assert (attempt.agent_id, attempt.abandoned) == ("a1", False)
            assert attempt.message_at is not None
            assert [c.prompt_id for c in s.switch.commands if isinstance(c, PlayPrompt)] == ["greeting"]

    asyncio.run(play())


# ---- voice ---------------------------------------------------------------------------------------------------


def voice(**more: Any) -> dict[str, Any]:
    return {"voice": {"agent_key": "1", "stop_key": "9", "menu_wait_s": 0.1, "hand_over_wait_s": 1.0, **more}}


def test_voice_needs_no_agents_and_obeys_keys(tmp_path: Path) -> None:
    fates = [Fate(), Fate(keys="9"), Fate(answer="machine"), Fate(answer=None, sip_status=486), Fate(keys="1")]

    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=10, mode="voice", config=voice()) as s:
            s.switch.plan = lambda n: fates[int(n[-4:]) % 5]
            await s.act("start")
            await s.until(lambda: len([a for a in s.attempts() if a.ended_at]) == 10, LONG_S)
            rows = {int(a.number[-4:]): a for a in s.attempts()}
            told = [rows[n] for n in (0, 5)]
            assert all(a.outcome == "human" and a.message_done and not a.bridged_at for a in told)
            assert all(rows[n].keys == "9" for n in (1, 6))
            assert {d.number for d in s.rows(models.DoNotCall)} == {rows[1].number, rows[6].number}
            assert all(rows[n].outcome == "machine" and rows[n].message_at is None for n in (2, 7))
            nobody = [rows[n] for n in (4, 9)]  # asked for an agent: none is there, so he is told and called back
            assert all(a.keys == "1" and a.disposition == "abandoned" for a in nobody)
            leads = {lead.number: lead for lead in s.rows(models.Lead)}
            assert all(leads[a.number].state == "done" for a in told)
            assert all(leads[a.number].callback_at and leads[a.number].state == "waiting" for a in nobody)

    asyncio.run(play())


def test_voice_hands_over_to_a_free_agent(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1, mode="voice", config=voice(hand_over_wait_s=20)) as s:
            s.switch.plan = lambda _n: Fate(keys="1", prompt_s=5.0)
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.state() == "finished", LONG_S)
            (attempt,) = s.attempts()
            assert (attempt.agent_id, attempt.abandoned, attempt.keys) == ("a1", False, "1")

    asyncio.run(play())


def test_voice_leaves_its_message_after_the_beep(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1, mode="voice", config=voice(on_machine="after_beep")) as s:
            s.switch.plan = lambda _n: Fate(answer="machine", beep_after_s=0.3)
            await s.act("start")
            await s.until(lambda: s.state() == "finished", LONG_S)
            (attempt,) = s.attempts()
            assert (attempt.outcome, attempt.message_done) == ("machine", True)
            assert s.switch.originated[0].listen.until_beep

    asyncio.run(play())


# ---- preview, call-backs, by hand -------------------------------------------------------------------------


@pytest.mark.parametrize("after", ["dial", "skip"])
def test_a_countdown_dials_or_skips(tmp_path: Path, after: str) -> None:
    async def play() -> None:
        config = {"preview_countdown_s": 1, "preview_after": after}
        async with scene(tmp_path, agents=1, numbers=1, mode="preview", config=config) as s:
            await s.seat(1)
            await s.act("start")
            await s.ask(AgentPreview(actor_id="a1", action="next"))
            await s.until(lambda: "a1" in s.agents and s.agents["a1"].preview_ends_unix_s is not None, LONG_S)
            if after == "dial":
                await s.until(lambda: s.switch.originated, LONG_S)
                return
            await s.until(lambda: s.agent_state("a1") == "ready", LONG_S)
            assert s.switch.originated == []
            await s.until(lambda: s.rows(models.Lead)[0].state == "waiting", LONG_S)
            assert s.rows(models.Lead)[0].next_attempt_at > datetime.now(UTC)

    asyncio.run(play())


def promise(s: Scene, lead_id: str, *, agent: str | None, ago_min: float) -> None:
    at = datetime.now(UTC) - timedelta(minutes=ago_min)
    with s.store.write() as session:
        lead = session.get_one(models.Lead, lead_id)
        lead.callback_at, lead.next_attempt_at, lead.callback_agent_id = at, at, agent


def test_call_backs_come_before_the_list_and_wait_for_their_agent(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=6) as s:
            promise(s, "l5", agent=None, ago_min=1)
            promise(s, "l4", agent="a2", ago_min=1)  # he is not there: it waits
            promise(s, "l3", agent="a2", ago_min=20)  # it has waited long enough
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: len([a for a in s.attempts() if a.ended_at]) == 5, LONG_S)
            order = [a.lead_id for a in sorted(s.attempts(), key=lambda a: a.created_at)]
            assert set(order[:2]) == {"l3", "l5"}
            assert "l4" not in order
            await s.seat(2)
            promise(s, "l4", agent="a2", ago_min=1)
            await s.act("pause")
            await s.act("resume")
            await s.until(lambda: s.state() == "finished", LONG_S)
            assert next(a for a in s.attempts() if a.lead_id == "l4").agent_id == "a2"

    asyncio.run(play())


def test_a_call_back_for_anyone_keeps_its_time_and_no_agent(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1, config={"attempts_total_max": 5}) as s:
            s.works = False
            s.switch.plan = lambda _n: Fate(talk_s=60.0)
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.agent_state("a1") == "talking", LONG_S)
            at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
            await s.ask(AgentDispose(
                actor_id="a1", conversation_id=s.agents["a1"].conversation_id or "", disposition="call_back",
                callback_at=at.isoformat(), callback_to="anyone",
            ))  # fmt: skip
            await s.ask(AgentHangup(actor_id="a1"))
            await s.until(lambda: not s.open_attempts(), LONG_S)
            (lead,) = s.rows(models.Lead)
            assert (lead.callback_at, lead.next_attempt_at, lead.callback_agent_id) == (at, at, None)

    asyncio.run(play())


def test_numbers_dialled_by_hand_go_through_the_rules(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=2, mode="preview") as s:
            await s.seat(1)
            await s.act("start")
            with pytest.raises(NotAllowedError):
                await s.ask(AgentDial(actor_id="a1", number="13900000001", campaign_id=CAMPAIGN))
            await s.ask(AgentDial(actor_id="a1", lead_id="l1"))
            await s.until(lambda: len(s.attempts()) == 1 and not s.open_attempts(), LONG_S)
            await s.until(lambda: s.agent_state("a1") == "ready", LONG_S)
            with pytest.raises(CallerError) as error:  # attempts_total_max is 1
                await s.ask(AgentDial(actor_id="a1", lead_id="l1"))
            assert error.value.error_id == "preview.not_allowed"
            assert s.agent_state("a1") == "ready"
            states = {lead.id: lead.state for lead in s.rows(models.Lead)}
            assert states == {"l0": "waiting", "l1": "done"}
            await s.ask(AgentDial(actor_id="a1", lead_id="l0"))
            await s.until(lambda: len(s.attempts()) == 2 and not s.open_attempts(), LONG_S)

    asyncio.run(play())


def test_a_typed_number_gets_a_record_where_the_campaign_allows_it(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1, mode="preview", config={"manual_dial": True}) as s:
            await s.seat(1)
            await s.act("start")
            with pytest.raises(CallerError) as error:
                await s.ask(AgentDial(actor_id="a1", number="12", campaign_id=CAMPAIGN))
            assert error.value.error_id == "number.invalid"
            await s.ask(AgentDial(actor_id="a1", number="139 0000 0001", campaign_id=CAMPAIGN))
            await s.until(lambda: len(s.attempts()) == 1 and not s.open_attempts(), LONG_S)
            (attempt,) = s.attempts()
            assert (attempt.number, attempt.agent_id, attempt.outcome) == ("+8613900000001", "a1", "human")

    asyncio.run(play())
