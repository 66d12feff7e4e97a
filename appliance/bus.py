"""The bus: requests, conversation events (JetStream) and live views over NATS, typed by `commands` and `events`.

`Bus` is for asyncio services; `thread_bus.ThreadBus` gives the same to synchronous code. Conversation events are kept
and sent again until the stream has them; live views are dropped when the bus is away.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Union

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RetentionPolicy, StreamConfig
from nats.js.errors import NotFoundError as StreamNotFoundError

from appliance import errors
from appliance.commands import COMMANDS, Command, ConversationCommand, Done, Failure
from appliance.errors import BusError, CallboxError
from appliance.events import CONVERSATION_EVENTS, LIVE_EVENTS, ConversationEvent
from appliance.logs import get_logger
from appliance.settings import BusSettings

_STREAM = "CONVERSATIONS"
_command_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[COMMANDS])  # noqa: UP007
_event_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[CONVERSATION_EVENTS])  # noqa: UP007
_live_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[LIVE_EVENTS])  # noqa: UP007

_MALFORMED = (msgspec.MsgspecError, UnicodeDecodeError)
"""What the decoders raise: msgspec lets a broken byte in a type tag through as Python's own error."""

Handler = Callable[[Any], Awaitable[Done]]
EventHandler = Callable[[Any], Awaitable[None]]
LiveHandler = Callable[[str, Any], Awaitable[None]]


def _encode_reply(reply: Done | Failure) -> bytes:
    return msgspec.json.encode({"ok": isinstance(reply, Done), "body": msgspec.to_builtins(reply)})


def failure_of(error: CallboxError) -> Failure:
    """Return the wire form of an error; placeholders that are not plain data become text."""
    plain = msgspec.to_builtins(error.placeholders, enc_hook=str)
    return Failure(
        kind=type(error).__name__, error_id=error.error_id, message=error.message, retryable=error.retryable,
        placeholders=plain,
    )  # fmt: skip


def _raise(failure: Failure) -> None:
    if failure.kind == "ValidationErrors":
        raise errors.ValidationErrors([tuple(e) for e in failure.placeholders.get("errors", [])])
    cls = getattr(errors, failure.kind, errors.BoxError)
    if not (isinstance(cls, type) and issubclass(cls, CallboxError)):
        cls = errors.BoxError
    raise cls(failure.error_id, failure.message, retryable=failure.retryable, **failure.placeholders)


@dataclass
class _Consumer:
    """A reader of conversation events: where it is in the stream, and which subscription is the living one."""

    durable: str
    handler: EventHandler
    last_sequence: int = 0
    generation: int = 0
    subscription: JetStreamContext.PushSubscription | None = None


