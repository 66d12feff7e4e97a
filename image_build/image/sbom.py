#!/usr/bin/env python3
"""What is in the image: a CycloneDX 1.5 bill of materials and a list of licences, from the finished root tree.

`sbom.py TREE VERSION OUT.cdx.json LICENCES.txt`. Debian packages come from dpkg's status, their licences from
/usr/share/doc/*/copyright (DEP 5), Python's from the metadata of what is installed. The same tree gives the same bytes.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

REMARKS = {
    "pjsua2-python": "Carries OpenSSL 1.0.2k inside. Used for SIP over UDP and for RTP only: TLS towards phones"
    " and providers ends at Kamailio with Debian's OpenSSL, so the TLS code of this library faces nobody.",
}
"""Why a part that is known to be old may be in the image."""


def debian_licences(tree: Path, package: str) -> list[str]:
    """Short names of a machine-readable copyright file; empty when it is free text."""
    path = tree / "usr/share/doc" / package / "copyright"
    if not path.is_file():
        return []
    text = path.read_text("utf-8", "replace")
    return sorted(set(re.findall(r"^License:[ \t]*([^\s,]\S*)", text, re.M))) if "Format:" in text[:400] else []


def debian(tree: Path) -> list[dict[str, Any]]:
    """Components of dpkg's status file."""
    found = []
    for paragraph in (tree / "var/lib/dpkg/status").read_text("utf-8").split("\n\n"):
        fields = HeaderParser().parsestr(paragraph)
        if "installed" not in str(fields.get("Status", "")).split():
            continue
        name, version = str(fields["Package"]), str(fields["Version"])
        source, _, source_version = str(fields.get("Source", name)).partition(" ")
        found.append(
            {
                "type": "library", "name": name, "version": version,
                "purl": f"pkg:deb/debian/{name}@{version}?arch={fields['Architecture']}&distro=debian-12",
                "licences": debian_licences(tree, name),
                "properties": [
                    {"name": "debian:source", "value": source},
                    # a binary package may carry a version of its own (binary-only rebuilds, other epochs)
                    {"name": "debian:source-version", "value": source_version.strip("()") or version},
                ],
            }
        )  # fmt: skip
    return found


def python(tree: Path) -> list[dict[str, Any]]:
    """Components of the product's Python environment, the product itself too."""
    found = []
    for path in sorted((tree / "opt/callbox/venv").rglob("*.dist-info/METADATA")):
        fields = HeaderParser().parsestr(path.read_text("utf-8", "replace"))
        name = re.sub(r"[-_.]+", "-", str(fields["Name"])).lower()
        classified = [c.rpartition(" :: ")[2] for c in fields.get_all("Classifier") or [] if c.startswith("License ::")]
        stated = [str(fields.get("License-Expression") or ""), *classified, str(fields.get("License") or "")]
        licence = next((line.strip().partition("\n")[0] for line in stated if line.strip()), "")
        found.append(
            {
                "type": "library", "name": name, "version": str(fields["Version"]),
                "purl": f"pkg:pypi/{name}@{fields['Version']}",
                "licences": [licence] if licence else [],
                "properties": [{"name": "callbox:remark", "value": REMARKS[name]}] if name in REMARKS else [],
            }
        )  # fmt: skip
    return found


def main(tree: Path, version: str, target: Path, licences: Path) -> None:
    parts = sorted([*debian(tree), *python(tree)], key=lambda part: str(part["purl"]))
    lines = [f"{p['name']} {p['version']}: {', '.join(p['licences']) or 'see its copyright file'}" for p in parts]
    licences.write_text("\n".join(lines) + "\n", "utf-8")
    components = []
    for part in parts:
        told = part.pop("licences")
        component = {**part, "bom-ref": part["purl"]}
        if told:
            component["licenses"] = [{"license": {"name": name}} for name in told]
        components.append(component)
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_DNS, 'callbox-sbom-' + version)}",
        "metadata": {"component": {"type": "firmware", "name": "callbox", "version": version, "bom-ref": "callbox"}},
        "components": components,
    }  # fmt: skip
    target.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
