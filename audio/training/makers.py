"""Extra clip makers of the training corpus, beside the builder's own: more persons, greetings, assistants and menus.

Each takes the builder module, its sources and dice, and returns what the builder's makers return: samples, reference
level, kind, row; None when no source fits. `foreground` in the row is the clean
speech of the clip, from which the speech flags of the corpus come. Every voice says things of both classes, so that
no voice gives a class away: synthetic voices say hello, volunteers are joined into greetings.
"""

import hashlib
import os
import subprocess
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.training import texts

RATE_HZ = 8000
Samples = NDArray[np.float64]
Made = tuple[Samples, float, str, dict[str, Any]] | None
Maker = Callable[[Any, Any, np.random.Generator], Made]
Voice = tuple[Samples, str, str, str, str]
"""samples, source package, source files, country, real or synthetic."""

_FLITE = ("kal16", "slt")
_ESPEAK = ("+m7", "+f4")
_SPEECH_DBOV = -21.0
_ASKING = ("privacy-prompt", "priv-recordintro", "vm-rec-name", "screen-callee-options")
_MENUS = (
    "vm-opts", "vm-options", "basic-pbx-ivr-main", "demo-instruct", "conf-usermenu", "vm-advopts", "vm-review",
    "priv-callee-options", "conf-adminmenu", "dir-intro", "vm-forwardoptions", "vm-opts-full", "dir-instr",
    "vm-instructions", "vm-onefor", "vm-starmain", "vm-helpexit", "vm-tohearenv", "vm-toreply", "vm-toforward",
)  # fmt: skip
_HELLO_SHARE = 0.35
_LONGEST_S = 18


def _pick(dice: np.random.Generator, items: Sequence[Any]) -> Any:
    return items[int(dice.integers(len(items)))]


def say(builder: Any, engine: str, language: str, text: str, *, speed: float, pitch: float) -> Samples:
    """Speech of espeak-ng or flite at 8 kHz; `speed` and `pitch` are relative to the voice's own."""
    kind, _, voice = engine.partition(":")
    words = f"{engine}|{language}|{text}|{speed:.2f}|{pitch:.2f}"
    file = Path(builder.TTSDIR) / f"own_{hashlib.sha256(words.encode()).hexdigest()[:16]}.wav"
    if not file.exists():
        draft = file.with_suffix(f".{os.getpid()}.wav")
        if kind == "espeak":
            pace, height = str(round(165 * speed)), str(round(min(99, max(0, 50 * pitch))))
            command = ["espeak-ng", "-v", language + voice, "-s", pace, "-p", height, "-w", str(draft), text]
        else:
            stretch, tone = f"duration_stretch={1 / speed:.2f}", f"int_f0_target_mean={_FLITE_HZ[voice] * pitch:.0f}"
            command = ["flite", "-voice", voice, "--setf", stretch, "--setf", tone, "-t", text, "-o", str(draft)]
        subprocess.run(command, check=True, capture_output=True)
        draft.replace(file)
    samples: Samples = builder.trim(builder.load(str(file)))
    return samples


_FLITE_HZ = {"kal16": 105, "slt": 175}


def _speaker(dice: np.random.Generator, languages: Sequence[str]) -> tuple[str, str, float, float]:
    """(engine, language, speed, pitch): two English voices, two that speak all languages."""
    speed, pitch = float(np.round(dice.uniform(0.8, 1.25), 1)), float(np.round(dice.uniform(0.75, 1.3), 1))
    if dice.random() < 0.35:
        return "flite:" + _pick(dice, _FLITE), "en-us", speed, pitch
    return "espeak:" + _pick(dice, _ESPEAK), _pick(dice, languages), speed, pitch


def _synthetic(builder: Any, dice: np.random.Generator, table: texts.Texts, name: str) -> Voice:
    engine, language, speed, pitch = _speaker(dice, sorted(table))
    number = int(dice.integers(len(table[language])))
    speech = say(builder, engine, language, table[language][number], speed=speed, pitch=pitch)
    speech = builder.telband(builder.setlevel(speech, _SPEECH_DBOV), dice)
    return speech, engine, f"{name}_{language}{number}", texts.COUNTRY[language], "synthetic"


def _volunteer(builder: Any, sources: Any, dice: np.random.Generator, least_s: float) -> Voice | None:
    """Recordings of one speaker joined into running speech, as the builder does with its volunteers."""
    speaker = _pick(dice, sorted(sources.human))
    items = sources.human[speaker]
    gap = (0.04, 0.25) if dice.random() < 0.4 else (0.15, 0.7)
    parts: list[Samples] = []
    names: list[str] = []
    while sum(map(len, parts)) < least_s * RATE_HZ and len(parts) < 16:
        path, _, country, package = _pick(dice, items)
        part = builder.trim(builder.load(path))
        if len(part) > 0.2 * RATE_HZ and builder.active_rms(part) > 1e-3:
            parts.append(builder.setlevel(part, _SPEECH_DBOV))
        names.append(Path(path).name)
        if len(names) > 40:
            return None
    speech = builder.telband(builder.speech_seq(parts, dice, gap), dice)
    return speech, package, speaker + ":" + "+".join(names), country, "real"


