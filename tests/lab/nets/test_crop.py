from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch

from mien.channels import ARKIT_52
from mien.errors import InputError
from mien.lab import nets
from mien.lab.recipe import NetRecipe

TASK = nets.Task("expression", ARKIT_52, 112 * 112)


def create(task: nets.Task = TASK, **options: Any) -> nets.Net:
    torch.manual_seed(0)
    return nets.create(NetRecipe("crop", {"width": 4, "hidden": 8, **options}), task).eval()


def faces(count: int) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(count)
    return {
        "aligned": torch.randn(count, 478, 3, generator=random),
        "rotation": torch.eye(3).expand(count, 3, 3),
        "extra": torch.rand(count, 112 * 112, generator=random),
    }


@pytest.mark.parametrize("landmarks", [True, False])
def test_it_answers_a_batch_face_by_face(landmarks: bool) -> None:
    net = create(landmarks=landmarks)
    given = faces(4)
    net.fit(given)
    values = net(given)
    assert values.shape == (4, 52)
    assert values.std(0).max() > 1e-4
    alone = torch.cat([net({k: v[i : i + 1] for k, v in given.items()}) for i in range(4)])
    torch.testing.assert_close(values, alone, atol=1e-5, rtol=0)


def test_it_looks_at_what_it_says() -> None:
    given = faces(3)
    for name in ("aligned", "extra"):
        both, alone = create(), create(landmarks=False)
        both.fit(given)
        changed = given | {name: given[name].flip(0)}
        assert not torch.allclose(both(given), both(changed))
        assert torch.equal(alone(given), alone(changed)) == (name == "aligned")


def test_light_changes_little() -> None:
    net, given = create(landmarks=False), faces(2)
    darker = {"extra": given["extra"] * 0.5 + 0.1}
    torch.testing.assert_close(net(given), net(darker), atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        (nets.Task("expression", ARKIT_52), {}, "give its sources the option crop = true"),
        (TASK, {"width": 0}, "width is 1 or more"),
        (TASK, {"light": 1.0}, r"dropout and light are in 0\.\.1"),
    ],
)
def test_what_it_refuses(task: nets.Task, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        create(task, **options)
