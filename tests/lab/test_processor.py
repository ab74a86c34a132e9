"""Threads and memory while nets learn."""

from __future__ import annotations

import platform
import resource

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


@_glibc
def test_memory_is_used_again_and_only_meanwhile() -> None:
    outside = _pages_cleared()
    with memory_kept():
        _pages_cleared()  # until the library has enough
        inside = _pages_cleared()
    assert inside < outside / 10
    assert _pages_cleared() > outside / 2


@_glibc
def test_memory_goes_back_after_an_error() -> None:
    with memory_kept():
        _pages_cleared()  # until the library has enough
        inside = _pages_cleared()
    with pytest.raises(KeyboardInterrupt), memory_kept():
        raise KeyboardInterrupt
    # Not against a count of bytes: how large a page is, the system chooses from case to case.
    assert _pages_cleared() > 10 * max(inside, 1)


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
