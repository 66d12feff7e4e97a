"""The bus against a real nats-server: replies, refusals, and nothing lost when the server goes and comes back."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from appliance.bus import Bus
from appliance.commands import AcknowledgeAlert, AgentReady, Command, Done, LiveView
from appliance.errors import BoxError, BusError, ValidationErrors
from appliance.events import DtmfReceived, LiveJob
from appliance.settings import BusSettings

pytestmark = pytest.mark.integration

SETTINGS = BusSettings(port=4922, password=SecretStr("secret"))


class Server:
    """A nats-server with JetStream whose data outlives a kill."""

    def __init__(self, folder: Path) -> None:
        self._arguments = [
            "nats-server", "-a", SETTINGS.host, "-p", str(SETTINGS.port), "-js", "-sd", str(folder / "js"),
            "--user", SETTINGS.user, "--pass", SETTINGS.password.get_secret_value(), "-l", str(folder / "nats.log"),
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._arguments)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    one = Server(tmp_path)
    one.start()
    yield one
    one.kill()


async def _connected(name: str) -> Bus:
    bus = Bus(SETTINGS, name=name)
    await bus.connect(timeout_s=10)
    return bus


async def _until(condition: object, timeout_s: float = 15.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.02)


def _event(seq: int) -> DtmfReceived:
    return DtmfReceived(conversation_id="c1", attempt_id="c1", seq=seq, at_unix_s=float(seq), role="trunk", digit="5")


def test_request_reply_and_the_callers_mistakes(server: Server) -> None:
    async def handler(command: Command) -> Done:
        if isinstance(command, LiveView):
            raise ValidationErrors([("agent_id", "agent.unknown", "no such agent")])
        if isinstance(command, AgentReady) and command.actor_id == "bug":
            raise ZeroDivisionError
        return Done(id="done", data={"n": 1})

    async def scene() -> None:
        service, client = await _connected("service"), await _connected("client")
        await service.serve("engine", handler)
        assert await client.request(AgentReady(actor_id="u1")) == Done(id="done", data={"n": 1})
        with pytest.raises(ValidationErrors) as refused:
            await client.request(LiveView())
        assert refused.value.errors == [("agent_id", "agent.unknown", "no such agent")]
        with pytest.raises(BoxError, match="see its log"):
            await client.request(AgentReady(actor_id="bug"))
        assert (await client.request(AgentReady(actor_id="u2"))).id == "done"  # the service lives on
        with pytest.raises(BusError, match="not running"):
            await client.request(AcknowledgeAlert(actor_id="u1", key="k"))
        await client.close()
        await service.close()

    asyncio.run(scene())


def test_a_wrong_password_is_refused(server: Server) -> None:
    async def scene() -> None:
        bus = Bus(SETTINGS.model_copy(update={"password": SecretStr("wrong")}), name="thief")
        with pytest.raises(BusError, match="does not answer"):
            await bus.connect(timeout_s=1.0)

    asyncio.run(scene())


def test_events_survive_a_killed_server_in_order(server: Server) -> None:
    async def scene() -> None:
        worker, engine = await _connected("worker"), await _connected("engine")
        got: list[int] = []

        async def on_event(event: DtmfReceived) -> None:
            got.append(event.seq)

        await engine.consume_events("engine", on_event)
        for seq in range(1, 6):
            worker.publish_event(_event(seq))
        await _until(lambda: len(got) == 5)
        server.kill()
        await _until(lambda: not worker.connected)
        for seq in range(6, 11):
            worker.publish_event(_event(seq))  # told while the bus is away
        server.start()
        await _until(lambda: 10 in got)
        assert got == list(range(1, 11))
        await worker.close()
        await engine.close()

    asyncio.run(scene())


def test_a_restarted_consumer_goes_on_where_it_was(server: Server) -> None:
    async def scene() -> None:
        worker = await _connected("worker")
        first: list[int] = []
        second: list[int] = []

        async def into_first(event: DtmfReceived) -> None:
            first.append(event.seq)

        async def into_second(event: DtmfReceived) -> None:
            second.append(event.seq)

        engine = await _connected("engine")
        await engine.consume_events("engine", into_first)
        for seq in (1, 2, 3):
            worker.publish_event(_event(seq))
        await _until(lambda: first == [1, 2, 3])
        await engine.close()
        for seq in (4, 5):
            worker.publish_event(_event(seq))
        engine = await _connected("engine")
        await engine.consume_events("engine", into_second)
        await _until(lambda: len(second) >= 2)
        assert second == [4, 5]
        await engine.close()
        await worker.close()

    asyncio.run(scene())


def test_live_views_reach_the_screens_with_their_topic(server: Server) -> None:
    async def scene() -> None:
        sender, screen = await _connected("sender"), await _connected("screen")
        seen: list[tuple[str, object]] = []

        async def on_live(topic: str, event: object) -> None:
            seen.append((topic, event))

        await screen.subscribe_live("job.*", on_live)
        event = LiveJob(job_id="j1", kind="import", done=1, total=2, state="running")
        async with asyncio.timeout(10):
            while not seen:  # a subscription takes a moment to reach the server
                await sender.publish_live("job.j1", event)
                await asyncio.sleep(0.05)
        assert seen[0] == ("job.j1", event)
        await sender.close()
        await screen.close()

    asyncio.run(scene())


def test_malformed_commands_are_answered(server: Server) -> None:
    async def handler(_command: Command) -> Done:
        return Done()

    async def scene() -> None:
        service, client = await _connected("service"), await _connected("client")
        await service.serve("engine", handler)
        raw = await client._client.request("callbox.box.cmd.engine", b'{"type": "Nonsense"}', timeout=5)
        assert b"bus.malformed" in raw.data
        await service.close()
        await client.close()

    asyncio.run(scene())
