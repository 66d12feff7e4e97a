"""Who hears whom: one pure table from the state of a conversation to the routes of the conference.

Sources are legs and sounds, sinks are legs and the two recording channels (`left`: the customer; `right`: our side).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

from appliance.telephony.port import Route
from appliance.types import SuperviseMode

TRUNK, SEAT, SUPERVISOR, TRANSFER = "trunk", "seat", "supervisor", "transfer"
MUSIC, PROMPT = "music", "prompt"
LEFT, RIGHT = "left", "right"
_TALKERS = (TRUNK, SEAT, TRANSFER)
_OUR_SIDE = (SEAT, TRANSFER)


@dataclass(frozen=True, slots=True)
class Mix:
    """State that decides the routes. `talking` are the answered legs that take part in the talk."""

    talking: frozenset[str] = frozenset()
    held: bool = False
    muted: bool = False
    supervise: SuperviseMode | None = None
    prompt_to: str | None = None


def routes(mix: Mix) -> frozenset[Route]:
    """Return the routes of a state.

    bridge: all talkers hear each other. hold: the customer hears music only, our side nothing of him. mute: nobody
    hears the seat. A prompt replaces all else in the ear it is played to. listen: the supervisor hears all, nobody
    hears him; whisper: our side hears him too; barge: everybody hears him. The customer's own voice is always recorded
    left; what our side says, prompts included, right.
    """
    found: set[Route] = {(TRUNK, LEFT)}
    talkers = [name for name in _TALKERS if name in mix.talking]
    for source, sink in permutations(talkers, 2):
        if mix.held and TRUNK in (source, sink):
            continue
        found.add((source, sink))
    found |= {(name, RIGHT) for name in _OUR_SIDE if name in mix.talking}
    if mix.muted:
        found = {(source, sink) for source, sink in found if source != SEAT}
    if mix.held and TRUNK in mix.talking:
        found.add((MUSIC, TRUNK))
    if mix.supervise is not None and SUPERVISOR in mix.talking:
        found |= {(name, SUPERVISOR) for name in talkers if not (mix.muted and name == SEAT)}
        if mix.supervise in (SuperviseMode.WHISPER, SuperviseMode.BARGE):
            found |= {(SUPERVISOR, name) for name in _OUR_SIDE if name in mix.talking}
        if mix.supervise is SuperviseMode.BARGE and TRUNK in mix.talking and not mix.held:
            found |= {(SUPERVISOR, TRUNK), (SUPERVISOR, RIGHT)}
    if mix.prompt_to is not None:
        found = {(source, sink) for source, sink in found if sink != mix.prompt_to}
        found |= {(PROMPT, mix.prompt_to)}
        if mix.prompt_to == TRUNK:
            found.add((PROMPT, RIGHT))
    return frozenset(found)
