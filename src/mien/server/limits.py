"""Rates: how often somebody may ask."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Bucket", "Buckets"]


class Bucket:
    """A token bucket that holds one second's worth, so that a short burst passes.

    Args:
        rate: tokens a second.
        clock: seconds from any fixed moment.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._size = max(rate, 1.0)
        self._tokens = self._size
        self._last = clock()

    def take(self) -> float:
        """0 when the request may pass, else the seconds after which one would."""
        now = self._clock()
        self._tokens = min(self._size, self._tokens + (now - self._last) * self._rate)
        self._last = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate


class Buckets:
    """A bucket for each client; the ones heard of longest ago are forgotten."""

    def __init__(
        self, rate: float, clock: Callable[[], float] = time.monotonic, most: int = 1024
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, client: str) -> float:
        """See :meth:`Bucket.take`."""
        bucket = self._buckets.pop(client, None) or Bucket(self._rate, self._clock)
        self._buckets[client] = bucket
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket.take()
