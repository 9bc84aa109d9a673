"""Causal convolution blocks whose left context is data that is passed in: one code path for training and for streaming.

Shapes: rows, frames (any rate), width = channels. A fresh context is zeros, which is the offline left padding.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from parley.native.convolution import ConvBlockWeights, ConvStackKernel
from parley.native.library import Kept, serves

FEW = 16  # frames: up to here a step's kernel is faster than operators


@dataclass(frozen=True)
class StackConfig:
    """`kernel` counts frames, `hidden` is the width inside a block."""

    width: int
    hidden: int
    blocks: int
    kernel: int = 7


@dataclass
class StackState:
    contexts: list[Tensor]  # per block (rows, kernel - 1, width): the last frames that it read


class ConvBlock(nn.Module):
    """ConvNeXt: depthwise convolution over time, then a two-layer perceptron, added to the input."""

    def __init__(self, config: StackConfig):
        super().__init__()
        self.depthwise = nn.Conv1d(config.width, config.width, config.kernel, groups=config.width)
        self.norm = nn.LayerNorm(config.width)
        self.expand = nn.Linear(config.width, config.hidden)
        self.contract = nn.Linear(config.hidden, config.width)

    def forward(self, x: Tensor, before: Tensor, after: Tensor | None = None) -> Tensor:
        """x (rows, frames, width) with its neighbours: `before` + `after` hold kernel - 1 frames in all."""
        window = torch.cat([before, x] if after is None else [before, x, after], dim=1)
        return x + self.contract(nn.functional.gelu(self.expand(self.norm(self.convolve(window, x.shape[1])))))

    def weights(self) -> ConvBlockWeights:
        taps, bias = self.depthwise.weight[:, 0], self.depthwise.bias
        assert bias is not None
        expand, contract = self.expand, self.contract
        norms = self.norm.weight, self.norm.bias
        return ConvBlockWeights(taps, bias, *norms, expand.weight, expand.bias, contract.weight, contract.bias)

    def convolve(self, window: Tensor, frames: int) -> Tensor:
        """(rows, kernel - 1 + frames, width) -> (rows, frames, width); on a CPU much faster than the general convolution."""
        mixed, weight = self.depthwise.bias, self.depthwise.weight[:, 0]
        assert mixed is not None
        for delay, tap in enumerate(weight.unbind(1)):
            mixed = torch.addcmul(mixed, window[:, delay : delay + frames], tap)
        return mixed


class CausalStack(nn.Module):
    """Blocks that see the past only."""

    def __init__(self, config: StackConfig):
        super().__init__()
        self.config = config
        self.blocks = nn.ModuleList(ConvBlock(config) for _ in range(config.blocks))
        self._native: Kept[ConvStackKernel] = Kept()

    def init_state(self, rows: int) -> StackState:
        weight = next(self.parameters())
        return StackState([weight.new_zeros(rows, self.config.kernel - 1, self.config.width) for _ in self.blocks])

    def advance(self, x: Tensor, state: StackState) -> tuple[Tensor, StackState]:
        """x (rows, frames, width) after `state` -> the output for these frames, and the state after them."""
        if x.shape[1] <= FEW and serves(x, (self.config.width, self.config.hidden)):
            x, contexts = self.native()(x, state.contexts)
            return x, StackState(contexts)
        contexts = []
        for block, context in zip(self.blocks, state.contexts):
            contexts.append(torch.cat([context, x], dim=1)[:, -context.shape[1] :])
            x = block(x, context)
        return x, StackState(contexts)

    def native(self) -> ConvStackKernel:
        blocks = [block for block in self.blocks if isinstance(block, ConvBlock)]
        return self._native.of(self, lambda: ConvStackKernel([block.weights() for block in blocks], blocks[0].norm.eps))


class CentredStack(nn.Module):
    """The same blocks looking equally far to both sides; offline only."""

    def __init__(self, config: StackConfig):
        super().__init__()
        self.side = config.kernel // 2
        self.blocks = nn.ModuleList(ConvBlock(config) for _ in range(config.blocks))

    def forward(self, x: Tensor) -> Tensor:
        pad = x.new_zeros(len(x), self.side, x.shape[2])
        for block in self.blocks:
            x = block(x, pad, pad)
        return x
