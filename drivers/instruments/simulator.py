"""Simulated instruments on their real transports: a multimeter on a simulated pair, an E1 tester; each can be told to
fail (:class:`drivers.simkit.faults.Fault`: ``HANG NOISE OTHER_CARD NEW_WORDS REBOOT``).
"""

from __future__ import annotations

import contextlib
import socketserver
import threading
from dataclasses import dataclass, field
from pathlib import Path

from drivers.instruments.quantities import Quantity
from drivers.simkit.faults import Fault
from drivers.simkit.pty_device import PtyDevice

_OVER_RANGE = 9.9e37
_METER = "Callbox Sim,DMM-6500,SN0001,1.0"
_TESTER = "Callbox Sim,E1-2048,SN0002,1.0"


@dataclass
class Scene:
    """What hangs on the probes. The defaults are a healthy exchange line, polarity normal (red probe on wire b)."""

    on_hook_v: float = -48.1
    off_hook_v: float = -8.4
    loop_ma: float = 24.6
    ring_v: float = 82.1
    ring_hz: float = 25.0
    insulation_ohm: float = 4.2e7
    ber: float = 0.0
    slips: float = 0
    offset_ppm: float = 1.4
    ringing: bool = False
    off_hook: bool = False
    connected: bool = True
    """Whether the exchange is still on the pair."""

    def play(self, quantity: Quantity) -> None:
        """Be as the pair is when the technician has done what a step asks for."""
        self.ringing = quantity in (Quantity.RING_V, Quantity.RING_HZ)
        self.off_hook = quantity in (Quantity.OFF_HOOK_V, Quantity.LOOP_MA)
        self.connected = quantity not in (Quantity.INSULATION_OHM, Quantity.STRAY_DC_V)

    def answer(self, command: str) -> float | None:
        """The figure for a command; ``None`` = no such command."""
        direct_v = (self.off_hook_v if self.off_hook else self.on_hook_v) if self.connected else 0.02
        return {
            "MEAS:VOLT:DC?": direct_v,
            "MEAS:VOLT:AC?": self.ring_v if self.ringing else 0.01,
            "MEAS:FREQ?": self.ring_hz if self.ringing else 0.0,
            "MEAS:CURR:DC?": self.loop_ma / 1000 if self.off_hook else 0.0,
            "MEAS:RES?": self.insulation_ohm if self.insulation_ohm <= 1e8 else _OVER_RANGE,
            "SIM:E1:BER?": self.ber,
            "SIM:E1:SLIPS?": self.slips,
            "SIM:E1:OFFSET?": self.offset_ppm,
        }.get(command)


@dataclass
class ScpiBrain:
    """Takes command lines, gives answers; keeps an error queue as SCPI-99 has it. ``asked`` is what came."""

    scene: Scene = field(default_factory=Scene)
    identity: str = _METER
    faults: set[Fault] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def take(self, line: str) -> str | None:
        """The answer to a line, without its end; ``None`` = nothing is said."""
        command = line.strip().upper()
        if not command:
            return None
        self.asked.append(command)
        if Fault.HANG in self.faults:
            return None
        if command == "*IDN?":
            return "Someone Else,SCOPE-1,0,0" if Fault.OTHER_CARD in self.faults else self.identity
        if command == "SYST:ERR?":
            return self.errors.pop(0) if self.errors else '+0,"No error"'
        if command in ("*CLS", "*RST"):
            self.errors.clear()
            return None
        value = None if Fault.NEW_WORDS in self.faults else self.scene.answer(command)
        if value is None:
            self.errors.append('-113,"Undefined header"')
            return None
        return "#\x07~+4.8E\x1b01?" if Fault.NOISE in self.faults else f"{value:+.6E}"


def meter_brain() -> ScpiBrain:
    """A multimeter on a healthy pair."""
    return ScpiBrain()


def tester_brain() -> ScpiBrain:
    """An E1 tester on a clean line."""
    return ScpiBrain(identity=_TESTER)


class SerialInstrument(PtyDevice):
    """An instrument with a serial port."""

    def __init__(self, folder: Path, brain: ScpiBrain) -> None:
        super().__init__(folder, "instrument")
        self.brain = brain
        self._partial = ""

    @property
    def resource(self) -> str:
        """Its VISA name."""
        return f"ASRL{self.path}::INSTR"

    def received(self, text: str) -> None:
        """Answer line by line; a reboot pulls the plug in the middle of an answer."""
        *lines, self._partial = (self._partial + text).replace("\r", "\n").split("\n")
        for line in lines:
            answer = self.brain.take(line)
            if answer is None:
                continue
            if Fault.REBOOT in self.brain.faults and not line.startswith("*"):
                self.send(answer[: len(answer) // 2])
                self.unplug()
                return
            self.send(answer + "\n")


class _Dialogue(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, LanInstrument)
        with contextlib.suppress(OSError):
            for raw in self.rfile:
                answer = server.brain.take(raw.decode("latin-1"))
                if answer is None:
                    continue
                if Fault.REBOOT in server.brain.faults and not raw.startswith(b"*"):
                    self.wfile.write(answer[: len(answer) // 2].encode("latin-1"))
                    return
                self.wfile.write(f"{answer}\n".encode("latin-1"))


class LanInstrument(socketserver.ThreadingTCPServer):
    """An instrument with a raw socket on loopback, a free port."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # a client that has not hung up must not keep the bench from closing

    def __init__(self, brain: ScpiBrain) -> None:
        super().__init__(("127.0.0.1", 0), _Dialogue)
        self.brain = brain
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True, name="sim-scpi")

    @property
    def resource(self) -> str:
        """Its VISA name."""
        host, port = self.server_address[:2]
        return f"TCPIP::{host!s}::{port}::SOCKET"

    def start(self) -> None:
        """Serve in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the port."""
        self.shutdown()
        self.server_close()
        self._thread.join(timeout=10)
