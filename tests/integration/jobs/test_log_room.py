"""A line of the log on a disk that is full: with room kept beforehand it is written at once, in its place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

_FULL = """
import json, os, sys
from pathlib import Path
from appliance.jobs import log_room

folder, found = Path(sys.argv[1]), {}
kept, plain = folder / "switch.log", folder / "plain.txt"
handles = [os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for path in (kept, plain)]
for handle in handles:
    os.write(handle, b"before " * 1000)
log_room.keep(folder)
found["longer"] = kept.stat().st_size - 7000
with (folder / "filler").open("wb", buffering=0) as filler:
    for piece in (1 << 16, 1 << 12, 1):
        while True:
            try:
                filler.write(bytes(piece))
            except OSError:
                break
log_room.keep(folder)

def lines(handle):
    try:
        return sum(os.write(handle, b"a recording stopped " * 50) == 1000 for _ in range(20))
    except OSError as error:
        return os.strerror(error.errno)

found["kept"], found["plain"] = map(lines, handles)
found["text"] = kept.read_bytes() == b"before " * 1000 + b"a recording stopped " * 1000
print(json.dumps(found))
"""


def test_a_full_disk_takes_the_next_lines_of_a_log(tmp_path: Path) -> None:
    small = 'mount -t tmpfs -o size=1m tmpfs "$2" && exec "$0" -c "$1" "$2"'
    words = ["unshare", "-m", "sh", "-c", small, sys.executable, _FULL, str(tmp_path)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == {"longer": 0, "kept": 20, "plain": "No space left on device", "text": True}
