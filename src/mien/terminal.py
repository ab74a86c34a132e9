"""The terminal as mien writes to it: names of files cannot move its cursor or change colours."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

__all__ = ["Terminal", "harmless", "stop_on_signals"]

# Control characters but tab and line feed; what turns the direction of writing around; halves of
# surrogate pairs, which stand for bytes of a name that are no text and cannot be printed at all.
_HARMFUL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def harmless(text: str) -> str:
    r"""``text`` with control characters written out: escape becomes ``\x1b``."""
    return _HARMFUL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Terminal(Console):
    """A console that shows control characters instead of sending them; its own styles stay."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Every string, cells of tables included, before its width is measured."""
        return super().render_str(harmless(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Everything, also what others made into text before."""
        for part in super().render(renderable, options):
            yield part if part.control else Segment(harmless(part.text), part.style)


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Ctrl-C or a TERM signal asks for an orderly end; a second one ends at once."""
    stop = threading.Event()

    def ask(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler)

    kinds = [signal.SIGINT, signal.SIGTERM]
    before = [signal.signal(kind, ask) for kind in kinds]
    try:
        yield stop
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
