"""`callbox bench pacing`: our pacer beside the policies of the field, same random numbers for all."""

from __future__ import annotations

import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from appliance.bench.pacing import knowledge, levers, optimum
from appliance.bench.pacing.policies import Callbox, Erlang, FixedRatio, Progressive, ViciDial
from appliance.bench.pacing.room import Day, Policy, simulate
from appliance.bench.pacing.scenarios import DAY_S, SCENARIOS
from appliance.domain.pacing import AgentState, Answered, AttemptEnded, AttemptStarted, Connected, Pacer
from appliance.errors import CallerError

POLICIES = ("callbox", "progressive", "fixed_ratio", "vicidial", "erlang", "optimum")
_DAYS = 3
"""Days behind one row; utilisation and abandoned are means, the worst half hour is that of all of them."""
_RATIO_MIN, _RATIO_MAX, _RATIO_STEPS = 0.5, 8.0, 9
_DECISIONS = 2000
_COST_AGENTS, _COST_DIALS = 60, 200


@dataclass(frozen=True)
class Row:
    """One line of the bench; shares are fractions."""

    scenario: str
    policy: str
    limit: float
    utilisation: float
    abandoned: float
    worst_half_hour: float


def register(app: typer.Typer) -> None:
    """Add the command to `callbox bench`."""
    app.command("pacing")(pacing_command)


