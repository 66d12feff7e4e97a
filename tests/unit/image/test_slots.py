"""The script between RAUC, the health gate and GRUB's boot variables, on variables in a plain file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SLOT = Path(__file__).resolve().parents[3] / "image_build/image/overlay/usr/lib/callbox/slot"
ESP = """#!/bin/sh
# the variables of the test: esp env | esp set KEY=VALUE...
if [ "$1" = env ]; then cat "$VARIABLES"; exit; fi
shift
for word in "$@"; do
  sed -i "/^${word%%=*}=/d" "$VARIABLES"
  echo "$word" >>"$VARIABLES"
done
"""


class Slots:
    """A box that runs one slot."""

    def __init__(self, folder: Path, running: str, **variables: str) -> None:
        self._variables, esp, line = folder / "variables", folder / "esp", folder / "cmdline"
        start = {"ORDER": "A B", "A_OK": "1", "B_OK": "0", "A_TRY": "1", "B_TRY": "0", **variables}
        self._variables.write_text("".join(f"{key}={value}\n" for key, value in start.items()))
        esp.write_text(ESP)
        esp.chmod(0o755)
        line.write_text(f"quiet rauc.slot={running} panic=10\n")
        (folder / "systemctl").write_text('#!/bin/sh\necho "$@" >>"$VARIABLES.systemctl"\n')
        (folder / "systemctl").chmod(0o755)
        self._environment = {
            "CALLBOX_ESP": str(esp), "CALLBOX_CMDLINE": str(line), "VARIABLES": str(self._variables),
            "CALLBOX_SYSTEMCTL": str(folder / "systemctl"), "CALLBOX_MACHINE_ID": str(folder / "machine-id"),
        }  # fmt: skip

    def say(self, *words: str, status: int = 0, **environment: str) -> str:
        done = subprocess.run(
            ["sh", str(SLOT), *words], env={**self._environment, **environment}, capture_output=True, text=True,
            check=False, timeout=30,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return done.stdout.strip()

    @property
    def variables(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self._variables.read_text().splitlines())


def test_a_new_box(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "A")
    assert slots.say("get-current") == "A"
    assert slots.say("get-primary") == "A"
    assert [slots.say("get-state", slot) for slot in "AB"] == ["good", "bad"]


def test_an_update_is_tried_and_proven(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "A")
    slots.say("set-state", "B", "bad")
    slots.say("set-primary", "B")
    assert slots.say("get-primary") == "B"
    assert slots.variables["TRIAL"] == "B"
    after = Slots(tmp_path, "B", **{**slots.variables, "B_TRY": "1"})
    assert "proven" in after.say("good")
    assert (after.variables["TRIAL"], after.variables["B_TRY"], after.variables["B_OK"]) == ("", "0", "1")


def test_three_tries_then_the_other(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "A", ORDER="B A", B_OK="1", B_TRY="3")
    assert slots.say("get-primary") == "A"
    assert Slots(tmp_path, "A", A_OK="0").say("get-primary", status=1) == ""


def test_a_slot_on_trial_that_is_not_well_reboots(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "B", TRIAL="B", B_OK="1", B_TRY="1", ORDER="B A")
    slots.say("judged", SERVICE_RESULT="exit-code")
    assert (tmp_path / "variables.systemctl").read_text() == "--no-block reboot\n"
    assert slots.variables["B_TRY"] == "1"


def test_a_proven_slot_stays_good_when_the_gate_stays_closed(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "A", TRIAL="", A_TRY="2")
    slots.say("judged", SERVICE_RESULT="exit-code")
    assert slots.variables["A_TRY"] == "0"
    assert not (tmp_path / "variables.systemctl").exists()


def test_the_gate_s_success_is_not_judged_again(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "B", TRIAL="B", B_TRY="1")
    slots.say("judged", SERVICE_RESULT="success")
    assert slots.variables["B_TRY"] == "1"


def test_power_that_fails_again_and_again_costs_a_proven_slot_nothing(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "B", ORDER="B A", B_OK="1", B_TRY="3", A_TRY="0")
    slots.say("reached")
    assert slots.variables["B_TRY"] == "0"
    trial = Slots(tmp_path, "B", ORDER="B A", B_OK="1", B_TRY="2", TRIAL="B")
    trial.say("reached")
    assert trial.variables["B_TRY"] == "2"


def test_an_older_version_that_cannot_take_the_data_gives_way(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "A", ORDER="B A", B_OK="1", B_TRY="3")
    slots.say("judged", "data", SERVICE_RESULT="exit-code")
    assert slots.variables["B_TRY"] == "0"
    assert (tmp_path / "variables.systemctl").read_text() == "--no-block reboot\n"
    assert slots.say("get-primary") == "B"


def test_a_version_that_was_not_proven_is_not_started_again(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "A", ORDER="B A", B_OK="1", B_TRY="3", TRIAL="B")
    slots.say("judged", "data", SERVICE_RESULT="exit-code")
    assert not (tmp_path / "variables.systemctl").exists()
    slots.say("good")
    assert (slots.variables["ORDER"], slots.variables["B_OK"], slots.variables["TRIAL"]) == ("A B", "0", "")


def test_the_box_keeps_its_number(tmp_path: Path) -> None:
    (tmp_path / "machine-id").write_text("3d1219c7c4c54f4a978ab2946d933a3b\n")
    slots = Slots(tmp_path, "A", A_TRY="0")
    slots.say("reached")
    assert slots.variables["MACHINE_ID"] == "3d1219c7c4c54f4a978ab2946d933a3b"
    assert slots.variables["A_TRY"] == "0"
