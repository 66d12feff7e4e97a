"""The simulated room as data: which phones stand at which seats, which agents work there and how fast.

`room.json` in the bench's home holds a `RoomPlan`; the service `phones` reads it again when it changes.
"""

from __future__ import annotations

import json

import msgspec

from appliance.errors import CallerError
from appliance.settings import Home, write_private

PHONE_FAULTS = ("", "silent", "refuse", "dead")
"""Nothing wrong; rings and is never picked up; answers 603; unplugged (registered, answers nothing)."""


class PhoneSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One desk phone. `kind`: `sip` (the bench's own), `baresip` (a real program)."""

    seat_id: str
    password: str
    address: str
    port: int = 5060
    kind: str = "sip"
    fault: str = ""


class AgentSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One simulated agent: user id and seat."""

    agent_id: str
    seat_id: str


class RoomPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All of the room. Ranges are (least, most) in seconds."""

    seed: int = 1
    preview: bool = False  # agents ask for records themselves
    phones: list[PhoneSpec] = []
    agents: list[AgentSpec] = []
    talk_s: tuple[float, float] = (8.0, 25.0)
    wrap_up_s: tuple[float, float] = (1.0, 4.0)
    dispositions: dict[str, float] = msgspec.field(
        default_factory=lambda: {"promise_to_pay": 4, "refused": 3, "disputed": 1, "wrong_number": 1, "paid": 1}
    )


def phone_address(index: int, *, network: int = 0) -> str:
    """Address of the n-th phone (0..249): 127.<network>.3.1 and on."""
    if not 0 <= index < 250:
        raise ValueError(f"no address for phone {index}")
    return f"127.{network}.3.{index + 1}"


def load_room(home: Home) -> RoomPlan:
    """Read the room; an empty one when there is none. Raises CallerError when it is not a room."""
    path = home.bench / "room.json"
    if not path.exists():
        return RoomPlan()
    try:
        return msgspec.json.decode(path.read_bytes(), type=RoomPlan)
    except msgspec.MsgspecError as error:
        raise CallerError("bench.bad_room", f"{path} is not a room: {error}", path=str(path)) from error


def save_room(home: Home, room: RoomPlan) -> None:
    """Write the room (it holds the phones' passwords: mode 0600)."""
    write_private(home.bench / "room.json", json.dumps(msgspec.to_builtins(room), indent=1).encode())
