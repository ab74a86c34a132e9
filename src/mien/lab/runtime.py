"""Exported heads as something to score: numpy and onnxruntime, no torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

import numpy as np
import onnxruntime

from ..arrays import Array, Float32
from ..errors import InputError
from .datasets.samples import Samples

__all__ = ["Predict", "microseconds", "runtime"]

Predict: TypeAlias = Callable[[Samples], Float32[Array, "n c"]]
"""What can be scored: an answer for each sample."""

_MANY = 1024  # samples at once
_DTYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}


def runtime(path: Path) -> Predict:
    """An ONNX file as something that answers samples; expression is cut off at 0 and 1.

    Unlike :class:`mien.heads.regressor.Head` it needs no description, and knows ``extra`` inputs.

    Raises:
        InputError: no model, or one that wants what samples do not have.
    """
    session = _session(path)
    wanted = [value.name for value in session.get_inputs()]
    output = session.get_outputs()[0].name
    if strange := set(wanted) - {"aligned", "rotation", "pixels", "extra", "image"}:
        raise InputError(f"{path} wants {', '.join(sorted(strange))}, which no samples have")

    def answer(samples: Samples) -> Array:
        arrays = {name: getattr(samples, name) for name in wanted}
        if missing := [name for name, array in arrays.items() if array is None]:
            raise InputError(f"{path} wants {missing[0]} inputs, which these samples do not have")
        parts = []
        for start in range(0, len(samples), _MANY):
            feed = {name: array[start : start + _MANY] for name, array in arrays.items()}
            parts.append(session.run([output], feed)[0])
        values: Array = np.concatenate(parts)
        return np.clip(values, 0.0, 1.0) if output == "expression" else values

    return answer


def microseconds(path: Path, calls: int = 2000) -> float:
    """Median time of one face on one thread of this machine, as it is now."""
    session = _session(path)
    feed = {
        value.name: np.zeros((1, *value.shape[1:]), _DTYPES[value.type])
        for value in session.get_inputs()
    }
    times = []
    for _ in range(calls):
        began = perf_counter()
        session.run(None, feed)
        times.append(perf_counter() - began)
    return float(np.median(times)) * 1e6


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own errors share no base but this
        raise InputError(f"{path} is no ONNX model that can be run ({error})") from error
