"""Linear fusion of a shape and its targets: ``V = V0 + sum w_i (B_i - V0)``.

The way of the blended expression units of classic facial animation, and of every morph target.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg.blas import saxpy

from ..arrays import Array, Float, Float32
from ..model import Target

__all__ = ["Fusion"]

_AXPY = 1.4
"""How much longer a number takes when targets are added one by one than in one product: measured
as 8 against 6 microseconds for a target of 26,000 vertices."""


class Fusion:
    """A shape and its targets, prepared to be blended at any weights.

    Two things make it fast. A target is kept from the first to the last vertex that it moves, and
    one with weight 0 costs nothing: few are added one by one, each over its own stretch. Many are
    summed in one product, in which the shape at rest is one row more, so that it is not added in
    a pass of its own.

    Args:
        base: (n, 3), the shape at rest ``V0``.
        targets: for each what it *adds* at weight 1 (``B_i - V0``): (n, 3), or a
            :class:`mien.model.Target`, which lists the vertices that it moves.

    Raises:
        ValueError: a target of another size, or of vertices that are not there.
    """

    def __init__(
        self, base: Float[Array, "n 3"], targets: Sequence[Float[Array, "n 3"] | Target]
    ) -> None:
        count = len(base)
        moves = np.zeros((len(targets) + 1, count, 3), np.float32)
        moves[0] = base
        for row, target in zip(moves[1:], targets, strict=True):
            if isinstance(target, Target):
                if (
                    len(target.vertices)
                    and not 0 <= target.vertices[0] <= (target.vertices[-1]) < count
                ):
                    raise ValueError(
                        f"target {target.name!r} moves a vertex that is none of {count}"
                    )
                row[target.vertices] = target.positions
            elif target.shape != (count, 3):
                raise ValueError(f"a target is ({count}, 3) as the base is, got {target.shape}")
            else:
                row[:] = target
        flat = moves.reshape(len(moves), -1)
        spans = [np.flatnonzero(row)[[0, -1]] + (0, 1) if row.any() else (0, 0) for row in flat[1:]]
        self._spans = [(int(a), int(b)) for a, b in spans]
        self._low = min((a for a, b in self._spans if b), default=0)
        self._high = max((b for _, b in self._spans), default=0)
        self._base = flat[0].copy()
        # One block between the first and the last number that any target changes.
        self._rows = np.ascontiguousarray(flat[:, self._low : self._high])
        self._parts = [
            row[a - self._low : b - self._low]
            for row, (a, b) in zip(self._rows[1:], self._spans, strict=True)
        ]
        self._weights = np.ones(len(moves), np.float32)
        self._out = np.empty((count, 3), np.float32)

    def __call__(
        self, weights: Float32[Array, "k"], out: Float32[Array, "n 3"] | None = None
    ) -> Float32[Array, "n 3"]:
        """The blended shape.

        Args:
            weights: of the targets, any size.
            out: where to write, in one piece of memory; by default an array of the fusion's own,
                which the next call overwrites.

        Returns:
            ``out``.

        Raises:
            ValueError: another number of weights, or an ``out`` that cannot be written to.
        """
        if weights.shape != (len(self._parts),):
            raise ValueError(f"{len(self._parts)} targets need as many weights: {weights.shape}")
        if out is None:
            out = self._out
        elif out.shape != self._out.shape or out.dtype != np.float32 or not out.flags.carray:
            raise ValueError(f"out is float32 {self._out.shape}, contiguous and writeable")
        flat = out.reshape(-1)
        low, high = self._low, self._high
        used = [(i, w) for i, w in enumerate(weights.tolist()) if w]
        alone = sum(self._spans[i][1] - self._spans[i][0] for i, _ in used)
        if _AXPY * alone > (high - low) * len(self._parts):
            self._weights[1:] = weights
            flat[:low] = self._base[:low]
            flat[high:] = self._base[high:]
            np.dot(self._weights, self._rows, out=flat[low:high])
            return out
        flat[:] = self._base
        for i, weight in used:
            first, last = self._spans[i]
            if last > first:
                saxpy(self._parts[i], flat[first:last], a=weight)
        return out
