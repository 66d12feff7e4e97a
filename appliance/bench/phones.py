"""The simulated room as a service: desk phones that register at the edge, and the agents who use them.

`main` reads `room.json` and follows its changes: new phones are plugged in, faults switched on and off, removed
phones unplugged.
"""

from __future__ import annotations

import asyncio
import contextlib

from appliance.bench.agents import AgentRoom
from appliance.bench.baresip import Baresip, start_baresip
from appliance.bench.exchange import keep_time, sounds_folder, stop_asked
from appliance.bench.players import Talker
from appliance.bench.room import PhoneSpec, RoomPlan, load_room
from appliance.bench.rtp import Pacer
from appliance.bench.sip.dialog import Call, UserAgent
from appliance.bench.sip.endpoint import Endpoint
from appliance.bench.sip.registration import Registration
from appliance.bench.sounds import SoundLibrary, make_sounds
from appliance.errors import BoxError, CallerError
from appliance.logs import get_logger
from appliance.settings import Home, Settings, SipSettings

_ROOM_CHECK_S = 0.5
_HAND_PICKS_UP_S = 2.0


class DeskPhone:
    """A phone of the bench's own SIP stack: registers, answers by itself when told to (Call-Info), speaks."""

    def __init__(self, spec: PhoneSpec, sip: SipSettings, pacer: Pacer, sounds: SoundLibrary, voice: int) -> None:
        self.spec = spec
        self.answered = 0
        self.agent: UserAgent | None = None
        self.registration: Registration | None = None
        self._sip = sip
        self._pacer = pacer
        names = sounds.names(f"agents/a{voice % len(sounds.names('agents/a*/all'))}/line_*")
        self._lines = [sounds.sound(name) for name in names]
        self._line = sounds.sound("tones/line")
        self._task: asyncio.Task[None] | None = None

    async def plug_in(self) -> None:
        """Bind and start to register. Raises OSError when the address is taken."""
        endpoint = Endpoint()
        await endpoint.open(self.spec.address, self.spec.port)
        self.agent = UserAgent(endpoint, self._pacer, self._ring)
        self.agent.identity = f"sip:{self.spec.seat_id}@{self._sip.realm}"
        self.registration = Registration(
            self.agent, (self._sip.seat_address, self._sip.seat_port), user=self.spec.seat_id, realm=self._sip.realm,
            password=self.spec.password,
        )  # fmt: skip
        self._task = asyncio.create_task(self.registration.run())
        self.set_fault(self.spec)

    def set_fault(self, spec: PhoneSpec) -> None:
        """Break or mend the phone. A dead one stays in the registrar's table but answers nothing."""
        self.spec = spec
        if self.agent is not None:
            self.agent.endpoint.deaf = spec.fault == "dead"

    async def unplug(self) -> None:
        """Hang up, unregister and close."""
        if self._task is not None:
            self._task.cancel()
        if self.agent is not None and self.registration is not None:
            if self.registration.registered.is_set():
                await self.registration.remove()
            await self.agent.close()

    async def _ring(self, call: Call) -> None:
        if self.spec.fault == "refuse":
            call.reject(603)
            return
        call.progress(180)
        if self.spec.fault == "silent":
            await call.wait_ended()
            return
        if not answers_itself(call):
            await call.pause(_HAND_PICKS_UP_S)
        call.open_media().play(
            Talker(self._lines[:1], self._lines[1:], bed=self._line, delay_s=0.3, repeat_s=6.0, hellos_max=2)
        )
        call.answer()
        self.answered += 1
        await call.wait_ended()


def answers_itself(call: Call) -> bool:
    """Whether the INVITE asks the phone to answer at once (answer-after=0 in Call-Info)."""
    return any("answer-after=0" in value.replace(" ", "").lower() for value in call.invite.all("call-info"))


class Room:
    """All phones of the room."""

    def __init__(self, home: Home, settings: Settings, sounds: SoundLibrary) -> None:
        self.phones: dict[str, DeskPhone] = {}
        self._programs: dict[str, Baresip] = {}
        self._home = home
        self._sip = settings.sip
        self._sounds = sounds
        self._pacer = Pacer(first_port=60000, last_port=65000)
        self._log = get_logger(bench="room")

    async def follow(self, plan: RoomPlan) -> None:
        """Make the room as the plan says."""
        wanted = {spec.seat_id: spec for spec in plan.phones}
        for seat_id in [s for s in self.phones if s not in wanted]:
            await self.phones.pop(seat_id).unplug()
        for index, spec in enumerate(plan.phones):
            if spec.seat_id in self.phones:
                self.phones[spec.seat_id].set_fault(spec)
            elif spec.seat_id not in self._programs:
                await self._add(spec, index)

    async def _add(self, spec: PhoneSpec, index: int) -> None:
        if spec.kind == "baresip":
            voice = index % len(self._sounds.names("agents/a*/all"))
            sound = self._sounds.folder / f"agents/a{voice}/all.wav"
            try:
                folder = self._home.bench / "baresip" / spec.seat_id
                self._programs[spec.seat_id] = start_baresip(spec, self._sip, folder, sound)
                return
            except BoxError as error:
                self._log.warning("another phone stands in", seat=spec.seat_id, reason=error.message)
        phone = DeskPhone(spec, self._sip, self._pacer, self._sounds, index)
        try:
            await phone.plug_in()
        except OSError as error:
            self._log.error("phone cannot be plugged in", seat=spec.seat_id, address=spec.address, error=str(error))
            return
        self.phones[spec.seat_id] = phone

    async def close(self) -> None:
        await asyncio.gather(*(phone.unplug() for phone in self.phones.values()))
        for program in self._programs.values():
            await asyncio.to_thread(program.stop)
        self._pacer.close()


async def _run(home: Home, settings: Settings) -> None:
    asked = await stop_asked()
    sounds = make_sounds(sounds_folder(home))
    room = Room(home, settings, sounds)
    agents = AgentRoom(settings)
    path = home.bench / "room.json"
    log = get_logger(bench="room")
    seen = -1
    try:
        while not asked.is_set():
            changed = path.stat().st_mtime_ns if path.exists() else 0
            if changed != seen:
                seen = changed
                try:
                    plan = load_room(home)
                    await room.follow(plan)
                    await agents.follow(plan)
                    log.info("room as planned", phones=len(plan.phones), agents=len(plan.agents))
                except CallerError as error:
                    log.warning("room not taken up", error=error.message)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asked.wait(), _ROOM_CHECK_S)
    finally:
        await agents.close()
        await room.close()


def main(home: Home, settings: Settings) -> None:
    """Run until SIGTERM; phones unregister at the end."""
    keep_time()
    asyncio.run(_run(home, settings))
