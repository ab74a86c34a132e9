"""A model that is published on loopback, by a server that can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pytest

from mien.zoo import ModelSpec

CONTENT = np.random.default_rng(7).bytes(300_000)


@dataclass
class Publisher:
    """What the server answers, and what it was asked."""

    content: bytes = CONTENT
    others: dict[str, bytes] = field(default_factory=dict)  # instead of it, by path
    etag: str | None = '"one"'
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)  # bytes after which each next answer breaks off
    statuses: list[int] = field(default_factory=list)  # statuses of the next answers
    redirect: str | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)  # answers wait for it
    port: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/model.bin"

    @property
    def offsets(self) -> list[int]:
        """Where each request wanted to start."""
        return [int(a.get("range", "bytes=0-")[6:-1]) for a in self.asked]


def _handler(publisher: Publisher) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = {k.lower(): v for k, v in self.headers.items()}
            publisher.asked.append({"path": self.path, **asked})
            assert publisher.gate.wait(10)
            if publisher.redirect:
                self.send_response(302)
                self.send_header("Location", publisher.redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if publisher.statuses and (status := publisher.statuses.pop(0)) != 200:
                self.send_error(status)
                return
            self._send(asked)

        def _send(self, asked: dict[str, str]) -> None:
            content, start = publisher.others.get(self.path, publisher.content), 0
            same = asked.get("if-range", publisher.etag) == publisher.etag
            if publisher.ranges and same and "range" in asked:
                start = int(asked["range"][len("bytes=") : -1])
                if start >= len(content):
                    self.send_error(416)
                    return
            self.send_response(206 if start else 200)
            if start:
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            if publisher.etag:
                self.send_header("ETag", publisher.etag)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            end = start + publisher.cuts.pop(0) if publisher.cuts else len(content)
            self.wfile.write(content[start:end])

        def log_message(self, *words: object) -> None:
            pass

    return Handler


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    # The proxy of the machine that runs the tests cannot see its loopback.
    monkeypatch.setenv("no_proxy", "*")
    publisher = Publisher()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(publisher)) as server:
        publisher.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield publisher
        finally:
            publisher.gate.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which then take no time."""
    waited: list[float] = []
    monkeypatch.setattr("mien.zoo.download.time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def model(publisher: Publisher, home: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """The published model, known to the zoo by the name ``toy``."""
    toy = ModelSpec(
        name="toy",
        file="toy.bin",
        url=publisher.url,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        licence="CC0-1.0",
        summary="random bytes",
    )
    monkeypatch.setattr("mien.zoo.spec.SPECS", MappingProxyType({"toy": toy}))
    return toy
