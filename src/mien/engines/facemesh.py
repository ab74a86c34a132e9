"""MediaPipe's FaceMesh: its models come inside the wheel, so it needs no download.

It exists in mediapipe 0.10.21, the last release with ``mp.solutions``, that is below Python 3.13.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Points, RGBImage
from ..errors import EngineError
from ..types import N_LANDMARKS, Frame, Landmarks
from .base import Detection, Mode
from .start import BLANK, quiet_start, warm_up_images
from .tiling import search_tiles

__all__ = ["FaceMesh"]


class FaceMesh:
    """478 landmarks from the attention mesh, in about 3 ms a frame while tracking.

    Args:
        mode: ``video`` tracks from frame to frame and looks for faces only while fewer than
            ``max_faces`` are followed; ``still`` looks at each frame afresh, in tiles where a
            face may be too small for the detector's 128 pixels.
        max_faces: the most faces to return for a frame.

    Raises:
        EngineError: this Python has no FaceMesh.
    """

    name = "facemesh"

    def __init__(self, *, mode: Mode = "video", max_faces: int = 1) -> None:
        self._mode = mode
        self._max_faces = max_faces
        with quiet_start():
            try:
                from mediapipe.python.solutions.face_mesh import FaceMesh as Graph
            except ImportError as error:
                raise EngineError(
                    "the facemesh engine needs mediapipe 0.10.21 (Python 3.10-3.12), "
                    f"which is not here ({error}); use the facelandmarker engine"
                ) from error
            self._graph: Any = Graph(
                static_image_mode=mode == "still",
                refine_landmarks=True,
                max_num_faces=max_faces,
            )
            for image in warm_up_images():
                self._graph.process(image)

    def detect(self, frame: Frame) -> list[Detection]:
        """See :class:`mien.engines.base.Engine`."""
        if self._mode == "still":
            return search_tiles(self._run, frame.image, self._max_faces)
        return self._run(frame.image)

    def _run(self, image: RGBImage) -> list[Detection]:
        if self._graph is None:
            raise EngineError("this facemesh engine is closed; create a new one")
        answer = self._graph.process(image)
        size = (image.shape[1], image.shape[0])
        return [
            Detection(Landmarks.from_normalised(_points(face), size))
            for face in answer.multi_face_landmarks or ()
        ]

    def reset(self) -> None:
        """Forget the faces that are followed."""
        self._run(BLANK)

    def close(self) -> None:
        """Free the graph; closing twice is allowed."""
        if self._graph is not None:
            self._graph.close()
            self._graph = None


# A NormalizedLandmark that holds x, y and z only: tag and length, then three tagged float32.
_RECORD = np.dtype(
    [("head", "V2")] + [field for axis in "xyz" for field in ((f"tag_{axis}", "V1"), (axis, "<f4"))]
)


def _points(face: Any) -> Points:
    """Normalised points of a NormalizedLandmarkList.

    Reading the wire bytes takes 10 microseconds, the attributes of 478 messages take 190.
    """
    data = face.SerializeToString()
    if len(data) == N_LANDMARKS * _RECORD.itemsize:
        records = np.frombuffer(data, _RECORD)
        return np.stack([records["x"], records["y"], records["z"]], axis=1)
    return np.array([(p.x, p.y, p.z) for p in face.landmark], np.float32)
