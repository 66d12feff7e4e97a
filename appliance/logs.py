"""One way to log: structlog key-value lines on stderr, personal data masked unless the setting says otherwise.

Keys that start with `pii_` hold personal data (numbers, names); their values are masked to the last two characters.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

# structlog loads rich for a coloured renderer that the box does not use: a fifth of what a service loads before it
# begins. Where rich is not to be had, structlog does without.
_hidden = {"rich": None} if "rich" not in sys.modules else {}
sys.modules.update(_hidden)  # type: ignore[arg-type]
import structlog  # noqa: E402

for _name in _hidden:
    del sys.modules[_name]


def mask(value: object) -> str:
    """Mask all but the last two characters."""
    text = str(value)
    return "*" * max(0, len(text) - 2) + text[-2:]


def _mask_personal(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        if key.startswith("pii_"):
            event[key] = mask(event[key])
    return event


def configure(service: str, *, level: str = "INFO", mask_personal: bool = True) -> None:
    """Set up logging of this process; `service` is bound to each line."""
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if mask_personal:
        processors.append(_mask_personal)
    processors += [
        structlog.processors.format_exc_info,
        structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "service", "event"]),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)


def get_logger(**bound: object) -> Any:
    """Return a logger; bind the resource's id first (`get_logger(conversation=...)`)."""
    return structlog.get_logger(**bound)
