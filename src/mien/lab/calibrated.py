"""What a guided calibration does to the error of a head, where the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, Float32
from ..errors import InputError
from ..retarget.calibrate import gain
from ..retarget.calibrator import PHASES, Calibrator
from ..types import Face, Landmarks, Pose
from .datasets.samples import Samples
from .synthetic.faces import Scene

__all__ = ["calibration_gain"]


def calibration_gain(samples: Samples, said: Float32[Array, "n 52"]) -> dict[str, Any]:
    """Calibrate every person by the faces that they were asked for, and look at the others.

    Args:
        samples: of :data:`mien.lab.datasets.samples.ASKED`, one landmark engine.
        said: what a head read.

    Returns:
        ``people`` and ``faces`` that count, those ``refused`` whose neutral face cannot be learnt;
        mean absolute error ``before`` and ``after``, and their ``ratio``, None without people.
    """
    scenes = [Scene.named(name) for name in samples.names]
    before = after = 0.0
    people = faces = refused = 0
    for subject in sorted(set(samples.subjects)):
        rows = [i for i, s in enumerate(samples.subjects) if s == subject]
        learner = Calibrator(subject, head="scored", sha256="", engine="scored", least=1)
        for phase in PHASES:
            asked = [i for i in rows if scenes[i].phase == phase.name]
            if asked:
                learner.begin(phase.name)
            for i in asked:
                learner.add(_face(samples, said, i))
        others = np.array([i for i in rows if scenes[i].phase is None], np.intp)
        if not len(others):
            continue
        try:
            found = gain(learner.finish(), said[others], samples.target[others])
        except InputError:
            refused += 1
            continue
        people, faces = people + 1, faces + len(others)
        before, after = before + found.before * len(others), after + found.after * len(others)
    if not faces:
        none = {"before": None, "after": None, "ratio": None}
        return {"people": 0, "faces": 0, "refused": refused, **none}
    return {
        "people": people,
        "faces": faces,
        "refused": refused,
        "before": round(before / faces, 6),
        "after": round(after / faces, 6),
        "ratio": round(after / before, 6) if before else None,
    }


def _face(samples: Samples, said: Float32[Array, "n 52"], row: int) -> Face:
    width, height = (int(v) for v in samples.size[row])
    return Face(
        id=1,
        time=0.0,
        landmarks=Landmarks(samples.pixels[row], (width, height)),
        pose=Pose(samples.rotation[row].astype(np.float64), np.zeros(3), 1.0),
        expression=said[row].astype(np.float32),
    )
