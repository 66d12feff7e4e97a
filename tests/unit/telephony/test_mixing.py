"""Who hears whom, case by case and as laws that hold in every state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.telephony.mixing import Mix, routes
from appliance.types import SuperviseMode

pytestmark = pytest.mark.unit

BOTH = frozenset({"trunk", "seat"})
ALL = BOTH | {"supervisor"}
RECORDED = {("trunk", "left"), ("seat", "right")}
BRIDGE = {("trunk", "seat"), ("seat", "trunk")}
LISTEN = {("trunk", "supervisor"), ("seat", "supervisor")}


@pytest.mark.parametrize(
    ("mix", "wanted"),
    [
        (Mix(), {("trunk", "left")}),
        (Mix(frozenset({"trunk"})), {("trunk", "left")}),
        (Mix(BOTH), BRIDGE | RECORDED),
        (Mix(BOTH, held=True), {("music", "trunk")} | RECORDED),
        (Mix(ALL), BRIDGE | RECORDED),
        (Mix(ALL, supervise=SuperviseMode.LISTEN), BRIDGE | RECORDED | LISTEN),
        (Mix(ALL, supervise=SuperviseMode.WHISPER), BRIDGE | RECORDED | LISTEN | {("supervisor", "seat")}),
        (
            Mix(ALL, supervise=SuperviseMode.BARGE),
            BRIDGE | RECORDED | LISTEN | {("supervisor", "seat"), ("supervisor", "trunk"), ("supervisor", "right")},
        ),
        (
            Mix(ALL, supervise=SuperviseMode.BARGE, held=True),
            {("music", "trunk")} | RECORDED | LISTEN | {("supervisor", "seat")},
        ),
        (
            Mix(frozenset({"trunk"}), prompt_to="trunk"),
            {("trunk", "left"), ("prompt", "trunk"), ("prompt", "right")},
        ),
        (Mix(BOTH, prompt_to="seat"), {("seat", "trunk"), ("prompt", "seat")} | RECORDED),
        (
            Mix(BOTH | {"transfer"}),
            BRIDGE | RECORDED | {("transfer", "trunk"), ("trunk", "transfer"), ("seat", "transfer")}
            | {("transfer", "seat"), ("transfer", "right")},
        ),
    ],
)  # fmt: skip
def test_table(mix: Mix, wanted: set[tuple[str, str]]) -> None:
    assert routes(mix) == wanted


mixes = st.builds(
    Mix,
    talking=st.frozensets(st.sampled_from(["trunk", "seat", "supervisor", "transfer"])),
    held=st.booleans(),
    supervise=st.none() | st.sampled_from(SuperviseMode),
    prompt_to=st.none() | st.sampled_from(["trunk", "seat"]),
)


@given(mixes)
def test_laws(mix: Mix) -> None:
    found = routes(mix)
    assert all(source != sink for source, sink in found), "nobody hears himself"
    assert ("trunk", "left") in found, "the customer is always recorded"
    assert not any(sink == "left" and source != "trunk" for source, sink in found), "left is the customer alone"
    hears_customer = {sink for source, sink in found if source == "trunk"}
    if mix.held:
        assert not hears_customer & {"seat", "transfer"}, "on hold our side does not hear the customer"
        assert not any(sink == "trunk" and source in ("seat", "transfer") for source, sink in found)
    if mix.supervise in (None, SuperviseMode.LISTEN):
        assert not any(source == "supervisor" for source, _ in found), "a listener is not heard"
    if mix.supervise is SuperviseMode.WHISPER:
        assert ("supervisor", "trunk") not in found, "the customer does not hear a whisper"
