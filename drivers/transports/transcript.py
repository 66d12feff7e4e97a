"""The raw dialogue with a card, kept for support: passwords masked, bounded in size."""

from __future__ import annotations

from pathlib import Path

MASK = "********"
_MAX_BYTES = 256 * 1024


class Transcript:
    """What was sent (``>``) and received (``<``), line by line; the older half is kept as ``<name>.1``."""

    def __init__(self, path: Path | None, secrets: tuple[str, ...]) -> None:
        self._path = path
        self._secrets = tuple(secret for secret in secrets if secret)
        self._partial = ""

    def sent(self, text: str) -> None:
        """Note what was sent."""
        self._received_rest()
        self._write(f"> {self._masked(text)!r}\n")

    def received(self, text: str) -> None:
        """Note what came; complete lines only, so that a password never escapes the mask in halves."""
        self._partial += text
        *lines, self._partial = self._partial.split("\n")
        self._write("".join(f"< {self._masked(line)!r}\n" for line in lines))

    def _received_rest(self) -> None:
        if self._partial:
            self._write(f"< {self._masked(self._partial)!r}\n")
            self._partial = ""

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def _write(self, text: str) -> None:
        if self._path is None or not text:
            return
        try:
            if self._path.exists() and self._path.stat().st_size > _MAX_BYTES:
                self._path.replace(self._path.with_name(self._path.name + ".1"))
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            self._path = None  # a full disk must not stop the reading of lines
