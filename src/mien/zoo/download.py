"""One file over https, resumed where the last attempt ended."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias
from urllib.error import HTTPError, URLError

from ..errors import ModelMissing
from .spec import ModelSpec, trusted

__all__ = ["Progress", "fetch"]

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes expected."""

_TIMEOUT = 30.0  # seconds without a byte
_ATTEMPTS = 5  # in a row that bring nothing
_BLOCK = 1 << 16

# Worth another attempt; what another 4xx says will be said again.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class _PassingError(Exception):
    """The connection ended early, or the server is busy: try again."""


class _OnlyTrusted(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not trusted(newurl):
            raise ModelMissing(f"{req.full_url} redirects to {newurl}, which is not https; refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(model: ModelSpec, part: Path, progress: Progress | None = None) -> bool:
    """Complete ``part`` from the model's address; what is there already is kept.

    Proxies are those of the system (``https_proxy``, ``no_proxy``). The content is not verified.

    Returns:
        whether bytes of an earlier attempt are part of the file.

    Raises:
        ModelMissing: the server does not have it, or cannot be reached.
        OSError: ``part`` cannot be written.
    """
    resumed = False
    failures = 0
    while True:
        before = _length(part)
        try:
            resumed |= _attempt(model, part, progress)
        except _PassingError as error:
            failures = failures + 1 if _length(part) <= before else 0
            if failures >= _ATTEMPTS:
                raise ModelMissing(
                    f"{model.url} could not be fetched: {error}, after {failures} attempts "
                    f"({_length(part):,} of {model.size:,} bytes are here and will be kept); run "
                    f"`mien pull {model.name}` again, or take a local copy: "
                    f"`mien pull {model.name} --from PATH`"
                ) from error
            time.sleep(2.0**failures / 2)
        else:
            return resumed


def _attempt(model: ModelSpec, part: Path, progress: Progress | None) -> bool:
    offset = _length(part)
    if offset >= model.size:
        part.unlink()
        offset = 0
    etag = part.with_suffix(".etag")
    headers = {"User-Agent": "mien", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        with suppress(OSError):
            headers["If-Range"] = etag.read_text("ascii")
    request = urllib.request.Request(model.url, headers=headers)  # noqa: S310  (ModelSpec is https)
    with _open(model, part, request) as response:
        # Without ranges, or when the file has changed, the server sends the whole.
        resumed = response.status == 206 and _start(response) == offset
        if not resumed:
            offset = 0
        total = offset + int(response.headers.get("Content-Length") or model.size - offset)
        if total != model.size:
            raise ModelMissing(
                f"{model.url} offers {total:,} bytes, expected {model.size:,}: it has changed; "
                f"update mien, or take a local copy: `mien pull {model.name} --from PATH`"
            )
        tag = response.headers.get("ETag", "")
        # A weak tag (W/...) promises likeness, not equality: no base for joining two pieces.
        if re.fullmatch(r'"[!-~]*"', tag):
            etag.write_text(tag, "ascii")
        else:
            etag.unlink(missing_ok=True)
        with part.open("ab" if resumed else "wb") as stream:
            while offset < total:
                block = _read(response, total - offset)
                stream.write(block)
                offset += len(block)
                if progress is not None:
                    progress(offset, total)
    etag.unlink(missing_ok=True)
    return resumed


def _open(model: ModelSpec, part: Path, request: urllib.request.Request) -> Any:
    opener = urllib.request.build_opener(_OnlyTrusted)
    try:
        return opener.open(request, timeout=_TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == 416:
            # The server's file is shorter than our piece of it.
            part.unlink(missing_ok=True)
            raise _PassingError("the server cannot go on from where we are") from error
        if error.code in _PASSING:
            raise _PassingError(f"the server answers {error.code} {error.reason}") from error
        raise ModelMissing(
            f"{model.url} answers {error.code} {error.reason}; update mien, or take a local copy: "
            f"`mien pull {model.name} --from PATH`"
        ) from error
    except URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise ModelMissing(
                f"the certificate of {model.url} is not trusted ({error.reason.verify_message}); "
                "name your organisation's certificates in SSL_CERT_FILE, or take a local copy: "
                f"`mien pull {model.name} --from PATH`"
            ) from error
        if isinstance(error.reason, socket.gaierror) and error.reason.errno != socket.EAI_AGAIN:
            raise ModelMissing(
                f"{request.host} is not known to this machine ({error.reason.strerror}); is it "
                f"offline? A local copy serves as well: `mien pull {model.name} --from PATH`"
            ) from error
        raise _PassingError(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _PassingError(str(error) or type(error).__name__) from error


def _read(response: Any, most: int) -> bytes:
    try:
        block: bytes = response.read(min(_BLOCK, most))
    except (OSError, http.client.HTTPException) as error:
        raise _PassingError(str(error) or type(error).__name__) from error
    if not block:
        raise _PassingError(f"the connection ended {most:,} bytes early")
    return block


def _start(response: Any) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
