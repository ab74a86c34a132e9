"""Real sockets: what only shows when there is a network in between."""

import contextlib
import socket
import threading

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from mien.server.wire import SUBPROTOCOL


def health(server) -> dict:
    return httpx.get(f"{server.url}health", timeout=20).json()


def until_free(server) -> None:
    """Wait until no session is open, which frees its tracker."""
    for _ in range(2000):
        if health(server)["sessions"]["active"] == 0:
            return
    pytest.fail("the session was not ended")


def dial(server, **options):
    return connect(server.ws, subprotocols=[SUBPROTOCOL], max_size=None, **options)


def test_a_round_trip(make_server_up, message, encode, read_answer):
    server = make_server_up()
    with dial(server) as ws:
        assert ws.subprotocol == SUBPROTOCOL
        assert '"ready"' in ws.recv(timeout=20)
        ws.send(message(encode(), sequence=3))
        assert read_answer(ws.recv(timeout=20)).sequence == 3


def test_nothing_is_compressed(make_server_up):
    """Even when the client offers it, as browsers do."""
    with dial(make_server_up(), compression="deflate") as ws:
        assert "Sec-WebSocket-Extensions" not in ws.response.headers


def test_the_event_loop_stays_free(make_server_up, cast, message, encode):
    server = make_server_up()
    with dial(server) as ws:
        ws.recv(timeout=20)
        cast.gate.clear()
        ws.send(message(encode()))
        cast.reached()
        assert health(server)["sessions"] == {"active": 1, "limit": 2}
        cast.gate.set()
        ws.recv(timeout=20)


@pytest.mark.parametrize("over", [1, 500_000])
def test_an_oversized_message_is_told(make_server_up, over):
    server = make_server_up(max_upload_bytes=1000)
    with dial(server) as ws:
        ws.recv(timeout=20)
        ws.send(bytes(1032 + over))
        assert '"too_large"' in ws.recv(timeout=20)
        with pytest.raises(ConnectionClosed) as caught:
            ws.recv(timeout=20)
        assert caught.value.rcvd.code == 1009
        assert "over the limit" in caught.value.rcvd.reason
    until_free(server)


def test_a_giant_message_is_cut_off(make_server_up):
    """Far over the limit it is not even read: the line may break before the reason arrives."""
    server = make_server_up(max_upload_bytes=1000)
    with dial(server) as ws:
        ws.recv(timeout=20)
        with pytest.raises(ConnectionClosed):  # noqa: PT012 - either of the two notices
            ws.send(bytes(30_000_000))
            ws.recv(timeout=20)
    until_free(server)
    with dial(server) as ws:
        assert '"ready"' in ws.recv(timeout=20)


def test_a_message_in_pieces_is_put_together(make_server_up, message, encode, read_answer):
    data = message(encode())
    with dial(make_server_up()) as ws:
        ws.recv(timeout=20)
        ws.send([data[:10], data[10:40], data[40:]])
        assert len(read_answer(ws.recv(timeout=20)).faces) == 1


def test_a_slow_reader_is_dropped_and_told(make_server_up, cast, message, encode):
    """It sends and never reads: work stops, the tracker is freed, and the reason waits for it."""
    server = make_server_up(send_timeout=1.0, max_faces=64, max_sessions=1, frame_rate=100_000)
    cast.sizes = [5.0] * 60  # 385 kB an answer
    with dial(server, max_queue=1) as ws:
        ws.recv(timeout=20)
        for time in range(1000):
            ws.send(message(encode(), time=time))
            if not cast.entered.acquire(timeout=0.3):
                break  # the buffers in between are full: no frame is looked at any more
        else:
            pytest.fail("answers went somewhere")
        until_free(server)
        received = []
        with pytest.raises(ConnectionClosed) as caught:
            received.extend(ws)
    assert caught.value.rcvd.code == 1013
    metrics = httpx.get(f"{server.url}metrics").text
    assert 'mien_errors_total{code="slow_reader"} 1.0' in metrics


def test_a_sudden_end_frees_the_tracker(make_server_up, cast, message, encode):
    server = make_server_up(max_sessions=1)
    with contextlib.suppress(ConnectionClosed, OSError), dial(server) as ws:
        ws.recv(timeout=20)
        cast.gate.clear()
        ws.send(message(encode()))
        cast.reached()
        ws.socket.shutdown(socket.SHUT_RDWR)  # no goodbye, in the middle of an answer
        until_free(server)
    cast.gate.set()
    with dial(server) as again:
        assert '"ready"' in again.recv(timeout=20)
        again.send(message(encode()))
        assert len(again.recv(timeout=20)) > 72


@pytest.mark.parametrize(
    "sent",
    [b"", b"hello\r\n\r\n", b"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x02\0"],
)
def test_strangers_on_the_port_do_no_harm(make_server_up, sent):
    server = make_server_up()
    address = httpx.URL(server.url)
    with socket.create_connection((address.host, address.port), timeout=20) as raw:
        raw.sendall(sent)
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(4096):
            pass
    assert health(server)["status"] == "ok"


def test_stopping_tells_the_clients_to_come_back(make_server_up, message, encode):
    server = make_server_up()
    with dial(server) as ws:
        ws.recv(timeout=20)
        stopper = threading.Thread(target=server.stop)
        stopper.start()
        with pytest.raises(ConnectionClosed) as caught:
            ws.recv(timeout=20)
        stopper.join(20)
    assert caught.value.rcvd.code == 1012


def test_every_tracker_is_closed_at_the_end(make_server_up, cast):
    server = make_server_up(max_sessions=3)
    assert len(cast.built) == 4
    server.stop()
    assert [tracker.calls[-1] for tracker in cast.built] == ["close"] * 4


def test_an_upload_that_never_ends_gives_its_place_back(make_server_up, encode):
    server = make_server_up(max_waiting=1, upload_timeout=0.2)
    address = httpx.URL(server.url)
    head = "POST /infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
    with socket.create_connection((address.host, address.port), timeout=20) as raw:
        raw.sendall(f"{head}Content-Length: 1000\r\n\r\n only this".encode())
        answer = b""
        while b"did not arrive" not in answer:
            part = raw.recv(4096)
            assert part, answer
            answer += part
        assert answer.startswith(b"HTTP/1.1 400")
        assert httpx.post(f"{server.url}infer", files={"file": encode()}).status_code == 200
