"""Change a port's address so that it takes itself back: `try` writes and arms, `keep` disarms, `back` undoes.

Root's part; `privd` calls it with checked arguments. What is tried lies in /run under a name that comes before the kept
one's (systemd.network(5): the first file that matches a port wins), so that a reboot during the trial undoes it too.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

KEPT, TRIED = Path("/etc/systemd/network"), Path("/run/systemd/network")
_TIMER = "callbox-network-back"
_TRIED, _KEPT = "05-callbox-", "10-callbox-"


def text_of(port: str, address: str, gateway: str) -> str:
    """The file of systemd.network(5) for a port."""
    lines = ["# written by the web UI or the console", "[Match]", f"Name={port}", "[Network]"]
    if address == "dhcp":
        lines.append("DHCP=yes")
    else:
        lines.append(f"Address={address}")
        lines += [f"Gateway={gateway}"] if gateway != "none" else []
    return "\n".join([*lines, "LinkLocalAddressing=ipv6", ""])


def _run(*words: str, check: bool = True) -> None:
    subprocess.run(words, check=check, timeout=20)


def _apply() -> None:
    _run("networkctl", "reload")


def _disarm() -> None:
    _run("systemctl", "stop", f"{_TIMER}.timer", check=False)


def try_(port: str, address: str, gateway: str, seconds: str) -> None:
    """Change now; the timer is armed first, so that a change that cuts everything off ends in any case."""
    TRIED.mkdir(parents=True, exist_ok=True)
    back()
    _run(
        "systemd-run", f"--unit={_TIMER}", f"--on-active={seconds}", "--timer-property=AccuracySec=1s",
        sys.executable, "-P", "-m", "appliance.services.privileged.network", "back",
    )  # fmt: skip
    (TRIED / f"{_TRIED}{port}.network").write_text(text_of(port, address, gateway), "utf-8")
    _apply()


def keep() -> None:
    """The tried files become the kept ones."""
    _disarm()
    KEPT.mkdir(parents=True, exist_ok=True)
    for file in TRIED.glob(f"{_TRIED}*.network"):
        (KEPT / file.name.replace(_TRIED, _KEPT, 1)).write_text(file.read_text("utf-8"), "utf-8")
        file.unlink()
    _apply()


def back() -> None:
    """The tried files go; what was kept holds again."""
    _disarm()
    found = list(TRIED.glob(f"{_TRIED}*.network"))
    for file in found:
        file.unlink()
    if found:
        _apply()


VERBS: dict[str, Callable[..., None]] = {"try": try_, "keep": keep, "back": back}

if __name__ == "__main__":
    VERBS[sys.argv[1]](*sys.argv[2:])
