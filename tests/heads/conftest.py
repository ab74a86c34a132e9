"""Heads made on the spot: small graphs that say what a test wants."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.channels import ARKIT_52

SHAPES = {"aligned": [478, 3], "rotation": [3, 3], "pixels": [478, 3]}


def write_head(
    folder: Path,
    name: str = "made",
    *,
    inputs: tuple[str, ...] = ("aligned",),
    output: str = "expression",
    length: int | None = None,
    batch: int | str = "n",
    bias: float | np.ndarray = 0.0,
    **more: Any,
) -> Path:
    """A head that adds up 0.01 of every number of its inputs, and ``bias``, in every channel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its protobuf warns on some Pythons
        onnx = pytest.importorskip("onnx")
        from onnx import TensorProto, helper, numpy_helper
    size = length or {"expression": 52, "morphable": 10}[output]
    nodes, summed = [], []
    for i, given in enumerate(inputs):
        nodes.append(helper.make_node("Flatten", [given], [f"flat{i}"], axis=1))
        nodes.append(helper.make_node("MatMul", [f"flat{i}", f"w{i}"], [f"part{i}"]))
        summed.append(f"part{i}")
    nodes.append(helper.make_node("Sum", [*summed, "bias"], [output]))
    constants = [
        numpy_helper.from_array(
            np.full((int(np.prod(SHAPES[given])), size), 0.01, np.float32), f"w{i}"
        )
        for i, given in enumerate(inputs)
    ]
    wanted = np.broadcast_to(np.float32(bias), (size,)).copy()
    constants.append(numpy_helper.from_array(wanted, "bias"))
    graph = helper.make_graph(
        nodes,
        name,
        [
            helper.make_tensor_value_info(given, TensorProto.FLOAT, [batch, *SHAPES[given]])
            for given in inputs
        ],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, size])],
        constants,
    )
    opset = [helper.make_opsetid("", 17)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    spec = {
        "name": name,
        "version": "1",
        "inputs": list(inputs),
        "output": output,
        "channels": list(ARKIT_52) if output == "expression" else [f"mode{i}" for i in range(10)],
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "parameters": 7,
        "licence": "Apache-2.0",
    }
    path.with_suffix(".json").write_text(json.dumps(spec | more), "utf-8")
    return path


@pytest.fixture
def make_head(tmp_path: Path) -> Callable[..., Path]:
    """Write a head into a folder of the test; returns the ONNX file."""

    def make(name: str = "made", **options: Any) -> Path:
        return write_head(tmp_path / "heads", name, **options)

    return make
