"""`callbox bench detector`: what the ear costs, for a line alone in its process and for many lines batched.

`alone` runs one Listener over all lines' audio in turn, in 20 ms blocks as a worker does; CPU is this process's own
time. `front_end` runs the shared vectorised front end over all lines at once. Latency is the wall time of one push.
"""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import numpy as np
import typer

from audio import Label, Listener, synth
from audio.features import FrontEnd

_RATE_HZ = 8000
_BLOCK = 160
_BATCH_HOPS = 10


def _line_audio(line: int, seconds: float) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Audio of one line: talk with pauses, ring-back or noise, chosen by the line's number."""
    noise = synth.noise(seconds, -55.0, seed=line)
    kind = line % 3
    if kind == 0:
        body = synth.call_progress("cn", Label.RINGBACK, seconds)
    elif kind == 1:
        parts = [synth.silence(0.6)]
        while sum(p.size for p in parts) < seconds * _RATE_HZ:
            parts += [synth.voice_like(0.7, seed=line + len(parts)), synth.silence(0.3)]
        body = np.concatenate(parts)
    else:
        body = synth.silence(seconds)
    size = min(noise.size, body.size)
    return synth.to_int16(noise[:size] + body[:size])


def _alone(audio: list[np.ndarray[Any, np.dtype[np.int16]]]) -> dict[str, float]:
    took: list[float] = []
    before = time.process_time()
    for line, samples in enumerate(audio):
        listener = Listener(country="CN", phase="early" if line % 3 != 1 else "answered")
        for start in range(0, samples.size, _BLOCK):
            began = time.perf_counter()
            listener.push(samples[start : start + _BLOCK])
            took.append(time.perf_counter() - began)
        listener.finish()
    spent = time.process_time() - before
    heard_s = sum(samples.size for samples in audio) / _RATE_HZ
    share = spent / heard_s
    p50, p99 = np.percentile(took, [50, 99])
    return {
        "cpu_per_line": round(share, 6),
        "lines_per_core": round(1 / share, 1),
        "push_ms_p50": round(float(p50) * 1000, 4),
        "push_ms_p99": round(float(p99) * 1000, 4),
        "push_ms_max": round(max(took) * 1000, 4),
    }


def _front_end(audio: list[np.ndarray[Any, np.dtype[np.int16]]]) -> dict[str, float]:
    size = min(samples.size for samples in audio)
    step = _BATCH_HOPS * 80
    block = np.stack([samples[: size - size % step] for samples in audio])
    front = FrontEnd(len(audio))
    before = time.process_time()
    for start in range(0, block.shape[1], step):
        front.push(block[:, start : start + step])
    share = (time.process_time() - before) / (block.size / _RATE_HZ)
    return {"cpu_per_line": round(share, 6), "lines_per_core": round(1 / share, 1)}


def measure(lines: int, seconds: float) -> dict[str, Any]:
    """Figures for so many lines of so many seconds. CPU is a fraction of one core per line in real time."""
    audio = [_line_audio(line, seconds) for line in range(lines)]
    return {"lines": lines, "seconds": seconds, "alone": _alone(audio), "front_end": _front_end(audio)}


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
    alone, front = figures["alone"], figures["front_end"]
    share, count = 100 * alone["cpu_per_line"], alone["lines_per_core"]
    typer.echo(f"a line alone: {share:.3f} % of a core, {count:.0f} lines a core")
    typer.echo(f"front end, {lines} lines at once: {100 * front['cpu_per_line']:.3f} % a line")
    typer.echo(f"one push of 20 ms: p99 {alone['push_ms_p99']:.2f} ms, longest {alone['push_ms_max']:.2f} ms")


def register(app: typer.Typer) -> None:
    """Add `detector` to the bench's commands."""
    app.command("detector")(detector)
