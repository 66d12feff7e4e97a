"""nginx in front, as a real service: redirect, pages, uploads, static files, SSE, the browser phone's WebSocket."""

from __future__ import annotations

import http.client
import http.server
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from appliance.settings import Home, Settings
from appliance.telephony.edge import control
from tests.integration.edge.box import Service, register, registered
from tests.integration.edge.sipkit import WebSocketLine

pytestmark = pytest.mark.integration

FRONT = ("127.0.0.1", 8443)


class Application(http.server.BaseHTTPRequestHandler):
    """A stand-in for gunicorn: tells what it was asked, streams under /live."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.endswith("/live"):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"data: first\n\n")
            self.wfile.flush()
            self.server.let_go.wait(5)  # type: ignore[attr-defined]
            self.close_connection = True
            return
        self._tell({"path": self.path, "headers": dict(self.headers)})

    def do_POST(self) -> None:
        self._tell({"size": len(self.rfile.read(int(self.headers["Content-Length"])))})

    def _tell(self, what: dict[str, object]) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def front(box: tuple[Home, Settings]) -> Iterator[Service]:
    home, _ = box
    service = Service(home, "front")
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with trusting(home).wrap_socket(_connect(), server_hostname="127.0.0.1"):
                    break
            except OSError:
                time.sleep(0.05)
        else:
            pytest.fail(service.log.read_text()[-2000:])
        yield service
    finally:
        assert service.stop() == 0


@pytest.fixture(scope="module")
def application(private_network: None) -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 8480), Application)
    server.let_go = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def _connect() -> socket.socket:
    return socket.create_connection(FRONT, timeout=2)


def trusting(home: Home) -> ssl.SSLContext:
    """A client that trusts the box's CA and nothing else: a wrong name or chain fails."""
    return ssl.create_default_context(cafile=home.front / "ca.crt")


def get(
    home: Home, path: str, method: str = "GET", body: bytes | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPSConnection(*FRONT, timeout=20, context=trusting(home))
    connection.request(method, path, body=body, headers={"X-Forwarded-For": "9.9.9.9"})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer, data


def test_friendly_page_without_the_application(front: Service, box: tuple[Home, Settings]) -> None:
    answer, page = get(box[0], "/")
    assert answer.status == 502
    text = page.decode()
    assert 'lang="zh"' in text
    assert 'lang="ru"' in text
    assert "http-equiv" in text


def test_plain_http_is_sent_to_https(front: Service) -> None:
    connection = http.client.HTTPConnection(*FRONT, timeout=5)
    connection.request("GET", "/campaigns?x=1")
    answer = connection.getresponse()
    assert answer.status == 308
    assert answer.getheader("Location") == "https://127.0.0.1:8443/campaigns?x=1"
    connection.close()


def test_application_sees_the_real_client(
    front: Service, box: tuple[Home, Settings], application: http.server.ThreadingHTTPServer
) -> None:
    answer, data = get(box[0], "/campaigns?x=1")
    told = json.loads(data)
    assert answer.status == 200
    assert told["path"] == "/campaigns?x=1"
    assert told["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert told["headers"]["X-Forwarded-Proto"] == "https"


def test_uploads_up_to_100_mb(
    front: Service, box: tuple[Home, Settings], application: http.server.ThreadingHTTPServer
) -> None:
    _, data = get(box[0], "/import", "POST", b"x" * (20 << 20))
    assert json.loads(data)["size"] == 20 << 20
    connection = http.client.HTTPSConnection(*FRONT, timeout=20, context=trusting(box[0]))
    connection.putrequest("POST", "/import")
    connection.putheader("Content-Length", str(102 << 20))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_events_are_not_buffered(
    front: Service, box: tuple[Home, Settings], application: http.server.ThreadingHTTPServer
) -> None:
    connection = http.client.HTTPSConnection(*FRONT, timeout=3, context=trusting(box[0]))
    connection.request("GET", "/supervisor/live")
    answer = connection.getresponse()
    assert answer.readline() == b"data: first\n"  # comes while the application still holds the stream open
    application.let_go.set()  # type: ignore[attr-defined]
    connection.close()


def test_the_authority_can_be_downloaded(front: Service, box: tuple[Home, Settings]) -> None:
    answer, data = get(box[0], "/ca.crt")
    assert answer.getheader("Content-Type") == "application/x-x509-ca-cert"
    assert data == (box[0].front / "ca.crt").read_bytes()
    assert get(box[0], "/ca.key")[1] != (box[0].front / "ca.key").read_bytes()


def browser(home: Home, *, source: str = "127.0.3.77") -> WebSocketLine:
    return WebSocketLine(FRONT, source=source, context=trusting(home))


def status(line: WebSocketLine, seat: str, password: str) -> int:
    """Register over the WebSocket; the status of the last answer, 0 when none came."""
    answer = register(line, seat, password, transport="WSS")
    return answer.status if answer else 0


def test_browser_phone_registers_through_phone(edge: Service, front: Service, box: tuple[Home, Settings]) -> None:
    line = browser(box[0])
    assert line.open, line.handshake
    assert status(line, "seat02", "pw02") == 200
    found = registered(box[0], "seat02")
    assert "transport=ws" in found.contact
    line.close()


def test_browser_that_guesses_is_banned_by_its_own_address(
    edge: Service, front: Service, box: tuple[Home, Settings]
) -> None:
    home, settings = box
    with closing(browser(home, source="127.0.3.66")) as guesser:
        for _ in range(settings.sip.auth_failures_max):
            assert status(guesser, "seat02", "wrong") == 401
        assert status(guesser, "seat02", "pw02") == 0
        assert [ban.address for ban in control.bans(home)] == ["127.0.3.66"]
    with closing(browser(home, source="127.0.3.66")) as shut_out:
        assert not shut_out.open
    with closing(browser(home, source="127.0.3.78")) as other:
        assert status(other, "seat02", "pw02") == 200
    control.unban(home, "127.0.3.66")
    with closing(browser(home, source="127.0.3.66")) as forgiven:
        assert status(forgiven, "seat02", "pw02") == 200
