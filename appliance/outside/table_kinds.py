"""What kind of file lies before us, by content and not by name; refuses what is no table, or a dangerous one.

Every refusal is a CallerError whose message says what to do. Nothing is unpacked here: only directories are read.
"""

from __future__ import annotations

import mmap
import zipfile
from enum import StrEnum
from pathlib import Path

from appliance.errors import CallerError
from appliance.outside.table_frames import unreadable_text

FILE_MB_MAX = 100
UNPACKED_MB_MAX = 1024
PART_RATIO_MAX = 300
"""A part of a workbook that shrinks more than this is a bomb: repetitive real sheets reach about 60."""
PART_MB_HARMLESS = 32

_TEXT_SUFFIXES = {".csv", ".txt", ".tsv", ".tab", ".xls", ".xlsx", ".xlsm", ".xlsb", ".ods", ""}
_WANTED = "Save the list as .xlsx, .xls, .ods or .csv and send it again."
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"), (b"\x89PNG", "a picture"), (b"\xff\xd8\xff", "a picture"), (b"GIF8", "a picture"),
    (b"{\\rtf", "an RTF document"), (b"Rar!", "a RAR archive"), (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"), (b"BZh", "a bzip2 archive"), (b"MZ", "a program"), (b"\x7fELF", "a program"),
    (b"RIFF", "a sound or video file"), (b"ID3", "a sound file"), (b"OggS", "a sound file"), (b"SQLite", "a database"),
)  # fmt: skip
_MARKUP = (
    (b"<!doctype html", "a web page"), (b"<html", "a web page"), (b"<table", "a web page"), (b"<?xml", "an XML file"),
)  # fmt: skip


class FileKind(StrEnum):
    XLSX = "xlsx"
    XLSB = "xlsb"
    XLS = "xls"
    ODS = "ods"
    TEXT = "text"  # csv and alike


def recognise(path: Path) -> FileKind:
    """The kind of a list file. Raises CallerError `import.{not_found,empty_file,hollow,too_large,wrong_file_type,
    encrypted,macros,zip_bomb,unreadable}`."""
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            start = handle.read(4096)
    except OSError as error:
        raise CallerError(
            "import.not_found", f"{path.name} cannot be read: {error.strerror}.", file=path.name
        ) from error
    if size == 0:
        raise CallerError("import.empty_file", f"{path.name} is empty (0 bytes). Send it again.", file=path.name)
    if size > FILE_MB_MAX << 20:
        raise CallerError(
            "import.too_large",
            f"{path.name} has {size >> 20} MB; at most {FILE_MB_MAX} MB are read. Split the list into several files.",
            file=path.name, size_mb=size >> 20, max_mb=FILE_MB_MAX,
        )  # fmt: skip
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(path)
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole_kind(path)
    if not start.strip(b"\0\xff\xfe"):
        raise _nothing_but_zeros(path)
    _refuse_foreign(path, start)
    return FileKind.TEXT


def wrong_type(path: Path, what: str) -> CallerError:
    return CallerError(
        "import.wrong_file_type", f"{path.name} is {what}, not a table. {_WANTED}", file=path.name, found=what
    )


def encrypted(path: Path) -> CallerError:
    return CallerError(
        "import.encrypted",
        f"{path.name} is protected by a password. Open it, remove the password, save it and send it again.",
        file=path.name,
    )


def _nothing_but_zeros(path: Path) -> CallerError:
    """A file of the right size that was never filled: a broken copy, a stick pulled out too early."""
    return CallerError(
        "import.hollow",
        f"{path.name} holds nothing but zeros; copying it was broken off. Copy it again from where it is whole.",
        file=path.name,
    )


def _refuse_foreign(path: Path, start: bytes) -> None:
    for magic, what in _MAGIC:
        if start.startswith(magic):
            raise wrong_type(path, what)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for mark, what in _MARKUP:
        if text.startswith(mark):
            raise wrong_type(path, what)
    if text.startswith((b"{", b"[")):
        raise wrong_type(path, "a JSON file")
    fewer, more = sorted((start[0::2].count(0), start[1::2].count(0)))
    # in UTF-16 it is the high bytes that are zero, and they stand on one side
    utf16 = start.startswith((b"\xff\xfe", b"\xfe\xff")) or (more > 0.3 * len(start) / 2 and fewer < 0.5 * more)
    controls = sum(byte < 32 and byte not in b"\t\n\r\x0b\x0c\x1a\x1b" for byte in start)
    if not utf16 and controls > 0.01 * len(start):
        raise wrong_type(path, "a file of unknown kind")
    if path.suffix.lower() not in _TEXT_SUFFIXES:
        raise wrong_type(path, f"a {path.suffix} file")


def _zip_kind(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            _refuse_bomb(path, parts)
            if any(part.flag_bits & 1 for part in parts):
                raise encrypted(path)
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise _macros(path)
            if "xl/workbook.xml" in names:
                return FileKind.XLSX
            if "xl/workbook.bin" in names:
                return FileKind.XLSB
            if "mimetype" in names and b"opendocument.spreadsheet" in archive.read("mimetype")[:200]:
                manifest = archive.read("META-INF/manifest.xml") if "META-INF/manifest.xml" in names else b""
                if b"encryption-data" in manifest:
                    raise encrypted(path)
                if any(name.startswith("Basic/") for name in names):
                    raise _macros(path)
                return FileKind.ODS
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError) as error:
        raise CallerError("import.unreadable", unreadable_text(path), file=path.name) from error
    if "xl/" in {name[:3] for name in names}:
        return FileKind.XLSX
    what = "a Word document" if "word/document.xml" in names else "a ZIP archive"
    raise wrong_type(path, what)


def _refuse_bomb(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(part.file_size for part in parts)
    dense = any(
        part.file_size > PART_MB_HARMLESS << 20 and part.file_size > PART_RATIO_MAX * max(1, part.compress_size)
        for part in parts
    )
    if unpacked > UNPACKED_MB_MAX << 20 or dense or len(parts) > 10_000:
        raise CallerError(
            "import.zip_bomb",
            f"{path.name} unpacks to {unpacked >> 20} MB. That is no honest list; copy the list to a new workbook.",
            file=path.name, unpacked_mb=unpacked >> 20,
        )  # fmt: skip


def _ole_kind(path: Path) -> FileKind:
    """OLE compound file ([MS-CFB]): its streams' names stand in UTF-16 in the directory."""
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:

        def has(name: str) -> bool:
            return content.find(name.encode("utf-16-le") + b"\0\0") >= 0

        if has("EncryptedPackage") or has("EncryptionInfo"):
            raise encrypted(path)
        if has("Workbook") or has("Book"):
            if has("_VBA_PROJECT_CUR"):
                raise _macros(path)
            return FileKind.XLS
        raise wrong_type(path, "a Word document" if has("WordDocument") else "an Office file of another kind")


def _macros(path: Path) -> CallerError:
    return CallerError(
        "import.macros",
        f"{path.name} holds macros (programs), which this box does not take. Save it as .xlsx and send it again.",
        file=path.name,
    )