class Bus:
    """One NATS connection with the box's subjects and types."""

    def __init__(self, settings: BusSettings, *, name: str) -> None:
        self._settings = settings
        self._name = name
        self._prefix = f"callbox.{settings.cell}"
        self._log = get_logger(bus=name)
        self._client = Client()
        self._was_lost = False
        self._last_error = ""
        self._consumers: list[_Consumer] = []
        self._unsent: list[tuple[str, bytes, str]] = []
        self._sender: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    async def connect(self, *, timeout_s: float = 15.0) -> None:
        """Connect and make the stream; waits up to `timeout_s` for a bus that is still starting. Raises BusError."""
        try:
            async with asyncio.timeout(timeout_s):
                # without a limit of tries the client itself goes on until the server is there
                await self._client.connect(
                    self._settings.url, user=self._settings.user, password=self._settings.password.get_secret_value(),
                    name=self._name, max_reconnect_attempts=-1, connect_timeout=2,
                    ping_interval=5, max_outstanding_pings=2,  # a server that hangs is lost after 15 s
                    reconnect_time_wait=0.2,  # type: ignore[arg-type]  # seconds; a whole one would be long
                    allow_reconnect=True, disconnected_cb=self._on_lost, reconnected_cb=self._on_back,
                    error_cb=self._on_error,
                )  # fmt: skip
                await self._ensure_stream()
        except (TimeoutError, OSError, NatsError) as error:
            with contextlib.suppress(NatsError, OSError):
                await self._client.close()
            raise BusError(
                "bus.unreachable",
                f"The bus at {self._settings.url} does not answer: {self._last_error or error}. "
                "Check that the service 'bus' runs.",
                retryable=True,
            ) from error
        self._sender = asyncio.create_task(self._send_events())

    async def close(self) -> None:
        """Send what is unsent (at most 2 s), then close."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                while self._unsent:
                    self._wake.set()
                    await asyncio.sleep(0.01)
        if self._sender is not None:
            self._sender.cancel()
        with contextlib.suppress(NatsError, OSError):
            await self._client.close()

    @property
    def connected(self) -> bool:
        return bool(self._client.is_connected)

    async def stores_events(self) -> bool:
        """Whether server and stream answer now: a connection alone proves nothing.

        A server whose disk was full stores nothing more until it is restarted (nats-server 2.9), and holds up those
        who try, heartbeats included.
        """
        try:
            await self._client.jetstream(timeout=2.0).stream_info(_STREAM)
        except (TimeoutError, NatsError, OSError):
            return False
        return True

    @property
    def unsent_events(self) -> int:
        """Conversation events that the stream has not confirmed yet."""
        return len(self._unsent)

    # ---- requests ---------------------------------------------------------------------------------------

    def _command_subject(self, command: Command) -> str:
        if isinstance(command, ConversationCommand):
            return f"{self._prefix}.cmd.conversation.{command.conversation_id}"
        return f"{self._prefix}.cmd.{command.SERVICE}"

    async def request(self, command: Command, *, timeout_s: float = 5.0) -> Done:
        """Send a command and return its reply; raises the handler's CallboxError again, or BusError."""
        try:
            msg = await self._client.request(
                self._command_subject(command), msgspec.json.encode(command), timeout=timeout_s
            )
        except NoRespondersError as error:
            raise BusError(
                "bus.no_service", f"The service '{command.SERVICE}' is not running; the request was not carried out.",
                retryable=True, service=command.SERVICE,
            ) from error  # fmt: skip
        except (TimeoutError, NatsTimeoutError) as error:
            raise BusError(
                "bus.timeout", f"The service '{command.SERVICE}' did not answer within {timeout_s:g} s.",
                retryable=True, service=command.SERVICE,
            ) from error  # fmt: skip
        except (NatsError, OSError) as error:
            raise BusError("bus.lost", f"The bus is away: {error}", retryable=True) from error
        reply = msgspec.json.decode(msg.data)
        if reply["ok"]:
            return msgspec.convert(reply["body"], Done)
        _raise(msgspec.convert(reply["body"], Failure))
        raise AssertionError("unreachable")

    async def serve(
        self, service: str, handler: Handler, *, queue: bool = True, concurrent: bool = False
    ) -> None:
        """Answer the commands of one service; errors of class CallboxError become negative replies.

        In order, one after the other; with `concurrent` a slow command does not hold up the next ones.
        """
        tasks: set[asyncio.Task[None]] = set()

        async def start(msg: Msg) -> None:
            task = asyncio.create_task(on_message(msg))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        async def on_message(msg: Msg) -> None:
            try:
                command = _command_decoder.decode(msg.data)
                reply: Done | Failure = await handler(command)
            except _MALFORMED as error:
                reply = failure_of(errors.CallerError("bus.malformed", f"Malformed command: {error}"))
                self._log.warning("malformed command", subject=msg.subject, error=str(error))
            except CallboxError as error:
                reply = failure_of(error)
            except Exception:  # noqa: BLE001 - a handler that breaks must not end the service
                self._log.exception("command failed", subject=msg.subject)
                reply = failure_of(errors.BoxError("box.internal", f"'{service}' failed; see its log."))
            await msg.respond(_encode_reply(reply))

        await self._client.subscribe(
            f"{self._prefix}.cmd.{service}", queue=service if queue else "",
            cb=start if concurrent else on_message,
        )  # fmt: skip
        await self._settled()  # from now on a command finds us

    async def _settled(self) -> None:
        """Return when the server knows our subscriptions.

        The client's PING overtakes commands that wait in its queue (nats-py 2.16), so that the first PONG proves
        nothing; by then the queue is empty, and the second one does.
        """
        await self._client.flush()
        await self._client.flush()

    # ---- conversation events ------------------------------------------------------------------------------

    def publish_event(self, event: ConversationEvent) -> None:
        """Queue an event for the stream; it is sent again until the stream has it (deduplicated by id)."""
        subject = f"{self._prefix}.evt.conversation.{event.conversation_id}"
        self._unsent.append((subject, msgspec.json.encode(event), f"{event.conversation_id}:{event.seq}"))
        self._wake.set()

    async def _send_events(self) -> None:
        stream = self._client.jetstream(timeout=2.0)
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._unsent:
                subject, data, message_id = self._unsent[0]
                try:
                    await stream.publish(subject, data, headers={"Nats-Msg-Id": message_id})
                except (TimeoutError, NatsError, OSError):
                    await asyncio.sleep(0.2)
                    continue
                self._unsent.pop(0)

    async def consume_events(self, durable: str, handler: EventHandler) -> None:
        """Receive all conversation events in order, after a restart from the first one not acknowledged.

        An event is acknowledged when the handler returned; a crash in between brings it again, so the handler
        must be idempotent. Call it once a `durable`.
        """
        consumer = _Consumer(durable, handler)
        self._consumers.append(consumer)
        await self._subscribe_events(consumer)

    async def _subscribe_events(self, consumer: _Consumer) -> None:
        """(Re)create the server's consumer behind the last event handled.

        A consumer that lives on over a lost connection sends what was under way only after its ack time-out, behind
        newer events. A new one from the right place gives the right order at once.
        """
        stream = self._client.jetstream(timeout=5.0)
        consumer.generation += 1
        generation = consumer.generation
        if consumer.subscription is not None:
            with contextlib.suppress(NatsError, OSError):
                await consumer.subscription.unsubscribe()
        with contextlib.suppress(StreamNotFoundError):
            before = await stream.consumer_info(_STREAM, consumer.durable)
            if before.ack_floor is not None:
                consumer.last_sequence = max(consumer.last_sequence, before.ack_floor.stream_seq)
            await stream.delete_consumer(_STREAM, consumer.durable)
        if (await stream.stream_info(_STREAM)).state.last_seq < consumer.last_sequence:
            consumer.last_sequence = 0  # the server lost its stream: numbers begin anew

        async def on_message(msg: Msg) -> None:
            sequence = msg.metadata.sequence.stream
            if generation != consumer.generation or sequence <= consumer.last_sequence:
                return
            try:
                event = _event_decoder.decode(msg.data)
            except _MALFORMED as error:
                self._log.warning("malformed event", subject=msg.subject, error=str(error))
            else:
                try:
                    await consumer.handler(event)
                except Exception:  # noqa: BLE001 - one event that cannot be handled must not stop the others
                    self._log.exception("event failed", subject=msg.subject, event_type=type(event).__name__)
            consumer.last_sequence = sequence
            with contextlib.suppress(NatsError, OSError):
                await msg.ack()

        consumer.subscription = await stream.subscribe(
            f"{self._prefix}.evt.conversation.>", durable=consumer.durable, cb=on_message, manual_ack=True,
            stream=_STREAM,
            config=ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=consumer.last_sequence + 1,
                max_ack_pending=1000, ack_wait=60,
            ),
        )  # fmt: skip

    async def replay_events(self, conversation_id: str) -> list[ConversationEvent]:
        """Return what the stream holds of one conversation, in order, without touching any durable consumer."""
        stream = self._client.jetstream(timeout=5.0)
        subject = f"{self._prefix}.evt.conversation.{conversation_id}"
        events: list[ConversationEvent] = []
        try:
            reader = await stream.pull_subscribe(subject, stream=_STREAM, config=ConsumerConfig(
                deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE, inactive_threshold=10.0,
            ))  # fmt: skip
            try:
                left = (await reader.consumer_info()).num_pending or 0
                while left > 0:
                    for msg in await reader.fetch(min(left, 200), timeout=2.0):
                        left -= 1
                        with contextlib.suppress(msgspec.MsgspecError):
                            events.append(_event_decoder.decode(msg.data))
            finally:
                await reader.unsubscribe()
        except (TimeoutError, NatsError, OSError) as error:
            raise BusError("bus.lost", f"The bus is away: {error}", retryable=True) from error
        return events

    async def _ensure_stream(self) -> None:
        stream = self._client.jetstream(timeout=2.0)
        try:
            await stream.stream_info(_STREAM)
        except StreamNotFoundError:
            await stream.add_stream(
                StreamConfig(
                    name=_STREAM, subjects=["callbox.*.evt.conversation.>"], retention=RetentionPolicy.LIMITS,
                    max_age=24 * 3600, max_bytes=256 * 2**20, duplicate_window=120,
                )
            )  # fmt: skip

    # ---- live views ---------------------------------------------------------------------------------------

    async def publish_live(self, topic: str, event: msgspec.Struct) -> None:
        """Tell the screens; lost without a word when the bus is away."""
        if self._client.is_connected:
            with contextlib.suppress(NatsError, OSError):
                await self._client.publish(f"{self._prefix}.evt.live.{topic}", msgspec.json.encode(event))

    async def subscribe_live(self, pattern: str, handler: LiveHandler) -> None:
        """Receive live events; `pattern` as `room`, `agent.*`, `>`. The handler gets (topic, event)."""
        prefix = f"{self._prefix}.evt.live."

        async def on_message(msg: Msg) -> None:
            try:
                event = _live_decoder.decode(msg.data)
            except _MALFORMED as error:
                self._log.warning("malformed live event", subject=msg.subject, error=str(error))
                return
            await handler(msg.subject.removeprefix(prefix), event)

        await self._client.subscribe(prefix + pattern, cb=on_message)
        await self._settled()

    # ---- connection state: said once when lost, once when back -----------------------------------------

    async def _on_lost(self) -> None:
        if not self._was_lost and not self._client.is_closed:
            self._was_lost = True
            self._log.warning("bus lost")

    async def _on_back(self) -> None:
        self._was_lost = False
        self._log.info("bus back")
        for consumer in self._consumers:
            try:
                await self._subscribe_events(consumer)
            except (TimeoutError, NatsError, OSError) as error:
                # the connection went again: the next "back" tries again
                self._log.warning("events not subscribed", durable=consumer.durable, error=str(error))
        self._wake.set()

    async def _on_error(self, error: Exception) -> None:
        if str(error) != self._last_error:
            self._last_error = str(error)
            self._log.debug("bus error", error=str(error))
