from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch

from mien.errors import InputError, OutputError
from mien.lab import checkpoint
from mien.lab.checkpoint import Checkpoint

RECIPE = {"name": "tiny", "train": {"lr": 0.1, "notes": ["é"]}}


def state() -> Checkpoint:
    torch.manual_seed(0)
    return Checkpoint(
        recipe=RECIPE,
        data="abc",
        weights={"a.weight": torch.randn(3, 4), "count": torch.tensor(7)},
        average={"a.weight": torch.randn(3, 4)},
        best={"a.weight": torch.randn(4, 3).T},  # not contiguous
        optimizer={"0.step": torch.tensor(2.0), "0.exp_avg": torch.randn(3, 4)},
        epoch=3,
        steps=30,
        best_epoch=2,
        best_loss=0.1 + 0.2,
        history=[{"epoch": 1, "train": 1 / 3}],
    )


def test_everything_comes_back_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "run" / "checkpoint.safetensors"
    before = state()
    checkpoint.save(path, before)
    after = checkpoint.load(path, RECIPE, "abc")
    for part in ("weights", "average", "best", "optimizer"):
        one, other = getattr(before, part), getattr(after, part)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[k], other[k]) and one[k].dtype == other[k].dtype for k in one)
    for name in ("epoch", "steps", "best_epoch", "best_loss", "history", "ended", "recipe"):
        assert getattr(before, name) == getattr(after, name)
    assert [p.name for p in path.parent.iterdir()] == [path.name]  # nothing temporary is left


def test_a_new_one_replaces_the_old_one_even_while_that_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path, state())
    kept = checkpoint.load(path, RECIPE, "abc")
    changed = state()
    changed.weights["a.weight"].zero_()
    checkpoint.save(path, changed)
    assert kept.weights["a.weight"].abs().sum() > 0


@pytest.mark.parametrize(
    ("recipe", "data", "message"),
    [
        ({**RECIPE, "train": {"lr": 0.2, "notes": ["é"]}}, "abc", "train.lr: 0.1 there, 0.2 here"),
        ({**RECIPE, "name": "other"}, "abc", "another recipe:\n  name: 'tiny' there, 'other' here"),
        ({**RECIPE, "seed": 1}, "abc", "seed: None there, 1 here"),
        (RECIPE, "abd", "was trained on other data"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(
    recipe: dict[str, object], data: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path, state())
    with pytest.raises(InputError) as caught:
        checkpoint.load(path, recipe, data)
    assert message in str(caught.value)
    assert "--out" in str(caught.value)


@pytest.mark.parametrize("size", [0, 4, 100, -1])
def test_a_damaged_file_says_so(size: int, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint.save(path, state())
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match="is damaged"):
        checkpoint.load(path, RECIPE, "abc")


def test_no_file_and_another_kind_of_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no checkpoint .*nothing"):
        checkpoint.load(tmp_path / "nothing", RECIPE, "abc")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(InputError, match="no checkpoint of this version"):
        checkpoint.load(tmp_path / "foreign.safetensors", RECIPE, "abc")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        checkpoint.save(tmp_path / "file" / "checkpoint.safetensors", state())


def test_weights_alone(tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    checkpoint.save_weights(path, state().weights, RECIPE)
    weights, recipe = checkpoint.load_weights(path)
    assert recipe == RECIPE
    assert torch.equal(weights["a.weight"], state().weights["a.weight"])
