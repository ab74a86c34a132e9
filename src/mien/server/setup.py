"""How a session is set up: what a page may choose from, and what it has chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .. import heads
from ..errors import InputError
from ..retarget.smooth import Smoothing
from .messages import Configure, HeadAnswer, SmoothingValues
from .settings import Settings
from .trackers import Options, Seat

__all__ = ["changed", "offered", "reader", "state"]


def changed(message: Configure, seat: Seat, settings: Settings) -> Options:
    """The options of a session with what a message changes.

    Raises:
        InputError: more faces than the server allows, or a head that is not offered.
    """
    options = seat.options
    if message.private is not None and message.private != options.private:
        # Points that another net has found are another matter for what was learnt.
        options = replace(options, private=message.private, calibration=None)
    if message.engine not in (None, options.engine, seat.engine_name):
        options = replace(options, calibration=None)
    # Naming what runs already loads nothing.
    if message.expression is not None:
        head = _head(message.expression, "expression", settings)
        if heads.identity(head, "expression") != seat.expression_head:
            options = replace(options, expression=head, calibration=None)
    if message.morphable is not None:
        head = _head(message.morphable, "morphable", settings)
        if heads.identity(head, "morphable") != seat.morphable_head:
            options = replace(options, morphable=head)
    if message.emotion is not None:
        head = _head(message.emotion, "emotion", settings)
        if heads.identity(head, "emotion") != seat.emotion_head:
            options = replace(options, emotion=head)
    if message.max_faces is not None:
        most = settings.max_faces
        if message.max_faces > most:
            raise InputError(
                f"max_faces is {message.max_faces}, this server follows at most {most}; "
                "ask for fewer, or raise MIEN_MAX_FACES"
            )
        options = replace(options, max_faces=message.max_faces)
    if message.engine is not None:
        options = replace(options, engine=message.engine)
    if message.mouth_threshold is not None:
        options = replace(options, mouth_threshold=message.mouth_threshold)
    if message.smoothing is None:
        return options
    smoothing: Smoothing | None
    if message.smoothing == "off":
        smoothing = None
    elif message.smoothing == "default":
        smoothing = Smoothing()
    else:
        smoothing = Smoothing(message.smoothing.min_cutoff, message.smoothing.beta)
    return replace(options, smoothing=smoothing)


def _head(name: str, output: heads.Output, settings: Settings) -> str | None:
    """A head by its name. A path would let a page have any file of the server loaded."""
    if name == "auto":
        return settings.heads[output]
    known = [head.name for head in offered(output)]
    if name in known:
        return name
    if name == "none":
        return None
    raise InputError(
        f"there is no {output} head {name[:80]!r}; there are {', '.join([*known, 'auto', 'none'])}"
    )


def offered(output: heads.Output) -> list[HeadAnswer]:
    """The heads that a page may choose from."""
    found = [
        HeadAnswer(
            name=name,
            version=spec.version,
            output=output,
            about=spec.about,
            engines=list(spec.engines),
            unobservable=list(spec.unobservable),
            needs_picture=spec.needs_picture,
            scores=dict(spec.scores),
        )
        for name, spec in (heads.made() | heads.shipped()).items()
        if spec.output == output
    ]
    ruler = heads.identity(heads.GEOMETRIC, "expression")
    if output == "expression" and ruler is not None:
        about = "Lengths on the face, 19 channels, no training."
        found.append(
            HeadAnswer(
                name=ruler.name,
                version=ruler.version,
                output=output,
                about=about,
                engines=[],
                unobservable=[],
                needs_picture=False,
                scores={},
            )
        )
    return found


def reader(seat: Seat) -> tuple[object, ...]:
    """What a calibration is learnt with; it does not outlive a change of it."""
    return seat.engine_name, seat.expression_head, seat.options.private


def state(seat: Seat) -> dict[str, Any]:
    """The fields of :class:`mien.server.messages.SessionState`."""
    options = seat.options
    smoothing: SmoothingValues | str = "off"
    if options.smoothing is not None:
        smoothing = SmoothingValues(
            min_cutoff=options.smoothing.min_cutoff, beta=options.smoothing.beta
        )
    return {
        "engine": seat.engine_name,
        "expression": seat.heads.get("expression"),
        "morphable": seat.heads.get("morphable"),
        "emotion": seat.heads.get("emotion"),
        "emotion_version": seat.emotion_head and seat.emotion_head.version,
        "emotion_needs_picture": (
            seat.emotion_head is not None and heads.needs_picture(options.emotion_head, "emotion")
        ),
        "calibration": options.calibration and options.calibration.name,
        "max_faces": options.max_faces,
        "private": options.private,
        "smoothing": smoothing,
        "mouth_threshold": options.mouth_threshold,
    }
