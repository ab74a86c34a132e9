from __future__ import annotations

import threading
from collections.abc import Generator

import numpy as np
import pytest

from mien.capture import Source, open_source, safe_name
from mien.capture.source import Window
from mien.errors import InputError
from mien.types import Frame


class Film(Source):
    """Three frames; says what became of it."""

    def __init__(self) -> None:
        super().__init__("a film", "video", size=(2, 2), frames=3)
        self.released = 0
        self.reading = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def _read(self) -> Generator[Frame, None, None]:
        for index in range(3):
            self.reading.set()
            assert self.go_on.wait(20)
            yield Frame(np.zeros((2, 2, 3), np.uint8), index / 10, index)

    def _release(self) -> None:
        self.released += 1


def test_it_is_read_once_and_goes_on_where_it_stopped():
    with Film() as film:
        assert next(iter(film)).index == 0
        assert [f.index for f in film] == [1, 2]
        assert list(film) == []
    assert film.released == 1


def test_closing_ends_reading_and_happens_once():
    film = Film()
    frames = iter(film)
    next(frames)
    film.close()
    film.close()
    assert film.released == 1
    assert list(frames) == []
    assert list(film) == []


def test_closing_without_having_read():
    film = Film()
    film.close()
    assert film.released == 1
    assert list(film) == []


def test_an_error_on_the_way_closes_it():
    film = Film()
    with pytest.raises(RuntimeError), film:
        raise RuntimeError
    assert film.released == 1


def test_closing_from_another_thread_waits_for_the_frame_being_read():
    film = Film()
    film.go_on.clear()
    got: list[int] = []
    reader = threading.Thread(target=lambda: got.extend(f.index for f in film))
    reader.start()
    assert film.reading.wait(20)
    closer = threading.Thread(target=film.close)
    closer.start()
    assert film.released == 0
    film.go_on.set()
    reader.join(20)
    closer.join(20)
    assert film.released == 1
    assert got == list(range(len(got)))


def test_it_says_what_it_is():
    assert repr(Film()) == "<Film 'a-film' video (2, 2)>"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("holiday", "holiday"),
        ("my talk (final)", "my-talk-final"),
        ("größe 3", "größe-3"),
        ("../../etc/passwd", "etc-passwd"),
        ("a/b\\c:d*e?f", "a-b-c-d-e-f"),
        (".hidden", "hidden"),
        ("v1.2", "v1.2"),
        ("", "source"),
        ("...", "source"),
        ("???", "source"),
        ("con", "_con"),
        ("LPT1.txt", "_LPT1.txt"),
        ("console", "console"),
        ("line\nbreak\0", "line-break"),
        ("x" * 300, "x" * 80),
    ],
)
def test_names_are_good_for_files(text: str, name: str):
    assert safe_name(text) == name


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"start": -1.0}, "start: expected seconds from 0, got -1"),
        ({"start": float("nan")}, "start: expected seconds"),
        ({"start": float("inf")}, "start: expected seconds"),
        ({"start": 2.0, "end": 2.0}, "end: expected seconds behind start 2.0, got 2.0"),
        ({"end": 0.0}, "end: expected seconds behind start"),
        ({"end": float("nan")}, "end: expected seconds behind start"),
        ({"stride": 0}, "stride: expected 1"),
    ],
)
def test_windows_that_make_no_sense(values: dict[str, float], message: str):
    with pytest.raises(InputError, match=message):
        Window(**values)
    with pytest.raises(InputError, match=message):
        open_source("whatever.mp4", **values)


@pytest.mark.parametrize(
    ("window", "frames", "fps", "expected"),
    [
        (Window(), None, None, None),
        (Window(), 100, None, 100),
        (Window(stride=3), 100, None, 34),
        (Window(start=1), 100, 25.0, 75),
        (Window(start=1), 100, None, None),
        (Window(end=1), 100, 25.0, 25),
        (Window(end=1), None, 25.0, 25),
        (Window(start=9), 100, 25.0, 0),
        (Window(start=1, end=2, stride=5), 100, 25.0, 5),
    ],
)
def test_expected_count(
    window: Window, frames: int | None, fps: float | None, expected: int | None
):
    assert window.count(frames, fps) == expected
