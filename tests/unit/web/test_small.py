"""Small pure parts: safe paths, scripts, scales of charts, forms."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import Babel
from werkzeug.datastructures import MultiDict

from appliance.errors import ValidationErrors
from webui.agent.forms import disposition_fields
from webui.auth.service import safe_path
from webui.security import POLICY, policy_text
from webui.supervisor.chart import hours_chart

pytestmark = pytest.mark.unit

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "javascript:x", "", None, "/a\nb"],
)
def test_no_open_redirect(target: str | None) -> None:
    assert safe_path(target) is None


def test_own_paths_are_kept() -> None:
    assert safe_path("/recordings?before=1") == "/recordings?before=1"


def test_the_policy_is_closed_by_default() -> None:
    text = policy_text({})
    assert text.startswith("default-src 'none'")
    assert "unsafe" not in text
    assert "*" not in text
    assert "http" not in text
    assert policy_text({"connect-src": ["wss://x"]}).count("wss://x") == 1
    assert "wss://x" not in str(POLICY)


@pytest.mark.parametrize(("highest", "top"), [(0, "1"), (1, "1"), (3, "5"), (11, "20"), (99, "100"), (1000, "1000")])
def test_chart_scale_is_round(highest: int, top: str) -> None:
    chart = hours_chart([(9, highest, 0)])
    assert chart.lines[-1][1] == top
    assert all(bar.height <= chart.height for bar in chart.bars)


@pytest.fixture(name="_language")
def language() -> object:
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        yield app


def _fields(form: dict[str, str], currency: str = "CNY") -> dict[str, object]:
    return disposition_fields(MultiDict(form), zone=ZONE, currency=currency, now=NOW)


@pytest.mark.usefixtures("_language")
class TestDisposition:
    """The form becomes a command's fields; mistakes come all at once."""

    def test_callback_is_read_in_the_zone_of_the_box(self) -> None:
        fields = _fields({"disposition": "call_back", "callback_at": "2026-03-02T15:30"})
        assert fields["callback_at"] == "2026-03-02T07:30:00+00:00"

    def test_amount_in_minor_units_of_the_currency(self) -> None:
        promise = {"disposition": "promise_to_pay", "promise_date": "2026-03-09", "promise_amount": "1 200,50"}
        assert _fields(promise)["promise_amount_minor"] == 120050
        assert _fields({**promise, "promise_amount": "1200"}, "JPY")["promise_amount_minor"] == 1200

    def test_all_mistakes_at_once(self) -> None:
        with pytest.raises(ValidationErrors) as wrong:
            _fields({"disposition": "promise_to_pay", "promise_amount": "much"})
        assert [field for field, _, _ in wrong.value.errors] == ["promise_date", "promise_amount"]

    def test_a_time_in_the_past_is_refused(self) -> None:
        with pytest.raises(ValidationErrors):
            _fields({"disposition": "call_back", "callback_at": "2026-03-02T11:59"})
