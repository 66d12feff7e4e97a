"""The process `web`: gunicorn with one worker and many threads, so that 60 event streams leave room for pages."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from appliance.settings import Home, Settings
from webui.app import create_app

THREADS = 128
STREAM_END_S = 3
_SWITCH_INTERVAL_S = 0.001
"""A stream with one line to say does not wait for a page that is being drawn: it gets the interpreter within this."""


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn configured by code; the application is made in the worker, after the fork."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        values: dict[str, Any] = {
            "bind": f"127.0.0.1:{self._settings.web.app_port}", "worker_class": "gthread", "workers": 1,
            "threads": THREADS, "graceful_timeout": STREAM_END_S, "timeout": 60, "keepalive": 75,
            "proc_name": "callbox-web", "loglevel": "warning", "errorlog": "-", "accesslog": None,
            "control_socket_disable": True, "post_worker_init": _ready,
            "forwarded_allow_ips": "127.0.0.1", "limit_request_line": 8190,
        }  # fmt: skip
        for name, value in values.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self._home, self._settings)


def _ready(worker: Any) -> None:
    _end_streams_on_term(worker)
    threading.Thread(target=_compile_templates, args=(worker.wsgi,), name="templates", daemon=True).start()


def _compile_templates(app: Flask) -> None:
    """Nobody is to wait for a page because he is the first to open it.

    With the others' priority: a thread that stands back would keep the interpreter's lock while it waits for its turn.
    """
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)


def _end_streams_on_term(worker: Any) -> None:
    """An open stream would hold the worker until the grace ends: at SIGTERM the streams end first."""
    known = signal.getsignal(signal.SIGTERM)

    def on_term(number: int, frame: FrameType | None) -> None:
        worker.wsgi.extensions["callbox"].live.close()
        if callable(known):
            known(number, frame)

    signal.signal(signal.SIGTERM, on_term)


def main(home: Home, settings: Settings) -> None:
    """Serve until SIGTERM."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    _Server(home, settings).run()
