"""Number lists in: .xlsx, .xlsb, .xls, .ods and text tables, read row by row out of a guarded process of their own.

A stranger's workbook may be damaged, huge or malicious; `appliance.outside.table_reader` opens it under limits of
memory and time. What is wrong with a file comes out as a CallerError that says what to do. Tables out:
`appliance.outside.table_files`.
"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import msgspec

import appliance
from appliance.errors import CallerError
from appliance.outside.table_frames import (
    Chosen,
    End,
    Frame,
    Problem,
    Ready,
    Row,
    Rows,
    SheetHead,
    too_large_text,
    unreadable_text,
)
from appliance.outside.table_kinds import recognise

ROWS_MAX = 200_000
_FRAME_BYTES_MAX = 256 << 20
_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)


class Workbook:
    """A list file: `heads` shows the first rows of each visible sheet, `rows` streams one of them. Use with `with`."""

    def __init__(self, path: Path) -> None:
        """Open the file; raises CallerError (`import.wrong_file_type`, `import.encrypted`, ...)."""
        recognise(path)  # at once and without a process: most wrong files end here
        self._path = path
        package_root = str(Path(appliance.__file__).parent.parent)
        self._reader = subprocess.Popen(
            [sys.executable, "-m", "appliance.outside.table_reader", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": package_root},
        )
        self.heads: list[SheetHead] = []
        self.data_rows = 0
        try:
            while not isinstance(frame := self._frame(), Ready):
                if isinstance(frame, SheetHead):
                    self.heads.append(frame)
        except BaseException:
            self.close()
            raise

    def rows(self, sheet: int, *, rows_max: int = ROWS_MAX) -> Iterator[Row]:
        """All rows with data of the sheet with that `SheetHead.index`; once only. `data_rows` is known from the start.

        Raises CallerError `import.too_many_rows` before the first row when the sheet has more than `rows_max`.
        """
        stdin = self._reader.stdin
        if stdin is None:
            raise RuntimeError("the reader has no stdin")
        try:
            stdin.write(b"%d %d\n" % (sheet, rows_max))
            stdin.flush()
        except BrokenPipeError:
            raise self._died() from None
        chosen = self._frame()
        if isinstance(chosen, Chosen):
            self.data_rows = chosen.data_rows
        return self._stream()

    def close(self) -> None:
        """End the reader, whether it has finished or not."""
        for pipe in (self._reader.stdin, self._reader.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        if self._reader.poll() is None:
            self._reader.kill()
        self._reader.wait()

    def __enter__(self) -> Workbook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stream(self) -> Iterator[Row]:
        while not isinstance(frame := self._frame(), End):
            if isinstance(frame, Rows):
                yield from frame.rows

    def _frame(self) -> Frame:
        stdout = self._reader.stdout
        if stdout is None:
            raise RuntimeError("the reader has no stdout")
        header = stdout.read(4)
        if len(header) < 4:
            raise self._died()
        (length,) = struct.unpack(">I", header)
        body = stdout.read(length) if length <= _FRAME_BYTES_MAX else b""
        if len(body) < length:
            raise self._died()
        frame = _decoder.decode(body)
        if isinstance(frame, Problem):
            raise CallerError(frame.error_id, frame.message, **frame.placeholders)
        return frame

    def _died(self) -> CallerError:
        """The reader ended without a word: by its limits, or by a fault of a parser on a damaged file."""
        code = self._reader.wait()
        name = self._path.name
        if code in {-signal.SIGABRT, -signal.SIGKILL, -signal.SIGXCPU}:
            return CallerError("import.too_large", too_large_text(self._path), file=name)
        return CallerError("import.unreadable", unreadable_text(self._path), file=name)
