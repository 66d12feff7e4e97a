"""The job that imports an uploaded list."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from appliance.domain.lists import Duplicates
from appliance.jobs.context import Context
from appliance.jobs.imports import run_import
from appliance.jobs.queue import Progress

IMPORT = "import"
"""Kind of the job; its id is the import's, its payload what `run_import` takes."""


class ListImports:
    """The handler: `run_import` takes up a killed import where it was."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def run(self, payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Returns the import's report; raises CallerError for a bad list."""
        report = run_import(
            self._context.store, Path(payload["path"]), campaign_id=payload["campaign_id"],
            campaign_name=payload["campaign_name"],
            region=payload["region"] or self._context.settings.dialling.default_region, mapping=payload["mapping"],
            dry_run=payload["dry_run"], file_name=payload["file_name"], import_id=payload["import_id"],
            duplicates=Duplicates(payload.get("duplicates", Duplicates.SKIP)),
            across_campaigns=payload.get("across_campaigns", False), actor_id=payload["actor_id"],
            on_progress=progress, clock=self._context.clock,
        )  # fmt: skip
        if not report.dry_run and report.campaign_id:
            self._context.changed("campaign", report.campaign_id)
        return dataclasses.asdict(report)
