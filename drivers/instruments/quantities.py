"""What is measured on a line, and what a meter must never be told unasked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Quantity(StrEnum):
    """One figure of a line test."""

    ON_HOOK_V = "on_hook_v"
    """Direct voltage across the pair at rest; its sign is the polarity (red probe on wire b)."""
    RING_V = "ring_v"
    """Ringing voltage, rms."""
    RING_HZ = "ring_hz"
    OFF_HOOK_V = "off_hook_v"
    LOOP_MA = "loop_ma"
    INSULATION_OHM = "insulation_ohm"
    STRAY_AC_V = "stray_ac_v"
    """Alternating voltage before a dangerous step: is the line ringing?"""
    STRAY_DC_V = "stray_dc_v"
    """Direct voltage before ohms: is the exchange still on the pair?"""
    BER = "ber"
    """Bit errors per bit."""
    SLIPS = "slips"
    """Frame slips since the tester was started."""
    OFFSET_PPM = "offset_ppm"
    """Deviation of the line's bit rate from 2 048 kbit/s."""


HAZARDOUS = frozenset({Quantity.LOOP_MA, Quantity.INSULATION_OHM})
"""Leads must be moved, or a current source put on the pair: a meter measures these only after the technician's yes."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure in its base unit: volts, milliamperes, hertz, ohms, parts per million, or a number."""

    quantity: Quantity
    value: float
    over_range: bool = False
    """The instrument said "more than I can show" (SCPI answers 9.9E37)."""
