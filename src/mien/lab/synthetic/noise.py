"""What landmark engines get wrong, as numbers to add to exact landmarks.

Measured twice and added up, both in the head frame after alignment:

* *on drawn heads* of neutral people turned about: found minus true points. Their regression on yaw
  and pitch is the bias; what is left differs from person to person, as a low-rank covariance.
* *on photographs*: the same photo found twice, turned, scaled, blurred and lit otherwise. Half of
  the variance of the difference is the jitter of one detection.

The table ``noise.npz`` is our own measurement, written by::

    python -m mien.lab.synthetic.noise --model ict-facekit.tar.xz --photos folder
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...arrays import Array, Float, Float32, Int, RGBImage
from ...geometry import euler_from_matrix

__all__ = ["Noise", "fit", "load"]

_FILE = Path(__file__).with_name("noise.npz")
_RANK = 16


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """Errors of one landmark engine in the head frame, centimetres on an average face.

    Attributes:
        engine: its name.
        bias: float32 (6, 478, 3), coefficients of :func:`_terms` of the pose.
        person: float32 (k, 478, 3), factors: with k numbers of standard deviation 1 they give the
            part that is a person's own.
        jitter: float32 (k, 478, 3), the same for what differs between two pictures of one face.
        rest: float32 (478, 3), standard deviation of what the factors do not explain.
    """

    engine: str
    bias: Float32[Array, "6 478 3"]
    person: Float32[Array, "_ 478 3"]
    jitter: Float32[Array, "_ 478 3"]
    rest: Float32[Array, "478 3"]

    def sample(
        self,
        rng: np.random.Generator,
        rotation: Float[Array, "n 3 3"],
        people: Int[Array, "n"] | None = None,
    ) -> Float32[Array, "n 478 3"]:
        """Errors to add.

        Args:
            rng: what is drawn.
            rotation: of the heads, head frame -> camera axes.
            people: a number for each person; one person's own part is the same in all of their
                rows. When left out, each row is a person.
        """
        error = np.tensordot(_terms(rotation), self.bias, 1)
        _, who = np.unique(
            np.arange(len(rotation)) if people is None else people, return_inverse=True
        )
        own = rng.normal(size=(int(who.max(initial=-1)) + 1, len(self.person)))
        error += np.tensordot(own[who], self.person, 1)
        error += np.tensordot(rng.normal(size=(len(rotation), len(self.jitter))), self.jitter, 1)
        error += rng.normal(size=error.shape) * self.rest
        drawn: Array = error.astype(np.float32)
        return drawn


@cache
def load(engine: str = "facemesh") -> Noise:
    """The committed measurement of ``facemesh`` or ``facelandmarker``."""
    with np.load(_FILE, allow_pickle=False) as table:
        parts = {
            name: table[f"{engine}_{name}"].astype(np.float32)
            for name in ("bias", "person", "jitter", "rest")
        }
    return Noise(engine, **parts)


def fit(
    engine: str,
    found: Float[Array, "n 478 3"],
    true: Float[Array, "n 478 3"],
    rotation: Float[Array, "n 3 3"],
    pairs: Float[Array, "m 2 478 3"],
) -> Noise:
    """Fit the numbers.

    Args:
        engine: name.
        found: aligned points that the engine found on drawn neutral heads.
        true: the aligned exact points.
        rotation: as found.
        pairs: aligned points of photographs, found twice.
    """
    off = (found - true).reshape(len(found), -1)
    terms = _terms(rotation)
    bias = np.linalg.lstsq(terms, off, rcond=None)[0]
    person, left = _factors(off - terms @ bias)
    jitter, loose = _factors((pairs[:, 0] - pairs[:, 1]).reshape(len(pairs), -1) / np.sqrt(2))
    shape = (-1, 478, 3)
    return Noise(
        engine,
        bias.reshape(shape).astype(np.float32),
        person.reshape(shape).astype(np.float32),
        jitter.reshape(shape).astype(np.float32),
        np.sqrt(left**2 + loose**2).reshape(478, 3).astype(np.float32),
    )


def _terms(rotation: Array) -> Array:
    """1, yaw, pitch, their squares and product, in units of 30 degrees: (n, 6)."""
    angles = np.array([euler_from_matrix(r)[:2] for r in rotation]).reshape(-1, 2) / 30
    y, p = angles.T
    return np.column_stack([np.ones(len(y)), y, p, y * y, p * p, y * p])


def _factors(errors: Array) -> tuple[Array, Array]:
    """Principal directions times their deviation, and the deviation that they leave."""
    _, size, directions = np.linalg.svd(errors, full_matrices=False)
    factors = directions[:_RANK] * size[:_RANK, None] / np.sqrt(len(errors))
    rest = np.sqrt(np.maximum((errors**2).mean(axis=0) - (factors**2).sum(axis=0), 0))
    return factors, rest


def _seen_otherwise(image: RGBImage, rng: np.random.Generator) -> RGBImage:
    """The same photo turned, scaled, blurred and lit otherwise."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(
        (width / 2, height / 2), rng.normal(0, 8), float(np.exp(rng.normal(-0.1, 0.1)))
    )
    moved = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.4:
        moved = cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.3, 1.5))
    light = (moved / 255.0) ** np.exp(rng.normal(0, 0.25)) * 255
    light += rng.normal(0, rng.uniform(1, 6), moved.shape)
    seen: RGBImage = np.clip(light, 0, 255).astype(np.uint8)
    return seen


