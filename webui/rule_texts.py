"""Rules of contact in the reader's language: why somebody may not be called, and what each rule asks."""

from __future__ import annotations

from typing import Any

from flask_babel import format_percent
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from appliance.store.read.rules import ProfileView
from appliance.store.read.why import DenialView

_COUNTED: dict[str, Any] = {
    "attempts": _l("at most %(maximum)s attempts"),
    "unanswered": _l("at most %(maximum)s attempts that nobody answered"),
    "conversations": _l("at most %(maximum)s conversations, machines that speak included"),
    "robots": _l("at most %(maximum)s calls by a machine"),
    "messages": _l("at most %(maximum)s messages"),
    "abandoned": _l("at most %(maximum)s calls that found no agent"),
}
_PER: dict[str, Any] = {
    "person": _l("to one person"), "number": _l("to one number"), "debt": _l("to one person about one debt")
}  # fmt: skip
_REASONS: dict[str, Any] = {
    "contact_revoked": _l("The person has taken back the consent to be contacted."),
    "unknown_zone": _l("Where the person is is not known, so neither is the time of day there. Enter the time zone."),
    "third_party": _l("This is not the debtor; these rules do not allow the call, or he has refused."),
    "robot_consent": _l("A machine may speak only with the person's consent."),
    "attempts_total": _l("The campaign's attempts are used up: %(maximum)s in all."),
    "in_call": _l("The person is in a call right now."),
    "number_retired": _l("The number rests or is given up after what was heard there."),
}
_LEVELS: dict[str, Any] = {
    "do_not_call.box": _l("The number is on the do-not-call list of the box."),
    "do_not_call.campaign": _l("The number is on the do-not-call list of this campaign."),
    "do_not_call.person": _l("The person is not to be called, at any number."),
}
CONSENTS: dict[str, Any] = {
    "hours": _l("Calls at other hours"), "frequency": _l("More frequent calls"), "robot": _l("Calls by a machine"),
    "third_party": _l("As somebody who is not the debtor"),
}  # fmt: skip


def days(count: int) -> str:
    """So many days, as the span of a counter."""
    return str(_("a day") if count == 1 else _("in %(count)s days", count=count))


def rule(kind: str, figures: dict[str, Any]) -> str:
    """What a rule asks: `kind` cap | cool_down | hours, `figures` as domain.compliance_explain gives them."""
    if kind == "cap":
        counted = str(_COUNTED.get(figures["counts"], figures["counts"])) % {"maximum": figures["maximum"]}
        span, per = days(figures["days"]), _PER[figures["per"]]
        return str(_("%(counted)s %(days)s %(per)s", counted=counted, days=span, per=per))
    if kind == "cool_down":
        if figures.get("hours"):
            return str(_("%(count)s hours of rest after a call that found no agent", count=figures["hours"]))
        return str(_("%(count)s days of rest after a conversation, its own day included", count=figures["days"]))
    spans = figures.get("spans") or {}
    if "workdays" not in spans:
        return str(_("the campaign's own hours"))
    workdays, weekend = ", ".join(spans["workdays"]), ", ".join(spans["weekend"])
    if workdays == weekend:
        return str(_("only %(spans)s where the person is", spans=workdays))
    text = _("only %(workdays)s, at weekends and on public holidays %(weekend)s, where the person is",
             workdays=workdays, weekend=weekend or "–")  # fmt: skip
    return str(text)


_CLOCKS: dict[str, Any] = {
    "answer": _l("from the answer"), "speech_onset": _l("from the first word"),
    "greeting_end": _l("from the end of the greeting"),
}  # fmt: skip
_OTHERS: dict[str, Any] = {
    "free": _l("other people than the debtor: as anybody"),
    "consent": _l("other people than the debtor: by consent only"),
    "to_reach": _l("other people than the debtor: only while he cannot be reached"),
    "never": _l("other people than the debtor: never"),
}


DISCLOSURES: dict[str, Any] = {
    "recording": _l("that the call is recorded"), "identity": _l("who is calling, by name"),
    "creditor": _l("for which creditor"), "debt_collection": _l("that a debt is being collected"),
}  # fmt: skip
"""What rules make agents say, by the keys of domain.compliance_profile."""


def part(name: str, profile: ProfileView) -> str:
    """What a profile says beside its counters and hours."""
    if name == "abandoned":
        clock = _CLOCKS[profile.clock]
        if profile.abandoned_limit is None:
            return str(_("abandoned calls: counted %(clock)s, the campaign's own limit holds", clock=clock))
        share = format_percent(profile.abandoned_limit, format="0.#%")
        return str(_("abandoned calls: at most %(share)s, counted %(clock)s", share=share, clock=clock))
    if name == "robot":
        by_consent, free = _("machines that speak: by consent only"), _("machines that speak: count as conversations")
        return str(by_consent if profile.robot_consent else free)
    if name == "recording":
        kept = _("recordings: kept %(count)s days at least", count=profile.recording_days)
        free = _("recordings: no figure known")
        notice = _("told at the start")
        return f"{kept if profile.recording_days else free}" + (f"; {notice}" if profile.recording_notice else "")
    if name.startswith("say."):
        return str(_("agents say %(what)s", what=DISCLOSURES[name.removeprefix("say.")]))
    return str(_OTHERS[profile.third_party])


def denial(view: DenialView) -> str:
    """Why not, in a sentence."""
    if view.reason == "do_not_call":
        return str(_LEVELS.get(view.rule_id, view.rule_id))
    if view.reason in _REASONS:
        text = str(_REASONS[view.reason])
        return text % view.figures if view.figures else text
    return rule(view.reason, view.figures)
