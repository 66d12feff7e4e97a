#!/usr/bin/env python3
"""Known weaknesses of what is in the image: its bill of materials held against Debian's security tracker.

`cves.py BOM.cdx.json TRACKER OUT.txt`. TRACKER is the tracker's data as one JSON file, or the URL it is fetched from
(Debian publishes it as /tracker/data/json): source package -> CVE -> releases -> {status, fixed_version, urgency}. Only
Debian packages can be looked up there; Python's are listed by the bill of materials. Exit 0, also when something is
found: what stands open in Debian itself is for people to judge.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RELEASE = "bookworm"
_ORDER = ("high", "medium", "low", "not yet assigned", "unimportant")
_FETCH_S = 300.0
Older = Callable[[str, str], bool]


@dataclass(frozen=True)
class Weakness:
    """One CVE that the version in the image has. `fixed`: the version that mends it, "" when there is none."""

    cve: str
    source: str
    version: str
    urgency: str
    fixed: str
    text: str

    def line(self) -> str:
        """One row of the list."""
        return f"{self.cve:16} {self.urgency:16} {self.source} {self.version}: {self.fixed or 'no fix'}  {self.text}"


def older(left: str, right: str) -> bool:
    """Whether Debian's version `left` comes before `right`."""
    return subprocess.run(["dpkg", "--compare-versions", left, "lt", right], check=False).returncode == 0


def sources(bom: dict[str, Any]) -> dict[str, str]:
    """Source package -> version of it that is in the image."""
    found = {}
    for part in bom["components"]:
        told = {entry["name"]: entry["value"] for entry in part.get("properties", [])}
        if "debian:source" in told:
            found[told["debian:source"]] = told.get("debian:source-version", part["version"])
    return dict(sorted(found.items()))


def weaknesses(bom: dict[str, Any], tracker: dict[str, Any], is_older: Older = older) -> Iterator[Weakness]:
    """All that stands open for the versions of this bill of materials, gravest first."""
    found = []
    for source, version in sources(bom).items():
        for cve, told in tracker.get(source, {}).items():
            state = told.get("releases", {}).get(RELEASE)
            if state is None or state["status"] not in ("open", "resolved"):
                continue
            fixed = str(state.get("fixed_version", "")) if state["status"] == "resolved" else ""
            # resolved with version 0: the release never had it
            if state["status"] == "resolved" and (fixed == "0" or not is_older(version, fixed)):
                continue
            text = " ".join(str(told.get("description", "")).split())[:120]
            found.append(Weakness(cve, source, version, str(state.get("urgency", "")).rstrip("*"), fixed, text))

    def rank(weakness: Weakness) -> tuple[int, str, str]:
        known = _ORDER.index(weakness.urgency) if weakness.urgency in _ORDER else len(_ORDER)
        return known, weakness.source, weakness.cve

    yield from sorted(found, key=rank)


def load(place: str) -> dict[str, Any]:
    """The tracker's data from a file or a URL. Raises OSError, json.JSONDecodeError."""
    if place.startswith(("https://", "http://")):
        with urllib.request.urlopen(place, timeout=_FETCH_S) as answer:  # noqa: S310  # the scheme is looked at above
            text = answer.read()
    else:
        text = Path(place).read_bytes()
    data: dict[str, Any] = json.loads(text)
    return data


def main(bom_file: Path, place: str, target: Path) -> None:
    bom = json.loads(bom_file.read_text("utf-8"))
    found = list(weaknesses(bom, load(place)))
    mendable = sum(1 for weakness in found if weakness.fixed)
    head = f"{len(found)} known weaknesses in {len(sources(bom))} source packages; {mendable} are mended by an update."
    target.write_text("\n".join([head, *(weakness.line() for weakness in found)]) + "\n", "utf-8")
    print(head)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
