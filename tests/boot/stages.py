"""What the boot tests do, one function a stage; each returns its figures. All output of the machine is kept."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.bench.provide import trunk_config
from appliance.settings import Home
from tests.boot import outside
from tests.boot.box import AS_CALLBOX, PYTHON, Box, direct, disk, firmware, network

_DIAL_S, _WELL_S, _PAUSE_S = 900.0, 900.0, 3.0
_DIAL = Path(__file__).with_name("dial.py")
TRUNK = "bench"
_DOORS = [443, 5060, 5061]
"""TCP ports that docs/image.md says are open."""


@dataclass
class Run:
    """One run of the boot tests: where the image is, where its output goes, the bench outside, how often the power is
    cut, figures so far."""

    image: Path
    folder: Path
    home: Home
    cuts: int = 20
    seed: int = 1
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def disk(self) -> Path:
        return self.folder / "disk.img"

    def save(self) -> None:
        """Write down what is known so far: a stage that fails later has measured it all the same."""
        (self.folder / "summary.json").write_text(json.dumps(self.figures, indent=1))

    def mark(self, name: str, seconds: float, box: Box | None = None) -> None:
        """A figure, said at once: what a stage has reached is seen as it goes on. With `box`, what it cost so far."""
        self.figures[name] = round(seconds, 1)
        if box is not None:
            self.figures[f"{name}_work"] = round(box.work_s)
        self.save()
        print(f"  {name}: {seconds:.1f}", file=sys.stderr, flush=True)


def fresh_disk(run: Run, path: Path | None = None) -> None:
    """A disk as it leaves the factory; the run's own, or another."""
    subprocess.run(["cp", "--sparse=always", run.image / "callbox.img", path or run.disk], check=True)


def wait_dial_ready(box: Box, run: Run, *, record: bool = False) -> dict[str, Any]:
    """Let the box dial until the person outside is heard. Raises AssertionError with what was said last."""
    before = len(outside.calls(run.home))
    path = box.put("dial.py", _DIAL.read_bytes())
    words = f"{path} {outside.PERSON} {TRUNK} {_DIAL_S:.0f}{' record' if record else ''}"
    said = box.sh(f"{AS_CALLBOX} {PYTHON} {words}", _DIAL_S + 120)
    heard: dict[str, Any] = json.loads(said.splitlines()[-1])
    assert "error" not in heard, heard
    assert len(outside.calls(run.home)) > before, "the exchange outside has seen no call"
    return heard


def provide_trunk(box: Box, *, unknown: tuple[str, ...] = ()) -> None:
    """What an installer does: the way to the exchange, without the settings that are unknown to the box's version."""
    config = {name: value for name, value in trunk_config(outside.plan(), 4).items() if name not in unknown}
    path = box.put("trunk.json", json.dumps(config).encode())
    box.callbox(f"trunk add {TRUNK} --config {path}", 600)


def rows(box: Box) -> dict[str, int]:
    """Rows of each table of the box's database."""
    path = box.put("count_rows.py", _DIAL.with_name("count_rows.py").read_bytes())
    found: dict[str, int] = json.loads(box.sh(f"{AS_CALLBOX} python3 {path}"))
    return found


def give_list(
    box: Box, campaign: str, numbers: list[str], config: dict[str, Any] | None = None, *, mode: str = "voice"
) -> None:
    """A campaign with a list of people, as an office imports it; with a `config` it is made first."""
    if config is not None:
        path = box.put("campaign.json", json.dumps(config).encode())
        box.callbox(f"campaign add '{campaign}' --mode {mode} --config {path}", 600)
    table = "name,phone\n" + "".join(f"Person {n},{number}\n" for n, number in enumerate(numbers))
    path = box.put("list.csv", table.encode())
    box.callbox(f"import {path} --campaign '{campaign}' --region CN", 600)


