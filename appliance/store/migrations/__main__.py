"""For developers: `python -m appliance.store.migrations "what changed"` writes the next version from the models.

The difference is taken between a fresh, fully migrated SQLite database and `appliance.store.models`. Read the file
before it is committed: a rename looks like a drop and an add.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from appliance.store.db import Store, migrate, migration_config


def main(message: str) -> None:
    config = migration_config()
    number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'probe.sqlite'}")
        migrate(store)
        with store.engine.connect() as connection:
            config.attributes["connection"] = connection
            config.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")
        store.close()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "change")
