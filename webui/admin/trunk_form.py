"""The form of a trunk and its plain configuration (telephony.trunks.TrunkConfig); the office checks it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from appliance.errors import ValidationErrors
from webui.error_texts import text_of
from webui.hardware.line_view import LineView

DIRECTIONS = ("outbound", "inbound")
NUMBERS = ("called", "calling")


def _rules(form: MultiDict[str, str], prefix: str) -> list[dict[str, Any]]:
    rows = zip(
        form.getlist(f"{prefix}-match"), form.getlist(f"{prefix}-strip"), form.getlist(f"{prefix}-prepend"),
        strict=False,
    )  # fmt: skip
    rules = [
        {"match": match.strip(), "strip": int(strip) if strip.isdigit() else 0, "prepend": prepend.strip()}
        for match, strip, prepend in rows
    ]
    return [rule for rule in rules if rule["match"] or rule["strip"] or rule["prepend"]]


def _gateways(form: MultiDict[str, str]) -> list[dict[str, Any]]:
    rows = zip(form.getlist("gateway"), form.getlist("port"), form.getlist("transport"), strict=False)
    return [
        {"address": address.strip(), "port": int(port) if port.isdigit() else 5060, "transport": transport}
        for address, port, transport in rows
        if address.strip()
    ]


def _provider(form: MultiDict[str, str]) -> dict[str, Any] | None:
    if not form.get("provider_user"):
        return None
    return {
        "user": form["provider_user"], "password": form.get("provider_password", ""),
        "domain": form.get("provider_domain", ""), "registers": form.get("provider_registers") == "y",
    }  # fmt: skip


def config_of(form: MultiDict[str, str]) -> dict[str, Any]:
    """The configuration that the form holds."""
    plain: dict[str, Any] = {
        "gateways": _gateways(form), "channels": form.get("channels", type=int) or 30,
        "caller_id": form.get("caller_id", "").strip(), "provider": _provider(form),
        "lines": form.getlist("lines"), "calls_per_s": form.get("calls_per_s", type=float) or None,
        "caller_ids": [part for part in re.split(r"[\s,;]+", form.get("caller_ids", "")) if part],
    }  # fmt: skip
    for direction in DIRECTIONS:
        plain[direction] = {which: _rules(form, f"{direction}-{which}") for which in NUMBERS}
    return plain


@dataclass(frozen=True)
class LineChoice:
    """A line that may carry the trunk; `here` False: it was chosen once and is not read now."""

    id: str
    name: str
    chosen: bool
    here: bool


def line_choices(known: list[LineView], chosen: list[str]) -> list[LineChoice]:
    """All lines but those that are watched only, and what was chosen before even if it is gone."""
    offered = [line for line in known if not line.watched_only]
    choices = [LineChoice(line.id, line.name, line.id in chosen, here=True) for line in offered]
    gone = [line_id for line_id in chosen if line_id not in {line.id for line in offered}]
    return choices + [LineChoice(line_id, line_id, chosen=True, here=False) for line_id in gone]


def rules_only(form: MultiDict[str, str]) -> dict[str, Any]:
    """The configuration for trying rules out: a gateway that is not filled in yet does not matter there."""
    plain = config_of(form)
    return {**plain, "gateways": plain["gateways"] or [{"address": "gateway.invalid"}], "provider": None}


def blank() -> dict[str, Any]:
    """The configuration of a new trunk: national numbers with a leading 0, as many gateways want them."""
    return {
        "gateways": [{"address": "", "port": 5060, "transport": "udp"}], "channels": 30, "caller_id": "",
        "provider": None, "lines": [], "caller_ids": [], "calls_per_s": None, "outbound": {"called": [], "calling": []},
        "inbound": {"called": [], "calling": []},
    }  # fmt: skip


def messages(wrong: ValidationErrors) -> list[str]:
    """The office's complaints as sentences with the place in front."""
    places = {
        "gateways": _("Gateways"), "channels": _("Channels"), "caller_id": _("Caller number"),
        "caller_ids": _("More caller numbers"), "calls_per_s": _("New calls per second"),
        "outbound": _("Outbound rules"), "inbound": _("Inbound rules"), "provider": _("Provider"),
        "lines": _("Lines"),
        "id": _("Short name"),
    }  # fmt: skip
    return [f"{places.get(field.split('.')[0], field)}: {text_of(key, text)}" for field, key, text in wrong.errors]
