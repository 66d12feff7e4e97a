"""docs/figures/boot.md from the figures of a full run."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_ROWS = {
    "first_boot_menu_s": ("first_boot", "first boot, kernel directly: console menu on ttyS0"),
    "first_boot_well_s": ("first_boot", "first boot: all services run (`callbox health`)"),
    "first_boot_dial_ready_s": ("first_boot", "first boot, with the trunk set up on the way: dial-ready"),
    "first_boot_gate_s": ("first_boot", "first boot: the health gate has found all well"),
    "direct_dial_ready_s": ("boot_directly", "later boot, kernel directly: dial-ready"),
    "direct_menu_s": ("boot_directly", "later boot, kernel directly: console menu"),
    "grub_menu_s": ("boot_by_firmware", "UEFI and GRUB: boot menu"),
    "firmware_dial_ready_s": ("boot_by_firmware", "UEFI and GRUB: dial-ready"),
    "firmware_gate_s": ("boot_by_firmware", "UEFI and GRUB: the health gate has called the slot good"),
    "update_rebooted_s": (
        "update_and_return", "`callbox update FILE`: checked, backup made and tried, slot written, rebooted into it"
    ),
    "update_new_slot_good_s": (
        "update_and_return", "from its start until the health gate has called the new slot good"
    ),
    "gave_way_s": ("power_flaps", "started in the slot that cannot take the data: back in the proven one"),
    "return_s": (
        "update_and_return", "an update that cannot start: from `callbox update` until the old slot runs (three tries)"
    ),
    "first_release_call_s": (
        "from_first_release", "a box of the first release, first boot: it has dialled a call and archived its recording"
    ),
    "skew_installed_s": ("from_first_release", "that box: today's bundle written to its other slot (`rauc install`)"),
    "skew_migrated_s": ("from_first_release", "from the start of that until today's version has migrated its data"),
    "skew_dial_ready_s": ("from_first_release", "from the same start until today's version is dial-ready"),
    "skew_good_s": (
        "from_first_release", "from the same start until the health gate has called today's slot good"
    ),
    "installer_asks_s": ("install_mirror", "installer's stick: it asks for the disks on ttyS0"),
    "installer_writes_s": ("install_mirror", "installer: both disks written (its own time)"),
    "mirror_first_dial_ready_s": ("boot_mirror", "mirrored disks, UEFI and GRUB, first boot: dial-ready"),
    "mirror_later_dial_ready_s": ("boot_mirror", "mirrored disks, UEFI and GRUB, later boot: dial-ready"),
    "mirror_only_0_dial_ready_s": ("boot_one_disk", "first disk alone: dial-ready, records"),
    "mirror_only_1_dial_ready_s": ("boot_one_disk", "second disk alone: dial-ready, records"),
    "restore_took_s": ("restore_elsewhere", "`callbox restore FILE --restart` on a blank machine, until it reboots"),
    "restored_dial_ready_s": ("restore_elsewhere", "that machine, restored: dial-ready"),
}  # fmt: skip
_CALLS = {
    "first_call": "at the first boot", "direct_call": "at a later boot", "firmware_call": "by UEFI and GRUB",
    "updated_call": "by the updated slot", "flapped_call": "after four power cuts, each before the health gate",
    "first_release_call": "by a box of the first release",
    "skew_call": "by that box, updated to this version", "mirror_call": "from mirrored disks",
    "phrase_call": "by a box whose passphrase was typed",
    "mirror_pulled_call": "after a disk was pulled while the box ran",
    "mirror_later_call": "from mirrored disks at a later boot", "restored_call": "by the restored machine",
    "mirror_only_0_call": "with the first disk alone", "mirror_only_1_call": "with the second disk alone",
}  # fmt: skip


def _told(figures: dict[str, Any]) -> list[str]:
    """What was seen besides times."""
    lines = []
    for key, what in _CALLS.items():
        if key in figures:
            call = figures[key]
            size = f", {call['recorded_bytes']} bytes recorded" if call.get("recorded_bytes") else ""
            lines.append(f"- call {what}: {call['outcome']} ({call['reason']}), try {call['tries']}{size}")
    if figures.get("update_refused"):
        lines.append(f"- a bundle with one flipped bit: `{figures['update_refused'][0]}`")
    if figures.get("updated_to"):
        lines.append(
            f"- the update led from {figures['updated_from']} to {figures['updated_to']} with all rows there; "
            "it dialled by the trunk set up before it"
        )
    if figures.get("returned_says"):
        lines.append(f"- a version that cannot start: `{figures['returned_says']}` All rows were there.")
    if figures.get("skew_to"):
        kept = ", ".join(f"{count} {name}" for name, count in figures["skew_rows"].items())
        size = figures["skew_recording"]["bytes"]
        lines.append(
            f"- from {figures['skew_from']} to {figures['skew_to']}: all rows there ({kept}); dialled by its trunk; "
            f"its recording ({size} bytes in the clear) opens with the same digest"
        )
    if figures.get("restored_attempts"):
        before, after = figures["restored_attempts"]
        lines.append(
            f"- a backup of {figures['backup_bytes'] // 1024} kB ({figures['backup_rows']} rows) made while a campaign "
            f"dialled: on a blank machine the campaign went on from {before} calls to {after}, no number twice"
        )
    lines += [
        f"- power cut {cut['after_s']} s into {cut['during']}, {cut['told']} rows committed: booted slot "
        f"{cut.get('slot')}, {cut.get('rows')} rows there, {cut.get('recordings')} recordings read back"
        for cut in figures.get("cuts", [])
    ]
    if figures.get("decommissioned"):
        lines.append(f"- decommissioned: the data partition was {figures['decommissioned']['disk']}")
    if figures.get("locked_says"):
        lines.append(f"- without the key stick: `{figures['locked_says'].splitlines()[0]}`")
    if figures.get("phrase_says"):
        asked_s, says = figures["phrase_asked_s"], figures["phrase_says"].splitlines()[-1]
        lines.append(
            f"- a disk that the installer has locked with a passphrase: asked for it after {asked_s:.0f} s; four power "
            "cuts while it waited counted no try; a wrong one opened nothing, the right one did; after a reset: "
            f"`{says.removeprefix('callbox-data: ')}`"
        )
    if figures.get("tpm_locked_says"):
        words = (figures[f"tpm_{at}_says"].splitlines()[-1] for at in ("first", "locked", "stick"))
        first, locked, stick = (line.removeprefix("callbox-data: ") for line in words)
        lines.append(
            f"- a machine with a TPM: `{first}`; opened by itself at the next start. The same disk on another board: "
            f"`{locked}`; with the spare stick: `{stick}`, and it opens by itself there"
        )
    return [*lines, ""] if lines else []


def _emulated(figures: dict[str, Any]) -> list[str]:
    """How much of it is QEMU's."""
    if "emulation" not in figures:
        return []
    work = figures["emulation"]
    share = 100 * (1 - 1 / work["times"])
    return [
        f"The same work (engine, switch and web loaded) takes {work['inside_s']} processor seconds inside and",
        f"{work['host_s']} outside: {work['times']} times as long, so {share:.0f} % of what processors do here is",
        "emulation.",
        "",
    ]


