"""The body of a request that is a file."""

from __future__ import annotations

from typing import IO

from flask import request


def sent_file() -> IO[bytes]:
    """The body as a stream; Flask stops it at the largest upload."""
    return request.stream
