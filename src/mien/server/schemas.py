"""What the server says over HTTP; ``web/src/generated/openapi.json`` is generated from it.

The JSON of the WebSocket is in :mod:`mien.server.messages`.
Coordinates and angles are those of :mod:`mien.types`; left and right are the subject's own.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "EXAMPLE",
    "Answer",
    "AvatarAnswer",
    "AvatarsAnswer",
    "Box",
    "CalibrationAnswer",
    "CalibrationsAnswer",
    "ErrorCode",
    "ErrorDetail",
    "FaceAnswer",
    "Health",
    "InferAnswer",
    "PoseAnswer",
    "Problem",
    "Sessions",
    "Size",
]

ErrorCode: TypeAlias = Literal[
    "bad_request",
    "unauthorised",
    "forbidden_origin",
    "not_found",
    "method_not_allowed",
    "too_large",
    "too_many_pixels",
    "wrong_host",
    "unsupported_media",
    "unreadable_image",
    "invalid_value",
    "rate_limited",
    "internal",
    "model_missing",
    "engine_failed",
    "busy",
    # Only on the WebSocket:
    "bad_message",
    "sessions_full",
    "slow_reader",
    "too_many_errors",
]

Point: TypeAlias = tuple[float, float, float]
Matrix: TypeAlias = tuple[Point, Point, Point]


class Answer(BaseModel):
    """Something that the server says."""

    # Fields with a default are always sent, so the generated types need no optional fields.
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class ErrorDetail(Answer):
    """What went wrong and what to do about it."""

    code: ErrorCode
    message: str = Field(description="What was given and what was expected.")
    hint: str = Field(description="What to do.")


class Problem(Answer):
    """The body of every answer that is not a success."""

    error: ErrorDetail


class Size(Answer):
    """Size of the picture in pixels, after its EXIF orientation has been applied."""

    width: int
    height: int


class Box(Answer):
    """Smallest upright box around the landmarks, in pixels; it may reach out of the picture."""

    left: float
    top: float
    right: float
    bottom: float


class PoseAnswer(Answer):
    """Where the head is and how it is turned (weak perspective)."""

    yaw: float = Field(description="Degrees; positive when the subject turns to their left.")
    pitch: float = Field(description="Degrees; positive upwards.")
    roll: float = Field(description="Degrees; positive towards their left shoulder.")
    scale: float = Field(
        description="Pixels per head unit (a centimetre on a face of average size)."
    )
    translation: Point = Field(
        description="Origin of the head in the picture: pixels, x right, y down, z away."
    )
    rotation: Matrix = Field(
        description="Rows of the rotation from the head frame (x to the subject's left, y up, "
        "z forward) to camera axes (x right, y up, z towards the viewer)."
    )
    quaternion: tuple[float, float, float, float] = Field(
        description="The same rotation as x, y, z, w."
    )


class FaceAnswer(Answer):
    """One face. What no model produced is null."""

    id: int
    box: Box
    presence: float | None = Field(description="The landmark net's own score, 0..1.")
    inside: float = Field(description="Share of the landmarks within the picture, 0..1.")
    pose: PoseAnswer | None
    landmarks: list[Point] | None = Field(
        description="478 points in pixels: x right, y down, z away from the camera in the scale "
        "of x. Null with `landmarks=false`."
    )
    channels: dict[str, float | None] | None = Field(
        description="The 52 ARKit channels by name, 0..1; null for those the head does not produce."
    )
    mouth_open: bool | None
    engine_shapes: dict[str, float | None] | None = Field(
        description="The landmark engine's own ARKit shapes, kept apart since another model "
        "made them."
    )
    morphable: list[float] | None = Field(
        description="10 expression coefficients of the 3DMM, without a fixed range."
    )
    action_units: dict[str, float | None] | None = Field(description="FACS intensities, 0..1.")
    emotion: dict[str, float | None] | None = Field(
        description="What the face shows, as people would call it: probabilities that sum to 1."
    )


class InferAnswer(Answer):
    """Faces of one picture, the largest first.

    ``landmarks`` and ``expression`` repeat the largest face in the shape of the first system's
    answer; both are empty when there is no face.
    """

    landmarks: list[Point] = Field(
        description="478 points of the largest face in MediaPipe's convention: x and y in 0..1 of "
        "the picture, z in the scale of x. Empty without a face or with `landmarks=false`."
    )
    expression: list[float] = Field(
        description="Numbers of the largest face: the 10 coefficients of the 3DMM when a head "
        "produced them, otherwise every ARKit channel that was produced. `expression_names` "
        "says which."
    )
    expression_names: list[str] = Field(
        description="Name of each number in `expression`: `morphable_0`.. or an ARKit channel."
    )
    faces: list[FaceAnswer]
    size: Size
    timings: dict[str, float] = Field(description="Seconds by stage.")
    engine: str = Field(description="The landmark engine that answered.")
    heads: dict[str, str] = Field(
        description="Which head read `expression`, `morphable` and `emotion`; none is left out."
    )
    warnings: list[str] = Field(description="What a careful reader should know about this answer.")


EXAMPLE: dict[str, Any] = {
    "landmarks": [[0.5219, 0.5031, -0.0613], [0.5207, 0.4588, -0.1022]],
    "expression": [0.025, 0.061, 0.0],
    "expression_names": ["eyeBlinkLeft", "eyeLookInLeft", "jawOpen"],
    "faces": [
        {
            "id": 1,
            "box": {"left": 173.01, "top": 132.26, "right": 355.99, "bottom": 333.6},
            "presence": None,
            "inside": 1.0,
            "pose": {
                "yaw": 0.42,
                "pitch": -3.56,
                "roll": -2.16,
                "scale": 12.31,
                "translation": [266.555, 227.182, 50.902],
                "rotation": [
                    [0.999282, -0.037191, 0.007266],
                    [0.037571, 0.997364, -0.062074],
                    [-0.004938, 0.062303, 0.998045],
                ],
                "quaternion": [0.031115, 0.003053, 0.018703, 0.999336],
            },
            "landmarks": [[267.213, 301.86, -31.386], [266.598, 275.28, -52.326]],
            "channels": {"eyeBlinkLeft": 0.025, "jawOpen": 0.0, "tongueOut": None},
            "mouth_open": False,
            "engine_shapes": None,
            "morphable": None,
            "action_units": None,
            "emotion": None,
        }
    ],
    "size": {"width": 512, "height": 600},
    "timings": {"upload": 0.0008, "decode": 0.0033, "landmarks": 0.0203, "total": 0.0262},
    "engine": "facemesh",
    "heads": {"expression": "geometric"},
    "warnings": [],
}
"""An answer to the sample portrait, its lists cut short."""


class Sessions(Answer):
    """WebSocket sessions."""

    active: int
    limit: int


class Health(Answer):
    """What the server is and whether it can answer."""

    status: Literal["ok", "unavailable"] = Field(
        description="`unavailable` when the models could not be loaded; `problem` says why."
    )
    version: str
    wire: int = Field(description="Version of the binary protocol.")
    engine: str | None = Field(description="The landmark engine that is loaded.")
    heads: dict[str, str] = Field(description="The heads that are loaded, by what they read.")
    sessions: Sessions
    uptime: float = Field(description="Seconds since the server started.")
    token_required: bool
    problem: ErrorDetail | None


class AvatarAnswer(Answer):
    """A head that the page can put on its stage."""

    name: str = Field(description="`/avatars/{name}.glb` is its file.")
    title: str = Field(description="What people call it.")


class AvatarsAnswer(Answer):
    """The heads of the server."""

    avatars: list[AvatarAnswer]


class CalibrationAnswer(Answer):
    """One calibration that is kept."""

    name: str = Field(description="The person.")
    head: str = Field(description="The head that it was learnt with.")
    engine: str = Field(description="The landmark engine that it was learnt with.")
    created: str = Field(description="ISO 8601.")
    trouble: str | None = Field(
        description="Why it cannot be used with what the server runs, or null."
    )


class CalibrationsAnswer(Answer):
    """Everybody whose calibration is kept."""

    calibrations: list[CalibrationAnswer]
