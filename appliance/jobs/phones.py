"""Desk phones: credentials for a printed sheet, and a token by which a phone fetches its settings once.

The password is derived from the token and the box's seat secret: neither is kept, and yet sheet and phone have the
same one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

from sqlalchemy import delete

from appliance import commands
from appliance.commands import Done
from appliance.errors import CallerError
from appliance.jobs import audit
from appliance.jobs.accounts import token_hash
from appliance.jobs.context import Context
from appliance.store.models import PhoneTicket, Seat
from appliance.store.repositories import configuration, users
from appliance.types import Permission

TICKET_LIFE = timedelta(hours=24)
_KEYPAD_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # what is typed on a phone's keypad without doubt
_PASSWORD_CHARACTERS = 16


class Phones:
    """The commands about desk phones."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def _password(self, token: str) -> str:
        secret = self._context.secrets.seat_secret.get_secret_value().encode()
        digest = hmac.new(secret, b"desk phone|" + token.encode(), hashlib.sha256).digest()
        return "".join(_KEYPAD_ALPHABET[byte % len(_KEYPAD_ALPHABET)] for byte in digest[:_PASSWORD_CHARACTERS])

    def prepare(self, command: commands.PreparePhone) -> Done:
        """New credentials for the desk phone of a seat; the old ones end."""
        now, token = self._context.clock.now(), secrets.token_urlsafe(24)
        with self._context.store.read() as session:
            users.require(session, command.actor_id, Permission.SEATS_WRITE)
            seat = configuration.seat(session, command.seat_id)
        if seat.phone != "desk" or not seat.enabled:
            raise CallerError("seat.no_desk_phone", f"Seat '{seat.id}' has no desk phone in use.", seat=seat.id)
        password = self._password(token)
        self._context.doors.seats.set_password(seat.id, password)
        with self._context.store.write() as session:
            session.execute(delete(PhoneTicket).where(PhoneTicket.seat_id == seat.id))
            session.add(PhoneTicket(token_hash=token_hash(token), seat_id=seat.id, expires_at=now + TICKET_LIFE))
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address, action="seat.prepared",
                subject=f"seat:{seat.id}",
            )  # fmt: skip
        return Done(
            id=seat.id,
            data={"user": seat.id, "password": password, "realm": self._context.settings.sip.realm, "token": token,
                  "expires_at": (now + TICKET_LIFE).isoformat()},
        )  # fmt: skip

    def redeem(self, command: commands.RedeemPhoneToken) -> Done:
        """What the phone has to know; a token is good once."""
        now = self._context.clock.now()
        with self._context.store.write() as session:
            ticket = session.get(PhoneTicket, token_hash(command.token))
            if ticket is None or ticket.used_at is not None or ticket.expires_at <= now:
                raise CallerError("phone.token_used", "This address was used or has run out; print a new sheet.")
            ticket.used_at = now
            seat = session.get_one(Seat, ticket.seat_id)
            audit.append(
                session, now, actor_id="", actor_address=command.actor_address, action="seat.phone_set_up",
                subject=f"seat:{seat.id}",
            )  # fmt: skip
        return Done(
            id=seat.id,
            data={"user": seat.id, "password": self._password(command.token), "display_name": seat.display_name,
                  "realm": self._context.settings.sip.realm},
        )  # fmt: skip
