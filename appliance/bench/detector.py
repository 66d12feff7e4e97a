"""`callbox bench detector`: what the ear costs, from one line to many, live and in files.

CPU is this process's own time as a share of one core for a line heard in real time. `alone` hears the lines one after
the other in 20 ms blocks, as each worker does; `growth` has them all live in one process, block by block in turn;
`batched` hears them as files are heard, some seconds a pass; `front_end` is the shared vectorised front end with all
lines at once; `fingerprint` is what a library of 100 announcements adds in early media. These three are done five
times, line by line, and the least counts: what else the machine does only adds. A push is timed by the wall.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from audio import Label, Library, Listener, Phase, synth
from audio.features import FrontEnd
from audio.hearing import hear_blocks

_RATE_HZ = 8000
_BLOCK = 160
_BATCH_HOPS = 10
_LINES = (1, 10, 30, 60, 120, 250, 500)
_GROWTH_S = 4.0
_ENTRIES, _ENTRY_S = 100, 4.0
_SPOKEN_LINES = 12
_ROUNDS = 5

Samples = NDArray[np.int16]
_MEANINGS = (Label.VACANT, Label.POWERED_OFF, Label.OUT_OF_SERVICE, Label.UNREACHABLE)


def _talk(seconds: float, seed: int) -> NDArray[np.float64]:
    """Talk with pauses."""
    parts = [synth.silence(0.6)]
    while sum(part.size for part in parts) < seconds * _RATE_HZ:
        parts += [synth.voice_like(0.7, seed=seed + len(parts)), synth.silence(0.3)]
    return np.concatenate(parts)[: round(seconds * _RATE_HZ)]


def _line_audio(line: int, seconds: float) -> Samples:
    """Audio of one line: ring-back, talk or noise, chosen by the line's number."""
    noise = synth.noise(seconds, -55.0, seed=line)
    kind = line % 3
    if kind == 0:
        body = synth.call_progress("cn", Label.RINGBACK, seconds)
    else:
        body = _talk(seconds, line) if kind == 1 else synth.silence(seconds)
    size = min(noise.size, body.size)
    return synth.to_int16(noise[:size] + body[:size])


def _phase(line: int) -> Phase:
    return "answered" if line % 3 == 1 else "early"


def _share(spent_s: float, audio: Sequence[Samples]) -> dict[str, float]:
    share = spent_s / (sum(samples.size for samples in audio) / _RATE_HZ)
    return {"cpu_per_line": round(share, 6), "lines_per_core": round(1 / share, 1)}


