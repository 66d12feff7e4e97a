"""All sound of the bench, made once by `make_sounds` into a folder of raw A-law files, the same on every machine.

People (hello, repeated hello, lines, the noise of their room), voicemail greetings with beep, announcements of the
exchange, tones, fax, and what the agents say. Without the voice packages only synthetic people are made.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress as RichProgress

from appliance.bench import sound_sources as sources
from appliance.bench.sound_sources import Samples, generator_for
from appliance.bench.sound_texts import AGENT_LINES, ANNOUNCEMENTS, GREETINGS, PEOPLE
from appliance.errors import BoxError
from appliance.logs import get_logger
from appliance.settings import Home
from audio import synth, wavio
from audio.g711 import encode_alaw
from audio.labels import Label

VERSION = 1
Progress = Callable[[int, int, str], None]
Task = tuple[str, Callable[[], dict[str, Samples]]]
_RING_PERIOD_S, _TONE_S, _BED_S = 5.0, 14.0, 4.0


@dataclass(frozen=True)
class Person:
    """A called party; all sounds are A-law."""

    name: str
    hello: list[bytes]
    lines: list[bytes]
    bed: bytes


class SoundLibrary:
    """The made sounds, read from their folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sound(self, name: str) -> bytes:
        """One sound by its name without suffix, e.g. `tones/busy`. Raises BoxError when it was not made."""
        path = self.folder / f"{name}.al"
        if not path.exists():
            raise BoxError("bench.no_sound", f"{path} is missing. Run 'callbox prepare --bench'.")
        return path.read_bytes()

    def names(self, pattern: str) -> list[str]:
        """Names that match a glob, sorted."""
        return sorted(str(p.relative_to(self.folder).with_suffix("")) for p in self.folder.glob(pattern + ".al"))

    @cached_property
    def people(self) -> list[Person]:
        found = []
        for place in sorted((self.folder / "people").glob("*")):
            prefix = f"people/{place.name}"
            found.append(
                Person(
                    place.name, [self.sound(n) for n in self.names(f"{prefix}/hello_*")],
                    [self.sound(n) for n in self.names(f"{prefix}/line_*")], self.sound(f"{prefix}/bed"),
                )
            )  # fmt: skip
        return found

    @cached_property
    def greetings(self) -> list[bytes]:
        return [self.sound(n) for n in self.names("greetings/*")]

    def announcement(self, what: str, language: str) -> bytes:
        return self.sound(f"announcements/{what}_{language}")


