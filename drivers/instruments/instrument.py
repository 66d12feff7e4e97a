"""An instrument behind a VISA resource: opened, identified, asked; its error queue is read after each command.

Resources are VISA names: ``ASRL/dev/serial/by-id/...::INSTR``, ``TCPIP::host::5025::SOCKET``, ``TCPIP::host::INSTR``,
``USB::0x2A8D::0x0101::SERIAL::INSTR``. Backend: pyvisa-py, all Python; nothing of a vendor is installed.
"""

from __future__ import annotations

import contextlib
import math
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pyvisa
from pyvisa import constants
from pyvisa_py.protocols.rpc import RPCError
from pyvisa_py.protocols.vxi11 import Vxi11Error

from drivers.base import Driver, needs_open
from drivers.instruments.models import InstrumentProfile
from drivers.instruments.quantities import HAZARDOUS, Quantity, Reading
from drivers.lines import ReaderError
from drivers.transports.lock import PortLock

BACKEND = "@py"
_OVER_RANGE = 9.0e36
"""SCPI-99 7.2.1.4: infinity is 9.9E37, "not a number" 9.91E37."""
_NOT_A_NUMBER = 9.91e37
_MOST_ERRORS = 20
_LONGEST_ANSWER = 400
_FAULTS = (pyvisa.Error, RPCError, Vxi11Error, OSError, ValueError, EOFError, RuntimeError)
"""What a dialogue may end in: VISA's own, VXI-11's, the socket's or port's, bytes that are no text, a lost HiSLIP."""
_ERROR = re.compile(r"[+-]?\d+,")
_NO_ERROR = re.compile(r"[+-]?0+,")
_RESOURCE = re.compile(r"(ASRL|TCPIP|USB)[A-Za-z0-9_./:-]{1,250}::(INSTR|SOCKET)")
_CABLE = "Check its power and cable, then try again."


def check_resource(resource: str) -> None:
    """Raises :class:`ReaderError` (``instrument.resource``) for what is no VISA name of a serial, LAN or USB device."""
    if not _RESOURCE.fullmatch(resource):
        raise ReaderError(
            "instrument.resource",
            f"{resource[:80]!r} names no instrument. Examples: ASRL/dev/ttyUSB0::INSTR, "
            "TCPIP::192.0.2.10::5025::SOCKET, USB::0x2A8D::0x0101::MY1::INSTR.",
        )


