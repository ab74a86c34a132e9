from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.errors import InputError
from mien.heads import geometric
from mien.heads.spec import HeadSpec
from mien.lab import evaluate, export, training
from mien.lab.card import card
from mien.lab.material import Material, gather
from mien.lab.metrics import pearson
from mien.lab.rows import faces
from mien.lab.runtime import runtime

from .conftest import recipe
from .test_export import state

TWO = {"people": 16, "each": 6, "turned": 2, "engines": ["one", "other"]}
PLAN = recipe(data={"sources": [{"name": "made", "options": TWO}]})


@pytest.fixture(scope="module")
def material() -> Material:
    return gather(PLAN, Path("nowhere"))


@pytest.fixture(scope="module")
def head(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("head")
    end = training.train(PLAN, material, folder, device="cpu")
    return export.head(PLAN, end, material, folder, "mien train tiny.toml")


def test_each_data_set_and_engine_is_scored_by_itself(material: Material, head: Path) -> None:
    results, answers = evaluate.evaluate(str(head), PLAN, material)
    kinds = [(row["source"], row["engine"], row["split"]) for row in results["sets"]]
    sources = ("made", "neutral-turned")
    assert kinds == [(s, e, "test") for s in sources for e in ("one", "other")]
    test = material.part("test").samples
    assert answers.names == test.names
    assert set(test.split) == {"test"}
    chosen = np.array(
        [(s, e) == ("made", "one") for s, e in zip(test.source, test.engine, strict=True)]
    )
    said = runtime(head)(test)[chosen]
    r = pearson(test.target[chosen].astype(float), said.astype(float))
    row = results["sets"][0]
    for i, (name, scores) in enumerate(row["channels"].items()):
        assert name == test.channels[i]
        assert scores["r"] == (pytest.approx(r[i], abs=1e-5) if np.isfinite(r[i]) else None)
    assert results["sets"][2]["mse"] is None
    assert results["sets"][2]["pose_leak"]["largest"] >= 0
    json.dumps(results, allow_nan=False)


def test_training_images_can_be_scored_to_show_what_that_does(
    material: Material, head: Path
) -> None:
    results, answers = evaluate.evaluate(str(head), PLAN, material, splits=("test", "all"))
    whole = [row for row in results["sets"] if row["split"] == "all"]
    assert sum(row["samples"] for row in whole) == len(material.samples)
    assert len(answers.names) == len(material.part("test").samples)


def test_pairs_by_position_show_what_wrong_pairs_do(material: Material, head: Path) -> None:
    results, answers = evaluate.evaluate(str(head), PLAN, material, splits=("by-position", "test"))
    row = next(row for row in results["sets"] if row["split"] == "by-position")
    count = sum(s == row["source"] for s in material.samples.source) // 2  # of two engines
    assert row["samples"] == round(count * 1828 / 2000)
    # The truth is set against itself, and yet it explains nothing.
    assert row["r2"] < -0.5
    assert abs(row["r"]) < 0.3
    assert len(answers.names) == len(material.part("test").samples)


def test_the_geometric_head_is_a_baseline(material: Material) -> None:
    results, _ = evaluate.evaluate("geometric", PLAN, material)
    row = results["sets"][0]
    given = {name for name, scores in row["channels"].items() if scores["count"]}
    assert given == set(geometric.CHANNELS)
    assert row["given"] == len(geometric.CHANNELS) < row["varying"]
    assert results["sha256"] is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("geometrc", "no head 'geometrc'; train it first"),
        ("nothing.onnx", "no head 'nothing.onnx'"),
        ("", "no head ''"),
    ],
)
def test_unknown_heads(name: str, message: str, material: Material) -> None:
    with pytest.raises(InputError, match=message):
        evaluate.evaluate(name, PLAN, material)


def test_heads_about_something_else(head: Path) -> None:
    options = {"people": 16, "each": 2, "output": "morphable"}
    sources = [{"name": "made", "options": options}]
    other = recipe(output="morphable", data={"sources": sources}, net__output="linear")
    modes = gather(other, Path("nowhere"))
    with pytest.raises(InputError, match=r"gives 52 numbers; .* is about 10"):
        evaluate.evaluate(str(head), other, modes)
    with pytest.raises(InputError, match="geometric gives ARKit's 52"):
        evaluate.evaluate("geometric", other, modes)
    for splits in ((), ("tset",)):
        with pytest.raises(InputError, match="at least one split of test, validation"):
            evaluate.evaluate(str(head), PLAN, modes, splits=splits)


