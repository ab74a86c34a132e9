"""Fixtures for all tests."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import jaxtyping
import numpy as np
import pytest
from beartype import BeartypeConf, beartype
from PIL import Image

# The shapes and dtypes of signatures are checked while the tests run: said before the first import
# of mien, for the parts that arrays pass through. The hook wants a name that can be imported. An
# int is good where a float is.
_checker = ModuleType("_mien_checker")
_checker.check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # type: ignore[attr-defined]
sys.modules[_checker.__name__] = _checker
_CHECKED = (
    "arrays", "channels", "engines", "geometry", "gltf", "heads", "identity", "model",
    "morphable", "outputs", "render", "retarget", "server.wire", "streams", "topology", "tracker",
    "types",
)  # fmt: skip
jaxtyping.install_import_hook([f"mien.{part}" for part in _CHECKED], f"{_checker.__name__}.check")

# The same examples every time, and no deadline: a busy machine is not a failure.
hypothesis.settings.register_profile("mien", derandomize=True, deadline=None)
hypothesis.settings.load_profile("mien")

ROOT = Path(__file__).resolve().parent.parent


def _shared_folder() -> Path | None:
    named = os.environ.get("MIEN_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    return folder if (folder / "media").is_dir() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """Photos, videos and models that are not in the repository."""
    folder = _shared_folder()
    if folder is None:
        pytest.skip("the shared media folder is absent (set MIEN_SHARED to its path)")
    return folder


@pytest.fixture(scope="session")
def facemesh() -> str:
    """The name of the engine that needs no download; skips where it does not exist."""
    from mien import engines

    if reason := engines.available()["facemesh"]:
        pytest.skip(reason)
    return "facemesh"


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Wrong shapes reach the code itself, as they do outside of the tests."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def portrait_path() -> Path:
    """The sample photo that everybody has: one face, 512x600, RGB JPEG."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="session")
def portrait(portrait_path: Path) -> np.ndarray:
    """The sample photo, uint8 RGB (600, 512, 3)."""
    with Image.open(portrait_path) as image:
        return np.asarray(image.convert("RGB"))


_INPUTS = {"aligned": [478, 3], "rotation": [3, 3], "pixels": [478, 3], "image": [48, 48]}


def _write_head(
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
    """A head that adds up 0.01 of every number of its inputs, and ``bias``, in every channel.

    Of emotions it gives the softmax of that.
    """
    from mien.channels import ARKIT_52, EMOTIONS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its protobuf warns on some Pythons
        onnx = pytest.importorskip("onnx")
        from onnx import TensorProto, helper, numpy_helper
    names = {"expression": ARKIT_52, "emotion": EMOTIONS}
    channels = list(names.get(output, [f"mode{i}" for i in range(10)]))
    size = length or len(channels)
    nodes, summed = [], []
    for i, given in enumerate(inputs):
        nodes.append(helper.make_node("Cast", [given], [f"cast{i}"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Flatten", [f"cast{i}"], [f"flat{i}"], axis=1))
        nodes.append(helper.make_node("MatMul", [f"flat{i}", f"w{i}"], [f"part{i}"]))
        summed.append(f"part{i}")
    nodes.append(helper.make_node("Sum", [*summed, "bias"], ["scores"]))
    last = "Softmax" if output == "emotion" else "Identity"
    nodes.append(helper.make_node(last, ["scores"], [output]))
    constants = [
        numpy_helper.from_array(
            np.full((int(np.prod(_INPUTS[given])), size), 0.01, np.float32), f"w{i}"
        )
        for i, given in enumerate(inputs)
    ]
    wanted = np.broadcast_to(np.float32(bias), (size,)).copy()
    constants.append(numpy_helper.from_array(wanted, "bias"))
    graph = helper.make_graph(
        nodes,
        name,
        [
            helper.make_tensor_value_info(
                given,
                TensorProto.UINT8 if given == "image" else TensorProto.FLOAT,
                [batch, *_INPUTS[given]],
            )
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
        "channels": channels,
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
        return _write_head(tmp_path / "heads", name, **options)

    return make
