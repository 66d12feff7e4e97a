"""The device's image without building it: units and their sandboxes, presets, scripts, partition sizes."""

from __future__ import annotations

import fnmatch
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

TOP = Path(__file__).resolve().parents[3]
IMAGE = TOP / "image_build/image"
OVERLAY = IMAGE / "overlay"
UNITS = sorted((TOP / "systemd").glob("*.service"))
EXPOSURE = 2.5
EXCEPTIONS = {"callbox-data.service": 4.4, "callbox-install@.service": 5.4, "callbox-privd.service": 3.7}
"""Units above the limit and how far; the unit itself says why."""


def exposure(unit: Path) -> float:
    """systemd's own figure, 0 (closed) to 10 (open)."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stderr
    return float(found.group(1))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_closed(unit: Path) -> None:
    assert exposure(unit) <= EXCEPTIONS.get(unit.name, EXPOSURE)
    if unit.name in EXCEPTIONS:
        assert "# Exception to 2.5:" in unit.read_text()


def wanted_units(text: str) -> bool:
    return "\n[Install]\n" in text


def preset_of(name: str, lines: list[str]) -> str:
    """What the first matching line says: systemd.preset(5)."""
    for line in lines:
        verb, pattern, *_ = line.split()
        if fnmatch.fnmatch(name, pattern):
            return verb
    return "enable"


def test_presets_start_our_units_and_nothing_of_debian_s() -> None:
    preset = OVERLAY / "usr/lib/systemd/system-preset/00-callbox.preset"
    lines = [line for line in preset.read_text().splitlines() if line and not line.startswith("#")]
    for unit in UNITS:
        if wanted_units(unit.read_text()):
            assert preset_of(unit.name, lines) == "enable", unit.name
    template = next(line for line in lines if fnmatch.fnmatch("callbox-console@.service", line.split()[1]))
    assert template.split()[2:] == ["ttyS0", "tty1"]
    for theirs in ("kamailio", "rtpengine-daemon", "nginx", "nats-server", "ssh", "apt-daily"):
        assert preset_of(f"{theirs}.service", lines) == "disable"
    assert lines[-1] == "disable *"


def scripts() -> list[Path]:
    found = [*IMAGE.glob("*.sh"), *(IMAGE / "initrd").glob("*.sh"), *(TOP / "image_build").glob("*.sh")]
    found += [path for path in (OVERLAY / "usr/lib/callbox").iterdir() if path.read_bytes().startswith(b"#!/bin/sh")]
    return sorted(found)


@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.name)
def test_scripts_parse(script: Path) -> None:
    shell = "sh" if script.read_text().startswith("#!/bin/sh") else "bash"
    subprocess.run([shell, "-n", str(script)], check=True, timeout=30)


def test_programs_of_units_are_in_the_image() -> None:
    """What a unit starts is made by app.sh or lies in the overlay."""
    made = (IMAGE / "app.sh").read_text()
    for unit in UNITS:
        for program in re.findall(r"^Exec\w+=[+\-!@:]*(\S+)", unit.read_text(), re.M):
            if program.startswith("/opt/callbox/venv/bin/"):
                name = program.rpartition("/")[2]
                assert re.search(rf"(^script {name} |/bin/{name}\b)", made, re.M), program
            elif program.startswith("/usr/lib/callbox/"):
                overlaid = OVERLAY / program.removeprefix("/")
                assert overlaid.stat().st_mode & 0o111, program


def layout() -> dict[str, int]:
    text = subprocess.run(
        ["bash", "-c", f". {IMAGE / 'layout.sh'}; echo $ESP_MB $KERNEL_MB $ROOT_MB $VERITY_MB; slots_table 7M"],
        capture_output=True, text=True, check=True, timeout=30,
    ).stdout  # fmt: skip
    first, *rows = text.splitlines()
    sizes = dict(zip(("esp", "kernel", "root", "verity"), map(int, first.split()), strict=True))
    names = re.findall(r"size=(\d+)M, .*name=(\w+)", "\n".join(rows))
    assert [name for _, name in names] == ["kernelA", "rootA", "verityA", "kernelB", "rootB", "verityB", "data"]
    for size, name in names[:-1]:
        assert int(size) == sizes[name[:-1]]
    return sizes


def test_partitions_are_as_large_as_what_goes_in() -> None:
    sizes = layout()
    # SHA-256 of 4 KiB blocks, 128 digests to a block: a tree of 1/127 of the data
    assert sizes["verity"] >= sizes["root"] / 127 + 1
    assert sizes["esp"] >= 33, "FAT32 needs 65525 clusters"


def test_boot_menu_knows_both_slots() -> None:
    text = (IMAGE / "grub.cfg").read_text()
    assert re.findall(r"rauc\.slot=([AB])$", text, re.M) == ["A", "B"]
