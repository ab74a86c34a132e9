"""A tiny head learns from made corrections: what helps is kept, what harms is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")
pytest.importorskip("sqlalchemy", reason="feedback: pip install 'mien[feedback]'")

from mien import heads
from mien.channels import EMOTIONS
from mien.errors import InputError, MienError, OutputError
from mien.feedback import Desk, Model, Submission, person_of
from mien.feedback.command import app
from mien.heads.spec import HeadSpec
from mien.lab import checkpoint, datasets, export, training
from mien.lab.datasets.samples import MISSED, Samples
from mien.lab.feedback import command, judging, learning
from mien.lab.feedback.learning import FeedbackRecipe, WorseHeadError
from mien.lab.material import Material
from mien.lab.recipe import Recipe
from mien.lab.strict import typed
from mien.types import Landmarks

from .made_faces import HAPPY, SAD, faces, made

RECIPE = {
    "name": "tiny-emotion",
    "output": "emotion",
    "data": {"sources": [{"name": "fer2013-emotions", "engines": ["facemesh"]}]},
    "net": {"kind": "mlp", "hidden": 16, "depth": 0, "output": "softmax"},
    "loss": {"kind": "cross_entropy"},
    "train": {"epochs": 12, "batch": 16, "lr": 0.01},
}


HELD_BEFORE = person_of("somebody-alone-with-a-long-token-7")


@pytest.fixture(scope="module")
def samples() -> Samples:
    return replace(made(96, 64), image=None)


@pytest.fixture(scope="module")
def root(samples: Samples, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A head that tells them apart."""
    plan, folder = typed(Recipe, RECIPE), tmp_path_factory.mktemp("root")
    found = samples.select(np.array([engine != MISSED for engine in samples.engine]))
    material = Material(found, np.ones(len(found)), np.zeros(len(found), bool))
    return export.head(plan, training.train(plan, material, folder), material, folder)


