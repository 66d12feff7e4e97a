"""Sound files of the switch: prompts by id and the music on hold, 8 kHz mono WAV in the prompt folder.

Missing ones of the built-in set are made at start (music by the synthesiser, words by espeak-ng if it is there, else
a row of tones), so that a call never fails for want of a file; the customer replaces them by his own. What callers in
a queue hear (`queue_words`) is spoken when it is wanted for the first time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np

from appliance.errors import CallerError
from appliance.logs import get_logger
from appliance.telephony import queue_words
from audio import synth, wavio

MUSIC_ON_HOLD = "music"
CLOSED = "closed"
ABANDONED = "abandoned"
MESSAGE, STOPPED, GREETING = "message", "stopped", "greeting"
_WORDS = {
    CLOSED: "You have reached us outside our office hours. Please call again later.",
    MESSAGE: "Hello. This is a message for you. Please call us back.",
    STOPPED: "Thank you. We will not call this number again.",
    GREETING: "Hello. This call is from your service centre. Am I speaking with the account holder?",
}
_VOICES = {"zh": "cmn", "ru": "ru", "en": "en"}
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_NOTES_HZ = (262.0, 330.0, 392.0, 523.0, 392.0, 330.0, 294.0, 349.0, 440.0, 587.0, 440.0, 349.0)
_log = get_logger(part="prompts")


def prompt_path(folder: Path, prompt_id: str) -> Path:
    """Return the file of a prompt. Raises CallerError `prompt.unknown`."""
    path = folder / f"{prompt_id}.wav"
    if not path.is_file() and prompt_id in (known := queue_words.words()):
        _put(path, *known[prompt_id])
    if not _ID.fullmatch(prompt_id) or not path.is_file():
        raise CallerError(
            "prompt.unknown", f"There is no prompt '{prompt_id}'. Put an 8 kHz mono WAV of that name into {folder}.",
            prompt_id=prompt_id,
        )  # fmt: skip
    return path


def abandoned_words(company_name: str, company_number: str) -> str:
    """What a person hears whom no agent could take: who called, and where he can call back."""
    who = f" This was a call from {company_name}." if company_name else ""
    back = f" You can call us at {' '.join(company_number.removeprefix('+'))}." if company_number else ""
    return f"We are sorry that nobody could take this call.{who}{back or ' We will call you again.'}"


def make_missing(folder: Path, *, company_name: str = "", company_number: str = "") -> None:
    """Make what is missing of the built-in set; the abandoned message anew when name or number changed."""
    folder.mkdir(parents=True, exist_ok=True)
    music = folder / f"{MUSIC_ON_HOLD}.wav"
    if not music.exists():
        notes = np.concatenate([synth.tone([hz, 2 * hz], 0.5, -28.0) for hz in _NOTES_HZ])
        wavio.write(music, synth.to_int16(notes))
    for prompt_id, words in _WORDS.items():
        path = folder / f"{prompt_id}.wav"
        if not path.exists():
            _put(path, "en", words)
    words, said = abandoned_words(company_name, company_number), folder / f".{ABANDONED}.txt"
    path = folder / f"{ABANDONED}.wav"
    ours = not path.exists() or said.exists()  # a file of the customer's own is left alone
    if ours and (not path.exists() or said.read_text("utf-8") != words):
        _put(path, "en", words)
        said.write_text(words, "utf-8")


def _put(path: Path, language: str, words: str) -> None:
    """Make one prompt, whole or not at all: several workers may want it in the same moment."""
    made = path.with_name(f".{path.stem}-{os.getpid()}-{threading.get_ident()}.wav")
    try:
        if not _speak(words, language, made):
            wavio.write(made, synth.to_int16(np.tile(synth.beep(440.0, 0.4), 3)))
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def _speak(words: str, language: str, path: Path) -> bool:
    program = shutil.which("espeak-ng")
    if program is None:
        return False
    raw = path.with_suffix(".raw.wav")
    try:
        subprocess.run(
            [program, "-v", _VOICES[language], "-s", "150", "-w", str(raw), words], check=True, timeout=20
        )
        wavio.write(path, wavio.read(raw))
    except (subprocess.SubprocessError, OSError, wavio.AudioFileError) as error:
        _log.warning("prompt not spoken", prompt=path.stem, error=str(error))
        return False
    finally:
        raw.unlink(missing_ok=True)
    return True
