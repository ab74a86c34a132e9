"""``GET /models/face_landmarker.task``: the landmark net for a page that keeps its pictures."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from .. import zoo
from ..errors import ModelMissing
from .problems import RequestError
from .schemas import Problem

__all__ = ["landmark_model", "router"]

_NAME = "face_landmarker"
_MEDIA = "application/octet-stream"
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {_MEDIA: {"schema": {"type": "string", "format": "binary"}}}},
    404: {"model": Problem, "description": "The model has not been pulled."},
}


def landmark_model() -> str:
    """Its address, relative to the page. It changes with the file, which may be kept for ever."""
    model = zoo.find(_NAME)
    return f"models/{model.file}?sha256={model.sha256[:16]}"


def router() -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/models", tags=["studio"])

    @routes.get(
        f"/{zoo.find(_NAME).file}",
        name="landmark_model",
        summary="The landmark net for the page",
        response_class=Response,
        responses=_ANSWERS,
    )
    def read_model() -> FileResponse:
        """MediaPipe's Face Landmarker as it was pulled, with its SHA-256 checked."""
        try:
            path = zoo.path(_NAME)
        except ModelMissing as error:
            raise RequestError(
                "not_found",
                "this server does not have the model that finds faces in the page",
                f"run `mien pull {_NAME}` where the server runs",
                {"Cache-Control": "no-store"},
            ) from error
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return FileResponse(path, media_type=_MEDIA, headers=headers)

    return routes
