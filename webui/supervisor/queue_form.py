"""The form of a queue of callers."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp

from appliance.commands import SaveQueue
from appliance.errors import ValidationErrors
from appliance.store.read import campaigns, inbound
from webui import labels
from webui.box import ask, box, store
from webui.forms import choices
from webui.i18n import LANGUAGES
from webui.skills import skills_of, skills_text
from webui.supervisor.campaign_form import DAY_NAMES, DAYS, recording_config, recording_of

_HOUR = r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$"
_SPLIT = re.compile(r"[,;\s]+")
_PLAIN = (
    "campaign_id", "language", "closed_prompt", "music", "notice", "announce_position", "announce_wait",
    "announce_every_s", "callback_key", "max_wait_s", "overflow", "overflow_queue",
)  # fmt: skip
_ONLY_QUEUES = {"hours": "hours_to", "skills": "skills_text"}


class QueueForm(FlaskForm):  # type: ignore[misc]
    """Fields in the order of the page."""

    name = StringField(_l("Name of the queue"), [InputRequired(), Length(max=120)])
    numbers = StringField(
        _l("Called numbers"), default="",
        description=_l("With + and country code, separated by commas. Empty: all numbers that no other queue has."),
    )  # fmt: skip
    campaign_id = SelectField(
        _l("Campaign"), description=_l("Its agents answer, and call-backs go into its list. None: every agent.")
    )
    language = SelectField(_l("Language that callers hear"), choices=choices(LANGUAGES.items()), default="zh")
    hours_from = StringField(
        _l("Open from"), [Regexp(_HOUR, message=_l("Write a time such as 08:00."))], default="00:00",
        render_kw={"inputmode": "numeric", "maxlength": 5},
    )  # fmt: skip
    hours_to = StringField(
        _l("Open until"), [Regexp(_HOUR, message=_l("Write a time such as 20:00."))], default="24:00",
        render_kw={"inputmode": "numeric", "maxlength": 5},
    )  # fmt: skip
    days = SelectMultipleField(_l("On"), choices=choices(DAY_NAMES.items()), default=list(DAYS))
    skills_text = StringField(
        _l("Skills that agents need"), default="",
        description=_l("For instance: russian:3, legal. The number is the least level, from 1 to 5."),
    )  # fmt: skip
    recording = RadioField(
        _l("Record conversations"), choices=choices(labels.RECORDING_POLICIES.items()), default="always"
    )
    notice = BooleanField(_l("Say first that the call is recorded"))
    announce_position = BooleanField(_l("Say the place in the queue"), default=True)
    announce_wait = BooleanField(_l("Say the estimated wait"), default=True)
    callback_key = BooleanField(_l("Who presses 1 is called back instead of waiting"), default=True)
    max_wait_s = IntegerField(_l("Wait at most, seconds"), [NumberRange(10, 7200)], default=600)
    overflow = SelectField(_l("After that"), choices=choices(labels.OVERFLOWS.items()), default="callback")
    overflow_queue = SelectField(_l("Other queue"))
    announce_every_s = IntegerField(_l("Say place and wait every, seconds"), [NumberRange(20, 120)], default=45)
    closed_prompt = SelectField(_l("Message outside the hours"), [Optional()])
    music = SelectField(_l("Music"), default="music")
    enabled = BooleanField(_l("In use"), default=True)

    def offered(self, own_id: str | None) -> QueueForm:
        """Fill in what can be chosen."""
        names = campaigns.names(store()).items()
        self.campaign_id.choices = choices([("", _("None")), *names])
        others = [(q.id, q.name) for q in inbound.queues(store()) if q.id != own_id]
        self.overflow_queue.choices = choices([("", _("None")), *others])
        files = sorted(path.stem for path in box().home.prompts.glob("[a-z0-9]*.wav"))
        self.closed_prompt.choices = choices([("", _("The box's own words")), *((name, name) for name in files)])
        self.music.choices = choices((name, name) for name in sorted({"music", *files}))
        return self

    @classmethod
    def of(cls, queue: inbound.QueueView) -> QueueForm:
        """The form of a queue as it is. Different hours per day show as the first day's."""
        config = queue.config
        hours = {day: spans for day, spans in (config.get("hours") or {}).items() if spans}
        first = next(iter(hours.values()), ["00:00-24:00"])[0]
        return cls(
            name=queue.name, numbers=", ".join(config.get("numbers", ())), hours_from=first[:5], hours_to=first[6:],
            days=list(hours), recording=recording_of(config),
            skills_text=skills_text(config.get("skills") or {}), enabled=queue.enabled,
            **{name: config[name] for name in _PLAIN if name in config},
        ).offered(queue.id)  # fmt: skip

    def config(self, before: dict[str, Any]) -> dict[str, Any]:
        """The queue's configuration: what the form holds over what was there before."""
        span = f"{self.hours_from.data}-{self.hours_to.data}"
        return {
            **before, **{name: self[name].data for name in _PLAIN}, "closed_prompt": self.closed_prompt.data or "",
            **recording_config(self.recording.data),
            "numbers": [number for number in _SPLIT.split(self.numbers.data or "") if number],
            "hours": {day: [span] for day in self.days.data}, "skills": skills_of(self.skills_text.data),
        }  # fmt: skip


def save(form: QueueForm, queue: inbound.QueueView | None = None) -> str:
    """Make or change the queue; returns its id. Raises ValidationErrors."""
    if form.hours_from.data >= form.hours_to.data:
        raise ValidationErrors([("hours_to", "campaign.hours", _("The end must be later than the beginning."))])
    try:
        done = ask(
            SaveQueue, id=queue.id if queue else None, name=form.name.data, enabled=form.enabled.data,
            config=form.config(queue.config if queue else {}),
        )  # fmt: skip
    except ValidationErrors as wrong:
        raise ValidationErrors(
            [(_ONLY_QUEUES.get(name.split(".")[0], name.split(".")[0]), error_id, text)
             for name, error_id, text in wrong.errors]
        ) from wrong  # fmt: skip
    return str(done.id)
