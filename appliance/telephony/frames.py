"""Ways to the bytes of a library frame, and what makes a Python callback on a library thread cheap.

Knows the memory of `pj::MediaFrame` but not the library: `pjsua2_adapter.choose_reader` checks at start that it fits.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

Reader = Callable[[Any], bytes]


class _FrameLayout(ctypes.Structure):
    """`pj::MediaFrame` in memory: the type, then a std::vector's begin and end."""

    _fields_ = (("type", ctypes.c_int), ("begin", ctypes.c_void_p), ("end", ctypes.c_void_p))


def read_by_pointer(frame: Any) -> bytes:
    """Copy the bytes of a MediaFrame from memory: one call into the library instead of hundreds."""
    layout = _FrameLayout.from_address(int(frame.this))
    begin = layout.begin
    return ctypes.string_at(begin, layout.end - begin) if begin else b""


def read_by_iteration(frame: Any) -> bytes:
    """Copy the bytes of a MediaFrame the slow and safe way: ~200 us."""
    return bytes(frame.buf)[: frame.size]


_keeps_state = threading.local()


def keep_thread_state() -> None:
    """Let the calling library thread keep its interpreter state between callbacks.

    Without this each callback makes and destroys one, stack memory included, which costs more than all else in a tap.
    One extra reference does it (C API, PyGILState_Ensure); the thread lives as long as the process.
    """
    if not hasattr(_keeps_state, "done"):
        _keeps_state.done = True
        ctypes.pythonapi.PyGILState_Ensure()
