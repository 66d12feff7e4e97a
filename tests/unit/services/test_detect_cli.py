"""`callbox detect`, `enrol` and `library` from end to end: formats, manifests, broken files, exit status."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from appliance import cli
from appliance.jobs import hear_files
from audio import Label, synth, wavio

pytestmark = pytest.mark.unit


@pytest.fixture
def callbox(monkeypatch, capsys):
    """Runs the command line; returns (exit status, stdout, stderr)."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["callbox", *map(str, words)])
        monkeypatch.setattr(cli, "configure", lambda *_args, **_more: None)
        monkeypatch.setattr(cli.signal, "signal", lambda *_args: None)
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return run


def _busy() -> np.ndarray:
    return synth.to_int16(synth.call_progress("cn", Label.BUSY, 6))


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two good files, one in a folder below, and a broken one."""
    (tmp_path / "clips" / "more").mkdir(parents=True)
    wavio.write(tmp_path / "clips" / "busy.wav", _busy())
    wavio.write(tmp_path / "clips" / "more" / "ring.wav", synth.to_int16(synth.call_progress("cn", Label.RINGBACK, 9)))
    (tmp_path / "clips" / "broken.wav").write_text("not audio")
    (tmp_path / "clips" / "notes.txt").write_text("not looked at")
    return tmp_path / "clips"


def test_one_json_object_a_file_and_the_broken_one_does_not_stop_the_rest(callbox, folder) -> None:
    status, out, err = callbox("detect", folder, "--phase", "early", "--country", "Cn")
    broken, busy, ring = map(json.loads, out.splitlines())
    assert status == 1
    assert (broken["file"], broken["error_id"]) == ("broken.wav", "detect.unreadable")
    assert "broken.wav" in err
    assert (busy["file"], busy["label"], busy["kind"]) == ("busy.wav", "busy", "tone")
    assert (ring["file"], ring["label"]) == ("more/ring.wav", "ringback")
    assert set(busy) >= {"confidence", "decided_at_ms", "reason", "beep_ms", "announcement_id", "events"}
    assert {"t_ms", "kind"} <= set(busy["events"][0])


def test_manifest_names_files_as_given_and_takes_stage_for_phase(callbox, folder, tmp_path) -> None:
    rows = ["more/ring.wav,early,CN,x", "./busy.wav,EARLY,,y", "broken.wav,early,cn,z", "busy.wav,later,cn,z"]
    (tmp_path / "list.csv").write_text("\n".join(["\ufefffile,stage,country,extra", *rows]) + "\n", encoding="utf-8")
    status, out, err = callbox(
        "detect", "--manifest", tmp_path / "list.csv", "--audio-root", folder, "--format", "score"
    )
    told = list(csv.DictReader(io.StringIO(out)))
    assert status == 1
    assert list(told[0]) == ["file", "label", "t", "beep_t", "ann_id"]
    last = {row["file"]: row["label"] for row in told}
    assert last == {"more/ring.wav": "ringback", "./busy.wav": "busy", "broken.wav": "unknown", "busy.wav": "unknown"}
    assert [row["file"] for row in told] == sorted((row["file"] for row in told), key=list(last).index)
    assert "later" in err


def test_paths_of_a_manifest_are_beside_it_by_default(callbox, folder) -> None:
    (folder / "list.csv").write_text("stage,file\nearly,busy.wav\n")
    status, out, _ = callbox("detect", "--manifest", folder / "list.csv", "--country", "cn")
    assert (status, json.loads(out)["label"]) == (0, "busy")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("x.wav", "--manifest", "x.csv"),
        ("--manifest", "/nowhere/x.csv"),
        ("x.wav", "--country", "China"),
        ("x.wav", "--library", "/nowhere"),
    ],
)
def test_wrong_use(callbox, words) -> None:
    status, out, err = callbox("detect", *words, "--json")
    assert status == 2
    assert set(json.loads(out)) == {"error_id", "message"}
    assert err


def test_a_manifest_without_its_columns(callbox, tmp_path) -> None:
    (tmp_path / "list.csv").write_text("name\nx.wav\n")
    status, _, err = callbox("detect", "--manifest", tmp_path / "list.csv")
    assert status == 2
    assert "file, stage" in err


def test_many_files_in_processes_keep_their_order(callbox, tmp_path) -> None:
    wavio.write(tmp_path / "busy.wav", _busy()[:24000])
    clips = [hear_files.Clip(tmp_path / "busy.wav", f"{number}.wav", "early", "cn") for number in range(30)]
    clips[7] = hear_files.Clip(tmp_path / "gone.wav", "7.wav", "early", "cn")
    together = list(hear_files.hear_all(clips, None, jobs=2))
    assert [heard.file for heard in together] == [f"{number}.wav" for number in range(30)]
    assert isinstance(together[7], hear_files.Failure)
    assert together == list(hear_files.hear_all(clips, None, jobs=1))


def test_plots_are_pages(callbox, folder, tmp_path) -> None:
    callbox("detect", folder / "busy.wav", "--phase", "early", "--plot", tmp_path / "one.png")
    callbox("detect", folder, "--phase", "early", "--plot", tmp_path / "pages")
    for page in (tmp_path / "one.png", tmp_path / "pages" / "busy.wav.png", tmp_path / "pages" / "more_ring.wav.png"):
        assert page.read_bytes().startswith(b"\x89PNG")


def test_enrol_then_list_then_recognise_then_remove(callbox, tmp_path) -> None:
    library = tmp_path / "library"
    sample = synth.to_int16(np.concatenate([synth.voice_like(1.2, seed=seed) for seed in (1, 2, 3)]))
    wavio.write(tmp_path / "sample.wav", sample)
    enrol = ("enrol", tmp_path / "sample.wav", "--id", "south-vacant", "--library", library)
    assert callbox(*enrol, "--label", "vacant")[0] == 0
    status, _, err = callbox(*enrol, "--label", "vacant")
    assert status == 2
    assert "already" in err
    assert callbox(*enrol, "--label", "unreachable", "--replace")[0] == 0
    _, out, _ = callbox("library", "list", "--library", library, "--json")
    assert json.loads(out) == {"ann_id": "south-vacant", "label": "unreachable", "file": "south-vacant.wav"}
    wavio.write(tmp_path / "call.wav", np.concatenate([np.zeros(4000, np.int16), sample, np.zeros(8000, np.int16)]))
    _, out, _ = callbox("detect", tmp_path / "call.wav", "--phase", "early", "--library", library)
    heard = json.loads(out)
    assert (heard["label"], heard["announcement_id"]) == ("unreachable", "south-vacant")
    assert callbox("library", "remove", "south-vacant", "--library", library)[0] == 0
    assert callbox("library", "list", "--library", library)[1] == ""


@pytest.mark.parametrize(
    ("label", "audio", "words"),
    [("vacant", "text", "readable"), ("vacant", "silence", "quiet"), ("nonsense", "good", "vacant")],
)
def test_enrol_refuses_with_words_that_help(callbox, tmp_path, label, audio, words) -> None:
    path = tmp_path / "sample.wav"
    if audio == "text":
        path.write_text("not audio")
    else:
        samples = synth.to_int16(synth.voice_like(3, seed=1))
        wavio.write(path, samples if audio == "good" else samples * 0)
    status, _, err = callbox("enrol", path, "--label", label, "--id", "a", "--library", tmp_path / "library")
    assert status == 2
    assert words in err
    assert not (tmp_path / "library").exists()
