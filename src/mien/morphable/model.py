"""A face as a mean plus weighted shapes, whatever its origin.

Readers (:mod:`mien.morphable.ict`) bring foreign models into the head frame: x towards the
subject's own left, y up, z out of the face, centimetres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from ..arrays import Array, Float, Float32, Int

__all__ = ["LinearFaceModel"]


@dataclass(frozen=True, slots=True, eq=False)
class LinearFaceModel:
    """``vertices = mean + sum(identity_i shape_i) + sum(expression_j shape_j)``.

    Attributes:
        name: where the model comes from, for instance ``ict``.
        mean: float32 (v, 3), the neutral mean face in the head frame, centimetres.
        identity: float32 (i, v, 3), displacement for one unit of each identity coefficient.
        expression: float32 (e, v, 3), displacement for one unit of each expression channel.
        channels: names of the expressions, in the order of ``expression``.
        triangles: int32 (t, 3), counter-clockwise seen from outside.
        regions: vertices that belong together, by name.
        deviation: float32 (i,), standard deviation of each identity coefficient among people.
    """

    name: str
    mean: Float32[Array, "v 3"]
    identity: Float32[Array, "i v 3"]
    expression: Float32[Array, "e v 3"]
    channels: tuple[str, ...]
    triangles: Int[Array, "t 3"]
    regions: Mapping[str, Int[Array, "_"]] = field(default_factory=lambda: MappingProxyType({}))
    deviation: Float32[Array, "i"] | None = None

    def __post_init__(self) -> None:
        count = len(self.mean)
        for name in ("identity", "expression"):
            basis = getattr(self, name)
            if basis.ndim != 3 or basis.shape[1:] != (count, 3):
                raise ValueError(f"{name}: expected (n, {count}, 3), got {basis.shape}")
        if len(self.channels) != len(self.expression):
            raise ValueError(
                f"{len(self.channels)} channel names for {len(self.expression)} expressions"
            )
        if self.triangles.size and not (self.triangles.min() >= 0 and self.triangles.max() < count):
            raise ValueError(f"a triangle names a vertex outside 0..{count - 1}")
        if self.deviation is None:
            ones = np.ones(len(self.identity), np.float32)
            object.__setattr__(self, "deviation", ones)

    def vertices(
        self,
        identity: Float[Array, "i"] | None = None,
        expression: Float[Array, "e"] | None = None,
    ) -> Float32[Array, "v 3"]:
        """Vertices of one face in the head frame, centimetres.

        Args:
            identity: coefficients, at most as many as the model has; None is the mean person.
            expression: one value per channel in the order of ``channels``; None is neutral.

        Raises:
            ValueError: more identity coefficients than modes, or another number of channels.
        """
        points = self.mean.copy()
        if identity is not None:
            if len(identity) > len(self.identity):
                raise ValueError(
                    f"{self.name} has {len(self.identity)} identity modes, got {len(identity)}"
                )
            _add(points, self.identity, identity)
        if expression is not None:
            if len(expression) != len(self.channels):
                raise ValueError(
                    f"{self.name} has {len(self.channels)} channels, got {len(expression)}"
                )
            _add(points, self.expression, expression)
        return points

    def at(self, corners: Int[Array, "p 3"], weights: Float[Array, "p 3"]) -> LinearFaceModel:
        """The same model seen at points on its surface only; without triangles and regions.

        A point that is fixed within a triangle moves linearly too, so a few hundred points are a
        small model of their own, and some fifty times faster than all vertices.

        Args:
            corners: the three vertices around each point.
            weights: barycentric coordinates; each row sums to 1.
        """
        w = weights.astype(np.float32)

        def pick(basis: Array) -> Array:
            picked: Array = np.einsum("pc,...pcd->...pd", w, basis[..., corners, :])
            return picked

        return LinearFaceModel(
            name=self.name,
            mean=pick(self.mean),
            identity=pick(self.identity),
            expression=pick(self.expression),
            channels=self.channels,
            triangles=np.empty((0, 3), np.int32),
            deviation=self.deviation,
        )


def _add(points: Array, basis: Array, weights: Array) -> None:
    """Most expressions use a few channels, so shapes of weight zero are not touched."""
    used = np.flatnonzero(weights)
    if len(used):
        flat = basis.reshape(len(basis), -1)
        points += (weights[used].astype(np.float32) @ flat[used]).reshape(points.shape)
