"""Figures of the switch: many lines at once (`bench calls`), many short calls in a row (`bench short-calls`).

Bus, switch and far end are private processes on free ports and a temporary home; a running box is not touched.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from appliance import logs
from appliance.bench.far_end import Behaviour, FarEnd
from appliance.bench.switch_rig import SwitchRig, free_port
from appliance.commands import ConnectSeat, Hangup
from appliance.errors import BoxError, CallboxError
from appliance.events import Bridged, ConversationEnded, LegAnswered, LegEnded, LegProgress, RecordingClosed
from audio import wavio

_DIALS_PER_S = 10.0
_SETTLE_S = 2.0
_ANSWER_TIMEOUT_S = 30.0
_FULL_RECORDING = 0.95
_AU_HEADER_BYTES, _STEREO_BYTES, _RATE_HZ = 24, 4, 8000
_MB = 2**20
_HOST, _GATEWAY = "127.0.0.1", "127.0.1.1"
_LINE, _RINGING_LINE = "+8613800138000", "+9700"
_BEHAVIOURS = (
    Behaviour("+9700", 183, early_sound="ringback", final=None),
    Behaviour("+9404", None, final=404, wait_ms=0),
    Behaviour("+9486", 180, final=486, wait_ms=50),
    Behaviour("+9600", 180, final=None),
    Behaviour("seat", None, wait_ms=0, sound="talk"),
    Behaviour("", 180, wait_ms=100),
)


@dataclass(frozen=True, slots=True)
class CallsFigures:
    """Result of `bench calls`. `cpu_cores`: switch parent and workers; `rss_mb`: theirs, shared pages counted once."""

    lines: int
    answered: int
    lost_frames: int
    rtp_lost: int
    tap_gap_ms: dict[str, float]
    cpu_cores: float
    rss_mb: float
    recordings: int


def _switch_processes(rig: SwitchRig) -> list[psutil.Process]:
    assert rig.switch is not None
    parent = psutil.Process(rig.switch.pid)
    return [parent, *parent.children()]


def _cpu_s(processes: Iterable[psutil.Process]) -> float:
    """Processor time of all threads so far (/proc/<pid>/task/*/schedstat, nanoseconds on the processor)."""
    total_ns = 0
    for process in processes:
        for path in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
            try:
                total_ns += int(path.read_text().split()[0])
            except (OSError, ValueError):
                continue  # the thread has just ended
    return total_ns / 1e9


def _memory_mb(processes: Iterable[psutil.Process]) -> float:
    total = 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / _MB


def gap_percentile_ms(counts: dict[int, int], fraction: float) -> float:
    """Gap that `fraction` of all frames do not exceed, ms."""
    seen, total = 0, sum(counts.values())
    for gap_ms in sorted(counts):
        seen += counts[gap_ms]
        if seen >= fraction * total:
            return float(gap_ms)
    return 0.0


def _is_whole(event: RecordingClosed, seconds: float) -> bool:
    """The spool holds what the event says, long enough, with sound in it."""
    path = Path(event.spool_path)
    stored = (path.stat().st_size - _AU_HEADER_BYTES) // _STEREO_BYTES
    long_enough = event.frames >= _FULL_RECORDING * seconds * _RATE_HZ
    return stored == event.frames and long_enough and bool(wavio.read(path).any())


def _hang_up(rig: SwitchRig, conversation_id: str) -> None:
    try:
        rig.command(Hangup(conversation_id=conversation_id, reason="bench"))
    except CallboxError as error:
        if error.error_id not in ("conversation.ended", "bus.no_service"):
            raise


@contextmanager
def _bench(*, slots: int, seconds: float, edge: bool) -> Iterator[tuple[SwitchRig, str]]:
    """A running rig and the far end's SIP address; through a real edge, or with the far end in its place."""
    host = _GATEWAY if edge else _HOST
    far_port = free_port(host, socket.SOCK_DGRAM)
    edge_port = free_port(_HOST, socket.SOCK_DGRAM) if edge else far_port
    gateway = (host, far_port) if edge else None
    with (
        tempfile.TemporaryDirectory(prefix="callbox-bench-") as root,
        FarEnd(host, far_port, behaviours=_BEHAVIOURS, seconds=round(seconds)) as far_end,
        SwitchRig(Path(root), edge_port=edge_port, slots=slots, gateway=gateway) as rig,
    ):
        yield rig, far_end.uri


def measure_calls(*, lines: int, seconds: float, bridged: int, ringing: bool, edge: bool) -> CallsFigures:
    """Bring `lines` calls up, let them run for `seconds`, end them, and gather what the workers report."""
    with _bench(slots=lines + 8, seconds=seconds + lines + 120, edge=edge) as (rig, far_end):
        for number in range(bridged if edge else 0):
            rig.put_seat(f"seat{number}", f"sip:seat{number}@{far_end}")
        calls = []
        for _ in range(lines):
            calls.append(rig.dial(_RINGING_LINE if ringing else _LINE, ring_timeout_s=seconds + lines + 60))
            time.sleep(1 / _DIALS_PER_S)
        up = LegProgress if ringing else LegAnswered
        rig.until(lambda: len({e.conversation_id for e in rig.events(kind=up)}) == lines, _ANSWER_TIMEOUT_S)
        for number, call in enumerate(calls[:bridged]):
            rig.command(ConnectSeat(conversation_id=call, seat_id=f"seat{number}", agent_id=f"agent{number}"))
        rig.until(lambda: len(rig.events(kind=Bridged)) == bridged, _ANSWER_TIMEOUT_S)
        time.sleep(_SETTLE_S)
        processes = _switch_processes(rig)
        cpu_before_s, began_s = _cpu_s(processes), time.monotonic()
        time.sleep(seconds)
        cores = (_cpu_s(processes) - cpu_before_s) / (time.monotonic() - began_s)
        memory_mb = _memory_mb(processes)
        for call in calls:
            _hang_up(rig, call)
        if not rig.until(lambda: len(rig.events(kind=ConversationEnded)) == lines, _ANSWER_TIMEOUT_S):
            raise BoxError(
                "bench.unfinished", f"Only {len(rig.events(kind=ConversationEnded))} of {lines} calls told their end; "
                f"bus: {rig.bus_log()[-800:]}",
            )  # fmt: skip
        return _gather(rig, lines, seconds, cores, memory_mb)


def _gather(rig: SwitchRig, lines: int, seconds: float, cores: float, memory_mb: float) -> CallsFigures:
    ends: list[ConversationEnded] = rig.events(kind=ConversationEnded)
    gaps: Counter[int] = Counter()
    for end in ends:
        gaps.update({int(gap_ms): count for gap_ms, count in end.tap_gap_counts.items()})
    return CallsFigures(
        lines=lines,
        answered=len({e.conversation_id for e in rig.events(kind=LegAnswered) if e.role == "trunk"}),
        lost_frames=sum(end.lost_frames for end in ends),
        rtp_lost=sum(end.rtp_lost for end in ends),
        tap_gap_ms={
            "p50": gap_percentile_ms(gaps, 0.50), "p99": gap_percentile_ms(gaps, 0.99),
            "max": max((end.tap_gap_max_ms for end in ends), default=0.0),
        },
        cpu_cores=round(cores, 3),
        rss_mb=round(memory_mb, 1),
        recordings=sum(_is_whole(event, seconds) for event in rig.events(kind=RecordingClosed)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShortCallsFigures:
    """Result of `bench short-calls`.

    `errors`: dials refused, calls that never ended or whose worker died; `ghosts`: calls that ended otherwise than
    either side wanted. Sizes of the switch's parent and the number of its workers after 50 calls and at the end.
    """

    calls: int
    errors: int
    ghosts: int
    processes: dict[str, int]
    fds: dict[str, int]
    rss_mb: dict[str, float]
    elapsed_s: float


_EDGE_HELP = "Through a real edge, or straight to the far end."
_FIRST_CALLS = 50
_RING_S = 0.7
_RINGS_FOR_EVER = "+9600"
_SHORT = (_LINE, _LINE, _LINE, "+9404", "+9486", _RINGS_FOR_EVER)
_SHORT_STATUS = {_LINE: 200, "+9404": 404, "+9486": 486, _RINGS_FOR_EVER: 487}


class _Growth:
    """Size of the switch while nothing is going on."""

    def __init__(self, rig: SwitchRig) -> None:
        rig.until(lambda: len(_switch_processes(rig)) - 1 <= rig.settings.sip.idle_workers, 10)
        parent, *workers = _switch_processes(rig)
        self.processes = len(workers)
        self.fds = parent.num_fds()
        self.rss_mb = round(parent.memory_info().rss / _MB, 1)


class _ShortCalls:
    """Dials calls of different fates and ends those that would not end by themselves."""

    def __init__(self, rig: SwitchRig, at_once: int) -> None:
        self._rig = rig
        self._at_once = at_once
        self._open: dict[str, float] = {}
        self._hung: set[str] = set()
        self.dialled: dict[str, str] = {}
        self.errors = 0

    def run(self, calls: int) -> None:
        """Dial so many more and wait until all are over."""
        wanted = len(self.dialled) + calls
        while len(self.dialled) < wanted or self._open:
            while len(self._open) < self._at_once and len(self.dialled) < wanted:
                self._dial(_SHORT[len(self.dialled) % len(_SHORT)])
            self._attend()
            time.sleep(0.02)

    def _dial(self, number: str) -> None:
        try:
            call = self._rig.dial(number)
            self._open[call] = time.monotonic()
        except CallboxError as error:
            typer.echo(f"dial failed: {error.message}", err=True)
            self.errors += 1
            call = f"failed-{self.errors}"
        self.dialled[call] = number

    def _attend(self) -> None:
        answered = {e.conversation_id for e in self._rig.events(kind=LegAnswered)}
        ended = {e.conversation_id for e in self._rig.events(kind=ConversationEnded)}
        now_s = time.monotonic()
        for call, since_s in list(self._open.items()):
            rang_enough = self.dialled[call] == _RINGS_FOR_EVER and now_s - since_s > _RING_S
            if call in ended or now_s - since_s > _ANSWER_TIMEOUT_S:
                del self._open[call]
            elif call not in self._hung and (call in answered or rang_enough):
                self._hung.add(call)
                _hang_up(self._rig, call)

    def ghosts(self) -> int:
        """Calls that did not end the way they were to end."""
        ends = {e.conversation_id: (e.sip_status, e.by_us) for e in self._rig.events(kind=LegEnded)}
        return sum(
            call in ends and ends[call] != (_SHORT_STATUS[number], number in (_LINE, _RINGS_FOR_EVER))
            for call, number in self.dialled.items()
        )

    def lost(self) -> int:
        """Calls that never ended, or whose worker died."""
        ends = {e.conversation_id: e.lost for e in self._rig.events(kind=ConversationEnded)}
        return sum(ends.get(call, True) for call in self.dialled if not call.startswith("failed"))


def measure_short_calls(*, calls: int, at_once: int, edge: bool) -> ShortCallsFigures:
    """Dial `calls` short calls of different fates through one switch, `at_once` at a time."""
    began_s = time.monotonic()
    with _bench(slots=at_once + 12, seconds=calls + 120, edge=edge) as (rig, _):
        series = _ShortCalls(rig, at_once)
        series.run(min(_FIRST_CALLS, calls))
        before = _Growth(rig)
        series.run(calls - len(series.dialled))
        after = _Growth(rig)
        return ShortCallsFigures(
            calls=calls, errors=series.errors + series.lost(), ghosts=series.ghosts(),
            processes={"at_50": before.processes, "end": after.processes},
            fds={"at_50": before.fds, "end": after.fds},
            rss_mb={"at_50": before.rss_mb, "end": after.rss_mb}, elapsed_s=round(time.monotonic() - began_s, 1),
        )  # fmt: skip


def _print(figures: Any, as_json: bool) -> None:
    found = asdict(figures)
    if as_json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:14} {value}")


def register(app: typer.Typer) -> None:
    """Add the commands to `callbox bench`."""

    @app.command("calls")
    def calls(
        lines: Annotated[int, typer.Option(min=1, max=480, help="Lines at once.")] = 60,
        seconds: Annotated[float, typer.Option(min=1, help="How long they run.")] = 60.0,
        bridged: Annotated[int, typer.Option(min=0, help="How many of them talk to a seat.")] = 0,
        ringing: Annotated[
            bool, typer.Option("--ringing", help="The ear listens to all lines all the time: they only ring.")
        ] = False,
        edge: Annotated[bool, typer.Option("--edge/--direct", help=_EDGE_HELP)] = True,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    ) -> None:
        """Lines that are answered, recorded in stereo and listened to: losses, gaps, processor, memory."""
        if bridged > lines or (ringing and bridged):
            typer.echo("--bridged cannot exceed --lines, nor go with --ringing", err=True)
            raise typer.Exit(2)
        logs.configure("bench", level="WARNING")
        _run(lambda: measure_calls(lines=lines, seconds=seconds, bridged=bridged, ringing=ringing, edge=edge), as_json)

    @app.command("short-calls")
    def short_calls(
        calls: Annotated[int, typer.Option(min=1, help="Calls in all.")] = 500,
        at_once: Annotated[int, typer.Option(min=1, max=100, help="Calls at a time.")] = 8,
        edge: Annotated[bool, typer.Option("--edge/--direct", help=_EDGE_HELP)] = True,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    ) -> None:
        """Short calls in a row through one switch: errors, ghosts, growth."""
        logs.configure("bench", level="WARNING")
        _run(lambda: measure_short_calls(calls=calls, at_once=at_once, edge=edge), as_json)


def _run(measure: Any, as_json: bool) -> None:
    try:
        figures = measure()
    except (CallboxError, OSError) as error:
        typer.echo(f"the bench failed: {error}", err=True)
        sys.exit(1)
    _print(figures, as_json)
