"""Write the bust's data: ``python -m mien.lab.bust --model ict-facekit.tar.xz``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ... import assets
from ...morphable import ict
from . import data, learn


def main() -> None:
    """Learn the displacements, make the parts, write ``assets/bust.npz``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="ICT-FaceKit, folder or archive")
    parser.add_argument("--cache", type=Path, help="folder for the parsed model")
    parser.add_argument("--people", type=int, default=learn.PEOPLE)
    options = parser.parse_args()
    learnt = learn.displacements(ict.read(options.model, options.cache), options.people)
    arrays = data.pack(data.assemble(learnt))
    file = Path(assets.__file__).parent / "bust.npz"
    temporary = file.with_suffix(".part.npz")
    np.savez_compressed(temporary, **arrays)
    temporary.replace(file)
    print(f"{file.name}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
