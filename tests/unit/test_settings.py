"""Settings: described, checked, private where they must be."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from appliance.errors import BoxError, CallerError
from appliance.settings import Home, Secrets, Settings, load_secrets, load_settings, save_settings

pytestmark = pytest.mark.unit


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


def test_every_field_has_title_and_description() -> None:
    kinds = [field.annotation for field in Settings.model_fields.values()]
    sections = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    for section in (Settings, *sections):
        for name, field in section.model_fields.items():
            assert field.title, f"{section.__name__}.{name} has no title"
            assert field.description, f"{section.__name__}.{name} has no description"


def test_secrets_are_made_once_and_private(home: Home) -> None:
    first = load_secrets(home)
    assert load_secrets(home) == first
    assert home.secrets_file.stat().st_mode & 0o777 == 0o600
    values = [getattr(first, name).get_secret_value() for name in Secrets.model_fields]
    assert len(set(values)) == len(values)
    assert "SecretStr('**********')" in repr(first)


def test_no_new_key_is_made_over_recordings_of_an_old_one(home: Home) -> None:
    load_secrets(home)
    (home.archive / "2026-11").mkdir()
    (home.archive / "2026-11" / "r1.cbr").touch()
    load_secrets(home)
    home.secrets_file.unlink()
    with pytest.raises(BoxError, match="backup"):
        load_secrets(home)
    assert not home.secrets_file.exists()


def test_all_mistakes_are_told_at_once_with_the_file(home: Home) -> None:
    home.settings_file.write_text('colour = "red"\n[web]\nport = 99999\n')
    with pytest.raises(CallerError) as raised:
        load_settings(home)
    assert raised.value.error_id == "settings.invalid"
    assert "colour" in raised.value.message
    assert "web.port" in raised.value.message
    assert str(home.settings_file) in raised.value.message


def test_broken_toml_is_a_clear_error(home: Home) -> None:
    home.settings_file.write_text("[web\nport = 1")
    with pytest.raises(CallerError, match="not valid TOML"):
        load_settings(home)


def test_a_bad_change_leaves_the_file_as_it_was(home: Home) -> None:
    save_settings(home, {"web": {"port": 9443}})
    before = home.settings_file.read_bytes()
    with pytest.raises(CallerError):
        save_settings(home, {"web": {"port": 0}})
    assert home.settings_file.read_bytes() == before
    assert load_settings(home).web.port == 9443


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"sip": {"realm": 'x"\nloadmodule "exec.so"'}}, "realm"),
        ({"sip": {"trunk_address": "127.0.2.1 name"}}, "trunk_address"),
        ({"web": {"host_name": "a; include /etc/passwd"}}, "host_name"),
        ({"sip": {"slots": 500}}, "overlap"),
        ({"sip": {"worker_port_base": 21990, "worker_address": "127.0.2.1"}}, "overlap"),
        ({"sip": {"rtpengine_rtp_max": 29000}}, "rtpengine ports"),
        ({"dialling": {"timezone": "Mars/Base"}}, "time zone"),
        ({"schema_version": 2}, "schema_version"),
    ],
)
def test_settings_that_cannot_work_or_are_no_settings_are_refused(
    home: Home, wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(CallerError, match=said):
        save_settings(home, wrong)
    assert not home.settings_file.exists()


def test_a_missed_pattern_is_told_by_what_the_field_takes(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    with pytest.raises(CallerError, match=r"hardware.time_servers: 'a; b' does not fit. Time servers: Names or addr"):
        save_settings(home, {"hardware": {"time_servers": "a; b"}})
