"""Running guests: started, spoken to through their agent, their disks plugged and pulled over QMP, stopped."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.soak.guest.image import Image

_START_S = 600.0
_TOP = Path(__file__).resolve().parents[3]
PRODUCT = (
    "drivers", "appliance/__init__.py", "appliance/errors.py", "appliance/types.py", "appliance/services/__init__.py",
    "appliance/services/privileged",
)  # fmt: skip
"""What of the product runs in the guest; none of it needs more than Python itself."""


@dataclass(frozen=True)
class Answer:
    """What a command in the guest said."""

    status: int
    output: str
    error: str


class Machine:
    """A QEMU process with an agent inside; `arguments` say what it starts and has. Use as a context."""

    def __init__(
        self, folder: Path, arguments: list[str], *, memory_mb: int = 1024, nice: int = 10, cpu: str = "max"
    ) -> None:
        self._folder = folder
        qmp, agent = folder / "qmp.sock", folder / "agent.sock"
        qemu = shutil.which("qemu-system-x86_64") or "qemu-system-x86_64"
        command = [
            qemu, "-accel", "tcg,thread=multi", "-cpu", cpu, "-machine", "q35", "-m", str(memory_mb), "-smp", "2",
            "-nodefaults", "-display", "none", "-qmp", f"unix:{qmp},server=on,wait=off",
            "-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,path={agent},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=callbox.agent",
            *arguments,
        ]  # fmt: skip
        self._log = (folder / "qemu.log").open("wb")
        self._started_s = time.monotonic()
        self._process = subprocess.Popen(
            ["nice", "-n", str(nice), *command], stdout=self._log, stderr=self._log, start_new_session=True
        )
        with contextlib.suppress(OSError):  # a kernel that shares time out by sessions: `nice` counts in one only
            Path(f"/proc/{self._process.pid}/autogroup").write_text(str(nice))
        try:
            self._agent = self._connect(agent)
            self._qmp = self._connect(qmp)
            self._qmp_reader = self._qmp.makefile("rb")
            self._qmp_reader.readline()
            self.qmp("qmp_capabilities")
            self._agent_reader = self._agent.makefile("rb")
        except BaseException:
            self.stop()
            raise

    def wait_agent(self, timeout_s: float = _START_S) -> float:
        """Wait until the agent speaks; returns the seconds since QEMU was started."""
        self._agent.settimeout(timeout_s)
        assert json.loads(self._agent_reader.readline()) == {"ready": True}
        return time.monotonic() - self._started_s

    def _connect(self, path: Path) -> socket.socket:
        deadline = time.monotonic() + 60
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(str(path))
            except OSError:
                connection.close()
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise AssertionError((self._folder / "qemu.log").read_text("utf-8", "replace")) from None
                time.sleep(0.05)
            else:
                connection.settimeout(60)
                return connection

    def qmp(self, name: str, **arguments: Any) -> Any:
        """One QMP command; events that come in between are left."""
        self._qmp.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self._qmp_reader.readline())
            if "error" in answer:
                raise AssertionError(f"{name}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def _ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        self._agent.settimeout(timeout_s + 60)
        self._agent.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._agent_reader.readline())
        if "ready" in answer:
            raise ConnectionResetError("the machine has started anew meanwhile")
        return answer

    def run(self, line: str, timeout_s: float = 120) -> Answer:
        """A shell line in the guest, waited for."""
        return Answer(**self._ask({"run": line, "timeout_s": timeout_s}, timeout_s))

    def sh(self, line: str, timeout_s: float = 120) -> str:
        """The same, for what must succeed."""
        answer = self.run(line, timeout_s)
        assert answer.status == 0, f"{line}: {answer}"
        return answer.output.strip()

    def start(self, line: str) -> None:
        """A shell line that goes on in the guest."""
        self._ask({"start": line}, 60)

    def plug(self, number: int, image: Path, serial: str, wwn: int | None = None) -> None:
        """Put a disk into the running box."""
        node = {"node-name": f"n{number}", "file": {"driver": "file", "filename": str(image)}}
        self.qmp("blockdev-add", driver="raw", **node)
        disk = {"id": f"d{number}", "drive": f"n{number}", "bus": "scsi0.0", "serial": serial}
        self.qmp("device_add", driver="scsi-hd", **disk, **({"wwn": wwn} if wwn is not None else {}))

    def pull(self, number: int) -> None:
        """Take a disk out, as a hand does: nobody is asked."""
        self.qmp("device_del", id=f"d{number}")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in (self._agent_reader, self._agent, self._qmp_reader, self._qmp):
            end.close()
        self.stop()


class Guest(Machine):
    """A plain Debian. `disks`: QEMU arguments of disks that are there from the start."""

    def __init__(self, image: Image, folder: Path, arguments: list[str]) -> None:
        payload = folder / "payload.tar"
        with tarfile.open(payload, "w") as tar:
            for name in ("agent.py", "writer.py", "box.py"):
                tar.add(Path(__file__).with_name(name), name)
            for name in PRODUCT:
                tar.add(_TOP / name, name, filter=lambda t: None if "__pycache__" in t.name else t)
        with payload.open("ab") as handle:
            handle.truncate(-(-payload.stat().st_size // 512) * 512)
        super().__init__(
            folder,
            [
                "-no-reboot", "-serial", f"file:{folder / 'console.log'}",
                "-kernel", str(image.kernel), "-initrd", str(image.initrd),
                "-append", "console=ttyS0,115200 quiet panic=-1 mitigations=off",
                "-drive", f"file={image.root},if=virtio,format=raw,snapshot=on",
                "-drive", f"file={payload},if=virtio,format=raw,readonly=on",
                "-device", "virtio-scsi-pci,id=scsi0",
                *arguments,
            ],
        )  # fmt: skip
        try:
            self.boot_s = self.wait_agent()
        except BaseException:
            self.stop()
            raise


def blank(path: Path, megabytes: int) -> Path:
    """A new, empty disk image."""
    with path.open("wb") as handle:
        handle.truncate(megabytes * 2**20)
    return path