def _pairs(engine: str, photos: list[Path]) -> Array:
    """Aligned points of each photo, found twice: (m, 2, 478, 3)."""
    from ... import engines
    from ...types import Frame
    from ..datasets.samples import aligned_of

    pairs = []
    detector = engines.create(engine, mode="still", max_faces=1)
    for number, path in enumerate(photos):
        image = cv2.imread(str(path))
        if image is None:
            continue
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        # Crops of faces are tight; the detector wants some background.
        rgb = cv2.copyMakeBorder(rgb, 40, 40, 40, 40, cv2.BORDER_REPLICATE)
        rng = np.random.default_rng(number)
        seen = [detector.detect(Frame(_seen_otherwise(rgb, rng))) for _ in range(2)]
        if all(seen):
            pairs.append(aligned_of(np.stack([s[0].landmarks.points for s in seen]))[0])
    detector.close()
    # The odd picture in which another face was found would be most of the variance.
    off = np.array([np.abs(a - b).mean() for a, b in pairs])
    return np.stack([pair for pair, o in zip(pairs, off, strict=True) if o < 6 * np.median(off)])


def main() -> None:
    """Measure both engines and write the table."""
    from ...morphable import ict
    from ...outputs.files import replacing
    from .landmarks import geometric, rendered

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--people", type=int, default=300)
    options = parser.parse_args()
    model = ict.read(options.model, options.cache)
    people = range(options.people)
    exact = geometric(model, people, 10, kind="neutral")
    place = {name: i for i, name in enumerate(exact.names)}
    names = ("facemesh", "facelandmarker")
    drawn = rendered(model, people, 10, names, kind="neutral", cache=options.cache)
    photos = sorted(options.photos.glob("*.jpg"))[: 2 * options.people]
    table: dict[str, Any] = {}
    for engine in names:
        mine = drawn.select(np.array([e == engine for e in drawn.engine]))
        true = exact.select([place[name] for name in mine.names])
        noise = fit(engine, mine.aligned, true.aligned, mine.rotation, _pairs(engine, photos))
        for part in ("bias", "person", "jitter", "rest"):
            table[f"{engine}_{part}"] = getattr(noise, part).astype(np.float16)
        print(engine, {k: _millimetres(getattr(noise, k)) for k in ("bias", "person", "jitter")})
    with replacing(_FILE) as part_file, part_file.open("wb") as stream:
        np.savez_compressed(stream, **table)


def _millimetres(factors: Array) -> float:
    """Root mean square length over the points."""
    return round(10 * float(np.sqrt((factors**2).sum(axis=(0, 2)).mean())), 2)


if __name__ == "__main__":
    main()
