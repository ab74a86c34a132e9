"""The renderer: pictures a second of the bust and of an ICT head, with every channel in motion."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np

from mien import ict_avatar
from mien.channels import ARKIT_52
from mien.geometry import matrix_from_euler
from mien.model import Model
from mien.morphable import ict
from mien.render.background import DUSK
from mien.render.renderer import Renderer
from mien.render.scene import Actor, Scene
from mien.render.skeleton import framed
from mien.retarget import bust
from mien.retarget.avatar import Avatar
from mien.types import RigPose

from .report import ROOT, Line

SIZE = 512
ROUNDS = 6
FRAMES = 60
WARM = 10


def measure() -> list[Line]:
    """A line for each head; the ICT head needs its data in the shared folder."""
    lines = [_line("bust", bust.build())]
    shared = Path(os.environ.get("MIEN_SHARED", ROOT.parent / "shared"))
    archive = shared / "data" / "ict-facekit.tar.xz"
    if archive.is_file():
        lines.append(_line("ICT head", ict_avatar.build(ict.read(archive, identities=False))))
    return lines


def _line(name: str, model: Model) -> Line:
    avatar = Avatar(model)
    poses = [avatar.pose(_rig(i)) for i in range(FRAMES)]
    with Renderer(SIZE, SIZE) as renderer:
        scene = Scene([Actor(model)], framed(model), background=DUSK)
        rounds, spent = [], []
        for number in range(-1, ROUNDS):
            times = []
            began = process_time()
            for pose in poses[: WARM if number < 0 else FRAMES]:
                started = perf_counter()
                scene.actors[0].pose = pose
                renderer.draw(scene)
                times.append(perf_counter() - started)
            if number >= 0:
                rounds.append(median(times))
                spent.append((process_time() - began) / len(times))
        drawn = str(renderer.about)
    primitives = [p for mesh in model.meshes for p in mesh.primitives]
    vertices = sum(len(p.positions) for p in primitives)
    triangles = sum(len(p.triangles) for p in primitives)
    return Line(
        name=f"renderer, {name}, {SIZE}x{SIZE}, read back",
        value=1 / min(rounds),
        unit="frames/s",
        target=">= 60",
        detail=f"median of {FRAMES} frames in the fastest of {ROUNDS} rounds "
        f"({1 / max(rounds):.0f} in the slowest); {1000 * min(spent):.1f} ms of processor time a "
        f"frame; {vertices:,} vertices, {triangles:,} triangles, four samples; {drawn}",
        command="python -m benchmarks render",
    )


def _rig(i: int) -> RigPose:
    """A face that does much at a time: two channels in five are in use."""
    rng = np.random.default_rng(i)
    weights = rng.random(len(ARKIT_52)) * (rng.random(len(ARKIT_52)) < 0.4)
    return RigPose(
        i / 60, ARKIT_52, weights.astype(np.float32),
        head=matrix_from_euler(15 * np.sin(i / 9), 5 * np.cos(i / 7), 0),
    )  # fmt: skip
