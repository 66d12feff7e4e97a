"""First run: language, then the administrator's password. Nothing has a default."""

from webui.setup.views import blueprint

BLUEPRINTS = (blueprint,)
