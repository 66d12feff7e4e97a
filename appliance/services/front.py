"""The one door for people: becomes nginx with a config of its own, in the foreground, as whoever runs it.

`/` goes to the web application, `/phone` to Kamailio's WebSocket with the client's real address, `/static/` and
`/ca.crt` come from disk. /etc/nginx is only read for the table of file types.
"""

from __future__ import annotations

import grp
import importlib.util
import os
import pwd
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from appliance.errors import BoxError
from appliance.services.daemon import become
from appliance.settings import Home, Settings
from appliance.telephony.edge.certificates import ensure_certificates

UPLOAD_MAX_MB = 101


def write_config(home: Home, settings: Settings) -> Path:
    """Write nginx.conf and the page shown while the application starts; returns the config's path."""
    for folder in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (home.run / "front" / folder).mkdir(parents=True, exist_ok=True)
    environment = Environment(
        loader=PackageLoader("appliance.services"), undefined=StrictUndefined, keep_trailing_newline=True,
        trim_blocks=True, lstrip_blocks=True, autoescape=False,  # noqa: S701 - nothing of a user's goes in
    )  # fmt: skip
    path = home.front / "nginx.conf"
    path.write_text(
        environment.get_template("nginx.conf.j2").render(
            home=home,
            temporary=home.run / "front",
            web=settings.web,
            websocket_port=settings.sip.websocket_port,
            user=pwd.getpwuid(os.geteuid()).pw_name,
            group=grp.getgrgid(os.getegid()).gr_name,
            is_root=os.geteuid() == 0,
            static=_static_folder(),
            upload_max_mb=UPLOAD_MAX_MB,
        ),
        "utf-8",
    )
    page = environment.get_template("unavailable.html.j2").render()
    (home.front / "unavailable.html").write_text(page, "utf-8")
    return path


def _static_folder() -> Path:
    found = importlib.util.find_spec("webui")
    places = list(found.submodule_search_locations or []) if found else []
    if not places:
        raise BoxError("front.no_web", "The web interface is not installed (package webui). Run 'make setup'.")
    return Path(places[0]) / "static" / "dist"


def main(home: Home, settings: Settings) -> None:
    """Run until SIGTERM."""
    home.make()
    ensure_certificates(home, settings)
    config = write_config(home, settings)
    become(home, "front", ["nginx", "-e", "stderr", "-p", str(home.front), "-c", str(config), "-g", "daemon off;"])
