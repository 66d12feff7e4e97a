"""The rows that an import did not take, as a workbook: correct them and send the file again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from appliance.domain.list_words import DETAIL_HEADERS, REASON_HEADERS
from appliance.domain.lists import DUPLICATES
from appliance.domain.reject_words import reason_text
from appliance.errors import NotFoundError
from appliance.outside.table_files import write_xlsx
from appliance.store.db import Store
from appliance.store.read import imports


def write_rejects(
    store: Store, import_id: str, target: Path | IO[bytes], *, duplicates: bool = False, language: str = "en"
) -> None:
    """Write the original cells with the reason beside them; the two added columns are passed over at re-import.

    Rows refused as duplicates only come with `duplicates`. Raises NotFoundError `import.unknown`.
    """
    found = imports.one(store, import_id)
    if found is None:
        raise NotFoundError("import.unknown", "There is no such import.", id=import_id)
    language = language if language in REASON_HEADERS else "en"
    headers = [str(header) for header in found.mapping.get("headers", [])]
    width = max(len(headers), imports.width_of_rejects(store, import_id))
    headers += [""] * (width - len(headers))

    def rows() -> Iterator[list[Any]]:
        for reject in imports.all_rejects(store, import_id):
            if duplicates or reject.reason not in DUPLICATES:
                padding = [None] * (width - len(reject.cells))
                yield [*reject.cells, *padding, reason_text(reject.reason, language), reject.detail]

    write_xlsx(target, [("rejects", [*headers, REASON_HEADERS[language], DETAIL_HEADERS[language]], rows())])
