"""``mien render``: films, what is refused, and where the avatar is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mien.batch import Progress
from mien.channels import ARKIT_52
from mien.cli import app
from mien.errors import EngineError, InputError, MienError, OutputError
from mien.geometry import project
from mien.model import Material, Mesh, Model, Node, Primitive, Target
from mien.outputs.animation import write_glb
from mien.playing import Moment
from mien.render.background import Colour
from mien.render.renderer import Renderer
from mien.rendering import film
from mien.stage import Stage, character
from mien.topology import CANONICAL
from mien.types import Face, Landmarks, Pose, RigPose

COLUMNS = ("source", "frame", "time", "face_id")


@pytest.fixture(autouse=True, scope="module")
def _opengl() -> None:
    try:
        Renderer(8, 8).close()
    except EngineError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def doll(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red plate as large as a face, on a head; ``jawOpen`` takes half of it away."""
    points = np.array([(-0.07, -0.08, 0), (0.07, -0.08, 0), (0.07, 0.08, 0), (-0.07, 0.08, 0)])
    up = np.array([(0, 0.08, 0)] * 2, np.float32)
    plate = Primitive(
        points.astype(np.float32), np.array([(0, 1, 2), (0, 2, 3)]), material=0,
        targets=(Target("jawOpen", np.array([0, 1]), up),),
    )  # fmt: skip
    red = Material("red", (1.0, 0.0, 0.0, 1.0), shading="unlit", double_sided=True)
    nodes = (Node("root"), Node("head", parent=0), Node("plate", parent=1, mesh=0))
    path = tmp_path_factory.mktemp("doll") / "doll.glb"
    write_glb(path, Model(nodes, (Mesh("plate", (plate,)),), (red,)))
    return path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Six frames in which a mouth opens, at 20 frames/s, as CSV."""
    names = (*COLUMNS, *ARKIT_52)
    lines = [",".join(names)]
    for i in range(6):
        values = {"source": "s", "frame": i, "time": i / 20, "face_id": 1, "jawOpen": i / 5}
        lines.append(",".join(str(values.get(name, 0)) for name in names))
    path = tmp_path / "mouth.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["render", *map(str, arguments)])
    if isinstance(done.exception, MienError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def red(picture: np.ndarray) -> int:
    a = picture.astype(int)
    return int(((a[..., 0] > 150) & (a[..., 1] < 90) & (a[..., 2] < 90)).sum())


def test_an_mp4_has_the_times_of_its_source(recording: Path, doll: Path, tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    told = run(recording, "--avatar", doll, "-o", out, "--size", "96x64", "--background", "#000")
    assert "6 pictures in" in told.replace("\n", " ")
    with av.open(str(out)) as container:
        frames = list(container.decode(video=0))
    assert [f.time for f in frames] == pytest.approx([i / 20 for i in range(6)], abs=1e-3)
    areas = [red(f.to_ndarray(format="rgb24")) for f in frames]
    assert areas == sorted(areas, reverse=True)
    assert areas[0] > 1.7 * areas[-1] > 100
    assert frames[0].width == 96


def test_a_gif_is_steady(recording: Path, doll: Path, tmp_path: Path) -> None:
    out = tmp_path / "film.gif"
    run(recording, "--avatar", doll, "-o", out, "--size", "64x64", "--fps", 10)
    with Image.open(out) as gif:
        assert (gif.n_frames, gif.info["duration"], gif.info["loop"]) == (3, 100, 0)


def test_a_png_is_one_moment_and_may_be_transparent(
    recording: Path, doll: Path, tmp_path: Path
) -> None:
    areas = []
    for time in (0, 0.25, 99):
        out = tmp_path / f"{time}.png"
        options = ("--size", "64x64", "--background", "none", "--frame", time)
        told = run(recording, "--avatar", doll, "-o", out, *options)
        late = "at 99 s mouth is over; this is its last moment, at 0.25 s"
        assert (late in told.replace("\n", " ")) == (time == 99)
        with Image.open(out) as picture:
            assert picture.mode == "RGBA"
            alpha = np.asarray(picture)[..., 3]
        assert alpha[0, 0] == 0
        areas.append(int((alpha > 0).sum()))
    assert areas[0] > areas[1] == areas[2]


def test_seconds_end_it_early(recording: Path, doll: Path, tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    told = run(recording, "--avatar", doll, "-o", out, "--size", "32x32", "--seconds", 0.12)
    assert "3 pictures" in told


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        (("-o", "a.avi"), OutputError, r"a film ends in \.mp4, \.gif, \.png"),
        (("-o", "there.mp4"), OutputError, "exists already"),
        (("--size", "12"), InputError, "expected WIDTHxHEIGHT such as 512x512, got '12'"),
        (("--size", "8x9000"), InputError, "expected 16 to 4096 pixels a side"),
        (("--fps", "0"), InputError, "expected 1 to 240"),
        (("--size", "100000x100000"), InputError, "expected 16 to 4096 pixels a side"),
        (("--frame", "1"), InputError, "is for one picture"),
        (("--frame", "-1", "-o", "a.png"), InputError, "from the start, 0 or more, got -1"),
        (("--frame", "nan", "-o", "a.png"), InputError, "from the start, 0 or more, got nan"),
        (("--seconds", "nan"), InputError, "expected a time above 0, got nan"),
        (("--seconds", "0"), InputError, "expected a time above 0, got 0"),
        (("--seconds", "1", "-o", "a.png"), InputError, "is for films"),
        (("--effects", ","), InputError, "with commas between, got ','; there are hearts"),
        (("--engine", "foo"), InputError, "no landmark engine 'foo'"),
        (("--expression", "foo"), InputError, "no expression head 'foo'"),
        (("--avatar", "burst"), InputError, "no avatar 'burst'; did you mean bust"),
        (
            ("--avatar", "zzz"),
            InputError,
            r"There are bust, mask, ict, and files that end in \.glb",
        ),
        (("--avatar", "gone.vrm"), InputError, r"gone\.vrm"),
        (("--avatar", "mask"), InputError, "has no pictures"),
        (("--side-by-side",), InputError, "has no pictures"),
        (("--side-by-side", "--overlay"), InputError, "exclude each other"),
        (("--background", "blur"), InputError, "has no pictures"),
        (("--background", "teal"), InputError, "background 'teal'"),
        (("--background", "none"), InputError, "without a background"),
        (("--effects", "snow"), InputError, "no effect 'snow'"),
        (("--calibration", "nobody"), InputError, "nobody"),
    ],
)
def test_what_cannot_be_is_said(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options, error, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.mp4").write_bytes(b"mine")
    with pytest.raises(error, match=why):
        run(recording, *options)
    assert (tmp_path / "there.mp4").read_bytes() == b"mine"
    assert {path.name for path in tmp_path.iterdir()} == {"mouth.csv", "there.mp4"}


def test_an_empty_capture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_text(",".join((*COLUMNS, *ARKIT_52)) + "\n", "utf-8")
    with pytest.raises(InputError, match="holds no face"):
        run(path, "-o", tmp_path / "a.mp4")


def cut_off(out: Path) -> None:
    with film(out, 10) as made:
        for i in range(3):
            made.write(np.full((32, 32, 3), 80 * i, np.uint8), i / 10)
        raise KeyboardInterrupt


def test_what_was_drawn_before_an_interruption_is_a_film(tmp_path: Path) -> None:
    for suffix in (".mp4", ".gif"):
        out = tmp_path / f"film{suffix}"
        with pytest.raises(KeyboardInterrupt):
            cut_off(out)
        with av.open(str(out)) as container:
            assert len(list(container.decode(video=0))) == 3
    with film(tmp_path / "empty.gif", 10):
        pass
    assert not list(tmp_path.glob("empty*"))


def moment(yaw: float = 0.0, x: float = 110.0, y: float = 80.0) -> Moment:
    """A face of 16 by 16 head units at a place in a green picture of 320x240; 5 pixels a unit."""
    pose = Pose.from_euler(yaw, 0, 0, (x, y, 0.0), 5.0)
    points = project(CANONICAL.astype(float), pose.rotation, pose.translation, pose.scale)
    face = Face(1, 0.0, Landmarks(points.astype(np.float32), (320, 240)), pose)
    rig = RigPose(0.0, ARKIT_52, np.zeros(52, np.float32), head=pose.rotation)
    return Moment(0.0, rig, face, np.full((240, 320, 3), (0, 160, 0), np.uint8))


def where(picture: np.ndarray) -> tuple[float, float]:
    a = picture.astype(int)
    rows, columns = np.nonzero((a[..., 0] > 150) & (a[..., 1] < 90))
    return float(columns.mean()), float(rows.mean())


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("yaw", "x", "y"), [(0, 110, 80), (25, 200, 150), (-25, 90, 120)])
def test_an_overlay_lies_on_the_face(doll: Path, mirrored: bool, yaw, x, y) -> None:
    with Stage(character(str(doll)), (320, 240), layout="over", mirrored=mirrored) as stage:
        seen = moment(yaw, x, y)
        picture = stage.draw(seen)
        # The plate is at the tip of the nose, half-way up the face.
        middle = (CANONICAL.max(axis=0) + CANONICAL.min(axis=0)) / 2
        tip = np.array([0, middle[1], CANONICAL[:, 2].max()])
        pose = seen.face.pose
        column, row, _ = project(tip, pose.rotation, pose.translation, pose.scale)
        expected = (319 - column if mirrored else column, row)
        assert where(picture) == pytest.approx(expected, abs=2)
        height = np.ptp(np.nonzero(picture[..., 0] > 150)[0])
        assert height == pytest.approx(5 * np.ptp(CANONICAL[:, 1]), rel=0.15)
        alone = stage.draw(moment()._replace(face=None))
        assert red(alone) == 0
        assert tuple(alone[0, 0]) == (0, 160, 0)


@pytest.mark.parametrize("size", [(128, 128), (160, 60), (480, 360), (150, 300)])
def test_an_overlay_of_another_shape_lies_on_the_face(doll: Path, size: tuple[int, int]) -> None:
    """The source is cut to the shape of the picture, and the avatar with it."""
    seen = moment(x=150, y=120)
    middle = (CANONICAL.max(axis=0) + CANONICAL.min(axis=0)) / 2
    tip = np.array([0, middle[1], CANONICAL[:, 2].max()])
    pose = seen.face.pose
    column, row, _ = project(tip, pose.rotation, pose.translation, pose.scale)
    # A blue spot that the plate does not cover tells where the source's pixels went.
    seen.image[int(row) - 2 : int(row) + 3, 196:201] = (0, 0, 255)
    with Stage(character(str(doll)), size, layout="over") as stage:
        picture = stage.draw(seen).astype(int)
    scale = max(size[0] / 320, size[1] / 240)
    rows, columns = np.nonzero((picture[..., 2] > 120) & (picture[..., 0] < 90))
    spot = (float(columns.mean()), float(rows.mean()))
    found = where(picture)
    assert (spot[0] - found[0]) / scale == pytest.approx(198 - column, abs=2 + 1 / scale)
    assert (spot[1] - found[1]) / scale == pytest.approx(0, abs=2 + 1 / scale)


def test_side_by_side_has_the_source_on_the_left(doll: Path) -> None:
    for mirrored in (False, True):
        with Stage(
            character(str(doll)), (128, 120), background=Colour((0, 0, 0)), layout="beside",
            mirrored=mirrored,
        ) as stage:  # fmt: skip
            half = moment()
            half.image[:, :100] = (0, 0, 200)
            picture = stage.draw(half)
        assert picture.shape == (120, 160 + 128, 3)
        assert tuple(picture[60, 159 if mirrored else 0]) == (0, 0, 200)
        assert red(picture[:, 160:]) > 500


def test_the_mask_and_the_blurred_source() -> None:
    with Stage(character("mask"), (64, 64), background="blur") as stage:
        nobody = stage.draw(moment()._replace(face=None))
        assert nobody[..., 1].min() > 90
        seen = stage.draw(moment())
        assert tuple(seen[32, 32]) == (0, 160, 0)
        lost = stage.draw(moment(yaw=20)._replace(face=None, image=None))
        assert (lost != nobody).any()


def test_the_bust_smiles_with_hearts() -> None:
    weights = np.zeros(52, np.float32)
    smile = weights.copy()
    smile[[ARKIT_52.index(f"mouthSmile{side}") for side in ("Left", "Right")]] = 1
    with Stage(
        character("bust"), (96, 96), background=Colour((0, 0, 0)), effects=["hearts"]
    ) as stage:
        calm = stage.draw(Moment(0.0, RigPose(0.0, ARKIT_52, weights)))
        assert (calm.max(axis=2) > 20).mean() > 0.2
        for i in range(40):
            smiling = stage.draw(Moment(i / 30, RigPose(i / 30, ARKIT_52, smile)))
        assert (np.abs(smiling.astype(int) - calm).max(axis=2) > 30).sum() > 30


@pytest.mark.parametrize(("rate", "at"), [(20, 0.0), (20, 1.0), (30, 3.9)])
def test_one_picture_has_what_flies_about(tmp_path: Path, rate: int, at: float) -> None:
    smile = {f"mouthSmile{side}": 1.0 for side in ("Left", "Right")}
    names = (*COLUMNS, *ARKIT_52)
    lines = [",".join(names)]
    for i in range(4 * rate):
        values = {"source": "s", "frame": i, "time": i / rate, "face_id": 1} | smile
        lines.append(",".join(str(values.get(name, 0)) for name in names))
    (tmp_path / "smile.csv").write_text("\n".join(lines) + "\n", "utf-8")
    seen = []
    for more in ((), ("--effects", "hearts")):
        out = tmp_path / f"{len(more)}.png"
        options = ("-o", out, "--size", "96x96", "--background", "#000", "--frame", at)
        run(tmp_path / "smile.csv", *options, *more)
        with Image.open(out) as picture:
            seen.append(np.asarray(picture).astype(int))
    assert (np.abs(seen[0] - seen[1]).max(axis=2) > 30).sum() > 30


def test_a_picture_without_a_face_is_told(facemesh: str, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (90, 90, 90)).save(tmp_path / "grey.png")
    for out in ("a.png", "a.gif"):
        options = ("-o", tmp_path / out, "--size", "32x32", "--engine", facemesh)
        assert "note: no face was found" in run(tmp_path / "grey.png", *options)


@pytest.mark.parametrize(
    ("out", "options", "total"),
    [
        ("a.mp4", (), 6),
        ("a.mp4", ("--seconds", 9), 6),
        ("a.mp4", ("--seconds", 0.12), None),  # the source's own times
        ("a.mp4", ("--fps", 30), 8),
        ("a.mp4", ("--fps", 30, "--seconds", 0.2), 6),
        ("a.gif", ("--fps", 25), 7),
        ("a.png", ("--frame", 0.1), 1),
    ],
)
def test_progress_counts_what_will_be_drawn(
    recording: Path, doll: Path, tmp_path: Path, monkeypatch, out: str, options, total
) -> None:
    told: list[Progress] = []

    @contextmanager
    def shown(_: object) -> Iterator[Callable[[Progress], None]]:
        yield told.append

    monkeypatch.setattr("mien.progress.shown", shown)
    run(recording, "--avatar", doll, "-o", tmp_path / out, "--size", "32x32", *options)
    assert {one.frames for one in told} == {total}
    assert total is None or told[-1].frame == total


@pytest.mark.shared
def test_a_real_capture_plays_on_a_real_avatar(
    shared: Path, tmp_path: Path, draw_check: Callable[[Path], list[np.ndarray]]
) -> None:
    out = tmp_path / "live.mp4"
    run(
        shared / "captures" / "arkit-live-180.gesichter",
        "--avatar", shared / "avatars" / "arkit52-visemes15.glb",
        "-o", out, "--size", "96x96", "--background", "#000",
    )  # fmt: skip
    frames = draw_check(out)
    assert len(frames) == 180
    assert all((f.max(axis=2) > 20).mean() > 0.15 for f in frames[::30])
    moved = [np.abs(a.astype(int) - b).mean() for a, b in zip(frames, frames[10::10], strict=False)]
    assert max(moved) > 2


@pytest.fixture
def draw_check() -> Callable[[Path], list[np.ndarray]]:
    def read(path: Path) -> list[np.ndarray]:
        with av.open(str(path)) as container:
            return [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]

    return read