def wait_well(box: Box) -> list[str]:
    """Wait until `callbox health` finds no service wanting; returns what else it finds (no clock, no disks here)."""
    deadline = time.monotonic() + _WELL_S
    while True:
        found = box.health()
        wanting = [s["name"] for s in found["services"] if s["state"] != "RUNNING"]
        if found["services"] and not wanting:
            return [finding["key"] for finding in found["findings"]]
        assert time.monotonic() < deadline, found
        time.sleep(_PAUSE_S)


def open_ports(box: Box) -> list[str]:
    """TCP and UDP sockets that listen on an address others can reach, as the box itself lists them."""
    found = set()
    for line in box.sh("ss -Hlntu").splitlines():
        protocol, _state, _, _, local, *_ = line.split()
        address, _, port = local.rpartition(":")
        if not address.split("%")[0].strip("[]").startswith(("127.", "::1")):
            found.add(f"{protocol} {port}")
    return sorted(found)


def look_around(box: Box) -> dict[str, Any]:
    """Memory, packages, units and their scores, boot chart."""
    memory = dict(re.findall(r"^(\w+):\s+(\d+) kB", box.sh("cat /proc/meminfo"), re.M))
    return {
        "memory_used_mb": (int(memory["MemTotal"]) - int(memory["MemAvailable"])) // 1024,
        "memory_mb": int(memory["MemTotal"]) // 1024,
        "packages": int(box.sh("dpkg-query -W | wc -l")),
        "open_ports": open_ports(box),
        "failed_units": box.sh("systemctl --failed --plain --no-legend --no-pager").splitlines(),
        "systemd_analyze": box.sh("systemd-analyze || true"),
        "slowest_units": box.sh("systemd-analyze blame --no-pager | grep -v '[.]device$' | head -15").splitlines(),
        "security": box.sh("systemd-analyze security --no-pager | head -60", 300).splitlines(),
    }


def spent(box: Box) -> dict[str, float]:
    """Processor seconds, by the machine's own clock, of each unit and of each of the product's programs."""
    units = "cd /sys/fs/cgroup/system.slice && grep -H -e ^user_usec -e ^system_usec */cpu.stat */*/cpu.stat || true"
    found = {
        f"{path.rpartition('/')[0]} {kind}": int(usec) / 1e6
        for path, kind, usec in re.findall(r"^(\S+?):(user|system)_usec (\d+)$", box.sh(units), re.M)
    }
    for line in box.sh("ps --ppid 2 -p 2 --deselect -o cputimes=,args=").splitlines():
        seconds, _, words = line.strip().partition(" ")
        found[words[-60:]] = found.get(words[-60:], 0.0) + float(seconds)
    return {name: round(used, 1) for name, used in sorted(found.items(), key=lambda pair: -pair[1]) if used >= 1}


def emulation(box: Box) -> dict[str, float]:
    """Processor seconds that loading the product costs in the box and on the host that emulates it."""
    load = "import appliance.engine.runner, appliance.telephony.parent, webui.serve"
    before = os.times()
    subprocess.run([sys.executable, "-c", load], check=True)
    after = os.times()
    said = box.run(f'bash -c \'TIMEFORMAT="%U %S"; time {PYTHON} -c "{load}"\'', 600).error.split()
    inside_s, outside_s = sum(map(float, said[-2:])), sum(after[2:4]) - sum(before[2:4])
    return {"inside_s": round(inside_s, 1), "host_s": round(outside_s, 2), "times": round(inside_s / outside_s, 1)}


