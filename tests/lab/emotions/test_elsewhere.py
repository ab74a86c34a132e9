"""A net trained on one set and scored on another, laid out as CK+ is, by one command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.arrays import Array
from mien.errors import InputError
from mien.lab.command import app as workshop
from mien.lab.datasets import emotions
from mien.lab.datasets.found import Archive, Found
from mien.topology import CANONICAL

CK = ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")


def face(portrait: Array, seed: int) -> Array:
    """The face of the sample photo, grey and 48 x 48, each time a little otherwise."""
    random = np.random.default_rng(seed)
    grey = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)
    x, y = 160 + random.integers(-12, 12, 2), 60 + random.integers(-12, 12, 2)
    cut = grey[y[0] : y[0] + 220, x[0] : x[0] + 220]
    if random.random() < 0.5:
        cut = cut[:, ::-1]
    lit = cut * random.uniform(0.7, 1.2) + random.normal(0, 4, cut.shape)
    return np.asarray(cv2.resize(np.clip(lit, 0, 255).astype(np.uint8), (48, 48)))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, portrait_path: Path) -> Path:
    """A CK+48 of two pictures of six people in each class, a FER-2013, and a net trained on it."""
    folder = tmp_path_factory.mktemp("world")
    portrait = cv2.cvtColor(cv2.imread(str(portrait_path)), cv2.COLOR_BGR2RGB)
    for k, name in enumerate(CK):
        for i in range(12):
            place = folder / "sets" / "CK+48" / name
            place.mkdir(parents=True, exist_ok=True)
            picture = face(portrait, 100 * k + i)
            cv2.imwrite(str(place / f"S{i // 2:03}_00{k}_{i:08}.png"), picture)
    for i in range(24):
        part, kind = ("train", "Training") if i < 16 else ("test", "PublicTest")
        place = folder / "data" / "fer2013" / part / ("happy", "sad")[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{kind}_{i}.jpg"), face(portrait, 1000 + i))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MIEN_HOME", str(folder / "home"))
        trained(
            'kind = "residual"\nwidth = 8\nblocks = 1',
            "options = { images = true, landmarks = false }",
        )
    return folder


@pytest.fixture
def ck(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The CK+48, in a folder where all of it is at hand and nothing is written back."""
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(shutil.copytree(world, tmp_path / "here"))
    return Path("sets/CK+48")


def trained(net: str, options: str) -> None:
    """Train a little by the command."""
    Path("tiny.toml").write_text(
        f'name = "tiny"\noutput = "emotion"\n[[data.sources]]\nname = "fer2013-emotions"\n{options}'
        f'\n[net]\n{net}\n[loss]\nkind = "cross_entropy"\n[train]\nepochs = 1\nbatch = 8\n'
    )
    run("train", "tiny.toml", "--data", "data", "--overwrite")


