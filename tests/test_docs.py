"""Every example in the documentation runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mien import engines

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"(<!-- not run: .+ -->\n)?```(sh|python)\n(.*?)```", re.S)


def examples(page: Path) -> list[tuple[str, str]]:
    return [(m[2], m[3]) for m in _BLOCK.finditer(page.read_text("utf-8")) if not m[1]]


def test_there_are_examples() -> None:
    assert sum(len(examples(page)) for page in PAGES) >= 10


@pytest.mark.parametrize("page", [p for p in PAGES if examples(p)], ids=lambda p: p.name)
def test_examples_run_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    if engines.available()["facemesh"]:
        pytest.skip("the examples use the default engine, which needs FaceMesh or a pulled model")
    # A page other than the first may read what the README's capture has written.
    run(["capture", "-o", "out", "--no-overlay"], tmp_path) if page.name != "README.md" else None
    for language, code in examples(page):
        if language == "python":
            done = subprocess.run(
                [
                    sys.executable,
                    "-W",
                    "error",
                    "-W",
                    "ignore:Type google._upb:DeprecationWarning",
                    "-c",
                    code,
                ],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{code}\n{done.stderr}"
            continue
        for line in code.splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] == "mien":
                run([*words[1:], *(["-f"] if words[1] == "capture" else [])], tmp_path)
            else:
                assert not words or words[0] in ("make", "source"), f"who runs {line!r}?"


def run(arguments: list[str], folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mien", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "MIEN_HOME": str(folder / "home")},
        check=False,
    )
    assert done.returncode == 0, f"mien {shlex.join(arguments)}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w+)", (ROOT / "README.md").read_text("utf-8"), re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target
