"""Texts of errors by their stable id, for translation; an id that is not listed shows the box's English sentence."""

from __future__ import annotations

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l

from appliance.errors import CallboxError, ValidationErrors
from appliance.texts import error_words

STATUS = {
    400: (_l("Not possible"), _l("The request was not understood. Reload the page and try again.")),
    401: (_l("Please sign in"), _l("Your session has ended. Sign in again; nothing you typed is lost.")),
    403: (_l("Not allowed"), _l("Your role does not allow this. Ask an administrator if you need it.")),
    404: (_l("Not found"), _l("There is no such page or record; it may have been removed.")),
    405: (_l("Not possible"), _l("This address cannot be used that way.")),
    413: (_l("File too large"), _l("The file is larger than 100 MB. Split it and import the parts.")),
    416: (_l("Not possible"), _l("This part of the recording does not exist.")),
    500: (_l("Something broke"), _l("The box could not do this. The log of the service says why.")),
    503: (_l("Not now"), _l("A part of the box does not answer. Try again in a moment.")),
}


def status_text(status: int, *, long: bool = False) -> str:
    """Title or sentence of an HTTP status."""
    fallback = 500 if status >= 500 else 400
    return str(STATUS.get(status, STATUS[fallback])[1 if long else 0])


ERRORS = {
    "agent.busy": _l("End your conversation before you change the seat."),
    "agent.disposition_needed": _l("Choose the result of the conversation first."),
    "agent.no_conversation": _l("There is no conversation now."),
    "agent.not_logged_in": _l("Take a seat first."),
    "alert.bad_snooze": _l("Snooze for 1 minute up to 7 days."),
    "alert.not_standing": _l("The alert does not stand any more."),
    "announcement.bad_country": _l("Write the country as two capital letters, like CN."),
    "announcement.bad_label": _l("No announcement says that. Choose what it says from the list."),
    "announcement.bad_language": _l("Write the language as two small letters, like zh."),
    "announcement.bad_sound": _l(
        "The ear could not recognise this: it needs some seconds of clear speech. Choose another call or another part."
    ),
    "announcement.id_taken": _l("There is already an announcement of this id."),
    "announcement.no_audio": _l("This file holds no sound that can be read. Send a WAV file."),
    "announcement.no_clip": _l("There is no sound of it any more. Enrol it from a new call."),
    "announcement.unknown": _l("This announcement is not in the library any more."),
    "bus.lost": _l("The inner connection of the box is interrupted. Nothing was changed; try again in a moment."),
    "bus.no_service": _l("The service “%(service)s” is not running. Nothing was changed; try again in a moment."),
    "bus.timeout": _l("The service “%(service)s” did not answer in time. Look at the page again before you repeat it."),
    "report.bad_address": _l("Write e-mail addresses, separated by commas."),
    "report.bad_time": _l("Write a time as HH:MM, a day of the week 1 to 7 or of the month 1 to 31."),
    "report.name_taken": _l("There is already a saved report of this name."),
    "report.no_name": _l("Give the report a name of at most 120 characters."),
    "report.unknown_saved": _l("This report is not saved any more."),
    "campaign.bad_name": _l("Give the campaign a name of at most 120 characters."),
    "campaign.name_taken": _l("There is already a campaign of this name."),
    "campaign.no_leads": _l("No number waits in this campaign. Import a list first."),
    "campaign.no_trunk": _l("No trunk is in use. Set one up first."),
    "campaign.not_now": _l("This is not possible in the campaign's present state. Reload the page."),
    "campaign.not_yours": _l("You do not work in this campaign."),
    "campaign.runs": _l("The mode of a running campaign cannot change. Pause it first."),
    "compliance.bad_override": _l("Write a figure, or spans such as 09:00-18:00."),
    "compliance.looser_than_rule": _l("A campaign may be stricter than the rules, never looser."),
    "compliance.not_in_force": _l("These rules are not in force on that day."),
    "compliance.unknown_profile": _l("There are no such rules; choose them from the list."),
    "compliance.unknown_rule": _l("The chosen rules hold no rule of this name."),
    "config.bad_id": _l("Use 1 to 32 of a–z, 0–9, dash and underscore, a letter or digit first."),
    "card.float_parsing": _l("This is no number."),
    "card.greater_than_equal": _l("This number is too small."),
    "card.int_parsing": _l("This is no number."),
    "card.less_than_equal": _l("This number is too large."),
    "card.missing": _l("Fill this in."),
    "card.no_address": _l("Give the address of its SNMP agent."),
    "card.no_community": _l("Give the community that the gateway lets readers in with."),
    "card.no_lines": _l("It answers, but shows no line. Is it the right make and model?"),
    "card.no_port": _l("Give its serial port, or host:port of the terminal server before it."),
    "card.short_key": _l("SNMP v3 wants 8 characters at least."),
    "card.string_pattern_mismatch": _l("It is not written as the hint says."),
    "card.string_too_long": _l("This is too long."),
    "card.taken": _l("There is already a card of this name that is read this way."),
    "card.unknown": _l("This card is not in the settings any more."),
    "conversation.unknown": _l("This is not one of your conversations."),
    "disk.reserve": _l("The disk is nearly full; dialling has stopped."),
    "disposition.bad_amount": _l("The promised amount must be positive."),
    "disposition.callback_needed": _l("Give a time in the future for the call back."),
    "disposition.date_needed": _l("Give the day of the promised payment."),
    "disposition.past": _l("Give a time in the future for the call back."),
    "import.bad_mapping": _l("The columns do not fit this file. Choose them again."),
    "import.empty_file": _l("The file is empty (0 bytes). Send it again."),
    "import.encrypted": _l("The file is protected by a password. Remove the password, save it and send it again."),
    "import.hollow": _l("The file holds nothing but zeros; copying it was broken off. Copy it again from its source."),
    "import.macros": _l("The file holds macros, which the box does not take. Save it as .xlsx and send it again."),
    "import.no_phone_column": _l("No column holds telephone numbers. Say which column it is."),
    "import.no_rows": _l("The file has no rows. Is it the right one?"),
    "import.no_campaign": _l("Choose a campaign, or give a new one a name."),
    "import.no_upload": _l("This file is not on the box any more. Send it again."),
    "import.not_found": _l("This file is not on the box any more. Send it again."),
    "import.too_large": _l("The file is too large to be a list. Split it into several files."),
    "import.too_many_rows": _l("The list has more than %(max_rows)s rows. Split it into several files."),
    "import.unknown": _l("This import is not on the box any more."),
    "import.unknown_region": _l("%(region)s is no code of a country such as CN."),
    "import.unreadable": _l("The file cannot be read. Open it in Excel, save it again and send it."),
    "import.wrong_file_type": _l("This file is no table. Send Excel (.xlsx, .xls), .ods or .csv."),
    "import.zip_bomb": _l("The file unpacks to far more than a list can hold. Copy the list to a new workbook."),
    "instrument.away": _l("The instrument is not there. Check its power, its cable and its name, then try again."),
    "instrument.bad_profile": _l("A profile of an instrument cannot be used: “callbox line-test profiles” says which."),
    "instrument.cannot": _l("This instrument has no command for it."),
    "instrument.empty_profile": _l("This instrument's commands are not filled in yet. Take them from its manual."),
    "instrument.garbled": _l("The instrument's answer is no figure: a bad cable or another speed. Try again."),
    "instrument.other": _l("Another instrument answered than the chosen one. Check which cable is plugged in."),
    "inbound.name": _l("Give the customer a name."),
    "inbound.no_number": _l("The caller withheld the number: no record can be made."),
    "inbound.not_yours": _l("This is not one of your conversations."),
    "inbound.too_many": _l("Choose at least one call, and at most 500 at once."),
    "inbound.unknown": _l("There is no such call."),
    "instrument.refused": _l("The instrument refused the command. Choose the profile that fits it."),
    "instrument.resource": _l("This names no instrument. Take one of the forms shown under the field."),
    "instrument.silent": _l("The instrument did not answer in time. Check its power and cable, then try again."),
    "lead.busy": _l("This record is being called at this moment."),
    "lead.unknown": _l("This record is not there any more."),
    "line.bad_profile_id": _l("Use 1 to 32 of a–z, 0–9 and underscore, a letter or digit first."),
    "line.bad_transcript": _l("No profile can be made of it: %(why)s"),
    "line.no_make": _l("Give make and model, at most 80 characters each."),
    "line.profile_shipped": _l("This name belongs to a profile that comes with the box. Choose another one."),
    "line.transcript_long": _l("The transcript is longer than 256 kB. Keep the part with the lines."),
    "line_test.not_now": _l("The test has moved on meanwhile. Look at the step that is shown now."),
    "line_test.pair": _l("Name the pair: letters, digits, blank and . : / + - (40 at most)."),
    "line_test.running": _l("A test of “%(pair)s” is under way. End it first."),
    "line_test.unknown": _l("This test is over."),
    "list.bad_day": _l("This is no day of the calendar."),
    "list.unknown_outcome": _l("No call ends so. Choose from the list."),
    "list.unknown_source": _l("No list can be made from that. Choose from the list."),
    "login.locked": _l("Too many wrong passwords: try again in %(retry_after_s)s s."),
    "login.totp_required": _l("Enter the six-digit code of your authenticator app."),
    "login.wrong": _l("Name or password is wrong."),
    "number.invalid": _l("This is no telephone number."),
    "password.common": _l("This password is among the first that are tried. Choose another one."),
    "password.is_login": _l("The password must not be the name."),
    "password.missing": _l("A new user needs a password."),
    "password.too_short": _l("The password is too short: at least 10 characters."),
    "password.wrong": _l("The current password is wrong."),
    "person.unknown": _l("No person with this number is known."),
    "person.unknown_consent": _l("Choose what the person agrees to from the list."),
    "person.unknown_debtor": _l("No person with the debtor's number is known."),
    "person.unknown_zone": _l("Choose the time zone from the list, for instance Asia/Shanghai."),
    "preview.no_lead": _l("No number may be called now in the preview campaigns."),
    "preview.not_allowed": _l("This number may not be called now."),
    "queue.bad_name": _l("Give the queue a name of at most 120 characters."),
    "queue.config_invalid": _l("This is not possible; look at what it may be."),
    "queue.name_taken": _l("There is already a queue of this name."),
    "queue.no_other": _l("Choose another queue."),
    "queue.number_taken": _l("One of these numbers belongs to another queue already."),
    "queue.rest_taken": _l("Another queue takes all other numbers already."),
    "queue.unknown": _l("This queue is not there any more."),
    "recording.deleted": _l("This recording was deleted as its retention rule says."),
    "recording.not_own": _l("Only recordings of your own conversations are open to you."),
    "recording.not_ready": _l("This recording is not archived yet. Try again in a moment."),
    "replace.running": _l("A replacement runs already. Wait until it has ended."),
    "retention.bad_days": _l("Give a number of days from 1 to 36500."),
    "sealed.broken": _l("The recording's file is damaged. Restore it from a backup."),
    "seat.bad_password": _l("Use 8 to 64 characters without blanks."),
    "seat.disabled": _l("This seat is switched off. Choose another one."),
    "seat.in_use": _l("This seat is taken by %(agent)s. Choose another one."),
    "seat.no_browser_phone": _l("This seat has no browser phone."),
    "set_up.done": _l("The box is already set up. Sign in as its administrator."),
    "set_up.wrong_token": _l("This is not the set-up link that the box shows now. Open the newest one."),
    "sink.not_set_up": _l("Alerts by this way are not set up. Fill in its settings first."),
    "store.busy": _l("The database is busy. Try again in a moment."),
    "store.disk_full": _l("The disk is full. Nothing was saved; free some space."),
    "totp.no_enrolment": _l("This code page is too old. Start again."),
    "totp.wrong": _l("The six-digit code is wrong. Check the clock of your phone."),
    "trunk.caller_ids_spent": _l("Each shown number has made its calls of today. Add numbers to the campaign."),
    "trunk.no_channel": _l("All lines are busy. Try again in a moment."),
    "trunk.too_short": _l("Give at least one gateway."),
    "user.bad_login": _l("Use 1 to 80 characters without blanks."),
    "user.bad_skills": _l("Write skills as name:level, with a level from 1 to 5."),
    "user.last_administrator": _l("This is the last administrator. Make another one first."),
    "user.login_taken": _l("There is already a user of this name."),
    "web.not_built": _l("The web assets are missing. Run “make setup”."),
}


def text_of(error_id: str, message: str, placeholders: dict[str, object] | None = None) -> str:
    """The known text of an id with its figures, else the box's own sentence."""
    known = ERRORS.get(error_id)
    if known is None:
        return error_words(error_id, str(get_locale() or "en"), message)
    try:
        return str(known) % (placeholders or {})
    except (KeyError, TypeError, ValueError):
        return message


def error_text(error: CallboxError) -> str:
    """What to show for an error, in the reader's language where the id is known."""
    if isinstance(error, ValidationErrors):
        return " ".join(text_of(error_id, f"{field}: {message}") for field, error_id, message in error.errors)
    return text_of(error.error_id, error.message, error.placeholders)
