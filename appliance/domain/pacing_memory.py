"""A pacer over a restart: what it has learnt as JSON data, and back. Agents and open attempts are told to it anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.domain.pacing import Pacer, PacerConfig
from appliance.domain.pacing_learning import AnswerFactor

VERSION = 1


def to_plain(pacer: Pacer) -> dict[str, Any]:
    """Return budget and learnt figures."""
    agents = pacer.agents
    return {
        "version": VERSION, "budget": pacer.budget.to_plain(), "factor": pacer.factor.to_plain(),
        "person": pacer.person.to_plain(), "ring": pacer.ring.to_plain(), "talk": agents.talk.to_plain(),
        "wrap": agents.wrap.to_plain(), "back": agents.back.to_plain(),
    }  # fmt: skip


def take(pacer: Pacer, plain: Mapping[str, Any]) -> bool:
    """Give a fresh pacer what `to_plain` returned; False, and nothing is taken, when it is of another version."""
    if plain.get("version") != VERSION:
        return False
    factor = AnswerFactor.from_plain(plain["factor"])
    pacer.budget.take(plain["budget"])
    pacer.person.take(plain["person"])
    pacer.ring.take(plain["ring"])
    pacer.agents.talk.take(plain["talk"])
    pacer.agents.wrap.take(plain["wrap"])
    pacer.agents.back.take(plain["back"])
    pacer.factor = factor
    return True


def reconfigure(pacer: Pacer, config: PacerConfig) -> None:
    """Let other settings hold from now on; what was counted and learnt stays."""
    pacer.config = config
    pacer.budget.limit, pacer.budget.window_s = config.abandoned_limit, config.window_s
