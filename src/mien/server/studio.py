"""The page: Vite's build output, and the sample portrait."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ..assets import sample_portrait
from ..errors import InputError
from .problems import RequestError

__all__ = ["Studio", "sample"]

_FALLBACK = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>mien</title>
<h1>mien is running, but its page is not built</h1>
<p>Run <code>make web</code> in the repository (it needs Node 20.19 or newer), then reload.</p>
<p>The programming interface works: see <a href="openapi.json">openapi.json</a> and
<a href="health">health</a>.</p>
</html>
"""


class Studio(StaticFiles):
    """Serves the folder, which may appear or change while the server runs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)
        self._folder = folder

    async def check_config(self) -> None:
        """Accept that the folder is not there: the page may be built later."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or a plain page that says how to build the studio."""
        asked = scope["method"] in ("GET", "HEAD") and path == "."
        if asked and not (self._folder / "index.html").is_file():
            return HTMLResponse(_FALLBACK, headers={"Cache-Control": "no-store"})
        answer = await super().get_response(path, scope)
        # Vite puts the hash of the content into the names in assets/.
        hashed = path.startswith(f"assets{os.sep}")
        answer.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if hashed else "no-cache"
        )
        return answer


def sample() -> Response:
    """The sample portrait.

    Raises:
        RequestError: ``not_found``: matplotlib's sample data are not installed.
    """
    try:
        path = sample_portrait()
    except InputError as error:
        raise RequestError.from_error(error, "not_found") from error
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "max-age=3600"})
