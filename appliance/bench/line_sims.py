"""Simulated gateways and cards in a process of their own, so that their work is not counted as the watch's.

Prints one line of JSON when all listen; then takes one line of JSON a command: {"gateway", "span", "alarms", "trap"}.
Ends at the end of its input.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from drivers.e1_gateway.snmp_sim import SnmpGateway, load_agent
from drivers.lines import Alarm
from drivers.simkit.card import ConsoleCard, load_card

GATEWAYS, E1_CARDS, FXO_CARDS, PORTS_OF_E1 = 2, 2, 4, 4


def main(folder: Path, trap_port: int) -> None:
    """Run until the input ends."""
    gateways = []
    for number in range(GATEWAYS):
        data = msgspec.structs.replace(load_agent(), name=f"gateway-{number}", serial=f"SIM{number}")
        gateways.append(SnmpGateway(data, seed=number, traps_to=("127.0.0.1", trap_port)).start())
    consoles = []
    for kind, count in (("sim_e1", E1_CARDS), ("sim_fxo", FXO_CARDS)):
        for number in range(count):
            place = folder / f"{kind}-{number}"
            place.mkdir()
            card = ConsoleCard(place, load_card(kind))
            card.start()
            consoles.append({"profile": kind, "port": str(card.path.resolve())})
    listening = {"gateways": [gateway.port for gateway in gateways], "consoles": consoles}
    print(json.dumps(listening), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        gateway = gateways[command["gateway"]]
        gateway.spans[command["span"]].alarms = {Alarm(name) for name in command["alarms"]}
        if command["trap"]:
            gateway.trap(command["span"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
