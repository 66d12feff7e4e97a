"""Steps about people: the administrator's second factor, seats and their phones."""

from __future__ import annotations

from typing import Any

from flask import flash, g, request
from flask_babel import gettext as _

from appliance.commands import SaveSeat
from appliance.errors import CallerError
from appliance.store.read import seats as seat_reads
from appliance.store.read import users
from webui import labels
from webui.box import ask, store

SEATS_MAX = 30


def account() -> dict[str, Any]:
    """Whether the administrator signs in with a code."""
    own = users.user(store(), g.user.id)
    return {"has_totp": own is not None and own.has_totp}


def save_account() -> dict[str, Any]:
    """Nothing to save here: the code is switched on by its own page."""
    return {"second_factor": account()["has_totp"]}


def seats() -> dict[str, Any]:
    """The seats that are there."""
    found = seat_reads.seats(store())
    return {"seats": found, "limit": SEATS_MAX, "phones": labels.PHONES, "room_left": SEATS_MAX - len(found)}


def save_seats() -> dict[str, Any] | None:
    """Make the seats that were asked for; none asked for: go on with what is there."""
    found = seat_reads.seats(store())
    if request.form.get("do") == "next":
        if not found:
            raise CallerError("set_up.no_seat", _("Make a seat first."))
        return {"seats": len(found), "desk": sum(seat.phone == "desk" for seat in found)}
    made = make_seats(
        request.form.get("count", 0, type=int), request.form.get("phone", "desk"),
        [line.strip() for line in request.form.get("names", "").splitlines() if line.strip()],
    )  # fmt: skip
    flash(_("%(count)s seats are made.", count=len(made)), "success")
    return None


def make_seats(count: int, phone: str, names: list[str]) -> list[str]:
    """Make the next free seat numbers; returns their ids. Raises CallerError when there is no room for them."""
    taken = {seat.id for seat in seat_reads.seats(store())}
    free = [f"seat{n:02}" for n in range(1, SEATS_MAX + 1) if f"seat{n:02}" not in taken]
    if not 1 <= count <= min(len(free), SEATS_MAX - len(taken)):
        left = max(0, min(len(free), SEATS_MAX - len(taken)))
        raise CallerError("set_up.bad_count", _("Give a number from 1 to %(left)s.", left=left))
    chosen = free[:count]
    for at, seat_id in enumerate(chosen):
        name = names[at][:120] if at < len(names) else seat_id
        ask(SaveSeat, id=seat_id, display_name=name, phone=phone)
    return chosen
