"""The JSON messages of ``WS /ws``; ``web/src/generated/openapi.json`` holds their schemas.

The binary ones are in :mod:`mien.server.wire`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from ..heads import Output
from ..streams.address import Kind
from .schemas import Answer, ErrorDetail

__all__ = [
    "CLIENT_MESSAGES",
    "SERVER_MESSAGES",
    "Calibrate",
    "CalibrationState",
    "ChannelState",
    "ClientMessage",
    "Configure",
    "Configured",
    "ErrorMessage",
    "HeadAnswer",
    "Limits",
    "PhaseState",
    "Ready",
    "Reset",
    "SessionState",
    "SmoothingValues",
    "Stream",
    "StreamState",
    "StreamingState",
    "message_schemas",
]


class SmoothingValues(BaseModel):
    """One-Euro filter."""

    model_config = ConfigDict(extra="forbid")

    min_cutoff: float = Field(
        gt=0, le=1000, allow_inf_nan=False, description="Hz; lower is calmer and lags more."
    )
    beta: float = Field(
        ge=0,
        le=10_000,
        allow_inf_nan=False,
        description="How fast the cut-off rises with speed.",
    )


def _without_defaults(schema: dict[str, Any]) -> None:
    # A default of null would make the generated type demand the field.
    for field in schema["properties"].values():
        field.pop("default", None)


class Configure(BaseModel):
    """From the page: change the session. What is left out or null stays as it is.

    Another engine, head or number of faces loads a tracker, which takes a moment and starts face
    ids afresh. With another engine or expression head the calibration is no longer in use, as it
    was learnt with what was there before.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)

    type: Literal["configure"]
    engine: str | None = Field(default=None, max_length=64)
    expression: str | None = Field(
        default=None, max_length=64, description="A head of `ready.heads`, `auto` or `none`."
    )
    morphable: str | None = Field(
        default=None, max_length=64, description="A head of `ready.heads`, `auto` or `none`."
    )
    emotion: str | None = Field(
        default=None, max_length=64, description="A head of `ready.heads`, `auto` or `none`."
    )
    max_faces: int | None = Field(default=None, ge=1, le=64)
    private: bool | None = Field(
        default=None,
        description="Frames bring landmarks that the page has found with MediaPipe's Face "
        "Landmarker, and pictures are refused.",
    )
    smoothing: SmoothingValues | Literal["off", "default"] | None = None
    mouth_threshold: float | None = Field(
        default=None,
        gt=0,
        le=10,
        allow_inf_nan=False,
        description="Gap between the inner lips over the width of the inner mouth.",
    )


class Reset(BaseModel):
    """From the page: forget the frames seen so far; the next one belongs to another source."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["reset"]


class Calibrate(BaseModel):
    """From the page: learn a person's face, or use what was learnt.

    * `start`: begin to learn `name`, with the neutral face, or with `free` from whatever the person
      does. Frames that come from now on are learnt from.
    * `phase`: go on to the face called `phase`; one that was made before is forgotten.
    * `look`: only say how it stands.
    * `finish`: make a calibration of what was learnt and try it: it is in use, and not saved. When
      the neutral face cannot be used the answer is an error that says what to do, and learning
      goes on.
    * `save`: keep the one that is tried.
    * `cancel`: leave off learning or trying; what was in use before is in use again.
    * `use`: use what is kept of `name`.
    * `reset`: use none. What is kept stays.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)

    type: Literal["calibrate"]
    action: Literal["start", "phase", "look", "finish", "save", "cancel", "use", "reset"]
    name: str | None = Field(default=None, max_length=256, description="For `start` and `use`.")
    phase: str | None = Field(default=None, max_length=64, description="For `phase`.")
    free: bool | None = Field(default=None, description="For `start`: ask for no faces.")


