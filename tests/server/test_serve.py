import os
import signal
import socket
import subprocess
import sys

import pytest

from mien.errors import InputError
from mien.server import serve
from mien.server.settings import Settings

TOKEN = "a-token-of-some-length"  # noqa: S105


def test_a_taken_port_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} is in use.*--port"):
            serve.listen(Settings(port=port))


@pytest.mark.parametrize(
    ("host", "told"), [("no-such-host.invalid", "no address"), ("192.0.2.1", "this machine")]
)
def test_an_address_that_is_not_ours_is_told(host, told):
    with pytest.raises(InputError, match=told):
        serve.listen(Settings(host=host, token=TOKEN, port=0))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "http://127.0.0.1:{}/"),
        ({"host": "localhost"}, "http://localhost:{}/"),
        ({"token": TOKEN}, "http://127.0.0.1:{}/#token=" + TOKEN),
        ({"host": "0.0.0.0", "token": TOKEN}, "http://127.0.0.1:{}/#token=" + TOKEN),  # noqa: S104
    ],
)
def test_the_address_of_the_page(settings, expected):
    given = Settings(port=0, **settings)
    with serve.listen(given) as listener:
        assert serve.url_of(given, listener) == expected.format(listener.getsockname()[1])


def test_ipv6_addresses_get_brackets():
    try:
        listener = serve.listen(Settings(host="::1", port=0))
    except InputError:
        pytest.skip("there is no IPv6 here")
    with listener:
        assert serve.url_of(Settings(host="::1"), listener).startswith("http://[::1]:")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_stops_in_good_order(end, tmp_path):
    code = (
        "from mien.server.serve import run; from mien.server.settings import Settings; "
        f"run(Settings(port=0, max_sessions=1, studio={str(tmp_path)!r}))"
    )
    server = subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout.readline().startswith("mien is at http://127.0.0.1:")
        assert "`make web`" in server.stdout.readline()
        server.send_signal(end)
        _, err = server.communicate(timeout=60)
    finally:
        server.kill()
    assert "Traceback" not in err
    assert server.returncode == (0 if end == signal.SIGINT else -signal.SIGTERM)


def test_the_browser_is_opened_when_the_server_is_up(monkeypatch, tmp_path, cast):
    import httpx

    from mien.server import app

    seen = []
    built = app.create_app
    monkeypatch.setattr(serve, "create_app", lambda settings: built(settings, cast))

    class Server:
        def __init__(self, app_, settings, ready):
            self.app, self.ready = app_, ready

        def run(self, sockets):
            seen.append("running")
            self.ready()

    monkeypatch.setattr(serve, "make_server", Server)
    monkeypatch.setattr(serve.webbrowser, "open", lambda url: seen.append(url))
    monkeypatch.setattr(serve.threading, "Thread", lambda target, args, daemon: _Now(target, args))
    serve.run(Settings(port=0, token=TOKEN, studio=tmp_path), open_browser=True)
    assert seen[0] == "running"
    assert httpx.URL(seen[1]).fragment == f"token={TOKEN}"
    seen.clear()
    serve.run(Settings(port=0, studio=tmp_path))
    assert seen == ["running"]


class _Now:
    """A thread that is done when it has started."""

    def __init__(self, target, args):
        self.target, self.args = target, args

    def start(self):
        self.target(*self.args)
