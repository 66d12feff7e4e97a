"""The form of a campaign: what a manager sets every day; everything else keeps its default."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)  # fmt: skip
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp

from appliance.commands import SaveCampaign
from appliance.errors import ValidationErrors
from appliance.settings import load_settings
from appliance.store.read import campaigns, trunks, users
from appliance.types import RecordingPolicy, Role
from webui import labels
from webui.box import ask, box, store
from webui.forms import choices
from webui.supervisor.dialling_form import DiallingFields, dialling_values, named_as_here
from webui.supervisor.retry_form import RetryFields
from webui.supervisor.rules_form import RuleFields, rules_named_as_here

MODES = [(mode, labels.CAMPAIGN_MODES[mode]) for mode in ("progressive", "predictive", "preview", "voice")]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = {
    "mon": _l("Mon"), "tue": _l("Tue"), "wed": _l("Wed"), "thu": _l("Thu"), "fri": _l("Fri"), "sat": _l("Sat"),
    "sun": _l("Sun"),
}  # fmt: skip
WRAP_UP_MODES = {
    "timed": _l("Until a result is chosen or the time is over"),
    "fixed": _l("The whole time, whatever is set"),
    "mandatory": _l("Until a result is chosen"),
    "optional": _l("May be left without a result"),
    "none": _l("No wrap-up"),
}
ZONES = {"number": _l("The zone of the number called"), "box": _l("The zone of the box")}
_HOUR = r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$"
_SPLIT = re.compile(r"[,;\n]+")


class CampaignForm(FlaskForm, RuleFields, DiallingFields, RetryFields):  # type: ignore[misc]
    """Fields in the order of the page."""

    name = StringField(_l("Name of the campaign"), [InputRequired(), Length(max=120)])
    mode = RadioField(_l("Mode"), choices=choices(MODES))
    hours_from = StringField(
        _l("Calls from"), [Regexp(_HOUR, message=_l("Write a time such as 08:00."))],
        render_kw={"inputmode": "numeric", "maxlength": 5},
    )  # fmt: skip
    hours_to = StringField(
        _l("Calls until"), [Regexp(_HOUR, message=_l("Write a time such as 20:00."))],
        render_kw={"inputmode": "numeric", "maxlength": 5},
    )  # fmt: skip
    days = SelectMultipleField(_l("On"), choices=choices(DAY_NAMES.items()))
    time_zone_rule = SelectField(_l("Hours hold in"), choices=choices(ZONES.items()))
    attempts_per_day_max = IntegerField(_l("Attempts per number and day"), [NumberRange(1, 20)])
    attempts_total_max = IntegerField(_l("Attempts per number in all"), [NumberRange(1, 100)])
    wrap_up_mode = SelectField(_l("Wrap-up"), choices=choices(WRAP_UP_MODES.items()))
    wrap_up_s = IntegerField(
        _l("Longest wrap-up, seconds"), [Optional(), NumberRange(0, 3600)], description=_l("Empty: as in the settings.")
    )
    trunk_ids = SelectMultipleField(_l("Trunks"), description=_l("None chosen: all of them."))
    agent_ids = SelectMultipleField(_l("Agents"), description=_l("None chosen: everyone."))
    caller_id = StringField(
        _l("Number shown to the person called"), [Optional(), Regexp(r"^\+?\d{2,15}$", message=_l("Digits only."))],
        description=_l("Empty: the trunk's own number."),
    )  # fmt: skip
    script = TextAreaField(
        _l("Script for the agent"), [Length(max=20000)],
        description=_l("{name}, {amount} and the columns of your list in braces are filled in."), render_kw={"rows": 8},
    )  # fmt: skip
    dispositions = StringField(
        _l("Own results"), [Length(max=500)], description=_l("Beside the usual ones, separated by commas.")
    )
    recording = RadioField(_l("Record conversations"), choices=choices(labels.RECORDING_POLICIES.items()))
    mask_numbers = BooleanField(_l("Agents see only the last digits of numbers"))

    def _choices(self) -> CampaignForm:
        self.trunk_ids.choices = choices((t.id, t.display_name or t.id) for t in trunks.trunks(store()) if t.enabled)
        people = [u for u in users.users(store()) if u.enabled and u.role != Role.ADMINISTRATOR]
        self.agent_ids.choices = choices((u.id, u.display_name or u.login) for u in people)
        self.offer_prompts()
        self.offer_rules()
        return self

    @classmethod
    def fresh(cls) -> CampaignForm:
        """The form of a new campaign with its defaults."""
        return cls(
            mode="progressive", hours_from="08:00", hours_to="20:00", days=list(DAYS), time_zone_rule="number",
            rule_profile=load_settings(box().home).dialling.rule_profile,
            attempts_per_day_max=3, attempts_total_max=6, wrap_up_mode="timed", recording="always",
            **cls.retry_values({}),
        )._choices()  # fmt: skip

    @classmethod
    def of(cls, campaign: campaigns.CampaignView) -> CampaignForm:
        """The form of a campaign as it is. Different hours per day show as the first day's."""
        config = campaign.config
        hours = {day: spans for day, spans in (config.get("calling_hours") or {}).items() if spans}
        first = next(iter(hours.values()), ["08:00-20:00"])[0]
        kept = ("time_zone_rule", "rule_profile", "attempts_per_day_max", "attempts_total_max", "wrap_up_mode",
                "trunk_ids", "agent_ids", "caller_id", "script", "mask_numbers")  # fmt: skip
        values = {key: config[key] for key in kept if key in config}
        wrap_up = config.get("wrap_up_s")
        return cls(
            name=campaign.name, mode=campaign.mode, hours_from=first[:5], hours_to=first[6:], days=list(hours),
            wrap_up_s=None if wrap_up is None else int(wrap_up), dispositions=", ".join(config.get("dispositions", ())),
            recording=recording_of(config), **values,
            **dialling_values(config), **cls.rule_values(config), **cls.retry_values(config),
        )._choices()  # fmt: skip

    def config(self, before: dict[str, Any]) -> dict[str, Any]:
        """The campaign's configuration: what the form holds over what was there before."""
        span = f"{self.hours_from.data}-{self.hours_to.data}"
        taken = ("time_zone_rule", "rule_profile", "attempts_per_day_max", "attempts_total_max", "wrap_up_mode",
                 "wrap_up_s", "trunk_ids", "agent_ids", "mask_numbers")  # fmt: skip
        return {
            **before, **{name: self[name].data for name in taken}, "calling_hours": {d: [span] for d in self.days.data},
            **recording_config(self.recording.data),
            "caller_id": self.caller_id.data or "", "script": self.script.data or "",
            **self.dialling_config(before), **self.rule_config(), **self.retry_config(before),
            "dispositions": [part.strip() for part in _SPLIT.split(self.dispositions.data or "") if part.strip()],
        }  # fmt: skip


def recording_of(config: dict[str, Any]) -> str:
    """The policy as one word (types.RecordingPolicy)."""
    if not config.get("record", True):
        return RecordingPolicy.NEVER.value
    return (RecordingPolicy.ON_DEMAND if config.get("record_on_demand") else RecordingPolicy.ALWAYS).value


def recording_config(policy: str) -> dict[str, bool]:
    """The two switches of a configuration that say the same."""
    return {
        "record": policy != RecordingPolicy.NEVER, "record_on_demand": policy == RecordingPolicy.ON_DEMAND,
    }  # fmt: skip


def save(form: CampaignForm, campaign: campaigns.CampaignView | None = None) -> str:
    """Make or change the campaign; returns its id. Raises ValidationErrors."""
    if form.hours_from.data >= form.hours_to.data:
        raise ValidationErrors([("hours_to", "campaign.hours", _("The end must be later than the beginning."))])
    config = form.config(campaign.config if campaign else {})
    try:
        done = ask(
            SaveCampaign, id=campaign.id if campaign else None, name=form.name.data, mode=form.mode.data, config=config
        )
    except ValidationErrors as wrong:
        raise named_as_here(rules_named_as_here(wrong)) from wrong
    return str(done.id)
