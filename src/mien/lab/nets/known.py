"""Two nets that everybody knows, on the grey picture as red, green and blue alike.

* ``resnet50``: He et al., "Deep residual learning for image recognition" (CVPR 2016), with the
  stride in the 3x3 convolution, as torchvision has it.
* ``vgg16``: Simonyan and Zisserman (ICLR 2015), its thirteen convolutions; a picture of 48 pixels
  ends as one pixel there, so one dense layer takes the place of the three.

Layers have the names that torchvision gives them, so that weights of its kind fit, from ImageNet or
from faces. They are read from a file of yours, whose checksum the recipe holds. The first layer
then sees grey in three channels, and the last, which tells other classes, starts afresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from . import Task, foreign, register
from .classifier import check_share
from .light import Light
from .pictures import PictureNet

__all__ = ["ResnetOptions", "VggOptions"]


@dataclass(frozen=True)
class ResnetOptions:
    """What a recipe can say under ``[net]``.

    Attributes:
        weights: file to start from, ``.pth`` or ``.safetensors``; empty for random ones.
        sha256: of that file.
        dropout: before the last layer.
        normalise: as in ``cnn``.
    """

    weights: str = ""
    sha256: str = ""
    dropout: float = 0.3
    normalise: Light = "standard"

    def __post_init__(self) -> None:
        foreign.check_sha256(self.weights, self.sha256)
        check_share(dropout=self.dropout)


@dataclass(frozen=True)
class VggOptions:
    """What a recipe can say under ``[net]``.

    Attributes:
        batch_norm: after each convolution, as torchvision's vgg16_bn has it; without it a start
            from random weights hardly learns.
        weights: file to start from, ``.pth`` or ``.safetensors``; empty for random ones.
        sha256: of that file.
        dropout: before the last layer.
        normalise: as in ``cnn``.
    """

    batch_norm: bool = True
    weights: str = ""
    sha256: str = ""
    dropout: float = 0.5
    normalise: Light = "standard"

    def __post_init__(self) -> None:
        foreign.check_sha256(self.weights, self.sha256)
        check_share(dropout=self.dropout)


class _Known(PictureNet):
    """A net whose first weights may come from a file."""

    last: str  # the layers that no file fills

    def __init__(self, options: ResnetOptions | VggOptions, task: Task) -> None:
        super().__init__(task, options.normalise)
        self.options = options
        self.dropout = nn.Dropout(options.dropout)

    def start(self) -> None:
        """Random weights as their authors drew them (He et al., ICCV 2015)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                module.weight.data = module.weight.data.contiguous(
                    memory_format=torch.channels_last
                )

    def fit(self, samples: Mapping[str, Tensor]) -> None:
        """Take the weights of the file, once, before the training."""
        del samples
        if self.options.weights:
            path = Path(self.options.weights)
            tensors = foreign.read(path, self.options.sha256)
            foreign.pour(self, tensors, (self.last, "live"), path)  # no file has `live`: it is ours


class _Bottleneck(nn.Module):
    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        outside = 4 * width
        self.conv1 = nn.Conv2d(inside, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outside, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outside)
        self.downsample: nn.Module | None = None
        if stride > 1 or inside != outside:
            self.downsample = nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
            )

    def forward(self, x: Tensor) -> Tensor:
        short = x if self.downsample is None else self.downsample(x)
        change = torch.relu(self.bn1(self.conv1(x)))
        change = torch.relu(self.bn2(self.conv2(change)))
        return torch.relu(short + self.bn3(self.conv3(change)))


@register("resnet50", ResnetOptions)
class Resnet50(_Known):
    """3, 4, 6 and 3 bottlenecks of 64, 128, 256 and 512."""

    last = "fc."

    def __init__(self, options: ResnetOptions, task: Task) -> None:
        super().__init__(options, task)
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, 2, 1)
        inside, stages = 64, []
        for number, count in enumerate((3, 4, 6, 3)):
            width, blocks = 64 << number, []
            for block in range(count):
                stride = 2 if block == 0 and number else 1
                blocks.append(_Bottleneck(inside, width, stride))
                inside = 4 * width
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.fc = nn.Linear(inside, len(task.channels))
        self.start()

    def look(self, image: Tensor) -> Tensor:
        """See :class:`PictureNet`."""
        x = self.pool(torch.relu(self.bn1(self.conv1(image.expand(-1, 3, -1, -1)))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        answer: Tensor = self.fc(self.dropout(x.mean((2, 3))))
        return answer


@register("vgg16", VggOptions)
class Vgg16(_Known):
    """Convolutions of 64 64, 128 128, 256 256 256, 512 512 512 and 512 512 512, with pooling."""

    last = "classifier."

    def __init__(self, options: VggOptions, task: Task) -> None:
        super().__init__(options, task)
        layers: list[nn.Module] = []
        inside = 3
        for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(count):
                layers.append(nn.Conv2d(inside, width, 3, padding=1))
                layers += [nn.BatchNorm2d(width)] if options.batch_norm else []
                layers.append(nn.ReLU())
                inside = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(inside, len(task.channels))
        self.start()

    def look(self, image: Tensor) -> Tensor:
        """See :class:`PictureNet`."""
        x = self.features(image.expand(-1, 3, -1, -1))
        answer: Tensor = self.classifier(self.dropout(x.mean((2, 3))))
        return answer
