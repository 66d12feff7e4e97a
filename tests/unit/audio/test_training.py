"""Training on made-up corpora: the same plan gives the same bytes, no source is in two folds, what can be learnt is."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from audio import ListenerConfig
from audio.answered import WIDTH
from audio.decision import CLASSES
from audio.model import Model
from audio.training import answered, calibration, corpus, fit_answered, folds, loss_score, network

pytestmark = pytest.mark.unit

_BUILDER = """
import hashlib
import numpy as np
SEED = 1
CACHE = EXT = TTSDIR = None
FIELDS = ["file", "label", "stage", "country", "source_pkg", "source_files", "sublabel", "sha256", "snr_db", "t_event"]
_S = {}
_dec = {}
class MissingExt(Exception): pass
def rng_for(*key):
    return np.random.default_rng(int(hashlib.sha256(repr((SEED,) + key).encode()).hexdigest()[:12], 16))
def load(path): return np.sin(np.arange(4000) * 0.3)
def build_sources(split): return split
def frames_rms(x): return np.sqrt(np.mean(x[: len(x) // 80 * 80].reshape(-1, 80) ** 2, axis=1))
def active_rms(x): return float(np.sqrt(np.mean(x**2)))
def db(v): return 10 ** (v / 20)
def degrade(x, reference, cid, country, random, kind, m):
    m["snr_db"] = 20
    return (x * 8000 + random.standard_normal(len(x)) * 50).astype(np.int16)
def mk_machine(s, r, split, cid):
    x = np.concatenate([np.zeros(4000), load("voice") * r.uniform(0.5, 1)])
    row = dict(label="machine", stage="early", country="us", source_pkg="p", source_files="a:b", sublabel="x")
    return x, 0.1, "machine", row
def mk_human(s, r, split, cid):
    x = np.concatenate([np.zeros(4000), load("voice"), np.zeros(16000)])
    row = dict(label="human", stage="answered", country="us", source_pkg="p", source_files=f"{cid}:b", sublabel="y")
    return x, 0.1, "human", dict(row, t_event=0.5, foreground=x)
def mk_silence(s, r, split, cid):
    row = dict(label="silence", stage="answered", country="us", source_pkg="made", source_files="cn", sublabel="cn")
    return np.zeros(24000), 0.1, "silence", row
PLAN = {"dev": [("machine", 2, mk_machine), ("human", 2, mk_human), ("silence", 2, mk_silence)]}
"""
_PLAN = corpus.Plan({"machine": 3}, seed=5, answered_only=True)


def _build(folder: Path, plan: corpus.Plan) -> tuple[list[corpus.Row], str]:
    script = folder / "builder.py"
    script.write_text(_BUILDER)
    rows = corpus.build(corpus.load_builder(script, folder / "cache"), folder / "out", plan)
    clips = b"".join(file.read_bytes() for file in sorted((folder / "out" / "clips").iterdir()))
    return rows, hashlib.sha256(clips).hexdigest()


def test_the_same_plan_gives_the_same_corpus_and_another_seed_another(tmp_path) -> None:
    made = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        (tmp_path / name).mkdir()
        made.append(_build(tmp_path / name, corpus.Plan({"machine": 3}, seed=seed, answered_only=True)))
    assert made[0] == made[1]
    assert made[0][1] != made[2][1]
    assert {row["stage"] for row in made[0][0]} == {"answered"}
    with np.load(tmp_path / "a" / "out" / "speech.npz") as flags:
        speech = flags[made[0][0][0]["file"]]
    assert not speech[:49].any()
    assert speech[52:90].all()


def test_the_whole_training_leaves_models_that_load_and_a_curve(tmp_path, monkeypatch) -> None:
    script = tmp_path / "builder.py"
    script.write_text(_BUILDER)
    counts = {"human": 6, "machine": 6, "silence": 2}
    monkeypatch.setattr(answered, "LEARN", corpus.Plan(counts, seed=5, answered_only=True))
    monkeypatch.setattr(answered, "JUDGE", corpus.Plan(counts, seed=6, warp=False, answered_only=True))
    monkeypatch.setattr(fit_answered, "EPOCHS", 2)
    out = tmp_path / "models"
    figures = answered.train(script, tmp_path / "cache", tmp_path / "work", out)
    assert figures["human"]["clips"] == 6
    for name in ("foreground", "answered"):
        with np.load(out / f"{name}.npz", allow_pickle=False) as arrays:
            fitted = Model(**{key: arrays[key] for key in arrays.files})
        assert np.isfinite(fitted.probabilities(np.zeros(fitted.mean.size, np.float32))).all()
        assert json.loads((out / f"{name}.json").read_text())["model"] == name
    points = json.loads((out / "tradeoff.json").read_text())
    assert {"setting", "people_dropped", "machines_passed"} == set(points[0])
    with np.load(tmp_path / "work" / "judged.npz") as judged:
        assert judged["looks"].sum() == len(judged["vectors"]) == len(judged["shares"])


def test_a_warped_source_is_shorter_or_longer_by_the_factor() -> None:
    tone = np.sin(np.arange(8000) * 0.2)
    assert abs(corpus.warp(tone, 1.1, 0.0).size - 8000 / 1.1) < 2
    assert corpus.warp(tone, 1.0, 0.0) is tone
    assert corpus.warp(np.zeros(0), 1.1, 0.3).size == 0


def test_no_source_is_in_two_folds() -> None:
    rows = [
        {"label": "human", "source_pkg": "ktuberling-data", "source_files": f"ktub_{n % 7}:x{n}.ogg"} for n in range(40)
    ] + [{"label": "machine", "source_pkg": "espeak:+m7", "source_files": f"ru{n}"} for n in range(10)]
    fold = folds.assign(rows)
    by_source: dict[str, set[int]] = {}
    for row, number in zip(rows, fold.tolist(), strict=True):
        by_source.setdefault(folds.source_group(row), set()).add(number)
    assert {len(numbers) for numbers in by_source.values()} == {1}
    assert len(set(fold.tolist())) > 2


def test_a_volunteer_is_one_source_as_person_and_as_machine() -> None:
    person = {"label": "human", "source_pkg": "tuxpaint-stamps-default", "source_files": "tux_ro:cat.ogg"}
    machine = {"label": "machine", "source_pkg": "tuxpaint-stamps-default", "source_files": "ro:cat.ogg+dog.ogg"}
    assert folds.source_group(person) == folds.source_group(machine)


def _made_up_clips(count: int) -> tuple[list[np.ndarray], np.ndarray]:
    random = np.random.default_rng(3)
    classes = np.arange(count) % 2
    clips = []
    for kind in classes.tolist():
        looks = random.standard_normal((30, WIDTH)).astype(np.float32)
        looks[:, 0] = 0.5 + np.arange(30) * 0.1
        looks[:, 2] = looks[:, 0] - 0.4
        looks[:, 6] = 0.8
        looks[:, [8, 23]] = 1.0 - kind
        looks[:, 21] = 0.8
        looks[:, 40] += 3.0 if kind else -3.0
        clips.append(looks)
    return clips, classes


def test_what_differs_is_learnt_calibrated_and_decided() -> None:
    clips, classes = _made_up_clips(80)
    weights = fit_answered.fit(clips[:60], classes[:60], seed=1, epochs=80)
    logits = [network.logits(weights, clip) for clip in clips]
    temperatures = fit_answered.calibrate(clips, logits, classes)
    assert temperatures.min() > 0
    rows = [
        {"label": ("human", "machine")[kind], "sublabel": "", "source_files": "", "t_event": "0.4"} for kind in classes
    ]
    shares = [fit_answered.softmax(z) for z in logits]
    told = fit_answered.summary(rows[60:], clips[60:], shares[60:], ListenerConfig(machine_probability=0.9))
    assert told["human"]["last"] == {"human": 10}
    assert told["machine"]["last"] == {"machine": 10}
    points = fit_answered.curve(rows[60:], clips[60:], shares[60:], (0.5, 0.9))
    assert [point["people_dropped"] for point in points] == [0.0, 0.0]
    assert [point["machines_passed"] for point in points] == [0.0, 0.0]


def test_networks_are_the_same_for_the_same_seed() -> None:
    clips, classes = _made_up_clips(12)
    targets = network.one_hot(classes, len(CLASSES))
    rows, weights = np.stack([clip[0] for clip in clips]), np.ones(12, np.float32)
    one, other = (network.train(rows, targets, weights, hidden=4, seed=9, epochs=2) for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("fill", "second"), [(0.0, 0), (1.0, 100), (0.5, 50)])
def test_lost_packets_are_filled(fill, second) -> None:
    samples = np.repeat(np.array([100, 7, 8], np.int16), 160)
    filled = loss_score.lose(np.concatenate((samples, samples[:50])), 1.0, fill, 1)
    assert filled.size == samples.size
    assert filled[:160].tolist() == [100] * 160
    assert filled[160:320].tolist() == [second] * 160
    assert np.array_equal(loss_score.lose(samples, 0.0, fill, 1), samples)


def test_calibration_counts_by_confidence() -> None:
    printed = calibration.table(np.array([0.85, 0.85, 0.99, 1.0]), np.array([True, False, True, True]))
    assert "| 0.80-0.90 | 2 | 85.0 | 50.0 |" in printed
    assert "| 0.99-1.00 | 2 | 99.5 | 100.0 |" in printed
    assert "error: 0.177" in printed or "error: 0.178" in printed
