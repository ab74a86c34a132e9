from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from mien.channels import ACTION_UNITS, ARKIT_52, EMOTIONS
from mien.errors import EngineError, ModelMissing
from mien.geometry import matrix_from_quaternion


def code(answer) -> str:
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "hint"}
    assert all(error.values())
    assert "Traceback" not in answer.text
    return error["code"]


def ask(client, data: bytes, query: str = "", name: str = "file"):
    return client.post(f"/infer{query}", files={name: ("p.jpg", data, "image/jpeg")})


def test_the_answer_keeps_the_first_systems_shape(client, encode):
    """``landmarks`` as 478 x 3 normalised like MediaPipe's, ``expression`` as a list of numbers."""
    body = ask(client, encode(size=(200, 100))).json()
    points = np.array(body["landmarks"])
    assert points.shape == (478, 3)
    pixels = np.array(body["faces"][0]["landmarks"])
    np.testing.assert_allclose(points * [200, 100, 200], pixels, atol=2e-3)
    assert isinstance(body["expression"], list)
    assert all(isinstance(value, float) for value in body["expression"])
    assert len(body["expression_names"]) == len(body["expression"])
    assert dict(zip(body["expression_names"], body["expression"], strict=True)) == {
        "jawOpen": 0.5, "mouthSmileLeft": 0.25
    }  # fmt: skip


def test_expression_is_the_3dmms_once_a_head_gives_it(client, cast, encode):
    cast.more = {"morphable": np.arange(10, dtype=np.float32)}
    body = ask(client, encode()).json()
    assert body["expression"] == list(range(10))
    assert body["expression_names"] == [f"morphable_{i}" for i in range(10)]
    assert body["faces"][0]["morphable"] == list(range(10))


def test_a_face_in_full(client, cast, encode):
    cast.more = {
        "engine_shapes": np.linspace(0, 1, 52, dtype=np.float32),
        "action_units": np.zeros(27, np.float32),
        "emotion": np.full(7, 1 / 7, np.float32),
    }
    body = ask(client, encode(size=(200, 100))).json()
    assert body["size"] == {"width": 200, "height": 100}
    assert body["engine"] == "fake"
    assert set(body["timings"]) == {"upload", "decode", "landmarks", "total"}
    (face,) = body["faces"]
    assert face["id"] == 1
    assert face["presence"] == pytest.approx(0.9)
    assert 0 < face["inside"] <= 1
    points = np.array(face["landmarks"])
    box = [face["box"][edge] for edge in ("left", "top", "right", "bottom")]
    np.testing.assert_allclose(box, [*points.min(0)[:2], *points.max(0)[:2]], atol=0.01)
    pose = face["pose"]
    assert (pose["yaw"], pose["pitch"], pose["roll"]) == pytest.approx((10, -20, 30))
    assert (pose["scale"], pose["translation"]) == (8.0, [100, 50, 0])
    np.testing.assert_allclose(
        matrix_from_quaternion(np.array(pose["quaternion"])), pose["rotation"], atol=1e-5
    )
    assert list(face["channels"]) == list(ARKIT_52)
    assert face["channels"]["jawOpen"] == 0.5
    assert face["channels"]["tongueOut"] is None
    assert face["mouth_open"] is True
    assert list(face["engine_shapes"].values())[-1] == 1.0
    assert list(face["action_units"]) == list(ACTION_UNITS)
    assert list(face["emotion"]) == list(EMOTIONS)
    assert face["morphable"] is None


def test_no_face_is_an_answer(client, cast, encode):
    cast.sizes = []
    answer = ask(client, encode())
    assert answer.status_code == 200
    body = answer.json()
    assert (body["faces"], body["landmarks"], body["expression"]) == ([], [], [])
    assert "no face" in body["warnings"][0]


def test_the_largest_face_is_first(client, cast, encode):
    cast.sizes = [2.0, 9.0, 5.0]
    body = ask(client, encode()).json()
    assert [face["id"] for face in body["faces"]] == [2, 3, 1]
    body = ask(client, encode(), "?max_faces=2").json()
    assert [face["id"] for face in body["faces"]] == [2, 3]
    assert "3 faces were found" in body["warnings"][-1]