def make_sounds(folder: Path, *, packages: Path | None = None, progress: Progress | None = None) -> SoundLibrary:
    """Make the sounds if they are not there yet. `packages` is scratch room for the voice packages; None: do without.

    Raises BoxError when not even the speech synthesiser works.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(folder.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # exchange and phones may start at once
        return _make_sounds(folder, packages, progress)


def made_version(folder: Path) -> int | None:
    """Version of the sounds in a folder, None when they are not (wholly) there."""
    stamp = folder / "manifest.json"
    return int(json.loads(stamp.read_text("utf-8"))["version"]) if stamp.exists() else None


def _make_sounds(folder: Path, packages: Path | None, progress: Progress | None) -> SoundLibrary:
    found = json.loads((folder / "manifest.json").read_text("utf-8")) if made_version(folder) == VERSION else {}
    missing = list(sources.VOICE_PACKAGES)
    if found and (packages is None or not found["missing"]):
        return SoundLibrary(folder)
    words: dict[str, list[Path]] = {}
    if packages is not None:
        missing = sources.fetch_packages(packages)
        if missing:
            get_logger(bench="sounds").warning(
                "voices are incomplete: packages cannot be had, synthetic people stand in", packages=" ".join(missing)
            )
        if found and missing == found["missing"]:  # still not to be had
            return SoundLibrary(folder)
        words = sources.recorded_words(packages)
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    tasks = _tasks(words, packages)
    with ThreadPoolExecutor(max_workers=4) as pool:
        for done, (task, made) in enumerate(zip(tasks, pool.map(lambda task: task[1](), tasks), strict=True), 1):
            for name, samples in made.items():
                _write(fresh, name, samples)
            if progress is not None:
                progress(done, len(tasks), task[0])
    (fresh / "manifest.json").write_text(json.dumps({"version": VERSION, "missing": missing}), "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    if packages is not None:
        shutil.rmtree(packages, ignore_errors=True)  # not even the folder is there when no package could be had
    return SoundLibrary(folder)


def ensure_sounds(home: Home) -> SoundLibrary:
    """Make the sounds of this home with all voices that can be had, showing progress on stderr."""
    with RichProgress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("voices and tones of the bench", total=None)
        return make_sounds(
            home.bench / "sounds", packages=home.bench / "voice-packages",
            progress=lambda done, total, _: bar.update(task, completed=done, total=total),
        )  # fmt: skip


def _write(folder: Path, name: str, samples: Samples) -> None:
    path = folder / f"{name}.al"
    path.parent.mkdir(parents=True, exist_ok=True)
    pcm = synth.to_int16(samples)
    path.write_bytes(encode_alaw(pcm).tobytes())
    if name.startswith("agents/"):  # a real phone program plays WAV
        wavio.write(path.with_suffix(".wav"), pcm)


def _tasks(words: dict[str, list[Path]], packages: Path | None) -> list[Task]:
    tasks: list[Task] = [("tones", _tones)]
    for what, texts in ANNOUNCEMENTS.items():
        for language, text in texts.items():
            tasks.append((f"{what} {language}", _Announcement(what, language, text)))
    for index, (engine, language, hello, lines) in enumerate(PEOPLE):
        person = _SyntheticPerson(f"tts{index:02d}_{language}", engine, language, hello, lines)
        tasks.append((person.name, person))
    tasks += [(speaker, _RecordedPerson(speaker, files)) for speaker, files in words.items()]
    for index, (engine, language, text) in enumerate(GREETINGS):
        tasks.append((f"greeting {index}", _Greeting(index, engine, language, text)))
    if packages is not None:
        for language in ("es", "fr", "it"):
            prompts = sources.recorded_prompts(packages, language)
            if "vm-intro" in prompts:
                tasks.append((f"greeting {language}", _RecordedGreeting(language, prompts)))
    for index, (engine, language, texts_) in enumerate(AGENT_LINES):
        tasks.append((f"agent {index}", _Agent(index, engine, language, texts_)))
    return tasks


def _tones() -> dict[str, Samples]:
    fax = [synth.silence(0.3), synth.fax_ced(3.0), synth.silence(0.075)]
    return {
        "tones/ring": synth.call_progress("cn", Label.RINGBACK, _RING_PERIOD_S),
        "tones/busy": synth.call_progress("cn", Label.BUSY, _TONE_S),
        "tones/congestion": synth.call_progress("cn", Label.CONGESTION, _TONE_S),
        "tones/sit_vacant": np.concatenate([synth.sit(Label.SIT_VACANT), synth.silence(0.4)]),
        "tones/fax": np.concatenate(fax + [np.concatenate([synth.fax_preamble(1.0), synth.silence(1.5)])] * 3),
        "tones/line": synth.noise(_BED_S, -66.0, seed=7),
    }


@dataclass(frozen=True)
class _Announcement:
    what: str
    language: str
    text: str

    def __call__(self) -> dict[str, Samples]:
        said = sources.say("espeak:+f4", self.language, self.text, -19.0)
        whole = np.concatenate([synth.silence(0.3), said, synth.silence(1.2)])
        return {f"announcements/{self.what}_{self.language}": whole}


def _in_room(name: str, spoken: dict[str, Samples]) -> dict[str, Samples]:
    """Put a person's sounds into the same room noise, and the noise alone as `bed`."""
    random = generator_for("room", name)
    noise_dbov = float(random.uniform(-64, -50))
    made: dict[str, Samples] = {}
    for index, (key, samples) in enumerate(spoken.items()):
        noise = synth.noise(samples.size / synth.RATE_HZ, noise_dbov, seed=index)
        made[f"people/{name}/{key}"] = samples + noise
    made[f"people/{name}/bed"] = synth.noise(_BED_S, noise_dbov, seed=99)
    return made


