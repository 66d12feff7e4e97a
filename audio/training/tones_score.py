"""The ear on generated tones: `python -m audio.training.tones_score --each 200 --seed 1`.

Runs `Listener` over clips of `tones_corpus` and prints Markdown tables: right answers with 95 % Wilson intervals by
family, signal-to-noise ratio, level, codec and loss, with and without the country given; how soon; false alarms.
"""

import argparse
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from audio.labels import score_label
from audio.listener import Listener, Phase
from audio.training.tones_corpus import FAMILIES, Clip, make

CALL_PROGRESS = ("ringback", "busy", "congestion")
_BLOCK = 160
_SCORE_NAMES = {"sit_no_circuit": "sit_nocircuit", "unobtainable": "vacant"}
_FALSE = {*CALL_PROGRESS, "vacant", "modem", "fax_ced", "fax_cng", "fax_preamble"}
_PHASES: dict[str, Phase] = {"early": "early", "answered": "answered"}


@dataclass(frozen=True, slots=True)
class Heard:
    """A clip without its samples, and what the ear said: labels with their times, beeps, the last word."""

    clip: Clip
    said: tuple[tuple[str, float], ...]
    beeps: tuple[tuple[float, float, float], ...]
    last: str
    country_given: bool

    @property
    def wanted(self) -> str:
        """The scorer's name of the truth."""
        return _SCORE_NAMES.get(self.clip.family, self.clip.family)

    @property
    def right(self) -> bool:
        """Whether the last word is right; for a beep: whether it was reported within 0.5 s of its end."""
        if self.clip.family == "beep":
            return any(self.clip.start_s <= at <= self.clip.stop_s + 0.5 for at, _, _ in self.beeps)
        if self.clip.family in ("nothing", "other_tone"):
            return not self.false_alarm
        return self.last == self.wanted

    @property
    def false_alarm(self) -> bool:
        """Whether a tone was reported that was not there."""
        names = {label for label, _ in self.said} - {self.wanted}
        return bool(names & _FALSE) or any(name.startswith("sit_") for name in names)

    @property
    def latency_s(self) -> float:
        """From the beginning of the tone to the first right word."""
        times = [at for label, at in self.said if label == self.wanted]
        return times[0] - self.clip.start_s if times else math.nan


def listen(job: tuple[str, int], *, seed: int, stress: bool, country_given: bool) -> Heard:
    """Make one clip and hear it."""
    clip = make(seed, *job, stress=stress)
    listener = Listener(country=clip.country if country_given else None, phase=_PHASES[clip.phase])
    said: list[tuple[str, float]] = []
    beeps: list[tuple[float, float, float]] = []
    for start in range(0, clip.samples.size, _BLOCK):
        for verdict in listener.push(clip.samples[start : start + _BLOCK]):
            at = verdict.decided_at_ms / 1000
            if "beep_end_ms" in verdict.evidence:
                span = (float(verdict.evidence[key]) / 1000 for key in ("beep_start_ms", "beep_end_ms"))
                beeps.append((at, *span))  # type: ignore[arg-type]
            said.append((score_label(verdict.label, verdict.kind), at))
    last = listener.finish()
    clip.samples = np.zeros(0, np.int16)
    return Heard(clip, tuple(said), tuple(beeps), score_label(last.label, last.kind), country_given)


def wilson(right: int, total: int) -> tuple[float, float]:
    """95 % confidence interval of a share."""
    if total == 0:
        return 0.0, 1.0
    z, share = 1.96, right / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def _share(heard: Sequence[Heard]) -> str:
    right = sum(h.right for h in heard)
    low, high = wilson(right, len(heard))
    return f"{100 * right / max(1, len(heard)):.1f} ({100 * low:.1f}-{100 * high:.1f})"


def _quantiles(values: Iterable[float]) -> str:
    known = [v for v in values if not math.isnan(v)]
    return " / ".join(f"{q:.2f}" for q in np.percentile(known, [50, 90, 99])) if known else "-"


def _family_table(heard: Sequence[Heard]) -> list[str]:
    lines = ["| family | n | right % | s after onset, p50 / p90 / p99 | called else |", "|---|---|---|---|---|"]
    for family in FAMILIES:
        group = [h for h in heard if h.clip.family == family]
        if group:
            wrong: dict[str, int] = {}
            for h in group:
                if not h.right:
                    wrong[h.last] = wrong.get(h.last, 0) + 1
            else_ = ", ".join(f"{k} {v}" for k, v in sorted(wrong.items(), key=lambda kv: -kv[1])[:4])
            times = _quantiles(h.latency_s for h in group) if family not in ("nothing", "beep") else "-"
            lines.append(f"| {family} | {len(group)} | {_share(group)} | {times} | {else_} |")
    return lines


