"""The doors to the SIP edge for rooms that do not know it.

For `jobs`: seats' passwords, trunk checks, a restart after new trunks.
"""

from __future__ import annotations

from typing import Any

from appliance.errors import BoxError, CallerError
from appliance.jobs.context import Doors
from appliance.logs import get_logger
from appliance.settings import Home, Settings
from appliance.telephony.edge import certificates, subscribers
from appliance.telephony.trunks import parse_trunk, preview, to_plain
from appliance.watch.device import is_device
from appliance.watch.root import RootActions
from appliance.watch.supervision import restart_service
from drivers.lines import ReaderError

_HELPER_STARTS_S = 120.0
"""How long the device's root helper may need from power-on; asked sooner, an erasure or a reboot is not left out."""


class EdgeSeats:
    """The seats in the edge's own database; Kamailio reads it at each request, so a change holds at once."""

    def __init__(self, home: Home, realm: str) -> None:
        self._home = home
        self._realm = realm

    def set_password(self, seat_id: str, password: str) -> None:
        subscribers.create(self._home)
        subscribers.set_seat(self._home, self._realm, seat_id, password)

    def remove(self, seat_id: str) -> None:
        subscribers.create(self._home)
        subscribers.remove_seat(self._home, self._realm, seat_id)


def check_trunk(config: dict[str, Any]) -> dict[str, Any]:
    """Return the normal form of a trunk's configuration; raises ValidationErrors."""
    return to_plain(parse_trunk(config))


def preview_number(config: dict[str, Any], number: str, direction: str, which: str) -> dict[str, Any]:
    """Return {sent, rule} for a number; raises ValidationErrors for rules that are wrong."""
    shown = preview(
        parse_trunk(config), number, direction="inbound" if direction == "inbound" else "outbound",
        which="calling" if which == "calling" else "called",
    )  # fmt: skip
    return {"sent": shown.sent, "rule": shown.rule}


def make_doors(home: Home, settings: Settings) -> Doors:
    """The doors of this home's box."""

    def edge_changed() -> None:
        """Start the edge anew with the trunks of the store; calls in progress do not go through its memory."""
        try:
            restart_service(home, "edge")
        except BoxError as error:
            if error.error_id != "box.not_running":  # then the next start renders them anyway
                get_logger().error("edge not restarted", error_id=error.error_id, message=error.message)

    def use_certificate(certificate: str, key: str) -> None:
        """Take up an own certificate, or the box's own again when both are empty. Raises ValidationErrors."""
        if certificate or key:
            certificates.upload_certificate(home, certificate.encode(), key.encode())
        else:
            certificates.remove_uploaded_certificate(home, settings)

    def root(action: str, actor_id: str, arguments: dict[str, str]) -> str:
        """Have privd do it. Raises CallerError `box.not_a_device` without one, BoxError when it failed."""
        helper = RootActions(home.run / "privd.sock", actor_id)
        if not is_device(home) and not helper.available:
            raise CallerError("box.not_a_device", "This is done on the device only: this box runs from a checkout.")
        helper.wait(_HELPER_STARTS_S)
        try:
            ran = helper.do(action, **arguments)
        except ReaderError as error:
            raise BoxError(error.error_id, error.message) from error
        if ran.status != 0:
            raise BoxError("privileged.failed", f"'{action}' failed: {' '.join(ran.output.split())[-300:]}")
        return ran.output

    return Doors(
        seats=EdgeSeats(home, settings.sip.realm), check_trunk=check_trunk, edge_changed=edge_changed,
        preview_number=preview_number, use_certificate=use_certificate, root=root,
    )  # fmt: skip
