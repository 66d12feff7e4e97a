"""One leg of a conversation as data: where it stands, until when, and why it ended."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.commands import ConnectSeat
from appliance.telephony.port import SEAT_ACCOUNT, TRUNK_ACCOUNT, Dial
from appliance.types import LegRole, LegState, SuperviseMode


@dataclass(slots=True)
class Leg:
    """State of one leg. `deadline_s` (monotonic): answer by then; `gone_by_s`: be gone by then after our hang-up."""

    role: LegRole
    state: LegState = LegState.CALLING
    seat_id: str | None = None
    agent_id: str = ""
    inbound: bool = False
    deadline_s: float | None = None
    gone_by_s: float | None = None
    end_reason: str = ""
    sip_status: int = 0
    q850_early: int | None = None  # cause that came with a 183: an announcement follows, the end may come from us
    media: bool = False
    answered: bool = False
    supervise: SuperviseMode | None = None
    number: str = ""  # an outside number that was brought in

    @property
    def name(self) -> str:
        """Name in the conference."""
        return self.role.value

    @property
    def by_us(self) -> bool:
        return self.gone_by_s is not None


def trunk_dial(number: str, *, trunk_id: str, caller_id: str | None, realm: str) -> Dial:
    """INVITE towards a trunk: the edge knows it by X-Callbox-Trunk and applies its number rules."""
    return Dial(
        account=TRUNK_ACCOUNT, uri=f"sip:{number}@{realm}", from_uri=f"sip:{caller_id or 'anonymous'}@{realm}",
        headers=(("X-Callbox-Trunk", trunk_id),),
    )  # fmt: skip


def seat_dial(seat_id: str, *, caller_id: str | None, realm: str) -> Dial:
    """INVITE to a seat, with the headers by which desk phones answer by themselves."""
    return Dial(
        account=SEAT_ACCOUNT, uri=f"sip:{seat_id}@{realm}", from_uri=f"sip:{caller_id or 'callbox'}@{realm}",
        headers=(
            ("X-Callbox-Leg", "seat"),
            ("Call-Info", f"<sip:{realm}>;answer-after=0"),
            ("Alert-Info", f"<http://{realm}>;info=alert-autoanswer;delay=0"),
        ),
    )  # fmt: skip


def leg_dial(command: ConnectSeat, *, caller_id: str | None, realm: str) -> Dial:
    """INVITE to the seat, or to the outside number, that a command names."""
    if command.number:
        return trunk_dial(command.number, trunk_id=command.trunk_id, caller_id=command.caller_id, realm=realm)
    return seat_dial(command.seat_id, caller_id=caller_id, realm=realm)
