"""A campaign through the engine over the real bus and store, with a switch that makes no calls."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from appliance.commands import (
    AgentDispose,
    AgentDraft,
    AgentHangup,
    AgentLogin,
    AgentLogout,
    AgentPause,
    AgentPreview,
    AgentReady,
    CampaignAction,
    LiveView,
    PlayPrompt,
    SuperviseAgent,
)
from appliance.engine import runner
from appliance.errors import BoxError, CallerError, NotAllowedError, ValidationErrors
from appliance.events import ConfigChanged, LiveAlert
from appliance.store import models
from appliance.store.repositories import ledger
from appliance.types import E164, SuperviseMode
from tests.integration.engine.fake_switch import Fate
from tests.integration.engine.scene import CAMPAIGN, CONFIG, Scene, scene

pytestmark = pytest.mark.integration


def test_fifty_leads_progressive_to_the_end(tmp_path: Path) -> None:
    fates = [
        Fate(), Fate(answer="machine"), Fate(answer=None, sip_status=486), Fate(answer=None, sip_status=404, q850=1),
        Fate(answer=None, early="powered_off", ring_s=20.0),
    ]  # fmt: skip

    async def play() -> None:
        async with scene(tmp_path, agents=4, numbers=50) as s:
            s.switch.plan = lambda number: fates[int(number[-4:]) % 5]
            once = {"day": "2026-01-05", "outcome": "vacant", "kind": "signalling", "attempt_id": "before"}
            with s.store.write() as session:  # half of the dead numbers were found dead on another day already
                session.add_all(
                    models.PhoneNumber(number=f"+861380000{n:04d}", verdicts=[once]) for n in range(3, 50, 10)
                )
            await s.seat(1, 2, 3, 4)
            await s.act("start")
            await s.until(lambda: s.state() == "finished", 40)
            await s.until(lambda: all(s.agent_state(f"a{n}") == "ready" for n in (1, 2, 3, 4)))
            outcomes = Counter(a.outcome for a in s.attempts())
            assert outcomes == {"human": 10, "machine": 10, "busy": 10, "vacant": 10, "powered_off": 10}
            assert Counter(o.number for o in s.switch.originated).most_common(1)[0][1] == 1
            assert s.switch.most_at_once <= 4 + 4  # a line that is being hung up may still be open
            humans = [a for a in s.attempts() if a.outcome == "human"]
            assert all(a.bridged_at and a.agent_id and a.disposition == "informed" for a in humans)
            await s.until(lambda: s.campaign is not None and s.campaign.attempts == 50)
            assert s.campaign is not None
            assert (s.campaign.connected, s.campaign.abandoned, s.campaign.leads_retired) == (10, 0, 5)
            known = {row.number: row for row in s.rows(models.PhoneNumber)}
            assert Counter(row.state for row in known.values()) == {"retired": 5, "good": 5}
            dead = {a.id for a in s.attempts() if a.outcome == "vacant"}
            assert {one["attempt_id"] for row in known.values() for one in row.verdicts} == {*dead, "before"}

    asyncio.run(play())


def test_a_late_word_reaches_the_agent_who_ends_the_call_as_a_machine(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1, config={"retry_s": {"machine": 3600}}) as s:
            s.switch.plan = lambda _number: Fate(answer="unknown", late="machine", talk_s=60.0)
            s.works = False
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: "a1" in s.agents and s.agents["a1"].heard_late == "machine", 60)
            agent = s.agents["a1"]
            assert agent.state == "talking"
            await s.ask(AgentDispose(actor_id="a1", conversation_id=agent.conversation_id or "", disposition="machine"))
            await s.ask(AgentHangup(actor_id="a1"))
            await s.until(lambda: not s.open_attempts(), 60)
            await s.until(lambda: s.agent_state("a1") == "ready", 60)
            assert s.agents["a1"].heard_late == ""
            (attempt,) = s.attempts()
            assert (attempt.outcome, attempt.disposition) == ("unknown", "machine"), "the agent took it: no new outcome"
            said = {row.phase: (row.label, row.doubt) for row in s.rows(models.EarVerdict)}
            assert said == {"answered": ("unknown", "unknown"), "late": ("machine", "late")}

    asyncio.run(play())


def test_person_without_agent_is_told_so_and_counted(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1) as s:
            s.switch.plan = lambda _number: Fate(ring_s=0.5)
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.switch.originated)
            await s.ask(AgentPause(actor_id="a1", reason="tea"))  # while the line is dialled for him
            await s.until(lambda: s.state() == "finished")
            (attempt,) = s.attempts()
            assert (attempt.outcome, attempt.abandoned, attempt.disposition) == ("human", True, "abandoned")
            assert attempt.bridged_at is None
            prompts = [c for c in s.switch.commands if isinstance(c, PlayPrompt)]
            assert [(p.prompt_id, p.hangup_after) for p in prompts] == [("abandoned", True)]
            await s.until(lambda: s.campaign is not None and s.campaign.abandoned == 1)

    asyncio.run(play())


def test_agent_who_comes_back_in_time_gets_the_person_who_waits(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1, dialling={"abandon_after_s": 5.0}) as s:
            s.switch.plan = lambda _number: Fate(ring_s=0.3)
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.switch.originated)
            await s.ask(AgentPause(actor_id="a1"))
            await s.until(lambda: any(line.answered for line in s.switch.lines.values()))
            await s.ask(AgentReady(actor_id="a1"))
            await s.until(lambda: s.state() == "finished")
            (attempt,) = s.attempts()
            assert (attempt.agent_id, attempt.abandoned, attempt.outcome) == ("a1", False, "human")

    asyncio.run(play())


def test_dead_phone_pauses_its_agent_and_the_next_one_gets_the_person(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=1, dialling={"abandon_after_s": 3.0}) as s:
            s.switch.dead_seats = {"s1"}
            await s.seat(1)  # idle longest
            await s.seat(2)
            await s.act("start")
            await s.until(lambda: s.state() == "finished")
            (attempt,) = s.attempts()
            assert (attempt.agent_id, attempt.seat_id, attempt.abandoned) == ("a2", "s2", False)
            assert s.agents["a1"].state == "paused"
            assert s.agents["a1"].pause_reason == "phone not reachable"
            await s.until(lambda: s.alerts)
            assert (s.alerts[0].key, s.alerts[0].raised) == ("seat.s1.unreachable", True)
            s.switch.dead_seats = set()
            await s.ask(AgentReady(actor_id="a1"))
            await s.until(lambda: s.agent_state("a1") == "ready")

    asyncio.run(play())


def test_dead_worker_closes_its_call_as_lost_and_the_room_goes_on(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=3) as s:
            doomed = {"+8613800000000": Fate(talk_s=30.0, dies_after_s=0.3)}
            s.switch.plan = lambda number: doomed.get(number, Fate())
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.state() == "finished")
            assert Counter(a.outcome for a in s.attempts()) == {"lost": 1, "human": 2}
            await s.until(lambda: s.agent_state("a1") == "ready")

    asyncio.run(play())


def test_silent_worker_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_SILENT_S", 1.0)
    monkeypatch.setattr(runner, "_SWEEP_S", 0.2)

    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=2) as s:
            gone = {"+8613800000000": Fate(talk_s=30.0, vanishes_after_s=0.3)}
            s.switch.plan = lambda number: gone.get(number, Fate(talk_s=2.0))
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.state() == "finished")
            assert sorted(str(a.outcome) for a in s.attempts()) == ["human", "lost"]

    asyncio.run(play())


def test_why_nothing_is_dialled_is_said(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=2, config={"calling_hours": {}}) as s:
            await s.act("start")
            await s.until(lambda: s.campaign is not None and s.campaign.blocked_reason == "no_agents")
            await s.seat(1)
            await s.until(lambda: s.campaign is not None and s.campaign.blocked_reason == "campaign.hours")
            assert s.switch.originated == []
            await s.act("stop")
            with s.store.write() as session:
                for lead in session.scalars(select(models.Lead)):
                    lead.state = "done"
            with pytest.raises(CallerError) as error:
                await s.act("start")
            assert error.value.error_id == "campaign.no_leads"

    asyncio.run(play())


def test_preview_shows_first_and_dials_when_told(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=3, mode="preview", config={"mask_numbers": True}) as s:
            s.switch.plan = lambda _number: Fate(answer="machine", talk_s=0.1)
            await s.seat(1)
            await s.act("start")
            preview = partial(AgentPreview, actor_id="a1")
            with pytest.raises(CallerError, match="Ask for a record"):
                await s.ask(preview(action="dial"))
            await s.ask(preview(action="next"))
            await s.until(lambda: s.agent_state("a1") == "previewing")
            record = s.agents["a1"].record
            assert record is not None
            assert record["name"] == "Person 0"
            assert record["number"].startswith("****")
            assert s.switch.originated == []
            with pytest.raises(CallerError):
                await s.ask(preview(action="next"))
            await s.ask(preview(action="skip"))
            await s.ask(preview(action="next"))
            await s.until(lambda: s.agents["a1"].record and s.agents["a1"].record["name"] == "Person 1")
            dials = await asyncio.gather(
                *(s.ask(preview(action="dial")) for _ in range(3)), return_exceptions=True
            )  # three presses, one call
            assert sum(isinstance(d, Exception) for d in dials) == 2
            await s.until(lambda: s.open_attempts() == 0 and s.agent_state("a1") == "ready")
            (attempt,) = s.attempts()
            assert attempt.bridged_at is not None  # the machine was the agent's to judge
            assert (attempt.outcome, attempt.agent_id, len(s.switch.originated)) == ("machine", "a1", 1)
            states = {lead.id: lead.state for lead in s.rows(models.Lead)}
            assert states["l0"] == "waiting"

    asyncio.run(play())


def test_a_record_on_the_screen_is_not_dialled_when_that_was_forbidden_meanwhile(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=2, mode="preview") as s:
            await s.seat(1)
            await s.act("start")
            preview = partial(AgentPreview, actor_id="a1")
            await s.ask(preview(action="next"))
            with s.store.write() as session:
                session.add(models.DoNotCall(number="+8613800000000", created_at=datetime.now(UTC)))
            with pytest.raises(CallerError, match="do_not_call"):
                await s.ask(preview(action="dial"))
            await s.until(lambda: s.agent_state("a1") == "ready")
            await s.ask(preview(action="next"))
            await s.until(lambda: (record := s.agents["a1"].record) and record["name"] == "Person 1")
            await s.act("stop")
            with pytest.raises(CallerError, match="not_running"):
                await s.ask(preview(action="dial"))
            assert (s.switch.originated, s.attempts()) == ([], [])
            await s.until(lambda: {lead.state for lead in s.rows(models.Lead)} == {"waiting"})

    asyncio.run(play())


def test_a_number_in_two_campaigns_is_in_one_call_at_a_time(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=1) as s:
            now = datetime.now(UTC)
            with s.store.write() as session:
                session.add(models.Campaign(
                    id="c2", name="Second", mode="progressive", state="draft", config=CONFIG, created_at=now,
                ))  # fmt: skip
                session.flush()
                session.add(models.Lead(
                    id="m0", campaign_id="c2", contact_id="k0", number="+8613800000000", state="waiting",
                    next_attempt_at=now,
                ))  # fmt: skip
            s.switch.plan = lambda _number: Fate(answer=None, ring_s=1.0)
            await s.seat(1, 2)
            await s.act("start")
            await s.ask(CampaignAction(actor_id="boss", campaign_id="c2", action="start"))
            await s.until(lambda: s.engine is not None and s.engine.room.campaigns["c2"].blocked_reason)
            assert s.engine is not None
            assert s.engine.room.campaigns["c2"].blocked_reason == "person.in_call"
            assert len(s.attempts()) == 1

    asyncio.run(play())


def test_a_campaign_that_breaks_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1) as s:
            now = datetime.now(UTC)
            with s.store.write() as session:
                session.add(models.Campaign(
                    id="c2", name="Second", mode="progressive", state="draft", config=CONFIG, created_at=now,
                ))  # fmt: skip
                session.flush()
                session.add(models.Contact(id="k9", number="+8613900000009", created_at=now))
                session.flush()
                session.add(models.Lead(
                    id="m0", campaign_id="c2", contact_id="k9", number="+8613900000009", state="waiting",
                    next_attempt_at=now,
                ))  # fmt: skip
            assert s.engine is not None
            good = ledger.zones

            def breaks_on_first(number: E164) -> tuple[str, ...]:
                if number.startswith("+86138"):
                    raise ZeroDivisionError
                return good(number)

            monkeypatch.setattr(ledger, "zones", breaks_on_first)
            await s.seat(1)
            await s.act("start")
            await s.ask(CampaignAction(actor_id="boss", campaign_id="c2", action="start"))
            await s.until(lambda: [row.lead_id for row in s.attempts()] == ["m0"])
            assert s.engine.room.campaigns["c1"].blocked_reason == "failed"

    asyncio.run(play())


def test_pause_resume_and_stop(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=30) as s:
            await s.seat(1, 2)
            with pytest.raises(NotAllowedError):
                await s.ask(CampaignAction(actor_id="a1", campaign_id="c1", action="start"))
            with pytest.raises(CallerError, match="Not possible now"):
                await s.act("pause")
            await s.act("start")
            await s.until(lambda: len(s.switch.originated) >= 4)
            await s.act("pause")
            await s.until(lambda: s.open_attempts() == 0)
            dialled = len(s.switch.originated)
            assert dialled < 30
            await asyncio.sleep(0.3)
            assert len(s.switch.originated) == dialled
            await s.act("resume")
            await s.until(lambda: len(s.switch.originated) > dialled)
            await s.act("stop")
            await s.until(lambda: s.open_attempts() == 0)
            assert s.state() == "stopped"
            assert len(s.attempts()) == len(s.switch.originated) < 30
            assert all(a.outcome == "human" and a.bridged_at for a in s.attempts())

    asyncio.run(play())


def test_nearly_full_disk_stops_dialling_and_lets_calls_go_on(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=4) as s:
            s.switch.plan = lambda _number: Fate(talk_s=0.5)
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.agent_state("a1") == "talking")
            low = LiveAlert(
                key="disk.reserve", severity="critical", title="", text="", raised=True, at_unix_s=time.time()
            )
            await s.bus.publish_live("alert", low)
            await s.until(lambda: s.campaign is not None and s.campaign.blocked_reason == "disk_full")
            await s.until(lambda: s.open_attempts() == 0)
            assert [a.outcome for a in s.attempts()] == ["human"]
            await s.bus.publish_live("alert", msgspec.structs.replace(low, raised=False))
            await s.until(lambda: s.state() == "finished")
            assert len(s.attempts()) == 4

    asyncio.run(play())


def test_full_switch_costs_no_number_a_dial(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=2) as s:
            s.switch.refuse = BoxError("switch.full", "No slot is free.", retryable=True)
            await s.seat(1, 2)
            await s.act("start")
            await s.until(lambda: s.campaign is not None and s.campaign.blocked_reason == "switch_full")
            await s.until(lambda: s.open_attempts() == 0)
            assert {(a.outcome, a.reason) for a in s.attempts()} == {("cancelled", "switch.full")}
            assert {(lead.state, lead.attempts) for lead in s.rows(models.Lead)} == {("waiting", 0)}
            s.switch.refuse = None
            await s.until(lambda: s.state() == "finished", 30)
            assert sorted(o.number for o in s.switch.originated) == ["+8613800000000", "+8613800000001"]

    asyncio.run(play())


def test_channels_of_the_trunk_are_a_limit_and_retry_after_is_obeyed(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=3, numbers=6, channels=1) as s:
            s.switch.plan = lambda number: (
                Fate(answer=None, sip_status=503, retry_after_s=2) if number.endswith("0") else Fate(ring_s=0.1)
            )
            await s.seat(1, 2, 3)
            await s.act("start")
            await s.until(lambda: s.state() == "finished")
            assert s.switch.most_at_once == 1
            first, second = sorted(s.attempts(), key=lambda a: a.created_at)[:2]
            assert first.outcome == "congestion"
            assert first.ended_at is not None
            assert (second.created_at - first.ended_at).total_seconds() > 1.5

    asyncio.run(play())


def test_seats_and_sessions(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=2, numbers=1) as s:
            await s.seat(1)
            with pytest.raises(CallerError, match="taken by A1"):
                await s.ask(AgentLogin(actor_id="a2", seat_id="s1"))
            with pytest.raises(CallerError, match="no seat"):
                await s.ask(AgentLogin(actor_id="a2", seat_id="s9"))
            with pytest.raises(CallerError, match="Sign in"):
                await s.ask(AgentReady(actor_id="a2"))
            listen = partial(SuperviseAgent, actor_id="boss", agent_id="a1", mode=SuperviseMode.LISTEN)
            for seat_id, said in (("s9", "no seat"), ("x@y?X-Callbox-Trunk=t1", "no seat"), ("s1", "taken by A1")):
                with pytest.raises(CallerError, match=said):
                    await s.ask(listen(seat_id=seat_id))
            again = await s.ask(AgentLogin(actor_id="a1", seat_id="s1"))  # the page was loaded anew
            assert again.data["state"] == "ready"
            await s.ask(AgentLogin(actor_id="a1", seat_id="s2"))
            await s.ask(AgentLogin(actor_id="a2", seat_id="s1"))
            view = await s.ask(LiveView())
            assert {(a["agent_id"], a["seat_id"]) for a in view.data["agents"]} == {("a1", "s2"), ("a2", "s1")}
            await s.ask(AgentLogout(actor_id="a1"))
            await s.until(lambda: sum(row.ended_at is None for row in s.rows(models.AgentSession)) == 1)
            with s.store.write() as session:
                session.get_one(models.User, "a2").enabled = False
            await s.bus.publish_live("config", ConfigChanged(what="user", id="a2"))  # as the office says it
            await s.until(lambda: all(row.ended_at for row in s.rows(models.AgentSession)))

    asyncio.run(play())


def test_answers_are_those_of_the_form_a_call_began_with(tmp_path: Path) -> None:
    def form(s: Scene, number: int, question: str, live_from: datetime) -> None:
        with s.store.write() as session:
            session.add(models.CampaignVersion(
                campaign_id=CAMPAIGN, part="survey", version=number, at=live_from, live_from=live_from, actor_id="boss",
                content={"questions": [{"id": question, "label": question, "required": True}]},
            ))  # fmt: skip

    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=2, config={"wrap_up_s": None}) as s:
            s.works = False
            form(s, 1, "old", datetime.now(UTC) - timedelta(days=1))
            await s.seat(1)
            await s.act("start")
            dispose = partial(AgentDispose, actor_id="a1", disposition="informed", answers={"old": "1", "new": "2"})
            await s.until(lambda: s.agent_state("a1") == "wrap_up")
            first = s.agents["a1"].conversation_id or ""
            form(s, 2, "new", datetime.now(UTC))  # goes live while the agent still has the old one before him
            await s.ask(AgentDraft(actor_id="a1", conversation_id=first, note="", answers={"old": "0", "new": "2"}))
            assert s.rows(models.Attempt)[0].answers == {"old": "0"}
            await s.ask(dispose(conversation_id=first))
            await s.until(lambda: s.agents["a1"].conversation_id not in (first, None))
            second = s.agents["a1"].conversation_id or ""
            await s.until(lambda: s.agent_state("a1") == "wrap_up")
            await s.ask(dispose(conversation_id=second))
            written = {row.id: row.answers for row in s.rows(models.Attempt)}
            assert written == {first: {"old": "1"}, second: {"new": "2"}}

    asyncio.run(play())


def test_disposition_brings_the_lead_back_or_bars_it(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=2, config={"wrap_up_s": None}) as s:
            s.works = False
            await s.seat(1)
            await s.act("start")
            dispose = partial(AgentDispose, actor_id="a1")
            await s.until(lambda: s.agent_state("a1") == "wrap_up")
            first = s.agents["a1"].conversation_id or ""
            with pytest.raises(ValidationErrors) as wrong:
                await s.ask(dispose(conversation_id=first, disposition="call_back", promise_amount_minor=-1))
            assert len(wrong.value.errors) == 2
            with pytest.raises(CallerError, match="disposition"):
                await s.ask(AgentReady(actor_id="a1"))
            later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
            await s.ask(dispose(conversation_id=first, disposition="call_back", callback_at=later))
            await s.until(lambda: s.agent_state("a1") == "talking")
            second = s.agents["a1"].conversation_id or ""
            await s.ask(dispose(conversation_id=second, disposition="do_not_call"))  # during the conversation
            await s.until(lambda: s.agent_state("a1") == "ready")
            await s.until(lambda: s.open_attempts() == 0)
            leads = {lead.id: lead for lead in s.rows(models.Lead)}
            assert (leads["l0"].state, leads["l0"].callback_agent_id) == ("waiting", "a1")
            assert leads["l1"].state == "do_not_call"
            assert [row.number for row in s.rows(models.DoNotCall)] == ["+8613800000001"]
            assert s.state() == "running"  # a call-back is due tomorrow

    asyncio.run(play())
