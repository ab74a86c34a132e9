from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch

from mien.errors import InputError
from mien.lab import nets, training
from mien.lab.datasets.samples import Samples
from mien.lab.material import gather
from mien.lab.metrics import regression
from mien.lab.stretch import MOST, stretch

from .conftest import recipe


def shrunken(net: nets.Net, samples: Samples) -> Samples:
    """Samples whose truth goes twice as far as the net's answers, and one that nobody knows."""
    inputs = {name: torch.from_numpy(getattr(samples, name)) for name in net.inputs}
    with torch.no_grad():
        said = net(inputs).numpy()
    middle = said.mean(0)
    target = (middle + (said - middle) / 0.8).astype(np.float32)
    target[:, 7] = np.nan
    return samples._replace(target=target)


@pytest.fixture
def net_and_samples() -> tuple[nets.Net, Samples]:
    plan = recipe()
    material = gather(plan, Path("nowhere"))
    net = training.build(plan, material).eval()
    net.fit({name: torch.from_numpy(getattr(material.samples, name)) for name in net.inputs})
    net.leave[1].weight.data *= 1.5  # moving, yet far from 0 and 1, where answers are cut off
    net.leave[1].bias.data.zero_()
    return net, material.samples


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_slopes_rise_as_far_as_asked(
    power: float, net_and_samples: tuple[nets.Net, Samples]
) -> None:
    net, samples = net_and_samples
    samples = shrunken(net, samples)
    stretch(net, samples, power)
    inputs = {name: torch.from_numpy(getattr(samples, name)) for name in net.inputs}
    moving = np.nanstd(np.nan_to_num(samples.target), axis=0) > 0.03
    moving[7] = False
    assert moving.sum() > 10
    gains = net.gain.numpy()
    np.testing.assert_allclose(gains[moving], 0.8**-power, rtol=1e-3)
    assert gains[7] == 1
    with torch.no_grad():
        slope, _ = regression(samples.target[:, moving], net(inputs).numpy()[:, moving])
    np.testing.assert_allclose(np.median(slope), 0.8 ** (1 - power), rtol=0.02)


def test_gains_have_a_limit(net_and_samples: tuple[nets.Net, Samples]) -> None:
    net, samples = net_and_samples
    few = samples._replace(target=shrunken(net, samples).target * 9)
    stretch(net, few, 1.0)
    assert net.gain.max() == pytest.approx(MOST)


def test_other_nets_are_refused() -> None:
    data = {"sources": [{"name": "made", "options": {"output": "morphable"}}]}
    plan = recipe(output="morphable", net={"kind": "expression_head"}, data=data)
    material = gather(plan, Path("nowhere"))
    with pytest.raises(InputError, match="stretch"):
        stretch(training.build(plan, material), material.samples, 0.5)


def test_the_first_data_set_counts(net_and_samples: tuple[nets.Net, Samples]) -> None:
    net, samples = net_and_samples
    first = shrunken(net, samples)._replace(source=["photographs"] * len(samples))
    stretch(net, first, 1.0)
    alone = net.gain.clone()
    # A second set with half the range, which alone teaches channel 7.
    second = samples._replace(target=(first.target * 0.5))
    second.target[:, 7] = first.target[:, 8]
    net.gain.fill_(1.0)
    stretch(net, Samples.concat([first, second]), 1.0)
    others = np.arange(52) != 7
    np.testing.assert_array_equal(net.gain.numpy()[others], alone.numpy()[others])
