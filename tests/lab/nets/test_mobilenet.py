"""MobileNet: its size, its shapes, its two heads."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from mien.lab.nets.mobilenet import MobileNet, without_prefix  # noqa: E402

torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("width", "outputs", "landmarks", "parameters"),
    [
        # 818,592 in front of the heads at half the width, 3,206,976 at the full one.
        (0.5, 62, 0, 818_592 + 62 * 513),
        (0.5, 62, 136, 818_592 + 198 * 513),
        (0.5, 10, 0, 818_592 + 10 * 513),
        (1.0, 62, 0, 3_206_976 + 62 * 1025),
    ],
)
def test_number_of_parameters(width: float, outputs: int, landmarks: int, parameters: int) -> None:
    net = MobileNet(width, outputs, landmarks)
    assert sum(p.numel() for p in net.parameters()) == parameters


@pytest.mark.parametrize("pixels", [120, 64])
@pytest.mark.parametrize("count", [1, 3])
def test_one_row_for_each_picture(count: int, pixels: int) -> None:
    net = MobileNet(0.25, 62, 136).eval()
    x = torch.randn(count, 3, pixels, pixels)
    parameters, landmarks = net.with_landmarks(x)
    assert parameters.shape == (count, 62)
    assert landmarks.shape == (count, 136)
    assert torch.equal(net(x), parameters)


def test_the_picture_shrinks_by_32() -> None:
    net = MobileNet(0.25)
    seen = []
    net.dw6.register_forward_hook(lambda _m, _x, out: seen.append(tuple(out.shape)))
    net.eval()(torch.zeros(1, 3, 120, 120))
    assert seen == [(1, 256, 4, 4)]


def test_without_landmarks_there_is_nothing_to_ask_for() -> None:
    net = MobileNet(0.25, landmarks=0)
    assert not [name for name in net.state_dict() if name.startswith("fc_lm")]
    with pytest.raises(ValueError, match="landmarks=136"):
        net.with_landmarks(torch.zeros(1, 3, 120, 120))


def test_weights_saved_on_several_devices_load_strictly() -> None:
    net, other = MobileNet(0.25).eval(), MobileNet(0.25).eval()
    state = {f"module.{name}": value for name, value in net.state_dict().items()}
    other.load_state_dict(without_prefix(state))
    x = torch.randn(2, 3, 120, 120)
    assert torch.equal(net(x), other(x))


def test_both_losses_reach_the_first_layer() -> None:
    net = MobileNet(0.25)
    parameters, landmarks = net.with_landmarks(torch.randn(2, 3, 64, 64))
    for loss in (parameters.square().mean(), landmarks.square().mean()):
        net.zero_grad()
        loss.backward(retain_graph=True)
        assert float(net.conv1.weight.grad.abs().sum()) > 0
