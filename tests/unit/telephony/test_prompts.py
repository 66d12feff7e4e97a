"""The built-in prompts: made once, the abandoned message anew when what it says has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.telephony import prompts

pytestmark = pytest.mark.unit


def test_the_abandoned_message_says_who_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken: list[str] = []

    def speak(words: str, _language: str, path: Path) -> bool:
        spoken.append(words)
        path.write_bytes(words.encode())
        return True

    monkeypatch.setattr(prompts, "_speak", speak)
    path = tmp_path / "abandoned.wav"
    prompts.make_missing(tmp_path)
    assert "We will call you again" in path.read_text()
    prompts.make_missing(tmp_path, company_name="Acme", company_number="+861012345678")
    assert "This was a call from Acme. You can call us at 8 6 1 0" in path.read_text()
    made = len(spoken)
    prompts.make_missing(tmp_path, company_name="Acme", company_number="+861012345678")
    assert len(spoken) == made


def test_a_message_of_the_customers_own_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "_speak", lambda _words, _language, path: path.write_bytes(b"x") > 0)
    (tmp_path / "abandoned.wav").write_bytes(b"own")
    prompts.make_missing(tmp_path, company_name="Acme")
    assert (tmp_path / "abandoned.wav").read_bytes() == b"own"
