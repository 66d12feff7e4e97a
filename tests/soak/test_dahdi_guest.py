"""The kernel's own DAHDI in a Debian guest: two dynamic spans, read by the product's driver through sysfs and ioctl.

`-accel tcg` on purpose; the first time the module is compiled (3 min of one processor). No card is needed: DAHDI's
"loc" spans are real spans to everything above the driver.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.soak.guest.dahdi import make_dahdi
from tests.soak.guest.image import make_image, missing_programs
from tests.soak.guest.machine import Guest

pytestmark = pytest.mark.soak
CONFIG = r"dynamic=loc,1:0,31,0\ndynamic=loc,1:1,31,0\nbchan=1-15,17-31\ndchan=16\nbchan=32-46,48-62\ndchan=47\n"
READ = """
import dataclasses, json
from drivers.e1_gateway.dahdi import DahdiReader
lines = DahdiReader().lines()
print(json.dumps([dataclasses.asdict(line) | {"alarms": sorted(line.alarms)} for line in lines]))
"""
ASK = """
import json
from pathlib import Path
from drivers.e1_gateway.spanstat import span_info
ctl = Path("/dev/dahdi/ctl")
infos = [span_info(ctl, span) for span in (1, 2, 3)]
print(json.dumps([info and [info.name, info.alarms, info.channels] for info in infos]))
"""
LOOP = """
from pathlib import Path
from drivers.e1_gateway.spanstat import maintain
from drivers.lines import ReaderError
try:
    maintain(Path("/dev/dahdi/ctl"), 1, 1)
    print("looped")
except ReaderError as error:
    print(error.error_id)
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    if missing := missing_programs():
        pytest.skip(f"not installed here: {', '.join(missing)}")
    image, dahdi = make_image(), make_dahdi()
    drive = ["-drive", f"file={dahdi},if=virtio,format=raw,readonly=on"]
    with Guest(image, tmp_path_factory.mktemp("guest"), drive) as running:
        print(f"\nguest ready after {running.boot_s:.0f} s")
        running.sh("tar -xf /dev/vdc --keep-directory-symlink -C / && ldconfig && depmod -a", 600)
        running.sh("modprobe dahdi auto_assign_spans=1", 300)
        yield running


def python(guest: Guest, program: str) -> Any:
    """Run a program of the product in the guest."""
    guest.sh(f"cat > /tmp/ask.py <<'END'\n{program}\nEND")
    return guest.sh("cd /opt/callbox && PYTHONPATH=. python3 /tmp/ask.py", 300)


def test_without_spans_the_error_says_so(guest: Guest) -> None:
    answer = guest.run(
        "cd /opt/callbox && python3 -c 'from drivers.e1_gateway.dahdi import DahdiReader; DahdiReader().lines()'", 300
    )
    assert answer.status == 1
    assert "has no spans" in answer.error


def test_two_real_spans_are_read(guest: Guest) -> None:
    guest.sh("modprobe dahdi_dynamic && modprobe dahdi_dynamic_loc", 300)
    guest.sh(f"mkdir -p /etc/dahdi && printf '{CONFIG}' > /etc/dahdi/system.conf && dahdi_cfg", 300)
    lines = json.loads(python(guest, READ))
    assert [line["line_id"] for line in lines] == ["dahdi:1", "dahdi:2"]
    for line in lines:
        assert (line["up"], line["alarms"], line["error"]) == (True, [], "")
        assert line["channels"].count("idle") == 30
        assert line["channels"][15] == "signalling"
        assert line["in_use"] == 0
        assert line["counters"]["lcv"] == 0


def test_the_kernel_answers_the_ioctl(guest: Guest) -> None:
    assert json.loads(python(guest, ASK)) == [["DYN/loc/1:0", 0, 31], ["DYN/loc/1:1", 0, 31], None]


def test_an_open_channel_is_busy(guest: Guest) -> None:
    held = "import os,time; fd=os.open('/dev/dahdi/channel',os.O_RDWR); import fcntl,struct; "
    # DAHDI_SPECIFY: _IOW(0xDA, 38, int)
    held += "fcntl.ioctl(fd,(1<<30)|(4<<16)|(0xDA<<8)|38,struct.pack('i',3)); open('/tmp/held','w').close(); "
    guest.start(f'python3 -c "{held}time.sleep(600)"')
    guest.sh("for i in $(seq 300); do [ -e /tmp/held ] && exit 0; sleep 0.2; done; exit 1", 120)
    first = json.loads(python(guest, READ))[0]
    assert first["channels"][2] == "busy"
    assert first["in_use"] == 1


def test_a_loop_that_the_driver_has_not_is_an_error(guest: Guest) -> None:
    assert python(guest, LOOP) == "line.verb_unknown"
    answer = guest.run("dahdi_maint -s 1 --loopback localhost")
    assert "loopback ON" in answer.output  # the tool's words are no proof: it prints them before it asks