def written(material: Material, head: Path, folder: Path) -> dict[str, Any]:
    results, answers = evaluate.evaluate(str(head), PLAN, material)
    evaluate.write(results, answers, folder / "results", head.parent, str(head))
    return results


def test_results_are_written_and_the_description_learns_of_them(
    material: Material, head: Path, tmp_path: Path
) -> None:
    results = written(material, head, tmp_path)
    assert json.loads((tmp_path / "results" / "tiny.json").read_text()) == results
    assert evaluate.read_results(tmp_path / "results") == [results]
    spec = HeadSpec.read(head.with_suffix(".json"))
    assert spec.engines == ("one", "other")
    assert spec.scores["made, one"]["r"] == results["sets"][0]["r"]
    assert spec.sha256 == results["sha256"]
    first = (tmp_path / "results" / "tiny.json").read_bytes()
    written(material, head, tmp_path)
    assert (tmp_path / "results" / "tiny.json").read_bytes() == first


@pytest.mark.parametrize(
    ("calls", "parts", "answered"),
    [
        ([("test",)], ["test"], "test"),
        ([("all", "test")], ["test", "all"], "test"),
        ([("all",), ("test",)], ["test", "all"], "test"),
        ([("test",), ("train", "by-position")], ["test", "train", "by-position"], "test"),
        (
            [("test", "all"), ("all", "all"), ("by-position",)],
            ["test", "all", "by-position"],
            "test",
        ),
        ([("by-position",)], ["by-position"], None),
        ([("train",), ("validation",)], ["validation", "train"], "validation"),
    ],
)
def test_scoring_a_part_replaces_its_rows_and_no_others(
    calls: list[tuple[str, ...]], parts: list[str], answered: str | None,
    material: Material, tmp_path: Path,
) -> None:  # fmt: skip
    folder, path = tmp_path / "results", tmp_path / "results" / "geometric.json"
    for splits in calls:
        if path.is_file():  # rows that are not those of now show which ones stay
            table = json.loads(path.read_text())
            path.write_text(json.dumps(table | {"sets": [{**r, "old": 1} for r in table["sets"]]}))
        results, answers = evaluate.evaluate("geometric", PLAN, material, splits=splits)
        evaluate.check_free(folder, "geometric", PLAN, splits)
        evaluate.write(results, answers, folder, tmp_path, "geometric")
    table = json.loads(path.read_text())
    assert list(dict.fromkeys(row["split"] for row in table["sets"])) == parts
    whole, _ = evaluate.evaluate("geometric", PLAN, material, splits=parts)
    assert [{k: v for k, v in row.items() if k != "old"} for row in table["sets"]] == whole["sets"]
    assert {row["split"] for row in table["sets"] if "old" in row} == set(parts) - set(calls[-1])
    kept = tmp_path / "geometric.answers.npz"
    assert kept.is_file() == (answered is not None)
    if answered:
        assert evaluate.load_answers(kept).names == material.part(answered).samples.names


def test_scores_of_other_weights_are_not_mixed(
    material: Material, head: Path, tmp_path: Path
) -> None:
    folder, path = tmp_path / "results", tmp_path / "results" / "tiny.json"
    results, answers = evaluate.evaluate(str(head), PLAN, material, splits=("test", "train"))
    evaluate.write(results, answers, folder, tmp_path, str(head))
    path.write_text(path.read_text().replace(results["sha256"], "0" * 64))
    for splits in (("test",), ("all",)):
        with pytest.raises(InputError, match=r"of other weights on .*--split test .*--split train"):
            evaluate.check_free(folder, str(head), PLAN, splits)
    only = {**results, "sets": [row for row in results["sets"] if row["split"] == "test"]}
    with pytest.raises(InputError, match="of other weights on train"):
        evaluate.write(only, answers, folder, tmp_path, str(head))
    evaluate.check_free(folder, str(head), PLAN, ("train", "test"))
    evaluate.write(results, answers, folder, tmp_path, str(head))
    assert json.loads(path.read_text()) == results


