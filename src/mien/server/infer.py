"""``POST /infer``: one picture in, its faces out."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Annotated, Any

import anyio
import anyio.to_thread
import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPBearer
from starlette.datastructures import UploadFile
from starlette.types import Message, Receive

from ..arrays import Array, Float
from ..capture import read_image
from ..channels import ACTION_UNITS, ARKIT_52, EMOTIONS
from ..errors import InputError
from ..geometry import quaternion_from_matrix
from ..types import Face, Frame, Observation, Pose
from .guard import check_token
from .images import check_header
from .limits import Buckets
from .metrics import Metrics
from .problems import RequestError
from .schemas import Box, FaceAnswer, InferAnswer, Point, PoseAnswer, Problem, Size
from .settings import Settings
from .trackers import Pool, Seat, TrackerLike

__all__ = ["answer_of", "router"]

# Room for the boundaries and headers of a multipart body around the picture itself.
_ENVELOPE = 65_536
_BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "file": {**_BINARY, "description": "The picture."},
                    "image": {**_BINARY, "description": "The same under another name."},
                },
                "anyOf": [{"required": ["file"]}, {"required": ["image"]}],
            }
        },
        "image/*": {"schema": _BINARY},
    },
}
_ERRORS: dict[int, str] = {
    400: "The body is not what its type says, or holds no picture.",
    401: "The token is missing or wrong.",
    403: "A page of a site that is not allowed.",
    413: "Too many bytes or pixels.",
    415: "Neither a form nor an image.",
    421: "The server is not called by that name.",
    422: "Not a picture that can be read, or a value out of range.",
    429: "Too many requests; `Retry-After` says when to come back.",
    503: "The models are not there, or too many pictures wait already.",
}


def router(settings: Settings, pool: Pool, metrics: Metrics) -> APIRouter:
    """The route and what it needs."""
    routes = APIRouter(tags=["faces"])
    rates = Buckets(settings.infer_rate)
    queue = _Queue(settings.max_waiting)

    async def admit(request: Request) -> None:  # on the event loop, as buckets ask for
        check_token(request, settings)
        wait = rates.take(request.client.host if request.client else "")
        if wait:
            raise RequestError(
                "rate_limited",
                f"more than {settings.infer_rate:g} requests a second",
                f"come back in {wait:.2f} s, or use the WebSocket for video",
                {"Retry-After": str(int(wait) + 1)},
            )

    @routes.post(
        "/infer",
        summary="Find faces in a picture",
        response_model=InferAnswer,
        responses={
            200: {"description": "The faces, the largest first."},
            **{s: {"model": Problem, "description": text} for s, text in _ERRORS.items()},
        },
        openapi_extra={"requestBody": _BODY},
        dependencies=[Depends(admit), Depends(HTTPBearer(auto_error=False))],
    )
    async def infer(
        request: Request,
        max_faces: Annotated[
            int | None, Query(ge=1, le=64, description="The most faces to answer with.")
        ] = None,
        landmarks: Annotated[bool, Query(description="Whether to send the points.")] = True,
        mouth_threshold: Annotated[
            float | None,
            Query(gt=0, le=10, description="Openness above which the mouth counts as open."),
        ] = None,
    ) -> Response:
        """Faces, the largest first, with landmarks, head pose and expression channels.

        Send the picture as the field `file` of a form, or as the body itself with its image type.
        Its EXIF orientation is applied. Without a face the answer is 200 with no faces.
        """
        start = perf_counter()
        most = min(max_faces or settings.max_faces, settings.max_faces)
        async with queue.place():
            data = await _in_time(_picture(request, settings.max_upload_bytes), settings)
            uploaded = perf_counter()
            frame = await anyio.to_thread.run_sync(_decode, data, settings.max_pixels)
            decoded = perf_counter()
            threshold = mouth_threshold or pool.still.options.mouth_threshold

            def look(tracker: TrackerLike) -> Observation:
                tracker.configure(smoothing=None, mouth_threshold=threshold, calibration=None)
                return tracker.process(frame)

            observation = await pool.still.run(look)
        timings = {
            "upload": uploaded - start,
            "decode": decoded - uploaded,
            **observation.timings,
            "total": perf_counter() - start,
        }
        answer = answer_of(observation, pool.still, timings, most, landmarks)
        if max_faces and max_faces > most:
            answer.warnings.append(
                f"this server answers with at most {most} faces (MIEN_MAX_FACES), not {max_faces}"
            )
        metrics.answered("infer", len(answer.faces), timings)
        return Response(answer.model_dump_json(), media_type="application/json")

    return routes


def answer_of(
    observation: Observation,
    seat: Seat,
    timings: Mapping[str, float],
    max_faces: int,
    with_landmarks: bool,
) -> InferAnswer:
    """The JSON answer to an observation."""
    found = sorted(observation.faces, key=_area, reverse=True)
    faces = found[:max_faces]
    width, height = observation.size
    first = faces[0] if faces else None
    points: list[Point] = []
    names, values = _expression(first) if first else ([], [])
    if first and with_landmarks:
        points = _rows(first.landmarks.points / np.array([width, height, width]), 6)
    return InferAnswer(
        landmarks=points,
        expression=values,
        expression_names=names,
        faces=[_face(face, with_landmarks) for face in faces],
        size=Size(width=width, height=height),
        timings={stage: round(seconds, 6) for stage, seconds in timings.items()},
        engine=seat.engine_name,
        heads=seat.heads,
        warnings=_warnings(faces, len(found)),
    )


def _face(face: Face, with_landmarks: bool) -> FaceAnswer:
    left, top, right, bottom = (round(edge, 2) for edge in face.landmarks.box)
    return FaceAnswer(
        id=face.id,
        box=Box(left=left, top=top, right=right, bottom=bottom),
        presence=face.landmarks.presence,
        inside=face.landmarks.inside,
        pose=_pose(face.pose) if face.pose else None,
        landmarks=_rows(face.landmarks.points, 3) if with_landmarks else None,
        channels=_named(ARKIT_52, face.expression),
        mouth_open=face.mouth_open,
        engine_shapes=_named(ARKIT_52, face.engine_shapes),
        morphable=None if face.morphable is None else face.morphable.tolist(),
        action_units=_named(ACTION_UNITS, face.action_units),
        emotion=_named(EMOTIONS, face.emotion),
    )


def _pose(pose: Pose) -> PoseAnswer:
    x, y, z, w = quaternion_from_matrix(pose.rotation).tolist()
    first, second, third = _rows(pose.rotation, 6)
    return PoseAnswer(
        yaw=pose.yaw,
        pitch=pose.pitch,
        roll=pose.roll,
        scale=pose.scale,
        translation=_rows(pose.translation[None], 3)[0],
        rotation=(first, second, third),
        quaternion=(x, y, z, w),
    )


def _rows(points: Float[Array, "n 3"], decimals: int) -> list[Point]:
    return [(x, y, z) for x, y, z in points.astype(float).round(decimals).tolist()]


def _named(names: tuple[str, ...], values: Array | None) -> dict[str, float | None] | None:
    if values is None:
        return None
    rounded = np.round(values.astype(float), 5).tolist()
    return {
        name: None if math.isnan(value) else value
        for name, value in zip(names, rounded, strict=True)
    }


def _expression(face: Face) -> tuple[list[str], list[float]]:
    if face.morphable is not None:
        return [f"morphable_{i}" for i in range(len(face.morphable))], face.morphable.tolist()
    channels = _named(ARKIT_52, face.expression) or {}
    produced = {name: value for name, value in channels.items() if value is not None}
    return list(produced), list(produced.values())


def _area(face: Face) -> float:
    left, top, right, bottom = face.landmarks.box
    return (right - left) * (bottom - top)


def _warnings(faces: list[Face], found: int) -> list[str]:
    if not faces:
        return ["no face was found; it should be upright, lit, and at least 5 % of the picture"]
    warnings = [
        f"face {face.id} is cut by the border: {face.landmarks.inside:.0%} of it is in the picture"
        for face in faces
        if face.landmarks.inside < 0.9
    ]
    if found > len(faces):
        warnings.append(f"{found} faces were found, the largest {len(faces)} are given")
    return warnings


def _decode(data: bytes, max_pixels: int) -> Frame:
    check_header(data, max_pixels)
    try:
        return Frame(read_image(data, max_pixels=max_pixels, label="the picture"))
    except InputError as error:
        raise RequestError.from_error(error, "unreadable_image") from error


async def _in_time(upload: Awaitable[bytes], settings: Settings) -> bytes:
    """Without a limit, a few clients that never finish would take all places."""
    try:
        with anyio.fail_after(settings.upload_timeout):
            return await upload
    except TimeoutError:
        raise RequestError(
            "bad_request",
            f"the picture did not arrive within {settings.upload_timeout:g} s",
            "send it again, or smaller",
        ) from None


async def _picture(request: Request, limit: int) -> bytes:
    """The bytes of the picture in a request."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit + _ENVELOPE:
        raise _too_large(limit)
    if kind == "multipart/form-data":
        limited = Request(request.scope, _limited(request.receive, limit + _ENVELOPE, limit))
        async with limited.form(max_files=4, max_fields=16) as form:
            part = form.get("file") or form.get("image")
            if not isinstance(part, UploadFile):
                raise RequestError(
                    "bad_request",
                    f"the form holds no picture, only {sorted(form) or 'nothing'}",
                    "send the picture as a file in the field `file`",
                )
            data = await part.read()
    elif kind.startswith("image/") or kind == "application/octet-stream":
        data = await Request(request.scope, _limited(request.receive, limit, limit)).body()
    else:
        raise RequestError(
            "unsupported_media",
            f"the body is {kind or 'of no stated type'}",
            "send multipart/form-data with the field `file`, or a body of image/jpeg",
        )
    if len(data) > limit:
        raise _too_large(limit)
    if not data:
        raise RequestError("unreadable_image", "the picture is empty", "send a whole image file")
    return data


def _limited(receive: Receive, allowed: int, limit: int) -> Receive:
    """Stop reading a body as soon as it gets too long, whatever length it claimed."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > allowed:
            raise _too_large(limit)
        return message

    return counted


def _too_large(limit: int) -> RequestError:
    return RequestError(
        "too_large",
        f"the picture has more than {limit:,} bytes",
        "send it smaller (MIEN_MAX_UPLOAD_BYTES sets the limit)",
    )


class _Queue:
    """Pictures that are being uploaded, decoded or looked at."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._now = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        if self._now >= self._most:
            raise RequestError(
                "busy",
                f"{self._now} pictures are waiting already",
                "come back in a moment (MIEN_MAX_WAITING sets the limit)",
                {"Retry-After": "1"},
            )
        self._now += 1
        try:
            yield
        finally:
            self._now -= 1
