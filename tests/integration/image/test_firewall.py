"""The device's firewall rules: the kernel takes them, and what is open is what the product serves."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

RULES = Path(__file__).resolve().parents[3] / "image_build/image/overlay/etc/nftables.conf"


def test_rules_load_and_open_only_what_is_served() -> None:
    nft = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin:/bin")
    assert nft is not None, "package nftables is missing"
    subprocess.run([nft, "--file", str(RULES)], check=True, timeout=60)
    listed = subprocess.run([nft, "list", "ruleset"], check=True, capture_output=True, text=True, timeout=60).stdout
    assert "policy drop" in listed
    opened = {port for ports in re.findall(r"dport \{ ([^}]+) \}", listed) for port in ports.split(", ")}
    opened |= set(re.findall(r"^\s+udp dport (\d+) accept", listed, re.M))
    assert opened == {"443", "5060", "5061", "5080", "22000-27999", "30000-31999", "162"}
