"""Write what the page knows of the server: ``python -m mien.server.codegen [--check]``.

* ``web/src/generated/wire.ts``: the binary messages of ``WS /ws``.
* ``web/src/generated/openapi.json``: requests, answers and JSON messages.
"""

from __future__ import annotations

import argparse
import difflib
import json
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from . import wire
from .app import create_app
from .settings import Settings

__all__ = ["main", "openapi_json", "wire_ts"]

_WEB = Path(__file__).parents[3] / "web"
_TYPES = {"I": "uint32", "f": "float32", "d": "float64"}


def wire_ts() -> str:
    """``wire.ts``: constants, and the place of every field."""
    stages = ", ".join(f'"{stage}"' for stage in wire.STAGES)
    return "\n".join(
        [
            "// Generated from src/mien/server/wire.py by `python -m mien.server.codegen`.",
            "// Little-endian throughout. A value that no model produced is NaN.",
            "",
            f"export const MAGIC = {wire.MAGIC:#x};",
            f"export const WIRE_VERSION = {wire.VERSION};",
            f'export const SUBPROTOCOL = "{wire.SUBPROTOCOL}";',
            "/** The token may be offered as one more subprotocol after this. */",
            f'export const TOKEN_PREFIX = "{wire.TOKEN_PREFIX}";',
            "/** Frames that may be unanswered at a time. */",
            f"export const IN_FLIGHT = {wire.IN_FLIGHT};",
            "",
            "/** What a frame brings: an image file, raw rows, or landmarks and no picture. */",
            *_record("ENCODING", ((e.name, int(e), "") for e in wire.Encoding)),
            "export type Encoding = (typeof ENCODING)[keyof typeof ENCODING];",
            "",
            "/** Codes with which the server closes; a JSON error that says why goes before. */",
            *_record("CLOSE", ((c.name, int(c), "") for c in wire.Close)),
            "",
            "/** Timed in an answer; ANSWER.seconds_wait is the first of as many float32. */",
            f"export const STAGES = [{stages}] as const;",
            "export type Stage = (typeof STAGES)[number];",
            "",
            "/** A frame: this header, then pixels or landmarks. Offsets in bytes. */",
            *_header("FRAME", wire.FRAME_HEADER),
            "",
            "/** An answer: this header, then FACE_FLOATS float32 a face. Offsets in bytes. */",
            *_header("ANSWER", wire.ANSWER_HEADER),
            "",
            "/** One face. Offsets and lengths in float32s from the start of its block. */",
            *_faces(),
            "",
        ]
    )


def openapi_json() -> str:
    """``openapi.json``: the schema as ``GET /openapi.json`` gives it."""
    schema = create_app(Settings()).openapi()
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with ``--check`` only compare; 1 when one was out of date."""
    parser = argparse.ArgumentParser(prog="python -m mien.server.codegen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    parser.add_argument("--web", type=Path, default=_WEB, help="folder of the studio's source")
    options = parser.parse_args(arguments)
    folder = options.web / "src" / "generated"
    stale = 0
    for name, text in (("wire.ts", wire_ts()), ("openapi.json", openapi_json())):
        path = folder / name
        old = path.read_text("utf-8") if path.is_file() else ""
        if old == text:
            continue
        stale = 1
        if options.check:
            difference = difflib.unified_diff(
                old.splitlines(True), text.splitlines(True), str(path), "generated now"
            )
            sys.stdout.writelines(difference)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            sys.stdout.write(f"wrote {path}\n")
    return stale if options.check else 0


def _record(name: str, entries: Iterable[tuple[str, int, str]]) -> list[str]:
    rows = [f"  {key}: {value},{comment and f' // {comment}'}" for key, value, comment in entries]
    return [f"export const {name} = {{", *rows, "} as const;"]


def _header(name: str, fields: tuple[tuple[str, str], ...]) -> list[str]:
    rows, offset = [], 0
    for field, code in fields:
        rows.append((field, offset, _TYPES[code]))
        offset += struct.calcsize(f"<{code}")
    return [*_record(name, rows), f"export const {name}_BYTES = {offset};"]


def _faces() -> list[str]:
    offsets, offset = [], 0
    for field, length in wire.FACE_BLOCK:
        offsets.append((field, offset, ""))
        offset += length
    return [
        *_record("FACE", offsets),
        *_record("FACE_LENGTH", ((field, length, "") for field, length in wire.FACE_BLOCK)),
        "export type FaceField = keyof typeof FACE;",
        f"export const FACE_FLOATS = {offset};",
    ]


if __name__ == "__main__":
    sys.exit(main())
