"""The line test as a talk on a plain terminal (80x24, ASCII): picture, step, question, figures, verdict."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from appliance import texts

if TYPE_CHECKING:
    from appliance.watch.line_test import LineTester

Ask = Callable[[str], str]
Say = Callable[[str], None]

PICTURES = {
    "across": (
        "  exchange ==a==+=======+==[port]     meter: V and COM",
        "                | black |             black (COM) on a",
        "  exchange ==b==+==red==+==[port]     red   (V)   on b",
    ),
    "series": (
        "  exchange ==a=================[port]   meter: mA and COM",
        "  exchange ==b==red(mA) (COM)black==[port]   wire b opened, meter between",
    ),
    "cleared": (
        "  exchange  X  ==a==+ black (COM)      meter: V and COM",
        "  exchange  X  ==b==+ red   (V)        X: both ends taken off",
    ),
    "isolated": (
        "  exchange  X  ==a==+ black (COM)      meter: ohm and COM",
        "  exchange  X  ==b==+ red   (ohm)      X: both ends taken off",
    ),
    "e1": (
        "  exchange ====[monitor point]====[box]",
        "                     |",
        "                 [E1 tester: receive]",
    ),
}
_KEYS = {"ready": "Enter", "yes": "yes", "no": "no", "again": "a", "next": "Enter", "skip": "s", "abort": "q"}
_WORDS = {
    "ready": "go on", "yes": "measure", "no": "back", "again": "again", "next": "next", "skip": "skip", "abort": "end",
}  # fmt: skip
_MARK = {"ok": "ok  ", "warn": "WARN", "bad": "BAD "}
_WIDTH = 78


def said(text_id: str, language: str = "en", **figures: object) -> texts.Words:
    """Words of the line test."""
    return texts.words(f"line_test.{text_id}", language, figures) or texts.Words(text_id, text_id)


def measure(
    tester: LineTester, pair: str, resource: str, ask: Ask, say: Say, *, by: str, profile_id: str = "scpi_meter",
    simulate: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A whole test; the instrument is let go and what was measured kept, also when the terminal goes away.

    Returns the result as `watch.line_test.result_as_dict` has it; empty when nothing was measured.
    """
    from appliance.watch.line_test import result_as_dict

    try:
        view = tester.begin(pair, resource, by=by, profile_id=profile_id, simulate=simulate)
        say(f"{view['instrument']} at {view['resource']}")
        last = talk(tester, view, ask, say)
    finally:
        tester.close()
    if not last.get("kept"):
        return {}
    result = tester.book.result(last["id"])
    return result_as_dict(result, tester.book.results(result.pair))


def talk(tester: LineTester, view: dict[str, Any], ask: Ask, say: Say) -> dict[str, Any]:
    """Lead the technician through a test that was begun; returns the last view."""
    shown = ""
    while view["may"]:
        if view["step"] != shown and view["state"] == "probes":
            shown = view["step"]
            step = said(f"step.{shown}")
            say(f"--- {view['number']}/{view['of']} {step.title}")
            for line in (*PICTURES.get(view["picture"], ()), *_wrapped(step.text)):
                say(line)
        _say_state(view, say)
        view = tester.act(view["id"], _event(view["may"], ask))
    return view


def _say_state(view: dict[str, Any], say: Say) -> None:
    if view["state"] == "safety":
        for line in PICTURES.get(view["picture"], ()):
            say(line)
        words = said(f"safety.{view['step']}")
        for line in _wrapped(f"!! {words.title}. {words.text}"):
            say(line)
    trouble = view["trouble"]
    if trouble.get("text") == "line_test.live":
        words = said("live", found=trouble["found"])
        for line in _wrapped(f"!! {words.title}. {words.text}"):
            say(line)
    elif trouble:
        for line in _wrapped(f"!! {trouble['message']}"):
            say(line)
    if view["state"] == "shown":
        say_figures(view["figures"], say)


def say_figures(figures: list[dict[str, Any]], say: Say) -> None:
    """Each figure with its verdict, and what to do when it is not in order."""
    for figure in figures:
        meant = said(f"{figure['quantity']}.{figure['reason']}")
        moved = figure.get("change")
        trend = "" if moved is None else f" {moved:+.0%}"
        name = said(f"name.{figure['quantity']}").title
        say(f"{_MARK[figure['verdict']]} {name:20} {figure['shown']:>10}{trend}  {meant.title}")
        if figure["verdict"] != "ok":
            for line in _wrapped(meant.text, "     "):
                say(line)


def _event(may: list[str], ask: Ask) -> str:
    """What the technician answers; a yes before a dangerous step must be written out."""
    offer = ", ".join(f"{_KEYS[event]}: {_WORDS[event]}" for event in may)
    while True:
        typed = ask(f"{offer} > ").strip().lower()
        for event in may:
            if typed == event or typed == _KEYS[event].lower() or (not typed and _KEYS[event] == "Enter"):
                return event


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
