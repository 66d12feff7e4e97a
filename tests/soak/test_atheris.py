"""The parsers of what cards say under coverage-guided fuzzing: no crash, no hang, no line up without proof."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.transcripts import DOWN, ISDN, UP

pytestmark = pytest.mark.soak
RUNS = 30_000
SLOWEST_S = 10


def test_parsers_of_lines(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(
        (f"\x00{UP}{DOWN}\x00{ISDN}", "\x01" + "\x00".join(["2", "1", "1", "2"] * 7), f"\x02gw#show e1\n{UP}gw#")
    ):
        (corpus / str(number)).write_bytes(seed.encode("latin-1"))
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.soak.atheris_lines", str(corpus), f"-runs={RUNS}", f"-timeout={SLOWEST_S}",
            "-max_len=4096", "-seed=1", f"-artifact_prefix={tmp_path}/",
        ],
        capture_output=True, text=True, errors="replace", timeout=3000, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found = re.search(r"Done (\d+) runs", done.stderr)
    assert found is not None
    assert int(found[1]) >= RUNS
    print(done.stderr.strip().splitlines()[-1])
