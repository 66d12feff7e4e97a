"""The webhooks' page: make, change, test, a new secret, forget; hostile names."""

from __future__ import annotations

import re

import pytest

from appliance.store.read import tables
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim

FORM = {"name": "<b>CRM</b>", "url": "https://crm.example/hook", "event": ["promise.made", "alert.raised"]}


def test_a_webhook_from_its_first_secret_to_its_end(box: FakeBox) -> None:
    client = box.client("administrator")
    page = post(client, "/system/webhooks/new", FORM)
    secret = re.search(r"whsec_[\w+/=]+", page.text)
    assert secret
    assert "<b>CRM</b>" not in page.text
    hook = tables.page(box.bus.store, tables.WEBHOOKS).rows[0]
    assert hook.events == ["alert.raised", "promise.made"]
    url = f"/system/webhooks/{hook.id}"
    assert secret[0] not in client.get(url).text
    post(client, url, {**FORM, "name": "Billing", "personal": "on", "enabled": "on"})
    assert tables.one(box.bus.store, tables.WEBHOOKS, hook.id).personal
    post(client, f"{url}/test", page=url)
    assert "webhook.test" in client.get(url).text
    new_secret = re.search(r"whsec_[\w+/=]+", post(client, f"{url}/secret", page=url).text)
    assert new_secret
    assert new_secret[0] != secret[0]
    post(client, url, {**FORM, "name": "Billing"})
    assert not tables.one(box.bus.store, tables.WEBHOOKS, hook.id).enabled
    post(client, f"{url}/remove", page=url)
    assert tables.one(box.bus.store, tables.WEBHOOKS, hook.id) is None
    assert client.get(url).status_code == 404


def test_a_wrong_address_is_told_and_nothing_typed_is_lost(box: FakeBox) -> None:
    page = post(box.client("administrator"), "/system/webhooks/new", {**FORM, "url": "ftp://x", "name": "Mine"})
    assert 'value="Mine"' in page.text
    assert 'value="ftp://x"' in page.text
    assert tables.page(box.bus.store, tables.WEBHOOKS).rows == []
