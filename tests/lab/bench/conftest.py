"""Made faces of two classes in place of FER-2013, and recipes that learn them in a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mien.lab import datasets
from mien.lab.datasets.samples import Samples

from ..made_faces import made

NETS = {
    "points": 'kind = "mlp"\nhidden = 16\ndepth = 0\noutput = "softmax"\n',
    "pictures": 'kind = "residual"\nwidth = 8\nblocks = 1\n',
}


def _write(name: str, epochs: int = 3) -> None:
    folder = Path("recipes")
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(
        f'name = "tiny-{name}"\noutput = "emotion"\n'
        '[[data.sources]]\nname = "fer2013-emotions"\n'
        f'[net]\n{NETS[name]}[loss]\nkind = "cross_entropy"\n'
        f"[train]\nepochs = {epochs}\nbatch = 16\nlr = 0.01\n"
    )


@pytest.fixture(scope="session")
def samples() -> Samples:
    return made(64, 32)


@pytest.fixture
def write() -> Callable[..., None]:
    """Writes ``recipes/<name>.toml``."""
    return _write


@pytest.fixture
def folder(tmp_path: Path, samples: Samples, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with ``recipes/points.toml`` and ``recipes/pictures.toml``."""
    datasets.names()  # so that they register themselves first
    monkeypatch.setitem(datasets._READERS, "fer2013-emotions", lambda *_: samples)
    monkeypatch.setitem(datasets._COVERAGE, "fer2013-emotions", lambda *_: {})
    monkeypatch.chdir(tmp_path)
    for name in NETS:
        _write(name)
    return tmp_path