def _is_prompt(key: str) -> bool:
    return "/" not in key and "tone" not in key


def _prompt(
    builder: Any, sources: Any, dice: np.random.Generator, keys: Sequence[str] | None, most: int
) -> Voice | None:
    """Prompts of one studio voice, one after the other."""
    voice = _pick(dice, sorted(sources.ast))
    table = sources.ast[voice]
    names = [key for key in keys if key in table] if keys else sorted(filter(_is_prompt, table))
    if not names:
        return None
    chosen = [_pick(dice, names) for _ in range(int(dice.integers(1, most + 1)))]
    parts = [builder.setlevel(builder.trim(builder.load(table[key])), _SPEECH_DBOV) for key in chosen]
    speech = builder.speech_seq(parts, dice, (0.05, 0.4))[: _LONGEST_S * RATE_HZ]
    package = builder.AST[voice].split("/")[0]
    return speech, package, voice + ":" + "+".join(chosen), builder.AST_CC[voice], "real"


def _machine(
    builder: Any,
    sources: Any,
    dice: np.random.Generator,
    voice: Voice | None,
    sublabel: str,
    *,
    beep_share: float,
    noise: bool = False,
) -> Made:
    """A machine's clip around a voice: pick-up pause, speech, perhaps a beep, perhaps the noise of its recording."""
    if voice is None:
        return None
    speech, package, files, country, real = voice
    before_s = dice.uniform(0.1, 1.2) if dice.random() < 0.7 else dice.uniform(1.2, 3.0)
    samples = np.concatenate([builder.z(before_s), speech])
    end_s = len(samples) / RATE_HZ
    row: dict[str, Any] = {
        "stage": "answered", "label": "machine", "tier": "pkg", "real": real, "country": country, "source_pkg": package,
        "source_files": files, "sublabel": sublabel, "t_event": round(before_s, 3), "t_speech_end": round(end_s, 3),
    }  # fmt: skip
    if dice.random() < beep_share:
        beep, name = builder.beep_sig(sources, dice)
        gap_s = dice.uniform(0.1, 1.2)
        row["beep_start"] = round(end_s + gap_s, 3)
        row["beep_end"] = round(end_s + gap_s + len(beep) / RATE_HZ, 3)
        row["sublabel"] += "/" + name
        row["foreground"] = samples
        samples = np.concatenate([samples, builder.z(gap_s), beep])
    else:
        row["foreground"] = samples
    after = max(int(dice.uniform(2, 3.5) * RATE_HZ), int(dice.uniform(10, 14) * RATE_HZ) - len(samples))
    samples = np.pad(samples, (0, after))
    row["t_event_end"] = round(len(samples) / RATE_HZ, 3)
    if noise and dice.random() < 0.5:
        recorded = np.arange(len(samples)) < (end_s + 0.2) * RATE_HZ
        hiss = builder.pink(len(samples), dice) * builder.db(_SPEECH_DBOV - dice.uniform(18, 35))
        samples = samples + hiss * recorded
    return samples, builder.db(_SPEECH_DBOV), "machine", row


def greeting(builder: Any, sources: Any, dice: np.random.Generator) -> Made:
    """A mailbox: synthetic, a volunteer's, or a studio's."""
    which = dice.random()
    if which < 0.4:
        voice: Voice | None = _synthetic(builder, dice, texts.GREETING, "own")
        return _machine(builder, sources, dice, voice, "tts_greeting", beep_share=0.85)
    if which < 0.75:
        voice = _volunteer(builder, sources, dice, dice.uniform(2.5, 9.0))
        return _machine(builder, sources, dice, voice, "personal", beep_share=0.85, noise=True)
    voice = _prompt(builder, sources, dice, None, 3)
    if voice is None or len(voice[0]) < 1.2 * RATE_HZ:
        return None
    return _machine(builder, sources, dice, voice, "pro_prompt", beep_share=0.8)


def screening(builder: Any, sources: Any, dice: np.random.Generator) -> Made:
    """An assistant that asks who is calling and then waits."""
    if dice.random() < 0.25:
        voice = _prompt(builder, sources, dice, _ASKING, 1)
    else:
        voice = _synthetic(builder, dice, texts.SCREENING, "screen")
    return _machine(builder, sources, dice, voice, "call_screen", beep_share=0.0)


