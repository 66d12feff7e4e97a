"""Names of the sentences that a caller hears: the engine says which, the switch speaks them (`telephony.queue_words`).

A name is `<language>-<sentence>`; a file of that name in the prompt folder replaces what the box would say.
"""

from __future__ import annotations

LANGUAGES = ("zh", "ru", "en")
POSITIONS_MAX = 10
"""From the next position on the caller only hears that many others wait."""
WAIT_STEPS_MIN = (1, 2, 3, 5, 10, 15, 20, 30)
"""Estimated waits that can be said; a longer one is said as the longest."""

NOTICE = "notice"
CLOSED = "closed"
OVERFLOW = "overflow"
CALLBACK_OFFER = "callback-offer"
CALLBACK_LAST_OFFER = "callback-last-offer"
CALLBACK_PROMISED = "callback-promised"
MANY = "position-many"
SENTENCES = (NOTICE, CLOSED, OVERFLOW, CALLBACK_OFFER, CALLBACK_LAST_OFFER, CALLBACK_PROMISED)


def sentence(language: str, name: str) -> str:
    """Return the prompt id of a sentence in a language."""
    return f"{language}-{name}"


def position_prompt(language: str, position: int) -> str:
    """Return the prompt that says how many are before the caller; `position` 1 is the next one."""
    return sentence(language, f"position-{position}" if 1 <= position <= POSITIONS_MAX else MANY)


def wait_prompt(language: str, wait_s: float) -> str:
    """Return the prompt that says the estimated wait, rounded up to the next step."""
    step = next((m for m in WAIT_STEPS_MIN if wait_s <= 60.0 * m), WAIT_STEPS_MIN[-1])
    return sentence(language, f"wait-{step}")
