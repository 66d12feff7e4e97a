"""`callbox train-ear`: which parts are fitted, on what labelled calls, and how wrong use is told."""

from __future__ import annotations

import importlib
import json
import sys

import numpy as np
import pytest

from appliance import cli
from appliance.services import train_cli
from audio import synth, wavio
from audio.training import labelled

pytestmark = pytest.mark.unit


@pytest.fixture
def train(monkeypatch, capsys, tmp_path):
    """Runs the command with recorders in place of the fits; returns (exit status, stdout, what each fit was given)."""
    given = {}

    class Recorder:
        def __init__(self, name: str) -> None:
            self._name = name

        def train(self, builder, cache, work, out, *, jobs, labelled):
            given[self._name] = (work, labelled)
            return {"clips": 3}

    def run(*words: object) -> tuple[int, str, dict]:
        builder = tmp_path / "builder.py"
        builder.write_text("")
        more = ("--builder", builder, "--cache", tmp_path, "--work", tmp_path / "work", "--out", tmp_path / "models")
        monkeypatch.setattr(sys, "argv", ["callbox", "train-ear", *map(str, (*more, *words)), "--json"])
        monkeypatch.setattr(cli, "configure", lambda *_args, **_more: None)
        monkeypatch.setattr(cli.signal, "signal", lambda *_args: None)
        plain = importlib.import_module
        names = set(train_cli._MODULES.values())
        monkeypatch.setattr(
            train_cli.importlib, "import_module", lambda name: Recorder(name) if name in names else plain(name)
        )
        with pytest.raises(SystemExit) as end:
            cli.main()
        return int(end.value.code or 0), capsys.readouterr().out, given

    return run


def _table(folder, text: str):
    for name in ("a.wav", "b.wav"):
        silence = np.zeros(4000, np.int16)
        wavio.write(folder / name, np.concatenate([silence, synth.to_int16(synth.voice_like(1.5, seed=1))]))
    table = folder / "labels.csv"
    table.write_text(text)
    return table


def test_every_part_learns_from_the_labelled_calls(train, tmp_path) -> None:
    table = _table(
        tmp_path, "file,label,stage,country,t_event\na.wav,screening,answered,RU,\nb.wav,vacant,early,,1.25\n"
    )
    status, out, given = train("--labels", table)
    assert status == 0
    assert set(json.loads(out)) == {"answered", "kinds", "meanings", "texture", "beep"}
    assert set(given) == set(train_cli._MODULES.values())
    for _, rows in given.values():
        first, second = rows
        assert (first["label"], first["sublabel"], first["country"]) == ("machine", "call_screen", "ru")
        assert float(first["t_event"]) == pytest.approx(0.5, abs=0.1)
        assert (second["label"], second["t_event"]) == ("announcement_vacant", "1.25")


def test_only_one_part(train) -> None:
    status, _, given = train("--only", "texture")
    assert status == 0
    assert list(given) == ["audio.training.early"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("file,label\na.wav,human\n", "stage"), ("file,label,stage\na.wav,human,later\n", "line 2")],
)
def test_bad_labels_are_wrong_use(train, tmp_path, text, words) -> None:
    status, out, given = train("--labels", _table(tmp_path, text))
    assert status == 2
    assert words in json.loads(out)["message"]
    assert not given


def test_a_call_whose_sound_is_gone_is_left_out(tmp_path) -> None:
    table = _table(tmp_path, "file,label,stage\ngone.wav,human,answered\na.wav,human,answered\n")
    assert [row["source_files"] for row in labelled.read(table)] == ["a.wav"]
