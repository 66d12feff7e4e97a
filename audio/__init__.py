"""The ear: numpy-only call-progress and answering-machine detection on 8 kHz audio.

`Listener` is the way in; `synth` makes the same tones that it recognises; `wavio` alone touches files.
"""

from audio.config import ListenerConfig
from audio.fingerprint import Entry, Library, LibraryError
from audio.labels import ANNOUNCEMENT_LABELS, Kind, Label, announcement_label, score_label
from audio.listener import Listener, Phase
from audio.tones import Plan, TonePlanError, plan, plans
from audio.verdict import Evidence, Verdict
from audio.wavio import AudioFileError

__all__ = [
    "ANNOUNCEMENT_LABELS",
    "AudioFileError",
    "Entry",
    "Evidence",
    "Kind",
    "Label",
    "Library",
    "LibraryError",
    "Listener",
    "ListenerConfig",
    "Phase",
    "Plan",
    "TonePlanError",
    "Verdict",
    "announcement_label",
    "plan",
    "plans",
    "score_label",
]
