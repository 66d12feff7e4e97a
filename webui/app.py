"""The application factory."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from appliance.settings import Home, Settings, load_secrets
from appliance.store.db import Store, open_store
from appliance.thread_bus import ThreadBus
from webui import (
    access,
    admin,
    agent,
    api,
    auth,
    errors,
    hardware,
    home_board,
    i18n,
    quality,
    raw_upload,
    security,
    setup,
    shell,
    stream,
    supervisor,
)  # fmt: skip
from webui.api.v1.views import blueprint as api_v1
from webui.auth.limits import FailedLogIns
from webui.box import Box, WebBus
from webui.connect import keep_connecting
from webui.live import LiveHub

UPLOAD_LIMIT_BYTES = 100 * 2**20


def create_app(home: Home, settings: Settings, *, bus: WebBus | None = None, store: Store | None = None) -> Flask:
    """Make the application of one box. `bus` and `store` are opened here unless a test gives its own."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=load_secrets(home).web_secret.get_secret_value(),
        MAX_CONTENT_LENGTH=UPLOAD_LIMIT_BYTES,
        MAX_FORM_MEMORY_SIZE=2**20,
        SESSION_COOKIE_NAME="__Host-callbox-form",  # holds the CSRF token and messages, never the log-in
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # as long as the browser's session: an agent's page stays open all day
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.web.session_hours),
    )
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    live = LiveHub()
    app.extensions["callbox"] = Box(
        home=home, settings=settings, live=live,
        bus=bus or ThreadBus(settings.bus, name="web"), store=store or open_store(home, settings),
    )  # fmt: skip
    app.extensions["failed_log_ins"] = FailedLogIns()
    keep_connecting(app.extensions["callbox"])
    i18n.register(app)
    security.register(app)
    access.register(app)  # before CSRF: who may not come in is told so first
    raw_upload.register(app)  # what may be large is known before a form is looked for
    csrf = CSRFProtect(app)
    errors.register(app)
    csrf.exempt(api_v1)  # asks for the token itself where no key is brought (api.v1.serve.guard)
    for part in (setup, auth, home_board, agent, supervisor, quality, hardware, admin, api, stream):
        for blueprint in part.BLUEPRINTS:
            app.register_blueprint(blueprint)
    shell.register(app)
    return app
