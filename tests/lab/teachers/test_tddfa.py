"""The 3DDFA_V2 teacher: its crop, its basis, its files, and its error on real pictures."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from mien.errors import InputError  # noqa: E402
from mien.lab.nets.mobilenet import MobileNet  # noqa: E402
from mien.lab.teachers import tddfa  # noqa: E402

torch.set_num_threads(1)
RNG = np.random.default_rng(0)


class Harm:
    """A pickle that runs a command when it is read without care."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("false",)


def write_folder(folder: Path) -> Path:
    """The teacher's files with made-up numbers in the official layout."""
    torch.manual_seed(0)
    state = {f"module.{k}": v for k, v in MobileNet(0.5, 62, 136).state_dict().items()}
    torch.save({"epoch": 1, "state_dict": state}, folder / tddfa.FILES["net"])
    # A face of the size of the crop that looks at the viewer.
    mean = np.zeros(62, np.float32)
    mean[[0, 5, 10]] = 1
    mean[[3, 7]] = 60
    scale = {"mean": mean, "std": np.full(62, 1e-3, np.float32)}
    (folder / tddfa.FILES["scale"]).write_bytes(pickle.dumps(scale, protocol=3))
    np.savetxt(folder / tddfa.FILES["mean"], RNG.uniform(-30, 30, 204))
    np.savetxt(folder / tddfa.FILES["shape"], RNG.normal(size=(204, 40)))
    np.savetxt(folder / tddfa.FILES["expression"], RNG.normal(size=(204, 10)))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("tddfa"))


@pytest.fixture(scope="module")
def teacher(folder: Path) -> tddfa.Teacher:
    return tddfa.Teacher(folder)


@pytest.mark.parametrize(
    ("points", "box"),
    [
        ([(0, 0), (10, 10)], (-2.071, -2.071, 12.071, 12.071)),
        ([(0, 0), (10, 2)], (-2.071, -6.071, 12.071, 8.071)),  # the longer side counts
        ([(100, 40), (104, 60)], (87.858, 35.858, 116.142, 64.142)),
    ],
)
def test_the_box_is_a_square_of_the_longer_side_times_root_two(
    points: list[tuple[float, float]], box: tuple[float, ...]
) -> None:
    landmarks = np.array(points, np.float32)[np.arange(68) % 2]
    deep = np.column_stack([landmarks, RNG.normal(size=68)])
    for given in (landmarks, deep):
        np.testing.assert_allclose(tddfa.square_around(given[None])[0], box, atol=1e-3)


@pytest.mark.parametrize(
    "box",
    [
        (10, 20, 130, 140),
        (-30, 20, 90, 140),
        (10, -50, 130, 70),
        (150, 20, 270, 140),
        (10, 120, 130, 240),
        (-60, -60, 240, 240),
        (9.6, 20.4, 129.6, 140.4),  # edges fall on whole pixels
    ],
)
def test_the_crop_is_black_beyond_the_picture(box: tuple[float, ...]) -> None:
    image = RNG.integers(1, 256, (180, 200, 3), dtype=np.uint8)
    wide = np.zeros((980, 1000, 3), np.uint8)
    wide[400:580, 400:600] = image
    expected = tddfa.crop(wide, np.array(box) + 400)
    found = tddfa.crop(image, np.array(box, float))
    assert found.shape == (120, 120, 3)
    np.testing.assert_array_equal(found, expected)
    if box == (10, 20, 130, 140):
        np.testing.assert_array_equal(found, image[20:140, 10:130])


@pytest.mark.parametrize("box", [(300, 0, 420, 120), (-200, 0, -80, 120), (0, 500, 120, 620)])
def test_a_crop_beside_the_picture_is_black(box: tuple[int, ...]) -> None:
    assert not tddfa.crop(np.full((180, 200, 3), 255, np.uint8), np.array(box, float)).any()


@pytest.mark.parametrize("box", [(5, 5, 5, 5), (5, 5, 4, 9), (0, 0, np.nan, 9), (0, 0, np.inf, 9)])
def test_an_empty_box_is_refused(box: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="at least two pixels"):
        tddfa.crop(np.zeros((9, 9, 3), np.uint8), np.array(box, float))


@pytest.mark.parametrize(("shift", "error"), [((0, 0), 0), ((3, 4), 10), ((-6, 8), 20)])
def test_nme_is_the_distance_over_the_boxs_size_in_per_cent(
    shift: tuple[int, int], error: float
) -> None:
    truth = np.array([(0, 0, 0), (100, 25, 0)], float)[np.arange(68) % 2][None]
    found = truth + np.array([*shift, 99])  # depth does not count
    np.testing.assert_allclose(tddfa.nme(found, truth), [error])


