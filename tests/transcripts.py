"""Transcripts of cards as their makers publish them, and what is done to them: the same in a short and a long run."""

from __future__ import annotations

import random

from drivers import profiles
from drivers.console.parse import parse
from drivers.console.text import clean
from drivers.lines import ReaderError

UP = """\
E1 0 is up.
  Applique type is Channelized E1 - balanced
  No alarms detected.
  Version info of Slot 0:  HW: 2, Firmware: 4, PLD Rev: 2
  Framing is CRC4, Line Code is HDB3, Clock Source is Line Primary.
  Data in current interval (251 seconds elapsed):
     0 Line Code Violations, 0 Path Code Violations
     0 Slip Secs, 0 Fr Loss Secs, 0 Line Err Secs, 0 Degraded Mins
     0 Errored Secs, 0 Bursty Err Secs, 0 Severely Err Secs, 0 Unavail Secs
  Total Data (last 24 hours)
     0 Line Code Violations, 0 Path Code Violations,
"""
DOWN = """\
E1 1 is down.
  Applique type is Channelized E1 - balanced
  Transmitter is sending remote alarm.
  Receiver has loss of signal.
  Version info of Slot 0:  HW: 2, Firmware: 4, PLD Rev: 2
  Framing is CRC4, Line Code is HDB3, Clock Source is Line Secondary.
  Data in current interval (200 seconds elapsed):
     3 Line Code Violations, 0 Path Code Violations
     0 Slip Secs, 200 Fr Loss Secs, 0 Line Err Secs, 0 Degraded Mins
     0 Errored Secs, 0 Bursty Err Secs, 0 Severely Err Secs, 200 Unavail Secs
"""
ISDN = """\
ISDN Serial0:15 interface
        dsl 0, interface ISDN Switchtype = primary-net5
    Layer 1 Status:
        ACTIVE
    Layer 2 Status:
        TEI = 0, Ces = 1, SAPI = 0, State = MULTIPLE_FRAME_ESTABLISHED
    Layer 3 Status:
        2 Active Layer 3 Call(s)
        CCB:callid=C78C, sapi=0, ces=0, B-chan=2, calltype=VOICE
        CCB:callid=3335, sapi=0, ces=0, B-chan=9, calltype=VOICE
"""
_CISCO = profiles.find("cisco_e1")


def mutated(dice: random.Random, data: bytes, strength: int) -> bytes:
    """What a bad cable does: bytes flipped, lost, doubled and put in, whole lines moved."""
    out = bytearray(data)
    for _ in range(dice.randint(1, max(strength, 1))):
        at = dice.randrange(len(out) + 1)
        match dice.randrange(6):
            case 0 if at < len(out):
                out[at] ^= 1 << dice.randrange(8)
            case 1:
                del out[at : at + dice.randint(1, 60)]
            case 2:
                out[at:at] = out[at : at + dice.randint(1, 60)]
            case 3:
                out[at:at] = bytes(dice.choices(b"\r\n\x00\x08\x1b[ :%0123456789", k=dice.randint(1, 4)))
            case 4:
                out[at:at] = dice.randbytes(dice.randint(1, 8))
            case _:
                lines = bytes(out).split(b"\n")
                lines.insert(dice.randrange(len(lines)), lines.pop(dice.randrange(len(lines))))
                out = bytearray(b"\n".join(lines))
    return bytes(out)


def read_mutated(main: bytes, second: bytes) -> set[str]:
    """Read as the reader does; the lines that are called up. A refusal is an empty answer; anything else is a fault."""
    words = _CISCO.console
    assert words is not None
    try:
        text = clean(main.decode("latin-1"), "show controllers e1", words.unsolicited)
    except ReaderError:
        return set()
    try:
        isdn = clean(second.decode("latin-1"), "show isdn status", words.unsolicited)
    except ReaderError:
        isdn = ""
    try:
        lines = parse(_CISCO, [text, isdn], card="gw", taken_at_unix_s=0.0)
    except ReaderError:
        return set()
    return {line.line_id for line in lines if line.up}
