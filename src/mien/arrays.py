"""Array types, so that every signature states dtype and shape.

``Float32[Array, "478 3"]`` reads "a float32 array of shape (478, 3)". The shapes are
checked while the tests run (jaxtyping + beartype) and cost nothing afterwards.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float, Float32, Int, UInt8

__all__ = ["Array", "Bool", "Float", "Float32", "Int", "Points", "RGBImage", "UInt8"]

# jaxtyping needs the class, the type checker wants the parameter.
if TYPE_CHECKING:
    Array: TypeAlias = npt.NDArray[Any]
else:
    Array = np.ndarray

# The sizes are not named: a function may take two pictures of different size.
RGBImage: TypeAlias = UInt8[Array, "_ _ 3"]
"""uint8, (height, width, 3), red first."""

Points: TypeAlias = Float32[Array, "478 3"]
"""float32, (478, 3): one row for each point of the face mesh."""
