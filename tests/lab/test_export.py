from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch

from mien import heads
from mien.heads.regressor import Head
from mien.heads.spec import HeadSpec
from mien.lab import export, nets, training
from mien.lab.checkpoint import Checkpoint
from mien.lab.material import Material, gather
from mien.lab.runtime import microseconds, runtime

from .conftest import recipe

MORPHABLE = {"people": 16, "each": 4, "output": "morphable"}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "everything": {
        "net__rotation": True,
        "net__average_mirror": True,
        "net__input_dim": 12,
        "net__points": ["lips_outer", "left_eye", 1],
        "net__output": "clamp",
    },
    "expression_head": {
        "output": "morphable",
        "net": {"kind": "expression_head"},
        "data": {"sources": [{"name": "made", "options": MORPHABLE}]},
    },
}


def trained(kind: str) -> tuple[nets.Net, Material]:
    """A net whose weights are random, but whose statistics are those of data."""
    plan = recipe(**KINDS[kind])
    material = gather(plan, Path("nowhere"))
    net = training.build(plan, material)
    inputs = {n: torch.from_numpy(getattr(material.samples, n)) for n in net.inputs}
    net.fit(inputs)
    if kind == "expression_head":
        net.layers[0].weight.data /= 300  # as far as training would bring it for pixels
        net.train()(inputs)
    return net.eval(), material


@pytest.mark.parametrize("kind", KINDS)
def test_torch_and_onnx_agree_and_the_file_is_always_the_same(kind: str, tmp_path: Path) -> None:
    net, material = trained(kind)
    for name in ("one", "other"):
        export.export(net, tmp_path / f"{name}.onnx", material.samples)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "other.onnx").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.onnx", "other.onnx"]
    for count in (1, 3, 50):
        some = material.samples.select(range(count))
        inputs = {n: torch.from_numpy(getattr(some, n)) for n in net.inputs}
        with torch.no_grad():
            expected = net(inputs).numpy()
        found = runtime(tmp_path / "one.onnx")(some)
        allowed = export.TOLERANCE * max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(found, expected, atol=allowed)


@pytest.mark.parametrize("opset", [17, 18, 20])
def test_operator_sets(opset: int, tmp_path: Path) -> None:
    import onnx

    net, material = trained("plain")
    export.export(net, tmp_path / "head.onnx", material.samples, opset=opset)
    assert onnx.load(tmp_path / "head.onnx").opset_import[0].version == opset


def test_no_path_of_this_machine_is_in_the_file(tmp_path: Path) -> None:
    net, material = trained("everything")
    export.export(net, tmp_path / "head.onnx", material.samples)
    data = (tmp_path / "head.onnx").read_bytes()
    assert str(Path(__file__).parents[2]).encode() not in data
    assert b".py" not in data


def test_a_layer_norm_stays_one_operation(tmp_path: Path) -> None:
    import onnx

    net, material = trained("plain")
    export.export(net, tmp_path / "head.onnx", material.samples)
    kinds = [node.op_type for node in onnx.load(tmp_path / "head.onnx").graph.node]
    assert kinds.count("LayerNormalization") == 2
    assert "ReduceMean" not in kinds


class _Moody(nets.Net):
    """Answers otherwise while it is exported, as a net that depends on its batch would."""

    inputs = ("aligned",)
    off = 1e-3

    def forward(self, samples: Any) -> Any:
        values = samples["aligned"].flatten(1)[:, :52]
        return values + (self.off if torch.onnx.is_in_onnx_export() else 0.0)


@pytest.mark.parametrize(("off", "fails"), [(1e-3, True), (float("nan"), True), (1e-8, False)])
def test_a_file_that_answers_otherwise_is_not_kept(
    off: float, fails: bool, made: Material, tmp_path: Path
) -> None:
    # As coefficients, which are not cut off at 0 and 1.
    net = _Moody(nets.Task("morphable", made.samples.channels))
    net.off = off
    path = tmp_path / "head.onnx"
    path.write_bytes(b"an older one")
    if fails:
        with pytest.raises(export.ExportError, match=r"real faces: torch and ONNX differ by"):
            export.export(net, path, made.samples)
        assert path.read_bytes() == b"an older one"
    else:
        export.export(net, path, made.samples)
        assert path.read_bytes() != b"an older one"
    assert [p.name for p in tmp_path.iterdir()] == ["head.onnx"]