def pacing_command(
    scenario: Annotated[str, typer.Option("--scenario", help="One of the scenarios, or all.")] = "base",
    limit: Annotated[float, typer.Option("--limit", help="Abandoned limit, a share.", min=0.0, max=0.5)] = 0.03,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the first day.", min=0)] = 1,
    days: Annotated[int, typer.Option("--days", help="Our pacer alone, this many days: a summary.", min=0)] = 0,
    cost: Annotated[bool, typer.Option("--cost", help="The CPU time of one decision.")] = False,
    known: Annotated[bool, typer.Option("--knowledge", help="What knowing numbers and agents is worth.")] = False,
    greeting: Annotated[bool, typer.Option("--greeting", help="What keeping people by a greeting is worth.")] = False,
    early: Annotated[bool, typer.Option("--dispositions", help="What dispositions set early are worth.")] = False,
    memory: Annotated[bool, typer.Option("--memory", help="What the days before are worth on drifting days.")] = False,
    bound: Annotated[bool, typer.Option("--bound", help="How far the rule could go with hindsight.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Utilisation and abandoned calls of pacing policies in a simulated room."""
    if scenario != "all" and scenario not in SCENARIOS:
        raise CallerError(
            "bench.no_such_scenario",
            f"There is no scenario '{scenario}'; take one of: all, {', '.join(SCENARIOS)}.", scenario=scenario,
        )  # fmt: skip
    names = list(SCENARIOS) if scenario == "all" else [scenario]
    if cost:
        print(json.dumps(decision_cost()))
    elif wanted := [study for asked, study in (
        (known, knowledge.gain), (greeting, levers.greeting), (early, levers.dispositions), (memory, levers.memory),
        (bound, levers.bound),
    ) if asked]:  # fmt: skip
        for study in wanted:
            print(json.dumps(study(limit, seed, days or _DAYS)), flush=True)
    elif days:
        for name in names:
            print(json.dumps(many_days(name, limit, seed, days)), flush=True)
    else:
        _print(rows(names, limit, seed), as_json=as_json)


def _print(found: Iterator[Row], *, as_json: bool) -> None:
    table = Table("scenario", "policy", "limit", "utilisation", "abandoned", "worst half hour")
    for row in found:
        if as_json:
            shown = {key: round(x, 6) if isinstance(x, float) else x for key, x in asdict(row).items()}
            print(json.dumps(shown), flush=True)
        shares = (f"{100 * x:.2f} %" for x in (row.limit, row.utilisation, row.abandoned, row.worst_half_hour))
        table.add_row(row.scenario, row.policy, *shares)
    if not as_json:
        Console().print(table)


# ---- rows -----------------------------------------------------------------------------------------------------


def rows(names: list[str], limit: float, seed: int, length_s: float = DAY_S) -> Iterator[Row]:
    """Rows of all policies in these scenarios, on two processes, in order."""
    tasks = [
        (name, policy, limit, seed, length_s)
        for name in names
        for policy in POLICIES
        if policy != "optimum" or SCENARIOS[name].exponential
    ]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        yield from pool.imap(_row_of, tasks)


def _row_of(task: tuple[str, str, float, int, float]) -> Row:
    return one_row(*task)


def one_row(name: str, policy: str, limit: float, seed: int, length_s: float = DAY_S) -> Row:
    """Simulate one policy in one scenario. The optimum's utilisation is the solved one, not that of a simulation."""
    seeds = range(seed, seed + _DAYS)
    room = SCENARIOS[name]

    def run(make: Callable[[], Policy]) -> list[Day]:
        return [simulate(room, make(), one, length_s) for one in seeds]

    if policy == "optimum":
        best = optimum.solve(room.seats[0][1], room.answer(0.0), room.talk_s(0.0), limit)
        days = run(lambda: optimum.OptimumPolicy(best))
        return Row(name, policy, limit, best.utilisation, limit, max(d.worst_half_hour for d in days))
    if policy == "fixed_ratio":
        days = _tuned_ratio(run, limit)
    else:
        makers: dict[str, Callable[[], Policy]] = {
            "callbox": lambda: Callbox(limit), "progressive": Progressive, "vicidial": lambda: ViciDial(limit),
            "erlang": Erlang,
        }  # fmt: skip
        days = run(makers[policy])
    return Row(
        name, policy, limit, statistics.fmean(d.utilisation for d in days), _abandoned(days),
        max(d.worst_half_hour for d in days),
    )  # fmt: skip


def _abandoned(days: list[Day]) -> float:
    """Abandoned over answered, all days together."""
    answered = sum(a for d in days for a, _ in d.half_hours)
    return sum(b for d in days for _, b in d.half_hours) / max(1, answered)


def _tuned_ratio(run: Callable[[Callable[[], Policy]], list[Day]], limit: float) -> list[Day]:
    """Days of the highest ratio that kept the limit on these very days: what no manager can know beforehand."""
    low, high = _RATIO_MIN, _RATIO_MAX
    best = run(lambda: FixedRatio(low))
    for _ in range(_RATIO_STEPS):
        middle = 0.5 * (low + high)
        days = run(lambda ratio=middle: FixedRatio(ratio))  # type: ignore[misc]
        if _abandoned(days) <= limit:
            low, best = middle, days
        else:
            high = middle
    return best


# ---- many days, cost -------------------------------------------------------------------------------------------


def many_days(name: str, limit: float, seed: int, days: int) -> dict[str, Any]:
    """Run our pacer for many days, each begun cold, and count those that ended over the limit."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(_our_day, [(name, limit, seed + n) for n in range(days)], chunksize=1)
    return {
        "scenario": name, "policy": "callbox", "limit": limit, "days": days,
        "days_over_limit": sum(d.abandoned > limit for d in found),
        "max": round(max(d.abandoned for d in found), 6), "abandoned": round(_abandoned(found), 6),
        "utilisation": round(statistics.fmean(d.utilisation for d in found), 6),
        "utilisation_min": round(min(d.utilisation for d in found), 6),
        "worst_half_hour": round(max(d.worst_half_hour for d in found), 6),
        "worst_half_hour_mean": round(statistics.fmean(d.worst_half_hour for d in found), 6),
    }  # fmt: skip


def _our_day(task: tuple[str, float, int]) -> Day:
    name, limit, seed = task
    return simulate(SCENARIOS[name], Callbox(limit), seed)


def decision_cost() -> dict[str, Any]:
    """CPU time of `Pacer.decide` with 60 agents at work and 200 dials under way, tables made anew as they fall due."""
    pacer = Pacer()
    now_s = 0.0
    for n in range(_COST_AGENTS):
        pacer.observe(AgentState(f"a{n}", "ready", now_s))
    for n in range(400):  # something to have learnt from
        attempt, agent, at_s = f"before{n}", f"a{n % _COST_AGENTS}", n * 1.0
        pacer.observe(AttemptStarted(attempt, at_s))
        if n % 3 == 0:
            pacer.observe(Answered(attempt, at_s + 8.0))
            pacer.observe(Connected(attempt, agent, at_s + 8.0))
            pacer.observe(AgentState(agent, "wrap_up", at_s + 60.0))
            pacer.observe(AgentState(agent, "ready", at_s + 80.0))
        pacer.observe(AttemptEnded(attempt, "human" if n % 3 == 0 else "no_answer", at_s + 80.0))
        now_s = at_s + 80.0
    for n in range(_COST_AGENTS):
        pacer.observe(AgentState(f"a{n}", "talking" if n % 6 else "wrap_up", now_s + n * 0.01))
    spent_ms = []
    for n in range(_DECISIONS):
        now_s += 0.25
        if n % 100 == 0:
            for k in range(_COST_DIALS):
                pacer.observe(AttemptEnded(f"d{n - 100}-{k}", "no_answer", now_s))
                pacer.observe(AttemptStarted(f"d{n}-{k}", now_s - (k % 28)))
        begun = time.thread_time()
        pacer.decide(now_s)
        spent_ms.append(1000.0 * (time.thread_time() - begun))
    spent_ms.sort()
    return {
        "agents": _COST_AGENTS, "in_flight": _COST_DIALS, "decisions": _DECISIONS,
        "mean_ms": round(statistics.fmean(spent_ms), 4), "p50_ms": round(spent_ms[_DECISIONS // 2], 4),
        "p99_ms": round(spent_ms[_DECISIONS * 99 // 100], 4), "max_ms": round(spent_ms[-1], 4),
    }  # fmt: skip
