"""Garbage for everything that reads what strangers send: the same targets in a short and in a million-fold run.

Inputs are mutations of good examples (that go deep) and plain noise (that goes wide), from a seeded generator, so
that a failure is found again by its number.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable

import msgspec
import numpy as np

from appliance import bus
from appliance.bench.sip import message as sip_message
from appliance.bench.sip import sdp
from appliance.domain.amounts import parse_amount
from appliance.domain.list_columns import guess_columns
from appliance.domain.lists import Candidate, Refused, read_row
from appliance.domain.numbers import parse_number
from appliance.telephony.signalling import end_cause
from audio import Listener

_TEXTS = [
    "+86 138 0013 8000", "0086-13800138000", "(495) 123-45-67 доб. 12", "1.38E+10", "１３８００１３８０００",
    "010-12345678/13900139000", "¥1,234.50", "12 345,67 руб.", "姓名", "=HYPERLINK(\"x\")", "+",
    "\u202e\u0000\ufeff", "9" * 400,
    "ext", "N/A", "-", "1e309",
]  # fmt: skip
_SIP = (
    b"SIP/2.0 503 Service Unavailable\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
    b'To: "x" <sip:c@d:5060;transport=udp>;tag=2\r\nCall-ID: 1@a\r\nCSeq: 1 INVITE\r\nRetry-After: 5 (busy)\r\n'
    b'Reason: Q.850;cause=34;text="No circuit"\r\nContent-Type: application/sdp\r\nContent-Length: 129\r\n\r\n'
    b"v=0\r\no=- 1 1 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 101\r\n"
    b"a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
)
_EVENT = msgspec.json.encode(
    {"type": "Heard", "conversation_id": "c", "attempt_id": "a", "seq": 1, "at_unix_s": 1.0, "phase": "early",
     "label": "busy", "kind": "tone", "reason": "", "confidence": 0.9, "decided_at_ms": 10, "final": True}
)  # fmt: skip


def mutated(dice: random.Random, data: bytes) -> bytes:
    """Flip, drop, double and insert a few bytes."""
    out = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(out) + 1)
        match dice.randrange(5):
            case 0 if at < len(out):
                out[at] = dice.randrange(256)
            case 1:
                del out[at : at + dice.randint(1, 40)]
            case 2:
                out[at:at] = out[at : at + dice.randint(1, 40)]
            case 3:
                out[at:at] = bytes(dice.choices(b'\r\n\x00<>";=: \t%', k=dice.randint(1, 4)))
            case _:
                out[at:at] = dice.randbytes(dice.randint(1, 12))
    return bytes(out)


def some_text(dice: random.Random) -> str:
    """A cell: a good one damaged, or noise."""
    if dice.random() < 0.7:
        return mutated(dice, dice.choice(_TEXTS).encode()).decode("utf-8", "replace")
    return "".join(chr(dice.randrange(0x20, 0x3100)) for _ in range(dice.randrange(20)))


def fuzz_cells(dice: random.Random) -> None:
    """Numbers, amounts and rows: a verdict, never an exception."""
    region = dice.choice(["CN", "RU", "US", "DE", "KZ"])
    text = some_text(dice)
    parse_number(text, region)
    parse_number(dice.choice([None, True, 1.38e10, float("nan"), float("inf"), -1.0, 10**30]), region)
    amount = parse_amount(text, region)
    assert amount is None or isinstance(amount, ValueError) or amount.currency
    rows = [[some_text(dice) for _ in range(dice.randrange(1, 5))] for _ in range(3)]
    columns = guess_columns(rows, region)
    if columns is not None:
        assert isinstance(read_row(1, rows[-1], columns, region), Candidate | Refused)


def fuzz_sip(dice: random.Random) -> None:
    """What gateways and phones answer: parsed, or refused with the parser's own error."""
    data = mutated(dice, _SIP) if dice.random() < 0.8 else dice.randbytes(dice.randrange(200))
    end_cause(data.decode("latin-1"))
    with contextlib.suppress(sip_message.SipParseError, sdp.SdpError):
        sdp.parse(sip_message.parse(data).body)


def fuzz_bus(dice: random.Random) -> None:
    """What comes over the bus: decoded, or refused with msgspec's error."""
    for decoder in (bus._event_decoder, bus._command_decoder, bus._live_decoder):
        with contextlib.suppress(*bus._MALFORMED):
            decoder.decode(mutated(dice, _EVENT))


def fuzz_ear(dice: random.Random) -> None:
    """Noise, clipping and silence in any block length: verdicts, one final word, no exception."""
    noise = np.random.default_rng(dice.randrange(2**32))
    ear = Listener(country=dice.choice([None, "CN", "US", "XX"]), phase=dice.choice(["early", "answered"]))
    for _ in range(dice.randrange(1, 6)):
        size = dice.choice([0, 1, 79, 80, 160, 161, 4000])
        block = noise.integers(-32768, 32768, size).astype(np.int16)
        ear.push(block if dice.random() < 0.7 else (np.sign(block) * 32767).astype(np.int16))
    assert ear.finish().final


TARGETS: dict[str, tuple[Callable[[random.Random], None], int]] = {
    # target, how many of a million rounds it gets (the ear costs a thousand times more than the rest)
    "cells": (fuzz_cells, 400_000),
    "sip": (fuzz_sip, 400_000),
    "bus": (fuzz_bus, 198_000),
    "ear": (fuzz_ear, 2_000),
}


def run_fuzz(name: str, rounds: int, *, seed: int = 1) -> None:
    """Run one target; a failure names the round that shows it again."""
    target, _ = TARGETS[name]
    for number in range(rounds):
        try:
            target(random.Random(f"{seed}:{name}:{number}"))
        except Exception as error:
            raise AssertionError(f"{name}: round {number} of seed {seed} raised {error!r}") from error
