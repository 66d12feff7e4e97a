"""Steps about calls: a trunk with a test call, the rules of the country, a campaign of three numbers."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from typing import Any

from flask import flash, request
from flask_babel import get_locale
from flask_babel import gettext as _

from appliance.commands import CampaignAction, ImportList, SaveCampaign, SaveSettings, SaveTrunk, ShowTestCall
from appliance.errors import CallboxError, CallerError
from appliance.ids import new_id
from appliance.settings import load_settings
from appliance.store.read import campaigns, set_up
from appliance.store.read import rules as rule_reads
from appliance.store.read import trunks as trunk_reads
from webui.admin import trunk_form
from webui.admin.test_calls import last_call
from webui.box import ask, box, store
from webui.hardware.line_view import lines
from webui.hardware.readings import reading
from webui.setup import wizard
from webui.supervisor.rules_form import RULES

TONE_PLANS = (
    "CN", "RU", "US", "GB", "IN", "DE", "FR", "KZ", "BY", "UA", "HK", "TW", "SG", "JP", "KR", "VN", "TH", "BR",
)  # fmt: skip
"""Countries that are offered first; any other is typed in the settings."""
NUMBERS = 3


def trunk() -> dict[str, Any]:
    """Trunks that are there, lines that may carry one, the countries' tone plans."""
    found, saved = trunk_reads.trunks(store()), load_settings(box().home)
    territories = get_locale().territories
    countries = sorted(((code, territories.get(code, code)) for code in {*TONE_PLANS, saved.dialling.default_region}),
                       key=lambda pair: pair[1])  # fmt: skip
    return {
        "trunks": found, "lines": trunk_form.line_choices(lines(reading("lines")), request.form.getlist("lines")),
        "countries": countries, "country": saved.dialling.default_region, "call": last_call(),
    }  # fmt: skip


def save_trunk() -> dict[str, Any] | None:
    """Save a trunk, or go on when there is one. The test call is a form of its own."""
    form = request.form
    if form.get("do") == "next":
        found = trunk_reads.trunks(store())
        if not found:
            raise CallerError("set_up.no_trunk", _("Save a trunk first."))
        return {"trunks": [t.display_name for t in found], "channels": sum(t.channels for t in found), **_test_call()}
    ask(SaveSettings, changes={"dialling": {"default_region": form.get("country", "CN")}})
    ask(SaveTrunk, id=form.get("id", "").strip(), display_name=form.get("display_name", ""),
        config=trunk_form.config_of(form))  # fmt: skip
    flash(_("The trunk is saved. Call a number through it now."), "success")
    return None


def _test_call() -> dict[str, Any]:
    """The last test call for the report: its end, never the number."""
    call_id = last_call()
    if not call_id:
        return {}
    try:
        found = ask(ShowTestCall, id=call_id).data
    except CallboxError:
        return {}
    return {"test_call": {key: found.get(key) for key in ("outcome", "answered", "seconds", "error")}}


# ---- rules -------------------------------------------------------------------------------------------------------


def rules() -> dict[str, Any]:
    """The profiles with their figures."""
    saved = load_settings(box().home).dialling
    neutral = _("None of a country: only each campaign's own hours and limits")
    return {
        "profiles": rule_reads.profiles(datetime.now(UTC).date()), "names": {**RULES, "neutral": neutral},
        "chosen": saved.rule_profile, "company_name": saved.company_name, "company_number": saved.company_number,
    }  # fmt: skip


def save_rules() -> dict[str, Any]:
    """The profile that new campaigns begin with, and what is said to people whom no agent could take."""
    form = request.form
    profile = form.get("profile", "")
    if profile not in RULES:
        raise CallerError("set_up.no_rules", _("Choose the rules of a country."))
    ask(SaveSettings, changes={"dialling": {
        "rule_profile": profile, "company_name": form.get("company_name", "").strip(),
        "company_number": form.get("company_number", "").strip(),
    }})  # fmt: skip
    return {"profile": profile}


# ---- test campaign -----------------------------------------------------------------------------------------------


def campaign() -> dict[str, Any]:
    """The test campaign, if it was made, with its calls."""
    campaign_id = str(wizard.data_of("campaign").get("campaign_id") or "")
    found = campaigns.campaign_with_figures(store(), campaign_id) if campaign_id else None
    calls = set_up.calls(store(), campaign_id) if found else []
    live = box().live.campaign(campaign_id) if found else None
    blocked = live.blocked_reason if live is not None else ""
    return {"campaign": found, "calls": calls, "blocked": blocked, "numbers": NUMBERS}


def save_campaign() -> dict[str, Any] | None:
    """Make it of three numbers and start it; then go on with what its calls came to."""
    if request.form.get("do") == "next":
        found = campaign()
        if found["campaign"] is None:
            raise CallerError("set_up.no_campaign", _("Start the test campaign first, or leave this step out."))
        ended = [call for call in found["calls"] if call.ended]
        return {"campaign_id": found["campaign"].id, "calls": [call.outcome for call in ended],
                "answered": sum(call.answered for call in ended)}  # fmt: skip
    numbers = [number.strip() for number in request.form.getlist("number") if number.strip()]
    if len(numbers) != NUMBERS:
        raise CallerError("set_up.three_numbers", _("Give three numbers that you may call: your own phones."))
    profile = load_settings(box().home).dialling.rule_profile
    name = _("Test") + " " + new_id()[-4:]
    made = str(ask(SaveCampaign, name=name, mode="progressive", config={"rule_profile": profile}).id)
    path = box().home.uploads / f"{new_id()}.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["name", "phone"])
        writer.writerows([f"{_('Test')} {at}", number] for at, number in enumerate(numbers, start=1))
    path.chmod(0o600)
    ask(ImportList, path=str(path), file_name="test.csv", campaign_id=made, dry_run=False,
        mapping={"name": "name", "phone": "phone"}, timeout_s=15.0)  # fmt: skip
    ask(CampaignAction, campaign_id=made, action="start")
    wizard.finish("campaign", skipped=True, campaign_id=made)
    flash(_("The test campaign runs. Sit down at a seat in another tab to take its calls."), "success")
    return None
