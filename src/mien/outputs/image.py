"""Pictures, for overlays of photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from ..arrays import RGBImage
from ..errors import OutputError
from .files import replacing

__all__ = ["write_image"]

_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    # Full colour resolution: thin coloured lines smear when colour is halved.
    ".jpg": ("JPEG", {"quality": 94, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 94, "subsampling": 0}),
    ".png": ("PNG", {"compress_level": 3}),
}


def write_image(path: Path | str, image: RGBImage) -> None:
    """Write a picture as JPEG or PNG, by the suffix of its name.

    Args:
        path: ``.jpg``, ``.jpeg`` or ``.png``; an existing file is replaced.
        image: uint8 RGB.

    Raises:
        OutputError: another suffix, a picture too large for the format, or the system refuses.
    """
    path = Path(path)
    try:
        name, options = _OPTIONS[path.suffix.lower()]
    except KeyError:
        raise OutputError(
            f"cannot write {path}: pictures are written as {', '.join(_OPTIONS)}; "
            "choose one of these suffixes."
        ) from None
    if name == "JPEG" and max(image.shape) > 65_500:
        raise OutputError(
            f"cannot write {path}: a JPEG has at most 65,500 pixels a side, this picture has "
            f"{image.shape[1]}x{image.shape[0]}. Write a PNG instead."
        )
    with replacing(path) as part:
        Image.fromarray(image).save(part, format=name, **options)
