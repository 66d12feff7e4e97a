"""The first page after log-in."""

from webui.home_board.views import blueprint

BLUEPRINTS = (blueprint,)
