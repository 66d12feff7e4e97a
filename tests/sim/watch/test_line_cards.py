"""Cards come, change and go while the watch runs; one reading before a card is saved; what was counted is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.errors import CallerError, ValidationErrors
from appliance.settings import Home, LineCardSettings, Settings, save_settings
from appliance.watch.line_card_commands import read_once
from appliance.watch.lines import LineWatch
from drivers.cards import Card
from drivers.lines import Counters, LineKind, LineStatus, ReaderError

pytestmark = pytest.mark.sim


class Reader:
    """A card that answers with one line, or with what is wrong. Its port has one user at a time, as a console's."""

    def __init__(self, card: LineCardSettings, ports: set[str]) -> None:
        self.card, self._ports = card, ports
        if card.port in ports:
            raise ReaderError("port.in_use", f"{card.port} is used by another program.")
        self._ports |= {card.port} - {""}

    def lines(self) -> tuple[LineStatus, ...]:
        if self.card.name == "dead":
            raise ReaderError("snmp.silent", f"{self.card.id}: no answer. Check address and community.")
        return (
            LineStatus(
                line_id=f"{self.card.id}:1", kind=LineKind.E1, name="Port 1", up=True, alarms=frozenset(),
                d_channel_l1=True, d_channel_l2=True, channels=(), in_use=None, fxo=None, source=self.card.source,
                counters=Counters(2, 0, 0, 0, None, 0, 300.0), taken_at_unix_s=time.time(),
            ),
        )  # fmt: skip

    def close(self) -> None:
        self._ports -= {self.card.port}


class _Control:
    def verbs(self, _line_id: str) -> frozenset[str]:
        return frozenset()

    def release_due(self) -> list[str]:
        return []


class Scene:
    """A watch whose cards are `Reader`s."""

    def __init__(self, folder: Path, *cards: dict[str, Any]) -> None:
        self.home = Home(folder)
        self.home.make()
        self.ports: set[str] = set()
        self.made: list[LineCardSettings] = []
        self.watch = LineWatch(self.home, self.save(*cards), make=self._make)

    def _make(self, _home: Home, card: LineCardSettings) -> Card:
        reader = Reader(card, self.ports)
        self.made.append(card)
        return Card(cast("Any", reader), cast("Any", _Control()))

    def save(self, *cards: dict[str, Any]) -> Settings:
        return save_settings(self.home, {"hardware": {"cards": list(cards), "trap_port": 40162}})

    def known(self) -> set[str]:
        return {row["line_id"] for row in self.watch.section()["lines"]}


def until(said: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not said():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def console(card_id: str, **more: Any) -> dict[str, Any]:
    return {"id": card_id, "source": "console", "profile": "cisco_e1", "port": f"/dev/{card_id}", "poll_s": 0.5, **more}


def test_cards_come_change_and_go_without_a_restart(tmp_path: Path) -> None:
    scene = Scene(tmp_path, console("a"), console("b"))
    scene.watch.start()
    try:
        until(lambda: scene.known() == {"a:1", "b:1"})
        scene.watch.use(scene.save(console("a"), console("b", name="dead"), console("c")))
        until(lambda: scene.known() == {"a:1", "c:1"} and scene.watch.cards["b", "console"].unread)
        assert [card.id for card in scene.made].count("a") == 1, "what did not change is read on"
        scene.watch.use(scene.save())
        assert scene.known() == set()
        until(lambda: not scene.ports)
    finally:
        scene.watch.stop()


def test_the_last_word_of_a_card_that_went_is_not_heard(tmp_path: Path) -> None:
    scene = Scene(tmp_path, console("a"))
    (state,) = scene.watch.cards.values()
    lines = Reader(state.settings, set()).lines()
    scene.watch.take(state.settings, lines, None)
    assert scene.known() == {"a:1"}
    scene.watch.use(scene.save(console("a", name="other")))
    assert scene.watch.take(state.settings, lines, None) is False
    assert scene.known() == set()


def test_a_card_is_read_once_before_it_is_saved(tmp_path: Path) -> None:
    scene = Scene(tmp_path, console("a"), {"id": "gw", "profile": "ds1_mib", "address": "192.0.2.1", "community": "x"})
    found = read_once(scene.home, scene.watch, {"id": "gw", "source": "snmp", "profile": "ds1_mib", "address": "h:1"})
    assert found["lines"][0]["line_id"] == "gw:1"
    assert scene.made[-1].community.get_secret_value() == "x", "a secret that was left out is the one that is known"
    assert scene.known() == set(), "nothing of a trial is watched"
    with pytest.raises(CallerError, match="no answer"):
        read_once(scene.home, scene.watch, console("z", name="dead"))
    with pytest.raises(ValidationErrors) as wrong:
        read_once(scene.home, scene.watch, {"id": "V3", "source": "snmp", "profile": "ds1_mib"})
    assert [field for field, *_ in wrong.value.errors] == ["id"]
    with pytest.raises(ValidationErrors) as wrong:
        read_once(scene.home, scene.watch, {"id": "v3", "source": "snmp", "profile": "ds1_mib", "user": "u"})
    assert {field for field, *_ in wrong.value.errors} == {"address", "auth_key", "priv_key"}


def test_a_console_that_is_read_stands_back_for_the_trial(tmp_path: Path) -> None:
    scene = Scene(tmp_path, console("a"))
    scene.watch.start()
    try:
        until(lambda: scene.known() == {"a:1"})
        assert scene.watch.try_card(LineCardSettings.model_validate(console("a")))
        until(lambda: len(scene.made) == 3)  # the watch, the trial, the watch again
    finally:
        scene.watch.stop()


def test_what_was_counted_stands_in_the_section(tmp_path: Path) -> None:
    scene = Scene(tmp_path, console("a"))
    (state,) = scene.watch.cards.values()
    scene.watch.take(state.settings, Reader(state.settings, set()).lines(), None)
    (row,) = scene.watch.section()["lines"]
    assert row["quality"]["quarter"]["es"] == 2
    assert row["quality"]["day"]["within"] is True
