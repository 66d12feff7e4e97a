"""Lines and disks in the reader's words."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

CAUSES: dict[str, tuple[Any, Any]] = {
    "los": (_l("No signal"), _l("Nothing comes in. Look at the plug and the cable, then ask the exchange's side.")),
    "lof": (
        _l("No frame"),
        _l("A signal comes, but its frames are not understood. Compare framing and CRC-4 with the exchange."),
    ),
    "ais": (_l("All ones"), _l("The fault is further up the line: ask the carrier. The cable here is all right.")),
    "rai": (
        _l("The far end does not hear us"),
        _l("What we send does not arrive. Look at the transmit pair, then ask the exchange's side."),
    ),
    "lomf": (_l("No CRC-4 multiframe"), _l("CRC-4 is on here and perhaps off at the exchange. Set both alike.")),
    "t16ais": (_l("All ones in slot 16"), _l("The signalling slot is dead at the far end. Ask the carrier.")),
    "loop": (_l("Looped for a test"), _l("The line carries no calls until the loop ends.")),
    "out_of_service": (
        _l("Not in service"),
        _l("The equipment says that it is down and names no alarm. Look at its own page."),
    ),
    "d_channel": (
        _l("The D channel is down"),
        _l("The line is well, but the exchange does not signal. Compare user and network side, then ask the exchange."),
    ),
    "sip": (
        _l("The gateway does not answer calls"),
        _l("The line may be well, but its gateway is silent on SIP. Look at its power and its network cable."),
    ),
}
"""What is wrong with a line (title, what to do), the cause before what follows from it (as domain.line_alarms)."""

SHORT = {
    "los": "LOS", "lof": "LOF", "ais": "AIS", "rai": "RAI", "lomf": "LOMF", "t16ais": "T16AIS", "loop": "LOOP",
    "d_channel": "D", "sip": "SIP",
}  # fmt: skip

CHANNELS: dict[str, Any] = {
    "idle": _l("free"),
    "busy": _l("in a call"),
    "blocked": _l("blocked"),
    "signalling": _l("signalling"),
    "alarm": _l("in alarm"),
    "unknown": _l("not known"),
}
LETTERS = {"idle": "", "busy": "B", "blocked": "×", "signalling": "S", "alarm": "!", "unknown": "?"}

LINE_STATES: dict[str, Any] = {"up": _l("In service"), "down": _l("Not in service"), "unknown": _l("Not known")}
LINE_COLOURS = {"up": "green", "down": "red", "unknown": "secondary"}
KINDS: dict[str, Any] = {"e1": _l("E1"), "fxo": _l("Analogue line")}

SOURCES: dict[str, Any] = {
    "dahdi": _l("DAHDI card"),
    "snmp": _l("SNMP"),
    "console": _l("serial console"),
    "options": _l("SIP ping"),
}

COUNTERS: dict[str, Any] = {
    "es": _l("errored seconds"),
    "ses": _l("severely errored seconds"),
    "uas": _l("unavailable seconds"),
    "css": _l("clock slips, seconds"),
    "lcv": _l("code violations"),
    "pcv": _l("CRC errors"),
}

PERIODS: dict[str, Any] = {"quarter": _l("15 minutes"), "day": _l("24 hours")}
"""Of the report after G.826."""
RATIOS: dict[str, Any] = {
    "esr": _l("errored seconds"), "sesr": _l("severely errored seconds"), "bber": _l("background block errors"),
}  # fmt: skip

VERBS: dict[str, Any] = {
    "set_framing": _l("Framing"),
    "set_coding": _l("Line code"),
    "set_crc4": _l("CRC-4"),
    "set_clock": _l("Clock"),
    "set_d_channel": _l("Side of the D channel"),
    "set_gain": _l("Gain"),
    "set_impedance": _l("Impedance"),
    "set_hunt_group": _l("Hunt group"),
    "block_channel": _l("Block"),
    "unblock_channel": _l("Free"),
    "restart": _l("Restart the port"),
    "loop_local": _l("Local loop"),
    "loop_line": _l("Line loop"),
    "loop_payload": _l("Payload loop"),
    "loop_off": _l("End the loop"),
    "bert_start": _l("Start the error test"),
    "bert_read": _l("Read the result"),
    "bert_stop": _l("End the error test"),
    "locate_on": _l("Blink"),
    "locate_off": _l("Stop blinking"),
    "fxo_off_hook": _l("Lift"),
    "fxo_on_hook": _l("Hang up"),
    "fxo_dial": _l("Dial"),
    "fxo_flash": _l("Flash"),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "set_framing": ("crc4", "no-crc4"),
    "set_coding": ("hdb3", "ami"),
    "set_crc4": ("crc4", "no-crc4"),
    "set_clock": ("line", "internal"),
    "set_d_channel": ("user", "network"),
}
"""Values that are offered where the driver does not name its own."""
VALUES: dict[str, Any] = {
    "line": _l("from the line"),
    "internal": _l("its own"),
    "user": _l("user"),
    "network": _l("network"),
    "none": _l("none"),
    "crc4": _l("with CRC-4"),
    "no-crc4": _l("without CRC-4"),
}

TIMED = frozenset({"loop_local", "loop_line", "loop_payload", "bert_start", "locate_on", "fxo_off_hook"})
CUTS_CALLS = frozenset(
    {
        "loop_local", "loop_line", "loop_payload", "bert_start", "set_framing", "set_coding", "set_crc4", "set_clock",
        "set_d_channel", "set_impedance", "restart", "fxo_off_hook", "fxo_dial", "fxo_flash",
    }
)  # fmt: skip
"""What is asked again, with the calls that would be cut; the driver refuses it by itself while calls run."""

LIMITS_S: dict[int, Any] = {30: _l("30 s"), 60: _l("1 min"), 300: _l("5 min"), 900: _l("15 min"), 3600: _l("1 h")}

# ---- disks ---------------------------------------------------------------------------------------------------

REFUSALS: dict[str, Any] = {
    "in_array": _l("It belongs to an array already."),
    "in_use": _l("The box uses it for something else."),
    "no_serial": _l("It shows no serial number, so it cannot be told from another disk."),
    "no_name": _l("It has no name of its own, so it cannot be told from another disk."),
    "removable": _l("It is a removable disk (USB, card)."),
    "too_small": _l("It is smaller than the good disk."),
    "foreign": _l("Somebody's data stand on it. Erase it elsewhere first if it may be used."),
    "unknown_content": _l("What stands on it could not be read."),
}

STEPS: tuple[tuple[str, Any], ...] = (
    ("remove_failed", _l("Forget the old disk")),
    ("partition", _l("Partition the new disk")),
    ("add", _l("Take it into the mirror")),
    ("wait", _l("Copy the data")),
    ("copy_boot", _l("Make it bootable")),
    ("done", _l("Done")),
)
"""The steps of a replacement in their order; `verify` belongs to `copy_boot`."""

REPLACE_REASONS: dict[str, Any] = {
    "failing": _l("the disk itself says that it fails"),
    "uncorrectable": _l("sectors could not be read"),
    "self_test": _l("its test of itself failed"),
    "spare_low": _l("its spare blocks run out"),
    "wear": _l("its flash is worn"),
    "reallocating": _l("more and more sectors are replaced by spare ones"),
    "pending_sectors": _l("sectors wait to be replaced"),
}

ARRAY_ACTIONS: dict[str, Any] = {
    "recover": _l("Being rebuilt"),
    "resync": _l("Being made equal"),
    "reshape": _l("Being rebuilt"),
    "check": _l("Being compared"),
    "repair": _l("Being repaired"),
}
