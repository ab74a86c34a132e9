"""What a trained head is: the JSON file that lies beside its ONNX file."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from ..channels import ARKIT_52, EMOTIONS
from ..errors import InputError
from ..types import N_MORPHABLE

__all__ = ["INPUTS", "OUTPUTS", "HeadSpec"]

INPUTS: Mapping[str, tuple[int, ...]] = {
    "aligned": (478, 3),
    "rotation": (3, 3),
    "pixels": (478, 3),
    "image": (48, 48),
}
"""What a head may ask for, with its shape for one face.

``aligned``: points in the head frame, centimetres on a face of average size; ``rotation``: head
frame -> camera axes; ``pixels``: picture coordinates; all three float32. ``image``: grey levels as
uint8, cut by :func:`mien.heads.emotion.cut`.
"""

OUTPUTS: Mapping[str, int] = {
    "expression": len(ARKIT_52), "morphable": N_MORPHABLE, "emotion": len(EMOTIONS),
}  # fmt: skip
"""What a head may give, with its length for one face."""


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """One head: what goes in, what comes out, what made it, and how good it is.

    Attributes:
        name: what the user types.
        version: rises when the weights change.
        inputs: names out of :data:`INPUTS`, in any order.
        output: ``expression`` (0..1), ``morphable`` or ``emotion`` (probabilities).
        channels: name of each number of the output; of an expression head ``ARKIT_52``, of an
            emotion head ``EMOTIONS``.
        sha256: of the ONNX file, 64 hexadecimal digits in lower case.
        parameters: how many numbers were learnt.
        licence: SPDX expression for the weights.
        engines: the landmark engines that it was scored on.
        dead: channels that its teacher left dead, learnt from another truth.
        unobservable: channels that landmarks cannot show; they are 0.
        recipe: what it was trained by.
        data: what it was trained on.
        scores: figures by data set.
        about: a sentence for people.
        notes: what to mind when using it.
        temperature: of an emotion head: by what its scores are divided so that it is as sure as it
            should be; see :func:`mien.heads.emotion.tempered`.
        calibrated_on: the pictures that the temperature was fitted on; empty for none.

    Raises:
        InputError: a value that cannot be used; the message names the field.
    """

    name: str
    version: str
    inputs: tuple[str, ...]
    output: str
    channels: tuple[str, ...]
    sha256: str
    parameters: int
    licence: str
    engines: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()
    unobservable: tuple[str, ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""
    notes: tuple[str, ...] = ()
    temperature: float = 1.0
    calibrated_on: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise InputError(f"name holds letters, digits, . _ and -; got {self.name!r}")
        if not self.version:
            raise InputError("version must not be empty")
        if not self.inputs or not set(self.inputs) <= set(INPUTS):
            raise InputError(f"inputs are some of {', '.join(INPUTS)}; got {list(self.inputs)}")
        if len(set(self.inputs)) != len(self.inputs):
            raise InputError(f"inputs must not repeat; got {list(self.inputs)}")
        if self.output not in OUTPUTS:
            raise InputError(f"output is one of {', '.join(OUTPUTS)}; got {self.output!r}")
        if self.output == "expression" and self.channels != ARKIT_52:
            raise InputError(
                "channels of an expression head are the 52 of ARKit in the order of "
                f"mien.channels.ARKIT_52; got {len(self.channels)}: {list(self.channels)[:3]}..."
            )
        if self.output == "emotion" and self.channels != EMOTIONS:
            raise InputError(
                f"channels of an emotion head are {', '.join(EMOTIONS)} in this order; "
                f"got {list(self.channels)}"
            )
        if len(self.channels) != OUTPUTS[self.output]:
            raise InputError(
                f"channels of a {self.output} head are {OUTPUTS[self.output]} names; "
                f"got {len(self.channels)}"
            )
        for name in ("dead", "unobservable"):
            if strange := set(getattr(self, name)) - set(self.channels):
                raise InputError(f"{name} names {sorted(strange)}, which are no channels of it")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise InputError(f"sha256 has 64 hexadecimal digits; got {self.sha256!r}")
        if self.parameters < 0:
            raise InputError(f"parameters is 0 or more; got {self.parameters}")
        if not (0 < self.temperature < math.inf):
            raise InputError(f"temperature is above 0 and finite; got {self.temperature}")
        if self.temperature != 1 and self.output != "emotion":
            raise InputError(f"temperature is for emotion heads; this one gives {self.output}")

    @property
    def needs_picture(self) -> bool:
        """Whether landmarks alone are not enough."""
        return "image" in self.inputs

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> HeadSpec:
        """From what the JSON file holds.

        Raises:
            InputError: a key that nobody knows or that is missing, or a value that cannot be used.
        """
        known = {f.name: f for f in fields(cls)}
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise InputError(f"{key!r} is no key of a head's description; {hint}")
        values: dict[str, Any] = {}
        for name, f in known.items():
            if name in table:
                values[name] = _value(name, str(f.type), table[name])
            elif f.default is MISSING and f.default_factory is MISSING:
                raise InputError(f"{name} is missing from the head's description")
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """What the JSON file holds; :meth:`from_dict` reads it again."""
        return {
            f.name: list(value) if isinstance(value := getattr(self, f.name), tuple) else value
            for f in fields(self)
        }

    @classmethod
    def read(cls, path: Path) -> HeadSpec:
        """From a JSON file.

        Raises:
            InputError: no such file, no JSON, or not the description of a head.
        """
        try:
            table = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise InputError(
                f"{path} is missing: a head is an .onnx file with its description of the same "
                "name, .json, beside it"
            ) from None
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read as JSON ({error}); export it again") from None
        if not isinstance(table, dict):
            raise InputError(f"{path} is not the description of a head; export it again")
        try:
            return cls.from_dict(table)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


def _value(name: str, kind: str, value: Any) -> Any:
    """A value out of JSON as the type that the field says."""
    if kind.startswith("tuple"):
        if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
            return tuple(value)
        raise InputError(f"{name} is a list of texts; got {value!r}")
    if kind == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    expected = {
        "str": (str, "a text"),
        "int": (int, "a whole number"),
        "float": (float, "a number"),
    }
    cls, told = expected.get(kind, (dict, "a table"))
    if not isinstance(value, cls) or isinstance(value, bool):
        raise InputError(f"{name} is {told}; got {value!r}")
    return value