def test_asking_for_more_faces_than_the_server_gives_is_told(client, encode):
    answer = ask(client, encode(), "?max_faces=9")
    assert answer.status_code == 200
    assert "at most 8 faces" in answer.json()["warnings"][-1]


def test_a_cut_face_is_told(client, cast, encode):
    cast.sizes = [30.0]
    assert any("cut by the border" in told for told in ask(client, encode()).json()["warnings"])


def test_landmarks_can_be_left_out(client, encode):
    body = ask(client, encode(), "?landmarks=false").json()
    assert body["landmarks"] == []
    assert body["faces"][0]["landmarks"] is None
    assert body["expression"]


def test_the_mouth_threshold_is_for_one_request(client, cast, encode):
    ask(client, encode(), "?mouth_threshold=0.3")
    ask(client, encode())
    still = cast.built[0]
    changes = [call for call in still.calls if call.startswith("configure")]
    assert changes == ["configure None 0.3", "configure None 0.12"]


@pytest.mark.parametrize("name", ["file", "image"])
def test_either_field_will_do(client, encode, name):
    assert ask(client, encode(), name=name).status_code == 200


@pytest.mark.parametrize(
    "kind", ["image/jpeg", "image/png", "application/octet-stream", "IMAGE/JPEG; q=1"]
)
def test_the_body_may_be_the_picture(client, encode, kind):
    answer = client.post("/infer", content=encode(), headers={"Content-Type": kind})
    assert answer.status_code == 200


def test_exif_orientation_is_applied(client, cast, encode):
    exif = Image.Exif()
    exif[0x0112] = 6
    body = ask(client, encode(size=(64, 48), exif=exif)).json()
    assert body["size"] == {"width": 48, "height": 64}
    assert cast.built[0].frames[0].size == (48, 64)


@pytest.mark.parametrize(
    ("kind", "mode", "size"),
    [
        ("JPEG", "CMYK", (64, 48)),
        ("JPEG", "L", (64, 48)),
        ("PNG", "I;16", (64, 48)),
        ("PNG", "RGBA", (64, 48)),
        ("PNG", "P", (64, 48)),
        ("GIF", "P", (64, 48)),
        ("TIFF", "RGB", (64, 48)),
        ("WEBP", "RGB", (64, 48)),
        ("PNG", "RGB", (1, 1)),
        ("PNG", "RGB", (4000, 1)),
    ],
)
def test_unusual_pictures_are_read(client, cast, encode, kind, mode, size):
    cast.sizes = []
    answer = ask(client, encode(kind=kind, mode=mode, size=size))
    assert answer.status_code == 200
    assert answer.json()["size"] == dict(zip(("width", "height"), size, strict=True))


@pytest.mark.parametrize(
    ("data", "status", "expected"),
    [
        (b"", 422, "unreadable_image"),
        (b"\0", 422, "unreadable_image"),
        (b"this is text", 422, "unreadable_image"),
        (b"%PDF-1.7", 422, "unreadable_image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", 422, "unreadable_image"),
        (b"\0" * 5000, 422, "unreadable_image"),
        (b"\xff" * 20_001, 413, "too_large"),
    ],
)
def test_what_is_no_picture_is_refused(make_client, data, status, expected):
    client = make_client(max_upload_bytes=20_000)
    for answer in (
        ask(client, data),
        client.post("/infer", content=data, headers={"Content-Type": "image/jpeg"}),
    ):
        assert (answer.status_code, code(answer)) == (status, expected)


def test_a_truncated_picture_is_refused(client, encode):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    answer = ask(client, encode(noise)[:6000])
    assert (answer.status_code, code(answer)) == (422, "unreadable_image")


def test_too_many_pixels_are_refused(make_client, encode, cast):
    client = make_client(max_pixels=1000)
    answer = ask(client, encode(kind="PNG", size=(20_000, 20)))
    assert (answer.status_code, code(answer)) == (413, "too_many_pixels")
    assert not cast.built[0].frames


