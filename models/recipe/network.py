"""The network: plain 3×3 convolutions with ReLU, which the bin's runtime runs fastest.

In training each block that keeps its shape also adds its input to what its convolution gives, before
the normalisation; folding puts that identity and the normalisation into the convolution's weights
(RepVGG, Ding et al. 2021), so that the network that ships is convolutions and ReLU alone.
"""

import argparse
from dataclasses import dataclass

import torch
from torch import nn


STRIDE = 32  # pixels from cell to cell of the last block, as of the teacher


@dataclass
class Network:
    """What was chosen by measurement: `front.py` and the model card tell what else was tried."""

    side: int = 144  # of the input, in pixels; it is trained on pictures of up to 8/9 of that, and does best on a little more
    widths: tuple[int, ...] = (24, 48, 96, 144, 256)
    depths: tuple[int, ...] = (1, 2, 4, 2, 1)  # blocks per stage; the first of a stage halves the resolution

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--side", type=int, default=Network.side)
        parser.add_argument("--widths", type=int, nargs="+", default=Network.widths)
        parser.add_argument("--depths", type=int, nargs="+", default=Network.depths)

    @staticmethod
    def of(args: argparse.Namespace) -> "Network":
        return Network(args.side, tuple(args.widths), tuple(args.depths))


class Block(nn.Module):
    def __init__(self, width_in: int, width_out: int, stride: int):
        super().__init__()
        self.conv = nn.Conv2d(width_in, width_out, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(width_out)
        self.identity = stride == 1 and width_in == width_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x)
        return torch.relu(self.norm(y + x if self.identity else y))

    def folded(self) -> nn.Conv2d:
        """One convolution with bias that computes the same, ReLU aside, once statistics are frozen."""
        weight = self.conv.weight.detach().double().clone()
        if self.identity:
            index = torch.arange(weight.shape[0])
            weight[index, index, 1, 1] += 1
        scale = self.norm.weight.detach().double() / (self.norm.running_var.double() + self.norm.eps).sqrt()
        conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, self.conv.stride, 1)
        conv.weight.data = (weight * scale[:, None, None, None]).float()
        conv.bias.data = (self.norm.bias.detach().double() - self.norm.running_mean.double() * scale).float()
        return conv


class Backbone(nn.Module):
    """`[n, 3, side, side]` of x/127.5 − 1 → `[n, the last width]`, not negative."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        blocks, width = [], 3
        for width_out, depth in zip(network.widths, network.depths, strict=True):
            for index in range(depth):
                blocks.append(Block(width, width_out, 2 if index == 0 else 1))
                width = width_out
        self.blocks = nn.Sequential(*blocks)

    def cells(self, x: torch.Tensor) -> torch.Tensor:
        """`[n, the last width, cells, cells]`, of which the embedding is the mean."""
        return self.blocks(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cells(x).mean((2, 3))

    def folded(self) -> nn.Module:
        layers: list[nn.Module] = []
        for block in self.blocks:
            layers += [block.folded(), nn.ReLU()]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Student(nn.Module):
    """The backbone with what it learns by: a classifier, and a guess of the teacher's features in each cell."""

    def __init__(self, network: Network, classes: int, teacher: int):
        super().__init__()
        self.backbone = Backbone(network)
        self.classifier = nn.Linear(network.widths[-1], classes)
        self.guess = nn.Conv2d(network.widths[-1], teacher, 1)

    def of(self, cells: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.classifier(cells.mean((2, 3))), self.guess(cells)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.of(self.backbone.cells(x).float())