def first_boot(run: Run) -> None:
    """A new box, kernel started directly: menu, health, trunk, dial-ready. It is switched off by itself at the end."""
    fresh_disk(run)
    with Box(run.folder, "first-boot", [*direct(run.image, run.folder), *disk(run.disk), *network()]) as box:
        run.mark("first_boot_agent_s", box.wait_agent(1200))
        box.sh("systemctl start callbox-prepare", 900)
        run.mark("first_boot_prepared_s", box.up_s)
        provide_trunk(box)
        run.mark("first_boot_trunk_s", box.up_s)
        run.figures["first_call"] = wait_dial_ready(box, run)
        run.mark("first_boot_dial_ready_s", box.up_s, box)
        run.figures["first_boot_findings"] = wait_well(box)
        run.mark("first_boot_well_s", box.up_s)
        run.mark("first_boot_menu_s", box.wait_menu())
        wait_gate_over(box)
        run.mark("first_boot_gate_s", box.up_s)
        run.figures["around"] = look_around(box)
        (run.folder / "boot-chart.svg").write_text(box.sh("systemd-analyze plot", 300))
        box.power_off()


def boot_directly(run: Run) -> None:
    """The second boot: how long until it dials, without firmware and boot loader."""
    with Box(run.folder, "direct", [*direct(run.image, run.folder), *disk(run.disk), *network()]) as box:
        box.wait_agent(1200)
        run.figures["direct_call"] = wait_dial_ready(box, run)
        run.mark("direct_dial_ready_s", box.up_s, box)
        run.figures["direct_spent"] = spent(box)
        run.mark("direct_menu_s", box.wait_menu())
        run.figures["emulation"] = emulation(box)
        address = box.sh("ip -4 -o addr show scope global | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p' | head -1")
        run.figures["reachable_tcp"] = outside.reachable(address)
        assert run.figures["reachable_tcp"] == _DOORS, run.figures["reachable_tcp"]
        box.power_off()


def boot_by_firmware(run: Run) -> None:
    """UEFI, GRUB, slot A: the whole way, and the gate has called the slot good."""
    shutil.rmtree(run.folder / "vars.fd", ignore_errors=True)
    arguments = [*firmware(run.folder, [f"{run.disk}@@1M"]), *disk(run.disk), *network()]
    with Box(run.folder, "firmware", arguments) as box:
        run.mark("grub_menu_s", box.see(r"Callbox slot A \(OK=1 TRY=\d\)", 600))
        box.wait_agent(1200)
        run.figures["firmware_call"] = wait_dial_ready(box, run)
        run.mark("firmware_dial_ready_s", box.up_s, box)
        wait_gate(box)
        run.mark("firmware_gate_s", box.up_s)
        box.power_off()


def keep_screen(box: Box, run: Run, name: str, words: str, wanted: str = "") -> None:
    """What the technician's console says, for docs/technician, once it says what is `wanted`. Raises AssertionError."""
    deadline = time.monotonic() + _WELL_S
    while wanted not in (said := box.run(f"{AS_CALLBOX} callbox console {words} </dev/null 2>&1", 300).output):
        assert time.monotonic() < deadline, f"{wanted!r} is not in: {said}"
        time.sleep(_PAUSE_S)
    (run.folder / f"screen-{name}.txt").write_text(said)


def wait_gate_over(box: Box) -> None:
    """Wait until the health gate has found the box well; the start is over then. Raises AssertionError."""
    deadline = time.monotonic() + _WELL_S
    while (state := box.sh("systemctl show -P ActiveState callbox-gate")) in ("inactive", "activating"):
        assert time.monotonic() < deadline, state
        time.sleep(_PAUSE_S)
    assert state == "active", box.run("journalctl -b -u callbox-gate --no-pager -o cat | tail -n 5").output


def wait_gate(box: Box) -> None:
    """Wait until the health gate has marked the running slot good. The EFI partitions may come after we ask."""
    wait_gate_over(box)
    slot = box.sh("/usr/lib/callbox/slot get-current")
    deadline = time.monotonic() + _WELL_S
    while f"{slot}_TRY=0" not in box.run("/usr/lib/callbox/esp env").output.split():
        said = box.run("journalctl -b -u callbox-gate --no-pager -o cat | tail -n 5").output
        assert time.monotonic() < deadline, said
        time.sleep(_PAUSE_S)