@pytest.fixture(autouse=True)
def surroundings(samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.names()  # so that they register themselves first
    monkeypatch.setitem(datasets._READERS, "fer2013-emotions", lambda *_: samples)
    monkeypatch.setitem(datasets._COVERAGE, "fer2013-emotions", lambda *_: {})
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MIEN_FEEDBACK_URL", raising=False)


def submissions(count: int, *, lie: bool, crop: bool = False) -> list[Submission]:
    """Corrections of 25 people; those who lie call every face what it is not."""
    aligned, happy = faces(count, 1)
    made = []
    for i in range(count):
        points = aligned[i] * np.float32([12, -12, -12]) + np.float32([320, 240, 0])
        label = "happy" if happy[i] != lie else "sad"
        made.append(
            Submission(
                id=UUID(int=i + 1),
                person=person_of(f"somebody-with-a-long-token-{i % 25}"),
                consent="1",
                model=Model("tiny-emotion", "0", "ab" * 32),
                engine="facemesh",
                said=np.full(7, 1 / 7, np.float32),
                label="none" if i == 0 else label,
                landmarks=Landmarks(points, (640, 480)),
                crop=np.zeros((48, 48), np.uint8) if crop and i % 2 else None,
            )
        )
    return made


@pytest.fixture
def send() -> Callable[[list[Submission]], None]:
    def hand_in(made: list[Submission]) -> None:
        desk = Desk()
        desk.store().apply(made)
        desk.close()

    return hand_in


def run(*words: str) -> str:
    assert command.train  # is registered
    done = CliRunner().invoke(app, ["train", *words])
    if isinstance(done.exception, MienError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_what_helps_is_kept(root: Path, send: Any, tmp_path: Path) -> None:
    send(submissions(60, lie=False))
    said = run("--head", str(root), "--data", str(tmp_path))
    assert "59 corrections, 1 more that cannot be used" in said
    assert "PublicTest: accuracy" in said
    kept = tmp_path / "home" / "heads" / "tiny-emotion-feedback.onnx"
    assert str(kept) in said
    spec = HeadSpec.read(kept.with_suffix(".json"))
    learnt = spec.recipe["feedback"]
    assert spec.version.startswith("0-")
    assert learnt["root"] == HeadSpec.read(root.with_suffix(".json")).sha256
    assert learnt["corrections"] + learnt["held"] == 59
    assert 0 < learnt["held"] < 30
    assert learnt["after"]["pictures"] == 64, "missed ones count"
    assert learnt["problem"] is None
    # By name, as `--emotion tiny-emotion-feedback` has it.
    head = heads.load("tiny-emotion-feedback", "emotion")
    aligned, happy = faces(20, 2)
    told = head(aligned, np.repeat(np.eye(3, dtype=np.float32)[None], 20, 0), aligned).argmax(1)
    assert (told == np.where(happy, HAPPY, SAD)).mean() > 0.8
    # Nothing of the people is left in what was written.
    text = kept.with_suffix(".json").read_text()
    assert not [s for s in submissions(60, lie=False) if s.person in text or str(s.id) in text]
    assert str(tmp_path) not in text
    with pytest.raises(InputError, match="has learnt from feedback already"):
        run("--head", "tiny-emotion-feedback", "--data", str(tmp_path))


def test_what_harms_is_refused_and_nothing_changes(root: Path, send: Any, tmp_path: Path) -> None:
    kept = tmp_path / "home" / "heads"
    kept.mkdir(parents=True)
    (kept / "tiny-emotion-feedback.onnx").write_text("the one that was there")
    before = root.read_bytes()
    send(submissions(60, lie=True))
    recipe = tmp_path / "harmful.toml"
    recipe.write_text("rehearsal = 0.01\nweight = 20\nlr = 0.05\nepochs = 5\n")
    with pytest.raises(
        WorseHeadError, match=r"worse on PublicTest: accuracy .* lost, .* p = "
    ) as no:
        run("--head", str(root), "--data", str(tmp_path), "--recipe", str(recipe))
    assert no.value.exit_code == 7
    assert (kept / "tiny-emotion-feedback.onnx").read_text() == "the one that was there"
    assert len(list(kept.iterdir())) == 1
    assert root.read_bytes() == before


def test_one_person_alone_can_teach(root: Path, send: Any, tmp_path: Path) -> None:
    """Whoever it is; a part of what they sent is held back."""
    alone = [replace(s, person=HELD_BEFORE) for s in submissions(41, lie=False)]
    send(alone)
    said = run("--head", str(root), "--data", str(tmp_path))
    assert "8 of them are held back, of the same people" in said
    spec = HeadSpec.read(tmp_path / "home" / "heads" / "tiny-emotion-feedback.json")
    assert (spec.recipe["feedback"]["corrections"], spec.recipe["feedback"]["held"]) == (32, 8)


@pytest.mark.parametrize(
    ("sent", "share", "held"),
    [
        ([], 0.2, 0),
        ([1], 0.2, 0),
        ([10], 0.2, 2),
        ([10], 0.0, 0),
        ([5, 5], 0.2, 2),
        ([4] * 5, 0.2, 4),  # one of five
        ([96, 1, 1, 1, 1], 0.2, 4),  # everybody but the one who sent most of them
        ([2] * 30, 0.2, 12),
        ([3] * 30, 0.5, 45),
    ],
)  # fmt: skip
def test_how_many_are_held_back(sent: list[int], share: float, held: int) -> None:
    """People are on one side each, where there are enough of them."""
    people = [f"{i:064x}" for i, count in enumerate(sent) for _ in range(count)]
    many = replace(
        learning.corrections(submissions(2, lie=False), pictures=False)[0].select(
            [0] * len(people)
        ),
        subjects=people,
        names=[str(UUID(int=i)) for i in range(len(people))],
    )
    chosen = learning.held_back(many, share)
    assert chosen.sum() == held
    assert (learning.held_back(many, share) == chosen).all()
    sides = [{p for p, c in zip(people, chosen, strict=True) if c == side} for side in (0, 1)]
    assert bool(sides[0] & sides[1]) == (0 < held < len(people) and max(sent) > share * sum(sent)
                                         and len(sent) < 5)  # fmt: skip


def test_a_head_and_its_description_come_together(
    root: Path, send: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(submissions(60, lie=False))
    run("--head", str(root), "--data", str(tmp_path))
    kept = tmp_path / "home" / "heads"
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    assert set(before) == {"tiny-emotion-feedback.onnx", "tiny-emotion-feedback.json"}
    write = Path.write_text

    def full(path: Path, text: str, *words: Any, **others: Any) -> int:
        if path.parent == kept:
            raise OSError(28, "No space left on device")
        return write(path, text, *words, **others)

    desk = Desk()
    desk.forget(submissions(2, lie=False)[1].person)
    desk.close()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OutputError, match="disk is full"):
            run("--head", str(root), "--data", str(tmp_path))
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before
    assert heads.load("tiny-emotion-feedback", "emotion")


def test_it_is_as_sure_as_it_should_be(root: Path, send: Any, tmp_path: Path) -> None:
    """Its own temperature, not that of the head that it came from."""
    spec = HeadSpec.read(root.with_suffix(".json"))
    hot = replace(spec, name="hot-emotion", temperature=7.0, calibrated_on="elsewhere")
    path = tmp_path / "hot-emotion.onnx"
    path.write_bytes(root.read_bytes())
    path.with_suffix(".json").write_text(json.dumps(hot.as_dict()))
    send(submissions(60, lie=False))
    run("--head", str(path), "--data", str(tmp_path))
    made = heads.load("hot-emotion-feedback", "emotion").spec
    # Two classes that are told without a mistake: the surer the better.
    assert 0.1 <= made.temperature < 1
    assert made.calibrated_on == "FER-2013 PublicTest, the 63 pictures it answers"


def said(right: np.ndarray) -> np.ndarray:
    """Probabilities; the truth is the first class."""
    sure = np.full(5, 0.02)
    return np.where(right[:, None], [0.8, 0.1, *sure], [0.1, 0.8, *sure])


@pytest.mark.parametrize(
    ("lost", "won", "held_before", "held_after", "problem"),
    [
        (0, 0, 5, 5, None),
        (0, 30, 5, 9, None),
        (10, 10, 5, 6, None),
        (14, 10, 5, 6, None),  # p = 0.54: an accident
        (20, 5, 5, 9, "worse on PublicTest"),  # p = 0.004
        (6, 0, 5, 9, "worse on PublicTest"),  # p = 0.03
        (5, 0, 5, 9, None),  # p = 0.06
        (0, 30, 5, 4, "4 of the 10 corrections that were held back rightly, 5 before"),
    ],
)
def test_the_gate(
    monkeypatch: pytest.MonkeyPatch,
    samples: Samples,
    lost: int,
    won: int,
    held_before: int,
    held_after: int,
    problem: str | None,
) -> None:
    from mien.lab.emotions.evaluate import Said

    old, new = np.zeros(200, bool), np.zeros(200, bool)
    old[:lost], new[lost : lost + won] = True, True
    old[100:], new[100:] = True, True
    several = samples.select(range(10))
    names = [str(i) for i in range(200)]
    answers = {
        ("before", 200): said(old), ("after", 200): said(new),
        ("before", 10): said(np.arange(10) < held_before),
        ("after", 10): said(np.arange(10) < held_after),
    }  # fmt: skip

    class Everyone:
        channels = EMOTIONS

        def __len__(self) -> int:
            return 200

    def say(path: Path, some: Any) -> Said:
        told = answers[path.name, len(some)]
        return Said(names[: len(told)], np.zeros(len(told), int), told)

    monkeypatch.setattr(judging, "say", say)
    found = judging.judge(
        Path("before"),
        Path("after"),
        Everyone(),
        several,
        FeedbackRecipe().noise,  # type: ignore[arg-type]
    )
    assert (found.comparison.only_first, found.comparison.only_second) == (lost, won)
    assert (found.held_before, found.held_after) == (held_before, held_after)
    if problem is None:
        assert found.problem is None
    else:
        assert problem in str(found.problem)
    json.dumps(found.as_dict())


def test_a_face_that_is_missed_is_not_told_rightly(
    monkeypatch: pytest.MonkeyPatch, samples: Samples
) -> None:
    from mien.lab.emotions.evaluate import Said

    names = [str(i) for i in range(10)]
    half = np.where(np.arange(10)[:, None] < 5, said(np.ones(10, bool)), np.nan)
    monkeypatch.setattr(judging, "say", lambda *_: Said(names, np.zeros(10, int), half))
    some = samples.select(range(10))
    found = judging.judge(Path("before"), Path("after"), some, some, FeedbackRecipe().noise)
    assert (found.held_before, found.held_after) == (5, 5)


def test_corrections_as_samples() -> None:
    made = submissions(9, lie=False, crop=True)
    samples, unused = learning.corrections(made, pictures=False)
    assert (len(samples), unused) == (8, 1)
    assert samples.image is None
    np.testing.assert_array_equal(samples.target.argmax(1), [HAPPY, SAD] * 4)
    # Laid on the canonical face again.
    assert np.abs(samples.aligned - faces(9, 1)[0][1:]).max() < 0.5
    bare = [one for one in made if one.crop is None]
    with pytest.raises(InputError, match=r"with a picture.*--head emotion-landmarks learns"):
        learning.corrections(bare, pictures=True)
    with_pictures, left = learning.corrections(made, pictures=True)
    assert (len(with_pictures), left) == (4, 5)
    assert with_pictures.image is not None
    assert with_pictures.image.shape == (4, 48, 48)


@pytest.mark.parametrize(
    ("made", "words", "message"),
    [
        ([], [], "no correction to learn from, among 0 submissions"),
        (submissions(1, lie=False), [], "no correction to learn from, among 1"),
        (submissions(9, lie=False), [], "at least 20 are needed"),
        (submissions(9, lie=False), ["--head", "nobody"], "there is no emotion head 'nobody'"),
        (submissions(9, lie=False), ["--recipe", "nowhere.toml"], "there is no recipe"),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_from(
    root: Path, send: Any, tmp_path: Path, made: list[Submission], words: list[str], message: str
) -> None:
    send(made)
    given = words if "--head" in words else ["--head", str(root), *words]
    with pytest.raises(InputError, match=message):
        run("--data", str(tmp_path), *given)
    assert not (tmp_path / "home" / "heads").exists()


def test_few_pictures_judge_nobody(
    root: Path, send: Any, samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = HeadSpec.read(root.with_suffix(".json"))
    least = spec.data["fer2013-emotions"]["validation"]["faces"] // 2
    train = np.array([part == "train" for part in samples.split])
    few = train | (np.cumsum(~train) <= least - 1)
    monkeypatch.setitem(
        datasets._READERS, "fer2013-emotions", lambda *_: samples.select(np.flatnonzero(few))
    )
    send(submissions(60, lie=False))
    with pytest.raises(InputError, match="too few to tell whether it forgets"):
        run("--head", str(root), "--data", str(tmp_path))


def test_a_net_whose_weights_are_not_in_its_file(
    samples: Samples, send: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of its training do, and no others."""
    seen = np.random.default_rng(0).integers(0, 256, (len(samples), 48, 48), np.uint8)
    pictures = replace(samples, image=seen)
    monkeypatch.setitem(datasets._READERS, "fer2013-emotions", lambda *_: pictures)
    net = {"kind": "residual", "width": 8, "blocks": 1, "dropout": 0.0, "skip": 0.0}
    plan = typed(Recipe, RECIPE | {"net": net, "train": {"epochs": 2, "batch": 16, "lr": 0.02}})
    material = Material(pictures, np.ones(160), np.zeros(160, bool))
    folder = tmp_path / "run"
    path = export.head(plan, training.train(plan, material, folder), material, folder)
    send(submissions(60, lie=False, crop=True))
    recipe = tmp_path / "short.toml"
    recipe.write_text("epochs = 1\nleast = 1\nlr = 1e-9\n")
    words = ["--head", str(path), "--data", str(tmp_path), "--recipe", str(recipe)]
    assert "30 corrections, 30 more that cannot be used" in run(*words)

    def refuse(_: Path) -> None:
        raise export.ExportError

    monkeypatch.setattr(export, "restored", refuse)
    with pytest.raises(InputError, match=r"--weights, for instance runs/tiny-emotion/"):
        run(*words)
    weights = path.with_suffix(".safetensors")
    run(*words, "--weights", str(weights))
    assert heads.needs_picture("tiny-emotion-feedback", "emotion")
    other, meta = checkpoint.load_weights(weights)
    changed = {k: v.flip(0) if v.ndim else v for k, v in other.items()}
    checkpoint.save_weights(tmp_path / "other.safetensors", changed, meta)
    with pytest.raises(InputError, match="answers otherwise"):
        run(*words, "--weights", str(tmp_path / "other.safetensors"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rehearsal = 0", "rehearsal is above 0"),
        ("rehearsal = 2", "rehearsal is in 0..1"),
        ("lr = 0.0", "lr is above 0"),
        ("epochs = 0", "epochs is 1 or more"),
        ("rehersal = 0.3", "rehearsal"),
        ("=", "no TOML"),
    ],
)
def test_recipes_that_cannot_be(root: Path, tmp_path: Path, text: str, message: str) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text(text)
    with pytest.raises(InputError, match=message):
        run("--head", str(root), "--data", str(tmp_path), "--recipe", str(recipe))
