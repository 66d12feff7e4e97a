"""Log-in, log-out and a user's own preferences."""

from webui.auth.views import blueprint

BLUEPRINTS = (blueprint,)
