"""Third-party models: where they come from, and where they lie on this machine.

Nothing is fetched unless :func:`pull` is called (by ``mien pull NAME``), and nothing is used
unless its SHA-256 is the expected one.
"""

from .cache import digest, file, folder, problem
from .pull import path, pull
from .spec import SPECS, ModelSpec, find

__all__ = ["SPECS", "ModelSpec", "digest", "file", "find", "folder", "path", "problem", "pull"]
