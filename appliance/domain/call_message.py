"""What the box says itself: a message without agents, its keys, and the greeting that is heard until an agent is free.

Handlers of the table in `call`; a person who asks for an agent by key waits like everybody else from then on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from msgspec.structs import replace as replace_struct

from appliance import events as bus_events
from appliance.commands import Hold, PlayPrompt
from appliance.domain.call_model import Call, CallState, Commands, Expired, NobodyFree
from appliance.domain.call_steps import CLOSING_S, hang_up, later, note_verdict, wait_for_agent
from appliance.domain.campaign import VoiceMessage
from appliance.domain.hearing import overruled
from appliance.types import LegRole, Outcome

STOPPED_PROMPT = "stopped"
_MESSAGE_MAX_S = 300.0
_BEEP_WITHIN_S = 40.0
_KEYS_KEPT = 20


def speak(call: Call, now: datetime) -> tuple[Call, Commands]:
    """Play the message: a person or a doubt answered, or a machine has beeped."""
    call = replace(call, state=CallState.MESSAGE, message_at=now, deadline=later(now, _MESSAGE_MAX_S))
    return call, (prompt_of(call),)


def prompt_of(call: Call) -> PlayPrompt:
    """Return the command that plays the message of a call; a machine is left alone behind it, as is who has no keys."""
    voice = call.policy.voice or VoiceMessage()
    by_machine = call.heard is not None and call.heard.outcome is Outcome.MACHINE
    hangup_after = by_machine or not voice.has_menu
    if call.policy.notice and not by_machine:
        return replace_struct(_play(call, call.policy.notice, hangup_after=hangup_after), then=(voice.prompt,))
    return _play(call, voice.prompt, hangup_after=hangup_after)


def notice_of(call: Call) -> PlayPrompt:
    """Return the command that tells the customer that the conversation is recorded; the agent hears him meanwhile."""
    return _play(call, call.policy.notice, hangup_after=False)


def answered_by_machine(call: Call, voice: VoiceMessage, now: datetime) -> tuple[Call, Commands]:
    """Hang up, or wait for the beep and speak then."""
    if voice.on_machine != "after_beep" or call.heard is None or call.heard.outcome is not Outcome.MACHINE:
        return hang_up(call, "machine", now)
    if call.beep_end_ms is not None or "beep_end_ms" in call.heard.evidence:
        return speak(call, now)
    return replace(call, state=CallState.BEEP, deadline=later(now, _BEEP_WITHIN_S)), ()


def heard_beep(call: Call, event: bus_events.Heard, now: datetime) -> tuple[Call, Commands]:
    """The machine takes the message now."""
    call, _ = note_verdict(call, event, now)
    return speak(call, now) if "beep_end_ms" in event.evidence else (call, ())


def heard_in_message(call: Call, event: bus_events.Heard, now: datetime) -> tuple[Call, Commands]:
    """The ear takes its word back: no person listens. A machine that is spoken to goes on being so."""
    before = call.late
    call, _ = note_verdict(call, event, now)
    by_machine = call.heard is not None and call.heard.outcome is Outcome.MACHINE
    if call.late is not before and overruled(call.heard, call.late) and not by_machine:
        return hang_up(call, "machine", now)
    return call, ()


def message_ended(call: Call, event: bus_events.PromptEnded, now: datetime) -> tuple[Call, Commands]:
    """Heard to its end: wait for a key where there are some; otherwise the worker hangs up by itself."""
    voice = call.policy.voice
    if voice is None or event.role != LegRole.TRUNK:
        return call, ()
    by_machine = call.heard is not None and call.heard.outcome is Outcome.MACHINE
    wait_s = voice.menu_wait_s if voice.has_menu and not by_machine else CLOSING_S
    return replace(call, message_done=True, deadline=later(now, wait_s)), ()


def message_over(call: Call, _event: Expired, now: datetime) -> tuple[Call, Commands]:
    """No key came."""
    return hang_up(call, "message_over", now)


def key_pressed(call: Call, event: bus_events.DtmfReceived, now: datetime) -> tuple[Call, Commands]:
    """An agent, or no more calls; other keys are only written down."""
    call, _ = note_key(call, event, now)
    voice = call.policy.voice
    if voice is None or event.role != LegRole.TRUNK:
        return call, ()
    if voice.agent_key and event.digit == voice.agent_key:
        return wait_for_agent(replace(call, clock_at=now, within_s=voice.hand_over_wait_s), now)
    if voice.stop_key and event.digit == voice.stop_key:
        call = replace(call, state=CallState.CLOSING, stop_asked=True, deadline=later(now, CLOSING_S))
        return call, (_play(call, STOPPED_PROMPT, hangup_after=True),)
    return call, ()


def note_key(call: Call, event: bus_events.DtmfReceived, _now: datetime) -> tuple[Call, Commands]:
    """Keep what the customer pressed."""
    if event.role != LegRole.TRUNK:
        return call, ()
    return replace(call, keys=(call.keys + event.digit)[:_KEYS_KEPT]), ()


def nobody_free(call: Call, _event: NobodyFree, now: datetime) -> tuple[Call, Commands]:
    """Nobody waits in silence where the box may speak: a greeting once, music for who asked for an agent."""
    policy = call.policy
    if policy.voice is not None:
        return call, (_music(call),)
    if not policy.greeting or call.message_at is not None or call.clock_at is None:
        return call, ()
    until = later(now, policy.greeting_s)
    within_s = (until - call.clock_at).total_seconds()
    call = replace(call, message_at=now, within_s=within_s, deadline=until)
    return call, (_play(call, policy.greeting, hangup_after=False),)


def greeting_ended(call: Call, event: bus_events.PromptEnded, _now: datetime) -> tuple[Call, Commands]:
    """The greeting is over and there is still no agent."""
    if call.message_at is None or event.role != LegRole.TRUNK:
        return call, ()
    return replace(call, message_done=True), (_music(call),)


def _music(call: Call) -> Hold:
    return Hold(conversation_id=call.attempt_id, until_bridged=True)


def _play(call: Call, prompt_id: str, *, hangup_after: bool) -> PlayPrompt:
    return PlayPrompt(
        conversation_id=call.attempt_id, prompt_id=prompt_id, role=LegRole.TRUNK, hangup_after=hangup_after
    )
