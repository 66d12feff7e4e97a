"""How well announcements are named: enrolled ones, their siblings that nobody enrolled, by noise, level, codec, loss.

    python -m audio.training.early_score --builder build_dev.py --cache DIR --work DIR [--draws 3]

The texts and speeds here are none of the builder's, nor are three of the languages; each opening is shared by five
announcements, so that every entry has siblings. Clips are made by the builder's own maker and channel. In each draw
another 60 % of the entries are enrolled; every clip is heard once in each draw, by the whole `Listener`.
"""

import argparse
import hashlib
import subprocess
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio import Label, Library, Listener, announcement_label, wavio
from audio.training import corpus

Row = dict[str, str]
_VOICES = (("espeak", "+m7", 185, 35), ("espeak", "+f4", 200, 60), ("flite", "kal16", 0, 0), ("flite", "slt", 0, 0))
_COUNTRIES = {"de": "de", "es": "es", "fr": "fr", "en-us": "us", "cmn": "cn", "ru": "ru"}
_OPENINGS = {
    "de": ("Der gewünschte Teilnehmer ", "Die von Ihnen gewählte Rufnummer "),
    "es": ("El número que usted ha marcado ", "El cliente al que llama "),
    "fr": ("Le numéro que vous avez demandé ", "Votre correspondant "),
    "en-us": ("The wireless customer you have called ", "We are sorry, your call "),
    "cmn": ("对不起，您所呼叫的用户", "尊敬的客户您好，您拨打的号码"),
    "ru": ("К сожалению, абонент ", "Вызываемый вами номер "),
}
_ENDINGS = {
    "announcement_vacant": {
        "de": "ist nicht vergeben.",
        "es": "no existe. Por favor verifique el número.",
        "fr": "n'est pas attribué. Veuillez consulter votre annuaire.",
        "en-us": "cannot be completed as dialed. Please check the number.",
        "cmn": "不存在，请核对后再拨。",
        "ru": "не существует. Проверьте номер.",
    },
    "announcement_off": {
        "de": "ist ausgeschaltet. Bitte versuchen Sie es später noch einmal.",
        "es": "tiene el teléfono apagado. Intente más tarde.",
        "fr": "a éteint son téléphone. Merci de rappeler plus tard.",
        "en-us": "has turned off the phone. Please try again later.",
        "cmn": "已关机，请稍后再拨。",
        "ru": "выключил телефон. Перезвоните позже.",
    },
    "announcement_suspended": {
        "de": "ist vorübergehend gesperrt.",
        "es": "está suspendido temporalmente.",
        "fr": "est suspendu temporairement.",
        "en-us": "is temporarily suspended.",
        "cmn": "已停机。",
        "ru": "временно отключён.",
    },
    "announcement_busy": {
        "de": "spricht gerade. Bitte versuchen Sie es später noch einmal.",
        "es": "está ocupado. Intente más tarde.",
        "fr": "est en ligne. Merci de rappeler plus tard.",
        "en-us": "is on another call. Please try again later.",
        "cmn": "正在通话中，请稍后再拨。",
        "ru": "сейчас разговаривает. Перезвоните позже.",
    },
    "announcement_unreachable": {
        "de": "ist zur Zeit nicht erreichbar.",
        "es": "no se encuentra disponible. Intente más tarde.",
        "fr": "n'est pas joignable. Merci de rappeler plus tard.",
        "en-us": "is not available right now. Please try again later.",
        "cmn": "暂时无法接通，请稍后再拨。",
        "ru": "недоступен. Перезвоните позже.",
    },
}
_PER_LABEL = 70
_SEED = 4242
_ENROLLED_PERCENT = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was made of a clip in a draw: enrolled or not; right, wrong or none; how long after the start."""

    row: Row
    enrolled: bool
    result: str
    after_s: float | None


def _items() -> list[tuple[str, str, tuple[str, int]]]:
    """Announcements of any label, as the builder's `ann_items` lists them."""
    return [
        ("tts", f"{engine}:{voice}/{speed}", (language, opening))
        for language, openings in _OPENINGS.items()
        for opening in range(len(openings))
        for engine, voice, speed, _ in _VOICES
        if engine == "espeak" or language == "en-us"
    ]


def _say(builder: Any, folder: Path, label: str, item: tuple[str, str, tuple[str, int]]) -> NDArray[np.float64]:
    _, name, (language, opening) = item
    engine, voice, speed, pitch = next(v for v in _VOICES if f"{v[0]}:{v[1]}/{v[2]}" == name)
    text = _OPENINGS[language][opening] + _ENDINGS[label][language]
    file = folder / f"{hashlib.sha256(f'{name}|{language}|{text}'.encode()).hexdigest()[:16]}.wav"
    if not file.exists():
        tuned = ("-s", str(speed), "-p", str(pitch), "-w", str(file), text)
        command = ["espeak-ng", "-v", language + voice, *tuned]
        if engine == "flite":
            command = ["flite", "-voice", voice, "--setf", "duration_stretch=0.9", "-t", text, "-o", str(file)]
        subprocess.run(command, check=True, capture_output=True)
    samples: NDArray[np.float64] = builder.setlevel(builder.trim(builder.load(str(file))), -21)
    return samples