def run(*words: str) -> str:
    done = CliRunner().invoke(workshop, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_pixels_are_scored_on_another_set(ck: Path) -> None:
    said = run("evaluate", "tiny.toml", "--on", str(ck), "--data", "data")
    assert "CK+48: 72 pictures, 72 found" in said
    assert "CK+48, with its mirror image: 72 pictures" in said
    table = json.loads(Path("results/emotions/tiny@CK+48.json").read_text())
    assert table["data"]["left out: contempt"] == 12
    assert table["data"]["pictures"] == 84
    assert [row["split"] for row in table["sets"]] == ["all", "all"]
    confusion = np.array(table["sets"][0]["confusion"])
    assert confusion.sum(1).tolist() == [12, 12, 12, 12, 12, 12, 0]  # nobody is neutral
    assert table["sets"][0]["auc"]["neutral"] is None
    assert not (Path("runs") / "tiny" / "said-test.npz").exists()  # no score on a part of FER


def test_another_set_of_the_same_name_has_scores_of_its_own(ck: Path) -> None:
    other = Path("others") / "CK+48"
    shutil.copytree(ck, other)
    for path in (other / "happy").iterdir():
        path.rename(path.with_name(f"S9{path.name[1:]}"))
    for place in (ck, other, ck):
        run("evaluate", "tiny.toml", "--on", str(place), "--data", "data")
    names = {path.name for path in Path("results/emotions").iterdir()}
    assert names == {"tiny@CK+48.json", "tiny@others-CK+48.json"}
    told = {json.loads(path.read_text())["on"] for path in Path("results/emotions").iterdir()}
    assert told == {"CK+48", "others-CK+48"}


def test_copies_of_what_a_net_was_trained_on_are_left_out(
    ck: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taught = sorted(Path("data/fer2013/train/happy").iterdir())
    shutil.copy(taught[0], ck / "happy" / "S000_copy.jpg")
    assert "CK+48: 72 pictures" in run("evaluate", "tiny.toml", "--on", str(ck), "--data", "data")
    table = json.loads(Path("results/emotions/tiny@CK+48.json").read_text())
    assert table["data"]["copies of what it was trained on, left out"] == 1
    assert "1 of 73 pictures are left out, copies of what tiny was trained on" in caplog.text
    assert table["copies_not_looked_for_in"] == []
    run("evaluate", "tiny.toml", "--on", str(ck), "--data", "nowhere")
    assert "for fer2013-emotions is not in nowhere" in caplog.text
    # All 73 pictures, so that it is another set.
    table = json.loads(Path("results/emotions/tiny@sets-CK+48.json").read_text())
    assert table["copies_not_looked_for_in"] == ["fer2013-emotions"]
    for number, path in enumerate(taught):
        copy = Path("copies/happy") / f"{number}.jpg"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    with pytest.raises(InputError, match="copies of pictures that tiny was trained on, and no"):
        run("evaluate", "tiny.toml", "--on", "copies", "--data", "data")


@pytest.mark.parametrize("found", [71, 0])
def test_landmarks_are_looked_for_there_too(
    ck: Path, found: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(archive: Archive, variant: int = 0, workers: int | None = None) -> Found:
        count = len(archive.members)
        points = np.repeat((CANONICAL * [4, -4, -4] + [60, 60, 0])[None], count, 0)
        points = points.astype(np.float32)
        points[-1 if found or archive.path.name == "fer2013" else slice(None)] = np.nan
        size = np.full((count, 2), 272, np.int32)
        return Found(points, points.copy(), np.full((count, 52), np.nan, np.float32), size)

    monkeypatch.setattr(emotions, "find", find)
    trained('kind = "mlp"\nhidden = 8\ndepth = 0\noutput = "softmax"', "")
    assert f"CK+48: 72 pictures, {found} found" in run(
        "evaluate", "tiny.toml", "--on", str(ck), "--data", "data"
    )


def test_a_zip_file_with_other_names(ck: Path) -> None:
    (ck / "happy").rename(ck / "joy")
    (ck / "fear").rename(ck / "startled")
    words = ("evaluate", "tiny.toml", "--on", str(ck), "--data", "data", "--names", "joy=happy")
    with pytest.raises(
        InputError, match=r"folders that name no class: 'startled' \(12\)"
    ) as refused:
        run(*words)
    assert "--names startled=happy, in a recipe names = " in str(refused.value)
    assert "CK+48: 60 pictures" in run(*words, "--names", "startled=")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--on", "sets/CK+48", "--split", "validation"], "without --split"),
        (["--names", "joy=happy"], "--names is for it"),
        (["--on", "sets/CK+48", "--names", "joy"], "--names is FOLDER=CLASS"),
        (["--on", "sets/CK+48", "--names", "joy=glad"], "'joy' is to be 'glad'"),
        (["--on", "nowhere"], "there is no zip file or folder nowhere"),
        (["--on", "data/fer2013"], "data/fer2013 is fer2013-emotions, which tiny was trained on"),
        (["--on", "data/fer2013/test"], "is fer2013-emotions, which tiny was trained on"),
        (["--on", "sets", "--head", "no.onnx"], "there is no net no.onnx"),
    ],
)
def test_what_is_refused(ck: Path, words: list[str], message: str) -> None:
    assert ck.is_dir()
    with pytest.raises(InputError, match=message):
        run("evaluate", "tiny.toml", "--data", "data", *words)
    assert not Path("results").exists()


def test_heads_of_expression_have_no_other_sets(tiny_toml: Path) -> None:
    with pytest.raises(InputError, match="--on and --names are for recipes of emotions"):
        run("evaluate", str(tiny_toml), "--on", "sets")


def test_a_set_that_was_trained_on_is_known(ck: Path) -> None:
    assert emotions.is_of("ckplus", ck.parent, {}, ck)
    assert emotions.is_of("emotion-folders", ck.parent, {"path": "CK+48"}, ck)
    assert not emotions.is_of("ckplus", ck.parent / "other", {}, ck)
    assert not emotions.is_of("made", ck.parent, {}, ck)


def test_the_page_of_the_data(ck: Path) -> None:
    assert ck.is_dir()
    Path("tiny.toml").write_text(
        'name = "tiny"\noutput = "emotion"\n[[data.sources]]\nname = "fer2013-emotions"\n'
        "options = { landmarks = false }\n"
        '[net]\nkind = "cnn"\n[loss]\nkind = "cross_entropy"\n'
    )
    assert "tiny.md" in run("explore", "tiny.toml", "--data", "data")
    page = Path("docs/data/tiny.md").read_text()
    assert "| class | train | validation | face found |" in page
    assert "| happy | 8 (50.0%) | 4 (50.0%) |  |" in page
    assert "| all | 16 | 8 |  |" in page
    assert "| train in validation too | 0 |" in page
    assert "turned by" not in page
