"""Updates as a person makes them, by `callbox update FILE`: refused, taken, and left again by itself."""

from __future__ import annotations

import json
import py_compile
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from appliance.store.db import newest_revision
from tests.boot.box import AS_CALLBOX, Box, disk, firmware, network
from tests.boot.stages import Run, give_list, keep_screen, rows, wait_dial_ready, wait_gate

PASSPHRASE = "boot test passphrase"
_IMAGE = Path(__file__).resolve().parents[2] / "image_build/image"
_LONG_S = 2400.0
_SAID = "/data/update-said.txt"
KEPT = (
    "contacts", "contact_numbers", "leads", "campaigns", "trunks", "attempts", "recordings", "recording_keys",
    "audit_log",
)  # fmt: skip
"""Tables that lose nothing by themselves."""
_SITE = "./opt/callbox/venv/lib/python3.11/site-packages"
_FAULT = "raise SystemExit('a version that cannot start')\n"
_REVISION = "9001"
_MIGRATION = f"store/migrations/versions/v{_REVISION}_a_later_version.py"
_MIGRATE = f"""from alembic import op

revision = "{_REVISION}"
down_revision = "{newest_revision()}"


def upgrade() -> None:
    op.execute("CREATE TABLE known_later AS SELECT id FROM contacts")
"""


def _bundle(build: Path, folder: Path, version: str, changed: dict[str, str]) -> Path:
    """A signed update made of `build`'s parts with these sources of `appliance` in place of, or beside, its own."""
    bundle = folder / f"{version}.raucb"
    with tempfile.TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        parts = work / "app.tar"
        subprocess.run(["cp", "--reflink=auto", build / "app.tar", parts], check=True)
        with tarfile.open(parts, "a") as tar:
            for path, text in changed.items():
                source, code = work / "source.py", work / "source.pyc"
                source.write_text(text)
                py_compile.compile(
                    str(source), str(code), doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )  # fmt: skip
                place = Path(f"{_SITE}/appliance/{path}")
                tar.add(source, str(place))
                tar.add(code, f"./{place.parent}/__pycache__/{place.stem}.cpython-311.pyc")
        keys = build.parent / "keys"
        # boot.sh's folders are looked for beside Debian's part
        script = (
            f"set -e; export SOURCE_DATE_EPOCH=1764028800 ZSTD_LEVEL=1; "
            f"{_IMAGE}/tree.sh {build}/base.tar {parts} {version} {work}/tree {keys}; "
            f"{_IMAGE}/slot.sh {work}/tree {version} {work}/slot; "
            f"{_IMAGE}/bundle.sh {work}/slot {version} {keys} {bundle}"
        )
        subprocess.run(["bash", "-c", script], check=True, stdout=subprocess.DEVNULL)
    return bundle


def newer_bundle(build: Path, folder: Path) -> Path:
    """A version that knows one table more, filled from what the box has."""
    return _bundle(build, folder, "0.8.0-newer", {_MIGRATION: _MIGRATE})


def broken_bundle(build: Path, folder: Path) -> Path:
    """A still later one whose `callbox prepare` fails at each start."""
    return _bundle(build, folder, "0.9.0-broken", {_MIGRATION: _MIGRATE, "services/run.py": _FAULT})


