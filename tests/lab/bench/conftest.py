"""Made faces of two classes in place of FER-2013, and recipes that learn them in a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.channels import EMOTIONS
from mien.lab import datasets
from mien.lab.datasets.samples import MISSED, Samples
from mien.topology import CANONICAL

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
    """96 faces, 64 to learn from; the last of each part was not found."""
    random = np.random.default_rng(0)
    count = 96
    happy = np.arange(count) % 2 == 1
    target = np.zeros((count, 7), np.float32)
    target[np.arange(count), np.where(happy, EMOTIONS.index("happy"), EMOTIONS.index("sad"))] = 1
    aligned = (CANONICAL + random.normal(0, 0.05, (count, 478, 3))).astype(np.float32)
    aligned[happy, ::3, 1] += 0.3
    image = random.integers(90, 110, (count, 48, 48)).astype(np.uint8)
    image[happy, 30:40] += 60
    names = [f"{i}.jpg" for i in range(count)]
    return Samples(
        names=names,
        subjects=names,
        engine=[MISSED if i in (63, 95) else "facemesh" for i in range(count)],
        source=["fer2013-emotions"] * count,
        aligned=aligned,
        rotation=np.repeat(np.eye(3, dtype=np.float32)[None], count, 0),
        pixels=aligned,
        size=np.full((count, 2), 48, np.int32),
        target=target,
        channels=EMOTIONS,
        split=["train"] * 64 + ["validation"] * 32,
        image=image,
    )


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