def test_a_part_that_is_no_test_leaves_the_description(
    material: Material, head: Path, tmp_path: Path
) -> None:
    written(material, head, tmp_path)
    before = head.with_suffix(".json").read_bytes()
    results, answers = evaluate.evaluate(str(head), PLAN, material, splits=("train",))
    evaluate.write(results, answers, tmp_path / "results", head.parent, str(head))
    assert head.with_suffix(".json").read_bytes() == before


def test_a_head_that_lies_elsewhere_keeps_its_description(
    material: Material, head: Path, tmp_path: Path
) -> None:
    before = head.with_suffix(".json").read_bytes()
    results, answers = evaluate.evaluate(str(head), PLAN, material)
    changed = {**results, "sets": []}
    evaluate.write(changed, answers, tmp_path / "results", tmp_path / "run", str(head))
    assert head.with_suffix(".json").read_bytes() == before
    assert (tmp_path / "run" / "tiny.answers.npz").is_file()


def test_answers_come_back(material: Material, head: Path, tmp_path: Path) -> None:
    _, answers = evaluate.evaluate(str(head), PLAN, material)
    written(material, head, tmp_path)
    again = evaluate.load_answers(head.parent / "tiny.answers.npz")
    assert (again.names, again.source, again.engine) == (
        list(answers.names), list(answers.source), list(answers.engine),
    )  # fmt: skip
    np.testing.assert_array_equal(again.truth, answers.truth)
    np.testing.assert_array_equal(again.prediction, answers.prediction)
    with pytest.raises(InputError, match="run `mien evaluate`"):
        evaluate.load_answers(tmp_path / "nothing.npz")


def test_no_results_and_bad_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run `mien evaluate RECIPE`"):
        evaluate.read_results(tmp_path)
    (tmp_path / "speed.json").write_text('{"pages": 3}')  # of something else
    with pytest.raises(InputError, match="there are no results"):
        evaluate.read_results(tmp_path)
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(InputError, match="is no JSON"):
        evaluate.read_results(tmp_path)


def test_a_model_card_says_what_there_is_to_know(
    material: Material, head: Path, tmp_path: Path
) -> None:
    results = written(material, head, tmp_path)
    spec = HeadSpec.read(head.with_suffix(".json"))
    text = card(spec, results, 123_456)
    for part in (
        "# tiny", spec.sha256, "0.12 MB", "`mien train tiny.toml`", "tongueOut", "Apache-2.0",
        "one, other", f"| made | one | {faces(results['sets'][0])} |", '"kind": "mlp"',
    ):  # fmt: skip
        assert part in text
    assert "not evaluated yet" in card(spec, None, 1)
    assert "of other weights" in card(spec, {**results, "sha256": "0"}, 1)


def test_an_untrained_net_scores_worse_than_a_trained_one(
    material: Material, head: Path, tmp_path: Path
) -> None:
    net = training.build(PLAN, material)
    fresh = export.head(PLAN, state(net, PLAN.as_dict()), material, tmp_path)
    maes = [
        evaluate.evaluate(str(path), PLAN, material)[0]["sets"][0]["mae"] for path in (head, fresh)
    ]
    assert maes[0] < maes[1]


def renamed(model: Any, name: str) -> Any:
    """A graph whose input is called otherwise."""
    before = model.graph.input[0].name
    model.graph.input[0].name = name
    for node in model.graph.node:
        node.input[:] = [name if value == before else value for value in node.input]
    return model


def test_files_that_cannot_be_scored(material: Material, head: Path, tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(InputError, match="is no ONNX model that can be run"):
        evaluate.predictor(str(path))
    onnx.save(renamed(onnx.load(head), "extra"), path)
    with pytest.raises(InputError, match="wants extra inputs, which these samples do not have"):
        evaluate.evaluate(str(path), PLAN, material)
    onnx.save(renamed(onnx.load(head), "crop"), path)
    with pytest.raises(InputError, match="wants crop, which no samples have"):
        evaluate.predictor(str(path))


def test_scoring_loads_no_torch() -> None:
    import subprocess
    import sys

    program = "import sys, mien.lab.evaluate, mien.lab.report; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off"])
def test_damaged_answers_say_what_to_do(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.answers.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"no whole answers .* run `mien evaluate`"):
        evaluate.load_answers(path)