def state(net: nets.Net, table: dict[str, Any]) -> Checkpoint:
    weights = {k: v.clone() for k, v in net.state_dict().items()}
    rows = [{"epoch": 1.0, "seconds": 90.0}, {"epoch": 2.0, "seconds": 30.0}]
    best = dict(weights)
    return Checkpoint(table, "", weights, best=best, epoch=2, best_epoch=1, history=rows)


def test_a_head_can_be_loaded_by_the_tracker(made: Material, tmp_path: Path) -> None:
    plan = recipe(export={"version": "1.2", "dead": ["cheekPuff"], "about": "Words."})
    net = training.build(plan, made)
    net.live[51] = 0
    path = export.head(plan, state(net, plan.as_dict()), made, tmp_path, "mien train tiny.toml")
    spec = HeadSpec.read(path.with_suffix(".json"))
    assert spec.unobservable == ("tongueOut",)
    assert spec.dead == ("cheekPuff",)
    assert (spec.name, spec.version, spec.about) == ("tiny", "1.2", "Words.")
    assert spec.parameters == nets.parameters(net)
    assert spec.recipe["settings"] == plan.as_dict()
    assert (spec.recipe["minutes"], spec.recipe["best_epoch"]) == (2.0, 1)
    assert sum(part["faces"] for part in spec.data["made"].values()) == 16 * 6
    head = Head(path)
    some = made.samples.select(range(3))
    found = head(some.aligned, some.rotation, some.pixels)
    np.testing.assert_allclose(found, runtime(path)(some), atol=1e-6)
    assert (found[:, 51] == 0).all()


def test_a_net_for_an_experiment_gets_no_description(tmp_path: Path) -> None:
    options = {**MORPHABLE, "extra": 52}
    plan = recipe(
        output="morphable",
        net={"kind": "expression_head", "extra": True},
        data={"sources": [{"name": "made", "options": options}]},
    )
    material = gather(plan, Path("nowhere"))
    net = training.build(plan, material)
    net.layers[0].weight.data /= 300
    path = export.head(plan, state(net, plan.as_dict()), material, tmp_path)
    assert path.is_file()
    assert not path.with_suffix(".json").exists()
    assert runtime(path)(material.samples.select(range(2))).shape == (2, 10)


@pytest.mark.parametrize("kind", KINDS)
def test_the_torch_net_comes_back_out_of_the_file(kind: str, tmp_path: Path) -> None:
    net, material = trained(kind)
    plan = recipe(**KINDS[kind])
    net.live[3] = 0
    path = export.head(plan, state(net, plan.as_dict()), material, tmp_path)
    again = export.restored(path)
    before, after = net.state_dict(), again.state_dict()
    known = [name for name in before if not name.endswith("num_batches_tracked")]
    assert all(torch.equal(before[name], after[name]) for name in known)
    table = json.loads(path.with_suffix(".json").read_text())
    table["recipe"]["settings"]["name"] = "other"
    table["recipe"]["settings"]["net"] = {"kind": "mlp", "hidden": 5, "output": "linear"}
    path.with_suffix(".json").write_text(json.dumps(table))
    with pytest.raises(export.ExportError, match="was exported by another mien"):
        export.restored(path)


def test_torch_and_onnx_agree_for_every_shipped_head(made: Material) -> None:
    seen = np.random.default_rng(0).integers(0, 256, (40, 48, 48), dtype=np.uint8)
    some = dataclasses.replace(made.samples.select(range(40)), image=seen)
    for name in heads.shipped():
        path = heads.path(name)
        net = export.restored(path)
        inputs = {n: torch.from_numpy(getattr(some, n)) for n in net.inputs}
        with torch.no_grad():
            expected = net(inputs).numpy()
        looser = 10 if "image" in net.inputs else 1
        allowed = looser * export.TOLERANCE * max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(runtime(path)(some), expected, atol=allowed, err_msg=name)


def test_time_of_a_call(made: Material, tmp_path: Path) -> None:
    net, material = trained("plain")
    export.export(net, tmp_path / "head.onnx", material.samples)
    assert 0 < microseconds(tmp_path / "head.onnx", calls=20) < 1e6


def test_the_description_is_strict_json(made: Material, tmp_path: Path) -> None:
    plan = recipe()
    net = training.build(plan, made)
    path = export.head(plan, state(net, plan.as_dict()), made, tmp_path)
    table = json.loads(path.with_suffix(".json").read_text(), parse_constant=pytest.fail)
    assert set(table) == {f.name for f in dataclasses.fields(HeadSpec)}
