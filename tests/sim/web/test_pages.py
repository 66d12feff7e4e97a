"""Every page in every language: it opens, nothing is inline, nothing points outside, headers are right."""

from __future__ import annotations

import re

import pytest

from appliance import commands as cmd
from tests.sim.web.fakes import FakeBox

pytestmark = pytest.mark.sim

PAGES = (
    "/queues", "/queues/new", "/missed", "/missed?all=1",
    "/reports/attempts", "/reports/saved", "/reports/saved/new",
    "/home", "/desk", "/board", "/campaigns", "/campaigns/new", "/campaigns/{campaign}", "/campaigns/{campaign}/edit",
    "/imports", "/do-not-call", "/recordings", "/reports", "/seats", "/seats/new", "/seats/seat01", "/trunks",
    "/trunks/new", "/trunks/e1", "/users", "/users/new", "/users/{user}", "/retention", "/settings", "/audit",
    "/alerts", "/me",
)  # fmt: skip
ENGLISH_WORDS = re.compile(r">\s*(Save|Cancel|Campaigns|Settings|Password|Recordings|Sign out|Language)\s*<")


@pytest.fixture(scope="module")
def full(box: FakeBox) -> FakeBox:
    """The box with one of each thing."""
    box.by_administrator(cmd.SaveSeat, id="seat01", display_name='<b>"Seat"</b>', phone="browser")
    gateway = {"address": "192.0.2.10", "port": 5060, "transport": "udp"}
    box.by_administrator(cmd.SaveTrunk, id="e1", display_name="E1", config={"gateways": [gateway], "channels": 30})
    box.people["campaign"] = box.campaign("<script>alert(1)</script>").id
    return box


def _url(box: FakeBox, page: str) -> str:
    return page.format(campaign=box.people["campaign"], user=box.people["agent"])


@pytest.mark.parametrize("page", PAGES)
def test_page_in_three_languages(full: FakeBox, page: str) -> None:
    for language in ("en", "zh", "ru"):
        full.by_administrator(
            cmd.SaveUser, id=full.people["administrator"], login="administrator", role="administrator",
            language=language, own_password=True,
        )  # fmt: skip
        response = full.client("administrator", language).get(_url(full, page))
        assert response.status_code == 200, response.text[-2000:]
        assert f'<html lang="{language}"' in response.text
        assert "<script>alert(1)" not in response.text
        assert "<b>" not in response.text
        if language != "en":
            assert not ENGLISH_WORDS.search(response.text), ENGLISH_WORDS.search(response.text)


def test_headers(full: FakeBox) -> None:
    response = full.client("administrator").get("/home")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert "max-age" in response.headers["Strict-Transport-Security"]


def test_log_in_page_speaks_the_browser_s_language(full: FakeBox) -> None:
    assert "登录" in full.client(language="zh-CN,zh;q=0.9").get("/login").text
    assert "Войти" in full.client(language="ru").get("/login").text


def test_errors_are_pages_toasts_or_problems(full: FakeBox) -> None:
    client = full.client("administrator")
    assert client.get("/campaigns/unknown").status_code == 404
    toast = client.get("/campaigns/unknown", headers={"HX-Request": "true"})
    assert toast.status_code == 404
    assert "toast" in toast.headers["HX-Trigger"]
    assert toast.data == b""
    problem = full.client().get("/api/v1/me")
    assert problem.status_code == 401
    assert problem.content_type == "application/problem+json"
    assert problem.json is not None
    assert problem.json["error_id"] == "http.401"


def test_the_proxy_s_word_counts_for_one_hop(full: FakeBox) -> None:
    client = full.app.test_client()
    forged = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https"}
    client.get("/api/v1/health", headers=forged)
    with full.app.test_request_context("/", headers=forged, environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        pass
    seen: list[str] = []
    full.app.before_request_funcs.setdefault(None, []).append(lambda: seen.append(_remote()))  # type: ignore[arg-type]
    try:
        client.get("/api/v1/health", headers=forged)
    finally:
        full.app.before_request_funcs[None].pop()
    assert seen == ["198.51.100.7"]


def _remote() -> str:
    from flask import request

    return request.remote_addr or ""
