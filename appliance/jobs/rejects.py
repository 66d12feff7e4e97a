"""The rows that an import did not take, as a workbook: correct them and send the file again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from appliance.domain.lists import DETAIL_HEADER, REASON_HEADER, REASON_TEXTS
from appliance.outside.table_files import write_xlsx
from appliance.store.db import Store
from appliance.store.read import imports

_TEXTS = {reason.value: text for reason, text in REASON_TEXTS.items()}
_PAGE_ROWS = 1000


def write_rejects(store: Store, import_id: str, target: Path | IO[bytes], *, duplicates: bool = False) -> None:
    """Write the original cells with the reason beside them; the two added columns are passed over at re-import.

    Rows refused as duplicates only come with `duplicates`. Raises NotFoundError `import.unknown`.
    """
    view = imports.one(store, import_id)
    headers = list(view.headers)
    width = max(len(headers), imports.width_of_rejects(store, import_id))
    headers += [""] * (width - len(headers))

    def rows() -> Iterator[list[Any]]:
        after = 0
        while page := imports.rejects(store, import_id, after_row=after, limit=_PAGE_ROWS):
            for reject in page:
                if duplicates or not reject.duplicate:
                    cells = list(reject.cells) + [None] * (width - len(reject.cells))
                    yield [*cells, _TEXTS.get(reject.reason, reject.reason), reject.detail]
            after = page[-1].row_number

    write_xlsx(target, [("rejects", [*headers, REASON_HEADER, DETAIL_HEADER], rows())])
