"""What ``GET /metrics`` counts."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

__all__ = ["Metrics"]

_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1, 5)


class Metrics:
    """Counters of one app; they have their own registry, so that two apps do not mix."""

    def __init__(self) -> None:
        self.registry = r = CollectorRegistry()
        ProcessCollector(registry=r)
        PlatformCollector(registry=r)
        self._frames = Counter("mien_frames", "Pictures answered.", ["road"], registry=r)
        self._faces = Counter("mien_faces", "Faces in the answers.", ["road"], registry=r)
        self._errors = Counter("mien_errors", "Errors told to clients.", ["code"], registry=r)
        self._stages = Histogram(
            "mien_stage_seconds", "Time by stage.", ["road", "stage"], registry=r, buckets=_SECONDS
        )
        self.dropped = Counter("mien_frames_dropped", "Frames dropped for a newer one.", registry=r)
        self.sessions = Gauge("mien_sessions", "WebSocket sessions now open.", registry=r)

    def answered(self, road: str, faces: int, timings: Mapping[str, float]) -> None:
        """Count an answer; ``road`` is ``infer`` or ``live``, timings are seconds by stage."""
        self._frames.labels(road).inc()
        self._faces.labels(road).inc(faces)
        for stage, seconds in timings.items():
            self._stages.labels(road, stage).observe(seconds)

    def error(self, code: str) -> None:
        """Count an error by its code."""
        self._errors.labels(code).inc()
