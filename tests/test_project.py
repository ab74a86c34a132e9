"""What has to hold for the project as a whole: who imports whom, sizes, versions, cleanliness."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import mien

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"

GROUND = {"arrays", "assets", "channels", "errors", "geometry", "model", "topology", "types"}
ROOMS = {
    "capture", "engines", "feedback", "gltf", "heads", "morphable", "outputs", "render", "retarget",
    "streams", "zoo",
}  # fmt: skip
# What a room may import besides the ground floor and itself.
ALSO = {
    "engines": {"zoo"}, "feedback": {"outputs", "terminal", "zoo"}, "heads": {"zoo"},
    "outputs": {"gltf"}, "retarget": {"gltf"},
}  # fmt: skip
# Nothing imports these, but those beside them.
ENTRANCES = {"cli": {"__main__", "cli"}, "lab": {"lab", "cli"}, "server": {"server", "cli"}}
WORKSHOP_ONLY = {"mlflow", "optuna", "ray", "sklearn", "torch"}
HEAVY = ("cv2", "matplotlib", "mediapipe", "torch")


def modules() -> list[Path]:
    return sorted((SOURCE / "mien").rglob("*.py"))


def room(module: str) -> str:
    """``mien.zoo.spec`` is in the room ``zoo``; the package itself has none."""
    return [*module.split("."), ""][1]


@cache
def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[tuple[str, bool]]:
    """Every module that is imported, absolute, with whether it is when the importer loads."""
    module = name_of(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(path.read_text("utf-8"))
    lazy = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                above = parts[: len(parts) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            # ``from . import engines`` names a module, ``from .types import Face`` what is in one.
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield name, id(node) not in lazy


def is_ours(name: str) -> bool:
    return name == "mien" or name.startswith("mien.")


def allowed(importer: str) -> set[str] | None:
    """The rooms that a room may import; None for all that is inward."""
    if importer in GROUND:
        return GROUND
    if importer in ROOMS:
        return GROUND | {importer} | ALSO.get(importer, set())
    return None


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_import_rules(path: Path) -> None:
    here = room(name_of(path))
    may = allowed(here)
    for name, _ in imports_of(path):
        if not is_ours(name) or name == "mien.__version__":
            continue
        there = room(name)
        assert there, f"{name} is imported from the package itself, which only users do"
        assert here in ENTRANCES.get(there, {here}), f"{name}: nothing imports {there}"
        if may is not None and here:
            assert there in may, f"{name}: {here} may import {sorted(may)}"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_the_workshops_libraries_stay_there(path: Path) -> None:
    if room(name_of(path)) != "lab":
        found = {name.split(".")[0] for name, _ in imports_of(path)}
        assert not found & WORKSHOP_ONLY


def test_the_ground_floor_needs_numpy_only() -> None:
    for path in modules():
        if room(name_of(path)) in GROUND:
            outside = {name.split(".")[0] for name, _ in imports_of(path) if not is_ours(name)}
            assert outside - set(sys.stdlib_module_names) <= {"jaxtyping", "numpy"}, path


def test_the_command_line_loads_the_workshop_late() -> None:
    loaded = [name for name, at_once in imports_of(SOURCE / "mien" / "cli.py") if at_once]
    assert not [name for name in loaded if room(name) == "lab"]


def test_the_rules_are_about_rooms_that_exist() -> None:
    here = {room(name_of(path)) for path in modules()}
    assert here >= GROUND | ROOMS | set(ENTRANCES)


@pytest.mark.parametrize("module", ["mien", "mien.cli", "mien.zoo", "mien.doctor"])
def test_importing_loads_no_heavy_library(module: str) -> None:
    program = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_public_names() -> None:
    assert len(mien.__all__) <= 20
    assert mien.__all__ == sorted(mien.__all__)
    assert dir(mien) == sorted(mien.__all__)
    for name in mien.__all__:
        assert getattr(mien, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mien.nothing  # noqa: B018


def test_modules_are_deep_but_not_long() -> None:
    pages = [p for p in (ROOT / "web" / "src").rglob("*.ts*") if "generated" not in p.parts]
    lengths = {p: len(p.read_text("utf-8").splitlines()) for p in [*modules(), *pages]}
    assert not {str(p.relative_to(ROOT)): n for p, n in lengths.items() if n > 420}
    assert not [p for p in lengths if p.stem in ("utils", "util", "helpers", "misc", "common")]


def test_environment_variables_are_read_in_one_place() -> None:
    reading = re.compile(r"\benviron\b|\bgetenv\b")
    found = [name_of(p) for p in modules() if reading.search(p.read_text("utf-8"))]
    assert found == ["mien.zoo.cache"]  # the server's settings are read by pydantic-settings


@cache
def tracked() -> tuple[Path, ...]:
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return tuple(p for name in listing.split("\0") if name and (p := ROOT / name).is_file())


FORBIDDEN = {
    "a path of one machine": r"(?<![\w.])/(?:work|root|home/\w+)/",
    "a package registry": r"index[-]url|registry\.npmjs|pythonhosted|/simple\b",
    "a resolved address in a lock file": r'"resolved": ["]http',
    "work left for later": r"\b(TODO|FIXME|XXX)\b",
    "a merge conflict": "^(<<<<<<<|>>>>>>>)",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = []
    for path in tracked():
        if path == Path(__file__).resolve():
            continue  # which has to say what it looks for
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        if match := pattern.search(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(ROOT)}:{line}: {match[0]}")
    assert not found


@pytest.mark.parametrize(
    ("what", "example"),
    [
        ("a path of one machine", "see " + "/work" + "/shared"),
        ("a path of one machine", "'/home/ada/face.jpg'"),
        ("a package registry", "--extra-index" + "-url https://example.org"),
        ("a resolved address in a lock file", '  "resolved": ' + '"https://example.org/x.tgz"'),
        ("work left for later", "# TODO: all"),
        ("a merge conflict", "one\n<<<<<<< HEAD"),
    ],
)
def test_the_patterns_find_what_they_are_for(what: str, example: str) -> None:
    assert re.search(FORBIDDEN[what], example, re.MULTILINE)


def test_nothing_big_is_tracked() -> None:
    sizes = {str(p.relative_to(ROOT)): p.stat().st_size for p in tracked()}
    weights = {n: s for n, s in sizes.items() if n.startswith("src/mien/weights/")}
    assert sum(weights.values()) < 25_000_000
    assert not {n: s for n, s in sizes.items() if n not in weights and s > 1_500_000}


def test_one_version_everywhere() -> None:
    declared = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    logged = re.search(r"^## \[(\d.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert declared
    assert logged
    assert declared[1] == logged[1] == mien.__version__


def test_every_dependency_is_pinned_for_tests() -> None:
    listed = (ROOT / "constraints.txt").read_text("utf-8")
    pinned = {line.split("==")[0] for line in listed.splitlines() if "==" in line}
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    run_time = project[project.index("\ndependencies = [") :].partition("\n]")[0]
    named = set(re.findall(r'^  "([a-z0-9-]+)', run_time, re.MULTILINE))
    assert "numpy" in named
    assert named <= pinned


@pytest.mark.parametrize("script", ["scripts/check", "scripts/find-python", ".ci/run"])
def test_scripts_can_be_run(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111