def make(builder: Any, work: Path) -> tuple[list[Row], Path]:
    """The clips and, in `library/`, every announcement; what is there already is used again."""
    folder = work / "announcements"
    if not (folder / "manifest.csv").exists():
        for name in ("clips", "library", "voices"):
            (folder / name).mkdir(parents=True, exist_ok=True)

        def render(_sources: Any, label: str, item: Any) -> tuple[Any, ...]:
            samples = _say(builder, folder / "voices", label, item)
            return samples, "synthetic", item[1], f"{item[2][0]}{item[2][1]}", _COUNTRIES[item[2][0]], "pkg"

        builder.ann_items, builder.ann_render = (lambda _sources, _split, _label: _items()), render
        for label in _ENDINGS:
            for item in _items():
                sound = np.clip(render(None, label, item)[0], -1, 1) * 32767
                wavio.write(folder / "library" / f"{builder.ann_id(label, item)}.wav", sound.astype(np.int16))
        corpus.build(builder, folder, corpus.Plan(dict.fromkeys(_ENDINGS, _PER_LABEL), seed=_SEED, warp=False))
    return corpus.read_manifest(folder), folder


def _enrolled(ann_id: str, draw: int) -> bool:
    return zlib.crc32(f"{draw}|{ann_id}".encode()) % 100 < _ENROLLED_PERCENT


@cache
def _library(folder: Path, draw: int) -> Library:
    names = {"off": Label.POWERED_OFF, "suspended": Label.OUT_OF_SERVICE}
    library = Library()
    for file in sorted((folder / "library").glob("*.wav")):
        kind = file.stem.split("_")[0]
        if _enrolled(file.stem, draw):
            library.enrol(wavio.read(file), file.stem, names.get(kind) or Label(kind))
    return library


def hear(folder: Path, job: tuple[Row, int]) -> Outcome:
    """One clip in one draw."""
    row, draw = job
    listener = Listener(country=row["country"], phase="early", library=_library(folder, draw))
    verdicts = [*listener.push(wavio.read(folder / "clips" / row["file"])), listener.finish()]
    last, meant = verdicts[-1], announcement_label(row["label"])
    after_s = None
    if last.evidence.get("ann_id") is None:
        result = "none"
    elif last.label is meant or last.evidence.get("meaning") == str(meant):
        result = "right"
        first = next(v for v in verdicts if v.label is meant or v.evidence.get("meaning") == str(meant))
        after_s = first.decided_at_ms / 1000 - float(row["t_event"])
    else:
        result = "wrong"
    return Outcome(row, _enrolled(row["ann_id"], draw), result, after_s)


def wilson(hits: int, total: int) -> str:
    """A share in percent with its 95 % interval (Wilson 1927)."""
    if total == 0:
        return "-"
    z, share = 1.96, hits / total
    centre, half = share + z * z / (2 * total), z * ((share * (1 - share) + z * z / (4 * total)) / total) ** 0.5
    low, high = ((centre - half) / (1 + z * z / total), (centre + half) / (1 + z * z / total))
    return f"{100 * share:.1f} ({100 * max(0.0, low):.1f}-{100 * min(1.0, high):.1f})"


_BY: dict[str, Callable[[Row], str]] = {
    "": lambda _row: "all",
    "SNR": lambda row: next(
        name
        for most, name in ((15, "10-15 dB"), (20, "15-20 dB"), (30, "20-30 dB"), (99, "30-45 dB"))
        if float(row["snr_db"]) <= most
    ),
    "level": lambda row: "below -35 dBov" if float(row["level_dbov"]) < -35 else "-35 dBov and up",
    "mobile codec": lambda row: row["mobile_codec"] or "none",
    "loss": lambda row: "none" if float(row["plr"] or 0) == 0 else "up to 3 %" if float(row["plr"]) <= 0.03 else "more",
    "clip": lambda row: row["sublabel"],
}


def table(outcomes: Sequence[Outcome]) -> str:
    """The figures as Markdown."""
    lines = [
        "| by | n enrolled | right % | wrong % | after, p50 / p90 s | n not enrolled | wrong name % |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, group in _BY.items():
        for value in sorted({group(o.row) for o in outcomes}):
            own = [o for o in outcomes if group(o.row) == value]
            known, strange = [o for o in own if o.enrolled], [o for o in own if not o.enrolled]
            times = [o.after_s for o in known if o.after_s is not None]
            after = "{:.2f} / {:.2f}".format(*np.percentile(times, (50, 90))) if times else "-"
            right, wrong = (sum(o.result == result for o in known) for result in ("right", "wrong"))
            named = sum(o.result == "wrong" for o in strange)
            figures = (
                f"{len(known)} | {wilson(right, len(known))} | {wilson(wrong, len(known))} | {after} "
                f"| {len(strange)} | {wilson(named, len(strange))}"
            )
            lines.append(f"| {name} {value} | {figures} |")
    return "\n".join(lines)


def main() -> None:
    """Make, hear, print."""
    parser = argparse.ArgumentParser(description="Score the naming of announcements on texts and voices held out")
    parser.add_argument("--builder", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    rows, folder = make(corpus.load_builder(options.builder, options.cache), options.work)
    todo = [(row, draw) for draw in range(options.draws) for row in rows]
    with ProcessPoolExecutor(options.jobs) as pool:
        print(table(list(pool.map(partial(hear, folder), todo, chunksize=32))))


if __name__ == "__main__":
    main()
