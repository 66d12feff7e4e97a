"""The bench of searches fills what its searches look for, and says each kind's time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.bench import search as bench
from appliance.store.db import Store
from appliance.store.read.call_search import CallFilter, search

pytestmark = pytest.mark.sim


def test_the_mix_is_measured_and_finds_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench.search_command(attempts=2000, recordings=600, folder=tmp_path, as_json=True)
    found = json.loads(capsys.readouterr().out.splitlines()[-1])  # before it, maybe, that the disk is slow
    assert (found["attempts"], found["recordings"]) == (2000, 600)
    assert {"p50", "p95", "max", "by_kind"} == set(found["search_ms"])
    store = Store(f"sqlite:///{tmp_path / 'search-2000-600.sqlite'}")
    try:
        assert len(search(store, CallFilter(), size=1000).rows) == 600
        assert len(search(store, CallFilter(recorded=False), size=3000).rows) == 2000
        odd = search(store, CallFilter(note="quetzalcoatl", recorded=False))
        assert [row.note for row in odd.rows] == ["quetzalcoatl"]
        assert {row.name for row in search(store, CallFilter(name="欧阳若兰", recorded=False)).rows} == {"欧阳若兰"}
    finally:
        store.close()
