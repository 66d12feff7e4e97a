"""Text tables (.csv and alike): which encoding, which delimiter, and the rows.

Encodings: UTF-8 with or without mark, UTF-16, GB18030 (Excel in China), CP1251 (Excel in Russia).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_SAMPLE_BYTES = 1 << 20
_SEP_LINE = re.compile(r"sep=([;,|:\t])\s*$", re.IGNORECASE | re.MULTILINE)
_DELIMITERS = (";", "\t", ",", "|")
_CP1251_LETTERS = frozenset(range(0xC0, 0x100)) | {0xA8, 0xB8, 0xB9, 0xAB, 0xBB, 0xA0}


def guess_encoding(sample: bytes) -> str:
    """The Python codec for a text of unknown origin; `sample` may end within a character."""
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if sample.count(0) > 0.2 * len(sample):
        return "utf-16-le" if sample[1::2].count(0) >= sample[0::2].count(0) else "utf-16-be"
    if _decodes(sample, "utf-8"):
        return "utf-8"
    high = [byte for byte in sample if byte >= 0x80]
    cyrillic = sum(byte in _CP1251_LETTERS for byte in high) / len(high)
    if cyrillic >= 0.95:
        return "cp1251"  # GB18030 trail bytes would scatter over signs that no Russian text has
    if _decodes(sample, "gb18030"):
        return "gb18030"
    broken = sample.decode("utf-8", "replace").count("\ufffd")
    return "utf-8" if broken < 0.02 * len(high) else "cp1251" if cyrillic >= 0.8 else "gb18030"


def guess_delimiter(sample: str) -> str:
    """The sign that parts the sample into the most, and the most even, columns. Excel's own `sep=;` line wins."""
    if named := _SEP_LINE.match(sample):
        return named.group(1)
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        lines = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        widths = Counter(len(row) for row in lines if any(cell.strip() for cell in row))
        if not widths:
            continue
        width, alike = widths.most_common(1)[0]
        score = alike / widths.total() * (1 + 0.01 * width) if width > 1 else 0.0
        if score > best_score + 1e-9:
            best, best_score = delimiter, score
    return best


def text_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number from 1, cells) of each row; broken characters become U+FFFD. Raises csv.Error."""
    with path.open("rb") as raw:
        sample = raw.read(_SAMPLE_BYTES)
    encoding = guess_encoding(sample)
    text = sample.decode(encoding, "replace")
    cut = text[: text.rfind("\n") + 1] if len(sample) == _SAMPLE_BYTES and "\n" in text else text
    delimiter = guess_delimiter(cut[:65536])
    with path.open(encoding=encoding, errors="replace", newline="") as handle:
        reader = csv.reader(handle, delimiter=delimiter)
        for number, row in enumerate(reader, start=1):
            if number == 1 and len(row) <= 2 and row and row[0].lower().startswith("sep="):
                continue
            yield number, row


def _decodes(sample: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        decoder.decode(sample, final=False)
    except UnicodeDecodeError:
        return False
    return True