def _split_table(heard: Sequence[Heard], name: str, key: Callable[[Heard], str]) -> list[str]:
    groups = sorted({key(h) for h in heard})
    lines = [f"| {name} | " + " | ".join(groups) + " |", "|---" * (1 + len(groups)) + "|"]
    kinds = {"ring, busy, congestion": CALL_PROGRESS, "SIT": tuple(f for f in FAMILIES if f.startswith("sit")),
             "fax, modem": ("fax_ced", "fax_cng", "fax_preamble", "modem"), "beep": ("beep",)}  # fmt: skip
    for kind, families in kinds.items():
        cells = [_share([h for h in heard if h.clip.family in families and key(h) == g]) for g in groups]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return lines


def _beep_lines(heard: Sequence[Heard]) -> list[str]:
    found = [(h.clip, b) for h in heard if h.clip.family == "beep" and h.right for b in h.beeps[-1:]]
    late = _quantiles(at - clip.stop_s for clip, (at, _, _) in found)
    ends = [1000 * (stop - clip.stop_s) for clip, (_, _, stop) in found if "decaying" not in clip.note]
    false = [h for h in heard if h.beeps and h.clip.family != "beep"]
    rest = sum(h.clip.family != "beep" for h in heard)
    exact = f"{np.percentile(ends, 5):.0f} / {np.median(ends):.0f} / {np.percentile(ends, 95):.0f} ms" if ends else "-"
    line = f"Beeps: reported {late} s after their end (p50 / p90 / p99); error of the end of those that do not decay, "
    return [line + f"p5 / p50 / p95: {exact}; false in {len(false)} of {rest} other clips."]


def _bucket(edges: Sequence[float], value: float) -> str:
    for low, high in itertools.pairwise(edges):
        if low <= value < high:
            return f"{low:g}..{high:g}"
    return f"{edges[-1]:g}.."


def report(heard: Sequence[Heard], title: str) -> str:
    """All tables of one run."""
    lines = [f"### {title}", "", *_family_table(heard), "", *_beep_lines(heard), ""]
    splits: list[tuple[str, Callable[[Heard], str]]] = [
        ("SNR dB", lambda h: _bucket((0, 10, 15, 20, 30), h.clip.channel.snr_db)),
        ("level dBov", lambda h: _bucket((-45, -35, -25, -15, -5), h.clip.channel.level_dbov)),
        ("codec", lambda h: h.clip.channel.codec or "none"),
        ("packets lost", lambda h: "some" if h.clip.channel.loss else "none"),
        ("line", lambda h: h.clip.channel.effects[0] if h.clip.channel.effects else "plain"),
    ]
    for name, key in splits:
        lines += [*_split_table(heard, name, key), ""]
    false = sum(h.false_alarm for h in heard)
    lines.append(f"A call-progress, fax or information tone that was not there: {false} of {len(heard)} clips.")
    return "\n".join(lines)


def run(
    families: Sequence[str], each: int, seed: int, *, stress: bool = False, country_given: bool = True, jobs: int = 1
) -> list[Heard]:
    """`each` clips of every family, heard."""
    todo = [(family, number) for family in families for number in range(each)]
    hear = partial(listen, seed=seed, stress=stress, country_given=country_given)
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(hear, todo, chunksize=8))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--families", nargs="*", default=list(FAMILIES))
    parser.add_argument("--stress", action="store_true", help="lose 20 to 60 %% of the packets")
    parser.add_argument("--no-country", action="store_true")
    parser.add_argument("--list", action="store_true", help="the clips that went wrong, instead of tables")
    args = parser.parse_args()
    heard = run(
        args.families, args.each, args.seed, stress=args.stress, country_given=not args.no_country, jobs=args.jobs
    )
    if args.list:
        for h in heard:
            if not h.right or h.false_alarm:
                print(h.clip, h.said, h.beeps, h.last)
        return
    title = f"seed {args.seed}, {args.each} each, country {'not ' if args.no_country else ''}given"
    print(report(heard, title + (", 20 to 60 % of packets lost" if args.stress else "")))


if __name__ == "__main__":
    main()
