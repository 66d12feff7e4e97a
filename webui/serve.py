"""The process `web`: gunicorn with one worker and many threads, so that 60 event streams leave room for pages."""

from __future__ import annotations

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from appliance.settings import Home, Settings
from webui.app import create_app

THREADS = 128
STREAM_END_S = 3


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
            "control_socket_disable": True, "worker_int": _end_streams, "worker_exit": _end_streams_at_exit,
            "forwarded_allow_ips": "127.0.0.1", "limit_request_line": 8190,
        }  # fmt: skip
        for name, value in values.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self._home, self._settings)


def _end_streams(worker: Any) -> None:
    app = getattr(worker, "wsgi", None)
    if app is not None:
        app.extensions["callbox"].live.close()


def _end_streams_at_exit(_server: Any, worker: Any) -> None:
    _end_streams(worker)


def main(home: Home, settings: Settings) -> None:
    """Serve until SIGTERM."""
    _Server(home, settings).run()
