"""Clients that misbehave: who never reads his event stream, who guesses passwords, whose session has ended."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
from werkzeug.serving import make_server

from appliance.events import LiveJob
from tests.sim.web.fakes import PASSWORD, FakeBox
from tests.sim.web.forms import post, token_of
from webui import stream
from webui.auth.limits import FAILURES_MAX
from webui.live import RING_SIZE, STREAMS_OF_ONE_MAX, LiveHub, Viewer

pytestmark = pytest.mark.sim
LONG_S = 60.0


@pytest.fixture
def served(box: FakeBox, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of the box served over plain sockets with small buffers."""
    monkeypatch.setattr(stream, "UNREAD_S", 0.5)
    server = make_server("127.0.0.1", 0, box.app, threaded=True)
    server.RequestHandlerClass.log = lambda *_args: None  # type: ignore[attr-defined]
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # of every connection it takes
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def _until(condition: Any) -> None:
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_client_that_never_reads_its_stream_blocks_nobody_and_is_let_go(box: FakeBox, served: int) -> None:
    hub: LiveHub = box.app.extensions["callbox"].live
    cookie = f"Cookie: __Host-callbox={box.token('administrator')}\r\n"
    dead = socket.socket()
    dead.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    dead.connect(("127.0.0.1", served))
    dead.sendall(f"GET /live HTTP/1.1\r\nHost: localhost\r\n{cookie}\r\n".encode())
    _until(lambda: hub.streams == 1)
    for number in range(2 * RING_SIZE):
        job = LiveJob(job_id=f"job{number}", kind="import", done=number, total=9, state="running")
        hub.publish(f"job.job{number}", job)
    assert len(hub._ring) == RING_SIZE, "what it does not read is kept for nobody"
    other = HTTPConnection("127.0.0.1", served, timeout=LONG_S)
    other.request("GET", "/api/v1/health")
    assert other.getresponse().status in (200, 503), "pages are answered meanwhile"
    _until(lambda: hub.streams == 0)
    dead.close()


def test_the_oldest_of_too_many_streams_of_one_user_ends() -> None:
    hub = LiveHub(heartbeat_s=0.01)
    viewer = Viewer("u1", frozenset())
    streams = [hub.stream(viewer, hub.last_id, lambda: True) for _ in range(STREAMS_OF_ONE_MAX + 1)]
    for one in streams:
        next(one)
    assert hub.streams == STREAMS_OF_ONE_MAX
    assert list(streams[0]) == []
    assert next(streams[1]) == ": \n\n"
    hub.close()
    assert [list(one) for one in streams[1:]] == [[]] * STREAMS_OF_ONE_MAX
    assert hub.streams == 0


def test_guesses_at_many_names_from_one_address_have_to_wait(box: FakeBox) -> None:
    client = box.app.test_client()
    token = token_of(client, "/login")
    head = {"X-CSRFToken": token, "Referer": "https://localhost/login"}
    limits = box.app.extensions["failed_log_ins"]
    wrong = {"login": "agent", "password": "not the password"}
    assert client.post("/login", data=wrong, headers=head).status_code == 401
    for _ in range(FAILURES_MAX):
        limits.failed("127.0.0.1")
    asked = len(box.bus.asked)
    right = {"login": "supervisor", "password": PASSWORD}
    refused = client.post("/login", data=right, headers=head)
    assert refused.status_code == 429
    assert "Too many wrong passwords from here" in refused.text
    assert len(box.bus.asked) == asked, "nothing is hashed for it"
    elsewhere = client.post("/login", data=right, headers=head, environ_base={"REMOTE_ADDR": "10.0.0.9"})
    assert elsewhere.status_code == 302
    limits._failures.clear()


def test_a_form_whose_session_ended_leads_to_the_log_in_and_back(box: FakeBox) -> None:
    client = box.client("administrator")
    token = token_of(client, "/seats/new")
    client.delete_cookie("__Host-callbox")
    head = {"X-CSRFToken": token, "Referer": "https://localhost/seats/new?x=1"}
    sent = client.post("/seats/new", data={"id": "seat09"}, headers=head)
    assert (sent.status_code, sent.location) == (303, "/login?next=/seats/new?x%3D1")
    assert client.post("/seats/new", data={}, headers={**head, "HX-Request": "true"}).status_code == 401
    back = post(client, sent.location, {"login": "administrator", "password": PASSWORD})
    assert back.location == "/seats/new?x=1"
