"""Figures in Prometheus' text format (0.0.4): base units, ratios as fractions, never a number or a name of a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Sample:
    """One value with its labels."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Family:
    """All samples of one name; `kind` is gauge or counter."""

    name: str
    kind: str
    help: str
    samples: tuple[Sample, ...]


def family(name: str, kind: str, text: str, samples: Iterable[tuple[float, Mapping[str, str]]]) -> Family:
    """A family from (value, labels) pairs."""
    return Family(name, kind, text, tuple(Sample(value, labels) for value, labels in samples))


def render(families: Iterable[Family]) -> str:
    """The text of a scrape; families without samples are left out."""
    lines = []
    for one in families:
        if not one.samples:
            continue
        lines += [f"# HELP {one.name} {_help(one.help)}", f"# TYPE {one.name} {one.kind}"]
        for sample in one.samples:
            labels = ",".join(f'{key}="{_label(value)}"' for key, value in sorted(sample.labels.items()))
            lines.append(f"{one.name}{{{labels}}} {sample.value:.10g}" if labels else f"{one.name} {sample.value:.10g}")
    return "\n".join(lines) + "\n"


def _label(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", " ")
