"""How nets use the processor while they learn: threads, and memory from one step to the next."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["memory_kept", "threads"]

# Numbers of malloc.h of the GNU C library, and what they stand at in it.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_AS_BEFORE = {_TRIM_THRESHOLD: 128 * 1024, _TOP_PAD: 0, _MMAP_MAX: 65536}
_KEPT = {_TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 2**28, _MMAP_MAX: 0}


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads of torch, and as many as before at the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def memory_kept() -> Iterator[None]:
    """Keep the memory that a step of training frees for the next step, which needs as much again.

    The GNU C library hands large blocks back to the system at once, which clears each page when it
    is asked for again: for cubes of voxels that is much of the work. Does nothing where the C
    library is another one.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    library = ctypes.CDLL(None)
    _set(library, _KEPT)
    try:
        yield
    finally:
        _set(library, _AS_BEFORE)
        library.malloc_trim(ctypes.c_size_t(0))


def _set(library: ctypes.CDLL, values: dict[int, int]) -> None:
    for name, value in values.items():
        library.mallopt(ctypes.c_int(name), ctypes.c_int(value))
