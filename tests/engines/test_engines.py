"""Every engine on real pictures: one protocol, the same road."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mien import engines, zoo
from mien.channels import index_of
from mien.errors import EngineError, InputError
from mien.topology import CANONICAL, MIRROR
from mien.types import Frame

BLANK = np.full((240, 320, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty model cache."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def pulled(home: Path, shared: Path) -> Path:
    """The cache with the Face Landmarker."""
    return zoo.pull("face_landmarker", source=shared / "models" / "face_landmarker.task")


def need(name: str, request: pytest.FixtureRequest) -> str:
    if name == "facemesh":
        reason = engines.available()["facemesh"]
        if reason:
            pytest.skip(reason)
    else:
        request.getfixturevalue("pulled")
    return name


def photo(shared: Path, name: str) -> Frame:
    with Image.open(shared / "media" / "stills" / name) as image:
        return Frame(np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["still", "video"])
@pytest.mark.parametrize("name", ["facemesh", "facelandmarker"])
class TestPortrait:
    @pytest.fixture
    def engine(
        self, name: str, mode: engines.Mode, request: pytest.FixtureRequest
    ) -> Iterator[engines.Engine]:
        engine = engines.create(need(name, request), mode=mode, max_faces=3)
        yield engine
        engine.close()

    def test_finds_the_one_face(self, engine: engines.Engine, portrait: np.ndarray) -> None:
        (face,) = engine.detect(Frame(portrait))
        left, top, right, bottom = face.landmarks.box
        assert 150 < left < right < 400
        assert 50 < top < bottom < 350
        assert face.landmarks.size == (512, 600)

    def test_irises_lie_within_their_eyes(
        self, engine: engines.Engine, portrait: np.ndarray
    ) -> None:
        points = engine.detect(Frame(portrait))[0].landmarks.points
        assert points[33, 0] < points[468, 0] < points[133, 0]
        assert points[362, 0] < points[473, 0] < points[263, 0]

    def test_no_face_is_an_empty_list(self, engine: engines.Engine) -> None:
        assert engine.detect(Frame(BLANK)) == []

    @pytest.mark.parametrize("size", [(1, 1), (2, 700), (700, 2)])
    def test_odd_sizes(self, engine: engines.Engine, size: tuple[int, int]) -> None:
        assert engine.detect(Frame(np.zeros((*size, 3), np.uint8))) == []

    def test_a_view_is_as_good_as_a_copy(
        self, engine: engines.Engine, portrait: np.ndarray
    ) -> None:
        assert len(engine.detect(Frame(portrait[:, ::-1]))) == 1

    def test_reset_forgets_and_time_may_start_again(
        self, engine: engines.Engine, portrait: np.ndarray
    ) -> None:
        assert engine.detect(Frame(portrait, time=5.0))
        engine.reset()
        moved = np.roll(portrait, 150, axis=1)
        first = engine.detect(Frame(moved, time=0.0))
        assert len(first) == 1
        assert first[0].landmarks.box[0] > 300

    def test_a_closed_engine_says_so(self, engine: engines.Engine, portrait: np.ndarray) -> None:
        engine.close()
        engine.close()
        with pytest.raises(EngineError, match="closed"):
            engine.detect(Frame(portrait))

    def test_only_the_face_landmarker_has_shapes(
        self, engine: engines.Engine, portrait: np.ndarray
    ) -> None:
        shapes = engine.detect(Frame(portrait))[0].shapes
        if engine.name == "facemesh":
            assert shapes is None
        else:
            assert shapes is not None
            assert np.isnan(shapes[index_of("tongueOut")])
            assert np.isfinite(shapes).sum() == 51


@pytest.mark.parametrize("name", ["facemesh", "facelandmarker"])
@pytest.mark.parametrize(
    ("photo_name", "faces"),
    [
        ("angry.jpg", 1),
        ("disgusted.jpg", 1),
        ("fearful.jpg", 1),
        ("happy.jpg", 1),
        ("neutral.jpg", 1),
        ("sad.jpg", 1),
        ("surprised.jpg", 1),
        ("partial-face.jpg", 1),
        ("portrait-480p.jpg", 1),
        ("two-people.jpg", 2),
        ("group-bbt1.jpg", 4),
        ("group-bbt4.jpg", 6),
        ("crowd-solvay1927.jpg", 29),
        ("no-face.jpg", 0),
    ],
)
def test_every_named_photo(
    name: str, photo_name: str, faces: int, shared: Path, request: pytest.FixtureRequest
) -> None:
    engine = engines.create(need(name, request), mode="still", max_faces=64)
    assert len(engine.detect(photo(shared, photo_name))) == faces
    engine.close()


def test_stills_are_answered_largest_first_and_cut_at_max_faces(
    shared: Path, request: pytest.FixtureRequest
) -> None:
    name = need("facemesh", request)
    frame = photo(shared, "group-bbt4.jpg")

    def heights(max_faces: int) -> list[float]:
        engine = engines.create(name, mode="still", max_faces=max_faces)
        boxes = [d.landmarks.box for d in engine.detect(frame)]
        engine.close()
        return [max(b[2] - b[0], b[3] - b[1]) for b in boxes]

    everybody = heights(64)
    assert everybody == sorted(everybody, reverse=True)
    assert len(heights(3)) == 3


class TestCrops:
    @pytest.fixture
    def engine(self, pulled: Path) -> Iterator[engines.Engine]:
        engine = engines.create("crop", mode="still")
        yield engine
        engine.close()

    @pytest.mark.parametrize("side", [48, 112, 400])
    def test_tight_crops_of_any_size(
        self, engine: engines.Engine, portrait: np.ndarray, side: int
    ) -> None:
        crop = cv2.resize(portrait[70:310, 160:370], (side, side), interpolation=cv2.INTER_AREA)
        (face,) = engine.detect(Frame(crop))
        eyes = face.landmarks.points[[468, 473], :2] / side
        np.testing.assert_allclose(eyes, [[0.29, 0.5], [0.69, 0.48]], atol=0.04)
        assert face.landmarks.presence is not None
        assert face.landmarks.presence > 0.5

    def test_agrees_with_the_detector_path(
        self, engine: engines.Engine, portrait: np.ndarray, pulled: Path
    ) -> None:
        whole = engines.create("facelandmarker", mode="still")
        expected = whole.detect(Frame(portrait))[0].landmarks.points[:, :2]
        whole.close()
        crop = np.ascontiguousarray(portrait[60:320, 150:380])
        found = engine.detect(Frame(crop))[0].landmarks.points[:, :2] + [150, 60]
        assert np.linalg.norm(found - expected, axis=1).mean() < 4

    def test_noise_is_no_face(self, engine: engines.Engine) -> None:
        noise = np.random.default_rng(0).integers(0, 255, (48, 48, 3)).astype(np.uint8)
        assert engine.detect(Frame(noise)) == []

    def test_more_than_one_face_is_refused(self, pulled: Path) -> None:
        with pytest.raises(EngineError, match="1 face"):
            engines.create("crop", max_faces=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "facemsh"}, "did you mean 'facemesh'"),
        ({"name": "zzz"}, "facelandmarker"),
        ({"mode": "film"}, "still"),
        ({"max_faces": 0}, "at least 1"),
    ],
)
def test_bad_arguments(
    arguments: dict[str, object], message: str, home: Path, unchecked: None
) -> None:
    with pytest.raises(InputError, match=message):
        engines.create(**arguments)  # type: ignore[arg-type]


def test_an_engine_without_its_model_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    assert "mien pull face_landmarker" in (engines.available()["facelandmarker"] or "")
    assert "mien pull face_landmarker" in (engines.available()["crop"] or "")


def test_landmarks_are_those_of_the_public_interface(
    portrait: np.ndarray, request: pytest.FixtureRequest
) -> None:
    name = need("facemesh", request)
    from mediapipe.python.solutions.face_mesh import FaceMesh

    def looked(image: np.ndarray) -> np.ndarray:
        with FaceMesh(refine_landmarks=True) as plain:
            looks = [plain.process(image).multi_face_landmarks[0].landmark for _ in range(3)]
        return np.array([[(p.x * 512, p.y * 600, p.z * 512) for p in look] for look in looks])

    expected = looked(portrait)
    # A video that stands still shows the looks; a still is the mean of those at both mirror images.
    video = engines.create(name, mode="video")
    found = [video.detect(Frame(portrait, time=i / 30))[0].landmarks.points for i in range(3)]
    video.close()
    np.testing.assert_allclose(found, expected, atol=1e-3)
    across = looked(np.ascontiguousarray(portrait[:, ::-1])).mean(axis=0)[MIRROR]
    across[:, 0] = 512 - across[:, 0]
    mean = (expected.mean(axis=0) + across) / 2
    still = engines.create(name, mode="still")
    for _ in range(2):  # the second time it has a face to forget
        (face,) = still.detect(Frame(portrait))
        np.testing.assert_allclose(face.landmarks.points, mean, atol=1e-3)
    still.close()


def test_a_message_of_another_length_is_refused(request: pytest.FixtureRequest) -> None:
    need("facemesh", request)
    from mien.engines.facemesh import _points

    with pytest.raises(EngineError, match=r"0\.10\.21"):
        _points(b"\x00" * 100)


@pytest.mark.parametrize(
    ("looks", "faces", "expected"),
    [
        ([], [], []),
        ([], [0.0], []),
        ([0.0], [], [None]),
        ([0.01], [0.0], [0]),
        ([0.2], [0.0], [None]),  # another face
        ([0.01, 0.51], [0.5, 0.0], [1, 0]),
        ([0.005, 0.015], [0.0, 0.04], [0, 1]),  # the first face is the nearest of both
        ([0.015, 0.005], [0.0, 0.04], [1, 0]),
        ([0.01, 0.02], [0.0], [0, None]),
        ([0.013], [0.0, 0.02], [1]),
        ([0.9, 0.05], [0.0, 0.04], [None, 1]),
    ],
)
def test_a_look_is_at_one_face_and_no_face_has_two_of_them(
    looks: list[float], faces: list[float], expected: list[int | None]
) -> None:
    from mien.engines.facemesh import _averaged, _matched

    size = np.ptp(CANONICAL[:, :2], axis=0).max()

    def at(share: float) -> np.ndarray:
        return (CANONICAL + np.array([share * size, 0, 0])).astype(np.float32)

    mine, others = [at(share) for share in looks], [at(share) for share in faces]
    assert _matched(mine, others) == expected
    means = [m if i is None else np.mean([m, others[i]], axis=0)
             for m, i in zip(mine, expected, strict=True)]  # fmt: skip
    for mean, found in zip(means, _averaged(mine, others), strict=True):
        np.testing.assert_array_equal(mean, found)
