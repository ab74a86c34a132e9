"""Names of heads, and what they stand for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien import heads
from mien.errors import InputError
from mien.heads.regressor import Head

Make = Callable[..., Path]


@pytest.fixture
def weights(
    make_head: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Let the given heads be those that ship."""

    def ship(*names: str) -> None:
        for name in names:
            kinds = {"morph": "morphable", "emoti": "emotion"}
            make_head(name, output=kinds.get(name[:5], "expression"))

    monkeypatch.setattr(heads, "_WEIGHTS", tmp_path / "heads")
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    return ship


@pytest.mark.parametrize(
    ("shipped", "name", "output", "expected"),
    [
        ([], "auto", "expression", "geometric"),
        ([], "auto", "morphable", None),
        (["arkit52"], "auto", "expression", "arkit52"),
        (["arkit52"], "auto", "morphable", None),
        (["arkit52", "morphable10"], "auto", "morphable", "morphable10"),
        (["arkit52"], "geometric", "expression", "geometric"),
        (["arkit52", "arkit52b"], "arkit52b", "expression", "arkit52b"),
        ([], None, "expression", None),
        ([], None, "morphable", None),
        ([], "auto", "emotion", None),
        (["emotion"], "auto", "emotion", "emotion"),
        (["emotion", "emotion-small"], "emotion-small", "emotion", "emotion-small"),
        (["emotion"], None, "emotion", None),
        ([], "some/where.onnx", "expression", "some/where.onnx"),
        ([], "where.onnx", "morphable", "where.onnx"),
    ],
)
def test_what_a_name_stands_for(
    weights: Callable[..., None], shipped: list[str], name: str | None, output: heads.Output,
    expected: str | None,
) -> None:  # fmt: skip
    weights(*shipped)
    assert heads.resolve(name, output) == expected


@pytest.mark.parametrize(
    ("name", "output", "told"),
    [
        ("arkit", "expression", "did you mean 'arkit52'"),
        ("nothing", "expression", "there are arkit52, geometric, auto"),
        ("morphable10", "expression", "no expression head 'morphable10'"),
        ("geometric", "morphable", "there are morphable10, auto"),
        ("arkit52", "emotion", "there are auto"),
    ],
)
def test_an_unknown_name_is_told_with_the_known_ones(
    weights: Callable[..., None], name: str, output: heads.Output, told: str
) -> None:
    weights("arkit52", "morphable10")
    with pytest.raises(InputError, match=told):
        heads.resolve(name, output)


def test_a_head_is_loaded_by_name_or_path(weights: Callable[..., None], make_head: Make) -> None:
    weights("arkit52")
    assert isinstance(heads.load("arkit52", "expression"), Head)
    assert heads.load("auto", "expression").spec.name == "arkit52"
    mine = make_head("mine", bias=0.5)
    for given in (str(mine), str(mine.with_suffix(".json"))):
        assert heads.load(given, "expression").spec.name == "mine"
    zeros = np.zeros((478, 3), np.float32), np.zeros((3, 3), np.float32), np.zeros((478, 3))
    assert np.all(heads.load(str(mine), "expression")(*zeros) == 0.5)


def test_what_gives_something_else_is_refused(
    weights: Callable[..., None], make_head: Make
) -> None:
    weights()
    with pytest.raises(InputError, match="gives expression, not morphable"):
        heads.load(str(make_head()), "morphable")
    with pytest.raises(InputError, match="no trained expression head"):
        heads.load("auto", "expression")


def test_where_no_picture_comes_another_head_may_stand_in(
    weights: Callable[..., None], make_head: Make
) -> None:
    weights("arkit52", "emotion-landmarks")
    make_head("emotion", output="emotion", inputs=("image",))
    looker = str(make_head("looker", output="emotion", inputs=("image",)))
    for name in ("auto", "emotion", "emotion-landmarks"):
        assert heads.without_picture(name, "emotion") == "emotion-landmarks"
    assert heads.without_picture(looker, "emotion") == looker, "nothing stands in for it"
    assert heads.without_picture("auto", "expression") == "arkit52"
    assert heads.without_picture(None, "emotion") is None


def test_heads_of_this_machine_are_known_by_their_files(
    weights: Callable[..., None], make_head: Make
) -> None:
    weights("emotion")
    assert heads.made() == {}
    heads.folder().mkdir(parents=True)
    tuned = make_head("tuned", output="emotion")
    for suffix in (".onnx", ".json"):
        tuned.with_suffix(suffix).rename(heads.folder() / f"mine{suffix}")
    (heads.folder() / "half.onnx").write_bytes(b"")
    assert list(heads.made()) == ["mine"]
    assert heads.resolve("mine", "emotion") == "mine"
    assert heads.load("mine", "emotion").spec.output == "emotion"
    with pytest.raises(InputError, match="there are mine, emotion, auto"):
        heads.resolve("nothing", "emotion")


def test_who_a_head_is_can_be_told_without_loading_it(
    weights: Callable[..., None], make_head: Make
) -> None:
    weights("arkit52")
    found = heads.identity("auto", "expression")
    assert found is not None
    assert (found.name, found.version, len(found.sha256)) == ("arkit52", "1", 64)
    assert str(found) == f"arkit52 1 sha256:{found.sha256}"
    ruler = heads.identity("geometric", "expression")
    assert ruler is not None
    assert (ruler.name, len(ruler.sha256)) == ("geometric", 64)
    assert heads.identity("auto", "morphable") is None
    with pytest.raises(InputError, match=r"x\.json is missing"):
        heads.identity("x.onnx", "expression")


def test_what_does_not_run_says_why(weights: Callable[..., None], tmp_path: Path) -> None:
    weights("arkit52", "broken", "alone")
    folder = tmp_path / "heads"
    (folder / "broken.onnx").write_bytes(b"nothing")
    (folder / "alone.json").unlink()
    found = heads.available()
    assert found["arkit52"] is None
    assert "damaged" in (found["broken"] or "")
    assert "alone.json is missing" in (found["alone"] or "")


def test_the_shipped_heads_are_whole() -> None:
    for name, spec in heads.shipped().items():
        assert heads.load(name, spec.output).spec == spec  # type: ignore[arg-type]


def test_the_runtime_is_loaded_with_the_first_trained_head() -> None:
    code = "import sys, mien.heads; assert 'onnxruntime' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
