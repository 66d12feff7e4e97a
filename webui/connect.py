"""Connects to the bus in the background: pages work (and say what is missing) while the bus is still away."""

from __future__ import annotations

import threading

from appliance.errors import BusError
from appliance.logs import get_logger
from webui.box import Box

_log = get_logger(web="bus")


def _connect(box: Box) -> None:
    while not box.bus.connected:
        try:
            box.bus.connect()
        except BusError as error:
            _log.warning("bus away", error=error.message)
    box.bus.subscribe_live(">", box.live.publish)


def keep_connecting(box: Box) -> None:
    """Subscribe to live events as soon as the bus is there."""
    if box.bus.connected:
        box.bus.subscribe_live(">", box.live.publish)
        return
    threading.Thread(target=_connect, args=(box,), name="bus-connect", daemon=True).start()
