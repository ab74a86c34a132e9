"""A head reads what it is given, and is refused where it is not what it says it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import InputError, ModelMissing
from mien.heads.regressor import Head

Make = Callable[..., Path]


def faces(n: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    front = () if n is None else (n,)
    return tuple(
        rng.normal(0, 0.1, (*front, *shape)).astype(np.float32)
        for shape in ((478, 3), (3, 3), (478, 3))
    )  # type: ignore[return-value]


def change(path: Path, **values: Any) -> None:
    """Other entries in the description."""
    table = json.loads(path.with_suffix(".json").read_text("utf-8"))
    path.with_suffix(".json").write_text(json.dumps(table | values), "utf-8")


@pytest.mark.parametrize(
    "inputs",
    [("aligned",), ("rotation",), ("pixels",), ("aligned", "rotation"),
     ("pixels", "rotation", "aligned")],
)  # fmt: skip
def test_inputs_are_given_by_name(make_head: Make, inputs: tuple[str, ...]) -> None:
    head = Head(make_head(inputs=inputs, bias=0.5))
    given = dict(zip(("aligned", "rotation", "pixels"), faces(), strict=True))
    expected = 0.5 + 0.01 * sum(float(given[name].sum()) for name in inputs)
    values = head(**given)
    assert values.shape == (52,)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, np.clip(expected, 0, 1), atol=1e-5)


def test_many_faces_at_once_are_the_same_one_by_one(make_head: Make) -> None:
    head = Head(make_head(inputs=("aligned", "rotation", "pixels"), bias=0.5))
    many = faces(5)
    together = head(*many)
    assert together.shape == (5, 52)
    for i, values in enumerate(together):
        np.testing.assert_allclose(head(*(part[i] for part in many)), values, atol=1e-6)


def test_no_face_at_all_is_an_empty_answer(make_head: Make) -> None:
    assert Head(make_head())(*faces(0)).shape == (0, 52)


def test_double_precision_is_taken_too(make_head: Make) -> None:
    head = Head(make_head(bias=0.5))
    single = faces()
    double = [part.astype(np.float64) for part in single]
    np.testing.assert_array_equal(head(*double), head(*single))


@pytest.mark.parametrize(("bias", "expected"), [(-3.0, 0.0), (7.0, 1.0)])
def test_an_expression_is_clipped(make_head: Make, bias: float, expected: float) -> None:
    assert np.all(Head(make_head(bias=bias))(*faces()) == expected)


def test_coefficients_are_not_clipped(make_head: Make) -> None:
    head = Head(make_head("ten", output="morphable", bias=np.linspace(-4, 4, 10)))
    values = head(*faces())
    assert values.shape == (10,)
    assert values.min() < -3
    assert values.max() > 3


def test_a_missing_file_is_named(make_head: Make, tmp_path: Path) -> None:
    path = make_head()
    path.unlink()
    with pytest.raises(InputError, match=r"there is no head .*made\.onnx"):
        Head(path)
    with pytest.raises(InputError, match=r"other\.json is missing"):
        Head(tmp_path / "other.onnx")


def test_a_changed_file_is_refused(make_head: Make) -> None:
    path = make_head()
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelMissing, match="SHA-256"):
        Head(path)


def test_what_is_no_onnx_is_refused(make_head: Make, capfd: pytest.CaptureFixture[str]) -> None:
    path = make_head()
    path.write_bytes(b"not a graph")
    change(path, sha256=hashlib.sha256(b"not a graph").hexdigest())
    with pytest.raises(InputError, match="no ONNX model"):
        Head(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("made", "said", "told"),
    [
        ({}, {"inputs": ["rotation"]}, "takes .'aligned'., its description says .'rotation'."),
        ({"inputs": ("aligned", "pixels")}, {"inputs": ["aligned"]}, "'pixels'"),
        (
            {"output": "morphable"},
            {"output": "expression", "channels": None},
            "gives .'morphable'., its description says 'expression'",
        ),
        ({"length": 51}, {}, r"gives \(2, 51\)"),
        ({"batch": 1}, {}, "fails at two faces"),
    ],
)
def test_a_graph_that_is_not_as_described_is_refused(
    make_head: Make, capfd: pytest.CaptureFixture[str],
    made: dict[str, Any], said: dict[str, Any], told: str,
) -> None:  # fmt: skip
    from mien.channels import ARKIT_52

    path = make_head(**made)
    if "channels" in said:
        said = said | {"channels": list(ARKIT_52)}
    change(path, **said)
    with pytest.raises(InputError, match=told):
        Head(path)
    assert capfd.readouterr().err == ""
