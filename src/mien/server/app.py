"""The application: routes, life span, and the schema that the page's types are generated from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from fastapi import Depends, FastAPI, Request, Response, WebSocket
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.middleware.cors import CORSMiddleware

from .. import __version__
from ..feedback import Desk
from . import avatars, feedback, infer, live, models, people, problems
from .guard import Guard, check_token
from .messages import message_schemas
from .metrics import Metrics
from .schemas import EXAMPLE, Health, Problem, Sessions
from .settings import Settings
from .studio import Studio, sample
from .trackers import Pool, TrackerFactory, load_tracker
from .wire import VERSION

__all__ = ["create_app"]

_DESCRIPTION = """A picture in, 3D faces out: 478 landmarks, head pose, ARKit expression channels.

* `POST /infer` for single pictures.
* `WS /ws` for video: binary frames up, binary answers down (`mien.server.wire`), the newest frame
  first, at most two unanswered. Its JSON messages are the schemas `ClientMessage` and
  `ServerMessage`. After `ready` frames may be sent.

Left and right are the subject's own. Nothing that is sent is kept, but for the calibrations that
a session is asked to save, and the feedback that somebody agrees to send.
"""
_TAGS = [
    {"name": "faces", "description": "Faces in a picture."},
    {"name": "calibrations", "description": "What is known of people's own faces."},
    {"name": "feedback", "description": "Corrections of emotions that people send, and delete."},
    {"name": "operation", "description": "How the server is."},
    {"name": "studio", "description": "The page and its sample."},
]


def create_app(settings: Settings, trackers: TrackerFactory = load_tracker) -> FastAPI:
    """The server as an ASGI application.

    Args:
        settings: how it runs.
        trackers: builds the trackers when the app starts.
    """
    pool = Pool(settings, trackers)
    metrics = Metrics()
    url = settings.feedback_url
    desk = Desk(None if url is None else url.get_secret_value())
    started = monotonic()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.load()
        try:
            async with feedback.draining(desk):
                yield
        finally:
            pool.close()

    app = FastAPI(
        title="mien",
        version=__version__,
        summary="Camera, photo or video in; live 3D face out.",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        # Their pages come from other sites, which the content security policy forbids.
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.pool = pool
    problems.install(app, metrics)
    # The last one added is asked first.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.origins,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
    )
    app.add_middleware(Guard, settings=settings, metrics=metrics)
    app.include_router(infer.router(settings, pool, metrics))
    app.include_router(people.router(settings, pool))
    app.include_router(avatars.router())
    app.include_router(models.router())
    app.include_router(feedback.router(settings, desk))

    async def authorise(request: Request) -> None:
        check_token(request, settings)

    @app.get("/health", name="health", tags=["operation"], summary="Whether it can answer")
    def read_health() -> Health:
        """Always 200 when the server runs; `status` says whether the models are there."""
        return Health(
            status="unavailable" if pool.problem else "ok",
            version=__version__,
            wire=VERSION,
            engine=None if pool.problem else pool.still.engine_name,
            heads={} if pool.problem else pool.still.heads,
            sessions=Sessions(active=pool.active, limit=pool.limit),
            uptime=monotonic() - started,
            token_required=settings.token is not None,
            problem=pool.problem.detail if pool.problem else None,
        )

    @app.get(
        "/metrics",
        name="metrics",
        tags=["operation"],
        summary="Counters for Prometheus",
        response_class=Response,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
            401: {"model": Problem, "description": "The token is missing or wrong."},
        },
        dependencies=[Depends(authorise), Depends(HTTPBearer(auto_error=False))],
    )
    def read_metrics() -> Response:
        """Frames, faces, errors by code, latency by stage, sessions, memory."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get(
        "/sample.jpg",
        name="sample",
        tags=["studio"],
        summary="The sample portrait",
        response_class=Response,
        responses={
            200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
            404: {"model": Problem, "description": "matplotlib's sample data are missing."},
        },
    )
    def read_sample() -> Response:
        """A photo with one face, from the server's matplotlib."""
        return sample()

    @app.websocket("/ws")
    async def connect(socket: WebSocket) -> None:
        await live.live(socket, settings, pool, metrics)

    # Not mounted: a mount at / would answer 404 where a known path is asked with a wrong method.
    app.router.default = Studio(settings.studio)
    _complete_schema(app)
    return app


def _complete_schema(app: FastAPI) -> None:
    """Add the JSON messages of the WebSocket and an example to OpenAPI."""
    plain = app.openapi

    def complete() -> dict[str, Any]:
        schema = plain()
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        for name, message in message_schemas().items():
            components.setdefault(name, message)
        asking = ("/infer", "/metrics", "/calibrations", "/feedback")
        for operations in (o for path, o in schema["paths"].items() if path.startswith(asking)):
            for operation in operations.values():
                # An empty entry means: or without, which holds as long as no token is set.
                operation["security"] = [{"HTTPBearer": []}, {}]
        # FastAPI would leave the nulls out of an example.
        answer = schema["paths"]["/infer"]["post"]["responses"]["200"]
        answer["content"]["application/json"]["example"] = EXAMPLE
        return schema

    app.openapi = complete  # type: ignore[method-assign]