def menu(builder: Any, sources: Any, dice: np.random.Generator) -> Made:
    """A menu: an opening, several choices with even pauses, said again after a while."""
    if dice.random() < 0.45:
        voice = _prompt(builder, sources, dice, _MENUS, 4)
        return _machine(builder, sources, dice, voice, "ivr_menu", beep_share=0.0)
    engine, language, speed, pitch = _speaker(dice, sorted(texts.MENU))
    openings, choices = texts.MENU[language]
    order = dice.permutation(len(choices))[: int(dice.integers(2, len(choices) + 1))]
    lines = [line for line in (_pick(dice, openings), *(choices[i] for i in order)) if line]
    parts = [
        builder.setlevel(say(builder, engine, language, line, speed=speed, pitch=pitch), _SPEECH_DBOV) for line in lines
    ]
    pause_s = dice.uniform(0.15, 0.8)
    once = builder.speech_seq(parts, dice, (pause_s * 0.9, pause_s * 1.1))
    speech = np.concatenate([once, builder.z(dice.uniform(1.0, 3.0)), once])[: _LONGEST_S * RATE_HZ]
    name = f"menu_{language}{'.'.join(map(str, order))}"
    voice = (builder.telband(speech, dice), engine, name, texts.COUNTRY[language], "synthetic")
    return _machine(builder, sources, dice, voice, "ivr_menu", beep_share=0.0)


def person(builder: Any, sources: Any, dice: np.random.Generator) -> Made:
    """Somebody who answers, real or synthetic, and waits; the builder's modes and surroundings."""
    mode = ["single", "double", "long", "late"][int(dice.choice(4, p=[0.45, 0.2, 0.25, 0.1]))]
    if dice.random() < _HELLO_SHARE:
        engine, language, speed, pitch = _speaker(dice, sorted(texts.HELLO))
        words = texts.HELLO[language]
        numbers = dice.integers(len(words), size=3).tolist()
        parts = [
            builder.setlevel(say(builder, engine, language, words[i], speed=speed, pitch=pitch), -22.0) for i in numbers
        ]
        channel = builder.telband(np.concatenate(parts), dice)
        edges = np.cumsum([0, *map(len, parts)])
        parts = [channel[a:b] for a, b in pairwise(edges)]
        package, files, country, real = engine, f"hello_{language}{numbers[0]}", texts.COUNTRY[language], "synthetic"
    else:
        first, speaker, item = builder.utterance(sources, dice)
        if first is None:
            return None
        others = [builder.utterance(sources, dice, want=speaker)[0] for _ in range(2)]
        parts = [first, *(other for other in others if other is not None)]
        package, files, country, real = item[3], speaker + ":" + Path(item[0]).name, item[2], "real"
    before_s = dice.uniform(1.5, 3.5) if mode == "late" else dice.uniform(0.2, 1.5)
    pieces = [builder.z(before_s), parts[0]]
    if mode == "double" and len(parts) > 1:
        pieces += [builder.z(dice.uniform(0.8, 2.6)), parts[1]]
    if mode == "long":
        gap_s = dice.uniform(0.05, 0.3)
        for part in parts[1 : 1 + int(dice.integers(1, 3))]:
            pieces += [builder.z(gap_s), part]
    clean = np.concatenate(pieces)
    end_s = len(clean) / RATE_HZ
    clean = np.pad(clean, (0, int(max(dice.uniform(10, 14), end_s + 2.5) * RATE_HZ) - len(clean)))
    surroundings = ["quiet", "street", "babble", "music", "none"][int(dice.choice(5, p=[0.3, 0.25, 0.2, 0.1, 0.15]))]
    row = {
        "stage": "answered", "label": "human", "tier": "pkg", "real": real, "country": country, "source_pkg": package,
        "source_files": files, "sublabel": mode + "/" + surroundings, "t_event": round(before_s, 3),
        "t_speech_end": round((len(pieces[0]) + len(pieces[1])) / RATE_HZ, 3), "t_event_end": round(end_s, 3),
        "foreground": clean,
    }  # fmt: skip
    return clean + _surroundings(builder, sources, dice, surroundings, len(clean)), builder.db(-22), "human", row


def _surroundings(builder: Any, sources: Any, dice: np.random.Generator, kind: str, size: int) -> Samples:
    """What is heard around a person; handset noise at pick-up now and then."""
    level = -22.0
    out: Samples = np.zeros(size)
    if kind == "quiet":
        out = builder.pink(size, dice) * builder.db(level - dice.uniform(28, 40))
    elif kind == "street":
        out = builder.street(size, dice) * builder.db(level - dice.uniform(10, 24))
    elif kind == "babble":
        out = builder.babble(size, sources, dice) * builder.db(level - dice.uniform(12, 24))
    elif kind == "music":
        song = builder.load(_pick(dice, sources.music)[0])
        start = int(dice.uniform(0, max(1, len(song) - size)))
        piece = np.pad(song[start : start + size], (0, max(0, size - len(song[start : start + size]))))
        out = builder.telband(builder.setlevel(piece, level - dice.uniform(14, 24)), dice)
    if dice.random() < 0.25:
        at, length = int(dice.uniform(0.01, 0.25) * RATE_HZ), int(dice.uniform(0.02, 0.09) * RATE_HZ)
        rustle = dice.standard_normal(length) * np.hanning(length)
        out[at : at + length] += rustle * builder.db(level - dice.uniform(-2, 12))
    return out


MAKERS: dict[str, Maker] = {"person": person, "greeting": greeting, "screening": screening, "menu": menu}
