"""Scripts: steps, answers, what must be said, and what is wrong before it goes live."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.compliance_profile import profile_ids
from appliance.domain.disclosures import disclosures_of
from appliance.domain.script import Fault, following, parse, problems, reachable

pytestmark = pytest.mark.unit

TEXT = """Before the first heading
# Greeting
Good day {name}.
! recording: We record this call.
!Be kind.
* Yes -> The  debt
- No → goodbye
- a list without an arrow
## The debt
{amount}
# Goodbye
"""


def test_a_script_is_cut_into_steps() -> None:
    steps = parse(TEXT)
    assert [one.title for one in steps] == ["", "Greeting", "The debt", "Goodbye"]
    greeting = steps[1]
    assert greeting.text == "Good day {name}.\n- a list without an arrow"
    assert [(one.key, one.text) for one in greeting.must] == [("recording", "We record this call."), ("", "Be kind.")]
    assert [(one.text, one.to) for one in greeting.answers] == [("Yes", "The  debt"), ("No", "goodbye")]
    assert [following(steps, index) for index in range(4)] == [[1], [2, 3], [3], []]
    assert parse("") == ()
    assert [one.title for one in parse("only words")] == [""]


def test_a_good_script_has_no_problems() -> None:
    assert problems(TEXT, known={"name", "amount"}, disclosures=["recording"]) == []


@pytest.mark.parametrize(
    ("text", "fault", "what"),
    [
        ("Hello {nmae}", Fault.UNKNOWN_PLACEHOLDER, "nmae"),
        ("# A\n* {x} -> A", Fault.UNKNOWN_PLACEHOLDER, "x"),
        ("# A\n* yes -> B\n# C\n# B", Fault.UNREACHABLE, "C"),
        ("# A\n* yes -> D\n", Fault.NO_SUCH_STEP, "D"),
        ("# A\n# a ", Fault.TWICE, "a"),
        ("# A\nThis call is recorded.", Fault.MISSING_DISCLOSURE, "recording"),
        ("# A\n* x -> A\n# B\n! recording: never reached", Fault.MISSING_DISCLOSURE, "recording"),
    ],
)
def test_what_is_wrong_is_named(text: str, fault: Fault, what: str) -> None:
    wanted = ["recording"] if fault is Fault.MISSING_DISCLOSURE else []
    assert (fault, what) in [(one.fault, one.what) for one in problems(text, known=set(), disclosures=wanted)]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="#*-> \n!{}ab:\0\u202e", max_size=80))
def test_any_text_is_a_script(text: str) -> None:
    steps = parse(text)
    assert reachable(steps) <= set(range(len(steps)))
    problems(text, known=set())


def test_rules_say_what_must_be_said() -> None:
    for name in profile_ids():
        for one in disclosures_of({"rule_profile": name}):
            assert one.source, name
    keys = {name: [one.key for one in disclosures_of({"rule_profile": name})] for name in ("neutral", "ru", "us", "uk")}
    assert keys["neutral"] == []
    assert keys["ru"] == ["recording", "identity", "creditor"]
    assert "debt_collection" in keys["us"]
    assert keys["uk"] == ["recording"]
    assert disclosures_of({"rule_profile": "uk", "record": False}) == []
