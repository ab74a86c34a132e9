"""``WS /ws``: frames in, faces out, the newest frame first. The messages are those of ``wire``.

The receiver puts a frame into a slot that holds one; a second one replaces it. A worker takes it
from there and has it looked at in the tracker's own thread; a sender sends the answer. While a slow
reader holds up answers nothing is looked at, so neither work nor memory piles up.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from time import perf_counter

import anyio
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from .. import __version__, engines, heads
from ..errors import EngineError, InputError, MienError
from . import setup
from .calibrating import Calibrating, phases
from .guard import check_token
from .limits import Bucket
from .messages import (
    Calibrate,
    ClientMessage,
    Configure,
    Configured,
    ErrorMessage,
    Limits,
    Ready,
    Reset,
    Stream,
)
from .metrics import Metrics
from .models import landmark_model
from .private import frame_of
from .problems import RequestError, readable
from .schemas import ErrorCode
from .settings import Settings
from .streaming import Streaming
from .trackers import Pool, Seat, TrackerLike
from .wire import FRAME_BYTES, SUBPROTOCOL, VERSION, Close, FrameMessage, pack_answer, unpack_frame

__all__ = ["MAX_STRIKES", "live"]

MAX_STRIKES = 10
"""Useless messages in a row after which the server hangs up."""

_MAX_TEXT = 65_536
_CLOSES: dict[ErrorCode, Close] = {
    "unauthorised": Close.REFUSED,
    "too_many_errors": Close.REFUSED,
    "too_large": Close.TOO_BIG,
    "internal": Close.FAILED,
}
_messages: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)
_log = logging.getLogger(__name__)


async def live(socket: WebSocket, settings: Settings, pool: Pool, metrics: Metrics) -> None:
    """One session, from the handshake to the end."""
    offered = SUBPROTOCOL in socket.scope["subprotocols"]
    await socket.accept(subprotocol=SUBPROTOCOL if offered else None)
    try:
        check_token(socket, settings)
        async with pool.session() as seat:
            metrics.sessions.set(pool.active)
            await _Session(socket, seat, settings, metrics).run()
    except RequestError as error:
        metrics.error(error.detail.code)
        await _hang_up(socket, error, settings.send_timeout)
    except WebSocketDisconnect:
        pass
    finally:
        metrics.sessions.set(pool.active)


class _Session:
    def __init__(self, socket: WebSocket, seat: Seat, settings: Settings, metrics: Metrics) -> None:
        self._socket = socket
        self._seat = seat
        self._settings = settings
        self._metrics = metrics
        self._most = settings.max_upload_bytes + FRAME_BYTES
        self._rate = Bucket(settings.frame_rate)
        self._calibrating = Calibrating(seat)
        self._streaming = Streaming(settings.stream_networks)
        self._slot: tuple[FrameMessage, float] | None = None
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._outbox: asyncio.Queue[bytes | str] = asyncio.Queue(1)
        self._dropped = 0
        self._strikes = 0
        self._index = 0
        self._last_time = -math.inf

    async def run(self) -> None:
        """Until the client goes.

        Raises:
            RequestError: why the server hangs up.
            WebSocketDisconnect: the client went in the middle of an answer.
        """
        with self._patience():
            await self._send(self._ready().model_dump_json())
        # The first of them to end, for whatever reason, ends the session.
        work = (self._listen(), self._look_at_frames(), self._deliver())
        tasks = [asyncio.create_task(part) for part in work]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            try:
                await asyncio.wait(tasks)
            finally:
                # Not in a thread: whoever cancels the session would leave the streams behind. It
                # takes a period of the sender at most.
                self._streaming.close()
        # All are asked, since asyncio reports an exception that nobody has looked at.
        failures = [task.exception() for task in tasks if not task.cancelled()]
        failure = next(filter(None, failures), None)
        if failure is None:
            return
        if isinstance(failure, RequestError) and failure.detail.code != "slow_reader":
            while not self._outbox.empty():
                with self._patience():
                    await self._send(self._outbox.get_nowait())
        raise failure

    async def _listen(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            data, text = message.get("bytes"), message.get("text")
            length = len(data or text or "")
            if length > self._most:
                raise RequestError(
                    "too_large",
                    f"a message of {length:,} bytes is over the limit of {self._most:,}",
                    "send frames smaller, or as JPEG",
                )
            if data is not None:
                await self._take(data)
            else:
                await self._obey(text or "")

    async def _take(self, data: bytes) -> None:
        """Put a frame into the slot."""
        try:
            frame = unpack_frame(data)
        except InputError as error:
            await self._complain(RequestError.from_error(error, "bad_message"))
            return
        if self._rate.take():
            refusal = RequestError(
                "rate_limited",
                f"more than {self._settings.frame_rate:g} frames a second",
                "send a frame when an answer has come, with at most two unanswered",
            )
            await self._complain(refusal, frame.sequence, strike=False)
            return
        if self._slot is not None:
            self._dropped += 1
            self._metrics.dropped.inc()
        self._slot = frame, perf_counter()
        self._emptied.clear()
        self._filled.set()
        # Two frames may come in one packet: an idle worker shall get the first of them.
        await asyncio.sleep(0)

    async def _obey(self, text: str) -> None:
        """Do what a text message says, after the frames that came before it."""
        try:
            message = _parse(text)
            await self._emptied.wait()
            if isinstance(message, Calibrate):
                await self._say(await self._calibrating.obey(message))
                return
            if isinstance(message, Stream):
                await self._say(await self._streaming.obey(message))
                self._strikes = 0  # a host may be mistyped while no frames come
                return
            if isinstance(message, Configure):
                await self._configure(message)
            else:
                await self._seat.run(self._forget)
        except MienError as error:
            await self._complain(RequestError.from_error(error))
            return
        await self._say(Configured(**setup.state(self._seat)))

    async def _look_at_frames(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            assert self._slot is not None  # noqa: S101 - filled says so
            (frame, arrived), self._slot = self._slot, None
            self._emptied.set()
            try:
                answer, faces, timings = await self._seat.run(partial(self._look, frame, arrived))
            except EngineError as error:
                self._seat.discard()
                raise RequestError.from_error(error) from error
            except MienError as error:
                await self._complain(RequestError.from_error(error), frame.sequence)
                continue
            except Exception as error:
                _log.exception("looking at a frame failed")
                self._seat.discard()
                raise RequestError(
                    "internal", "the server failed at this frame", "its log says more"
                ) from error
            self._strikes = 0
            # The next frame is taken before this answer leaves: its reader sends another at once,
            # which must find the slot empty.
            await self._outbox.put(answer)
            # It leaves before it is counted, which takes as long.
            await asyncio.sleep(0)
            self._metrics.answered("live", faces, timings)

    async def _deliver(self) -> None:
        # One scope whose deadline moves: to open one takes as long as to send a message.
        with self._patience() as scope:
            while True:
                scope.deadline = math.inf
                message = await self._outbox.get()
                scope.deadline = anyio.current_time() + self._settings.send_timeout
                await self._send(message)

    def _look(
        self, message: FrameMessage, arrived: float, tracker: TrackerLike
    ) -> tuple[bytes, int, Mapping[str, float]]:
        """In the tracker's thread: the answer to a frame, its faces, its timings."""
        start = perf_counter()
        private = self._seat.options.private
        frame = frame_of(message, self._index, self._settings.max_pixels, private=private)
        decoded = perf_counter()
        if message.time <= self._last_time:
            self._forget(tracker)
        self._last_time = message.time
        observation = tracker.process(frame)
        self._index += 1
        self._calibrating.see(observation, tracker)
        self._streaming.see(observation, arrived)
        timings = {
            **observation.timings,
            "wait": start - arrived,
            "decode": decoded - start,
            "total": perf_counter() - arrived,
        }
        answer = pack_answer(
            observation,
            sequence=message.sequence,
            time=message.time,
            dropped=self._dropped,
            timings=timings,
        )
        return answer, len(observation.faces), timings

    def _forget(self, tracker: TrackerLike) -> None:
        """In the tracker's thread: the next frame belongs to another source."""
        tracker.reset()
        self._streaming.forget()
        self._last_time = -math.inf

    async def _configure(self, message: Configure) -> None:
        """Set the session up otherwise.

        Raises:
            MienError: that cannot be; everything stays as it was.
        """
        before = setup.reader(self._seat)
        await self._seat.configure(setup.changed(message, self._seat, self._settings))
        if setup.reader(self._seat) != before:
            self._calibrating.forget()

    def _ready(self) -> Ready:
        settings = self._settings
        return Ready(
            **setup.state(self._seat),
            version=__version__,
            wire=VERSION,
            engines=engines.available(),
            heads=[head for output in heads.OUTPUTS for head in setup.offered(output)],
            phases=phases(),
            landmark_model=landmark_model(),
            limits=Limits(
                max_message_bytes=self._most,
                max_pixels=settings.max_pixels,
                max_faces=settings.max_faces,
                frames_per_second=settings.frame_rate,
                streams=self._streaming.most,
            ),
        )

    async def _complain(
        self, error: RequestError, sequence: int | None = None, *, strike: bool = True
    ) -> None:
        """Tell the client what was wrong with a message, and keep count."""
        self._metrics.error(error.detail.code)
        await self._say(ErrorMessage(**error.detail.model_dump(), sequence=sequence))
        self._strikes += strike
        if self._strikes >= MAX_STRIKES:
            raise RequestError(
                "too_many_errors",
                f"{MAX_STRIKES} messages in a row could not be used",
                "mend what sends them; each error said what was wrong",
            )

    async def _say(self, message: BaseModel) -> None:
        await self._outbox.put(message.model_dump_json())

    async def _send(self, message: bytes | str) -> None:
        if isinstance(message, bytes):
            await self._socket.send_bytes(message)
        else:
            await self._socket.send_text(message)

    @contextmanager
    def _patience(self) -> Iterator[anyio.CancelScope]:
        """A scope in which the reader has to take a message in time.

        Raises:
            RequestError: it did not.
        """
        try:
            with anyio.fail_after(self._settings.send_timeout) as scope:
                yield scope
        except TimeoutError:
            raise RequestError(
                "slow_reader",
                f"no answer could be delivered for {self._settings.send_timeout:g} s",
                "read every answer before the next frame is sent, then connect again",
            ) from None


def _parse(text: str) -> Configure | Reset | Calibrate | Stream:
    hint = "send `configure`, `reset`, `calibrate` or `stream` as in /openapi.json, ClientMessage"
    if len(text) > _MAX_TEXT:
        told = f"a text message has at most {_MAX_TEXT:,} letters, got {len(text):,}"
        raise RequestError("bad_message", told, hint)
    try:
        return _messages.validate_json(text)
    except ValidationError as error:
        raise RequestError("bad_message", readable(error), hint) from None


async def _hang_up(socket: WebSocket, error: RequestError, patience: float) -> None:
    """Say why, then close; a client that does not read hears neither."""
    code = _CLOSES.get(error.detail.code, Close.LATER)
    text = ErrorMessage(**error.detail.model_dump()).model_dump_json()
    # The protocol allows 123 bytes.
    reason = error.detail.message.encode()[:120].decode(errors="ignore")
    # RuntimeError: uvicorn has closed meanwhile.
    with anyio.move_on_after(patience), suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(text)
        await socket.close(code, reason)
