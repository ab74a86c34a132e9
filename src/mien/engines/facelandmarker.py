"""MediaPipe's Face Landmarker (Tasks API): its bundle is pulled once, it runs on every Python.

It is another landmark net than FaceMesh: a head trained on one loses accuracy on the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, Float32, Points, RGBImage
from ..channels import ARKIT_52
from ..errors import EngineError
from ..types import Frame, Landmarks
from ..zoo import path
from .base import Detection, Mode
from .start import BLANK, quiet_start, warm_up_images
from .tiling import search_tiles

__all__ = ["FaceLandmarker"]

_INDEX = {name: i for i, name in enumerate(ARKIT_52)}


class FaceLandmarker:
    """478 landmarks and Google's 51 ARKit shapes (there is no tongueOut), in about 10 ms.

    Args:
        mode, max_faces: as for :class:`mien.engines.facemesh.FaceMesh`. In video mode with one
            face MediaPipe smooths the landmarks itself, with constants that cannot be set.

    Raises:
        ModelMissing: ``face_landmarker`` has not been pulled.
        EngineError: MediaPipe's Tasks API does not start here.
    """

    name = "facelandmarker"

    def __init__(self, *, mode: Mode = "video", max_faces: int = 1) -> None:
        self._mode = mode
        self._max_faces = max_faces
        self._clock = -1
        self._base = 0
        model = str(path("face_landmarker"))
        with quiet_start():
            try:
                import mediapipe
                from mediapipe.tasks.python import BaseOptions, vision
            except ImportError as error:
                raise EngineError(
                    f"MediaPipe's Tasks API does not load here: {error}; run `mien doctor`"
                ) from error
            self._image: Any = mediapipe.Image
            self._rgb: Any = mediapipe.ImageFormat.SRGB
            running = vision.RunningMode.IMAGE if mode == "still" else vision.RunningMode.VIDEO
            options = vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_path=model),
                running_mode=running,
                num_faces=max_faces,
                output_face_blendshapes=True,
            )
            try:
                self._task: Any = vision.FaceLandmarker.create_from_options(options)
            except OSError as error:  # mediapipe 1.x loads its library, and with it libEGL, here
                raise EngineError(
                    f"MediaPipe's Tasks API does not load here: {error}; run `mien doctor`"
                ) from error
            except (RuntimeError, ValueError) as error:
                raise EngineError(f"MediaPipe refuses {model}: {error}") from error
            for image in warm_up_images():
                self._run(image, 0.0)

    def detect(self, frame: Frame) -> list[Detection]:
        """See :class:`mien.engines.base.Engine`."""
        if self._mode == "still":
            return search_tiles(lambda image: self._run(image, 0.0), frame.image, self._max_faces)
        return self._run(frame.image, frame.time)

    def _run(self, image: RGBImage, time: float) -> list[Detection]:
        if self._task is None:
            raise EngineError("this facelandmarker engine is closed; create a new one")
        picture = self._image(image_format=self._rgb, data=np.ascontiguousarray(image))
        if self._mode == "still":
            answer = self._task.detect(picture)
        else:
            # The task wants whole milliseconds that rise strictly.
            self._clock = max(self._clock + 1, self._base + round(time * 1000))
            answer = self._task.detect_for_video(picture, self._clock)
        size = (image.shape[1], image.shape[0])
        return [
            Detection(Landmarks.from_normalised(_points(face), size), _shapes(shapes))
            for face, shapes in zip(answer.face_landmarks, answer.face_blendshapes, strict=True)
        ]

    def reset(self) -> None:
        """Forget the faces that are followed; times may start again from 0."""
        self._base = self._clock + 1000
        self._run(BLANK, 0.0)

    def close(self) -> None:
        """Free the task; closing twice is allowed."""
        if self._task is not None:
            self._task.close()
            self._task = None


def _points(face: Any) -> Points:
    return np.array([(p.x, p.y, p.z) for p in face], np.float32)


def _shapes(categories: Any) -> Float32[Array, "52"]:
    values = np.full(len(ARKIT_52), np.nan, np.float32)
    for category in categories:
        if category.category_name in _INDEX:  # all but _neutral
            values[_INDEX[category.category_name]] = min(max(category.score, 0.0), 1.0)
    return values
