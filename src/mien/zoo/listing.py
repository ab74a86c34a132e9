"""Writes the table of a model of several files: ``python -m mien.zoo.listing CHECKOUT``.

``CHECKOUT`` is a copy of the repository USC-ICT/ICT-FaceKit. Its ``vertex_indices.json`` names the
expressions; with the neutral mesh, that file itself and the licence they are what a head needs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .cache import digest

__all__ = ["ICT", "table"]

ICT = "https://raw.githubusercontent.com/USC-ICT/ICT-FaceKit/master/"


def table(checkout: Path) -> dict[str, object]:
    """``url``, ``licence``, and size and SHA-256 of each file by its path in the repository."""
    folder = "FaceXModel"
    names = json.loads((checkout / folder / "vertex_indices.json").read_text("utf-8"))
    files = ["LICENSE", f"{folder}/vertex_indices.json", f"{folder}/generic_neutral_mesh.obj"]
    files += [f"{folder}/{name}.obj" for name in names["expressions"]]
    return {
        "url": ICT,
        "licence": "MIT",
        "files": {f: [(checkout / f).stat().st_size, digest(checkout / f)] for f in files},
    }


def main() -> None:
    """Write ``assets/ict_facekit.json``."""
    target = Path(__file__).resolve().parents[1] / "assets" / "ict_facekit.json"
    temporary = target.with_suffix(".part")
    temporary.write_text(json.dumps(table(Path(sys.argv[1])), indent=1) + "\n", "utf-8")
    temporary.replace(target)


if __name__ == "__main__":
    main()
