"""The way of a list: look at its columns, run it dry, import it for good."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from appliance.commands import ImportList, InspectList, MakeList
from appliance.errors import CallerError, ValidationErrors
from appliance.store.read import campaigns
from webui import fields
from webui.box import ask, store
from webui.supervisor import uploads
from webui.supervisor.uploads import Upload

ROLES: dict[str, Any] = {
    "phone": _l("Telephone"),
    "phone2": _l("Second telephone"),
    "phone3": _l("Third telephone"),
    "phone4": _l("Fourth telephone"),
    "name": _l("Name"),
    "amount": _l("Amount"),
    "currency": _l("Currency"),
    "external_id": _l("Reference"),
    "consent": _l("Consents"),
    "third_party": _l("Is not the debtor"),
    "time_zone": _l("Time zone"),
}
REASONS: dict[str, Any] = {
    "empty": _l("The phone cell is empty"),
    "no_digits": _l("Text instead of a number"),
    "formula": _l("A formula without a result"),
    "cell_error": _l("An error of the spreadsheet"),
    "rounded": _l("Rounded by the spreadsheet (1.38E+10)"),
    "too_short": _l("Too short"),
    "too_long": _l("Too long"),
    "short_code": _l("A service code, not a person"),
    "invalid": _l("No such number; is the area code missing?"),
    "premium": _l("Costs extra"),
    "hidden_row": _l("The row is hidden in the sheet"),
    "do_not_call": _l("On the do-not-call list"),
    "duplicate_in_list": _l("Stands further up in the list"),
    "duplicate_in_campaign": _l("Already in the campaign"),
    "duplicate_elsewhere": _l("Waits in another campaign"),
    "merged": _l("Added to the person who is there"),
    "field_invalid": _l("Did not fit its field: kept under the heading of its column"),
}
DUPLICATES: dict[str, Any] = {
    "skip": _l("Leave them out"),
    "merge": _l("Add numbers and fields to the person who is there"),
    "warn": _l("Take them, and say so"),
}
SOURCES: dict[str, Any] = {
    "missed": _l("Missed calls"),
    "history": _l("Calls made"),
    "callbacks": _l("Call-backs that are due"),
}
HISTORY_OUTCOMES = (
    "no_answer", "busy", "machine", "human", "rejected", "powered_off", "unreachable", "screening", "unknown",
    "announcement_unknown", "congestion", "lost",
)  # fmt: skip


def inspect(upload: Upload, campaign_id: str = "") -> dict[str, Any]:
    """Columns, remembered or guessed roles and the first rows: {columns, mapping, sample, remembered}."""
    data = ask(
        InspectList, path=str(upload.path), file_name=upload.file_name, campaign_id=campaign_id or None, timeout_s=30.0
    ).data
    roles = {column: role for role, column in data.get("mapping", {}).items()}
    if not data.get("remembered"):
        own = {one.label.casefold(): f"custom.{one.id}" for one in fields.in_use()}
        for column in data["columns"]:
            if column.casefold() in own:
                roles.setdefault(column, own[column.casefold()])
    return {**data, "roles": roles}


def roles() -> dict[str, Any]:
    """What a column may mean, people's own fields last."""
    return {**ROLES, **{f"custom.{one.id}": one.label for one in fields.in_use()}}


def chosen_mapping(form: MultiDict[str, str]) -> dict[str, str]:
    """{role: column} from the selects of the page. Raises ValidationErrors without a phone column or with two."""
    known = roles()
    pairs = [
        (role, column)
        for column, role in zip(form.getlist("column"), form.getlist("role"), strict=False)
        if role in known
    ]
    errors = []
    if not any(role == "phone" for role, _column in pairs):
        errors.append(("role", "import.no_phone", _("Say which column holds the telephone numbers.")))
    if len({role for role, _column in pairs}) < len(pairs):
        errors.append(("role", "import.twice", _("Two columns have the same meaning. Choose one of them.")))
    if errors:
        raise ValidationErrors(errors)
    return dict(pairs)


def complaint(error: CallerError) -> str:
    """Our own sentences as they are: they are written in the reader's language already."""
    if isinstance(error, ValidationErrors):
        return " ".join(message for _field, _error_id, message in error.errors)
    return error.message


def target(form: MultiDict[str, str]) -> dict[str, str]:
    """The campaign to import into: an existing one, or the name of a new one."""
    chosen, name = form.get("campaign_id", ""), form.get("campaign_name", "").strip()
    if chosen and campaigns.campaign(store(), chosen) is not None:
        return {"campaign_id": chosen}
    if name:
        return {"campaign_name": name[:120]}
    raise CallerError("import.no_campaign", _("Choose a campaign, or give a new one a name."))


def choices(form: MultiDict[str, str]) -> dict[str, Any]:
    """What becomes of duplicates: {duplicates, across_campaigns}."""
    chosen = form.get("duplicates", "skip")
    return {
        "duplicates": chosen if chosen in DUPLICATES else "skip",
        "across_campaigns": form.get("across_campaigns") == "1",
    }


def run(
    upload: Upload, mapping: dict[str, str] | None, where: dict[str, str], chosen: dict[str, Any], *, dry_run: bool
) -> str:
    """Start the import; returns its id."""
    done = ask(
        ImportList, path=str(upload.path), file_name=upload.file_name, mapping=mapping, dry_run=dry_run, **where,
        **chosen, timeout_s=15.0,
    )  # fmt: skip
    return str(done.id)


def from_source(form: MultiDict[str, str]) -> Upload | None:
    """Have a list made of the box's own rows; None when there is none. Raises CallboxError."""
    data = ask(
        MakeList, source=form.get("source", ""), campaign_id=form.get("of_campaign") or None,
        outcomes=[one for one in form.getlist("outcome") if one in HISTORY_OUTCOMES],
        from_day=form.get("since", ""), to_day=form.get("until", ""), import_id=form.get("import_id") or None,
        timeout_s=60.0,
    ).data  # fmt: skip
    return uploads.adopt(str(data["path"]), str(data["file_name"])) if data["rows"] else None
