"""``/feedback``: people say where an emotion was read wrongly, and take it back.

Tokens and ids travel in bodies, never in an address, which others write into their logs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .. import heads
from ..errors import InputError, OutputError
from ..feedback import LABELS, Deleted, Desk, Model, Submission, missing, person_of
from ..feedback.consent import CONSENTS, CURRENT
from ..heads import HeadId
from .guard import check_token
from .limits import Buckets
from .problems import RequestError, readable
from .schemas import Answer, Problem
from .settings import Settings

__all__ = ["draining", "models", "router"]

_log = logging.getLogger(__name__)

_MOST = 32_768  # bytes of a submission; with a picture it has 12,000
_EVERY = 15.0  # seconds between attempts to bring what waits to the database

_Token = Annotated[
    str, Field(max_length=128, description="Random, of the browser: 22 to 128 of A-Z a-z 0-9 _ -.")
]
_Some = TypeVar("_Some", bound=BaseModel)


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FeedbackRequest(_Request):
    """A correction."""

    id: UUID = Field(description="Of the client's making; what comes twice is stored once.")
    token: _Token
    consent: str = Field(max_length=16, description="Version of the text that was agreed to.")
    model: str = Field(max_length=64, description="The head that spoke.")
    version: str = Field(max_length=64, description="Its version.")
    engine: str = Field(max_length=64, description="The landmark engine.")
    said: list[float] = Field(
        min_length=7, max_length=7, description="What it said: probabilities, as in `emotion`."
    )
    label: str = Field(max_length=16, description="What the user says; see GET /feedback.")
    size: list[int] = Field(
        min_length=2, max_length=2, description="Width and height of the picture, pixels."
    )
    landmarks: str = Field(
        max_length=8_000,
        description="478 x 3 float32, little-endian, pixels of the picture, in base64.",
    )
    crop: str | None = Field(
        default=None,
        max_length=4_000,
        description="The face as 48 x 48 grey levels, in base64, when the user gives it.",
    )


class WithdrawRequest(_Request):
    """One correction back."""

    id: UUID
    token: _Token


class ForgetRequest(_Request):
    """All corrections of a browser."""

    token: _Token


class ConsentAnswer(Answer):
    """What has to be agreed to."""

    version: str
    text: str


class FeedbackAnswer(Answer):
    """Whether corrections can be sent, and how."""

    available: bool
    problem: str | None = Field(description="Why not.")
    labels: list[str] = Field(description="What the user may say; `none` is none of the others.")
    models: dict[str, str] = Field(
        description="Heads that corrections can be about: their version."
    )
    consent: ConsentAnswer


class ReceiptAnswer(Answer):
    """A correction that is kept."""

    state: Literal["stored", "known", "queued"] = Field(
        description="`known` came before; `queued` is on the disk until the database is back."
    )


class DeletedAnswer(Answer):
    """What was deleted."""

    submissions: int | None = Field(
        description="How many; null while the database does not answer."
    )
    queued: bool = Field(description="Whether the database will do it as soon as it is back.")


_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        400: "The body did not come whole.",
        401: "The server's token is missing or wrong.",
        413: "Too many bytes.",
        415: "Not JSON.",
        422: "A value that cannot be used, or no consent.",
        429: "Too many requests; `Retry-After` says when to come back.",
        503: "Nothing can be stored here.",
    }.items()
}


def models(settings: Settings) -> list[HeadId]:
    """The emotion heads that a page may have seen speaking."""
    names = [settings.heads.get("emotion")]
    known = heads.made() | heads.shipped()
    names += [name for name, spec in known.items() if spec.output == "emotion"]
    found: list[HeadId] = []
    for name in names:
        with suppress(InputError):
            head = heads.identity(name, "emotion")
            if head is not None and head not in found:
                found.append(head)
    return found


def router(settings: Settings, desk: Desk) -> APIRouter:
    """The routes and what they need; ``desk`` is where corrections go."""
    rates = Buckets(settings.feedback_rate)
    spoke: dict[HeadId, None] = {}

    def known() -> list[HeadId]:
        """Those of before too: a head may be trained anew while the one of before still speaks."""
        spoke.update(dict.fromkeys(models(settings)))
        return list(spoke)

    known()

    async def admit(request: Request) -> None:
        check_token(request, settings)

    async def calm(request: Request) -> None:  # on the event loop, as buckets ask for
        wait = rates.take(request.client.host if request.client else "")
        if wait:
            raise RequestError(
                "rate_limited",
                f"more than {settings.feedback_rate:g} requests a second",
                f"come back in {wait:.2f} s",
                {"Retry-After": str(int(wait) + 1)},
            )

    routes = APIRouter(
        prefix="/feedback",
        tags=["feedback"],
        dependencies=[Depends(admit), Depends(HTTPBearer(auto_error=False))],
    )
    limited = [Depends(calm)]

    @routes.get("", name="feedback", summary="How to send corrections", responses={
        401: _ERRORS[401]
    })  # fmt: skip
    def read_feedback() -> FeedbackAnswer:
        """The labels, and the words that have to be agreed to."""
        problem = missing()
        return FeedbackAnswer(
            available=problem is None,
            problem=problem,
            labels=list(LABELS),
            models={head.name: head.version for head in models(settings)},
            consent=ConsentAnswer(version=CURRENT, text=CONSENTS[CURRENT]),
        )

    @routes.post(
        "",
        name="hand_in",
        summary="Send a correction",
        responses=_ERRORS,
        openapi_extra=_body(FeedbackRequest),
        dependencies=limited,
    )
    async def hand_in(request: Request) -> ReceiptAnswer:
        """Once it is answered, it is on the disk; it may be sent again without harm."""
        asked = await _read(request, FeedbackRequest)
        return ReceiptAnswer(state=await _kept(lambda: desk.hand_in(_submission(asked, known()))))

    @routes.post(
        "/withdraw",
        name="withdraw",
        summary="Take a correction back",
        responses=_ERRORS,
        openapi_extra=_body(WithdrawRequest),
        dependencies=limited,
    )
    async def withdraw(request: Request) -> DeletedAnswer:
        """Delete it; one that is somebody else's, or unknown, stays as it is."""
        asked = await _read(request, WithdrawRequest)
        return _told(await _kept(lambda: desk.withdraw(asked.id, person_of(asked.token))))

    @routes.post(
        "/forget",
        name="forget_sender",
        summary="Delete all that a browser has sent",
        responses=_ERRORS,
        openapi_extra=_body(ForgetRequest),
        dependencies=limited,
    )
    async def forget(request: Request) -> DeletedAnswer:
        """Nothing more is taken with this token; the page makes a new one."""
        asked = await _read(request, ForgetRequest)
        return _told(await _kept(lambda: desk.forget(person_of(asked.token))))

    return routes


