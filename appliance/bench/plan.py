"""The dial plan of the simulated exchange: which number behaves how, with which times. All of it is data.

`plan.json` in the bench's home holds a `DialPlan`; it is read again when it changes, so that a test can break a
gateway while calls run. A number that is not listed gets its behaviour from its last two digits (00..99 over the mix)
and its times from the seed, so the same number always behaves the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from appliance.bench.sound_sources import generator_for
from appliance.errors import CallerError
from appliance.settings import Home, write_private

DEFAULT_MIX = {
    "human": 42, "no_answer": 9, "ringback": 5, "busy": 8, "busy_tone": 3, "vacant": 4, "vacant_announced": 4,
    "vacant_sit": 2, "congestion": 2, "congestion_tone": 2, "voicemail": 7, "fax": 3, "number_changed": 2,
    "powered_off": 3, "unreachable": 1, "silence": 1, "drop": 1, "rejected": 1,
}  # fmt: skip
"""Behaviour -> share of the numbers, in per cent."""


class NumberPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How one number behaves. `voice` picks person or greeting; `talk_s` is when a person hangs up, from answer."""

    behaviour: str
    post_dial_delay_s: float = 0.2
    ring_s: float = 2.0
    early_ringing: bool = False
    pick_up_s: float = 0.5
    talk_s: float = 30.0
    voice: int = 0
    language: str = "zh"


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Ranges (least, most) in seconds from which a number's times are drawn."""

    post_dial_delay_s: tuple[float, float] = (0.1, 0.8)
    ring_s: tuple[float, float] = (1.0, 5.0)
    pick_up_s: tuple[float, float] = (0.3, 1.1)
    talk_s: tuple[float, float] = (20.0, 60.0)


class GatewayPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway and what is wrong with it.

    `deaf` answers nothing; `refuse` answers every INVITE with this status (503 with Retry-After); `reboots` is a
    counter: raising it drops all calls without a word, deaf for `reboot_s`; losses are fractions of packets.
    """

    address: str = "127.0.1.1"
    port: int = 5060
    deaf: bool = False
    refuse: int = 0
    reboots: int = 0
    reboot_s: float = 2.0
    sip_loss: float = 0.0
    rtp_loss: float = 0.0


class CallerPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who calls the box, once; numbers as the gateway shows them. Times in seconds.

    He rings at `at_s` from when the plan is read, for `rings_s` at most; `presses` are (seconds from answer, digits);
    he hangs up `stays_s` after the answer unless the box does before.
    """

    id: str
    caller: str
    called: str
    gateway: int = 0
    at_s: float = 0.0
    rings_s: float = 60.0
    stays_s: float = 20.0
    presses: list[tuple[float, str]] = []
    voice: int = 0
    keep: bool = False


class DialPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All of the exchange."""

    seed: int = 1
    mix: dict[str, float] = msgspec.field(default_factory=lambda: dict(DEFAULT_MIX))
    times: Times = Times()
    numbers: dict[str, NumberPlan] = {}  # by national number
    gateways: list[GatewayPlan] = msgspec.field(
        default_factory=lambda: [GatewayPlan(), GatewayPlan(address="127.0.1.2")]
    )
    box: tuple[str, int] = ("127.0.2.1", 5060)  # where it takes calls
    callers: list[CallerPlan] = []

    def behaviour_of_digits(self, last_two: int) -> str:
        """Behaviour of the numbers that end in these two digits."""
        total, at = sum(self.mix.values()), 0.0
        for name, share in self.mix.items():
            at += 100 * share / total
            if last_two + 0.5 < at:
                return name
        return next(reversed(self.mix))

    def of(self, number: str) -> NumberPlan:
        """The plan of a number as it was dialled (any spelling)."""
        digits = national(number)
        listed = self.numbers.get(digits)
        if listed is not None:
            return listed
        return self.drawn(digits, self.behaviour_of_digits(int(digits[-2:] or 0)))

    def drawn(self, digits: str, behaviour: str) -> NumberPlan:
        """A plan of this behaviour with times drawn for these national digits."""
        random = generator_for("number", self.seed, digits)

        def draw(limits: tuple[float, float]) -> float:
            return round(float(random.uniform(*limits)), 3)

        return NumberPlan(
            behaviour=behaviour,
            post_dial_delay_s=draw(self.times.post_dial_delay_s),
            ring_s=draw(self.times.ring_s), pick_up_s=draw(self.times.pick_up_s), talk_s=draw(self.times.talk_s),
            early_ringing=bool(random.random() < 0.4), voice=int(random.integers(0, 10_000)),
            language=str(random.choice(["zh", "zh", "ru", "en"])),
        )  # fmt: skip


def with_shares(plan: DialPlan, numbers: Sequence[str]) -> DialPlan:
    """The plan with each of these numbers listed, so that the mix's shares are met and, where the list is long
    enough, every behaviour occurs.
    """
    total = sum(plan.mix.values())
    wanted = {name: len(numbers) * share / total for name, share in plan.mix.items()}
    least = 1 if len(numbers) >= 3 * len(plan.mix) else 0
    counts = {name: max(least, int(count)) for name, count in wanted.items()}
    most = max(wanted, key=lambda name: wanted[name])
    by_rest = sorted(wanted, key=lambda name: int(wanted[name]) - wanted[name])
    for name in by_rest[: max(0, len(numbers) - sum(counts.values()))]:
        counts[name] += 1
    counts[most] += len(numbers) - sum(counts.values())
    behaviours = [name for name, count in counts.items() for _ in range(count)]
    generator_for("shares", plan.seed).shuffle(behaviours)
    listed = {
        digits: plan.drawn(digits, behaviour)
        for digits, behaviour in zip(map(national, numbers), behaviours, strict=True)
    }
    return msgspec.structs.replace(plan, numbers=listed)


def national(number: str) -> str:
    """National digits of a Chinese number in any spelling (+86…, 0086…, 86 1…, 0…); other countries: all digits."""
    digits = re.sub(r"\D", "", number)
    international = number.strip().startswith("+") or digits.startswith("00")
    digits = digits.removeprefix("00") if digits.startswith("00") else digits
    if digits.startswith("86") and (international or len(digits) >= 12):
        return digits[2:].lstrip("0")
    return digits if international else digits.lstrip("0")


def plan_file(home: Home) -> Path:
    return home.bench / "plan.json"


def load_plan(path: Path) -> DialPlan:
    """Read the plan; defaults when there is none. Raises CallerError when it is not a plan."""
    if not path.exists():
        return DialPlan()
    try:
        return msgspec.json.decode(path.read_bytes(), type=DialPlan)
    except msgspec.MsgspecError as error:
        raise CallerError("bench.bad_plan", f"{path} is not a dial plan: {error}", path=str(path)) from error


def save_plan(home: Home, plan: DialPlan) -> None:
    """Write the plan; a running exchange takes it up within half a second."""
    write_private(plan_file(home), json.dumps(msgspec.to_builtins(plan), indent=1).encode())
