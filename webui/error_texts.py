"""Texts of errors by their stable id, for translation; an id that is not listed shows the box's English sentence."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from appliance.errors import CallboxError

STATUS = {
    400: (_l("Not possible"), _l("The request was not understood. Reload the page and try again.")),
    401: (_l("Please sign in"), _l("Your session has ended. Sign in again; nothing you typed is lost.")),
    403: (_l("Not allowed"), _l("Your role does not allow this. Ask an administrator if you need it.")),
    404: (_l("Not found"), _l("There is no such page or record; it may have been removed.")),
    405: (_l("Not possible"), _l("This address cannot be used that way.")),
    413: (_l("File too large"), _l("The file is larger than 200 MB. Split it and import the parts.")),
    416: (_l("Not possible"), _l("This part of the recording does not exist.")),
    500: (_l("Something broke"), _l("The box could not do this. The log of the service says why.")),
    503: (_l("Not now"), _l("A part of the box does not answer. Try again in a moment.")),
}


def status_text(status: int, *, long: bool = False) -> str:
    """Title or sentence of an HTTP status."""
    fallback = 500 if status >= 500 else 400
    return str(STATUS.get(status, STATUS[fallback])[1 if long else 0])


ERRORS = {
    "bus.no_service": _l("The service “%(service)s” is not running. Nothing was changed; try again in a moment."),
    "bus.timeout": _l("The service “%(service)s” did not answer in time. Look at the page again before you repeat it."),
    "bus.lost": _l("The inner connection of the box is interrupted. Nothing was changed; try again in a moment."),
    "login.refused": _l("Name or password is wrong."),
    "login.locked": _l("Too many wrong passwords: this account is locked for some minutes."),
    "login.totp_needed": _l("Enter the six-digit code of your authenticator app."),
    "login.totp_wrong": _l("The six-digit code is wrong."),
    "web.not_built": _l("The web assets are missing. Run “make setup”."),
}


def error_text(error: CallboxError) -> str:
    """What to show for an error, in the reader's language where the id is known."""
    known = ERRORS.get(error.error_id)
    if known is None:
        return error.message
    try:
        return str(known) % error.placeholders if error.placeholders else str(known)
    except (KeyError, TypeError, ValueError):
        return error.message
