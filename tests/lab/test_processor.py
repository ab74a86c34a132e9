"""Threads and memory while nets learn."""

from __future__ import annotations

import platform
import resource
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from mien.lab.processor import memory_kept, threads

_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="memory is kept by the GNU C library alone"
)


def _pages_cleared() -> int:
    """By twenty steps that need 64 MB each."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def _resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@_glibc
def test_memory_is_used_again() -> None:
    with memory_kept():
        _pages_cleared()  # until the library has enough
        assert _pages_cleared() < 20 * 2**26 / resource.getpagesize() / 10


@_glibc
@pytest.mark.parametrize("error", [False, True])
def test_memory_goes_back_at_the_end(error: bool) -> None:
    kept = 0
    with suppress(KeyboardInterrupt), memory_kept():
        _pages_cleared()
        kept = _resident()
        if error:
            raise KeyboardInterrupt
    # How often pages are cleared afterwards depends on what else is free by then.
    assert kept - _resident() > 2**25


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", None)  # not to be called
    with memory_kept():
        pass


def test_threads_are_as_before_at_the_end() -> None:
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with pytest.raises(KeyboardInterrupt), threads(before + 1):
        raise KeyboardInterrupt
    assert torch.get_num_threads() == before
