"""What a dialled number does, as one table: how it rings, what is heard early, how it ends or what answers.

`truth` is what a perfect ear and a perfect engine would write. The causes are those of an E1 gateway (Q.850 by
RFC 3326 Reason, mapped to SIP as RFC 3398 does).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.bench.plan import NumberPlan
from appliance.bench.players import Playlist, Talker
from appliance.bench.rtp import Source
from appliance.bench.sip.dialog import Call
from appliance.bench.sounds import SoundLibrary
from appliance.types import Outcome

_EXCHANGE_GIVES_UP_S = 90.0
_TONE_S = 8.0
_PATIENCE_S = 12.0
_MACHINE_RECORDS_S = 20.0
_DROP_S = 0.4


@dataclass(frozen=True)
class Release:
    """The final answer of a call that is not connected."""

    status: int
    q850: int | None = None
    text: str = ""
    retry_after_s: int | None = None


@dataclass(frozen=True)
class Behaviour:
    """One row: `rings` first, then `early` sounds by 183, then `release`, or `answer` by a party.

    `fault` marks a broken gateway: no_sdp, silent, malformed.
    """

    truth: Outcome
    rings: bool = False
    early: tuple[str, ...] = ()
    release: Release | None = None
    answer: str = ""
    fault: str = ""


_O = Outcome
BEHAVIOURS: dict[str, Behaviour] = {
    "human": Behaviour(_O.HUMAN, rings=True, answer="person"),
    "voicemail": Behaviour(_O.MACHINE, rings=True, answer="machine"),
    "fax": Behaviour(_O.FAX, rings=True, answer="fax"),
    "silence": Behaviour(_O.SILENCE, rings=True, answer="nobody"),
    "drop": Behaviour(_O.SILENCE, rings=True, answer="drop"),  # gone before a sound was heard
    "no_answer": Behaviour(_O.NO_ANSWER, rings=True, release=Release(480, 19, "No answer from user")),
    "ringback": Behaviour(_O.RINGBACK, early=("tones/ring*",), release=Release(480, 19, "No answer from user")),
    "busy": Behaviour(_O.BUSY, release=Release(486, 17, "User busy")),
    "busy_tone": Behaviour(_O.BUSY, early=("tones/busy",), release=Release(486, 17, "User busy")),
    "congestion": Behaviour(_O.CONGESTION, release=Release(503, 34, "No circuit/channel available")),
    "congestion_tone": Behaviour(
        _O.CONGESTION, early=("tones/congestion",), release=Release(503, 34, "No circuit/channel available")
    ),
    "vacant": Behaviour(_O.VACANT, release=Release(404, 1, "Unallocated number")),
    "vacant_announced": Behaviour(
        _O.VACANT, early=("announcements/vacant",), release=Release(404, 1, "Unallocated number")
    ),
    "vacant_sit": Behaviour(
        _O.SIT_VACANT, early=("tones/sit_vacant", "announcements/vacant"), release=Release(404, 1, "Unallocated number")
    ),
    "number_changed": Behaviour(
        _O.NUMBER_CHANGED, early=("announcements/number_changed",), release=Release(410, 22, "Number changed")
    ),
    "powered_off": Behaviour(
        _O.POWERED_OFF, early=("announcements/powered_off",), release=Release(480, 20, "Subscriber absent")
    ),
    "unreachable": Behaviour(
        _O.UNREACHABLE, early=("announcements/unreachable",), release=Release(480, 20, "Subscriber absent")
    ),
    "rejected": Behaviour(_O.REJECTED, rings=True, release=Release(603, 21, "Call rejected")),
    "unavailable": Behaviour(_O.TRUNK_FAILED, release=Release(503, None, "", retry_after_s=5)),
    "no_sdp": Behaviour(_O.TRUNK_FAILED, fault="no_sdp"),
    "silent": Behaviour(_O.TRUNK_FAILED, fault="silent"),
    "malformed": Behaviour(_O.TRUNK_FAILED, fault="malformed"),
}
_NEVER_ANSWERED = frozenset({"no_answer", "ringback"})


class CallRecord:
    """What really happened on one call: filled in by `play_out`, written to the truth log by the exchange."""

    def __init__(self) -> None:
        self.answered = False
        self.speech_onset_s: float | None = None


async def play_out(
    call: Call, plan: NumberPlan, sounds: SoundLibrary, record: CallRecord, on_answer: Callable[[], None]
) -> None:
    """Drive one incoming call by its row of the table. Raises CallOver when the caller ends it."""
    row = BEHAVIOURS.get(plan.behaviour, BEHAVIOURS["vacant"])
    if row.fault:
        await _fault(call, row.fault)
        return
    call.progress(100)
    await call.pause(plan.post_dial_delay_s)
    if row.rings:
        _ring(call, sounds, with_tone=plan.early_ringing and bool(row.answer))
        await call.pause(_EXCHANGE_GIVES_UP_S if plan.behaviour in _NEVER_ANSWERED else plan.ring_s)
    if row.early:
        await _early(call, plan, row, sounds)
    if row.release is not None:
        release = row.release
        headers = {"Retry-After": str(release.retry_after_s)} if release.retry_after_s is not None else None
        call.reject(release.status, q850=release.q850, text=release.text, headers=headers)
        return
    record.answered = True
    on_answer()
    await _answered(call, plan, row.answer, sounds, record)


def _ring(call: Call, sounds: SoundLibrary, *, with_tone: bool) -> None:
    if with_tone:
        call.progress(183, early_media=True)
        call.open_media().play(Playlist([sounds.sound("tones/ring")], repeat=True))
    else:
        call.progress(180)


async def _early(call: Call, plan: NumberPlan, row: Behaviour, sounds: SoundLibrary) -> None:
    loop = row.early[-1].endswith("*")
    heard = [_early_sound(name.rstrip("*"), plan.language, sounds) for name in row.early]
    call.progress(183, early_media=True)
    call.open_media().play(Playlist(heard, repeat=loop, idle=sounds.sound("tones/line")))
    length_s = sum(len(sound) for sound in heard) / 8000
    if loop:
        length_s = _EXCHANGE_GIVES_UP_S
    elif row.early[-1].startswith("tones/"):
        length_s = min(length_s, _TONE_S)
    await call.pause(length_s)


def _early_sound(name: str, language: str, sounds: SoundLibrary) -> bytes:
    return sounds.sound(f"{name}_{language}" if name.startswith("announcements/") else name)


async def _answered(call: Call, plan: NumberPlan, party: str, sounds: SoundLibrary, record: CallRecord) -> None:
    source, record.speech_onset_s, stays_s = _party(plan, party, sounds)
    call.open_media().play(source)
    call.answer()
    await call.pause(stays_s)
    if isinstance(source, Talker) and source.other_spoke:
        await call.pause(plan.talk_s - stays_s)
    call.hang_up()


def _party(plan: NumberPlan, party: str, sounds: SoundLibrary) -> tuple[Source, float | None, float]:
    """Who answers: the sound source, when its speech begins, and how long it stays (s from answer)."""
    line = sounds.sound("tones/line")
    if party == "person":
        person = sounds.people[plan.voice % len(sounds.people)]
        talker = Talker(person.hello, person.lines, bed=person.bed, delay_s=plan.pick_up_s)
        return talker, plan.pick_up_s, min(_PATIENCE_S, plan.talk_s)
    if party == "machine":
        greeting = sounds.greetings[plan.voice % len(sounds.greetings)]
        start = line[: round(plan.pick_up_s * 8000)]
        stays_s = plan.pick_up_s + len(greeting) / 8000 + _MACHINE_RECORDS_S
        return Playlist([start, greeting], idle=line), plan.pick_up_s, stays_s
    if party == "fax":
        return Playlist([sounds.sound("tones/fax")], idle=line), None, 30.0
    if party == "drop":
        return Playlist([], idle=line), None, _DROP_S
    return Playlist([], idle=line), None, 60.0


async def _fault(call: Call, fault: str) -> None:
    if fault == "no_sdp":
        call.progress(180)
        call.answer(description=False)
        await call.pause(_EXCHANGE_GIVES_UP_S)
        call.hang_up()
    elif fault == "malformed":
        for _ in range(3):
            call.send_garbage()
            await call.pause(0.5)
        call.forget("malformed")
    else:
        await call.pause(_EXCHANGE_GIVES_UP_S)
        call.forget("silent")
