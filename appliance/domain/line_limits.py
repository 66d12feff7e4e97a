"""What a figure of a line test means: ok, warn or bad, with words to do. Limits are data with their sources.

Pure: the same figure gives the same verdict on the bench, in the report and years later (the report names the version).
Words are ids of `appliance.texts` (`line_test.<quantity>.<reason>`).
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Verdict(StrEnum):
    """How a figure is judged."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Band(BaseModel):
    """Figures from `at_least` up to below the next band mean this."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    at_least: float
    verdict: Verdict
    reason: str = Field(pattern=r"^[a-z_]{1,32}$")
    source: str = Field(min_length=8)


class Limit(BaseModel):
    """The bands of one quantity, from the lowest upwards; `sign` says whether the sign is dropped before."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    unit: str
    sign: Literal["dropped", "kept"] = "dropped"
    bands: tuple[Band, ...] = Field(min_length=1)


class Limits(BaseModel):
    """All limits, with the version that reports name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: str
    quantities: dict[str, Limit]


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, why, and whose limit it was. `reason` names the words."""

    verdict: Verdict
    reason: str
    source: str


@cache
def limits() -> Limits:
    """The box's limits (`line_limits.toml` beside this file), bands in order."""
    text = (resources.files("appliance.domain") / "line_limits.toml").read_text("utf-8")
    found = Limits.model_validate(tomllib.loads(text))
    for name, limit in found.quantities.items():
        edges = [band.at_least for band in limit.bands]
        if edges != sorted(set(edges)) or (limit.sign == "dropped" and edges[0] != 0):
            raise ValueError(f"line_limits.toml: bands of {name} are not in order from 0")
    return found


def judge(quantity: str, value: float) -> Judged:
    """The verdict for a figure in the quantity's unit; an over-range reading is infinity.

    Raises KeyError for a quantity that has no limits, ValueError for no figure at all.
    """
    if math.isnan(value):
        raise ValueError(f"{quantity}: not a figure")
    limit = limits().quantities[quantity]
    figure = abs(value) if limit.sign == "dropped" else value
    band = next((band for band in reversed(limit.bands) if figure >= band.at_least), limit.bands[0])
    return Judged(band.verdict, band.reason, band.source)


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict on a pair; without any figure it is a warning: nothing was shown to be well."""
    order = [Verdict.OK, Verdict.WARN, Verdict.BAD]
    return max(verdicts, key=order.index, default=Verdict.WARN)
