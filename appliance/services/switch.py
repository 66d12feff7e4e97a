"""The service `switch`, told by supervisor whether the whole box is being stopped."""

from __future__ import annotations

from functools import partial

from appliance.settings import Home, Settings
from appliance.telephony import parent
from appliance.watch.supervision import is_stopping


def main(home: Home, settings: Settings) -> None:
    """Run until SIGTERM."""
    parent.main(home, settings, box_stops=partial(is_stopping, home))