def _join(parts: list[Samples], gap_s: float) -> Samples:
    gap = synth.silence(gap_s)
    return np.concatenate([piece for part in parts for piece in (part, gap)][:-1])


@dataclass(frozen=True)
class _SyntheticPerson:
    name: str
    engine: str
    language: str
    hello: tuple[str, ...]
    lines: tuple[str, ...]

    def __call__(self) -> dict[str, Samples]:
        random = generator_for("tts", self.name)
        level_dbov, speed = float(random.uniform(-26, -17)), int(random.integers(150, 185))
        spoken = {}
        for kind, texts in (("hello", self.hello), ("line", self.lines)):
            for n, text in enumerate(texts):
                spoken[f"{kind}_{n}"] = sources.say(self.engine, self.language, text, level_dbov, speed=speed)
        return _in_room(self.name, spoken)


@dataclass(frozen=True)
class _RecordedPerson:
    """Recorded single words: one is the hello, several in a row make a line."""

    name: str
    files: list[Path]

    def __call__(self) -> dict[str, Samples]:
        random = generator_for("words", self.name)
        level_dbov = float(random.uniform(-25, -17))
        chosen = [self.files[int(i)] for i in random.permutation(len(self.files))[:14]]
        words = [sources.load(path, level_dbov) for path in chosen]
        short = sorted(words, key=lambda word: abs(word.size / synth.RATE_HZ - 0.6))
        spoken = {f"hello_{n}": word for n, word in enumerate(short[:2])}
        rest = short[2:] or short
        for n in range(4):
            picked = [rest[(n * 3 + k) % len(rest)] for k in range(int(random.integers(2, 5)))]
            spoken[f"line_{n}"] = _join(picked, float(random.uniform(0.1, 0.3)))
        return _in_room(self.name, spoken)


def _with_beep(name: str, said: Samples) -> dict[str, Samples]:
    random = generator_for("greeting", name)
    beep = synth.beep(float(random.choice([425.0, 600.0, 850.0, 1000.0, 1400.0])), float(random.uniform(0.25, 0.9)))
    return {f"greetings/{name}": np.concatenate([said, synth.silence(float(random.uniform(0.2, 0.9))), beep])}


@dataclass(frozen=True)
class _Greeting:
    index: int
    engine: str
    language: str
    text: str

    def __call__(self) -> dict[str, Samples]:
        return _with_beep(
            f"g{self.index:02d}_{self.language}", sources.say(self.engine, self.language, self.text, -20.0)
        )


@dataclass(frozen=True)
class _RecordedGreeting:
    language: str
    prompts: dict[str, Path]

    def __call__(self) -> dict[str, Samples]:
        order = ("vm-theperson", "digits/4", "digits/1", "vm-isunavail", "vm-intro")
        parts = [sources.load(self.prompts[n], -20.0) for n in order if n in self.prompts]
        return _with_beep(f"rec_{self.language}", _join(parts, 0.12))


@dataclass(frozen=True)
class _Agent:
    index: int
    engine: str
    language: str
    texts: tuple[str, ...]

    def __call__(self) -> dict[str, Samples]:
        lines = [sources.say(self.engine, self.language, text, -21.0) for text in self.texts]
        made = {f"agents/a{self.index}/line_{n}": line for n, line in enumerate(lines)}
        made[f"agents/a{self.index}/all"] = _join(lines, 2.5)
        return made