def _push_times(took_s: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(took_s, [50, 99])
    times = {"push_ms_p50": p50, "push_ms_p99": p99, "push_ms_max": max(took_s)}
    return {name: round(float(value) * 1000, 4) for name, value in times.items()}


def _live(audio: Sequence[Samples], phases: Sequence[Phase], library: Library | None = None) -> dict[str, float]:
    """All lines at once in this process, each getting its block of 20 ms in turn."""
    listeners = [Listener(country="CN", phase=phase, library=library) for phase in phases]
    took_s: list[float] = []
    before = time.process_time()
    for start in range(0, max(samples.size for samples in audio), _BLOCK):
        for listener, samples in zip(listeners, audio, strict=True):
            began = time.perf_counter()
            listener.push(samples[start : start + _BLOCK])
            took_s.append(time.perf_counter() - began)
    for listener in listeners:
        listener.finish()
    return {**_share(time.process_time() - before, audio), **_push_times(took_s)}


def _alone(audio: Sequence[Samples]) -> dict[str, float]:
    took_s: list[float] = []
    before = time.process_time()
    for line, samples in enumerate(audio):
        listener = Listener(country="CN", phase=_phase(line))
        for start in range(0, samples.size, _BLOCK):
            began = time.perf_counter()
            listener.push(samples[start : start + _BLOCK])
            took_s.append(time.perf_counter() - began)
        listener.finish()
    return {**_share(time.process_time() - before, audio), **_push_times(took_s)}


def _spent(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def _least(works: Sequence[Callable[[], object]]) -> float:
    """Seconds of this process for all pieces of work: each is done in some rounds, and its least counts."""
    rounds = [[_spent(work) for work in works] for _ in range(_ROUNDS)]
    return float(sum(map(min, zip(*rounds, strict=True))))


def _batched(audio: Sequence[Samples]) -> dict[str, float]:
    def hear(line: int) -> None:
        samples = audio[line]
        seconds = (samples[start : start + _RATE_HZ] for start in range(0, samples.size, _RATE_HZ))
        hear_blocks(seconds, name="", phase=_phase(line), country="CN")

    return _share(_least([partial(hear, line) for line in range(len(audio))]), audio)


def _front_end(audio: Sequence[Samples]) -> dict[str, float]:
    size = min(samples.size for samples in audio)
    step = _BATCH_HOPS * 80
    block = np.stack([samples[: size - size % step] for samples in audio])
    front = FrontEnd(len(audio))

    def work() -> None:
        for start in range(0, block.shape[1], step):
            front.push(block[:, start : start + step])

    return _share(_least([work]), list(block))


def _fingerprint(seconds: float) -> dict[str, float]:
    """The price of a library: the same talk in early media, without one and with one."""
    library = Library()
    for number in range(_ENTRIES):
        sample = synth.to_int16(_talk(_ENTRY_S, 1000 + 50 * number))
        library.enrol(sample, f"entry-{number}", _MEANINGS[number % len(_MEANINGS)])
    spoken = [synth.to_int16(_talk(seconds, 100_000 + 500 * line)) for line in range(_SPOKEN_LINES)]
    _live(spoken[:1], ["early"], library)  # the first use makes the index
    without, with_library = (
        _share(_least([partial(_live, [line], ["early"], known) for line in spoken]), spoken)["cpu_per_line"]
        for known in (None, library)
    )
    return {
        "entries": _ENTRIES,
        "cpu_per_line_without": without,
        "cpu_per_line_with": with_library,
        "extra_cpu_per_line": round(with_library - without, 6),
    }


def _growth() -> list[dict[str, float]]:
    rows = []
    for lines in _LINES:
        # a line alone would be one kind of audio only: it is heard for each kind in turn
        audio = [_line_audio(line, _GROWTH_S) for line in range(max(lines, 3))]
        phases = [_phase(line) for line in range(len(audio))]
        if lines < len(audio):
            parts = [_live([samples], [phase]) for samples, phase in zip(audio, phases, strict=True)]
            row = {name: round(float(np.mean([part[name] for part in parts])), 6) for name in parts[0]}
        else:
            row = _live(audio, phases)
        rows.append({"lines": lines, **row})
    return rows


def measure(lines: int, seconds: float) -> dict[str, Any]:
    """Figures for so many lines of so many seconds."""
    audio = [_line_audio(line, seconds) for line in range(lines)]
    _alone(audio[:3])  # loads models and plans
    return {
        "lines": lines,
        "seconds": seconds,
        "alone": _alone(audio),
        "batched": _batched(audio),
        "front_end": _front_end(audio),
        "fingerprint": _fingerprint(seconds),
        "growth": _growth(),
    }


def detector(
    lines: Annotated[int, typer.Option(min=1, max=2000, help="Lines.")] = 120,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="Audio of each line.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """CPU and latency of the ear."""
    figures = measure(lines, seconds)
    if as_json:
        typer.echo(json.dumps(figures))
        return
    alone, fingerprint = figures["alone"], figures["fingerprint"]
    typer.echo(
        f"a line alone: {100 * alone['cpu_per_line']:.3f} % of a core, {alone['lines_per_core']:.0f} lines a core"
    )
    typer.echo(f"one push of 20 ms: p99 {alone['push_ms_p99']:.2f} ms, longest {alone['push_ms_max']:.2f} ms")
    typer.echo(f"in files: {100 * figures['batched']['cpu_per_line']:.3f} % a line")
    typer.echo(f"front end, {lines} lines at once: {100 * figures['front_end']['cpu_per_line']:.3f} % a line")
    typer.echo(f"library of {_ENTRIES} entries: {100 * fingerprint['extra_cpu_per_line']:.3f} % more in early media")
    for row in figures["growth"]:
        typer.echo(f"{row['lines']:4} lines: {100 * row['cpu_per_line']:.3f} % a line, p99 {row['push_ms_p99']:.2f} ms")


def register(app: typer.Typer) -> None:
    """Add `detector` to the bench's commands."""
    app.command("detector")(detector)
