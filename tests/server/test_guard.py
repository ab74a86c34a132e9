import pytest
from starlette.testclient import WebSocketDenialResponse

from mien.server.wire import SUBPROTOCOL, TOKEN_PREFIX

TOKEN = "a-token-of-some-length"  # noqa: S105
EVIL = "https://evil.example"
WS = "ws://127.0.0.1:8765/ws"


def code(answer) -> str:
    return answer.json()["error"]["code"]


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "LocalHost:1", "[::1]:8765"])
def test_names_of_this_machine_are_served(client, host):
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "localhost.evil.example",
        "",
        "[",
        "127.0.0.1.evil.example",
    ],
)
def test_dns_rebinding_is_refused(client, host):
    answer = client.get("/health", headers={"Host": host})
    assert (answer.status_code, code(answer)) == (421, "wrong_host")


def test_a_name_can_be_allowed(make_client):
    client = make_client(allowed_hosts="studio.example", token=TOKEN)
    assert client.get("/health", headers={"Host": "studio.example"}).status_code == 200
    assert client.get("/health", headers={"Host": "evil.example"}).status_code == 421


def test_with_a_token_on_the_network_any_name_is_served(make_client):
    client = make_client(host="0.0.0.0", token=TOKEN)  # noqa: S104
    assert client.get("/health", headers={"Host": "192.168.1.5:8765"}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "127.0.0.1:8765"),
        ("http://127.0.0.1:8765", "127.0.0.1:8765"),
        ("http://localhost", "localhost:80"),
        ("https://localhost:443", "localhost"),
        ("http://LOCALHOST:8765", "localhost:8765"),
    ],
)
def test_own_pages_are_served(client, origin, host):
    headers = {"Host": host} | ({"Origin": origin} if origin else {})
    assert client.get("/health", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        EVIL,
        "null",
        "",
        "http://127.0.0.1:9999",
        "http://127.0.0.1:8765.evil.example",
        "file://",
        "http://[",
    ],
)
def test_other_sites_are_refused(client, cast, origin, encode):
    answer = client.post("/infer", files={"file": encode()}, headers={"Origin": origin})
    assert (answer.status_code, code(answer)) == (403, "forbidden_origin")
    assert not any("process" in call for tracker in cast.built for call in tracker.calls)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Origin": EVIL}, 403), ({"Origin": "null"}, 403), ({"Host": "evil.example"}, 421)],
)
def test_cross_site_websockets_are_refused_at_the_handshake(client, headers, status):
    with (
        pytest.raises(WebSocketDenialResponse) as caught,
        client.websocket_connect(WS, headers=headers),
    ):
        pass
    assert caught.value.status_code == status
    assert caught.value.json()["error"]["hint"]


def test_an_allowed_site_may_read_the_answer(make_client):
    client = make_client(allowed_origins="https://studio.example")
    answer = client.get("/health", headers={"Origin": "https://studio.example"})
    assert answer.headers["access-control-allow-origin"] == "https://studio.example"
    asked = {"Origin": "https://studio.example", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization"}  # fmt: skip
    assert client.options("/infer", headers=asked).status_code == 200
    with client.websocket_connect(WS, headers={"Origin": "https://studio.example"}) as socket:
        assert socket.receive_json()["type"] == "ready"
    refused = client.get("/health", headers={"Origin": EVIL})
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize(
    ("given", "status"),
    [(None, 401), (f"Bearer {TOKEN}", 200), (f"bearer {TOKEN}", 200), (f"Basic {TOKEN}", 401),
     (f"Bearer {TOKEN}x", 401), (f"Bearer {TOKEN[:-1]}", 401), ("Bearer ", 401),
     ("Bearer Ünsinn", 401)],
)  # fmt: skip
def test_the_token_opens_infer_and_metrics(make_client, encode, given, status):
    client = make_client(token=TOKEN)
    headers = {"Authorization": given.encode()} if given else {}
    answers = [
        client.post("/infer", files={"file": encode()}, headers=headers),
        client.get("/metrics", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [status, status]
    if status == 401:
        assert code(answers[0]) == "unauthorised"
        assert answers[0].headers["www-authenticate"] == "Bearer"
        assert TOKEN not in answers[0].text


def test_the_token_in_the_address_does_not_open_infer(make_client, encode):
    # Addresses get into histories and logs; only a WebSocket has no better place.
    client = make_client(token=TOKEN)
    assert client.post(f"/infer?token={TOKEN}", files={"file": encode()}).status_code == 401


@pytest.mark.parametrize("path", ["/", "/health", "/openapi.json", "/sample.jpg"])
def test_the_page_needs_no_token(make_client, path):
    assert make_client(token=TOKEN).get(path).status_code == 200


@pytest.mark.parametrize("way", ["query", "subprotocol", "header"])
@pytest.mark.parametrize("token", [TOKEN, "another-token-of-length"])
def test_the_token_opens_the_websocket(make_client, way, token):
    client = make_client(token=TOKEN)
    path, protocols, headers = WS, [SUBPROTOCOL], {}
    if way == "query":
        path += f"?token={token}"
    elif way == "subprotocol":
        protocols.append(TOKEN_PREFIX + token)
    else:
        headers["Authorization"] = f"Bearer {token}"
    with client.websocket_connect(path, protocols, headers=headers) as socket:
        assert socket.accepted_subprotocol == SUBPROTOCOL
        first = socket.receive_json()
        if token == TOKEN:
            assert first["type"] == "ready"
        else:
            assert (first["type"], first["code"]) == ("error", "unauthorised")
            assert socket.receive()["code"] == 1008


def test_tokens_are_compared_in_constant_time(make_client, monkeypatch, encode):
    compared = []
    monkeypatch.setattr(
        "mien.server.guard.secrets.compare_digest", lambda a, b: compared.append((a, b)) or True
    )
    client = make_client(token=TOKEN)
    answer = client.get("/metrics", headers={"Authorization": "Bearer whatever"})
    assert answer.status_code == 200
    assert compared == [(b"whatever", TOKEN.encode())]


@pytest.mark.parametrize("path", ["/", "/health", "/nothing", "/infer"])
def test_security_headers_are_everywhere(client, path):
    answer = client.get(path)
    policy = answer.headers["content-security-policy"]
    for part in (
        "default-src 'self'", "img-src 'self' blob: data:", "media-src 'self' blob:",
        "worker-src 'self' blob:", "frame-ancestors 'none'",
        "connect-src 'self' ws://127.0.0.1:8765 wss://127.0.0.1:8765;",
    ):  # fmt: skip
        assert part in policy
    assert "'unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_a_host_cannot_write_into_the_policy(make_client):
    client = make_client(host="0.0.0.0", token=TOKEN)  # noqa: S104
    policy = client.get("/", headers={"Host": "a; script-src *"}).headers["content-security-policy"]
    assert "script-src *" not in policy
    assert "connect-src 'self';" in policy
