"""Carries out a replacement: looks, takes the next step, looks again. Root's part is named actions only.

Nothing is remembered but the serial number of the new disk and the array; a restart goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drivers.lines import ReaderError
from drivers.programs import Ran
from drivers.raid import replace
from drivers.raid.arrays import ArrayStatus
from drivers.raid.disks import Disk
from drivers.raid.look import Actions, Box, layout, look, see
from drivers.raid.replace import Facts, Layout, Picture, Role, Step


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a replacement is. `fraction` and `eta_s` of the rebuild while it is the step."""

    step: Step
    fraction: float | None = None
    eta_s: float | None = None


class Replacement:
    """Brings the disk `new_key` into `array`. `advance` is called again and again until it says DONE."""

    def __init__(self, root: Path, actions: Actions, array: str, new_key: str) -> None:
        self._root, self._actions = root, actions
        self.array, self.new_key = array, new_key
        self._boot_equal: bool | None = None

    def facts(self) -> tuple[Facts, Disk]:
        """What is there now, and the good disk. Raises ReaderError when one of the two has gone."""
        box = look(self._root)
        array = find_array(box, self.array)
        new = box.disk(self.new_key)
        if new is None:
            raise ReaderError("replace.disk_gone", f"The new disk ({self.new_key}) is not there. Plug it in again.")
        names = {m.disk for m in array.members if m.good}
        good = next((disk for disk in box.members_of(array) if disk.name in names and disk != new), None)
        if good is None:
            raise ReaderError("replace.no_good_disk", "No disk holds all data now. Pull nothing; call for help.")
        good_layout = layout(self._root, good.name, array)
        facts = Facts(array, new, good_layout, layout(self._root, new.name, array), self._boot_equal)
        return facts, good

    def advance(self) -> Progress:
        """Take the next step. Raises ReaderError with what to do; the same step may be tried again."""
        facts, good = self.facts()
        step = replace.next_step(facts)
        new = facts.new
        if step is Step.REMOVE_FAILED:
            self._remove_failed(facts)
        elif step is Step.PARTITION:
            self._do("disk-table-copy", source=good.by_id, target=new.by_id)
            self._do("disk-table-finish", device=new.by_id)
            self._do("disk-settle")
        elif step is Step.ADD:
            self._add(facts.array, _part(new, facts.good_layout.member))
        elif step is Step.VERIFY:
            ran = self._actions.do("disk-boot-compare", **self._boot(facts.good_layout, good, new))
            self._boot_equal = ran.status == 0
        elif step is Step.COPY_BOOT:
            self._do("disk-boot-copy", **self._boot(facts.good_layout, good, new))
            self._boot_equal = None
        waiting = step is Step.WAIT
        return Progress(step, facts.array.progress if waiting else None, facts.array.eta_s if waiting else None)

    def _boot(self, layout_: Layout, good: Disk, new: Disk) -> dict[str, str]:
        return {"source": _part(good, layout_.boot), "target": _part(new, layout_.boot)}

    def _remove_failed(self, facts: Facts) -> None:
        """md forgets what has gone; it says odd things about devices without a node, so the next look judges."""
        if any(not m.present and "faulty" not in m.state for m in facts.array.members):
            self._actions.do("raid-fail-detached", array=facts.array.name)
        for what in ("failed", "detached"):
            self._actions.do("raid-remove", array=facts.array.name, what=what)

    def _add(self, array: ArrayStatus, device: str) -> None:
        """A disk that was here before is brought up to date by the bitmap; any other is filled."""
        if self._actions.do("raid-re-add", array=array.name, device=device).status != 0:
            self._do("raid-add", array=array.name, device=device)

    def _do(self, action: str, **arguments: str) -> Ran:
        ran = self._actions.do(action, **arguments)
        if ran.status != 0:
            said = " ".join(ran.output.split())[-300:]
            raise ReaderError(f"replace.{action.replace('-', '_')}", f"'{action}' failed: {said or ran.status}")
        return ran


def _part(disk: Disk, number: int | None) -> str:
    return disk.by_id if number is None else f"{disk.by_id}-part{number}"


def find_array(box: Box, name: str) -> ArrayStatus:
    """Raises ReaderError `raid.unknown`."""
    found = next((array for array in box.arrays if array.name == name), None)
    if found is None:
        raise ReaderError("raid.unknown", f"There is no array {name}.")
    return found


def show(root: Path, actions: Actions, array: str) -> Picture:
    """What the wizard shows. Raises ReaderError `raid.unknown`."""
    box = look(root)
    found = find_array(box, array)
    return replace.picture(found, see(root, box, found, actions))


def choose(root: Path, actions: Actions, array: str, new_key: str, typed: str) -> Replacement:
    """Begin: everything is looked at anew, whatever the screen showed. Raises ReaderError `replace.*`."""
    shown = show(root, actions, array)
    placed = next((p for p in shown.placed if p.disk.key == new_key), None)
    if placed is None:
        raise ReaderError("replace.disk_gone", f"There is no disk {new_key} in the box.")
    if placed.role is not Role.NEW:
        why = f"{placed.refusal} {placed.found}".strip() if placed.refusal else f"it is {placed.role}"
        raise ReaderError("replace.refused", f"Disk {new_key} is not taken: {why}.")
    if not shown.ready:
        raise ReaderError("replace.not_ready", "The array is whole, or is being rebuilt: no disk is needed now.")
    if not replace.confirmed(placed.disk, typed):
        raise ReaderError("replace.not_confirmed", "These are not the last four characters of its serial number.")
    return Replacement(root, actions, array, new_key)


def retire(root: Path, actions: Actions, array: str, key: str, typed: str) -> Disk:
    """Take a living disk out of the array so that it can be pulled. Refused while the other does not hold all data."""
    box = look(root)
    found = find_array(box, array)
    disk = box.disk(key)
    member = next((m for m in found.members if disk is not None and m.disk == disk.name and m.present), None)
    if disk is None or member is None:
        raise ReaderError("replace.disk_gone", f"Disk {key} is not in {array}.")
    others_good = any(m.good and m.device != member.device for m in found.members)
    if not others_good or found.rebuilding:
        raise ReaderError("replace.last_good", "The other disk does not hold all data: this one must not go.")
    if not replace.confirmed(disk, typed):
        raise ReaderError("replace.not_confirmed", "These are not the last four characters of its serial number.")
    device = _part(disk, member.partition)
    for action, arguments in (("raid-fail", {"device": device}), ("raid-remove", {"what": "failed"})):
        ran = actions.do(action, array=array, **arguments)
        if ran.status != 0:
            said = " ".join(ran.output.split())[-300:]
            raise ReaderError(f"replace.{action.replace('-', '_')}", f"'{action}' failed: {said}")
    return disk
