"""Where the bench's voices come from: Debian packages with recorded words, espeak-ng and flite.

Only sources that the ear may be trained on are used, so that a bench run says nothing about recordings kept aside.
Everything here returns float64 samples [n] in int16 units at 8 kHz, trimmed, at a given level.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.errors import BoxError
from appliance.logs import get_logger
from audio import levels

Samples = NDArray[np.float64]
RATE_HZ = 8000
VOICE_PACKAGES = (
    "ktuberling-data", "asterisk-prompt-es-co", "asterisk-prompt-fr-armelle", "asterisk-prompt-it-menardi-wav",
)  # fmt: skip
"""Debian packages of recorded words (downloaded and unpacked for their sounds, not installed; about 70 MB)."""
_KTUBERLING = "usr/share/ktuberling/sounds"
_ASTERISK = {
    "es": "usr/share/asterisk/sounds/es", "fr": "usr/share/asterisk/sounds/fr",
    "it": "usr/share/asterisk/sounds/it_IT_f_Menardi",
}  # fmt: skip
WORD_LANGUAGES = ("ca", "da", "lt", "nn", "gl", "fi", "ga", "sv", "sr", "el", "ro")
ESPEAK_VOICES = {"zh": "cmn", "ru": "ru", "en": "en-us"}
_HELLO_WORDS = re.compile(r"^(hello-world|digits/\d|vm-(no|and|sorry|goodbye|first|next|last))$")


def fetch_packages(folder: Path) -> list[str]:
    """Download and unpack the voice packages below `folder`; returns those that cannot be had."""
    missing = []
    for package in VOICE_PACKAGES:
        target = folder / package
        if target.is_dir():
            continue
        with tempfile.TemporaryDirectory(prefix="callbox-voices-") as scratch:
            if not _download(package, Path(scratch)):
                missing.append(package)
                continue
            found = next(Path(scratch).glob("*.deb"))
            partial = target.with_name(package + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            subprocess.run(["dpkg-deb", "-x", str(found), str(partial)], check=True)
            partial.rename(target)
    return missing


def _download(package: str, folder: Path) -> bool:
    try:
        done = subprocess.run(
            ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", package],
            cwd=folder, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        get_logger(bench="sounds").warning("package not downloaded", package=package, error=str(error))
        return False
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        get_logger(bench="sounds").warning("package not downloaded", package=package, error=last)
    return done.returncode == 0


def recorded_words(folder: Path) -> dict[str, list[Path]]:
    """Speaker -> files of single words or short phrases."""
    speakers = {}
    for language in WORD_LANGUAGES:
        place = folder / "ktuberling-data" / _KTUBERLING / language
        speakers[f"kt_{language}"] = sorted(p for p in place.glob("*") if p.suffix in (".ogg", ".wav"))
    for language in _ASTERISK:
        prompts = recorded_prompts(folder, language)
        speakers[f"as_{language}"] = [path for name, path in sorted(prompts.items()) if _HELLO_WORDS.match(name)]
    return {speaker: files for speaker, files in speakers.items() if len(files) >= 5}


def recorded_prompts(folder: Path, language: str) -> dict[str, Path]:
    """Name (`vm-intro`, `digits/4`) -> file of a studio voice (es, fr, it)."""
    place = next(iter(folder.glob(f"*/{_ASTERISK[language]}")), None)
    if place is None:
        return {}
    files = [p for p in place.rglob("*") if p.suffix in (".gsm", ".wav")]
    return {str(p.relative_to(place).with_suffix("")): p for p in files}


def load(path: Path, level_dbov: float) -> Samples:
    """Decode any sound file (sox, repeatable, no dither). Raises BoxError when it cannot be read."""
    done = subprocess.run(
        ["sox", "-D", "-R", "-V1", str(path), "-t", "raw", "-e", "signed", "-b", "16", "-c", "1", "-r", "8000", "-"],
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode != 0 or len(done.stdout) < 2:
        raise BoxError("bench.sound_unreadable", f"{path} cannot be decoded: {done.stderr.decode()[:200]}")
    return shape(np.frombuffer(done.stdout, "<i2").astype(np.float64), level_dbov)


def say(engine: str, language: str, text: str, level_dbov: float, *, speed: int = 165) -> Samples:
    """Speak a text: engine `espeak:+m7`, `espeak:+f4`, `flite:kal16` or `flite:slt` (English only).

    Raises BoxError when the program is missing or fails.
    """
    kind, _, voice = engine.partition(":")
    with tempfile.TemporaryDirectory(prefix="callbox-tts-") as scratch:
        wav = Path(scratch) / "said.wav"
        if kind == "espeak":
            command = ["espeak-ng", "-v", ESPEAK_VOICES[language] + voice, "-s", str(speed), "-w", str(wav), text]
        else:
            command = ["flite", "-voice", voice, "-t", text, "-o", str(wav)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError) as error:
            raise BoxError(
                "bench.no_speech", f"'{command[0]}' cannot speak ({error}). Install the package {command[0]}.",
                program=command[0],
            ) from error  # fmt: skip
        return load(wav, level_dbov)


def shape(samples: Samples, level_dbov: float) -> Samples:
    """Telephone band, trimmed to the speech, at this active level."""
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(samples.size, 1 / RATE_HZ)
    spectrum *= 1 / (1 + (280 / np.maximum(hz, 1)) ** 6) / (1 + (hz / 3450) ** 16)
    banded = np.fft.irfft(spectrum, samples.size)
    frames = banded[: banded.size // 80 * 80].reshape(-1, 80)
    if frames.size == 0:
        return banded
    rms = np.sqrt(np.mean(frames**2, axis=1) + 1e-9)
    active = rms > np.percentile(rms, 95) * 0.05
    first, last = int(np.argmax(active)), len(active) - int(np.argmax(active[::-1]))
    cut = banded[max(0, first - 2) * 80 : (last + 3) * 80]
    strong = rms[rms > np.percentile(rms, 95) * 0.1]
    return np.asarray(cut * (levels.rms_from_dbov(level_dbov) / float(np.sqrt(np.mean(strong**2)))), np.float64)


def generator_for(*key: object) -> np.random.Generator:
    """The random generator of one thing: the same key gives the same numbers everywhere."""
    digest = hashlib.sha256("|".join(map(str, key)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "little")))
