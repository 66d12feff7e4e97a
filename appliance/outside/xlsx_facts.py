"""What a value reader does not tell about an .xlsx sheet: hidden rows, formulas without a result, error cells.

ECMA-376 part 1, 18.3.1 (worksheet): `row/@hidden`, `c/@t='e'`, `c/f` beside an empty or absent `c/v`.
"""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

_BLOCK = 1 << 20
_TELLTALES = re.compile(rb"""<(?:\w+:)?f[ >/]|hidden=["'](?:1|true)|t=["']e["']""")
_CELL_NAME = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_TEXT_MAX = 200
_TROUBLES_MAX = 500_000


@dataclass
class SheetFacts:
    """Indices count from 0. `cells` maps (row, column) to what to show instead of nothing: `=A1&B1`, `#N/A`."""

    hidden_rows: set[int] = field(default_factory=set)
    cells: dict[tuple[int, int], str] = field(default_factory=dict)

    def cells_by_row(self) -> dict[int, dict[int, str]]:
        rows: dict[int, dict[int, str]] = defaultdict(dict)
        for (row, column), text in self.cells.items():
            rows[row][column] = text
        return rows


def sheet_facts(path: Path, sheet_name: str) -> SheetFacts:
    """Read the facts of one sheet; an .xlsx without such a sheet, or that is not regular, has none."""
    with zipfile.ZipFile(path) as archive:
        part = _part_of(archive, sheet_name)
        if part is None:
            return SheetFacts()
        with archive.open(part) as stream:
            if not _has_telltales(stream):
                return SheetFacts()
        with archive.open(part) as stream:
            return _Walker().walk(stream)


def _part_of(archive: zipfile.ZipFile, sheet_name: str) -> str | None:
    names = set(archive.namelist())
    relations = "xl/_rels/workbook.xml.rels"
    if "xl/workbook.xml" not in names or relations not in names:
        return None
    identifier = next(
        (
            value
            for tag, attributes in _elements(archive.read("xl/workbook.xml"))
            if tag == "sheet" and attributes.get("name") == sheet_name
            for key, value in attributes.items()
            if key.rpartition(":")[2] == "id"
        ),
        None,
    )
    for tag, attributes in _elements(archive.read(relations)):
        if tag == "Relationship" and attributes.get("Id") == identifier:
            target = attributes.get("Target", "")
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return part if part in names else None
    return None


def _elements(xml: bytes) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, attributes: found.append((tag.rpartition(":")[2], attributes))
    parser.Parse(xml, True)
    return found


def _has_telltales(stream: IO[bytes]) -> bool:
    tail = b""
    while block := stream.read(_BLOCK):
        if _TELLTALES.search(tail + block):
            return True
        tail = block[-16:]
    return False


class _Walker:
    """One pass over the sheet's XML."""

    def __init__(self) -> None:
        self._facts = SheetFacts()
        self._row = -1
        self._column = -1
        self._is_error = False
        self._formula: str | None = None
        self._value = ""
        self._inside = ""  # f or v

    def walk(self, stream: IO[bytes]) -> SheetFacts:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        while block := stream.read(_BLOCK):
            parser.Parse(block, False)
        parser.Parse(b"", True)
        return self._facts

    def _start(self, tag: str, attributes: dict[str, Any]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "row":
            self._row = int(attributes["r"]) - 1 if attributes.get("r", "").isdigit() else self._row + 1
            self._column = -1
            if attributes.get("hidden") in {"1", "true"}:
                self._facts.hidden_rows.add(self._row)
        elif tag == "c":
            named = _CELL_NAME.fullmatch(attributes.get("r", ""))
            self._column = _column_index(named.group(1)) if named else self._column + 1
            self._is_error = attributes.get("t") == "e"
            self._formula, self._value = None, ""
        elif tag == "f":
            self._formula, self._inside = "", "f"
        elif tag == "v":
            self._inside = "v"

    def _end(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if tag in {"f", "v"}:
            self._inside = ""
        elif tag == "c" and len(self._facts.cells) < _TROUBLES_MAX:
            if self._is_error:
                self._facts.cells[self._row, self._column] = self._value or "#ERROR!"
            elif self._formula is not None and not self._value:
                self._facts.cells[self._row, self._column] = f"={self._formula[:_TEXT_MAX]}"

    def _text(self, text: str) -> None:
        if self._inside == "f" and self._formula is not None:
            self._formula += text
        elif self._inside == "v":
            self._value += text


def _column_index(letters: str) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1
