"""A running box on a small disk of its own, for each module that breaks it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.bench import box as boxes
from appliance.bench.plan import DialPlan, GatewayPlan, load_plan, plan_file
from appliance.bench.provide import NO_PASSWORD, provide
from appliance.bench.room import RoomPlan
from appliance.ids import new_id
from appliance.settings import Home
from appliance.store.models import User
from appliance.types import Role
from tests.e2e.box.faulty import AGENTS, RESERVE_MB, FaultyBox, all_numbers

DISK_MB = 220


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of its own at `folder`; False where we may not mount one."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "callbox-test", str(folder)], capture_output=True
    ).returncode == 0  # fmt: skip
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def running(private_network: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyBox]:
    """Two gateways, six agents at six phones, all numbers known; customers decide how long they talk."""
    folder = tmp_path_factory.mktemp("faults")
    with small_disk(folder / "home") as mounted:
        home = Home(folder / "home")
        outside = tmp_path_factory.mktemp("bench")  # the exchange is no part of the box's disk
        (home.root / "bench").symlink_to(outside)
        home.make()
        network = boxes.choose_network()
        settings = boxes.private_settings(
            home, network, recording={"reserve_mb": RESERVE_MB},
            dialling={"ring_timeout_s": 8.0, "wrap_up_s": 5.0, "seat_answer_timeout_s": 2.0},
        )  # fmt: skip
        boxes.provide_sounds(home, lambda _done, _total, _what: None)
        store = boxes.prepare(home, settings)
        plan = DialPlan(
            gateways=[GatewayPlan(address=f"127.{network}.1.{host}") for host in (1, 2)], numbers=all_numbers()
        )
        provide(
            home, settings, store, plan=plan, seats=AGENTS, agents=True, network=network, channels=30,
            room=RoomPlan(talk_s=(40.0, 40.0), wrap_up_s=(0.2, 0.6)),
        )  # fmt: skip
        manager_id = new_id()
        with store.write() as session:
            session.add(
                User(id=manager_id, login="manager", display_name="Manager", role=Role.ADMINISTRATOR,
                     password_hash=NO_PASSWORD, created_at=datetime.now(UTC))
            )  # fmt: skip
        box = FaultyBox(home, settings, store, manager_id, mounted)
        try:
            box.start()
            yield box
        finally:
            box.stop()
            shutil.copytree(home.logs, folder / "log", dirs_exist_ok=True)  # the disk goes
            store.close()


@pytest.fixture(scope="module")
def whole_gateways(running: FaultyBox) -> list[GatewayPlan]:
    """The gateways with nothing wrong."""
    return load_plan(plan_file(running.home)).gateways


@pytest.fixture
def box(running: FaultyBox, whole_gateways: list[GatewayPlan]) -> FaultyBox:
    """The running box with all agents ready, whatever the test before has left."""
    running.mend(whole_gateways)
    return running