@pytest.mark.parametrize(
    ("request_", "status", "expected"),
    [
        ({}, 415, "unsupported_media"),
        ({"json": {"image": "base64"}}, 415, "unsupported_media"),
        ({"content": b"x", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_media"),
        ({"data": {"file": "x"}}, 415, "unsupported_media"),
        ({"files": {"photo": b"x"}}, 400, "bad_request"),
        ({"files": {"other": b"x"}, "data": {"file": "words"}}, 400, "bad_request"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "bad_request"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=a"}}, 400,
         "bad_request"),
        ({"files": [("file", b"x")] * 9}, 400, "bad_request"),
        ({"files": {"file": b"x"}, "params": {"max_faces": "0"}}, 422, "invalid_value"),
        ({"files": {"file": b"x"}, "params": {"max_faces": "many"}}, 422, "invalid_value"),
        ({"files": {"file": b"x"}, "params": {"max_faces": "65"}}, 422, "invalid_value"),
        ({"files": {"file": b"x"}, "params": {"mouth_threshold": "-1"}}, 422, "invalid_value"),
        ({"files": {"file": b"x"}, "params": {"mouth_threshold": "nan"}}, 422, "invalid_value"),
        ({"files": {"file": b"x"}, "params": {"landmarks": "perhaps"}}, 422, "invalid_value"),
    ],
)  # fmt: skip
def test_bad_requests_are_told(client, request_, status, expected):
    answer = client.post("/infer", **request_)
    assert (answer.status_code, code(answer)) == (status, expected)


def test_the_wrong_method_is_told(client):
    answer = client.get("/infer")
    assert (answer.status_code, code(answer)) == (405, "method_not_allowed")


def test_a_body_that_lies_about_its_length_is_cut_off(make_client):
    """Without Content-Length the bytes are counted, and no more are taken than allowed."""
    client = make_client(max_upload_bytes=1000)
    taken = []

    def chunks():
        for i in range(1000):
            taken.append(i)
            yield bytes(500)

    answer = client.post("/infer", content=chunks(), headers={"Content-Type": "image/jpeg"})
    assert (answer.status_code, code(answer)) == (413, "too_large")


def test_too_many_requests_are_refused(make_client, encode):
    client = make_client(infer_rate=2)
    answers = [ask(client, encode()) for _ in range(8)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert refused
    assert code(refused[0]) == "rate_limited"
    assert int(refused[0].headers["retry-after"]) >= 1


def test_a_full_queue_is_told_and_the_rest_is_answered(make_client, cast, encode):
    client = make_client(max_waiting=1)
    cast.gate.clear()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(ask, client, encode())
        cast.reached()
        answer = ask(client, encode())
        cast.gate.set()
        assert (answer.status_code, code(answer)) == (503, "busy")
        assert answer.headers["retry-after"] == "1"
        assert first.result(20).status_code == 200
    assert ask(client, encode()).status_code == 200


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        (EngineError("the engine is closed; start again"), 503, "engine_failed"),
        (
            ModelMissing("the model is missing; run `mien pull face_landmarker`"),
            503,
            "model_missing",
        ),
        (RuntimeError("a secret of the inside"), 500, "internal"),
    ],
)
def test_failures_inside_are_told_without_a_traceback(
    make_client, cast, encode, error, status, expected
):
    client = make_client(raise_server_exceptions=False)
    cast.fail = error
    answer = ask(client, encode())
    assert (answer.status_code, code(answer)) == (status, expected)
    assert "secret" not in answer.text
    cast.fail = None
    assert ask(client, encode()).status_code == 200


def test_only_one_thread_touches_the_tracker(client, cast, encode):
    """It is not thread-safe: what comes together waits in line."""
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: ask(client, encode()), range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    still = cast.built[0]
    assert len(still.frames) == 8
    assert len(still.threads) == 1


def test_rates_are_counted_on_one_thread(make_client, encode):
    """Requests that come together do not slip through."""
    client = make_client(infer_rate=3)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: ask(client, encode()), range(12)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