def test_points_are_laid_into_the_picture(folder: Path) -> None:
    basis = tddfa.Basis.load(folder)
    parameters = np.zeros((1, 62))
    parameters[0, [0, 5, 10]] = 2
    parameters[0, [3, 7, 11]] = 61, 60, -5
    points = basis.points(parameters, np.array([[200.0, 100, 440, 340]]))[0]
    mean = basis.mean.reshape(68, 3)
    # The crop is 240 pixels for 120, the face is twice its size in the crop.
    np.testing.assert_allclose(points[:, 0], 200 + 120 + 4 * mean[:, 0], rtol=1e-5)
    np.testing.assert_allclose(points[:, 1], 100 + 120 - 4 * mean[:, 1], rtol=1e-5)
    np.testing.assert_allclose(points[:, 2], 4 * (mean[:, 2].mean() - mean[:, 2]), atol=1e-3)
    # An expression moves the points by its column of the basis.
    parameters[0, 52 + 3] = 0.5
    moved = basis.points(parameters, np.array([[200.0, 100, 440, 340]]))[0]
    column = basis.expression[:, 3].reshape(68, 3)
    np.testing.assert_allclose((moved - points)[:, 0], 4 * 0.5 * column[:, 0], atol=1e-3)


def test_faces_are_independent_of_their_batch(teacher: tddfa.Teacher) -> None:
    images = [RNG.integers(0, 256, (150 + i, 180, 3), dtype=np.uint8) for i in range(3)]
    landmarks = RNG.uniform(40, 120, (3, 68, 2))
    fits = teacher(images, landmarks)
    assert fits.parameters.shape == (3, 62)
    assert fits.expression.shape == (3, 10)
    assert fits.points.shape == (3, 68, 3)
    alone = teacher(images[1:2], landmarks[1:2])
    np.testing.assert_allclose(fits.parameters[1:2], alone.parameters, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(fits.boxes[1:2], alone.boxes, atol=1e-2)


def test_no_faces_no_parameters(teacher: tddfa.Teacher) -> None:
    fits = teacher([], np.empty((0, 68, 2)))
    assert fits.parameters.shape == (0, 62)
    assert fits.points.shape == (0, 68, 3)


def test_the_second_crop_lies_around_its_own_points(teacher: tddfa.Teacher) -> None:
    image = RNG.integers(0, 256, (200, 200, 3), dtype=np.uint8)
    landmarks = RNG.uniform(60, 140, (1, 68, 2))
    first = teacher.look([image], tddfa.square_around(landmarks))
    np.testing.assert_array_equal(
        teacher([image], landmarks).boxes, tddfa.square_around(first.points)
    )


def test_blue_comes_first(teacher: tddfa.Teacher) -> None:
    crop = RNG.integers(0, 256, (1, 120, 120, 3), dtype=np.uint8)
    with torch.inference_mode():
        x = torch.from_numpy(crop[..., ::-1].copy()).permute(0, 3, 1, 2)
        expected = teacher.net((x.float() - 127.5) / 128).numpy() * teacher.std + teacher.mean
    np.testing.assert_allclose(teacher.parameters(crop), expected, rtol=1e-6)


@pytest.mark.parametrize("missing", list(tddfa.FILES))
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    (write_folder(tmp_path) / tddfa.FILES[missing]).unlink()
    with pytest.raises(InputError, match=tddfa.FILES[missing]):
        tddfa.Teacher(tmp_path)


def other_width() -> bytes:
    to = io.BytesIO()
    torch.save({"state_dict": MobileNet(0.25).state_dict()}, to)
    return to.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("scale", pickle.dumps({"mean": Harm(), "std": 1}), "system"),
        ("scale", pickle.dumps({"mean": np.zeros(62)}, 3), "std"),
        ("scale", pickle.dumps({"mean": np.zeros(9), "std": np.zeros(9)}, 3), r"62 .*\(9,\)"),
        ("scale", pickle.dumps([1, 2]), "mean and std"),
        ("scale", b"", "mean and std"),
        ("scale", b"not a pickle", "mean and std"),
        ("net", b"", "half the width"),
        ("net", b"not a checkpoint", "half the width"),
        ("net", other_width(), "half the width"),
        ("mean", b"1\n2\n", r"\(204,\).*\(2,\)"),
        ("expression", b"one two", "numbers"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = write_folder(tmp_path) / tddfa.FILES[name]
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        tddfa.Teacher(tmp_path)
    assert path.name in str(caught.value)


@pytest.fixture(scope="module")
def real(shared: Path) -> tddfa.Teacher:
    return tddfa.Teacher(shared / "models" / "3ddfa_v2")


def test_error_of_its_landmarks_on_real_pictures(real: tddfa.Teacher, shared: Path) -> None:
    """The authors publish 3.51 % over all 2,000 pictures; these 16 gave 3.42 %."""
    data = shared / "data" / "aflw2000"
    names = (data / "names.txt").read_text("utf-8").split()
    every = np.load(data / "AFLW2000-3D.pts68.npy").transpose(0, 2, 1)
    paths = sorted(data.glob("*.jpg"))
    assert len(paths) == 16
    truth = every[[names.index(p.name) for p in paths]]
    images = [np.asarray(Image.open(p).convert("RGB")) for p in paths]
    fits = real(images, truth)
    assert tddfa.nme(fits.points, truth).mean() < 3.7
    # Depth too: the points lie on a line with the true ones.
    for found, true in zip(fits.points[..., 2], truth[..., 2], strict=True):
        assert np.corrcoef(found, -true)[0, 1] > 0.95


def test_scale_of_the_coefficients(real: tddfa.Teacher) -> None:
    assert real.std[tddfa.EXPRESSION].argmax() == 0
    np.testing.assert_allclose(real.std[tddfa.EXPRESSION][:2], [1.587, 1.508], atol=1e-3)