class Stream(BaseModel):
    """From the page: send the session's face on to other programs, as `mien stream` does.

    * `on`: send to `address` as `kind` from now on; once is enough.
    * `off`: send there no more; without `address` nowhere as `kind`, and without both nowhere.
    * `look`: only say how it stands.

    `subject`, `mirrored` and `face` may come with each of them, hold for all streams, and stay as
    they are where they are left out or null.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)

    type: Literal["stream"]
    action: Literal["on", "off", "look"]
    kind: Kind | None = None
    address: str | None = Field(
        default=None,
        max_length=300,
        description="`HOST:PORT`; this machine and the usual port of the format where left out.",
    )
    subject: str | None = Field(
        default=None, min_length=1, max_length=64, description="Name of the face in Live Link."
    )
    mirrored: bool | None = Field(default=None, description="Left and right exchanged.")
    face: int | None = Field(
        default=None, description="Id of the face to follow; the largest where it is not seen."
    )


class HeadAnswer(Answer):
    """A head that can be chosen."""

    name: str
    version: str
    output: Output
    about: str
    engines: list[str] = Field(description="Landmark engines that it was scored on.")
    unobservable: list[str] = Field(description="Channels that it always gives as 0.")
    needs_picture: bool = Field(
        description="Whether landmarks alone are not enough: in a private session it says nothing."
    )
    scores: dict[str, Any] = Field(description="Figures by data set, as in its model card.")


class SessionState(Answer):
    """How the session is set up."""

    engine: str
    expression: str | None = Field(description="The head that reads the channels.")
    morphable: str | None = Field(description="The head that reads the coefficients.")
    emotion: str | None = Field(description="The head that reads the emotions.")
    emotion_version: str | None = Field(description="Its version.")
    emotion_needs_picture: bool = Field(
        description="Whether that head looks at pictures: in a private session it says nothing."
    )
    calibration: str | None = Field(description="The person whose calibration is in use.")
    max_faces: int
    private: bool = Field(description="Whether frames bring landmarks in place of pictures.")
    smoothing: SmoothingValues | Literal["off"]
    mouth_threshold: float


class PhaseState(Answer):
    """A face that a guided calibration asks for, and what came of it."""

    name: str
    seconds: float = Field(description="How long to ask for it.")
    say: str = Field(description="What to tell the person.")
    frames: int = Field(default=0, description="Frames that came.")
    good: int = Field(default=0, description="Those that can be learnt from.")
    trouble: str | None = Field(default=None, description="What to do differently, or null.")


class ChannelState(Answer):
    """What a calibration does to a channel."""

    neutral: float = Field(description="Reading of the neutral face, which becomes 0.")
    scale: float
    before: float | None = Field(description="In the latest frame, as read.")
    after: float | None = Field(description="The same, calibrated.")


class CalibrationState(Answer):
    """To the page: the answer to every `calibrate`."""

    type: Literal["calibration"] = "calibration"
    status: Literal["off", "learning", "trying", "on"] = Field(
        description="`trying` is in use but not saved."
    )
    name: str | None = Field(description="Of the person.")
    free: bool = Field(description="Whether learning asks for no faces.")
    phase: str | None = Field(description="The face that is learnt at the moment.")
    phases: list[PhaseState] = Field(description="What has come of each; only while learning.")
    unseen: list[str] = Field(
        description="Faces that were asked for and showed next to nothing; their range is left "
        "alone. Only while trying."
    )
    channels: dict[str, ChannelState] | None = Field(
        description="By ARKit name; null while learning and when none is in use."
    )
    people: list[str] = Field(description="Everybody whose calibration is kept.")


class StreamState(Answer):
    """What goes to one program."""

    kind: Kind
    address: str = Field(description="As it was asked for, with host and port.")
    packets: int = Field(description="Handed to the net so far.")
    errors: int = Field(description="Packets that the system refused, or that nobody took.")
    rate: float = Field(description="Packets a second since the last time this was told.")
    trouble: str | None = Field(description="What has gone wrong since then, or null.")


class StreamingState(Answer):
    """To the page: the answer to every `stream`."""

    type: Literal["streaming"] = "streaming"
    streams: list[StreamState]
    subject: str
    mirrored: bool
    face: int | None = Field(description="Id of the face that was asked for.")
    latency: float | None = Field(
        description="Seconds from the arrival of a frame to the packets that show it: the median "
        "of the last half minute."
    )


class Limits(Answer):
    """What the server accepts."""

    max_message_bytes: int
    max_pixels: int
    max_faces: int
    frames_per_second: float
    streams: int = Field(description="Streams at a time; 0 when the server allows none.")


class Ready(SessionState):
    """To the page, once, when frames may be sent."""

    type: Literal["ready"] = "ready"
    version: str
    wire: int
    engines: dict[str, str | None] = Field(
        description="Every engine: null when it can run here, else why not."
    )
    heads: list[HeadAnswer]
    phases: list[PhaseState] = Field(description="The faces of a guided calibration, in order.")
    landmark_model: str = Field(
        description="Address, relative to the page, of the model with which a page finds landmarks "
        "itself; 404 until it has been pulled."
    )
    limits: Limits


class Configured(SessionState):
    """To the page: the answer to `configure` and `reset`, with what is now in force."""

    type: Literal["configured"] = "configured"


class ErrorMessage(ErrorDetail):
    """To the page: a message that could not be used, or why the server hangs up."""

    type: Literal["error"] = "error"
    sequence: int | None = Field(
        default=None, description="The frame this is the answer to, null when it is about none."
    )


ClientMessage: TypeAlias = Annotated[
    Configure | Reset | Calibrate | Stream, Field(discriminator="type")
]

CLIENT_MESSAGES: tuple[type[BaseModel], ...] = (Configure, Reset, Calibrate, Stream)
SERVER_MESSAGES: tuple[type[BaseModel], ...] = (
    *(Ready, Configured, CalibrationState, StreamingState, ErrorMessage),
)


def message_schemas() -> dict[str, Any]:
    """JSON schemas of the WebSocket's text messages, for ``components.schemas`` of OpenAPI."""
    from pydantic.json_schema import models_json_schema

    _, definitions = models_json_schema(
        [(model, "validation") for model in CLIENT_MESSAGES]
        + [(model, "serialization") for model in SERVER_MESSAGES],
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Any] = definitions["$defs"]
    for name, members in (("ClientMessage", CLIENT_MESSAGES), ("ServerMessage", SERVER_MESSAGES)):
        references = {
            model.model_fields["type"].annotation.__args__[0]: (  # type: ignore[union-attr]
                f"#/components/schemas/{model.__name__}"
            )
            for model in members
        }
        schemas[name] = {
            "title": name,
            "oneOf": [{"$ref": reference} for reference in references.values()],
            "discriminator": {"propertyName": "type", "mapping": references},
        }
    return schemas
