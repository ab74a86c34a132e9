"""Private sessions: the page finds the landmarks, and its pictures stay with it."""

from __future__ import annotations

from ..engines import GivenFrame
from ..types import Frame
from .images import check_size, decode
from .problems import RequestError
from .wire import Encoding, FrameMessage, unpack_landmarks

__all__ = ["frame_of"]


def frame_of(message: FrameMessage, index: int, max_pixels: int, *, private: bool) -> Frame:
    """What a message brings, for the tracker.

    A private session refuses a picture before it is decoded, so that one that is sent by mistake
    is not looked at.

    Raises:
        MienError: it does not fit the session, or cannot be used.
    """
    given = message.encoding is Encoding.LANDMARKS
    if given and not private:
        raise RequestError(
            "invalid_value",
            "landmarks came, and this session finds them itself",
            'send pictures, or {"type": "configure", "private": true} before',
        )
    if private and not given:
        raise RequestError(
            "invalid_value",
            "a picture came, and this session is private; it was not looked at",
            'send landmarks, or {"type": "configure", "private": false} before',
        )
    if not given:
        return Frame(decode(message, max_pixels), message.time, index)
    size = message.width, message.height
    check_size(*size, max_pixels)
    return GivenFrame.of(unpack_landmarks(message), size, message.time, index)
