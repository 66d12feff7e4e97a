"""The bytes of a recording: a ticket of the office first (audited), then only what the player asks for.

A ticket is kept in memory for one user and one recording, so that seeking in the same sitting is one line in the
audit log and not fifty.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Response, g, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import parse_range_header

from appliance.commands import OpenRecording
from appliance.store.read.recordings import RecordingView
from appliance.store.sealed import SealedReader
from webui.box import ask

TICKET_LIFE_S = 900.0
_BLOCK_BYTES = 65536


@dataclass(frozen=True)
class _Ticket:
    path: Path
    key: bytes
    size: int
    content_type: str
    until_s: float


_tickets: dict[tuple[str, str], _Ticket] = {}
_lock = threading.Lock()


def _open(recording_id: str, purpose: str) -> _Ticket:
    data: dict[str, Any] = ask(OpenRecording, recording_id=recording_id, purpose=purpose).data
    return _Ticket(
        Path(data["path"]), base64.b64decode(data["key_b64"]), int(data["size_bytes"]), str(data["content_type"]),
        time.monotonic() + TICKET_LIFE_S,
    )  # fmt: skip


def _listen_ticket(recording_id: str) -> _Ticket:
    wanted, now = (g.user.id, recording_id), time.monotonic()
    with _lock:
        for key in [key for key, ticket in _tickets.items() if ticket.until_s < now]:
            del _tickets[key]
        found = _tickets.get(wanted)
    if found is None:
        found = _open(recording_id, "listen")
        with _lock:
            _tickets[wanted] = found
    return found


def _blocks(ticket: _Ticket, start: int, end: int) -> Iterator[bytes]:
    with SealedReader(ticket.path, ticket.key) as reader:
        for offset in range(start, end, _BLOCK_BYTES):
            yield reader.read(offset, min(_BLOCK_BYTES, end - offset))


def ranged(recording: RecordingView) -> Response:
    """Answer one range (RFC 9110, 14), or the whole when none is asked for."""
    ticket = _listen_ticket(recording.id)
    wanted = parse_range_header(request.headers.get("Range"))
    if wanted is None:
        return _response(ticket, 0, ticket.size, 200)
    span = wanted.range_for_length(ticket.size)
    if span is None:
        raise RequestedRangeNotSatisfiable(ticket.size)
    return _response(ticket, span[0], span[1], 206)


def whole(recording: RecordingView) -> Response:
    """The file as an attachment, named by time and recording."""
    response = _response(ticket := _open(recording.id, "export"), 0, ticket.size, 200)
    name = f"{recording.started_at:%Y%m%d-%H%M%S}-{recording.id}.ogg"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _response(ticket: _Ticket, start: int, end: int, status: int) -> Response:
    response = Response(_blocks(ticket, start, end), status=status, content_type=ticket.content_type)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Length"] = str(end - start)
    response.headers["Cache-Control"] = "no-store"
    if status == 206:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{ticket.size}"
    return response
