"""One root of all errors of the box; the caller's mistakes and the box's failures are told apart.

`error_id` is a stable dotted key (`import.wrong_file_type`); `message` is an English sentence that says what
happened and what to do; `placeholders` are the figures in it, so that a user interface can translate it by key.
"""

from __future__ import annotations


class CallboxError(Exception):
    """Root of every error that the box raises on purpose."""

    def __init__(self, error_id: str, message: str, *, retryable: bool = False, **placeholders: object) -> None:
        super().__init__(message)
        self.error_id = error_id
        self.message = message
        self.retryable = retryable
        self.placeholders = placeholders


class CallerError(CallboxError):
    """The request was wrong: the caller can mend it (web: 4xx)."""


class ValidationErrors(CallerError):
    """All mistakes of one request together; `errors` are (field, error_id, message)."""

    def __init__(self, errors: list[tuple[str, str, str]]) -> None:
        super().__init__(
            "request.invalid", "; ".join(f"{field}: {message}" for field, _, message in errors), errors=errors
        )
        self.errors = errors


class NotAllowedError(CallerError):
    """The caller is known but lacks the permission (web: 403)."""


class NotFoundError(CallerError):
    """No such thing (web: 404)."""


class ConflictError(CallerError):
    """It was changed by somebody else since the caller looked at it (web: 409); `differences` are both values."""


class BoxError(CallboxError):
    """The request was fine, the box could not do it (web: 5xx)."""


class BusError(BoxError):
    """The bus is away or a service did not answer in time."""


class StoreError(BoxError):
    """The database could not be read or written."""
