"""Time of ``import mien`` in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from .report import Line

ROUNDS = 9


def measure() -> list[Line]:
    """Median over fresh interpreters, with numpy as the reference."""
    mien, numpy = (
        median(_seconds(name) for _ in range(ROUNDS))
        for name in ("mien; mien.Face; mien.ARKIT_52", "numpy")
    )
    return [
        Line(
            name="import mien, with its vocabulary",
            value=mien,
            unit="s",
            target="<= 0.3",
            detail=f"{mien / numpy:.2f} x the time of import numpy ({numpy:.3f} s)",
            command="python -m benchmarks importing",
        )
    ]


def _seconds(name: str) -> float:
    code = f"import time; t = time.perf_counter(); import {name}; print(time.perf_counter() - t)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)  # noqa: S603
    return float(run.stdout)
