"""Alerts by SNMP notification (RFC 3416), v2c or v3 authPriv. Raise and clear carry the same uid.

Confirmed notifications (InformRequest) are repeated until the manager answers; traps are sent once and hoped for.
Objects stand under the enterprise 32473 of RFC 5612 until the product has a number of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path

from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    NotificationType,
    ObjectIdentity,
    ObjectType,
    OctetString,
    SnmpEngine,
    TimeTicks,
    UdpTransportTarget,
    UsmUserData,
    send_notification,
    usmAesCfb128Protocol,
    usmHMACSHAAuthProtocol,
)

from appliance.errors import BoxError
from appliance.settings import SnmpTrapSettings, write_private
from appliance.watch.sinks.base import Message

BASE = "1.3.6.1.4.1.32473.1"
RAISED, CLEARED = f"{BASE}.0.1", f"{BASE}.0.2"
UID, KEY, SEVERITY, TITLE, TEXT, BOX = (f"{BASE}.1.{number}.0" for number in range(1, 7))
_SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"
_TIMEOUT_S, _RETRIES = 2.0, 2
_BOOTS_EPOCH_S = 1_767_225_600  # 2026-01-01: one notification a second would not overtake it
_ENGINE_ID_HEAD = bytes.fromhex("80007ed905")  # enterprise 32473, "administratively assigned octets" (RFC 3411)


def engine_id(settings: SnmpTrapSettings, box: str) -> bytes:
    """The box's SNMP engine: as set, else made of its name, the same at each start (a manager keeps v3 users by it)."""
    if settings.engine_id:
        return bytes.fromhex(settings.engine_id)
    return _ENGINE_ID_HEAD + hashlib.sha256(box.encode()).digest()[:12]


class SnmpTrapSink:
    """One notification a notice. pysnmp is asynchronous: each call has a loop of its own, as alerts are rare."""

    name = "snmp_trap"

    def __init__(self, settings: SnmpTrapSettings, *, box: str, language: str, boots: Path) -> None:
        """`boots`: the file with the number of our engine's last beginning."""
        self._settings = settings
        self._box = box
        self._language = language
        self._boots = boots
        self._started = time.monotonic()

    def _credentials(self) -> CommunityData | UsmUserData:
        settings = self._settings
        if settings.version == "v2c":
            return CommunityData(settings.community.get_secret_value(), mpModel=1)  # noqa: S508 - older managers
        return UsmUserData(
            settings.user, settings.auth_key.get_secret_value(), settings.priv_key.get_secret_value(),
            authProtocol=usmHMACSHAAuthProtocol, privProtocol=usmAesCfb128Protocol,
        )  # fmt: skip

    def tell(self, message: Message) -> None:
        where = f"{self._settings.host}:{self._settings.port}"
        try:
            said = asyncio.run(asyncio.wait_for(self._send(message), _TIMEOUT_S * (_RETRIES + 2)))
        except (OSError, PySnmpError, TimeoutError, ValueError) as error:
            raise BoxError("sink.failed", f"The SNMP manager {where}: {error}", retryable=True) from error
        if said:
            raise BoxError("sink.failed", f"The SNMP manager {where}: {said}", retryable=True)

    async def _send(self, message: Message) -> str:
        """Empty when sent (and, when confirmed, answered), else what went wrong."""
        words = message.words(self._language)
        values = {
            UID: message.uid, KEY: message.key, SEVERITY: message.severity, TITLE: words.title, TEXT: words.text,
            BOX: self._box,
        }  # fmt: skip
        engine = self._engine()
        try:
            target = await UdpTransportTarget.create(
                (self._settings.host, self._settings.port), timeout=_TIMEOUT_S, retries=_RETRIES
            )
            up = ObjectType(ObjectIdentity(_SYS_UP_TIME), TimeTicks(int((time.monotonic() - self._started) * 100)))
            kind = NotificationType(ObjectIdentity(RAISED if message.raised else CLEARED))
            rows = [ObjectType(ObjectIdentity(oid), OctetString(value.encode())) for oid, value in values.items()]
            error, status, _index, _rows = await send_notification(
                engine, self._credentials(), target, ContextData(), "inform" if self._settings.confirmed else "trap",
                kind.add_varbinds(up, *rows),
            )  # fmt: skip
        finally:
            engine.close_dispatcher()
        return str(error or status or "")

    def _engine(self) -> SnmpEngine:
        """A new engine under the box's own id. To a manager each is a restart, so its boot counter goes up (RFC 3414).

        pysnmp itself would keep the counter below /tmp, where a reboot forgets it and anybody may write.
        """
        engine = SnmpEngine()
        own_id, boots = engine.get_mib_builder().import_symbols(
            "__SNMP-FRAMEWORK-MIB", "snmpEngineID", "snmpEngineBoots"
        )
        own_id.syntax = own_id.syntax.clone(OctetString(engine_id(self._settings, self._box)))
        engine.snmpEngineID = own_id.syntax
        try:
            count = int(self._boots.read_text("ascii"))
        except (OSError, ValueError):
            count = int(time.time()) - _BOOTS_EPOCH_S  # lost: a number that was surely not reached yet
        write_private(self._boots, str(count + 1).encode())
        boots.syntax = boots.syntax.clone(count + 1)
        return engine

    def close(self) -> None:
        """Nothing stays open."""
