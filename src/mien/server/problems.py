"""Errors as the server tells them: one JSON body for HTTP and WebSocket, never a traceback."""

from __future__ import annotations

import http
from collections.abc import Mapping
from typing import Literal, TypeAlias

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from ..errors import EngineError, InputError, MienError, ModelMissing
from .metrics import Metrics
from .schemas import ErrorCode, ErrorDetail, Problem

__all__ = ["RequestError", "install", "readable", "response"]

_STATUS: dict[ErrorCode, int] = {
    "bad_request": 400,
    "unauthorised": 401,
    "forbidden_origin": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "too_large": 413,
    "too_many_pixels": 413,
    "unsupported_media": 415,
    "wrong_host": 421,
    "invalid_value": 422,
    "unreadable_image": 422,
    "rate_limited": 429,
    "internal": 500,
    "busy": 503,
    "engine_failed": 503,
    "model_missing": 503,
}
# What an error gets whose own text does not end with what to do.
_Hinted: TypeAlias = Literal[
    "bad_message",
    "bad_request",
    "engine_failed",
    "internal",
    "invalid_value",
    "method_not_allowed",
    "model_missing",
    "not_found",
    "unreadable_image",
]
_OF_STATUS: dict[int, _Hinted] = {404: "not_found", 405: "method_not_allowed"}
_CODES: dict[type[MienError], _Hinted] = {
    ModelMissing: "model_missing",
    EngineError: "engine_failed",
    InputError: "invalid_value",
}
_HINTS: dict[_Hinted, str] = {
    "model_missing": "run `mien doctor` on the server; it names the model and how to get it",
    "engine_failed": "run `mien doctor` on the server",
    "internal": "the server's log says more; please report it",
    "invalid_value": "see /openapi.json for what is accepted",
    "not_found": "see /openapi.json for what there is",
    "method_not_allowed": "see /openapi.json for the method",
    "bad_request": "see /openapi.json for the form of a request",
    "bad_message": "lay a frame out as `mien.server.wire` does; a page does so when reloaded",
    "unreadable_image": "send a whole JPEG, PNG or WebP file that other programs open",
}


class RequestError(MienError):
    """An error with the code and the hint that a client gets."""

    def __init__(
        self, code: ErrorCode, message: str, hint: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{message}; {hint}")
        self.detail = ErrorDetail(code=code, message=message, hint=hint)
        self.headers = headers

    @classmethod
    def from_error(cls, error: MienError, code: _Hinted | None = None) -> RequestError:
        """Any error of mien: what comes after the last semicolon is what to do."""
        if isinstance(error, RequestError):
            return error
        known = code or _code_of(error)
        message, semicolon, hint = str(error).rpartition("; ")
        if not semicolon:
            message, hint = str(error), _HINTS[known]
        return cls(known, message, hint)


def _code_of(error: MienError) -> _Hinted:
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            return code
    return "internal"


def response(error: RequestError) -> JSONResponse:
    """The HTTP answer to an error."""
    body = Problem(error=error.detail)
    status = _STATUS.get(error.detail.code, 400)
    return JSONResponse(body.model_dump(), status, dict(error.headers or {}))


def readable(error: ValidationError | RequestValidationError) -> str:
    """The first thing that is wrong, in one line."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("query", "body"))
    return f"{where or 'the message'}: {first['msg']}, got {str(first['input'])[:80]!r}"


def install(app: FastAPI, metrics: Metrics) -> None:
    """Make every error of the app a :class:`Problem`, and count it."""

    def told(error: RequestError) -> JSONResponse:
        metrics.error(error.detail.code)
        return response(error)

    @app.exception_handler(MienError)
    async def of_mien(_: Request, error: MienError) -> JSONResponse:
        return told(RequestError.from_error(error))

    @app.exception_handler(RequestValidationError)
    async def of_validation(_: Request, error: RequestValidationError) -> JSONResponse:
        return told(RequestError("invalid_value", readable(error), _HINTS["invalid_value"]))

    @app.exception_handler(HTTPException)
    async def of_http(_: Request, error: HTTPException) -> JSONResponse:
        code = _OF_STATUS.get(error.status_code, "bad_request")
        message = str(error.detail) or http.HTTPStatus(error.status_code).phrase
        return told(RequestError(code, message, _HINTS[code], error.headers))

    @app.exception_handler(Exception)
    async def of_bug(_: Request, __: Exception) -> JSONResponse:
        # Starlette raises it again after this answer, so that it gets into the log.
        return told(RequestError("internal", "the server failed", _HINTS["internal"]))
