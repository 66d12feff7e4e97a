"""The box calls itself: two legs from one worker through the edge to a loopback port, bridged, a tone each way.

What comes back at the other leg has gone through edge, worker, conference bridge, both codecs and RTP twice; its level
against the level sent is the loss of the media path.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.bench.players import Playlist
from appliance.bench.rtp import Pacer
from appliance.bench.sip.dialog import Call, UserAgent
from appliance.bench.sip.endpoint import Endpoint
from appliance.bus import Bus
from appliance.commands import ConnectSeat
from appliance.errors import BoxError
from appliance.events import Bridged, ConversationEnded, ConversationEvent, LegAnswered, SeatFailed
from appliance.services.test_call import hang_up, originate
from appliance.settings import Home, Settings
from audio import synth
from audio.g711 import decode_alaw, encode_alaw

NAME = "callbox.self"
_NUMBER = "+10000000"
_SENT_DBOV = -16.0
_TONES_HZ = {"out": 1004.0, "back": 620.0}
_LOSS_MAX_DB = 3.0
_LISTEN_S, _WAIT_S, _LOOK_S = 1.5, 10.0, 0.1
_RATE = 8000
_BLOCK = 400  # 50 ms: 50 and 31 periods of the tones


@dataclass(frozen=True)
class Measured:
    """Level that came through against the level sent, by direction; packets received and lost."""

    losses_db: dict[str, float]
    packets: int
    lost: int

    @property
    def sound(self) -> bool:
        """Whether people would hear each other well."""
        level = all(abs(loss) <= _LOSS_MAX_DB for loss in self.losses_db.values())
        return level and self.packets > 0 and self.lost <= self.packets * 0.02


def tone_level_dbov(samples: NDArray[np.int16], hz: float) -> float:
    """Level of one tone in dBov (full-scale sine: -3 dBov); -96 for silence.

    The median over blocks: a jitter buffer that slips once changes the tone's phase, not its level.
    """
    blocks = samples[: samples.size // _BLOCK * _BLOCK].reshape(-1, _BLOCK).astype(np.float64) / 32768.0
    if blocks.size == 0:
        return -96.0
    turns = np.exp(-2j * np.pi * hz / _RATE * np.arange(_BLOCK))
    amplitude = float(np.median(2 * np.abs(blocks @ turns) / _BLOCK))
    return float(20 * np.log10(max(amplitude, 1e-5)) - 3.01)


def measure(home: Home, settings: Settings) -> Measured:
    """Make the call. Raises BoxError or BusError with what did not work."""
    del home
    return asyncio.run(_measure(settings))


async def _measure(settings: Settings) -> Measured:
    pacer, endpoint = Pacer(first_port=39000, last_port=39990), Endpoint()
    legs: asyncio.Queue[Call] = asyncio.Queue()
    tones = iter(_TONES_HZ.values())  # the first leg says the one, the second the other

    async def on_call(call: Call) -> None:
        call.answer()
        sound = encode_alaw(synth.to_int16(synth.tone([next(tones)], 1.0, _SENT_DBOV))).tobytes()
        call.open_media().play(Playlist([sound], repeat=True))
        legs.put_nowait(call)
        await call.wait_ended()

    bus = Bus(settings.bus, name="check")
    await bus.connect(timeout_s=5.0)
    try:
        try:
            await endpoint.open(settings.sip.worker_address, settings.sip.self_test_port)
        except OSError as error:
            raise BoxError("check.port_taken", f"Another check runs, or its port is taken: {error}.") from error
        agent = UserAgent(endpoint, pacer, on_call)
        conversation_id = await originate(bus, NAME, _NUMBER, listen=False)
        try:
            first = await _leg(legs, "the trunk's leg did not come")
            await _told(bus, conversation_id, LegAnswered)
            await bus.request(
                ConnectSeat(conversation_id=conversation_id, seat_id=NAME, agent_id=NAME, answer_timeout_s=_WAIT_S)
            )
            second = await _leg(legs, "the seat's leg did not come")
            await _told(bus, conversation_id, Bridged)
            return await _listen(first, second)
        finally:
            await hang_up(bus, conversation_id)
            await agent.close()
    finally:
        endpoint.close()  # also when the call did not come about: the next try needs the port
        pacer.close()
        await bus.close()


async def _leg(legs: asyncio.Queue[Call], what: str) -> Call:
    try:
        return await asyncio.wait_for(legs.get(), _WAIT_S)
    except TimeoutError as error:
        raise BoxError("check.no_leg", f"{what} within {_WAIT_S:g} s; are 'switch' and 'edge' up?") from error


async def _told(bus: Bus, conversation_id: str, kind: type[ConversationEvent]) -> None:
    """Until the worker says so."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        for event in await bus.replay_events(conversation_id):
            if isinstance(event, kind):
                return
            if isinstance(event, SeatFailed | ConversationEnded):
                raise BoxError("check.not_bridged", f"The worker ended it: {event.reason or 'no reason'}.")
        await asyncio.sleep(_LOOK_S)
    raise BoxError("check.silent", f"No '{kind.__name__}' from the worker within {_WAIT_S:g} s; see log/switch.log.")


async def _listen(first: Call, second: Call) -> Measured:
    ports = {"out": second.open_media(), "back": first.open_media()}
    for port in ports.values():
        port.kept = bytearray()
    lost_before = sum(port.lost for port in ports.values())
    deadline = time.monotonic() + _WAIT_S
    while min(len(port.kept or b"") for port in ports.values()) < _RATE * _LISTEN_S:
        if time.monotonic() > deadline:
            raise BoxError("check.no_sound", f"No sound came through within {_WAIT_S:g} s.")
        await asyncio.sleep(_LOOK_S)
    losses = {}
    for way, port in ports.items():
        heard = decode_alaw(bytes(port.kept or b""))[-_RATE:]
        losses[way] = round(tone_level_dbov(heard, _TONES_HZ[way]) - _SENT_DBOV, 2)
    packets = sum(len(port.kept or b"") // 160 for port in ports.values())
    return Measured(losses, packets, sum(port.lost for port in ports.values()) - lost_before)