def _mb(path: Path) -> str:
    return f"{path.stat().st_size / 2**20:.0f} MB"


def write_report(figures: dict[str, Any], image: Path, target: Path) -> None:
    """Write the figures as a page."""
    around = figures["around"]
    reachable = ", ".join(map(str, figures.get("reachable_tcp", []))) or "not tried in this run"
    today = datetime.now(UTC).date().isoformat()
    own = [line for line in around["security"] if line.startswith(("UNIT", "callbox-")) and "-test-" not in line]
    rows = [
        f"| {text} | {figures[key]:.0f} | {figures.get(f'{key}_work', '')} | {figures.get(f'{stage}_load', '')} |"
        for key, (stage, text) in _ROWS.items()
        if key in figures
    ]
    lines = [
        "# Booting the image",
        "",
        "`make image boot-test`: QEMU 7.2 with `-accel tcg` (every instruction is emulated), 2 processors,",
        f"2 GB, on {os.cpu_count()} processors; load: of the host when the stage began; {today}.",
        "Seconds from power-on. Dial-ready: the box has dialled through its own edge to an exchange outside of the",
        "machine, a person answered there, and the box heard a person.",
        "Work: processor seconds that the emulator had used by then; two processors take half of them.",
        "",
        "| stage | seconds | work | load |",
        "|---|---|---|---|",
        *rows,
        "",
        *_told(figures),
        f"Memory in use when dial-ready: {around['memory_used_mb']} of {around['memory_mb']} MB. Image: root",
        f"{_mb(image / 'slot/root.img')}, kernel and initrd {_mb(image / 'slot/kernel.img')}, with",
        f"{around['packages']} Debian packages.",
        "",
        f"Sockets that listen for others (the firewall opens fewer): {', '.join(around['open_ports'])}.",
        f"TCP ports that answer from outside, of all 65535: {reachable}.",
        "",
        *_emulated(figures),
        "## Where the time goes",
        "```",
        around["systemd_analyze"],
        *(line for line in around["slowest_units"] if line.endswith((".service", ".target", ".mount"))),
        "```",
        "## Sandboxes of our units that run then (`systemd-analyze security`)",
        "```",
        *own,
        "```",
    ]
    target.write_text("\n".join(lines) + "\n", "utf-8")
