"""A trained head at work: an ONNX file on onnxruntime, one thread, numpy at both ends."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime

from ..arrays import Array, Float, Float32, UInt8
from ..errors import InputError, ModelMissing
from .emotion import tempered
from .spec import INPUTS, OUTPUTS, HeadSpec

__all__ = ["Head"]

_DTYPES: Mapping[str, type[np.generic]] = {"image": np.uint8}
"""Of inputs that are not float32."""

# Windows builds report to their maker unless told not to.
onnxruntime.disable_telemetry_events()


class Head:
    """A loaded head.

    Args:
        path: the ONNX file; its description lies beside it as ``.json``.

    Attributes:
        spec: the description.

    Raises:
        InputError: a file is missing or not what it should be; the message says which and why.
        ModelMissing: the ONNX file is not the one that was described.
    """

    def __init__(self, path: Path) -> None:
        self.spec = HeadSpec.read(path.with_suffix(".json"))
        self._session = _session(path, self.spec)
        self._outputs = [self.spec.output]
        self._wanted = frozenset(self.spec.inputs)
        self._unit = self.spec.output == "expression"
        self._classes = self.spec.output == "emotion"
        _check(self._session, self.spec, path)

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.spec.name

    def __call__(
        self,
        aligned: Float[Array, "*n 478 3"],
        rotation: Float[Array, "*n 3 3"],
        pixels: Float[Array, "*n 478 3"],
        image: UInt8[Array, "*n 48 48"] | None = None,
    ) -> Float32[Array, "*n c"]:
        """What the head says of one face, or of each of several.

        Args:
            aligned: points in the head frame, centimetres on a face of average size.
            rotation: head frame -> camera axes.
            pixels: points in picture coordinates.
            image: the faces as :func:`mien.heads.emotion.cut` gives them; only heads whose
                ``spec.needs_picture`` look at it.

        Returns:
            float32 (c,) or (n, c): 52 channels clipped to 0..1, 10 coefficients, or 7 probabilities
            at the temperature of the description. A number that the net does not give (of a face
            without extent) is NaN.

        Raises:
            InputError: it needs pictures, and there are none.
        """
        one = aligned.ndim == 2
        feed = {}
        for name, value in (
            ("aligned", aligned), ("rotation", rotation), ("pixels", pixels), ("image", image),
        ):  # fmt: skip
            if name in self._wanted:
                if value is None:
                    raise InputError(f"the head {self.name} needs the picture of each face")
                single = np.ascontiguousarray(value, _DTYPES.get(name, np.float32))
                feed[name] = single[None] if one else single
        values: Float32[Array, "n c"] = self._session.run(self._outputs, feed)[0]
        if self._unit:
            # Both together take half of the time of np.clip.
            np.minimum(values, 1.0, out=values)
            np.maximum(values, 0.0, out=values)
        elif self._classes:
            values = tempered(values, self.spec.temperature)
        return values[0] if one else values


def _session(path: Path, spec: HeadSpec) -> onnxruntime.InferenceSession:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"there is no head {path}; check the path, or export it again") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check it") from error
    found = hashlib.sha256(data).hexdigest()
    if found != spec.sha256:
        raise ModelMissing(
            f"{path} is damaged, or not the file that its description is of (SHA-256 "
            f"{found[:12]}... instead of {spec.sha256[:12]}...); install mien again, or export "
            "the head again"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # A thread that waits must leave the processor to the landmark engine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no base but this
        raise InputError(
            f"{path} is no ONNX model that onnxruntime {onnxruntime.__version__} can run "
            f"({_first_line(error)}); export it again"
        ) from error


def _check(session: onnxruntime.InferenceSession, spec: HeadSpec, path: Path) -> None:
    """Refuse a graph that is not what its description says, before the first face.

    Raises:
        InputError: inputs or outputs of another name, or an output of another length.
    """
    named = {value.name for value in session.get_inputs()}
    if named != set(spec.inputs):
        raise InputError(
            f"{path} takes {sorted(named)}, its description says {sorted(spec.inputs)}; a head "
            f"takes some of {', '.join(INPUTS)}; export it again"
        )
    made = {value.name for value in session.get_outputs()}
    if spec.output not in made:
        raise InputError(
            f"{path} gives {sorted(made)}, its description says {spec.output!r}; export it again"
        )
    length = OUTPUTS[spec.output]
    # Asked for two faces: shapes are often not written into the graph, and a batch of fixed size
    # would fail only when a second person comes.
    feed = {
        name: np.zeros((2, *INPUTS[name]), _DTYPES.get(name, np.float32)) for name in spec.inputs
    }
    try:
        shape = session.run([spec.output], feed)[0].shape
    except Exception as error:
        raise InputError(
            f"{path} fails at two faces ({_first_line(error)}); export it with inputs of float32, "
            "`image` of uint8, (n, ...), n being free"
        ) from error
    if shape != (2, length):
        raise InputError(
            f"{path} gives {shape} for two faces, a {spec.output} head gives (2, {length}); "
            "export it again"
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
