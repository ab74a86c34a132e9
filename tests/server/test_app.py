import re

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from mien import __version__
from mien.server import wire
from mien.server.messages import message_schemas

HOST = {"Host": "localhost"}
WS = "ws://127.0.0.1:8765/ws"


def test_health(client):
    body = client.get("/health").json()
    assert body.pop("uptime") >= 0
    assert body == {
        "status": "ok", "version": __version__, "wire": wire.VERSION, "engine": "fake",
        "heads": {"expression": "ruler"}, "sessions": {"active": 0, "limit": 2},
        "token_required": False, "problem": None,
    }  # fmt: skip


def test_models_are_loaded_once_at_the_start(make_client, cast, encode):
    client = make_client(max_sessions=2, max_faces=5)
    built = [(t.options.mode, t.options.max_faces) for t in cast.built]
    assert built == [("still", 5), ("video", 1), ("video", 1)]
    for _ in range(3):
        client.post("/infer", files={"file": encode()})
        with client.websocket_connect(WS) as socket:
            socket.receive_json()
    assert len(cast.built) == 3


def metric(client, name: str) -> float:
    text = client.get("/metrics").text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, f"{name} is not in:\n{text}"
    return float(found[1])


def test_metrics_count_what_happens(client, cast, message, encode):
    cast.sizes = [4.0, 5.0]
    client.post("/infer", files={"file": encode()})
    client.post("/infer", files={"file": b"garbage"})
    assert metric(client, "mien_sessions") == 0
    with client.websocket_connect(WS) as socket:
        socket.receive_json()
        for i in range(3):
            socket.send_bytes(message(encode(), time=i))
            socket.receive_bytes()
        socket.send_text("garbage")
        socket.receive_json()
        assert metric(client, "mien_sessions") == 1
    client.get("/health", headers={"Host": "evil.example"})
    client.get("/nothing")
    assert metric(client, 'mien_frames_total{road="infer"}') == 1
    assert metric(client, 'mien_frames_total{road="live"}') == 3
    assert metric(client, 'mien_faces_total{road="live"}') == 6
    assert metric(client, "mien_frames_dropped_total") == 0
    for code in ("unreadable_image", "bad_message", "wrong_host", "not_found"):
        assert metric(client, f'mien_errors_total{{code="{code}"}}') == 1
    for stage in ("wait", "decode", "landmarks", "total"):
        labels = f'{{road="live",stage="{stage}"}}'
        assert metric(client, f"mien_stage_seconds_count{labels}") == 3
    assert client.get("/metrics").headers["content-type"].startswith("text/plain")


def test_apps_do_not_share_their_metrics(make_client, encode):
    first, second = make_client(), make_client()
    first.post("/infer", files={"file": encode()})
    assert metric(first, 'mien_frames_total{road="infer"}') == 1
    assert 'mien_frames_total{road="infer"}' not in second.get("/metrics").text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/docs", 404, "not_found"),
        ("GET", "/../../etc/passwd", 404, "not_found"),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404, "not_found"),
        ("GET", "/a%00b", 404, "not_found"),
        ("GET", "/" + "x" * 5000, 404, "not_found"),
        ("POST", "/", 405, "method_not_allowed"),
        ("DELETE", "/infer", 405, "method_not_allowed"),
        ("PUT", "/health", 405, "method_not_allowed"),
        ("GET", "/ws", 404, "not_found"),
    ],
)
def test_errors_are_problems_everywhere(client, method, path, status, code):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code


def test_openapi_holds_the_messages_of_the_websocket(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for name in ("Configure", "Reset", "Calibrate", "Ready", "Configured", "CalibrationState",
                 "ErrorMessage"):  # fmt: skip
        assert name in schemas
    assert set(schemas["ServerMessage"]["discriminator"]["mapping"]) == {
        "ready", "configured", "calibration", "streaming", "error"
    }  # fmt: skip
    assert schemas["Configure"]["required"] == ["type"]
    assert schemas["Calibrate"]["required"] == ["type", "action"]
    for name in message_schemas():
        references = re.findall(r"#/components/schemas/(\w+)", str(schemas[name]))
        assert set(references) <= set(schemas)


def test_openapi_has_an_example_that_fits(client):
    from mien.server.schemas import InferAnswer

    schema = client.get("/openapi.json").json()
    answer = schema["paths"]["/infer"]["post"]["responses"]["200"]["content"]["application/json"]
    InferAnswer.model_validate(answer["example"])


def test_the_schema_is_kept(make_app, tmp_path, monkeypatch):
    """Whatever is sent, the answer is one that the schema announces."""
    # Feedback and people are kept there, and none of these is anybody's.
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    # Not through the plugin for pytest, which lags behind pytest.
    app = make_app(infer_rate=1000)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=HOST)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert {operation.path for operation in operations} == set(schema.raw_schema["paths"])
    for operation in operations:

        @settings(
            max_examples=15,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(case=operation.as_strategy())
        def keeps(case):
            # A schema cannot say that the bytes are to be a picture.
            case.call_and_validate(headers=HOST, excluded_checks=[positive_data_acceptance])

        keeps()
