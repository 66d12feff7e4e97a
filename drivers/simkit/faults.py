"""What a simulated device can be told to do wrong."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Ways to fail; several at once are fine."""

    NOISE = "noise"
    """Wrong bytes between the right ones."""
    HALF_LINES = "half_lines"
    """Every line breaks off in the middle."""
    WRONG_PROMPT = "wrong_prompt"
    HANG = "hang"
    """Takes everything, says nothing."""
    REBOOT = "reboot"
    """Restarts in the middle of the next answer."""
    STUCK = "stuck"
    """Answers as ever, and its figures stand still."""
    OTHER_CARD = "other_card"
    """Another card answers on this cable."""
    LOG_LINES = "log_lines"
    """Log lines in the middle of answers, as cards send them unasked."""
    NEW_WORDS = "new_words"
    """A firmware that calls things by other names."""
    DEAF = "deaf"
    """Accepts changes and does not carry them out."""
    LIES = "lies"
    """Says what cannot be: no alarm and lost signal at once, more errors than seconds."""
