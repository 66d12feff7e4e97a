"""The telephone stack of a worker on pjsua2; the only file that imports it.

Lifetime rules (measured; see the facts of the bench):
* The last reference to a `pj.Call` is dropped inside `onCallState(DISCONNECTED)`: its destructor hangs up whatever
  call has its number, which later is another customer's. `_Call` is therefore thin and nobody else keeps it.
* An `AudioMedia` of a call is a bare slot number: forgotten as soon as its media is inactive or the call is over.
* Taps and sounds are never destroyed: their destructor returns while the media thread still calls the dying object.
  A closed tap throws its frames away, a stopped sound is kept for the next time. The process of a conversation ends
  soon, and by `os._exit`: the library is not destroyed either.
* Automatic garbage collection is off; the worker collects from its main loop, so no destructor runs on the media
  thread.
* Exceptions in callbacks would only be printed: each body is wrapped by `_guarded`.
"""

from __future__ import annotations

import functools
import gc
import os
import socket
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pjsua2 as pj

from appliance.errors import BoxError
from appliance.logs import get_logger
from appliance.telephony.frames import Reader, keep_thread_state, read_by_iteration, read_by_pointer
from appliance.telephony.port import (
    FRAME_BYTES,
    RATE_HZ,
    SEAT_ACCOUNT,
    TRUNK_ACCOUNT,
    WAKE_UP,
    Dial,
    LegDead,
    LegDigit,
    LegDown,
    LegMedia,
    LegOffered,
    LegProvisional,
    LegUp,
    MediaFigures,
    PortEvent,
    Route,
    SoundEnded,
    Tap,
)  # fmt: skip

_MAX_CALLS = 4  # what the wheel was compiled with
_MAX_PORTS = 32
_CODECS = {"PCMA/8000/1": 255, "PCMU/8000/1": 254}
_SILENCE = bytes(FRAME_BYTES)
_BUSY, _RINGING, _OK = 486, 180, 200
_FIGURES_S = 1.0
_DEAD_AFTER_S = 120.0
_log = get_logger(part="pjsua2")

def choose_reader(fast: Reader = read_by_pointer, slow: Reader = read_by_iteration) -> Reader:
    """Return `fast` if it reads the same as `slow` here, else `slow` with a line in the log."""
    for size in (FRAME_BYTES, 0):
        pattern = bytes((7 * i + 3) & 255 for i in range(size))
        frame = pj.MediaFrame()
        frame.type, frame.size = pj.PJMEDIA_FRAME_TYPE_AUDIO, size
        frame.buf = pj.ByteVector(list(pattern))
        try:
            same = fast(frame) == slow(frame) == pattern
        except (TypeError, ValueError, AttributeError):
            same = False
        if not same:
            _log.warning("fast frame reader does not fit this library, the slow one is used")
            return slow
    return fast


