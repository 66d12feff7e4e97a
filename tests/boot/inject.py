"""A small initrd that is loaded beside the box's own: it puts the tests' agent into the running box.

The image itself has no way in but the product's. A test that starts the machine also chooses what it loads, and adds
this archive: one unit in the initrd that writes the agent and its unit to /run, which the real root keeps.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

FOLDER = "/run/callbox-test"
_EARLY_UNIT = """[Unit]
Description=Agent of the boot tests
DefaultDependencies=no
Before=initrd.target
[Service]
Type=oneshot
ExecStart=/bin/sh /callbox-test/install
"""
_INSTALL = f"""set -e
mkdir -p {FOLDER} /run/systemd/system/sysinit.target.wants
cp /callbox-test/agent.py {FOLDER}/
cp /callbox-test/agent.service /run/systemd/system/boot-test-agent.service
ln -s ../boot-test-agent.service /run/systemd/system/sysinit.target.wants/
# a crash of the emulated machine tells where it was, in the service's own log
more=/run/systemd/system/callbox-supervisord.service.d
mkdir -p $more
printf '[Service]\\nEnvironment=PYTHONFAULTHANDLER=1\\n' >$more/boot-test.conf
"""
_AGENT_UNIT = f"""[Unit]
Description=Agent of the boot tests
DefaultDependencies=no
After=systemd-udev-trigger.service
StartLimitIntervalSec=0
[Service]
ExecStartPre=-/sbin/modprobe virtio_console
ExecStartPre=-udevadm wait --timeout=300 /dev/virtio-ports/callbox.agent
ExecStart=/usr/bin/python3 -u {FOLDER}/agent.py
# what it runs dials as the worker group does, and gets as much
CPUWeight=1000
Restart=always
RestartSec=0.5
"""


def make_initrd(folder: Path) -> Path:
    """Write `inject.cpio` into `folder` and return it. Needs `cpio`."""
    tree = folder / "inject"
    shutil.rmtree(tree, ignore_errors=True)
    wants = tree / "etc/systemd/system/initrd.target.wants"
    wants.mkdir(parents=True)
    (tree / "callbox-test").mkdir()
    (tree / "etc/systemd/system/callbox-test.service").write_text(_EARLY_UNIT)
    (wants / "callbox-test.service").symlink_to("../callbox-test.service")
    (tree / "callbox-test/install").write_text(_INSTALL)
    (tree / "callbox-test/agent.service").write_text(_AGENT_UNIT)
    shutil.copy(Path(__file__).parents[1] / "soak/guest/agent.py", tree / "callbox-test/agent.py")
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    target = folder / "inject.cpio"
    with target.open("wb") as handle:
        subprocess.run(
            ["cpio", "--quiet", "-o", "-H", "newc"], input=names.encode(), stdout=handle, cwd=tree, check=True
        )
    return target
