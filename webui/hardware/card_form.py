"""The form of a line card: what is asked for by how it is read, in the reader's words."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

KINDS: dict[str, tuple[Any, Any]] = {
    "snmp3": (
        _l("SNMP v3"),
        _l("A gateway on the network, asked with a user and two keys. The better choice where it can do both."),
    ),
    "snmp2": (_l("SNMP v2c"), _l("A gateway on the network, asked with a community, which everyone there can read.")),
    "console": (
        _l("Serial console"),
        _l("A gateway or card whose command line hangs on a serial port, or on a terminal server."),
    ),
    "dahdi": (_l("DAHDI card"), _l("A card inside this box. Its spans are watched; it places no calls.")),
}
"""Kind of form -> (name, when to take it)."""
SOURCES = {"snmp2": "snmp", "snmp3": "snmp", "console": "console", "dahdi": "dahdi"}
FIELDS: dict[str, tuple[str, ...]] = {
    "snmp3": ("profile", "address", "user", "auth_key", "priv_key", "name", "sip", "poll_s"),
    "snmp2": ("profile", "address", "community", "name", "sip", "poll_s"),
    "console": ("profile", "port", "address", "baud", "user", "password", "enable_password", "name", "sip", "poll_s"),
    "dahdi": ("profile", "poll_s"),
}
REQUIRED = {
    "snmp3": frozenset({"address", "user"}), "snmp2": frozenset({"address"}), "console": frozenset[str](),
    "dahdi": frozenset[str](),
}  # fmt: skip
SECRETS = frozenset({"community", "password", "enable_password", "auth_key", "priv_key"})
NUMBERS = {"baud": (0, 921600, "1"), "poll_s": (0.5, 60, "0.5")}
"""Field -> (least, most, step)."""
LABELS: dict[str, tuple[Any, Any]] = {
    "id": (
        _l("Short name"),
        _l("Begins the names of its lines: small letters, digits, - and _, 16 at most. It does not change later."),
    ),
    "profile": (_l("Make and model"), ""),
    "address": (_l("Address"), _l("Name or IP address, with :port where it is not the usual one.")),
    "port": (_l("Serial port"), _l("By its lasting name, like /dev/serial/by-id/usb-…; empty when it has an address.")),
    "baud": (_l("Speed"), _l("Of the serial port; 0: as its make has it.")),
    "name": (
        _l("Its own name"),
        _l("What it calls itself (sysName, prompt); another one there is not believed. Empty: not looked at."),
    ),
    "community": (_l("Community"), ""),
    "user": (_l("User name"), ""),
    "password": (_l("Password"), ""),
    "enable_password": (_l("Second password"), _l("For changes, where its command line asks for one.")),
    "auth_key": (_l("Authentication key"), _l("SHA, 8 characters at least.")),
    "priv_key": (_l("Privacy key"), _l("AES-128, 8 characters at least.")),
    "sip": (_l("SIP address"), _l("host:port where it takes calls, as in its trunk; empty: not known.")),
    "poll_s": (_l("Read every"), _l("Seconds; events and traps come sooner.")),
}
"""Field -> (label, hint)."""
_DEFAULTS = {"poll_s": 3.0, "baud": 0}


def kind_of(card: dict[str, Any]) -> str:
    """The kind of form for a card that is known."""
    if card["source"] == "snmp":
        return "snmp3" if card.get("user") else "snmp2"
    return str(card["source"])


def plain_of(kind: str, form: MultiDict[str, str], card: dict[str, Any] | None) -> dict[str, Any]:
    """The card that the form holds; what is empty is left out. Name and source of a known card stay."""
    given = {name: form.get(name, "") if name in SECRETS else form.get(name, "").strip() for name in FIELDS[kind]}
    given["id"] = card["id"] if card is not None else form.get("id", "").strip()
    return {name: value for name, value in given.items() if value} | {"source": SOURCES[kind]}


def shown(kind: str, card: dict[str, Any]) -> dict[str, Any]:
    """Field -> value to fill in; never a secret."""
    return {name: "" if name in SECRETS else card.get(name, _DEFAULTS.get(name, "")) for name in ("id", *FIELDS[kind])}


def lines_of(card: dict[str, Any], lines: Any) -> list[str]:
    """Those of a trunk's `lines` that are this card's."""
    begins = "dahdi:" if card["source"] == "dahdi" else f"{card['id']}:"
    return [str(line) for line in lines or () if str(line).startswith(begins)]
