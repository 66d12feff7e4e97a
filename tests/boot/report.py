"""docs/figures/boot.md from the figures of a full run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_ROWS = {
    "first_boot_menu_s": "first boot, kernel directly: console menu on ttyS0",
    "first_boot_well_s": "first boot: all services run (`callbox health`)",
    "first_boot_dial_ready_s": "first boot, with the trunk set up on the way: dial-ready",
    "direct_dial_ready_s": "later boot, kernel directly: dial-ready",
    "direct_menu_s": "later boot, kernel directly: console menu",
    "grub_menu_s": "UEFI and GRUB: boot menu",
    "firmware_dial_ready_s": "UEFI and GRUB: dial-ready",
    "firmware_gate_s": "UEFI and GRUB: the health gate has called the slot good",
}


def _mb(path: Path) -> str:
    return f"{path.stat().st_size / 2**20:.0f} MB"


def write_report(figures: dict[str, Any], image: Path, target: Path) -> None:
    """Write the figures as a page."""
    around = figures["around"]
    rows = [f"| {text} | {figures[key]:.0f} |" for key, text in _ROWS.items() if key in figures]
    loads = ", ".join(f"{v}" for key, v in figures.items() if key.endswith("_load"))
    lines = [
        "# Booting the image",
        "",
        "`make image boot-test`: QEMU 7.2 with `-accel tcg` (every instruction is emulated), 2 processors,",
        f"2 GB, on {os.cpu_count()} processors whose load was {loads} when the stages began. Seconds from power-on.",
        "Dial-ready: the box has dialled through its own edge to an exchange outside of the machine, which was heard.",
        "",
        "| stage | seconds |",
        "|---|---|",
        *rows,
        "",
        f"Memory in use when dial-ready: {around['memory_used_mb']} of {around['memory_mb']} MB. Image: root",
        f"{_mb(image / 'slot/root.img')}, kernel and initrd {_mb(image / 'slot/kernel.img')},",
        f"{around['packages']} Debian packages.",
        "",
        f"Sockets that others can reach (the firewall opens fewer): {', '.join(around['open_ports'])}.",
        "",
        "## Where the time goes",
        "```",
        around["systemd_analyze"],
        *around["slowest_units"],
        "```",
        "## Sandboxes of all units",
        "```",
        *around["security"],
        "```",
    ]
    target.write_text("\n".join(lines) + "\n", "utf-8")
