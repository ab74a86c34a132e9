"""Landmark engines: a picture in, faces with 478 points out.

=================  ===========================================  ==========================
name               what it is                                    needs
=================  ===========================================  ==========================
``facemesh``       MediaPipe FaceMesh, the default               Python below 3.13
``facelandmarker`` MediaPipe Face Landmarker, with Google's 51   ``mien pull face_landmarker``
``crop``           its landmark net on tight face crops          ``mien pull face_landmarker``
=================  ===========================================  ==========================

``auto`` is ``facemesh`` where it exists, otherwise ``facelandmarker``. ``GivenLandmarks`` stands in
for an engine that runs elsewhere.
"""

from __future__ import annotations

import difflib
from importlib import import_module, metadata, util

from ..errors import EngineError, InputError, ModelMissing
from ..zoo import SPECS, path
from .base import Detection, Engine, Mode
from .given import GivenFrame, GivenLandmarks

__all__ = [
    "ENGINES",
    "Detection",
    "Engine",
    "GivenFrame",
    "GivenLandmarks",
    "Mode",
    "available",
    "create",
    "model",
    "resolve",
]

ENGINES = {
    "facemesh": ("facemesh", "FaceMesh"),
    "facelandmarker": ("facelandmarker", "FaceLandmarker"),
    "crop": ("crop", "CropLandmarker"),
}
"""Name -> module and class; modules load on first use, since the runtimes are heavy."""


def create(name: str = "auto", *, mode: Mode = "video", max_faces: int = 1) -> Engine:
    """Start an engine.

    Args:
        name: one of :data:`ENGINES`, or ``auto``.
        mode: ``video`` tracks from frame to frame, ``still`` looks at each frame afresh.
        max_faces: the most faces to return for a frame, at least 1.

    Raises:
        InputError: an unknown name (the near ones are listed), mode, or max_faces below 1.
        EngineError: the engine does not run here; the message says why.
        ModelMissing: its model has not been pulled; the message says how.
    """
    if mode not in ("video", "still"):
        raise InputError(f"mode is 'video' or 'still', got {mode!r}")
    if max_faces < 1:
        raise InputError(f"max_faces must be at least 1, got {max_faces}")
    module, cls = ENGINES[resolve(name)]
    engine: Engine = getattr(import_module(f".{module}", __name__), cls)(
        mode=mode, max_faces=max_faces
    )
    return engine


def resolve(name: str) -> str:
    """The engine that a name stands for; ``auto`` becomes the default of this Python.

    Raises:
        InputError: an unknown name; the near ones are listed.
    """
    if name == "auto":
        return "facemesh" if _reason("facemesh") is None else "facelandmarker"
    if name not in ENGINES:
        near = difflib.get_close_matches(name, ENGINES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(ENGINES)} and auto"
        raise InputError(f"there is no landmark engine {name!r}; {hint}")
    return name


def model(name: str) -> str:
    """What exactly an engine runs: the file and its SHA-256, or the package that brings it.

    Raises:
        InputError: an unknown name.
    """
    if resolve(name) == "facemesh":
        return f"mediapipe {metadata.version('mediapipe')}"
    spec = SPECS["face_landmarker"]
    return f"{spec.file} sha256:{spec.sha256}"


def available() -> dict[str, str | None]:
    """Every engine with None when it can run here, else the reason and the remedy.

    Looks for packages and files only; nothing is loaded.
    """
    return {name: _reason(name) for name in ENGINES}


def _reason(name: str) -> str | None:
    if util.find_spec("mediapipe") is None:
        return "mediapipe is not installed; run `pip install mediapipe`"
    if name == "facemesh":
        if util.find_spec("mediapipe.python") is None:
            return (
                "FaceMesh ended with mediapipe 0.10.21 (Python below 3.13); "
                "use facelandmarker after `mien pull face_landmarker`"
            )
        return None
    try:
        path("face_landmarker")
    except (ModelMissing, EngineError) as error:
        return str(error)
    return None
