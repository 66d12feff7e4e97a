"""Link state of the network ports that are real hardware (/sys/class/net)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drivers import sysfs


@dataclass(frozen=True, slots=True)
class Link:
    """One port. `up`: the cable carries a signal; None when the port is switched off, so that nobody knows."""

    name: str
    address: str
    up: bool | None
    speed_mbps: int | None
    full_duplex: bool | None
    changes: int
    """How often the link came or went since the start: a loose cable counts up."""
    errors: int


def read_links(root: Path = Path("/")) -> tuple[Link, ...]:
    """All hardware ports; never raises."""
    found = []
    for folder in sysfs.folders(root / "sys/class/net"):
        if not (folder / "device").exists():
            continue  # loopback, bridges, tunnels
        carrier = sysfs.text(folder / "carrier")  # not readable while the port is down
        speed = sysfs.number(folder / "speed")
        duplex = sysfs.text(folder / "duplex")
        statistics = folder / "statistics"
        found.append(
            Link(
                name=folder.name, address=sysfs.text(folder / "address"),
                up={"1": True, "0": False}.get(carrier), speed_mbps=speed if speed and speed > 0 else None,
                full_duplex={"full": True, "half": False}.get(duplex),
                changes=sysfs.number(folder / "carrier_changes") or 0,
                errors=(sysfs.number(statistics / "rx_errors") or 0) + (sysfs.number(statistics / "tx_errors") or 0),
            )
        )  # fmt: skip
    return tuple(found)
