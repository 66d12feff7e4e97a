"""Addresses with placeholders, and what another system's answer before a dial means."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.engine.lookup import understood
from appliance.settings import Settings
from appliance.url_template import fill, problem

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "template",
    ["", "https://crm.example/find?phone={phone}&case={field.合同}", "tel:{phone}", "http://10.0.0.5:8080/{external_id}"],
)
def test_good_addresses(template: str) -> None:
    assert problem(template, ("https", "http", "tel")) == ""


@pytest.mark.parametrize(
    "template",
    ["javascript:alert(1)", "ftp://x/{phone}", "https://{name}/", "https://crm.example/{password}", "//crm.example",
     "https://user@crm.example/", "https://crm.example/{", 'https://crm.example/"', "data:text/html,{name}", "crm"],
)  # fmt: skip
def test_addresses_that_are_not_taken(template: str) -> None:
    assert problem(template, ("https", "http", "tel"))


@given(st.text(max_size=40))
def test_no_name_leads_elsewhere(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    filled = fill("https://crm.example/find?n={name}&f={field.x}#end", {"name": name}, {"x": name})
    assert filled.startswith("https://crm.example/find?n=")
    assert filled.endswith("#end")
    assert not set(filled[len("https://crm.example/find?n="):-len("#end")]) & set("/?# \"'<>")


def test_what_is_not_known_is_left_out() -> None:
    assert fill("https://c/{phone}/{field.gone}", {"phone": None}, {}) == "https://c//"


def test_settings_take_only_good_addresses() -> None:
    with pytest.raises(ValueError, match="begin with"):
        Settings.model_validate({"cti": {"screen_url": "javascript:{phone}"}})
    with pytest.raises(ValueError, match="begin with"):
        Settings.model_validate({"cti": {"lookup_url": "tel:{phone}"}})


def test_answers() -> None:
    assert understood(204, b"").dial
    assert understood(404, b"no").dial
    added = understood(200, json.dumps({"fields": {"level": 3, "deep": {"no": 1}, "none": None}}).encode())
    assert added.fields == {"level": "3"}
    barred = understood(200, b'{"dial": false, "reason": "paid"}')
    assert (barred.dial, barred.never, barred.reason) == (False, True, "lookup.do_not_call paid")


@pytest.mark.parametrize(("status", "body"), [(500, b""), (200, b"<html>"), (200, b"[]"), (200, b'{"fields": 3}')])
def test_what_is_no_answer(status: int, body: bytes) -> None:
    with pytest.raises(ValueError):
        understood(status, body)
