"""`callbox bench compliance`: random ledgers judged twice, by the rules' engine and by a checker written apart from it.

One JSON object a line: `profile ledgers allowed denied violations over_strict early late elapsed_s`. A violation is a
contact that the box would make and the checker forbids. Over strict: refused without a rule in the way. Early: the
instant from which it is said to be allowed is still forbidden; late: it was allowed before that instant.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

import typer

from appliance.bench.compliance_checker import LAWS, Case, broken_rules
from appliance.bench.compliance_ledgers import Drawn, campaigns, draw_one
from appliance.domain.compliance import Allow, may_contact
from appliance.domain.compliance_own import rules_of
from appliance.domain.compliance_profile import Profile
from appliance.errors import CallerError

_CAMPAIGNS = 64
_CHUNK = 5000
_EXAMPLES_MAX = 5
_COLUMNS = ("profile", "ledgers", "allowed", "denied", "violations", "over_strict", "early", "late")
_SAME = frozenset({"ru", "uk", "in"})  # names of one profile alone


@dataclass
class Tally:
    """What came of one profile's ledgers; `examples` of what was wrong."""

    profile: str
    ledgers: int = 0
    allowed: int = 0
    denied: int = 0
    violations: int = 0
    over_strict: int = 0
    early: int = 0
    late: int = 0
    elapsed_s: float = 0.0
    examples: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        return self.violations + self.over_strict + self.early + self.late

    def add(self, other: Tally) -> None:
        for name in _COLUMNS[1:]:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.examples = [*self.examples, *other.examples][:_EXAMPLES_MAX]

    def plain(self) -> dict[str, Any]:
        found = {name: value for name, value in vars(self).items() if name != "examples" or value}
        return {**found, "elapsed_s": round(self.elapsed_s, 1)}


def register(app: typer.Typer) -> None:
    """Add the command to `callbox bench`."""
    app.command("compliance")(compliance_command)


def compliance_command(
    ledgers: Annotated[int, typer.Option("--ledgers", help="Random ledgers of each profile.", min=1)] = 10_000,
    profile: Annotated[str, typer.Option("--profile", help="One profile, or all.")] = "all",
    seed: Annotated[int, typer.Option("--seed", help="Of the first ledger.")] = 1,
    processes: Annotated[int, typer.Option("--processes", help="At a time.", min=1, max=64)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Judge random ledgers by the rules and by an independent checker; exit 1 when they disagree."""
    wanted = [name for name in LAWS if name not in _SAME] if profile == "all" else [profile]
    if unknown := [name for name in wanted if name not in LAWS]:
        raise CallerError(
            "compliance.unknown_profile", f"There is no rule profile '{unknown[0]}'; use all or {', '.join(LAWS)}.",
            profile=unknown[0],
        )  # fmt: skip
    found = []
    for name in wanted:
        tally = drive(name, ledgers, seed, processes)
        found.append(tally)
        if as_json:
            print(json.dumps(tally.plain()), flush=True)
    if not as_json:
        print(_markdown(found))
    if any(tally.wrong for tally in found):
        raise typer.Exit(1)


def drive(profile: str, ledgers: int, seed: int, processes: int = 1) -> Tally:
    """Judge so many random ledgers of one profile; the same ones however many processes share them."""
    total, began_s = Tally(profile), time.monotonic()
    starts = range(0, ledgers, _CHUNK)
    chunks = [(profile, min(_CHUNK, ledgers - start), f"{profile} {seed} {start}") for start in starts]
    if processes == 1:
        for chunk in chunks:
            total.add(_chunk(chunk))
    else:
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            for tally in pool.imap_unordered(_chunk, chunks):
                total.add(tally)
    total.elapsed_s = time.monotonic() - began_s
    return total


def _chunk(chunk: tuple[str, int, str]) -> Tally:
    profile, count, seed = chunk
    draw = random.Random(seed)
    choices = campaigns(profile, draw, _CAMPAIGNS)
    rules = {id(config): rules_of(config, "UTC") for config, _ in choices}
    tally = Tally(profile)
    for _ in range(count):
        drawn = draw_one(profile, draw, choices)
        judge(profile, drawn, draw, tally, rules[id(drawn.config)])
    return tally


def judge(profile: str, drawn: Drawn, draw: random.Random, tally: Tally, rules: Profile) -> None:
    """Judge one ledger twice, by `rules` and the checker, and the instant from which it is said to be allowed."""
    now, case = drawn.now, Case(drawn.ledger)
    verdict = may_contact(drawn.ledger, rules, now)
    broken = broken_rules(profile, case, drawn.own, now, now)
    tally.ledgers += 1
    if isinstance(verdict, Allow):
        tally.allowed += 1
        if broken:
            tally.violations += 1
            tally.examples.append(f"allowed, but {sorted(broken)}: {drawn}")
        return
    tally.denied += 1
    if not broken:
        tally.over_strict += 1
        tally.examples.append(f"{verdict.rule_id}, but nothing is broken: {drawn}")
    opens = verdict.not_before
    if opens is None:
        return
    if broken_then := broken_rules(profile, case, drawn.own, opens, now):
        tally.early += 1
        tally.examples.append(f"{verdict}, but then {broken_then}: {drawn}")
    for before in (opens - timedelta(seconds=1), now + (opens - now) * draw.random()):
        if now <= before < opens and not broken_rules(profile, case, drawn.own, before, now):
            tally.late += 1
            tally.examples.append(f"{verdict}, but free at {before}: {drawn}")
            return


def _markdown(found: list[Tally]) -> str:
    """Return the page of docs/figures."""
    lines = [
        "Random ledgers (dials, talks, robots, abandoned calls, messages of one person; several numbers, debts,",
        "zones, consents, holidays, changes of the clock) judged by `domain.compliance` and by a checker that was",
        "written from the text of the rules and shares nothing with it (`bench.compliance_checker`). Violations:",
        "allowed, but the checker forbids it. Over strict: denied without a rule in the way. Early and late: the",
        "instant told with a denial.",
        "",
        "| profile | ledgers | allowed | denied | violations | over strict | early | late | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for tally in found:
        plain = tally.plain()
        cells = [str(plain[name]) for name in _COLUMNS]
        lines.append(f"| {' | '.join(cells)} | {tally.elapsed_s:.0f} |")
    lines += [f"\n{tally.profile}: {example}" for tally in found for example in tally.examples]
    return "\n".join(lines)
