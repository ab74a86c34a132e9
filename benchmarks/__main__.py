"""``python -m benchmarks [NAME ...]``: measure, print, and write results and page."""

from __future__ import annotations

import argparse
from importlib import import_module

from .report import save

NAMES = (
    "importing", "tracker", "heads", "overlap", "wire", "memory", "smoothing", "retarget", "stream",
    "render", "page",
)  # fmt: skip


def main() -> None:
    """Run the named benchmarks, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    names = parser.parse_args().names or NAMES
    for name in names:
        if name not in NAMES:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(NAMES)}")
    for name in names:
        lines = import_module(f".{name}", __package__).measure()
        save(lines)
        for line in lines:
            print(
                f"{line.name}: {line.value:.2f} {line.unit} (target {line.target}; {line.detail})"
            )


if __name__ == "__main__":
    main()
