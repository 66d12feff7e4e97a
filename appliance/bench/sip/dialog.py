"""Calls: INVITE in and out, their dialogs, re-INVITE, BYE, CANCEL (RFC 3261, sections 12 to 15).

A `Call` is driven by one coroutine: `pause` and `wait_ended` raise `CallOver` in it as soon as the other side
cancelled or hung up, so a behaviour is written as a plain sequence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from appliance.bench.rtp import Pacer, RtpPort
from appliance.bench.sip import sdp
from appliance.bench.sip.endpoint import Address, ClientTransaction, Endpoint, ServerTransaction
from appliance.bench.sip.message import (
    Message,
    SipParseError,
    address_uri,
    new_branch,
    new_tag,
    parameter,
    response_to,
    uri_host_port,
    uri_user,
)  # fmt: skip
from appliance.logs import get_logger

REASONS = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 183: "Session Progress", 200: "OK",
    400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 410: "Gone",
    480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 500: "Server Internal Error",
    503: "Service Unavailable", 603: "Decline",
}  # fmt: skip


class CallOver(Exception):
    """The call ended under its behaviour; `ended_by` says how: cancel, remote_bye, local, no_ack, reboot, timeout."""


class Call:
    """One call of either direction. Times are the loop's monotonic seconds."""

    def __init__(self, agent: UserAgent, call_id: str) -> None:
        self.agent = agent
        self.call_id = call_id
        self.local_tag = new_tag()
        self.identity = agent.identity
        self.remote_tag = ""
        self.rtp: RtpPort | None = None
        self.remote: sdp.Media | None = None
        self.answered = False
        self.confirmed = False
        self.status = 0  # the last status sent (incoming) or received (outgoing)
        self.final: Message | None = None  # the final response of an outgoing call
        self.ended_by = ""
        self._ended: asyncio.Future[None] = agent.endpoint.loop.create_future()
        self._changed = asyncio.Event()
        self._invite: Message | None = None
        self._server: ServerTransaction | None = None
        self._client: ClientTransaction | None = None
        self._local = self._remote = ""  # From/To values with tags
        self._target_uri = ""
        self._routes: list[str] = []
        self._cseq = 1
        self._sdp_version = 1

    # ---- what a behaviour uses -------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        return self._ended.done()

    @property
    def invite(self) -> Message:
        assert self._invite is not None
        return self._invite

    @property
    def number(self) -> str:
        """User part of the request URI: the number that was dialled."""
        return uri_user(self.invite.uri)

    async def pause(self, seconds: float) -> None:
        """Let time pass. Raises CallOver as soon as the call ends."""
        await asyncio.wait({self._ended}, timeout=max(0.0, seconds))
        if self._ended.done():
            raise CallOver(self.ended_by)

    async def wait_ended(self) -> None:
        """Until the call has ended; does not raise."""
        await asyncio.shield(self._ended)

    async def wait_status(self, least: int, timeout_s: float) -> int:
        """Outgoing: until a response of at least this status came (returns it) or the time is over (returns 0)."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.status < least:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return 0
        return self.status

    def progress(self, status: int, *, early_media: bool = False) -> None:
        """Send 1xx; with `early_media` the media description goes along and sound may flow."""
        self._respond(status, description=early_media)

    def answer(self, *, description: bool = True) -> None:
        """Send 200; repeated until the ACK comes, else the call is hung up."""
        self.answered = True
        self._respond(200, description=description)

    def reject(
        self, status: int, *, q850: int | None = None, text: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """Send a final negative answer, with a Q.850 Reason and more headers when given."""
        extra = dict(headers or {})
        if q850 is not None:
            extra["Reason"] = f'Q.850;cause={q850};text="{text}"'
        self._respond(status, extra=extra)
        self._end("local")

    def hang_up(self, *, q850: int = 16, reason: str = "") -> None:
        """BYE when answered, CANCEL of our own INVITE before; `reason`: another Reason than Q.850's (RFC 3326)."""
        if self.over:
            return
        if self._client is not None and not self.answered:
            self._client.cancel()
            return
        if self._server is not None and not self.answered:
            self.reject(480)
            return
        self._send_in_dialog("BYE", {"Reason": reason or f"Q.850;cause={q850}"})
        self._end("local")

    def send_garbage(self) -> None:
        """Answer with bytes that only look like SIP (a gateway with broken firmware)."""
        assert self._server is not None
        self._server.send_raw(b"SIP/2.0 2OO OK\r\nVia: \r\nCSeq INVITE\r\nContent-Length: 99999\r\n\r\n\x00\xff")

    def forget(self, ended_by: str) -> None:
        """End without a word to the other side."""
        self._end(ended_by)

    # ---- inside ------------------------------------------------------------------------------------------

    def _end(self, ended_by: str) -> None:
        if self._ended.done():
            return
        self.ended_by = ended_by
        if self.rtp is not None:
            self.rtp.close()
        self.agent.drop(self)
        self._ended.set_result(None)
        self._changed.set()

    def open_media(self) -> RtpPort:
        if self.rtp is None:
            self.rtp = self.agent.pacer.open_port(self.agent.endpoint.address[0], loss=self.agent.rtp_loss)
        return self.rtp

    def _description(self) -> bytes:
        port = self.open_media()
        direction = sdp.reversed_direction(self.remote.direction) if self.remote else "sendrecv"
        return sdp.build(*port.address, session=port.ssrc, version=self._sdp_version, direction=direction)

    def take_invite(self, transaction: ServerTransaction, media: sdp.Media | None) -> None:
        """Incoming: become the server side of this INVITE's dialog."""
        request = transaction.request
        self._server, self._invite = transaction, request
        self.remote_tag = parameter(request.get("from"), "tag")
        self._local, self._remote = f"{request.get('to')};tag={self.local_tag}", request.get("from")
        self._target_uri = address_uri(request.get("contact")) or address_uri(request.get("from"))
        self._routes = request.all("record-route")
        transaction.on_cancel = self._on_cancel
        transaction.on_unconfirmed = self._on_unconfirmed
        self._take_media(media)

    def _take_media(self, media: sdp.Media | None) -> None:
        self.remote = media or self.remote
        if self.remote is not None and media is not None:
            self.open_media().aim((media.address, media.port), media.event_payload, media.direction)

    def _respond(self, status: int, *, description: bool = False, extra: dict[str, str] | None = None) -> None:
        assert self._server is not None
        response = response_to(self.invite, status, REASONS[status], tag=self.local_tag if status > 100 else "")
        response.add("contact", self.agent.contact)
        for name, value in (extra or {}).items():
            response.add(name, value)
        if description:
            response.add("content-type", "application/sdp")
            response.body = self._description()
        self.status = status
        self._server.respond(response)

    def _on_cancel(self) -> None:
        self._respond(487)
        self._end("cancel")

    def _on_unconfirmed(self) -> None:
        if self.answered and not self.over:
            self._send_in_dialog("BYE", {})
            self._end("no_ack")

    def on_ack(self, ack: Message) -> None:
        if self._server is not None:
            self._server.confirm()
        self.confirmed = True
        if ack.body and self.remote is None:
            self._take_media(_media_of(ack))
        self._changed.set()

    def on_request(self, transaction: ServerTransaction) -> None:
        """A request within the dialog."""
        request = transaction.request
        if request.method == "BYE":
            transaction.respond(response_to(request, 200, "OK"))
            if self._server is not None and not self.answered:
                self._respond(487)
            self._end("remote_bye")
        elif request.method in ("INVITE", "UPDATE"):
            self._renegotiate(transaction)
        else:
            transaction.respond(response_to(request, 200 if request.method in ("INFO", "OPTIONS") else 405, "OK"))

    def _renegotiate(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        try:
            media = _media_of(request)
        except sdp.SdpError:
            transaction.respond(response_to(request, 488, REASONS[488]))
            return
        self._take_media(media)
        if contact := address_uri(request.get("contact")):
            self._target_uri = contact
        self._sdp_version += 1
        response = response_to(request, 200, "OK").add("contact", self.agent.contact)
        if request.body or request.method == "INVITE":
            response.add("content-type", "application/sdp")
            response.body = self._description()
        if request.method == "INVITE":
            self._server = transaction
        transaction.respond(response)

    def _send_in_dialog(self, method: str, headers: dict[str, str]) -> None:
        self._cseq += 1
        request = Message(method=method, uri=self._target_uri)
        request.add("max-forwards", "70").add("from", self._local).add("to", self._remote)
        request.add("call-id", self.call_id).add("cseq", f"{self._cseq} {method}")
        for route in self._routes:
            request.add("route", route)
        for name, value in headers.items():
            request.add(name, value)
        try:
            self.agent.endpoint.request(request, self._next_hop(), lambda _: None)
        except SipParseError as error:
            self.agent.log.warning("cannot reach the other side", call=self.call_id, error=str(error))

    def _next_hop(self) -> Address:
        return uri_host_port(address_uri(self._routes[0]) if self._routes else self._target_uri)

    # ---- outgoing ------------------------------------------------------------------------------------------

    def send_invite(self, uri: str, target: Address, headers: dict[str, str]) -> None:
        """Start an outgoing call; follow it by `wait_status`."""
        self._local = f"<{self.identity}>;tag={self.local_tag}"
        self._remote = f"<{uri}>"
        request = Message(method="INVITE", uri=uri)
        request.add("max-forwards", "70").add("from", self._local).add("to", self._remote)
        request.add("call-id", self.call_id).add("cseq", f"{self._cseq} INVITE").add("contact", self.agent.contact)
        for name, value in headers.items():
            request.add(name, value)
        request.add("content-type", "application/sdp")
        request.body = self._description()
        self._invite = request
        self._client = self.agent.endpoint.request(request, target, self._on_response)

    def _on_response(self, response: Message) -> None:
        if self.final is not None:
            self._send_ack()
            return
        self.status = response.status
        self._changed.set()
        if response.status >= 300:
            self.final = response
            self._end("timeout" if response.status == 408 else "rejected")
            return
        try:
            self._take_media(_media_of(response))
            usable = self.remote is not None
        except sdp.SdpError:
            usable = False
        if response.status >= 200:
            self.final = response
            self.answered = True
            self.remote_tag = parameter(response.get("to"), "tag")
            self._remote = response.get("to")
            self._target_uri = address_uri(response.get("contact")) or self._target_uri
            self._routes = list(reversed(response.all("record-route")))
            self._send_ack()
            if not usable:
                self.hang_up(q850=88)

    def _send_ack(self) -> None:
        ack = Message(method="ACK", uri=self._target_uri)
        host, port = self.agent.endpoint.address
        ack.add("via", f"SIP/2.0/UDP {host}:{port};rport;branch={new_branch()}").add("max-forwards", "70")
        ack.add("from", self._local).add("to", self._remote).add("call-id", self.call_id)
        ack.add("cseq", f"{self.invite.cseq[0]} ACK")
        for route in self._routes:
            ack.add("route", route)
        self.agent.endpoint.send(ack.to_bytes(), self._next_hop())


class UserAgent:
    """An endpoint with its calls. `on_call` is started as a task for each new incoming call."""

    def __init__(self, endpoint: Endpoint, pacer: Pacer, on_call: Callable[[Call], Awaitable[None]]) -> None:
        self.endpoint = endpoint
        self.pacer = pacer
        self.identity = f"sip:bench@{endpoint.address[0]}"
        self.rtp_loss = 0.0
        self.log = get_logger(bench=f"{endpoint.address[0]}:{endpoint.address[1]}")
        self._on_call = on_call
        self._calls: dict[tuple[str, str], Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        endpoint.on_request = self._on_request
        endpoint.on_ack = self._on_ack

    @property
    def contact(self) -> str:
        user = uri_user(self.identity)
        return f"<sip:{user}@{self.endpoint.address[0]}:{self.endpoint.address[1]}>"

    @property
    def calls(self) -> list[Call]:
        return list(self._calls.values())

    def drop(self, call: Call) -> None:
        self._calls.pop((call.call_id, call.local_tag), None)

    def dial(
        self, uri: str, target: Address, *, headers: dict[str, str] | None = None, identity: str = ""
    ) -> Call:
        """Start a call towards `uri` by way of `target`; `identity` (a URI) when it is not our own."""
        call = Call(self, f"{new_tag()}{new_tag()}@{self.endpoint.address[0]}")
        call.identity = identity or self.identity
        self._calls[(call.call_id, call.local_tag)] = call
        call.send_invite(uri, target, headers or {})
        return call

    def _find(self, message: Message) -> Call | None:
        return self._calls.get((message.call_id, parameter(message.get("to"), "tag")))

    def _on_ack(self, ack: Message) -> None:
        call = self._find(ack)
        if call is not None:
            try:
                call.on_ack(ack)
            except sdp.SdpError as error:
                self.log.warning("no usable media in ACK", call=call.call_id, error=str(error))
                call.hang_up(q850=88)

    def _on_request(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        call = self._find(request)
        if call is not None:
            call.on_request(transaction)
        elif parameter(request.get("to"), "tag"):
            transaction.respond(response_to(request, 481, REASONS[481]))
        elif request.method == "INVITE":
            self._accept(transaction)
        elif request.method == "OPTIONS":
            reply = response_to(request, 200, "OK", tag=new_tag()).add("accept", "application/sdp")
            transaction.respond(reply.add("allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO"))
        else:
            transaction.respond(response_to(request, 405, REASONS[405], tag=new_tag()))

    def _accept(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        try:
            media = _media_of(request)
        except sdp.SdpError as error:
            reply = response_to(request, 488, REASONS[488], tag=new_tag())
            transaction.respond(reply.add("warning", f'399 bench "{error}"'))
            return
        call = Call(self, request.call_id)
        call.take_invite(transaction, media)
        self._calls[(call.call_id, call.local_tag)] = call
        task = asyncio.ensure_future(self._run(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, call: Call) -> None:
        try:
            await self._on_call(call)
        except CallOver:
            return
        except Exception:
            self.log.exception("behaviour failed", call=call.call_id)
            call.hang_up(q850=127)

    async def close(self) -> None:
        """Hang up all calls, wait for their behaviours and close the socket."""
        for call in self.calls:
            call.hang_up()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=2.0)
        self.endpoint.close()


def _media_of(message: Message) -> sdp.Media | None:
    return sdp.parse(message.body) if message.body else None
