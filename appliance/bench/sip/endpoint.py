"""One UDP socket and its transactions: retransmission, matching, CANCEL and ACK (RFC 3261, section 17).

`Endpoint` calls `on_request` once for each new request (retransmissions are answered from the transaction) and
`on_ack` for the ACK of a 2xx. All runs on one asyncio loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable
from typing import cast

from appliance.bench.sip.message import Message, SipParseError, new_branch, parameter, parse, response_to
from appliance.logs import get_logger

T1_S, T2_S = 0.5, 4.0
TIMEOUT_S = 64 * T1_S
Address = tuple[str, int]
Key = tuple[str, str, str]


class ServerTransaction:
    """A request that came in. Answer with `respond`; a final answer to INVITE is sent again until it is confirmed."""

    def __init__(self, endpoint: Endpoint, request: Message, source: Address) -> None:
        self.request = request
        self.on_cancel: Callable[[], None] | None = None
        self.on_unconfirmed: Callable[[], None] | None = None
        self.final_status = 0
        self._endpoint = endpoint
        self._target = _response_target(request, source)
        self._last = b""
        self._timer: asyncio.TimerHandle | None = None

    def respond(self, response: Message) -> None:
        """Send a response; ignored once a final one was sent."""
        if self.final_status:
            return
        self._last = response.to_bytes()
        self._endpoint.send(self._last, self._target)
        if response.status >= 200:
            self.final_status = response.status
            self._endpoint.forget_later(self)
            if self.request.method == "INVITE":
                self._again(T1_S, T1_S)

    def send_raw(self, data: bytes) -> None:
        """Send any bytes to where responses go."""
        self._endpoint.send(data, self._target)

    def repeat(self) -> None:
        """The request came again: so does the last response."""
        if self._last:
            self._endpoint.send(self._last, self._target)

    def confirm(self) -> None:
        """ACK has come: the final response need not be sent again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _again(self, wait_s: float, waited_s: float) -> None:
        def fire() -> None:
            if waited_s >= TIMEOUT_S:
                self._timer = None
                if self.on_unconfirmed is not None:
                    self.on_unconfirmed()
                return
            self._endpoint.send(self._last, self._target)
            following_s = min(2 * wait_s, T2_S)
            self._again(following_s, waited_s + following_s)

        self._timer = self._endpoint.loop.call_later(wait_s, fire)


class ClientTransaction:
    """A request of ours, sent again until answered. `on_response` gets every response, 408 when none came."""

    def __init__(
        self, endpoint: Endpoint, request: Message, target: Address, on_response: Callable[[Message], None]
    ) -> None:
        self.request = request
        self.finished = False
        self._endpoint = endpoint
        self._target = target
        self._on_response = on_response
        self._invite = request.method == "INVITE"
        self._provisional = False
        self._timer: asyncio.TimerHandle | None = None
        self._expiry = endpoint.loop.call_later(TIMEOUT_S, self._expire)
        self._send(T1_S)

    def _send(self, wait_s: float) -> None:
        self._endpoint.send(self.request.to_bytes(), self._target)
        following_s = 2 * wait_s if self._invite else min(2 * wait_s, T2_S)
        self._timer = self._endpoint.loop.call_later(wait_s, self._send, following_s)

    def _stop(self) -> None:
        for timer in (self._timer, self._expiry):
            if timer is not None:
                timer.cancel()

    def _expire(self) -> None:
        self._stop()
        self.finished = True
        self._endpoint.drop_client(self)
        self._on_response(response_to(self.request, 408, "Request Timeout"))

    def receive(self, response: Message) -> None:
        """Match of the endpoint: a response to this request."""
        if self.finished:
            if self._invite and response.status >= 300:
                self._acknowledge(response)
            elif self._invite and response.status >= 200:
                self._on_response(response)  # our ACK was lost: the dialog sends it again
            return
        if response.status < 200:
            self._provisional = True
            if self._invite:
                self._stop()
        else:
            self._stop()
            self.finished = True
            self._endpoint.loop.call_later(TIMEOUT_S, self._endpoint.drop_client, self)
            if self._invite and response.status >= 300:
                self._acknowledge(response)
        self._on_response(response)

    def _acknowledge(self, response: Message) -> None:
        ack = Message(method="ACK", uri=self.request.uri)
        ack.add("via", self.request.get("via"))
        for value in (v for key, v in self.request.headers if key == "route"):
            ack.add("route", value)
        ack.add("max-forwards", "70").add("from", self.request.get("from")).add("to", response.get("to"))
        ack.add("call-id", self.request.call_id).add("cseq", f"{self.request.cseq[0]} ACK")
        self._endpoint.send(ack.to_bytes(), self._target)

    def cancel(self) -> None:
        """Send CANCEL for this INVITE; the final response (487) still comes to `on_response`."""
        if self.finished:
            return
        cancel = Message(method="CANCEL", uri=self.request.uri)
        cancel.add("via", self.request.get("via"))
        for value in (v for key, v in self.request.headers if key == "route"):
            cancel.add("route", value)
        cancel.add("max-forwards", "70").add("from", self.request.get("from")).add("to", self.request.get("to"))
        cancel.add("call-id", self.request.call_id).add("cseq", f"{self.request.cseq[0]} CANCEL")
        self._endpoint.request(cancel, self._target, lambda _: None)


