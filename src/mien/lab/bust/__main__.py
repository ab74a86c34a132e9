"""Make the bust: its data from ICT-FaceKit, or the picture of its targets.

::

    python -m mien.lab.bust --model ict-facekit.tar.xz
    python -m mien.lab.bust --gallery docs/bust.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ... import assets
from ...morphable import ict
from . import data, gallery, learn


def main() -> None:
    """Write ``assets/bust.npz``, the gallery, or both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="ICT-FaceKit, folder or archive")
    parser.add_argument("--cache", type=Path, help="folder for the parsed model")
    parser.add_argument("--people", type=int, default=learn.PEOPLE, help="whose faces are averaged")
    parser.add_argument("--gallery", type=Path, help="picture to write")
    options = parser.parse_args()
    if options.model is None and options.gallery is None:
        parser.error("nothing to do: name --model, --gallery or both")
    if options.model is not None:
        learnt = learn.displacements(ict.read(options.model, options.cache), options.people)
        arrays = data.pack(data.assemble(learnt))
        file = Path(assets.__file__).parent / "bust.npz"
        temporary = file.with_suffix(".part.npz")
        np.savez_compressed(temporary, **arrays)
        temporary.replace(file)
        print(f"{file.name}: {file.stat().st_size:,} bytes")
    if options.gallery is not None:
        gallery.write(options.gallery)
        print(f"{options.gallery.name}: {options.gallery.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
