"""The event stream of a page: `/live`."""

from __future__ import annotations

from flask import Blueprint, Response, abort, g, request, stream_with_context

from appliance.types import Permission
from webui.access import may, signed_in
from webui.box import box
from webui.live import STREAMS_MAX, Viewer
from webui.session import COOKIE, token_hash, user_of
from webui.supervisor.board import room_news, room_picture

blueprint = Blueprint("stream", __name__)
BLUEPRINTS = (blueprint,)

UNREAD_S = 20.0
"""A client that takes nothing for so long is let go: it held a thread, and comes back by itself if it lives."""


@blueprint.get("/live")
@signed_in
def live() -> Response:
    """Server-sent events; starts after `Last-Event-ID` or `?after=`, ends when the log-in ends or its user changed.

    With `?show=room` it brings what is new of the room itself, not only the word that there is something.
    """
    if box().live.streams >= STREAMS_MAX:
        abort(503)
    socket = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    if socket is not None:
        socket.settimeout(UNREAD_S)
    viewer = Viewer(g.user.id, frozenset(g.user.permissions))
    hashed = token_hash(request.cookies[COOKIE])
    last_id = request.headers.get("Last-Event-ID") or request.args.get("after", "")
    user = user_of(hashed)
    room = room_picture() if request.args.get("show") == "room" and may(Permission.AGENTS_READ) else None
    lines = box().live.stream(
        viewer, last_id, lambda: user is not None and user_of(hashed) == user,
        {} if room is None else {"room": room_news()}, group=room,
    )  # fmt: skip
    return Response(stream_with_context(lines), content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
