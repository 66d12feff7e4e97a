"""Small readers of kernel files: one value a file, and a file that is not there is an answer too."""

from __future__ import annotations

from pathlib import Path


def text(path: Path, default: str = "") -> str:
    """The file's text without its line end; `default` when it is missing or its device has just gone."""
    try:
        return path.read_bytes()[:65536].decode("utf-8", "replace").strip()
    except OSError:
        return default


def number(path: Path) -> int | None:
    """The file's whole number, or None."""
    try:
        return int(text(path))
    except ValueError:
        return None


def folders(path: Path) -> list[Path]:
    """What stands in a folder, sorted; nothing when it is missing."""
    try:
        return sorted(path.iterdir())
    except OSError:
        return []


def udev_properties(root: Path, device: Path) -> dict[str, str]:
    """What udev knows of a block device (`/run/udev/data/b<major>:<minor>`), readable by everybody."""
    found = {}
    for line in text(root / "run/udev/data" / f"b{text(device / 'dev')}").splitlines():
        kind, _, rest = line.partition(":")
        if kind == "E":
            name, _, value = rest.partition("=")
            found[name] = value
    return found
