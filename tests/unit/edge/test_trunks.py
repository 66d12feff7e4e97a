"""Number rules, previews and the check of a trunk's configuration."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import ValidationErrors
from appliance.telephony.trunks import NumberRule, Preview, apply_rules, parse_trunk, preview, to_plain

pytestmark = pytest.mark.unit

CHINA = {
    "gateways": [{"address": "192.0.2.10"}, {"address": "gw2.example.net", "port": 5070, "transport": "tcp"}],
    "outbound": {
        "called": [
            {"match": r"\+861[3-9]\d{9}$", "strip": 3, "prepend": "0"},
            {"match": r"\+86", "strip": 3},
            {"match": r"\+", "strip": 1, "prepend": "00"},
        ]
    },
}


def rules(*texts: tuple[str, int, str]) -> tuple[NumberRule, ...]:
    return tuple(NumberRule(match=match, strip=strip, prepend=prepend) for match, strip, prepend in texts)


def test_the_preview_says_what_is_sent_and_by_which_rule() -> None:
    config = parse_trunk(CHINA)
    assert preview(config, "+8613800138000") == Preview("+8613800138000", "013800138000", 1)
    assert preview(config, "+861088886666") == Preview("+861088886666", "1088886666", 2)
    assert preview(config, "+442079460000") == Preview("+442079460000", "00442079460000", 3)
    assert preview(config, "110") == Preview("110", "110", None)


def test_the_first_rule_that_applies_wins() -> None:
    assert apply_rules(rules(("9", 1, "1"), ("99", 2, "2")), "995") == "195"
    assert apply_rules(rules(("99", 2, "2"), ("9", 1, "1")), "995") == "25"


def test_a_rule_never_eats_the_whole_number() -> None:
    assert apply_rules(rules((r"\+86", 3, "")), "+86") == "+86"


def test_a_pattern_is_anchored_at_the_start() -> None:
    assert apply_rules(rules(("86", 2, "")), "1386000") == "1386000"


@pytest.mark.parametrize(
    "pattern",
    ["(?=1)", "1*?", "1++", "^+86", r"\w+", r"\1", "[0-9", "a|b", '1"', "1$(rU)", "1;2", "(", ")", "1{2", "{2}", "[]",
     "[9-0]", "*1", "[[1]", r"[\]]", "1{3,1}", "1{2}{3}", "\\"],
)  # fmt: skip
def test_patterns_that_python_and_the_edge_could_read_differently_are_refused(pattern: str) -> None:
    with pytest.raises(ValidationErrors) as caught:
        parse_trunk({"gateways": [{"address": "192.0.2.1"}], "outbound": {"called": [{"match": pattern}]}})
    assert [field for field, _, _ in caught.value.errors] == ["outbound.called.0.match"]


def _grep(pattern: str, number: str) -> bool:
    """POSIX extended expressions as the C library reads them, which is what Kamailio uses."""
    return subprocess.run(["grep", "-Eq", "--", pattern], input=number.encode(), check=False).returncode == 0


PIECES = st.sampled_from(
    ["1", "8", r"\+", "[2-9]", r"\d", r"[\d*]", "(1|86)", ".", "1?", "8*", r"\d{2,3}", "6+", "$", r"[^\d+]", "()", "8|"]
)


@settings(max_examples=40, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=4), st.lists(st.sampled_from("+168*#"), min_size=1, max_size=6))
def test_python_and_posix_read_a_pattern_alike(pieces: list[str], digits: list[str]) -> None:
    rule = NumberRule(match="".join(pieces))
    number = "".join(digits)
    assert _grep(rule.posix, number) == (re.match(rule.match, number) is not None)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValidationErrors) as caught:
        parse_trunk(
            {
                "gateways": [{"address": "999.1.1.1"}, {"address": "192.0.2.1", "port": 70000}, {"address": "a.b"}],
                "channels": 0,
                "outbound": {"called": [{"match": "(", "prepend": "abc"}]},
                "colour": "red",
            }
        )
    fields = {field for field, _, _ in caught.value.errors}
    assert fields == {
        "gateways.0.address", "gateways.1.port", "channels", "outbound.called.0.match",
        "outbound.called.0.prepend", "colour",
    }  # fmt: skip


def test_gateways_must_differ() -> None:
    with pytest.raises(ValidationErrors, match="given twice"):
        parse_trunk({"gateways": [{"address": "192.0.2.1"}, {"address": "192.0.2.1"}]})


def test_plain_data_goes_round() -> None:
    config = parse_trunk({**CHINA, "provider": {"user": "a", "password": "p$w", "registers": True}})
    assert "p$w" not in repr(config)
    assert parse_trunk(to_plain(config)) == config
