"""The places of one box. Apart from the settings, so that the console on the serial line opens at once."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

DEVICE_SETTINGS = Path("/etc/callbox/settings.toml")
RELEASE = Path("/etc/callbox-release")
"""Both are there on the device only: what it sets for itself at each start, and the version of its image."""
WAITS_AT_START = Path("/run/callbox-data.waits")
"""Is there on a device that waits at each start until a person has typed its data's passphrase (image: `data`)."""


class Home:
    """The places of one box under `$CALLBOX_HOME`; every path of the box's state is named here and nowhere else."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.settings_file = self.root / "settings.toml"
        self.secrets_file = self.root / "secrets.toml"
        self.database = self.root / "callbox.sqlite"
        self.edge = self.root / "edge"  # rendered Kamailio config, its SQLite file
        self.front = self.root / "front"  # rendered nginx config, certificates
        self.bus = self.root / "bus"  # nats config and JetStream
        self.spool = self.root / "spool"  # recordings while calls run
        self.archive = self.root / "archive"  # encrypted recordings
        self.prompts = self.root / "prompts"
        self.announcements = self.root / "announcements"  # fingerprint library of the ear
        self.uploads = self.root / "uploads"
        self.logs = self.root / "log"
        self.run = self.root / "run"  # sockets and pid files
        self.bench = self.root / "bench"
        self.set_up_token = self.root / "set-up-token"
        self.outbox = self.root / "outbox"  # alerts that wait to be sent
        self.alerts_file = self.run / "alerts.json"  # what stands, for console and lamps when the database is away
        self.hardware_file = self.run / "hardware.json"  # lines, disks, sensors as last read
        self.console_code = self.root / "console-code.json"  # hash of the one-time service code
        self.console_entries = self.run / "console.d"  # menu entries that services register
        self.line_profiles = self.root / "line-profiles"  # makes and models taught from transcripts
        self.line_history = self.root / "line-quality.jsonl"  # errors of each span by quarters of an hour
        self.box_key = self.root / "box-key.pem"  # Ed25519, signs line-test reports
        self.line_tests = self.root / "line-tests.jsonl"  # results of line tests, each line signed
        self.instrument_profiles = self.root / "instrument-profiles"  # meters and testers described on site
        self.snmp_boots = self.root / "snmp-boots"  # how often our SNMP engine began, for v3 notifications
        self.disk_history = self.root / "disks.json"  # figures of each disk by day, running replacement, last tests
        self.backups = self.root / "backups"  # backup files, what is known of each, and `state.json`
        self.backup_key = self.root / "backup-key.json"  # made of the passphrase, so that backups need nobody
        self.restoring = self.root / "restoring"  # what is to be put in place at the next start, and what was there
        self.updates = self.root / "updates"  # uploaded update, its state and history

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.database}"

    def make(self) -> None:
        """Make all folders; private ones with mode 0700."""
        for folder in (
            self.root, self.edge, self.front, self.bus, self.spool, self.archive, self.prompts, self.announcements,
            self.uploads, self.logs, self.run, self.bench, self.outbox, self.line_profiles,
            self.instrument_profiles, self.backups, self.updates,
        ):  # fmt: skip
            if not folder.exists():
                folder.mkdir(parents=True)
                give_to_owner(folder)
        for folder in (self.edge, self.front, self.bus, self.spool, self.archive, self.uploads, self.logs, self.outbox,
                       self.backups, self.updates):  # fmt: skip
            folder.chmod(0o700)


def product_version() -> str:
    """The image's version on the device, else the installed one by the name of its metadata folder.

    importlib.metadata would be slow to import.
    """
    with contextlib.suppress(OSError):
        return RELEASE.read_text("ascii").strip()
    for folder in sys.path:
        if folder.endswith("site-packages"):
            for found in Path(folder).glob("callbox-*.dist-info"):
                return found.name.removeprefix("callbox-").removesuffix(".dist-info")
    return "?"


def give_to_owner(path: Path) -> None:
    """What root makes in a box's home belongs to whom the folder above belongs: the services have to write it too."""
    if os.geteuid() == 0:
        above = path.parent.stat()
        os.chown(path, above.st_uid, above.st_gid)


def home_from_environment() -> Home:
    """`$CALLBOX_HOME`, or `./var` in a checkout, or `/var/lib/callbox`."""
    named = os.environ.get("CALLBOX_HOME")
    if named:
        return Home(Path(named))
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").exists():
        return Home(checkout / "var")
    return Home(Path("/var/lib/callbox"))
