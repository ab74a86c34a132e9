"""Who may talk to the server: the name it is called by, the site that calls, the token.

A page of any site can open a WebSocket to, or post a form at, a server on the visitor's own
machine. Browsers say where such a request comes from (``Origin``), and by which name the server
was called (``Host``); both are checked before anything else runs.
"""

from __future__ import annotations

import re
import secrets
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from .metrics import Metrics
from .problems import RequestError, response
from .settings import Settings
from .wire import TOKEN_PREFIX

__all__ = ["Guard", "check_token"]

_DEFAULT_PORT = {"http": ":80", "https": ":443", "ws": ":80", "wss": ":443"}
_AUTHORITY = re.compile(r"[A-Za-z0-9.:\[\]_-]+")

# WebAssembly reads compressed avatars; no script may be made of text.
_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; "
    "worker-src 'self' blob:; connect-src 'self'{sockets}; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class Guard:
    """ASGI middleware: refuses strange names and sites, and sends the security headers."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._hosts = settings.hosts
        self._origins = settings.origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._check(headers)
        if problem is not None:
            self._metrics.error(problem.detail.code)
        if scope["type"] == "websocket":
            if problem is None:
                await self._app(scope, receive, send)
            else:
                await WebSocket(scope, receive, send).send_denial_response(response(problem))
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.setdefault("Content-Security-Policy", _policy(headers))
                for name, value in _HEADERS.items():
                    answer.setdefault(name, value)
            await send(message)

        app = self._app if problem is None else response(problem)
        await app(scope, receive, send_safely)

    def _check(self, headers: Headers) -> RequestError | None:
        host = headers.get("host", "")
        if self._hosts is not None and _name(host) not in self._hosts:
            return RequestError(
                "wrong_host",
                f"this server is not called {host[:80]!r}",
                "open it as http://127.0.0.1, or name it in MIEN_ALLOWED_HOSTS",
            )
        origin = headers.get("origin")
        if origin is None or origin.lower() in self._origins or _same(origin, host):
            return None
        return RequestError(
            "forbidden_origin",
            f"pages of {origin[:80]!r} may not use this server",
            "open the server's own page, or name the site in MIEN_ALLOWED_ORIGINS",
        )


def check_token(connection: HTTPConnection, settings: Settings) -> None:
    """Refuse a request or a WebSocket without the token, when one is set.

    It is taken from ``Authorization: Bearer``, and for a WebSocket, where a browser cannot set
    headers, also from ``?token=`` or from a subprotocol ``mien.token.<token>``.

    Raises:
        RequestError: ``unauthorised``.
    """
    if settings.token is None:
        return
    expected = settings.token.get_secret_value().encode()
    given = _tokens(connection)
    if any(secrets.compare_digest(token.encode(), expected) for token in given):
        return
    raise RequestError(
        "unauthorised",
        "the token is wrong" if given else "this server asks for a token",
        "send it as `Authorization: Bearer <token>`; the server's owner set it as MIEN_TOKEN",
        {"WWW-Authenticate": "Bearer"},
    )


def _tokens(connection: HTTPConnection) -> list[str]:
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    found = [value.strip()] if scheme.lower() == "bearer" else []
    if connection.scope["type"] == "websocket":
        found += parse_qs(connection.url.query).get("token", [])
        found += [
            protocol.removeprefix(TOKEN_PREFIX)
            for protocol in connection.scope["subprotocols"]
            if protocol.startswith(TOKEN_PREFIX)
        ]
    return found


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _same(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    port = _DEFAULT_PORT.get(parts.scheme)
    if port is None or not parts.netloc:
        return False
    return parts.netloc.lower().removesuffix(port) == host.lower().removesuffix(port)


def _policy(headers: Headers) -> str:
    # Not every browser counts ws: of the same host as 'self'.
    host = headers.get("host", "")
    sockets = f" ws://{host} wss://{host}" if _AUTHORITY.fullmatch(host) else ""
    return _POLICY.format(sockets=sockets)
