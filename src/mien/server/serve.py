"""Run the server on this machine: a port, uvicorn, and the browser when it is up."""

from __future__ import annotations

import errno
import socket
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from fastapi import FastAPI
from rich.text import Text

from ..errors import InputError
from ..terminal import Terminal
from .app import create_app
from .settings import Settings
from .wire import FRAME_BYTES

__all__ = ["listen", "make_server", "run", "url_of"]

# A message that is only a little too long is read and refused with a reason; uvicorn cuts the
# line at this many bytes more.
_SLACK = 1_000_000
_STALLED = 30_000  # milliseconds until the kernel gives up on a reader that takes nothing


def run(settings: Settings, *, open_browser: bool = False) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        settings: how it runs.
        open_browser: show the page when the server is up.

    Raises:
        InputError: the address or the port cannot be used.
    """
    listener = listen(settings)
    url = url_of(settings, listener)
    app = create_app(settings)

    def ready() -> None:
        _greet(settings, app, url)
        if open_browser:
            # Some browsers keep the call until they are closed.
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    # uvicorn hands the signal on after it has stopped in good order.
    with listener, suppress(KeyboardInterrupt):
        make_server(app, settings, ready).run(sockets=[listener])


def listen(settings: Settings) -> socket.socket:
    """A listening socket.

    Raises:
        InputError: the address is unknown or not ours, the port taken or forbidden.
    """
    host, port = settings.host, settings.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise InputError(
            f"{host!r} is no address to listen on ({error.strerror or error}); try 127.0.0.1"
        ) from error
    # Where localhost has both, browsers and curl agree on the IPv4 one.
    family, *_, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    try:
        listener = socket.create_server(address[:2], family=family, backlog=128)
    except OSError as error:
        raise InputError(_refusal(error, host, port)) from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Connections inherit it. uvicorn waits for ever to flush to a peer that does not read.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED)
    return listener


def url_of(settings: Settings, listener: socket.socket) -> str:
    """Address of the page on this machine; the token goes into the fragment, which is not sent."""
    host = settings.host
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        host = "127.0.0.1" if listener.family == socket.AF_INET else "::1"
    if ":" in host:
        host = f"[{host}]"
    token = settings.token.get_secret_value() if settings.token else ""
    return f"http://{host}:{listener.getsockname()[1]}/" + (token and f"#token={token}")


def make_server(
    app: FastAPI, settings: Settings, ready: Callable[[], None] = lambda: None
) -> uvicorn.Server:
    """Uvicorn set up for live frames; ``ready`` is called when it accepts connections."""
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_level="warning",
        access_log=False,  # a token may stand in the query of a WebSocket's address
        server_header=False,
        timeout_graceful_shutdown=3,
        # JPEG does not get smaller, and deflating float32 takes longer than sending it.
        ws_per_message_deflate=False,
        ws_max_size=settings.max_upload_bytes + FRAME_BYTES + _SLACK,
    )
    return _Server(config, ready)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _refusal(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is in use, perhaps by another mien; stop that one, or take another "
            "port with --port (0 takes any free one)"
        )
    if error.errno == errno.EACCES:
        return f"port {port} needs special rights here; take one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine; try 127.0.0.1"
    return f"cannot listen on {host}:{port} ({error.strerror}); try another --host or --port"


def _greet(settings: Settings, app: FastAPI, url: str) -> None:
    console = Terminal(highlight=False, soft_wrap=True)
    # Text, not markup: an address or a path may hold brackets.
    link = (url, f"link {url}")
    console.print(Text.assemble(("mien", "bold"), " is at ", link, " (Ctrl-C stops it)"))
    problem = app.state.pool.problem
    if problem is not None:
        console.print(Text.assemble(("no face can be found yet: ", "yellow"), str(problem)))
    if not (settings.studio / "index.html").is_file():
        missing = ("the page is not built: ", "yellow")
        console.print(Text.assemble(missing, "run `make web`; the API works without it"))
    if not settings.loopback:
        console.print(
            "Other machines may connect. Their browsers give a page the camera only over https."
        )
