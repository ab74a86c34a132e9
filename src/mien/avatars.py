"""``mien avatar``: what an avatar's file has, and a capture as its animation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.markup import escape

from .errors import InputError
from .ict_avatar import ict
from .terminal import Terminal

if TYPE_CHECKING:
    from .model import Model
    from .retarget.avatar import Avatar
    from .streams.replay import Replay
    from .types import RigPose

__all__ = ["app", "eased"]

app = typer.Typer(
    name="avatar",
    help="Look into avatars (.glb, .gltf, .vrm) and animate them.",
    no_args_is_help=True,
)
_out = Terminal(soft_wrap=True, emoji=False)
_err = Terminal(stderr=True, emoji=False)

_FADING = 1.5  # seconds after which a lost face is at rest
_STEP = 1 / 30

_Overrides = Annotated[
    Path | None, typer.Option(metavar="FILE", help="TOML with gain, offset and names by channel.")
]


@app.command()
def info(
    avatar: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="bust, ict, or a .glb, .gltf or .vrm file.")
    ],
    overrides: _Overrides = None,
) -> None:
    """Say what an avatar has, which of ARKit's 52 channels it can show, and what is missing."""
    found = _find(avatar, overrides)
    name = escape(Path(avatar).name)
    _out.print(f"[bold]{name}[/]: {escape(_counts(found.model))}", highlight=False)
    for sentence in found.report:
        _out.print(escape(sentence), highlight=False)


@app.command()
def animate(
    capture: Annotated[
        Path,
        typer.Argument(
            help="Folder of a capture, or a table or recording: .parquet, .csv, .gesichter."
        ),
    ],
    avatar: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="bust, ict, or a .glb, .gltf or .vrm.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .glb that is written.")],
    overrides: _Overrides = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-f", help="Replace OUT.")] = False,
) -> None:
    """Write a capture as animation of an avatar: a GLB that plays in Blender and three."""
    from .outputs.animation import animate as in_motion
    from .outputs.animation import write_glb
    from .outputs.files import must_be_new
    from .streams.replay import open_replay

    if out.suffix.lower() != ".glb":
        raise InputError(f"an animation is written as .glb, --out is {out.name}")
    must_be_new(out, overwrite=overwrite)
    driven = _find(avatar, overrides)
    replay = open_replay(capture / "faces.parquet" if capture.is_dir() else capture)
    poses = ((pose.time, driven.pose(pose)) for pose in eased(replay))
    motion = in_motion(poses, name=capture.stem)
    write_glb(out, driven.model, motion)
    for note in replay.notes:
        _note(note)
    if driven.vrm is not None:
        _note("the animation is a plain GLB; what the VRM says of its use holds for it too")
    shown = f"{len(motion.times)} poses over {motion.times[-1]:.2f} s"
    _out.print(f"{shown}, {len(driven.shows)} of 52 channels, in {out}", highlight=False)


app.command()(ict)


def eased(replay: Replay) -> Iterator[RigPose]:
    """The poses of a capture; while nobody is there, the last one goes to rest."""
    from .feeds import driving
    from .retarget.pose import ease_to_rest

    ends = [*(moment.time for moment in replay.moments[1:]), replay.seconds]
    last: RigPose | None = None
    for moment, end in zip(replay.moments, ends, strict=True):
        if moment.pose is not None:
            last = driving(moment.pose, eyes=not replay.turned)
            yield last
        elif last is not None:
            until = min(end, moment.time + _FADING)
            for time in np.arange(moment.time, until, _STEP).tolist():
                yield ease_to_rest(last, time - last.time)


def _find(name: str, overrides: Path | None) -> Avatar:
    from . import wardrobe
    from .retarget import overrides as wants

    return wardrobe.find(name, None if overrides is None else wants.read(overrides))


def _counts(model: Model) -> str:
    primitives = [p for mesh in model.meshes for p in mesh.primitives]
    parts = {
        ("node", "nodes"): len(model.nodes),
        ("mesh", "meshes"): len(model.meshes),
        ("vertex", "vertices"): sum(len(p.positions) for p in primitives),
        ("triangle", "triangles"): sum(len(p.triangles) for p in primitives),
        ("morph target", "morph targets"): len({n for mesh in model.meshes for n in mesh.targets}),
    }
    return ", ".join(f"{count:,} {names[count != 1]}" for names, count in parts.items())


def _note(text: str) -> None:
    _err.print(f"[yellow]note:[/] {escape(text)}", highlight=False)
