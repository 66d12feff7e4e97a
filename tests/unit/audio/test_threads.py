"""numpy gets one thread in every process of the box: BLAS pools spin, and a forked worker's parent may have none."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

_PROGRAM = """
import appliance, audio, numpy as np
from pathlib import Path
big = np.ones((600, 600), np.float32)
big @ big
print(len(list(Path("/proc/self/task").iterdir())))
"""


def test_a_product_starts_no_threads() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "1"
