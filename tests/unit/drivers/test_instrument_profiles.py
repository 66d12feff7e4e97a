"""Profiles of instruments: the shipped ones load, wrong ones are refused with the place and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.instruments.models import SHIPPED, InstrumentProfileError, find, load, load_all
from drivers.instruments.quantities import HAZARDOUS, Quantity

pytestmark = pytest.mark.unit

GOOD = 'id = "mine"\nmake = "M"\nmodel = "1"\nkind = "meter"\nidentity = "M,1"\n'


def test_shipped_profiles() -> None:
    known = load_all()
    assert set(known) == {"scpi_meter", "e1_generic", "sim_e1_tester"}
    assert set(known["scpi_meter"].queries) > HAZARDOUS
    assert not known["e1_generic"].queries  # no source shows a tester's commands
    assert all(profile.sources for profile in known.values())
    with pytest.raises(InstrumentProfileError, match="Known: "):
        find("nobody")


def test_a_profile_of_one_s_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD + '[queries]\nber = { command = "BER?", field = 2, scale = 1e-3 }\n')
    assert load_all(tmp_path)["mine"].queries[Quantity.BER].field == 2
    (tmp_path / "copy.toml").write_text((SHIPPED / "scpi_meter.toml").read_text())
    with pytest.raises(InstrumentProfileError, match="taken"):
        load_all(tmp_path)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ('[queries]\nber = { command = "BER" }', "asks nothing"),
        ('[queries]\nber = { command = "BER?", scale = 0.0 }', "scale"),
        ('[queries]\nweight = { command = "W?" }', "weight"),
        ('start = ["*CLS\\n*RST"]', "no command"),
        ('start = [""]', "no command"),
        ("timeout_s = 0.0", "timeout_s"),
        ('colour = "red"', "colour"),
        ("[queries", "mine.toml"),
    ],
)
def test_wrong_profiles_are_refused(tmp_path: Path, more: str, reason: str) -> None:
    (tmp_path / "mine.toml").write_text(GOOD + more)
    with pytest.raises(InstrumentProfileError, match=reason):
        load(tmp_path / "mine.toml")


def test_wrong_kind_or_pattern(tmp_path: Path) -> None:
    for wrong in (GOOD.replace("meter", "kettle"), GOOD.replace("M,1", "(")):
        (tmp_path / "mine.toml").write_text(wrong)
        with pytest.raises(InstrumentProfileError):
            load(tmp_path / "mine.toml")
