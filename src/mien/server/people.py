"""``GET /calibrations``, ``DELETE /calibrations/{name}``: who is known."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.security import HTTPBearer

from .. import people
from ..errors import InputError
from .guard import check_token
from .problems import RequestError
from .schemas import CalibrationAnswer, CalibrationsAnswer, Problem
from .settings import Settings
from .trackers import Pool

__all__ = ["router"]

_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "The token is missing or wrong."},
    404: {"model": Problem, "description": "Nobody of that name is known."},
    422: {"model": Problem, "description": "Not the name of a person."},
}


def router(settings: Settings, pool: Pool) -> APIRouter:
    """The routes and what they need. Calibrations are made in a session of ``WS /ws``."""

    async def admit(request: Request) -> None:
        check_token(request, settings)

    routes = APIRouter(
        prefix="/calibrations",
        tags=["calibrations"],
        dependencies=[Depends(admit), Depends(HTTPBearer(auto_error=False))],
    )

    @routes.get("", name="calibrations", summary="Who is known", responses={401: _ERRORS[401]})
    def read_calibrations() -> CalibrationsAnswer:
        """Everybody whose calibration is kept, and whether it fits what the server runs."""
        return CalibrationsAnswer(
            calibrations=[answer for name in people.names() if (answer := _answer(name))]
        )

    @routes.delete(
        "/{name}", name="forget", summary="Forget a person", status_code=204, responses=_ERRORS
    )
    def forget(
        name: Annotated[str, Path(max_length=256, description="As in the list.")],
    ) -> Response:
        """Remove what is kept of a person. Sessions that use it go on until they end."""
        if people.clean_name(name) not in people.names():
            raise RequestError(
                "not_found", f"nobody called {name[:80]!r} is known", "GET /calibrations lists all"
            )
        people.delete(name)
        return Response(status_code=204)

    def _answer(name: str) -> CalibrationAnswer | None:
        try:
            found = people.load(name)
        except InputError as error:
            return CalibrationAnswer(name=name, head="", engine="", created="", trouble=str(error))
        trouble = None
        head = pool.still.expression_head
        try:
            found.check(
                head.name if head else "none", head.sha256 if head else "", pool.still.engine_name
            )
        except InputError as error:
            trouble = str(error)
        return CalibrationAnswer(
            name=found.name,
            head=found.head,
            engine=found.engine,
            created=found.created,
            trouble=trouble,
        )

    return routes