@asynccontextmanager
async def draining(desk: Desk, every: float = _EVERY) -> AsyncIterator[None]:
    """Bring what waits to the database, again and again, as long as the server runs."""

    async def drain() -> None:
        told = ""
        while True:
            try:
                await anyio.to_thread.run_sync(desk.drain)
                told = ""
            except Exception as error:  # noqa: BLE001 - the next attempt may do better
                if repr(error) != told:
                    _log.exception("what waits cannot be brought to the database: %s", error)
                told = repr(error)
            await asyncio.sleep(every)

    task = asyncio.create_task(drain())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        desk.close()


def _submission(asked: FeedbackRequest, spoke: list[HeadId]) -> Submission:
    if asked.consent != CURRENT:
        raise RequestError(
            "invalid_value",
            f"consent is {asked.consent!r}, the text to agree to is {CURRENT!r}",
            "reload the page, and read it; nothing is stored without it",
        )
    # What the weights are is for the server to say; a page knows names.
    found = [h for h in spoke if (h.name, h.version) == (asked.model, asked.version)]
    if not found:
        there = ", ".join(f"{head.name} {head.version}" for head in spoke) or "none"
        raise RequestError(
            "invalid_value",
            f"no emotion head {asked.model} {asked.version} runs here (there is: {there})",
            "reload the page",
        )
    return Submission.from_values(
        id=asked.id,
        person=person_of(asked.token),
        consent=asked.consent,
        model=Model(*found[0]),
        engine=asked.engine,
        said=asked.said,
        label=asked.label,
        size=asked.size,
        landmarks=asked.landmarks,
        crop=asked.crop,
    )


_Done = TypeVar("_Done")


async def _kept(work: Callable[[], _Done]) -> _Done:
    """Do what may wait for a database or a disk, on a thread."""
    if reason := missing():
        raise RequestError("busy", "this server stores no feedback", reason)
    try:
        return await anyio.to_thread.run_sync(work)
    except OutputError as error:
        raise RequestError(
            "busy", str(error), "not all of it was done; send it again later"
        ) from error


async def _read(request: Request, kind: type[_Some]) -> _Some:
    """The body, read no further than it may be long."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise RequestError(
            "unsupported_media", f"the body is {media or 'of no stated type'}", "send JSON"
        )
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST:
            raise RequestError(
                "too_large", f"feedback has at most {_MOST:,} bytes", "send one face at a time"
            )
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise RequestError(
            "invalid_value", readable(error), "see /openapi.json for what is accepted"
        ) from None


def _told(deleted: Deleted) -> DeletedAnswer:
    return DeletedAnswer(submissions=deleted.submissions, queued=deleted.queued)


def _body(kind: type[BaseModel]) -> dict[str, Any]:
    # Read by hand, for its length; so FastAPI does not describe it.
    schema = {"schema": kind.model_json_schema()}
    return {"requestBody": {"required": True, "content": {"application/json": schema}}}
