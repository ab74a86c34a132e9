"""Threads on both sides of the tracker, so that decoding and writing overlap with it.

The queues are short: memory does not grow with the length of a video.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from .capture import Source
from .types import Frame

__all__ = ["ReadAhead", "WriteBehind"]

_QUEUE = 4
_End = object()


class ReadAhead:
    """Frames of a source, decoded on another thread.

    A camera does not wait: when the queue is full its oldest frame is dropped and counted.
    """

    def __init__(self, source: Source, stop: threading.Event) -> None:
        self.dropped = 0
        self._source = source
        self._stop = stop
        self._done = threading.Event()
        self._queue: queue.Queue[Any] = queue.Queue(_QUEUE)
        self._thread = threading.Thread(target=self._run, name="mien-decode", daemon=True)

    def _run(self) -> None:
        try:
            for frame in self._source:
                if not self._put(frame, drop=self._source.kind == "camera"):
                    return
            self._put(_End)
        except BaseException as error:  # noqa: BLE001 - handed to the reading thread
            self._put(error)

    def _put(self, item: Any, *, drop: bool = False) -> bool:
        while not (self._done.is_set() or self._stop.is_set()):
            if self._offer(item, wait=0.0 if drop else 0.1):
                return True
            if drop:
                self._drop_oldest()
        return False

    def _offer(self, item: Any, wait: float) -> bool:
        try:
            self._queue.put(item, block=wait > 0, timeout=wait)
        except queue.Full:
            return False
        return True

    def _drop_oldest(self) -> None:
        try:
            self._queue.get_nowait()
        except queue.Empty:
            return
        self.dropped += 1

    def __iter__(self) -> Iterator[Frame]:
        while not self._stop.is_set():
            try:
                item = self._queue.get(timeout=0.1)
            except queue.Empty:
                continue
            if item is _End:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def __enter__(self) -> ReadAhead:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


class WriteBehind:
    """Writes on another thread; closes at the end, whatever happened.

    Args:
        write: called with what each :meth:`put` was given, in order.
        close: called once, after the last, on the thread that leaves the context.
    """

    def __init__(self, write: Callable[..., None], close: Callable[[], None]) -> None:
        self._write = write
        self._close = close
        self._error: BaseException | None = None
        self._queue: queue.Queue[Any] = queue.Queue(_QUEUE)
        self._thread = threading.Thread(target=self._run, name="mien-write", daemon=True)

    def put(self, *item: Any) -> None:
        """Hand over what is to be written; waits while the writer is busy.

        Raises:
            Exception: what the writing of an earlier item raised.
        """
        if self._error is None:
            self._queue.put(item)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (item := self._queue.get()) is not _End:
            if self._error is None:
                try:
                    self._write(*item)
                except BaseException as error:  # noqa: BLE001 - handed to the putting thread
                    self._error = error

    def __enter__(self) -> WriteBehind:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._queue.put(_End)
        self._thread.join()
        self._close()
        if self._error is not None and kind is None:
            raise self._error
