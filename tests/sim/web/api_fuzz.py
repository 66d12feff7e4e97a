"""Requests made of the OpenAPI document, good ones and bad ones, against a filled box: nothing may break.

What must hold for each answer: no 5xx, a documented status, and a body and headers as the document says. Requests that
the document rules out must be refused.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from appliance.settings import Home, save_settings
from tests.sim.web.api_scene import fill, key
from tests.sim.web.fakes import FakeBox

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, negative_data_rejection,
]  # fmt: skip
_NOT_ASKED = {
    "post_reports_saved_report_id_run", "post_imports",  # write files by the hundred
    "delete_tokens_id",  # would end the key that asks
    "put_users_id", "post_users",  # hash passwords, slow on purpose
}  # fmt: skip


def faults(folder: Path, *, examples: int) -> list[str]:
    """Ask every operation `examples` times well and as often badly; returns what broke."""
    home = Home(folder)
    home.make()
    save_settings(home, {"web": {"api_per_minute": 100_000}})
    box = FakeBox(folder)
    box.set_up()
    ids = fill(box)
    headers = {"Authorization": f"Bearer {key(box)}"}
    schema: Any = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", box.app)
    found: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.definition.raw["operationId"] in _NOT_ASKED:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for there in (_real(operation.path, ids), None):
                if there is None and "{" not in operation.path and mode is GenerationMode.NEGATIVE:
                    continue
                problem = _ask(operation, mode, there, headers, examples)
                if problem:
                    found.append(f"{operation.label} ({mode.value}): {problem}")
    box.bus.close()
    return found


def _real(path: str, ids: dict[str, str]) -> dict[str, str] | None:
    """Names of what is there, for the places in an address."""
    parts = path.strip("/").split("/")
    return {
        part.strip("{}"): ids[before] for before, part in pairwise(parts)
        if part.startswith("{") and before in ids
    } or None  # fmt: skip


def _ask(
    operation: Any, mode: GenerationMode, there: dict[str, str] | None, headers: dict[str, str], examples: int
) -> str:
    more = {"path_parameters": there} if there else {}

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode, **more))
    def once(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    try:
        once()
    except BaseExceptionGroup as error:
        return " | ".join(str(one) for one in error.exceptions)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the operation's name
        return f"{type(error).__name__}: {error}"
    return ""
