"""A DAHDI tree in a folder, with the names and texts of the kernel module: for tests and demonstrations without a card.

Layout as seen under DAHDI 2.11 (``dahdi!chan!001!005``) and as in current sources (``dahdi!channels!1!5``).
"""

from __future__ import annotations

import shutil
from pathlib import Path


class SysfsTree:
    """Writes and changes the tree below `root`."""

    def __init__(self, root: Path, *, old_names: bool = True) -> None:
        self.root = root
        self._old_names = old_names
        self._devices = root / "sys/bus/dahdi_spans/devices"
        self._devices.mkdir(parents=True, exist_ok=True)

    def add_e1(self, span: int, *, first_channel: int = 1) -> None:
        """A digital span: 31 channels, slot 16 HDLC."""
        self._span(span, digital=True, channels=31, first_channel=first_channel, spantype="E1")
        for slot in range(1, 32):
            signalling = "HDLCFCS" if slot == 16 else "Clear"
            self._channel(span, slot, first_channel + slot - 1, f"TE4/0/{span}/{slot}", signalling)

    def add_fxo(self, span: int, ports: int, *, first_channel: int = 1) -> None:
        """An analog span whose ports all go to the exchange."""
        self._span(span, digital=False, channels=ports, first_channel=first_channel, spantype="FXO")
        for port in range(1, ports + 1):
            self._channel(span, port, first_channel + port - 1, f"WCTDM/{span}/{port}", "FXSKS")

    def set_alarms(self, span: int, bits: int) -> None:
        """Set a span's alarm bits."""
        (self._devices / f"span-{span}" / "alarms").write_text(f"{bits:#x}\n", encoding="ascii")

    def set_channel(self, span: int, position: int, *, in_use: bool | None = None, alarms: str | None = None) -> None:
        """Set what a channel does (``alarms`` in the kernel's words, as ``RED``)."""
        folder = self._channel_folder(span, position)
        if in_use is not None:
            (folder / "in_use").write_text(f"{int(in_use)}\n", encoding="ascii")
        if alarms is not None:
            (folder / "alarms").write_text(f"{alarms}\n", encoding="ascii")

    def remove(self, span: int) -> None:
        """Take the card out."""
        shutil.rmtree(self._devices / f"span-{span}")

    def _span(self, span: int, *, digital: bool, channels: int, first_channel: int, spantype: str) -> None:
        folder = self._devices / f"span-{span}"
        folder.mkdir()
        texts = {
            "alarms": "0x0", "basechan": first_channel, "channels": channels, "desc": f"Simulated card, span {span}",
            "is_digital": int(digital), "is_sync_master": int(span == 1), "lbo": "0 db (CSU)/0-133 feet (DSX-1)",
            "lineconfig": "HDB3/CCS/CRC4" if digital else "", "local_spanno": span, "name": f"SIM/{span}",
            "spantype": spantype, "syncsrc": 1,
        }  # fmt: skip
        for name, text in texts.items():
            (folder / name).write_text(f"{text}\n", encoding="ascii")

    def _channel(self, span: int, position: int, number: int, name: str, signalling: str) -> None:
        folder = self._channel_folder(span, position)
        folder.mkdir()
        texts = {
            "name": name, "channo": number, "chanpos": position, "sig": signalling, "alarms": "", "blocksize": 8,
            "in_use": 0,
        }  # fmt: skip
        for attribute, text in texts.items():
            (folder / attribute).write_text(f"{text}\n", encoding="ascii")

    def _channel_folder(self, span: int, position: int) -> Path:
        name = f"dahdi!chan!{span:03}!{position:03}" if self._old_names else f"dahdi!channels!{span}!{position}"
        return self._devices / f"span-{span}" / name