class Endpoint(asyncio.DatagramProtocol):
    """The socket. `deaf` drops all that comes in and goes out (a dead peer); `loss` drops that fraction."""

    def __init__(self, *, seed: int = 0) -> None:
        self.loop = asyncio.get_running_loop()
        self.address: Address = ("", 0)
        self.on_request: Callable[[ServerTransaction], None] = lambda _: None
        self.on_ack: Callable[[Message], None] = lambda _: None
        self.deaf = False
        self.loss = 0.0
        self._random = random.Random(seed)
        self._transport: asyncio.DatagramTransport | None = None
        self._servers: dict[Key, ServerTransaction] = {}
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._log = get_logger(bench="sip")

    async def open(self, address: str, port: int) -> None:
        """Bind. Raises OSError when the address is taken."""
        await self.loop.create_datagram_endpoint(lambda: self, local_addr=(address, port), family=socket.AF_INET)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address = transport.get_extra_info("sockname")

    def close(self) -> None:
        """Close the socket and stop all timers of open transactions."""
        for transaction in self._servers.values():
            transaction.confirm()
        for client in self._clients.values():
            client.finished = True
            client._stop()
        if self._transport is not None:
            self._transport.close()

    def forget_all(self) -> None:
        """Lose all transactions, as a peer does that was switched off and on."""
        for transaction in self._servers.values():
            transaction.confirm()
        self._servers.clear()
        for client in self._clients.values():
            client.finished = True
            client._stop()
        self._clients.clear()

    def send(self, data: bytes, target: Address) -> None:
        if self.deaf or self._transport is None or (self.loss and self._random.random() < self.loss):
            return
        with contextlib.suppress(OSError):  # an ICMP error of an earlier datagram; the timers take care
            self._transport.sendto(data, target)

    def error_received(self, exc: Exception) -> None:
        """A peer's port is closed (ICMP): retransmission and time-out deal with it."""

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self.deaf or (self.loss and self._random.random() < self.loss) or not data.strip(b"\r\n\0 "):
            return
        try:
            message = parse(data)
        except (SipParseError, ValueError) as error:
            self._log.warning("malformed datagram dropped", source=f"{addr[0]}:{addr[1]}", error=str(error))
            return
        if message.is_request:
            self._receive_request(message, addr)
        else:
            client = self._clients.get((message.branch, message.cseq[1]))
            if client is not None:
                client.receive(message)

    def _receive_request(self, message: Message, source: Address) -> None:
        key = _key(message)
        if message.method == "ACK":
            transaction = self._servers.get((key[0], key[1], "INVITE"))
            if transaction is not None and transaction.final_status >= 300:
                transaction.confirm()
            else:
                self.on_ack(message)
            return
        known = self._servers.get(key)
        if known is not None:
            known.repeat()
            return
        transaction = ServerTransaction(self, message, source)
        self._servers[key] = transaction
        if message.method == "CANCEL":
            self._receive_cancel(transaction, self._servers.get((key[0], key[1], "INVITE")))
        else:
            self.on_request(transaction)

    def _receive_cancel(self, cancel: ServerTransaction, invite: ServerTransaction | None) -> None:
        if invite is None:
            cancel.respond(response_to(cancel.request, 481, "Call/Transaction Does Not Exist"))
            return
        cancel.respond(response_to(cancel.request, 200, "OK"))
        if not invite.final_status and invite.on_cancel is not None:
            invite.on_cancel()

    def request(self, message: Message, target: Address, on_response: Callable[[Message], None]) -> ClientTransaction:
        """Send a request (not ACK) in a transaction of its own; a Via is put in front when it has none."""
        if not message.get("via"):
            via = f"SIP/2.0/UDP {self.address[0]}:{self.address[1]};rport;branch={new_branch()}"
            message.headers.insert(0, ("via", via))
        transaction = ClientTransaction(self, message, target, on_response)
        self._clients[(message.branch, message.method)] = transaction
        return transaction

    def drop_client(self, transaction: ClientTransaction) -> None:
        self._clients.pop((transaction.request.branch, transaction.request.method), None)

    def forget_later(self, transaction: ServerTransaction) -> None:
        """Keep a finished transaction for as long as its request may come again (timer J)."""
        self.loop.call_later(TIMEOUT_S, self._servers.pop, _key(transaction.request), None)


def _key(request: Message) -> Key:
    branch = request.branch
    if branch.startswith("z9hG4bK"):
        sent_by = request.get_via().partition(" ")[2].partition(";")[0].strip()
        return branch, sent_by, request.method
    return f"{request.call_id}:{request.cseq[0]}", parameter(request.get("from"), "tag"), request.method


def _response_target(request: Message, source: Address) -> Address:
    """Where responses go: back to the source with rport (RFC 3581), else to the source's address and Via's port."""
    via = request.get_via()
    if _wants_rport(via):
        return source
    _, _, port = via.partition(" ")[2].partition(";")[0].strip().partition(":")
    return source[0], int(port) if port.isdigit() and 0 < int(port) < 65536 else 5060


def _wants_rport(via: str) -> bool:
    """Whether a Via asks for symmetric responses (`rport`, with or without a value)."""
    return any(part.strip().partition("=")[0].lower() == "rport" for part in via.split(";")[1:])
