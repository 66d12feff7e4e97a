"""Profiles: the shipped ones are sound, and what is wrong with another is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import profiles
from drivers.lines import Verb
from drivers.profiles import ProfileError

pytestmark = pytest.mark.unit
GOOD = """
id = "test"
make = "M"
model = "m"
kind = "e1"
sources = ["a page"]
[console]
prompt = '(?P<host>\\w+)#'
[[console.sections]]
command = "show"
block = '^Port (?P<port>\\d+) is (?P<state>\\w+)'
up = ["up"]
clear = 'no alarm'
"""


def load(tmp_path: Path, text: str) -> profiles.Profile:
    path = tmp_path / "test.toml"
    path.write_text(text, encoding="utf-8")
    return profiles.load(path)


def test_shipped_profiles_name_their_sources_and_readers() -> None:
    shipped = profiles.load_all()
    assert set(shipped) == {
        "cisco_e1", "dahdi", "ds1_mib", "audiocodes_e1", "audiocodes_fxo", "sim_e1", "sim_fxo",
    }  # fmt: skip
    assert shipped["cisco_e1"].readers == ("console",)
    assert shipped["ds1_mib"].readers == ("snmp",)


def test_a_bare_card_is_never_offered_as_a_trunk() -> None:
    assert not profiles.find("dahdi").places_calls
    assert "never offered as a trunk" in profiles.find("dahdi").note


def test_together_the_simulated_cards_have_every_verb() -> None:
    assert {*profiles.find("sim_e1").verbs, *profiles.find("sim_fxo").verbs} == set(Verb)


def test_a_verb_without_words_is_not_offered() -> None:
    assert Verb.BERT_START not in profiles.find("cisco_e1").verbs


def test_a_sound_profile_loads(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).readers == ("console",)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('kind = "e1"', 'kind = "t1"', "kind"),
        ('sources = ["a page"]', "sources = []", "sources: name at least one"),
        ('model = "m"', 'modle = "m"', "modle"),
        ("(?P<host>\\w+)#", "gw#", "'host' is missing"),
        ("(?P<host>\\w+)#", "(?P<host>\\w+#", "is no pattern"),
        ("(?P<host>\\w+)#", "(?P<host>(\\w+)+)#", "nested repeats"),
        ("clear = 'no alarm'", "", "can never be called up"),
        ("clear = 'no alarm'", "clear = 'no alarm'\nfields = { volt = '(1)' }", "'volt' is no field"),
        ("clear = 'no alarm'", "clear = 'no alarm'\nfields = { es = '1' }", "exactly 1 group"),
        ("[console]", "[console", "is no TOML"),
        ("[console]", "[verbs.loop_line]\ncommands = ['x']\n[console]", "cannot be read back"),
        (
            "[console]",
            "[verbs.loop_line]\ncommands=['x']\nread='y'\ncurrent='(z)'\nwant='z'\n[console]",
            "needs loop_off beside it",
        ),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(ProfileError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert says in str(caught.value)
    assert "test.toml" in str(caught.value)


def test_the_file_is_called_as_its_id(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="called 'test'"):
        load(tmp_path, GOOD.replace('id = "test"', 'id = "other"'))


@pytest.mark.parametrize("name", ["nothing", "../../etc/passwd", ""])
def test_an_unknown_profile_lists_the_known(name: str) -> None:
    with pytest.raises(ProfileError, match=r"known are:.*cisco_e1"):
        profiles.find(name)
