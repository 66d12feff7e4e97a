"""Framing, coding and CRC-4 of a DAHDI span: the ``span=`` line of ``/etc/dahdi/system.conf``, and ``dahdi_cfg``.

``span=NUMBER,TIMING,LBO,FRAMING,CODING[,crc4]``. ``dahdi_cfg`` is judged by its exit status *and* its words, and
then by what the kernel says the span is set to: a setting that sysfs does not show was not made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from drivers.lines import ReaderError
from drivers.programs import Programs, Ran

CONFIG = Path("/etc/dahdi/system.conf")
_SPAN = re.compile(r"^\s*span\s*=>?\s*(\d+)\s*,([^#\n]*)", re.MULTILINE)
_TROUBLE = re.compile(r"(?i)failed|error|unable|invalid|not supported|no such")
_TIMEOUT_S = 30.0
_FRAMING, _CODING, _CRC4 = 2, 3, 4


def span_settings(text: str, span: int) -> list[str]:
    """TIMING, LBO, FRAMING, CODING and what follows. Raises :class:`ReaderError` when the file has no such line."""
    for found in _SPAN.finditer(text):
        words = [word.strip().lower() for word in found[2].split(",")]
        if int(found[1]) == span and len(words) > _CODING:
            return words
    raise ReaderError("dahdi.no_config", f"dahdi:{span}: {CONFIG} has no line span={span},…; run dahdi_genconf first.")


def with_settings(text: str, span: int, words: list[str]) -> str:
    """The file with that span's line replaced; everything else stays as it is."""
    return _SPAN.sub(lambda found: f"span={span},{','.join(words)}" if int(found[1]) == span else found[0], text)


def changed(
    words: list[str], *, framing: str | None = None, coding: str | None = None, crc4: bool | None = None
) -> list[str]:
    """The settings with one of them changed."""
    rest = [word for word in words[_CRC4:] if word != "crc4"]
    keep_crc4 = "crc4" in words[_CRC4:] if crc4 is None else crc4
    return [
        *words[:_FRAMING],
        framing or words[_FRAMING],
        coding or words[_CODING],
        *(["crc4"] if keep_crc4 else []),
        *rest,
    ]


def configure(programs: Programs, path: Path = CONFIG) -> Callable[[str], Ran]:
    """Write the file and run ``dahdi_cfg`` (needs root)."""

    def write_and_run(text: str) -> Ran:
        new = path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)
        return programs.run(["dahdi_cfg", "-c", str(path)], _TIMEOUT_S)

    return write_and_run


def judge(span: int, ran: Ran) -> None:
    """Raise :class:`ReaderError` when ``dahdi_cfg`` failed, by status or by its words."""
    if ran.status or _TROUBLE.search(ran.output):
        said = next((line for line in ran.output.splitlines() if _TROUBLE.search(line)), f"exit status {ran.status}")
        raise ReaderError("dahdi.refused", f"dahdi:{span}: dahdi_cfg did not take it: {said.strip()[:120]}.")
