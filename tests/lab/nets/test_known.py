"""ResNet50 and VGG16 are those of torchvision by their names, and take weights of that kind."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch
from safetensors.torch import save_file

from mien.channels import EMOTIONS
from mien.errors import InputError
from mien.lab import nets
from mien.lab.recipe import NetRecipe

TASK = nets.Task("emotion", EMOTIONS)


def create(kind: str, **options: Any) -> nets.Net:
    return nets.create(NetRecipe(kind, options), TASK).eval()


def named(net: nets.Net) -> dict[str, Any]:
    """As a file of torchvision has it, with the layer for its thousand classes."""
    last = "fc." if "fc.weight" in net.state_dict() else "classifier."
    tensors = {k: v.clone() for k, v in net.state_dict().items() if not k.startswith(last)}
    tensors.pop("live")
    torch.manual_seed(5)
    for value in tensors.values():
        if value.is_floating_point():
            value.uniform_(0.1, 0.2)
    return tensors | {f"{last}weight": torch.zeros(1000, 2048), f"{last}bias": torch.zeros(1000)}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("kind", "options", "numbers", "some"),
    [
        # torchvision's 25,557,032 and 138,365,992 with a last layer for 7 classes, and for VGG16
        # with one dense layer instead of three.
        ("resnet50", {}, 23_522_375, ("layer3.5.bn3.running_var", "layer1.0.downsample.1.weight")),
        ("vgg16", {"batch_norm": False}, 14_718_279, ("features.28.weight",)),
        ("vgg16", {}, 14_726_727, ("features.40.weight", "features.41.running_mean")),
    ],
    ids=["resnet50", "vgg16", "vgg16_bn"],
)
def test_they_have_the_sizes_and_names_of_torchvision(
    kind: str, options: dict[str, Any], numbers: int, some: tuple[str, ...]
) -> None:
    net = create(kind, **options)
    assert nets.parameters(net) == numbers
    assert set(some) <= set(net.state_dict())
    image = torch.randint(0, 255, (2, 48, 48), dtype=torch.uint8)
    said = net({"image": image})
    assert said.shape == (2, 7)
    torch.testing.assert_close(said.sum(1), torch.ones(2))


Saver = Callable[[dict[str, Any], Path], None]


def _safe(tensors: dict[str, Any], path: Path) -> None:
    save_file({k: v.contiguous() for k, v in tensors.items()}, path)


def _nested(tensors: dict[str, Any], path: Path) -> None:
    held = {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in tensors.items()}}
    torch.save(held, path)


@pytest.mark.parametrize(
    ("name", "save"),
    [("w.pth", torch.save), ("w.safetensors", _safe), ("w.pth", _nested)],
    ids=["pth", "safetensors", "nested"],
)
def test_weights_are_taken_before_the_training(name: str, save: Saver, tmp_path: Path) -> None:
    path = tmp_path / name
    held = named(create("resnet50"))
    held = {k: v for k, v in held.items() if not k.endswith("num_batches_tracked")}
    save(held, path)
    net = create("resnet50", weights=str(path), sha256=sha256(path))
    last, before = net.state_dict()["fc.weight"].clone(), net.state_dict()["conv1.weight"].clone()
    assert not torch.equal(before, held["conv1.weight"])
    net.fit({})
    after = net.state_dict()
    for key in ("conv1.weight", "layer4.2.bn3.running_mean"):
        torch.testing.assert_close(after[key], held[key], rtol=0, atol=0)
    torch.testing.assert_close(after["fc.weight"], last, rtol=0, atol=0)


def _without(tensors: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in tensors.items() if not k.startswith("features.40")}


def _besides(tensors: dict[str, Any]) -> dict[str, Any]:
    return tensors | {"attention.weight": torch.zeros(3)}


def _wrong(tensors: dict[str, Any]) -> dict[str, Any]:
    return tensors | {"features.0.weight": torch.zeros(64, 1, 3, 3)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without, r"it lacks features\.40\.bias, features\.40\.weight$"),
        (_besides, r"it has besides attention\.weight"),
        (_wrong, r"in other shapes features\.0\.weight \(64, 1, 3, 3\) for \(64, 3, 3, 3\)"),
        (lambda _: {}, "holds no tensors by name"),
        (lambda _: [1, 2], "holds no tensors by name"),
    ],
    ids=["missing", "besides", "shapes", "empty", "a list"],
)
def test_weights_of_another_net_are_refused(
    change: Callable[[dict[str, Any]], Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "w.pth"
    torch.save(change(named(create("vgg16"))), path)
    net = create("vgg16", weights=str(path), sha256=sha256(path))
    with pytest.raises(InputError, match=message):
        net.fit({})


@pytest.mark.parametrize(
    ("content", "name", "told", "message"),
    [
        (None, "w.pth", "0" * 64, "there is no file"),
        (b"something", "w.pth", "0" * 64, "is another file than the recipe means; its SHA-256 is"),
        (b"something", "w.pth", "", "wants the file's sha256 beside it"),
        (b"something", "w.pth", None, "neither .safetensors nor a .pth"),
        (b"something", "w.safetensors", None, "neither .safetensors nor a .pth"),
    ],
    ids=["no file", "another", "no sum", "no pth", "no safetensors"],
)
def test_files_that_are_not_taken(
    content: bytes | None, name: str, told: str | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    asked = sha256(path) if told is None else told
    with pytest.raises(InputError, match=message):
        create("vgg16", weights=str(path), sha256=asked).fit({})


class _Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was run",))


def test_a_file_cannot_run_code(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({"conv1.weight": _Harmful()}, path)
    with pytest.raises(InputError, match=r"neither \.safetensors nor a \.pth"):
        create("resnet50", weights=str(path), sha256=sha256(path)).fit({})
