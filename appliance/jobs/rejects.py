"""The rows that an import did not take, as a workbook: correct them and send the file again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from appliance.domain.lists import DETAIL_HEADER, DUPLICATES, REASON_HEADER, REASON_TEXTS
from appliance.errors import NotFoundError
from appliance.outside.table_files import write_xlsx
from appliance.store.db import Store
from appliance.store.read import imports

_TEXTS = {reason.value: text for reason, text in REASON_TEXTS.items()}


def write_rejects(store: Store, import_id: str, target: Path | IO[bytes], *, duplicates: bool = False) -> None:
    """Write the original cells with the reason beside them; the two added columns are passed over at re-import.

    Rows refused as duplicates only come with `duplicates`. Raises NotFoundError `import.unknown`.
    """
    found = imports.one(store, import_id)
    if found is None:
        raise NotFoundError("import.unknown", "There is no such import.", id=import_id)
    headers = [str(header) for header in found.mapping.get("headers", [])]
    width = max(len(headers), imports.width_of_rejects(store, import_id))
    headers += [""] * (width - len(headers))

    def rows() -> Iterator[list[Any]]:
        for reject in imports.all_rejects(store, import_id):
            if duplicates or reject.reason not in DUPLICATES:
                padding = [None] * (width - len(reject.cells))
                yield [*reject.cells, *padding, _TEXTS.get(reject.reason, reject.reason), reject.detail]

    write_xlsx(target, [("rejects", [*headers, REASON_HEADER, DETAIL_HEADER], rows())])
