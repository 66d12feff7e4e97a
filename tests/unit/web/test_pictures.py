"""What many screens show alike: drawn once, pushed in parts, whole where parts do not say it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping

import pytest

from appliance.events import LiveRoom
from tests.unit.web.test_live import SUPERVISOR
from webui.live import LiveHub
from webui.pictures import Picture, Pictures, Sight

pytestmark = pytest.mark.unit


class _Scene:
    """Parts with numbers in them; `drawn` says what was drawn."""

    def __init__(self, **things: int) -> None:
        self.now: dict[str, int] = things
        self.drawn: list[str] = []

    def change(self, **things: int) -> None:
        self.now = {**self.now, **things}

    def look(self, subject: object) -> Sight:
        assert isinstance(subject, dict)

        def draw(name: str) -> str:
            self.drawn.append(name)
            return f"{name}={subject[name]}\n"

        def whole(parts: Mapping[str, str]) -> str:
            return " ".join(parts.values())

        return Sight(root="room", frame=tuple(subject), things=subject, draw=draw, whole=whole)


def test_a_part_is_drawn_again_only_when_it_changed_whoever_looks() -> None:
    scene, picture = _Scene(a=1, b=2), Picture()
    assert picture.whole(lambda: scene.now, scene.look) == "a=1 b=2"
    for _screen in range(3):
        picture.news(0, lambda: scene.now, scene.look)
    scene.change(b=3)
    assert picture.whole(lambda: scene.now, scene.look) == "a=1 b=3"
    assert scene.drawn == ["a", "b", "b"]


def test_who_knows_the_picture_is_told_what_came_after_and_a_stranger_all_of_it() -> None:
    scene, picture = _Scene(a=1, b=2, c=3), Picture()
    text, first = picture.news(0, lambda: scene.now, scene.look)
    assert text == 'data: <hx-partial hx-target="#room" hx-swap="outerMorph">\ndata: a=1 b=2 c=3\ndata: </hx-partial>\n'
    scene.change(b=5)
    text, second = picture.news(first, lambda: scene.now, scene.look)
    assert 'hx-target="#b"' in text
    assert "b=5" in text
    assert "a=1" not in text
    scene.change(c=6)
    assert "b=5" not in picture.news(second, lambda: scene.now, scene.look)[0]
    late = picture.news(first, lambda: scene.now, scene.look)
    assert "b=5" in late[0]
    assert "c=6" in late[0], "what came in several steps comes together"
    assert picture.news(late[1], lambda: scene.now, scene.look)[0] == ""
    for stranger in (0, 99):
        assert 'hx-target="#room"' in picture.news(stranger, lambda: scene.now, scene.look)[0]


def test_another_set_of_parts_is_told_whole() -> None:
    scene, picture = _Scene(a=1, b=2), Picture()
    _text, known = picture.news(0, lambda: scene.now, scene.look)
    scene.change(c=3)
    text, known = picture.news(known, lambda: scene.now, scene.look)
    assert 'hx-target="#room"' in text
    scene.now = {name: number for name, number in scene.now.items() if name != "a"}
    assert "b=2 c=3" in picture.news(known, lambda: scene.now, scene.look)[0]


def test_readers_of_one_sort_share_a_picture_and_those_long_gone_are_forgotten() -> None:
    pictures = Pictures()
    first = pictures.of("first")
    assert pictures.of("first") is first
    for number in range(100):
        pictures.of(number)
    assert pictures.of("first") is not first


def test_a_stream_brings_the_news_in_place_of_their_name() -> None:
    hub = LiveHub(heartbeat_s=0.01)
    stream = hub.stream(SUPERVISOR, hub.last_id, lambda: True, {"room": lambda: "data: picture\n"})
    next(stream)
    hub.publish("room", LiveRoom())
    assert next(stream) == f"id: {hub.last_id}\ndata: picture\n\n"
    lost = hub.stream(SUPERVISOR, "unknown", lambda: True, {"room": lambda: "data: picture\n"})
    next(lost)
    first = next(lost)
    assert "event: resync" in first
    assert "data: picture" in first, "it does not wait for the next event"


def test_one_stream_draws_for_those_that_show_the_same_and_wait() -> None:
    hub = LiveHub(heartbeat_s=0.0)

    def streams(group: str, count: int) -> list[Iterator[str]]:
        made = [hub.stream(SUPERVISOR, hub.last_id, lambda: True, group=group) for _ in range(count)]
        for stream in made:
            next(stream)
        return made

    same = streams("same", 3)
    other = streams("other", 1)
    for stream in hub._all_open():
        stream.waits = True
    hub.publish("room", LiveRoom())
    assert [stream.wake.is_set() for stream in hub._all_open()] == [True, False, False, True]
    assert "event: room" in next(same[0])
    assert all(stream.wake.is_set() for stream in hub._all_open()[1:])
    assert "event: room" in next(same[1])
    assert "event: room" in next(other[0])


def test_who_was_to_draw_and_went_away_keeps_nobody_waiting() -> None:
    hub = LiveHub()
    first, second = (hub.stream(SUPERVISOR, hub.last_id, lambda: True, group="same") for _ in range(2))
    next(first)
    next(second)
    leader, follower = hub._all_open()
    leader.waits = follower.waits = True
    hub.publish("room", LiveRoom())
    assert not follower.wake.is_set()
    assert isinstance(first, Generator)
    first.close()
    assert follower.wake.is_set()


def test_who_reads_slowly_is_not_waited_for() -> None:
    hub = LiveHub()
    streams = [hub.stream(SUPERVISOR, hub.last_id, lambda: True, group="same") for _ in range(2)]
    for stream in streams:
        next(stream)
    busy, waiting = hub._all_open()
    waiting.waits = True
    hub.publish("room", LiveRoom())
    assert busy.wake.is_set()
    assert waiting.wake.is_set()
