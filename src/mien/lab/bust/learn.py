"""What expressions do to the points of the face mesh, averaged over made people.

ICT-FaceKit's heads are read where :mod:`..synthetic.correspondence` found the points of the face
mesh on them. Nothing of its mesh is kept: 468 mean displacements per expression, in the size and
the axes of our canonical face, made symmetric.
"""

from __future__ import annotations

import numpy as np

from ...arrays import Array, Float
from ...channels import ARKIT_52
from ...channels import MIRROR as CHANNEL_MIRROR
from ...geometry import similarity
from ...morphable import LinearFaceModel
from ...topology import CANONICAL, MIRROR, RIGID
from ..synthetic import correspondence, faces

__all__ = ["displacements"]

PEOPLE = 40


def displacements(model: LinearFaceModel, people: int = PEOPLE) -> dict[str, Float[Array, "468 3"]]:
    """Mean displacement of the face mesh's points at weight 1, centimetres.

    Each person is laid on the canonical face, so that a large face counts as much as a small one.

    Args:
        model: ICT-FaceKit.
        people: how many made people are averaged.

    Returns:
        by ARKit name; tongueOut, which the model does not have, is missing.
    """
    places = correspondence.load()
    points = model.at(places.corners[:468], places.weights[:468])
    rigid = np.array(RIGID)
    total = np.zeros((len(model.channels), 468, 3))
    for number in range(people):
        who = faces.person(number, len(points.identity))
        neutral = points.vertices(who)
        fit = similarity(neutral[rigid].astype(np.float64), CANONICAL[rigid].astype(np.float64))
        total += fit.scale * points.expression @ fit.rotation.T
    mean = dict(zip(model.channels, total / people, strict=True))
    symmetric = {}
    for name, moved in mean.items():
        other = mean[ARKIT_52[CHANNEL_MIRROR[ARKIT_52.index(name)]]]
        across = other[MIRROR[:468]] * np.array([-1.0, 1.0, 1.0])
        symmetric[name] = (moved + across) / 2
    return symmetric
