"""MediaPipe's FaceMesh: its models come inside the wheel, so it needs no download.

It exists in mediapipe 0.10.21, the last release with ``mp.solutions``, that is below Python 3.13.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Points, RGBImage
from ..errors import EngineError
from ..topology import MIRROR
from ..types import N_LANDMARKS, Frame, Landmarks
from .base import Detection, Mode
from .start import BLANK, quiet_start, warm_up_images
from .tiling import search_tiles

__all__ = ["FaceMesh"]


class FaceMesh:
    """478 landmarks from the attention mesh, in about 3 ms a frame while tracking.

    Args:
        mode: ``video`` tracks from frame to frame and looks for faces only while fewer than
            ``max_faces`` are followed; ``still`` begins each frame afresh, in tiles where a
            face may be too small for the detector's 128 pixels, and gives the mean of three
            looks at the picture and three at its mirror image: the first of three where the
            detector points, two more where the points before say.
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
                from mediapipe.python import packet_creator, packet_getter
                from mediapipe.python._framework_bindings import image_frame
                from mediapipe.python.solutions.face_mesh import FaceMesh as Graph
            except ImportError as error:
                raise EngineError(
                    "the facemesh engine needs mediapipe 0.10.21 (Python 3.10-3.12), "
                    f"which is not here ({error}); use the facelandmarker engine"
                ) from error
            self._make_packet: Any = packet_creator.create_image_frame
            self._get_serialized: Any = packet_getter._packet_getter._get_serialized_proto_list
            self._rgb: Any = image_frame.ImageFormat.SRGB
            self._graph: Any = Graph(
                static_image_mode=False,
                refine_landmarks=True,
                max_num_faces=max_faces,
            )
            for image in warm_up_images():
                self._serialized(image)
            self._following = True

    def detect(self, frame: Frame) -> list[Detection]:
        """See :class:`mien.engines.base.Engine`."""
        if self._mode == "still":
            return search_tiles(self._settled, frame.image, self._max_faces, glance=self._afresh)
        return self._run(frame.image)

    def _afresh(self, image: RGBImage) -> list[Detection]:
        """Faces of one picture as if it were the first."""
        if self._following:
            self.reset()
        return self._run(image)

    def _settled(self, image: RGBImage) -> list[Detection]:
        """Faces of one picture as a video that stands still, and its mirror image, settle on them.

        The detector's rectangle is rough, and the points lean with it; rectangles made from
        points lean otherwise. The net is not symmetric either. Means get rid of much of both.
        """
        faces = self._steady(image)
        if faces:
            across = self._steady(np.ascontiguousarray(image[:, ::-1]))
            faces = _averaged(faces, [_mirrored(points, image.shape[1]) for points in across])
        size = (image.shape[1], image.shape[0])
        return [Detection(Landmarks(points, size)) for points in faces]

    def _steady(self, image: RGBImage) -> list[Points]:
        """Points of each face, the mean of three looks."""
        first = [face.landmarks.points for face in self._afresh(image)]
        looks = [[points] for points in first]
        for _ in range(_LOOKS - 1 if first else 0):
            again = [face.landmarks.points for face in self._run(image)]
            for look, which in zip(again, _matched(again, first), strict=True):
                if which is not None:
                    looks[which].append(look)
        return [np.mean(look, axis=0) for look in looks]

    def _run(self, image: RGBImage) -> list[Detection]:
        if self._graph is None:
            raise EngineError("this facemesh engine is closed; create a new one")
        size = (image.shape[1], image.shape[0])
        faces = self._serialized(image)
        self._following = bool(faces)
        return [Detection(Landmarks.from_normalised(_points(face), size)) for face in faces]

    def _serialized(self, image: RGBImage) -> list[bytes]:
        """Wire bytes of a NormalizedLandmarkList for each face.

        The same as ``FaceMesh.process``, without the class that it defines anew for each frame
        and without messages that would only be serialised again: a tenth of the frame's time.
        It goes by private names, which hold because this release is the last and is pinned.
        """
        graph = self._graph
        graph._graph_outputs.clear()
        graph._simulated_timestamp += 33333
        pixels = np.ascontiguousarray(image)
        packet = self._make_packet(pixels, image_format=self._rgb).at(graph._simulated_timestamp)
        graph._graph.add_packet_to_input_stream(stream="image", packet=packet)
        graph._graph.wait_until_idle()
        answer = graph._graph_outputs.get("multi_face_landmarks")
        if answer is None or answer.is_empty():
            return []
        faces: list[bytes] = self._get_serialized(answer)
        return faces

    def reset(self) -> None:
        """Forget the faces that are followed."""
        self._run(BLANK)

    def close(self) -> None:
        """Free the graph; closing twice is allowed."""
        if self._graph is not None:
            self._graph.close()
            self._graph = None


_LOOKS = 3
_SAME_FACE = 0.06  # mean distance of the points of two looks in shares of its size; faces have 0.03


def _matched(looks: Sequence[Points], faces: Sequence[Points]) -> list[int | None]:
    """Which of the faces each look is another look at; no face has two of them.

    Two faces may touch, cheek on cheek or one behind the other: each look taking the nearest face
    by itself would mix them.
    """
    chosen: list[int | None] = [None] * len(looks)
    if not looks or not faces:
        return chosen
    away = np.array([[_away(look, face) for face in faces] for look in looks])
    if away.shape == (1, 1):
        rows, columns = [0], [0]
    else:
        from scipy.optimize import linear_sum_assignment

        # What is too far costs the same however far: it must not push others off their faces.
        rows, columns = linear_sum_assignment(np.fmin(away, _SAME_FACE))
    for row, column in zip(rows, columns, strict=True):
        if away[row, column] < _SAME_FACE:
            chosen[row] = int(column)
    return chosen


def _away(look: Points, face: Points) -> float:
    """Mean distance of the points, in shares of the face's size."""
    off = np.linalg.norm((look - face)[:, :2], axis=1).mean()
    return float(off / np.ptp(face[:, :2], axis=0).max())


def _averaged(faces: Sequence[Points], others: Sequence[Points]) -> list[Points]:
    """Each face with the other look at it, where there is one."""
    pairs = zip(faces, _matched(faces, others), strict=True)
    return [face if i is None else np.mean([face, others[i]], axis=0) for face, i in pairs]


def _mirrored(points: Points, width: int) -> Points:
    """The points of a mirrored picture in the picture itself."""
    back = points[MIRROR]
    back[:, 0] = width - back[:, 0]
    return back


# A NormalizedLandmark that holds x, y and z only: tag and length, then three tagged float32.
_RECORD, _FIRST, _NEXT = 17, 3, 5  # bytes


def _points(serialized: bytes) -> Points:
    """Normalised points of a serialised NormalizedLandmarkList, in place.

    Raises:
        EngineError: another message than the pinned release writes.
    """
    if len(serialized) != N_LANDMARKS * _RECORD:
        raise EngineError(
            f"FaceMesh answered {len(serialized)} bytes instead of {N_LANDMARKS * _RECORD}; "
            "install mediapipe 0.10.21"
        )
    return np.ndarray((N_LANDMARKS, 3), "<f4", serialized, _FIRST, (_RECORD, _NEXT))
