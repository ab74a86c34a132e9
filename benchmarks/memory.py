"""Memory of a capture of 10,000 frames, with every table and the overlay written."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from .media import make_video
from .report import Line

FRAMES = 10_000

_CHILD = """
import sys, psutil
from pathlib import Path
from mien.batch import CaptureOptions, capture_to_files
process, seen = psutil.Process(), {}
def note(progress):
    if progress.frame in (500, 10_000):
        seen[progress.frame] = process.memory_info().rss
options = CaptureOptions(out=Path(sys.argv[2]), engine="facemesh", max_faces=1, overlay=True,
                         csv=True, jsonl=True)
report = capture_to_files([sys.argv[1]], options, on_progress=note)
assert report.frames == 10_000, report.frames
print(seen[500], seen[10_000], report.seconds)
"""


def measure() -> list[Line]:
    """Resident memory of a process of its own at frame 500 and at frame 10,000."""
    with tempfile.TemporaryDirectory() as folder:
        video = make_video(Path(folder, "long.mp4"), 320, 240, FRAMES)
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", _CHILD, str(video), str(Path(folder, "out"))],
            capture_output=True,
            text=True,
            check=True,
        )
    early, late, seconds = map(float, done.stdout.split())
    return [
        Line(
            name="memory of a capture, frame 10,000 minus frame 500",
            value=(late - early) / 1e6,
            unit="MB",
            target="<= 20",
            detail=f"{early / 1e6:.0f} MB, then {late / 1e6:.0f} MB; "
            f"{FRAMES / seconds:.0f} frames/s",
            command="python -m benchmarks memory",
        )
    ]
