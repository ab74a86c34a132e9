"""Heads: landmarks in, expression out; of one kind pictures too. numpy at both ends.

================  ==============  ==========================================================
name              gives           what it is
================  ==============  ==========================================================
``geometric``     expression      lengths on the face, 19 channels, no training
``arkit52``       expression      trained, all 52 channels
``morphable10``   morphable       trained, 10 coefficients of the 3D morphable model
``emotion``       emotion         trained, probabilities of 7 emotions, from the picture
================  ==============  ==========================================================

``emotion-landmarks`` stands in for ``emotion`` where landmarks come without a picture. ``auto`` is
the trained one where it ships with this mien; for expression otherwise ``geometric``. The trained
ones are ONNX files in ``mien/weights``, or anywhere: a path is as good as a name. Heads that were
made on this machine, such as those of ``mien feedback train``, lie in :func:`folder`.
"""

from __future__ import annotations

import difflib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ..errors import InputError, MienError
from ..zoo import cache
from . import geometric
from .spec import HeadSpec

if TYPE_CHECKING:
    from .regressor import Head

__all__ = [
    "GEOMETRIC",
    "OUTPUTS",
    "HeadId",
    "Output",
    "folder",
    "identity",
    "load",
    "made",
    "needs_picture",
    "path",
    "resolve",
    "shipped",
    "without_picture",
]

Output: TypeAlias = Literal["expression", "morphable", "emotion"]
OUTPUTS: tuple[Output, ...] = ("expression", "morphable", "emotion")

GEOMETRIC = "geometric"

_WEIGHTS = Path(__file__).parents[1] / "weights"
_TRAINED: dict[Output, str] = {
    "expression": "arkit52", "morphable": "morphable10", "emotion": "emotion",
}  # fmt: skip


class HeadId(NamedTuple):
    """Which head exactly: what it is called, its version, and the SHA-256 of what decides."""

    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} sha256:{self.sha256}"


def shipped() -> dict[str, HeadSpec]:
    """The trained heads that came with this mien, by name."""
    specs = (HeadSpec.read(file) for file in sorted(_WEIGHTS.glob("*.json")))
    return {spec.name: spec for spec in specs}


def folder() -> Path:
    """Where heads of this machine lie: ``heads`` beside the pulled models; it need not exist."""
    return cache.folder().parent / "heads"


def made() -> dict[str, HeadSpec]:
    """The heads of this machine, by the names of their files; those that cannot be read are not."""
    found = {}
    for file in sorted(folder().glob("*.onnx")):
        with suppress(InputError):
            found[file.stem] = HeadSpec.read(file.with_suffix(".json"))
    return found


def available() -> dict[str, str | None]:
    """Every trained head that came with this mien: None when it runs here, else why not."""
    return {file.stem: _reason(file) for file in sorted(_WEIGHTS.glob("*.onnx"))}


def _reason(file: Path) -> str | None:
    try:
        from .regressor import Head

        Head(file)
    except (MienError, ImportError) as error:
        return str(error)
    return None


def resolve(name: str | None, output: Output) -> str | None:
    """What a name stands for: the name of a head that is here, a path, or None for no head.

    Args:
        name: of a head, a path of an ONNX file, ``auto``, or None.
        output: what it is asked for.

    Raises:
        InputError: an unknown name; those that are known are listed.
    """
    if name == "auto":
        if (_WEIGHTS / f"{_TRAINED[output]}.onnx").is_file():
            return _TRAINED[output]
        return GEOMETRIC if output == "expression" else None
    if name is None or _is_path(name) or (name == GEOMETRIC and output == "expression"):
        return name
    known = [n for n, spec in (made() | shipped()).items() if spec.output == output]
    if name in known or (folder() / f"{name}.onnx").is_file():
        return name
    names = [*known, *([GEOMETRIC] if output == "expression" else []), "auto"]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
    raise InputError(f"there is no {output} head {name!r}; {hint}, or the path of an .onnx file")


def path(name: str) -> Path:
    """The ONNX file of a head that :func:`resolve` returned, other than ``geometric``."""
    if _is_path(name):
        return Path(name).with_suffix(".onnx")
    ours = _WEIGHTS / f"{name}.onnx"
    return ours if ours.is_file() else folder() / ours.name


def load(name: str, output: Output) -> Head:
    """A trained head, ready to be called.

    Args:
        name: as for :func:`resolve`; not ``geometric``.
        output: what it has to give.

    Raises:
        InputError: an unknown name, a missing file, or a file that is not what it should be.
        ModelMissing: its weights are not those that its description is of.
    """
    from .regressor import Head  # onnxruntime is loaded when a trained head is

    known = resolve(name, output)
    if known is None or known == GEOMETRIC:
        raise InputError(f"{name!r} is no trained {output} head on this machine")
    head = Head(path(known))
    if head.spec.output != output:
        raise InputError(
            f"{path(known)} gives {head.spec.output}, not {output}; choose another head"
        )
    return head


def identity(name: str | None, output: Output) -> HeadId | None:
    """Which head exactly a name stands for, without loading it; None for no head.

    Raises:
        InputError: an unknown name, or a description that is missing or unreadable.
    """
    known = resolve(name, output)
    if known is None:
        return None
    if known == GEOMETRIC:
        return HeadId(GEOMETRIC, geometric.VERSION, geometric.fingerprint())
    spec = HeadSpec.read(path(known).with_suffix(".json"))
    return HeadId(spec.name, spec.version, spec.sha256)


def needs_picture(name: str | None, output: Output) -> bool:
    """Whether landmarks alone are not enough for a head, without loading it; no head needs nothing.

    Raises:
        InputError: as :func:`identity`.
    """
    known = resolve(name, output)
    if known is None or known == GEOMETRIC:
        return False
    return HeadSpec.read(path(known).with_suffix(".json")).needs_picture


def without_picture(name: str | None, output: Output) -> str | None:
    """The head to take in place of another where landmarks come without a picture.

    Returns:
        ``<name>-landmarks`` for one that needs a picture, where such a head ships; else what the
        name stands for.

    Raises:
        InputError: as :func:`identity`.
    """
    known = resolve(name, output)
    stand_in = f"{known}-landmarks"
    return stand_in if stand_in in shipped() and needs_picture(known, output) else known


def _is_path(name: str) -> bool:
    return name.endswith((".onnx", ".json")) or len(Path(name).parts) > 1