def _guarded(callback: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(callback)
    def run(self: Any, *args: Any) -> None:
        try:
            callback(self, *args)
        except Exception:  # noqa: BLE001 - must not reach the C++ caller
            _log.exception("callback failed", callback=callback.__name__)

    return run


class _TapPort(pj.AudioMediaPort):  # type: ignore[misc]
    """A conference listener that copies each frame into a `Tap`; runs on the media clock thread."""

    def __init__(self, name: str, tap: Tap, reader: Reader) -> None:
        super().__init__()
        self.tap: Tap | None = tap
        self._reader = reader
        self._failed = False
        self._begun = False
        audio = pj.MediaFormatAudio()
        audio.init(pj.PJMEDIA_FORMAT_PCM, RATE_HZ, 1, 20000, 16)
        self.createPort(name, audio)

    def onFrameReceived(self, frame: Any) -> None:  # noqa: N802 - name given by pjsua2
        try:
            stamp_s = time.monotonic()
            if not self._begun:
                self._begun = True
                keep_thread_state()
            if self.tap is not None:
                self.tap.frames.append((stamp_s, self._reader(frame) or _SILENCE))
        except Exception:  # noqa: BLE001 - said once: this runs 50 times a second
            if not self._failed:
                self._failed = True
                _log.exception("tap failed")


class _Sound(pj.AudioMediaPlayer):  # type: ignore[misc]
    def __init__(self, name: str, port: Pjsua2Port) -> None:
        super().__init__()
        self._name = name
        self._port = port

    @_guarded
    def onEof2(self) -> None:  # noqa: N802
        self._port.events.append(SoundEnded(self._name))
        self._port.wake()


class _Call(pj.Call):  # type: ignore[misc]
    """Thin proxy: knows its leg's name and the port, owns nothing."""

    def __init__(self, account: Any, port: Pjsua2Port, leg: str, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(account, call_id)
        self.leg = leg
        self.port: Pjsua2Port | None = port

    @_guarded
    def onCallState(self, param: Any) -> None:  # noqa: N802
        port = self.port
        if port is None:
            return
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.port = None
            port.on_down(self, info, _raw_message(param))
        else:
            port.on_state(self, info, _raw_message(param))

    @_guarded
    def onCallMediaState(self, _param: Any) -> None:  # noqa: N802
        if self.port is not None:
            self.port.on_media(self)

    @_guarded
    def onDtmfDigit(self, param: Any) -> None:  # noqa: N802
        if self.port is not None:
            self.port.events.append(LegDigit(self.leg, str(param.digit), int(param.duration)))


class _Account(pj.Account):  # type: ignore[misc]
    def __init__(self, port: Pjsua2Port) -> None:
        super().__init__()
        self.port: Pjsua2Port | None = port

    @_guarded
    def onIncomingCall(self, param: Any) -> None:  # noqa: N802
        if self.port is not None:
            self.port.on_incoming(self, param.callId, param.rdata.wholeMsg)


def _raw_message(param: Any) -> str:
    """The SIP message behind a state change; a hang-up of our own has none."""
    event = param.e
    if event.type != pj.PJSIP_EVENT_TSX_STATE or event.body.tsxState.type != pj.PJSIP_EVENT_RX_MSG:
        return ""
    return str(event.body.tsxState.src.rdata.wholeMsg)


class Pjsua2Port:
    """See `port.TelephonyPort`. Make it in the process (and thread) that polls it."""

    def __init__(
        self, *, sip_address: str, sip_port: int, proxy_uri: str, realm: str, trunk_address: str, seat_address: str,
        rtp_port: int, rtp_ports: int,
    ) -> None:  # fmt: skip
        """Start the stack. Raises BoxError `telephony.port_in_use` when the SIP port is taken."""
        gc.disable()
        self.accept_calls = True
        self.events: deque[PortEvent] = deque()
        self._reader = choose_reader()
        self._calls: dict[str, _Call] = {}
        self._figures: dict[str, MediaFigures] = {}
        self._alive: dict[str, tuple[int, float]] = {}  # packets received, and since when no more
        self._media: dict[str, Any] = {}
        self._sounds: dict[tuple[str, Path], _Sound] = {}
        self._taps: dict[str, _TapPort] = {}
        self._wanted: frozenset[Route] = frozenset()
        self._made: set[Route] = set()
        self._offers = 0
        self._figures_due_s = 0.0
        self._sip_address = (sip_address, sip_port)
        self._waker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._waker.setblocking(False)
        self._waker.bind((sip_address, 0))
        self._endpoint = pj.Endpoint()
        self._endpoint.libCreate()
        self._endpoint.libInit(self._endpoint_config())
        self._endpoint.audDevManager().setNullDev()
        transport = pj.TransportConfig()
        transport.port, transport.boundAddress = sip_port, sip_address
        try:
            self._endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        except pj.Error as error:
            raise BoxError(
                "telephony.port_in_use", f"SIP port {sip_address}:{sip_port} cannot be opened: {error.reason}.",
                retryable=True,
            ) from error  # fmt: skip
        self._endpoint.libStart()
        for codec in self._endpoint.codecEnum2():
            self._endpoint.codecSetPriority(codec.codecId, _CODECS.get(codec.codecId, 0))
        half = rtp_ports // 2
        trunk, seat = (trunk_address, rtp_port), (seat_address, rtp_port + half)
        # A call from outside belongs to the account whose domain it names, else to the first one. Phones name the
        # realm or the address they register at.
        self._accounts = {
            TRUNK_ACCOUNT: self._make_account(f"trunk@{trunk_address}", proxy_uri, *trunk, half),
            SEAT_ACCOUNT: self._make_account(f"seat@{realm}", proxy_uri, *seat, half),
            "seat-by-address": self._make_account(f"seat@{seat_address}", proxy_uri, *seat, half),
        }

    @staticmethod
    def _endpoint_config() -> Any:
        config = pj.EpConfig()
        level = int(os.environ.get("CALLBOX_PJ_LOG", "0"))
        config.logConfig.level = config.logConfig.consoleLevel = level
        config.uaConfig.maxCalls = _MAX_CALLS
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.userAgent = "Callbox"
        media = config.medConfig
        media.clockRate = media.sndClockRate = RATE_HZ
        media.noVad = True
        media.ecTailLen = 0
        media.sndAutoCloseTime = -1
        media.maxMediaPorts = _MAX_PORTS
        return config

    def _make_account(self, identity: str, proxy: str, media_address: str, port: int, ports: int) -> _Account:
        config = pj.AccountConfig()
        config.idUri = f"sip:{identity}"
        config.sipConfig.proxies.append(proxy)
        config.regConfig.registerOnAdd = False
        config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_INACTIVE
        media = config.mediaConfig.transportConfig
        media.boundAddress = media_address
        media.port, media.portRange = port, ports - 1
        account = _Account(self)
        account.create(config)
        return account

    # ---- TelephonyPort ------------------------------------------------------------------------------------

    def poll(self, timeout_ms: int) -> None:
        self._endpoint.libHandleEvents(timeout_ms)
        now_s = time.monotonic()
        if now_s >= self._figures_due_s:
            self._figures_due_s = now_s + _FIGURES_S
            for leg in self._calls:
                self._keep_figures(leg)
                self._look_whether_dead(leg, now_s)

    def wake(self) -> None:
        try:
            self._waker.sendto(WAKE_UP, self._sip_address)
        except OSError as error:  # the poll returns a moment later by itself
            _log.warning("not woken", error=str(error))

    def take_events(self) -> list[PortEvent]:
        return [self.events.popleft() for _ in range(len(self.events))]

    def dial(self, leg: str, dial: Dial) -> None:
        param = pj.CallOpParam(True)
        if dial.from_uri:
            param.txOption.localUri = dial.from_uri
        for name, value in dial.headers:
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            param.txOption.headers.append(header)
        call = _Call(self._accounts[dial.account], self, leg)
        self._calls[leg] = call
        try:
            call.makeCall(dial.uri, param)
        except pj.Error as error:
            call.port = None
            self._calls.pop(leg, None)
            raise BoxError("telephony.dial_failed", f"The leg '{leg}' could not be dialled: {error.reason}") from None
        finally:
            del call

    def answer(self, leg: str) -> None:
        self._respond(leg, _OK)

    def _respond(self, leg: str, status: int) -> None:
        if leg in self._calls:
            param = pj.CallOpParam(True)
            param.statusCode = status
            self._try(leg, lambda call: call.answer(param))

    def hangup(self, leg: str, sip_status: int = 0) -> None:
        if leg in self._calls:
            self._keep_figures(leg)
            param = pj.CallOpParam(True)
            param.statusCode = sip_status
            self._try(leg, lambda call: call.hangup(param))

    def _try(self, leg: str, action: Callable[[Any], None]) -> None:
        try:
            action(self._calls[leg])
        except pj.Error as error:  # the leg ended by itself in the same instant: its event follows
            _log.info("leg action came too late", leg=leg, error=error.reason)

    def send_dtmf(self, leg: str, digits: str) -> None:
        try:
            self._calls[leg].dialDtmf(digits)
        except KeyError:
            raise BoxError("telephony.dtmf_failed", f"No digits sent: there is no leg '{leg}'.") from None
        except pj.Error as error:
            raise BoxError("telephony.dtmf_failed", f"No digits sent to '{leg}': {error.reason}") from None

    def open_tap(self, name: str) -> Tap:
        tap = Tap()
        if name in self._taps:
            self._taps[name].tap = tap
        else:
            self._taps[name] = _TapPort(name, tap, self._reader)
        self._put_media(name, self._taps[name])
        return tap

    def close_tap(self, name: str) -> None:
        if name in self._taps:
            self._drop_media(name)
            self._taps[name].tap = None

    def play(self, sound: str, path: Path, *, loop: bool) -> None:
        self.stop(sound)
        player = self._sounds.get((sound, path))
        try:
            if player is None:
                player = _Sound(sound, self)
                player.createPlayer(str(path), 0 if loop else pj.PJMEDIA_FILE_NO_LOOP)
                self._sounds[sound, path] = player
            else:
                player.setPos(0)
        except pj.Error as error:
            raise BoxError(
                "telephony.prompt_unreadable", f"{path} cannot be played ({error.reason}): 8 kHz mono WAV is needed.",
                path=str(path),
            ) from None  # fmt: skip
        self._put_media(sound, player)

    def stop(self, sound: str) -> None:
        self._drop_media(sound)

    def connect(self, routes: frozenset[Route]) -> None:
        self._wanted = routes
        self._apply_routes()

    # ---- routes -------------------------------------------------------------------------------------------

    def _put_media(self, name: str, media: Any) -> None:
        self._media[name] = media
        self._apply_routes()

    def _drop_media(self, name: str) -> None:
        """Forget a name and unmake its routes; nothing happens when it is unknown."""
        if name in self._media:
            for route in [route for route in self._made if name in route]:
                self._unmake(route)
            del self._media[name]

    def _apply_routes(self) -> None:
        for route in self._made - self._wanted:
            self._unmake(route)
        for source, sink in sorted(self._wanted - self._made, key=lambda route: route[1] not in self._taps):
            if source in self._media and sink in self._media:
                try:
                    self._media[source].startTransmit(self._media[sink])
                    self._made.add((source, sink))
                except pj.Error as error:
                    _log.warning("route not made", source=source, sink=sink, error=error.reason)

    def _unmake(self, route: Route) -> None:
        source, sink = route
        self._made.discard(route)
        try:
            self._media[source].stopTransmit(self._media[sink])
        except pj.Error as error:
            _log.debug("route was gone", source=source, sink=sink, error=error.reason)

    # ---- called by the proxies within poll ----------------------------------------------------------------

    def on_incoming(self, account: _Account, call_id: int, message: str) -> None:
        """Offer a call to the worker, or refuse it when the worker has its conversation."""
        self._offers += 1
        leg = f"offer-{self._offers}"
        call = _Call(account, self, leg, call_id)
        self._calls[leg] = call
        if not self.accept_calls:
            self.hangup(leg, _BUSY)  # the proxy goes by the usual way; nobody knows this leg's name
            return
        self.accept_calls = False
        self._respond(leg, _RINGING)  # at once: a slow first answer would make the edge try another worker
        info = call.getInfo()
        self.events.append(LegOffered(leg, info.remoteUri, info.localUri, message))

    def rename(self, old: str, new: str) -> None:
        """Give a leg the name of its role; its audio goes with it."""
        call = self._calls.pop(old, None)
        if call is not None:
            call.leg = new
            self._calls[new] = call
            media = self._media.get(old)
            self._drop_media(old)
            if media is not None:
                self._put_media(new, media)
            if old in self._figures:
                self._figures[new] = self._figures.pop(old)
            self._alive.pop(old, None)

    def on_state(self, call: _Call, info: Any, message: str) -> None:
        if info.state == pj.PJSIP_INV_STATE_EARLY and info.role == pj.PJSIP_ROLE_UAC:
            self.events.append(LegProvisional(call.leg, info.lastStatusCode, message))
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.events.append(LegUp(call.leg))

    def on_media(self, call: _Call) -> None:
        info = call.getInfo()  # kept: the media vector of a temporary would dangle
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO:
                active = media.status == pj.PJSUA_CALL_MEDIA_ACTIVE
                if active:
                    self._drop_media(call.leg)
                    self._put_media(call.leg, call.getAudioMedia(index))
                else:
                    self._drop_media(call.leg)
                self.events.append(LegMedia(call.leg, active, early=info.state == pj.PJSIP_INV_STATE_EARLY))
                return

    def on_down(self, call: _Call, info: Any, message: str) -> None:
        """The last reference to the call goes with `_calls.pop`: the proxy dies as `onCallState` returns."""
        leg = call.leg
        self._calls.pop(leg, None)
        self._media.pop(leg, None)
        self._made = {route for route in self._made if leg not in route}
        figures = self._figures.pop(leg, MediaFigures())
        self.events.append(LegDown(leg, info.lastStatusCode, info.lastReason, message, figures))

    def _look_whether_dead(self, leg: str, now_s: float) -> None:
        """A far end that loses power says no BYE."""
        received = self._figures.get(leg, MediaFigures()).rtp_received
        known, since_s = self._alive.get(leg, (-1, now_s))
        if received != known or leg not in self._media:
            self._alive[leg] = (received, now_s)
        elif now_s - since_s > _DEAD_AFTER_S:
            self._alive[leg] = (received, now_s)
            self.events.append(LegDead(leg))

    def _keep_figures(self, leg: str) -> None:
        """RTP figures must be read while the stream exists, which it does no more when the far end has hung up."""
        try:
            figures = self._calls[leg].getStreamStat(0)  # kept: the inside of a temporary would dangle
            received = figures.rtcp.rxStat
            self._figures[leg] = MediaFigures(int(received.pkt), int(received.loss))
        except pj.Error:
            self._figures.setdefault(leg, MediaFigures())