class Instrument(Driver):
    """One instrument. All methods wait for its answer; all raise :class:`ReaderError` with what to do."""

    def __init__(
        self, resource: str, profile: InstrumentProfile, *, timeout_s: float | None = None, backend: str = BACKEND,
        lock_dir: Path | None = None,
    ) -> None:  # fmt: skip
        """`timeout_s` takes the place of the profile's; `backend` is pyvisa's (a simulation in tests)."""
        super().__init__(resource)
        self.profile = profile
        self.identity = ""
        self._timeout_s = timeout_s or profile.timeout_s
        self._backend = backend
        self._lock = PortLock(lock_dir or _lock_dir(), resource)
        self._manager: Any = None
        self._session: Any = None
        self._permitted: frozenset[Quantity] = frozenset()

    # ---- life cycle --------------------------------------------------------------------------------------------

    def on_open(self) -> None:
        """Take the resource and make sure that the right instrument is behind it."""
        check_resource(self.name)
        self._lock.take()
        try:
            self._open()
            self.identity = self._checked_identity()
            for command in self.profile.start:
                self._tell(command)
        except BaseException:
            self.on_close()
            raise

    def _open(self) -> None:
        try:
            self._manager = pyvisa.ResourceManager(self._backend)
            self._session = self._manager.open_resource(
                self.name, read_termination="\n", write_termination="\n", open_timeout=int(self._timeout_s * 1000)
            )
            self._session.timeout = int(self._timeout_s * 1000)
            if self._session.interface_type == constants.InterfaceType.asrl:
                self._session.baud_rate = self.profile.baud
            with contextlib.suppress(*_FAULTS, NotImplementedError):  # a socket has nothing to clear
                self._session.clear()
        except Exception as error:  # pyvisa-py raises bare ones
            raise ReaderError("instrument.away", f"{self.name} does not open: {_said(error)}. {_CABLE}") from error

    def on_close(self) -> None:
        """Let go; an instrument that has gone is fine."""
        if self.profile.stop and self._session is not None and self.identity:
            with contextlib.suppress(ReaderError):
                for command in self.profile.stop:
                    self._tell(command)
        for held in (self._session, self._manager):
            if held is not None:
                with contextlib.suppress(*_FAULTS, AttributeError):
                    held.close()
        self._session = self._manager = None
        self._lock.give()

    def _checked_identity(self) -> str:
        found = self._ask("*IDN?", checked=False)
        if not re.search(self.profile.identity, found):
            raise ReaderError(
                "instrument.other",
                f"{self.name}: {_short(found)!r} answered; {self.profile.make} {self.profile.model} was expected. "
                "Check which cable is plugged in, or choose the right profile.",
            )
        return _short(found)

    # ---- measuring ---------------------------------------------------------------------------------------------

    @property
    def offers(self) -> frozenset[Quantity]:
        """What this instrument can be asked."""
        return frozenset(self.profile.queries)

    def permit(self, quantity: Quantity) -> None:
        """The technician said yes to one measurement of `quantity`; it holds for the next one only."""
        self._permitted |= {quantity}

    @needs_open
    def measure(self, quantity: Quantity) -> Reading:
        """Ask for one figure. Ohms and milliamperes are refused (``instrument.not_permitted``) without a yes."""
        if quantity in HAZARDOUS and quantity not in self._permitted:
            raise ReaderError(
                "instrument.not_permitted",
                f"{quantity}: the technician has not said yes to this measurement; the meter's range is left alone.",
            )
        self._permitted -= {quantity}
        query = self.profile.queries.get(quantity)
        if query is None:
            raise ReaderError("instrument.cannot", f"{self.profile.id} has no command for {quantity}.")
        answer = self._ask(query.command)
        value = _number(answer, query.field)
        if value is None:
            self._lost(
                "instrument.garbled", f"{self.name}: {query.command} was answered by {_short(answer)!r}: no figure."
            )
        if abs(value) >= _OVER_RANGE:
            return Reading(quantity, math.copysign(math.inf, value), over_range=True)
        return Reading(quantity, value * query.scale)

    @needs_open
    def measure_ring(self, is_ringing_v: float, wait_s: float, monotonic: Callable[[], float]) -> tuple[Reading, ...]:
        """Wait for the bell (it pauses for up to 5 s), then take voltage and frequency; the strongest figure counts.

        Without a bell in `wait_s` only the strongest voltage comes back.
        """
        deadline_s = monotonic() + wait_s
        best = self.measure(Quantity.RING_V)
        while abs(best.value) < is_ringing_v and monotonic() < deadline_s:
            best = max(best, self.measure(Quantity.RING_V), key=lambda reading: abs(reading.value))
        if abs(best.value) < is_ringing_v or Quantity.RING_HZ not in self.offers:
            return (best,)
        return best, self.measure(Quantity.RING_HZ)

    # ---- dialogue ----------------------------------------------------------------------------------------------

    def _ask(self, command: str, *, checked: bool = True) -> str:
        try:
            self._session.write(command)
            answer = str(self._session.read())
        except _FAULTS as error:
            self._fail(command, error)
        if checked:
            self._raise_errors(command)
        return answer.strip()

    def _tell(self, command: str) -> None:
        try:
            self._session.write(command)
        except _FAULTS as error:
            self._fail(command, error)
        self._raise_errors(command)

    def _fail(self, command: str, error: Exception) -> NoReturn:
        """Time-outs are often a refused command: then the error queue knows more."""
        if isinstance(error, pyvisa.VisaIOError) and error.error_code == constants.StatusCode.error_timeout:
            if not command.startswith("*IDN"):
                self._raise_errors(command)
            self._lost("instrument.silent", f"{self.name} did not answer {command} in {self._timeout_s:g} s. {_CABLE}")
        if isinstance(error, UnicodeDecodeError):
            self._lost("instrument.garbled", f"{self.name}: {command} was answered by noise. {_CABLE}")
        self._lost("instrument.away", f"{self.name} has gone: {_said(error)}. {_CABLE}")

    def _lost(self, error_id: str, message: str) -> NoReturn:
        """Close before raising: a late answer must never be read as the answer to the next command."""
        self.identity = ""  # nothing more is sent
        self.close()
        raise ReaderError(error_id, message)

    def _raise_errors(self, command: str) -> None:
        """Empty the error queue; raise what stood in it first."""
        found = []
        for _ in range(_MOST_ERRORS):
            try:
                self._session.write(self.profile.errors)
                said = str(self._session.read()).strip()
            except _FAULTS:
                self._lost("instrument.silent", f"{self.name} did not answer after {command}. {_CABLE}")
            if not _ERROR.match(said):
                self._lost("instrument.garbled", f"{self.name}: its error queue says {_short(said)!r}. {_CABLE}")
            if _NO_ERROR.match(said):
                break
            found.append(_short(said))
        if found:
            raise ReaderError("instrument.refused", f"{self.name} refused {command}: {found[0]}.")


def _lock_dir() -> Path:
    shared = Path("/run/lock")
    return shared if shared.is_dir() else Path(tempfile.gettempdir())


def _short(answer: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in answer)[:120]


def _said(error: Exception) -> str:
    return _short(str(error).split("\n", 1)[0]).rstrip(".")


def _number(answer: str, field: int) -> float | None:
    """The figure in an answer; only what is wholly a number is one."""
    parts = answer.split(",")
    if len(answer) > _LONGEST_ANSWER or field >= len(parts):
        return None
    try:
        value = float(parts[field])
    except ValueError:
        return None
    return None if math.isnan(value) or value == _NOT_A_NUMBER else value
