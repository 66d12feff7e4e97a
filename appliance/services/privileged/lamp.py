"""The lamp of a disk's bay as root sets it. Run by `privd` only: ``python -m ...lamp BY-ID on|off``."""

from __future__ import annotations

import sys
from pathlib import Path

from drivers.lines import ReaderError
from drivers.raid.lamps import light


def main(words: list[str]) -> int:
    """Do it; what went wrong goes to standard output."""
    try:
        light(Path("/"), words[0], on=words[1] == "on")
    except ReaderError as error:
        print(error.message)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