def _flipped(bundle: Path, folder: Path) -> Path:
    """The same with one bit changed in its middle."""
    bad = folder / "flipped.raucb"
    subprocess.run(["cp", "--reflink=auto", bundle, bad], check=True)
    with bad.open("r+b") as handle:
        handle.seek(bundle.stat().st_size // 2)
        byte = handle.read(1)[0]
        handle.seek(-1, 1)
        handle.write(bytes([byte ^ 1]))
    return bad


def sticks(**bundles: Path) -> list[str]:
    """QEMU arguments of bundles on sticks of these names."""
    words: list[str] = []
    for name, path in bundles.items():
        words += ["-drive", f"file={path},if=none,id={name},format=raw,readonly=on"]
        words += ["-device", f"virtio-blk-pci,drive={name},serial={name.upper()}"]
    return words


def lay(box: Box, name: str, path: Path) -> str:
    """Copy a bundle from its stick onto the data partition, where it stands with its exact size."""
    target = f"/data/{name}.raucb"
    box.sh(f"head -c {path.stat().st_size} /dev/disk/by-id/virtio-{name.upper()} >{target}; chmod 644 {target}", 300)
    return target


def standing(box: Box) -> dict[str, Any]:
    """What `callbox update` says of the last one."""
    found: dict[str, Any] = json.loads(box.callbox("update --json", 300).splitlines()[-1])
    return found


def wait_standing(box: Box, state: str) -> dict[str, Any]:
    """Wait until the box itself has seen what became of the update: it looks once a minute."""
    deadline = time.monotonic() + 900
    while (found := standing(box))["state"] != state:
        assert time.monotonic() < deadline, found
        time.sleep(5)
    return found


def wait_settled(box: Box) -> dict[str, Any]:
    """Wait until no update is under way, through the reboots that one may bring."""
    deadline = time.monotonic() + _LONG_S
    while True:
        try:
            found = standing(box)
        except (ConnectionResetError, AssertionError) as error:  # it reboots, or its services are not up yet
            found = {"state": str(error)}
        if found["state"] in ("none", "good", "failed", "returned"):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(5)


def _install(box: Box, path: str) -> None:
    """`callbox update FILE`; the box reboots at its end, so the last words may be lost with it."""
    # the agent goes down with the box: the command goes on without it and the next boot is waited for
    box.start(f"{AS_CALLBOX} callbox update {path} >{_SAID} 2>&1 </dev/null")
    box.wait_agent(_LONG_S)


def update_and_return(run: Run) -> None:
    """One disk: a bundle with a flipped bit is refused; a good one is proven with all rows there; one that
    cannot start is left by itself within three tries."""
    good, broken = newer_bundle(run.image, run.folder), broken_bundle(run.image, run.folder)
    bad = _flipped(good, run.folder)
    plugged = sticks(good=good, bad=bad, broken=broken)
    arguments = [*firmware(run.folder, [f"{run.disk}@@1M"]), *disk(run.disk), *network(), *plugged]
    with Box(run.folder, "update", arguments) as box:
        box.wait_agent(1500)
        wait_gate(box)
        box.sh(f"echo {PASSPHRASE} | {AS_CALLBOX} callbox backup passphrase --passphrase-stdin", 300)
        give_list(box, "Update", [f"010{62000000 + n}" for n in range(400)])
        before, version, slot = rows(box), running_version(box), running_slot(box)
        refused = box.run(f"{AS_CALLBOX} callbox update {lay(box, 'bad', bad)}", _LONG_S)
        assert refused.status != 0, refused
        run.figures["update_refused"] = refused.error.strip().splitlines()[-1:]
        box.sh("rm -f /data/bad.raucb")

        began = time.monotonic()
        _install(box, lay(box, "good", good))
        run.mark("update_rebooted_s", time.monotonic() - began)
        box.sh("systemctl start callbox-data", 900)  # the agent speaks before the data are there
        said = box.sh(f"cat {_SAID}")
        assert running_slot(box) != slot, said
        wait_gate(box)
        run.mark("update_new_slot_good_s", time.monotonic() - began)
        wait_standing(box, "good")
        keep_screen(box, run, "update-good", "update")
        run.figures["update_said"] = said.splitlines()
        run.figures["updated_from"], run.figures["updated_to"] = version, running_version(box)
        assert not (gone := lost(before, now := rows(box))), gone
        assert now["known_later"] == now["contacts"], "the data were not migrated"
        run.figures["updated_call"] = wait_dial_ready(box, run)  # by the trunk that the old version was given
        run.figures["rauc_status"] = json.loads(box.sh("rauc status --detailed --output-format=json"))
        box.sh("rm -f /data/good.raucb")

        slot, before = running_slot(box), rows(box)
        target = lay(box, "broken", broken)
        began = time.monotonic()
        _install(box, target)
        # the agent speaks before the services begin: it was lost again if this is the broken slot
        while running_slot(box) != slot:
            box.wait_agent(_LONG_S)
        run.mark("return_s", time.monotonic() - began)
        box.sh("systemctl start callbox-prepare", 900)
        found = wait_standing(box, "returned")
        run.figures["returned_says"] = found["message"]
        keep_screen(box, run, "update-returned", "update")
        assert not (gone := lost(before, rows(box))), gone
        run.figures["returned_call"] = wait_dial_ready(box, run)
        box.power_off()


def running_version(box: Box) -> str:
    """Version of the slot that runs."""
    return box.sh("cat /etc/callbox-release")


def running_slot(box: Box) -> str:
    """A or B."""
    return box.sh("/usr/lib/callbox/slot get-current")


def lost(before: dict[str, int], after: dict[str, int], kept: tuple[str, ...] = KEPT) -> dict[str, tuple[int, int]]:
    """Tables that have fewer rows than before, of those that keep all they were given; a version may not have all."""
    assert before["contacts"], before
    return {name: (before[name], after.get(name, 0)) for name in kept if after.get(name, 0) < before.get(name, 0)}
