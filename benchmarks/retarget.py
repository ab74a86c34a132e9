"""What an avatar costs before it is drawn: channels to its targets, and targets to vertices."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from mien.channels import ARKIT_52
from mien.geometry import project
from mien.retarget.fusion import Fusion
from mien.retarget.pose import rig_pose
from mien.retarget.rigs import RIGS, mapping
from mien.retarget.smooth import FaceSmoother, Smoothing
from mien.topology import CANONICAL
from mien.types import Face, Landmarks, Pose

from .report import Line

FRAMES = 5000
RATE = 60
UNITS = 11
VERTICES = 26_000
ROUNDS = 400
SIZE = (640, 480)
COMMAND = "python -m benchmarks retarget"


def measure() -> list[Line]:
    """A made face that moves; targets that move every vertex, which is the most that they can."""
    whole, parts = _frames()
    lines = [
        Line(
            name="retargeting + smoothing, one face, avatar of 80 targets",
            value=whole,
            unit="microseconds",
            target="<= 150",
            detail=f"median of {FRAMES:,} frames: "
            + ", ".join(f"{name} {time:.0f}" for name, time in parts.items()),
            command=COMMAND,
        )
    ]
    with threadpool_limits(1):  # one core, for ours and numpy's
        ours, numpys, ratio, sparse = _fusion()
    return [
        *lines,
        Line(
            name="fusion of 11 units, 26,000 vertices",
            value=ours / 1000,
            unit="ms",
            target="<= 1",
            detail=f"every unit moves every vertex and is on, one thread; with 3 of the 11 on, "
            f"each over a quarter of the head, {sparse:.0f} microseconds",
            command=COMMAND,
        ),
        Line(
            name="fusion: numpy's tensordot / ours",
            value=ratio,
            unit="x",
            target=">= 1",
            detail=f"{numpys:.0f} against {ours:.0f} microseconds, both with the shape at rest "
            "added, rounds in turns",
            command=COMMAND,
        ),
    ]


def _frames() -> tuple[float, dict[str, float]]:
    """Microseconds a frame, in all and by part."""
    rng = np.random.default_rng(0)
    steps = np.cumsum(rng.normal(0, 0.02, (FRAMES, 52)), 0)
    weights = (0.5 + 0.5 * np.sin(steps)).astype(np.float32)
    avatar = (*ARKIT_52, *RIGS["visemes"], *(f"own{i}" for i in range(13)))
    assert len(avatar) == 80
    way = mapping("arkit52", avatar)
    smoother = FaceSmoother(Smoothing())
    origin = None
    times: dict[str, list[float]] = {"smoothing": [], "pose": [], "mapping": []}
    for i, row in enumerate(weights):
        pose = Pose.from_euler(20 * np.sin(i / 50), 5, 0, (320.0 + np.sin(i / 9), 240.0, 0.0), 15.0)
        points = project(CANONICAL, pose.rotation, pose.translation, pose.scale).astype(np.float32)
        clock = i / RATE
        started = perf_counter()
        points = smoother.points(points, clock)
        row = smoother.channels("expression", row, clock)
        smoothed = perf_counter()
        face = Face(1, clock, Landmarks(points, SIZE), pose, row)
        origin = origin or face
        posing = perf_counter()
        posed = rig_pose(face, origin)
        posed_at = perf_counter()
        way(posed)
        ended = perf_counter()
        times["smoothing"].append(smoothed - started)
        times["pose"].append(posed_at - posing)
        times["mapping"].append(ended - posed_at)
    whole = median(map(sum, zip(*times.values(), strict=True)))
    return 1e6 * whole, {name: 1e6 * median(each) for name, each in times.items()}


def _fusion() -> tuple[float, float, float, float]:
    """Microseconds of ours and of numpy's, how many times as long numpy's takes, and few units."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(VERTICES, 3)).astype(np.float32)
    moves = rng.normal(size=(UNITS, VERTICES, 3)).astype(np.float32)
    fused = Fusion(base, list(moves))
    weights = (0.1 + 0.9 * rng.random(UNITS)).astype(np.float32)
    expected = np.tensordot(weights, moves, 1) + base
    assert np.abs(fused(weights) - expected).max() < 1e-4
    ours, numpys = [], []
    for _ in range(ROUNDS):
        ours.append(_once(lambda: fused(weights)))
        numpys.append(_once(lambda: np.tensordot(weights, moves, 1) + base))
    ratio = median(n / o for n, o in zip(numpys, ours, strict=True))
    quarter = VERTICES // 4
    for i, row in enumerate(moves):
        row[: i * 1000] = row[i * 1000 + quarter :] = 0
    few = Fusion(base, list(moves))
    weights[3:] = 0
    sparse = median(_once(lambda: few(weights)) for _ in range(ROUNDS))
    return median(ours), median(numpys), ratio, sparse


def _once(call: Callable[[], object]) -> float:
    """Microseconds of one call."""
    started = perf_counter()
    call()
    return 1e6 * (perf_counter() - started)
