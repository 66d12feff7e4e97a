"""Build step of the web UI: browser assets and message catalogues. `python -m webui.build [assets|messages]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

HERE = Path(__file__).parent


def build_assets() -> None:
    """Install the locked npm packages (their scripts stay off) and bundle them into static/dist."""
    frontend = HERE / "frontend"
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=frontend, check=True
    )
    subprocess.run(["node", "build.mjs"], cwd=frontend, check=True)


def build_messages() -> None:
    """Compile each messages.po beside it; entries marked fuzzy are left out."""
    for source in sorted(HERE.glob("translations/*/LC_MESSAGES/messages.po")):
        with source.open("rb") as handle:
            catalogue = read_po(handle, locale=source.parts[-3])
        with source.with_suffix(".mo").open("wb") as handle:
            write_mo(handle, catalogue)


STEPS = {"assets": build_assets, "messages": build_messages}

if __name__ == "__main__":
    for step in sys.argv[1:] or STEPS:
        STEPS[step]()
