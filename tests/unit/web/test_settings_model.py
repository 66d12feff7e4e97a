"""The settings page keeps secrets to itself and saves only what was changed."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from werkzeug.datastructures import MultiDict

from appliance.settings import EmailSettings, Settings
from webui.admin.settings_model import SettingField, changes

pytestmark = pytest.mark.unit


def _fields(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, SettingField]:
    monkeypatch.setattr("webui.admin.settings_model.gettext", str)
    from webui.admin.settings_model import sections

    return {field.path: field for section in sections(settings) for field in section.fields}


def test_a_secret_is_never_shown_and_an_empty_one_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(email=EmailSettings(host="mail", password=SecretStr("hidden-word")))
    fields = _fields(settings, monkeypatch)
    assert fields["email.password"].kind == "secret"
    assert "hidden-word" not in str([field.value for field in fields.values()])
    assert changes(MultiDict({"email.password": "", "email.host": "mail"}), settings) == {}
    assert changes(MultiDict({"email.password": "new"}), settings) == {"email": {"password": "new"}}


def test_a_switch_is_saved_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings()
    assert _fields(settings, monkeypatch)["sms.simulate"].kind == "switch"
    assert changes(MultiDict({"sms.simulate": "False"}), settings) == {}
    changed = changes(MultiDict({"sms.simulate": "True"}), settings)
    assert Settings.model_validate(changed).sms.simulate is True


def test_what_takes_one_of_some_words_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = _fields(Settings(), monkeypatch)
    assert (fields["log_level"].kind, fields["log_level"].choices) == ("choice", ("DEBUG", "INFO", "WARNING", "ERROR"))
    assert fields["email.security"].choices == ("starttls", "tls", "none")
    assert [f.path for f in fields.values() if f.kind == "choice" and f.value not in f.choices] == []
    assert fields["sip.realm"].kind == "text", "a pattern that is no list of words"
