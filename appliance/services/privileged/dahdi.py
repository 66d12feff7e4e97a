"""What root does for a DAHDI card: one maintenance command, or a changed configuration file. Run by `privd` only.

``python -m appliance.services.privileged.dahdi maint SPAN COMMAND`` | ``config TEXT``; answers with its exit status and
words. The configuration may differ from the one that stands only in framing, coding and CRC-4 of its spans: nobody
writes a file of his own into /etc this way.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from drivers.e1_gateway.dahdi_config import CONFIG, configure
from drivers.e1_gateway.spanstat import maintain
from drivers.lines import ReaderError
from drivers.programs import LocalPrograms, Programs

CONTROL = Path("/dev/dahdi/ctl")
_SPAN = re.compile(
    r"^(\s*span\s*=>?\s*\d+\s*,\s*\d+\s*,\s*\d+)\s*,\s*(?:ccs|cas)\s*,\s*(?:hdb3|ami)(\s*,\s*crc4)?(?=\s*(?:,|#|$))",
    re.MULTILINE,
)


def same_but_spans(old: str, new: str) -> bool:
    """Whether `new` is `old` with at most framing, coding and CRC-4 of E1 spans changed."""
    return _shape(old) == _shape(new)


def _shape(text: str) -> list[str]:
    kept = _SPAN.sub(lambda found: re.sub(r"\s|>", "", found[1]), text.lower())
    return [re.sub(r"\s+", "", line) if line.lstrip().startswith("span") else line for line in kept.split("\n")]


def config(text: str, programs: Programs, path: Path = CONFIG) -> tuple[int, str]:
    """Check, write and have `dahdi_cfg` take it; (status, words). Raises ReaderError `dahdi.no_config`, `.refused`."""
    try:
        old = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReaderError("dahdi.no_config", f"{path} cannot be read ({error}). Run dahdi_genconf first.") from error
    if not same_but_spans(old, text):
        raise ReaderError("dahdi.refused", f"Only framing, coding and CRC-4 of a span may change in {path}.")
    ran = configure(programs, path)(text)
    return ran.status, ran.output


def main(words: list[str]) -> int:
    """Do it; the answer goes to standard output."""
    try:
        if words[0] == "maint":
            maintain(CONTROL, int(words[1]), int(words[2]))
            return 0
        status, output = config(words[1], LocalPrograms())
    except ReaderError as error:
        print(f"{error.error_id}: {error.message}")
        return 2
    print(output)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
