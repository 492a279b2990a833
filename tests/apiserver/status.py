"""Failures as the API says them: `Status` bodies with Kubernetes' own messages and reasons.

Owns: the one exception that request handlers raise. Refuses: to know HTTP libraries.
"""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

# apimachinery pkg/api/errors and pkg/apis/meta/v1/types.go
REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class StatusError(Exception):
    """An answer that is a `Status` object instead of what was asked for."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        reason: str | None = None,
        details: Json | None = None,
        metadata: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = REASONS.get(code) if reason is None else reason
        self.details = details
        self.metadata = metadata or {}
        self.headers = dict(headers or {})

    def body(self) -> Json:
        body: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details:
            body["details"] = self.details
        body["code"] = self.code
        return body


def unauthorized() -> StatusError:
    return StatusError(401, "Unauthorized")


def bad_request(message: str) -> StatusError:
    return StatusError(400, message)


def not_found(resource: str, name: str) -> StatusError:
    details = {"name": name, "kind": resource}
    return StatusError(404, f'{resource} "{name}" not found', details=details)


def already_exists(resource: str, name: str) -> StatusError:
    details = {"name": name, "kind": resource}
    message = f'{resource} "{name}" already exists'
    return StatusError(409, message, reason="AlreadyExists", details=details)


def conflict(resource: str, name: str) -> StatusError:
    message = (
        f'Operation cannot be fulfilled on {resource} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return StatusError(409, message, details={"name": name, "kind": resource})


def unknown_path() -> StatusError:
    return StatusError(404, "the server could not find the requested resource", details={})


def too_old(asked: int, floor: int) -> StatusError:
    return StatusError(410, f"too old resource version: {asked} ({floor})")


def too_large(asked: int, current: int) -> StatusError:
    message = f"Too large resource version: {asked}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    details = {"causes": [cause], "retryAfterSeconds": 1}
    return StatusError(504, f"Timeout: {message}", details=details, headers={"Retry-After": "1"})


def expired_continue(token: str) -> StatusError:
    """The message of apiserver pkg/storage/etcd3/errors.go, with the token that goes on anyway."""
    message = (
        "The provided continue parameter is too old to display a consistent list result. You can "
        "start a new list without the continue parameter, or use the continue token in this "
        "response to retrieve the remainder of the results. Continuing with the provided token "
        "results in an inconsistent list - objects that were created, modified, or deleted "
        "between the time the first chunk was returned and now may show up in the list."
    )
    return StatusError(410, message, metadata={"continue": token})


def invalid_list_options(field: str, message: str) -> StatusError:
    """A refusal by apimachinery pkg/apis/meta/internalversion/validation."""
    cause = {
        "reason": "FieldValueForbidden",
        "message": f"Forbidden: {message}",
        "field": field,
    }
    return StatusError(
        422,
        f'ListOptions.meta.k8s.io "" is invalid: {field}: Forbidden: {message}',
        details={"group": "meta.k8s.io", "kind": "ListOptions", "causes": [cause]},
    )
