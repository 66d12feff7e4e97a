"""The part of a campaign's form that says how it dials: pace, numbers shown, preview, greeting, its own message."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DecimalField, Form, IntegerField, SelectField, StringField
from wtforms.validators import NumberRange, Optional

from appliance.errors import ValidationErrors
from webui.box import box
from webui.forms import choices
from webui.skills import skills_of, skills_text

AFTER_COUNTDOWN = {"dial": _l("Dial"), "skip": _l("Skip")}
ON_MACHINE = {"hang_up": _l("Hang up"), "after_beep": _l("Leave the message after the beep")}
KEYS = {"": _l("None"), **{key: key for key in "1234567890*#"}}
_NAMES = {
    "voice.prompt": "voice_prompt", "voice.agent_key": "voice_agent_key", "voice.stop_key": "voice_stop_key",
    "voice": "voice_stop_key",
}  # fmt: skip
_PLAIN = ("weight", "max_lines", "caller_id_daily", "callback_wait_min", "preview_countdown_s", "preview_after",
          "greeting_prompt", "greeting_wait_s", "manual_dial")  # fmt: skip
_SPLIT = re.compile(r"[,;\n]+")


class DiallingFields(Form):  # type: ignore[misc]
    """Mixed into the campaign's form; every field has a safe default."""

    abandoned_percent = DecimalField(
        _l("Abandoned calls, at most %"), [NumberRange(0.1, 10)], places=1, default=1,
        description=_l("Of the people who answer. The rules of the country may be stricter."),
    )  # fmt: skip
    abandoned_window_h = IntegerField(_l("counted over hours"), [NumberRange(1, 720)], default=24)
    weight = IntegerField(
        _l("Weight"), [NumberRange(1, 100)], default=1,
        description=_l("Share of the agents' time when several campaigns run at once."),
    )  # fmt: skip
    skills_text = StringField(
        _l("Skills that agents need"), default="",
        description=_l("For instance: russian:3, legal. The number is the least level, from 1 to 5."),
    )  # fmt: skip
    max_lines = IntegerField(
        _l("Lines at most"), [Optional(), NumberRange(1, 1000)], description=_l("Empty: all of its trunks.")
    )
    callback_wait_min = IntegerField(
        _l("Own call-backs wait for their agent, minutes"), [NumberRange(0, 1440)], default=15,
        description=_l("After that anyone may make them."),
    )  # fmt: skip
    manual_dial = BooleanField(_l("Agents may dial a number that they type"))
    callers_text = StringField(
        _l("More numbers to show"), default="", description=_l("Separated by commas; they are used in turn.")
    )
    caller_id_daily = IntegerField(
        _l("Calls per shown number and day"), [Optional(), NumberRange(1, 100_000)], description=_l("Empty: no limit.")
    )
    preview_countdown_s = IntegerField(
        _l("Countdown of a preview, seconds"), [NumberRange(0, 600)], default=0, description=_l("0: none.")
    )
    preview_after = SelectField(_l("When it is over"), choices=choices(AFTER_COUNTDOWN.items()), default="dial")
    greeting_prompt = SelectField(
        _l("Greeting until an agent is free"), default="",
        description=_l("Only where the rules of the country let a machine speak first."),
    )  # fmt: skip
    greeting_wait_s = IntegerField(_l("Greeting at most, seconds"), [NumberRange(2, 30)], default=10)
    voice_prompt = SelectField(_l("Message"), default="message")
    voice_on_machine = SelectField(_l("Answering machines"), choices=choices(ON_MACHINE.items()), default="hang_up")
    voice_agent_key = SelectField(_l("Key for an agent"), choices=choices(KEYS.items()), default="")
    voice_stop_key = SelectField(_l("Key for “do not call again”"), choices=choices(KEYS.items()), default="")

    def offer_prompts(self) -> None:
        """Fill the choices of prompts from the prompt folder."""
        names = sorted(path.stem for path in box().home.prompts.glob("*.wav"))
        self.voice_prompt.choices = choices((name, name) for name in dict.fromkeys(["message", *names]))
        self.greeting_prompt.choices = choices([("", _("None")), *((name, name) for name in names)])

    def dialling_config(self, before: dict[str, Any]) -> dict[str, Any]:
        """What these fields hold, as keys of the campaign's configuration. Raises ValidationErrors."""
        voice = {
            **(before.get("voice") or {}), "prompt": self.voice_prompt.data, "on_machine": self.voice_on_machine.data,
            "agent_key": self.voice_agent_key.data, "stop_key": self.voice_stop_key.data,
        }  # fmt: skip
        return {
            **{name: self[name].data for name in _PLAIN}, "voice": voice, "skills": skills_of(self.skills_text.data),
            "abandoned_limit": float(self.abandoned_percent.data) / 100.0,
            "abandoned_window_h": self.abandoned_window_h.data,
            "caller_ids": [part.strip() for part in _SPLIT.split(self.callers_text.data or "") if part.strip()],
        }  # fmt: skip


def dialling_values(config: dict[str, Any]) -> dict[str, Any]:
    """Values of the fields from a campaign's configuration."""
    values = {name: config[name] for name in (*_PLAIN, "abandoned_window_h") if name in config}
    for name in ("abandoned_window_h", "greeting_wait_s"):
        if name in values:
            values[name] = int(values[name])
    if "abandoned_limit" in config:
        values["abandoned_percent"] = round(100.0 * config["abandoned_limit"], 2)
    values["callers_text"] = ", ".join(config.get("caller_ids", ()))
    values["skills_text"] = skills_text(config.get("skills") or {})
    return values | {f"voice_{name}": value for name, value in (config.get("voice") or {}).items()}


def named_as_here(wrong: ValidationErrors) -> ValidationErrors:
    """Name the box's complaints by the fields of this form."""
    return ValidationErrors([(_NAMES.get(name, name), error_id, text) for name, error_id, text in wrong.errors])
