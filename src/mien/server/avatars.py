"""``GET /avatars``, ``GET /avatars/{name}.glb``: heads that the page can put on its stage."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from .. import gltf, ict_avatar
from ..retarget import bust
from .problems import RequestError
from .schemas import AvatarAnswer, AvatarsAnswer, Problem

__all__ = ["HEADS", "Head", "router"]

_MEDIA = "model/gltf-binary"
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {_MEDIA: {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "The one of `If-None-Match` is still the one."},
    404: {"model": Problem, "description": "There is no avatar of that name."},
}


@dataclass(frozen=True, slots=True)
class Head:
    """An avatar that the server makes.

    Attributes:
        title: for people.
        glb: the file; takes a second or more, and is called once.
        here: whether it can be had; asked for every list.
    """

    title: str
    glb: Callable[[], bytes]
    here: Callable[[], bool] = lambda: True


HEADS: Mapping[str, Head] = {
    "bust": Head("Bust", lambda: gltf.encode(bust.build())),
    "ict": Head("Realistic", lambda: ict_avatar.file().read_bytes(), ict_avatar.available),
}


def router(heads: Mapping[str, Head] = HEADS) -> APIRouter:
    """The routes. Each head is built when it is first asked for, and kept as its GLB."""
    routes = APIRouter(prefix="/avatars", tags=["studio"])
    made: dict[str, bytes] = {}
    building = Lock()

    @routes.get("", name="avatars", summary="Heads that can be worn")
    def read_avatars() -> AvatarsAnswer:
        """Those of the server; the page reads files of its own besides."""
        return AvatarsAnswer(
            avatars=[
                AvatarAnswer(name=name, title=head.title)
                for name, head in heads.items()
                if head.here()
            ]
        )

    @routes.get(
        "/{name}.glb",
        name="avatar",
        summary="A head as GLB",
        response_class=Response,
        responses=_ANSWERS,
    )
    def read_avatar(
        request: Request,
        name: Annotated[str, Path(max_length=64, description="As in the list.")],
    ) -> Response:
        """With named morph targets, in metres, y up, the face towards +z."""
        head = heads.get(name)
        if head is None or not head.here():
            raise RequestError(
                "not_found", f"there is no avatar {name[:64]!r}", "GET /avatars lists all"
            )
        with building:
            if name not in made:
                made[name] = head.glb()
        tag = f'"{hashlib.sha256(made[name]).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(made[name], media_type=_MEDIA, headers=headers)

    return routes
