"""Runs inside a box of the first release: its worker group, by its own table of services.

`callbox run` of that release gives its services a minute to come up, which an emulated machine does not keep; web,
watch and front door are units of their own here.
"""

from __future__ import annotations

import sys

from appliance.settings import home_from_environment
from appliance.watch.supervision import BOX, start_supervisor

_UNITS = ("watch", "web", "front")

if __name__ == "__main__":
    box = start_supervisor(home_from_environment(), [program for program in BOX if program.name not in _UNITS])
    sys.exit(box.process.wait())
