"""What smoothing costs in time and gains in calm, for each class of channels.

Writes ``results/smoothing.json`` and ``docs/smoothing.md``. Needs the shared video.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from mien.assets import sample_portrait
from mien.capture import open_source, read_image
from mien.channels import MOTION, index_of
from mien.retarget.smooth import FaceSmoother, Smoothing
from mien.tracker import Tracker
from mien.types import Frame, Observation

from .report import ROOT, Line

RESULTS = ROOT / "results" / "smoothing.json"
PAGE = ROOT / "docs" / "smoothing.md"
RATE = 30
VIDEO = "expressive-d20.mp4"
NOISE = 0.01  # of a channel at rest, in the made signals
GRAIN = 4.0  # of a pixel, out of 255, in the still
MOVES = 0.04  # standard deviation from which a channel counts as moving

# A blink at 30 frames a second: closed within two frames, open again after three more.
BLINK = np.array([0.25, 0.8, 1.0, 0.85, 0.5, 0.25, 0.08])


def measure() -> list[Line]:
    """Made signals, a video with a lively face, and a portrait with grain."""
    head, lively = _raw(_video())
    _, still = _raw(_grainy())
    rows = {
        motion: _made(names[0]) | _real(names, *lively) | _at_rest(names, *still)
        for motion, names in MOTION.items()
    }
    data = {"head": head, "video": VIDEO, "classes": rows}
    RESULTS.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    PAGE.write_text(page(data), "utf-8")
    command = "python -m benchmarks smoothing"
    blinks, brows = rows["blinks"], rows["brows"]
    return [
        Line(
            name="smoothing: how far blinks lag behind their readings, real video",
            value=blinks["lag_video"],
            unit="ms",
            target="<= 10",
            detail=f"{blinks['peak']:.0%} of a blink's peak are left",
            command=command,
        ),
        Line(
            name="smoothing: jitter of brows that is left on a grainy still",
            value=brows["jitter_still"],
            unit="of it",
            target="<= 0.5",
            detail=f"they lag {brows['lag_video']:.0f} ms on real video",
            command=command,
        ),
    ]


Signals = tuple[np.ndarray, np.ndarray]
"""Times (n,) in seconds, and readings (n, 52)."""


def _raw(seen: Iterator[tuple[str, Observation]]) -> tuple[str, Signals]:
    times, values, head = [], [], ""
    for name, observation in seen:
        head = name
        for face in observation.faces[:1]:
            times.append(observation.time)
            values.append(face.expression)
    return head, (np.array(times), np.array(values))


def _video() -> Iterator[tuple[str, Observation]]:
    shared = Path(os.environ.get("MIEN_SHARED", ROOT.parent / "shared"))
    path = shared / "media" / "videos" / VIDEO
    if not path.is_file():
        raise SystemExit(f"{path} is missing; name the shared folder in MIEN_SHARED")
    with open_source(str(path)) as source, Tracker("facemesh", smoothing=None) as tracker:
        for seen in tracker.stream(source):
            yield str(tracker.expression_head), seen


def _grainy() -> Iterator[tuple[str, Observation]]:
    portrait = read_image(sample_portrait()).astype(np.float32)
    rng = np.random.default_rng(0)
    with Tracker("facemesh", smoothing=None) as tracker:
        for i in range(5 * RATE):
            grain = rng.normal(0, GRAIN, portrait.shape)
            image = np.clip(portrait + grain, 0, 255).astype(np.uint8)
            yield str(tracker.expression_head), tracker.process(Frame(image, i / RATE, i))


def _smoothed(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    smoother = FaceSmoother(Smoothing())
    rows = zip(values.astype(np.float32), times.tolist(), strict=True)
    return np.array([smoother.channels("expression", row, time) for row, time in rows])


def _alone(name: str, signal: np.ndarray) -> np.ndarray:
    values = np.zeros((len(signal), 52), np.float32)
    values[:, index_of(name)] = signal
    return _smoothed(np.arange(len(signal)) / RATE, values)[:, index_of(name)]


def _made(name: str) -> dict[str, Any]:
    """Lag and calm on signals of which everything is known."""
    noise = np.random.default_rng(1).normal(0, NOISE, 600)
    step = _alone(name, np.r_[np.zeros(30), np.full(30, 0.3)])[30:] / 0.3
    reached = int(np.argmax(step >= 0.9))
    before = step[reached - 1] if reached else 0.0
    # Between two frames the way is taken as straight; the step itself took one frame.
    to_90 = (reached - (step[reached] - 0.9) / (step[reached] - before)) * 1000 / RATE
    wave = 0.4 + 0.3 * np.sin(2 * np.pi * 1.5 * np.arange(600) / RATE) + noise
    rest = 0.3 + noise
    return {
        "step_to_90": max(0.0, float(to_90)),
        "lag_wave": lag(wave, _alone(name, wave), 1 / RATE),
        "peak": float(_alone(name, np.r_[np.zeros(30), BLINK, np.zeros(30)]).max()),
        "jitter_made": float(_alone(name, rest)[60:].std() / rest[60:].std()),
    }


def _real(names: tuple[str, ...], times: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """Median lag of the channels of a class that move in the video."""
    after = _smoothed(times, values)
    step = float(np.median(np.diff(times)))
    at = [index_of(name) for name in names]
    moving = [i for i in at if values[:, i].std() >= MOVES]
    lags = [lag(values[:, i], after[:, i], step) for i in moving]
    return {"lag_video": median(lags) if lags else None, "moving": len(moving)}


def _at_rest(names: tuple[str, ...], times: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """Median share of the jitter that is left, over channels that jitter at all."""
    after = _smoothed(times, values)
    at = [i for i in map(index_of, names) if values[RATE:, i].std() > 1e-4]
    left = [float(after[RATE:, i].std() / values[RATE:, i].std()) for i in at]
    raw = [float(values[RATE:, i].std()) for i in at]
    return {
        "jitter_still": median(left) if left else None,
        "raw_still": median(raw) if raw else None,
    }


def lag(before: np.ndarray, after: np.ndarray, step: float) -> float:
    """Milliseconds by which ``after`` is best shifted back to lie on ``before``.

    Args:
        before: samples of a signal.
        after: the same, smoothed; interpolated between its samples.
        step: seconds between two samples.
    """
    times = np.arange(len(before)) * step
    inner = slice(8, -8)
    shifts = np.arange(-50, 200) / 1000
    scores = [
        np.corrcoef(before[inner], np.interp(times[inner] + shift, times, after))[0, 1]
        for shift in shifts
    ]
    return float(1000 * shifts[int(np.argmax(scores))])


_ABOUT = {
    "blinks": "eyeBlink",
    "gaze": "eyeLook",
    "lips": "jaw, and the mouth but for its corners",
    "corners": "mouthSmile, mouthFrown, mouthDimple, mouthStretch",
    "brows": "brow",
    "cheeks": "cheek, noseSneer, eyeSquint, eyeWide",
}


def page(data: dict[str, Any]) -> str:
    """``docs/smoothing.md`` for the content of ``results/smoothing.json``."""
    defaults = Smoothing()

    def cell(value: float | None, form: str, unit: str = "") -> str:
        return "–" if value is None else f"{value:{form}}{unit}"

    rows = "\n".join(
        f"| {motion} | {_ABOUT[motion]} | {getattr(defaults, motion):g} "
        f"| {row['step_to_90']:.0f} ms | {row['lag_wave']:.0f} ms "
        f"| {cell(row['lag_video'], '.0f', ' ms')} ({row['moving']}) | {row['peak']:.0%} "
        f"| {row['jitter_made']:.2f} | {cell(row['jitter_still'], '.2f')} |"
        for motion, row in data["classes"].items()
    )
    return f"""# Smoothing: what it costs and gains

Written by `python -m benchmarks smoothing` from `results/smoothing.json`; do not edit. Readings of
the head {data["head"].partition(" sha256")[0]} on FaceMesh, default parameters.

| class | channels | quickness | a step arrives | lag, 1.5 Hz wave | lag, real video | blink left \
| jitter left, made | jitter left, still |
|---|---|---|---|---|---|---|---|---|
{rows}

- **quickness**: the class's field of `mien.retarget.smooth.Smoothing`; it multiplies `min_cutoff`
  and `beta`.
- **a step arrives**: time until 90 % of a sudden step of 0.3 are there, at {RATE} frames a second.
- **lag**: the shift at which the smoothed signal correlates best with the readings. The wave has an
  amplitude of 0.3 and noise of {NOISE}; the video is `{VIDEO}` (median over the channels
  that move there, their number in brackets).
- **blink left**: peak of a blink of seven frames, if it were of this class.
- **jitter left**: standard deviation after smoothing over before it, for a channel at rest with
  noise of {NOISE}, and for the sample portrait with grain of {GRAIN:g}/255 in each pixel
  (median over channels).
"""
