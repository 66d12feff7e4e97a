"""Gives a home its bench: trunk to the exchange, seats with phones, agents, dial plan. Runs while no service does.

Safe to run again: what is there is left as it is, passwords of the phones come from the home's bench secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from appliance.bench.baresip import modules_folder
from appliance.bench.plan import DialPlan, plan_file, save_plan
from appliance.bench.room import AgentSpec, PhoneSpec, RoomPlan, phone_address, save_room
from appliance.bench.sounds import SoundLibrary
from appliance.ids import new_id
from appliance.settings import Home, Settings, load_secrets
from appliance.store.db import Store
from appliance.store.models import Seat, Trunk, User
from appliance.telephony.edge import subscribers
from appliance.telephony.trunks import parse_trunk, to_plain
from appliance.types import Role
from audio import enrolment
from audio.g711 import decode_alaw
from audio.labels import announcement_label

TRUNK_ID = "bench"
NO_PASSWORD = "!"  # noqa: S105 - no hash at all: such a user cannot log in
_BARESIP_SEATS = 2
_FROM_NATIONAL = [{"match": "00", "strip": 2, "prepend": "+"}, {"match": "0", "strip": 1, "prepend": "+86"}]


@dataclass(frozen=True)
class Provided:
    """What the bench has in a home."""

    trunk_id: str
    seat_ids: list[str]
    agent_ids: list[str]


def provide(
    home: Home, settings: Settings, store: Store, *, plan: DialPlan, seats: int = 30, agents: bool = False,
    network: int = 0, channels: int = 60, room: RoomPlan | None = None,
) -> Provided:  # fmt: skip
    """Write trunk, seats, phones and (when wished) simulated agents; `plan` only when the home has none yet.

    `network` n puts the phones on 127.n.3.x. Raises StoreError.
    """
    if not plan_file(home).exists():
        save_plan(home, plan)
    seat_ids = [f"s{number:02d}" for number in range(1, seats + 1)]
    secret = load_secrets(home).bench_secret.get_secret_value()
    passwords = {seat_id: phone_password(secret, seat_id) for seat_id in seat_ids}
    with store.write() as session:
        if session.get(Trunk, TRUNK_ID) is None:
            session.add(
                Trunk(id=TRUNK_ID, display_name="Simulated exchange", channels=channels,
                      config=trunk_config(plan, channels))
            )  # fmt: skip
        for seat_id in seat_ids:
            if session.get(Seat, seat_id) is None:
                session.add(Seat(id=seat_id, display_name=f"Seat {seat_id[1:]}", phone="desk"))
    for seat_id, password in passwords.items():
        subscribers.set_seat(home, settings.sip.realm, seat_id, password)
    agent_ids = _agents(store, seats) if agents else []
    baresip = _BARESIP_SEATS if modules_folder() is not None and seats > _BARESIP_SEATS else 0
    phones = [
        PhoneSpec(
            seat_id=seat_id, password=passwords[seat_id], address=phone_address(index, network=network),
            kind="baresip" if index < baresip else "sip",
        )
        for index, seat_id in enumerate(seat_ids)
    ]  # fmt: skip
    base = room or RoomPlan()
    specs = [AgentSpec(agent_id=a, seat_id=s) for a, s in zip(agent_ids, seat_ids, strict=False)]
    save_room(
        home,
        RoomPlan(
            seed=base.seed, preview=base.preview, phones=phones, agents=specs, talk_s=base.talk_s,
            wrap_up_s=base.wrap_up_s, dispositions=base.dispositions,
        ),
    )  # fmt: skip
    return Provided(TRUNK_ID, seat_ids, agent_ids)


def teach_announcements(home: Home, sounds: SoundLibrary) -> None:
    """Enrol the exchange's announcements, as an installer does with those of the customer's carrier.

    Does nothing when the home has a library of its own.
    """
    if (home.announcements / "library.csv").exists():
        return
    for name in sounds.names("announcements/*"):
        what, _, language = name.removeprefix("announcements/").rpartition("_")
        samples = decode_alaw(sounds.sound(name))
        enrolment.add(home.announcements, samples, f"bench-{what}-{language}", announcement_label(what))


def trunk_config(plan: DialPlan, channels: int) -> dict[str, Any]:
    """Configuration of the trunk to the plan's gateways: +86… is sent as 0…, other countries as 00…, and read so."""
    return to_plain(
        parse_trunk(
            {
                "gateways": [{"address": g.address, "port": g.port} for g in plan.gateways],
                "channels": channels,
                "caller_id": "+861012345678",
                "outbound": {
                    "called": [
                        {"match": r"\+86", "strip": 3, "prepend": "0"}, {"match": r"\+", "strip": 1, "prepend": "00"},
                    ],
                    "calling": [{"match": r"\+86", "strip": 3, "prepend": "0"}],
                },
                "inbound": {"called": _FROM_NATIONAL, "calling": _FROM_NATIONAL},
            }
        )
    )


def phone_password(secret: str, seat_id: str) -> str:
    """The password of a bench phone, the same at each start of a home."""
    digest = hmac.new(secret.encode(), f"phone:{seat_id}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest)[:20].decode().lower()


def _agents(store: Store, count: int) -> list[str]:
    ids = []
    with store.write() as session:
        for number in range(1, count + 1):
            login = f"bench-agent{number:02d}"
            user = session.query(User).filter_by(login=login).one_or_none()
            if user is None:
                user = User(
                    id=new_id(), login=login, display_name=f"Agent {number:02d}", role=Role.AGENT,
                    password_hash=NO_PASSWORD, created_at=datetime.now(UTC),
                )  # fmt: skip
                session.add(user)
            ids.append(user.id)
    return ids
