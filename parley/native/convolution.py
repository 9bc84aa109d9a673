"""A stack of causal ConvNeXt blocks over the few frames of a step: one call for all rows, all blocks."""

import ctypes
from dataclasses import dataclass

import torch
from torch import Tensor

from parley.native.library import LANES, Packed, address, kernels, pointer


@dataclass(frozen=True)
class ConvBlockWeights:
    """`taps` (width, kernel); `expand` (hidden, width), `contract` (width, hidden)."""

    taps: Tensor
    bias: Tensor
    norm: Tensor
    norm_bias: Tensor
    expand: Tensor
    expand_bias: Tensor
    contract: Tensor
    contract_bias: Tensor


class CConvBlock(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_void_p)
        for name in ("taps", "bias", "norm", "norm_bias", "expand", "expand_bias", "contract", "contract_bias", "before", "after")
    ]


class ConvStackKernel:
    """Copies of the weights."""

    def __init__(self, blocks: list[ConvBlockWeights], eps: float) -> None:
        self.width, self.kernel = blocks[0].taps.shape
        self.hidden, self.eps = len(blocks[0].expand), eps
        assert not self.width % LANES and not self.hidden % LANES, (self.width, self.hidden)
        self.blocks = (CConvBlock * len(blocks))()
        self.kept: list[Tensor] = []  # what the pointers point at
        for to, block in zip(self.blocks, blocks):
            parts = block.taps.T, block.bias, block.norm, block.norm_bias, block.expand_bias, block.contract_bias
            copies = [part.detach().clone(memory_format=torch.contiguous_format) for part in parts]
            packed = [Packed([weight]).weight for weight in (block.expand, block.contract)]
            to.taps, to.bias, to.norm, to.norm_bias, to.expand_bias, to.contract_bias = map(address, copies)
            to.expand, to.contract = map(address, packed)
            self.kept += [*copies, *packed]

    def __call__(self, x: Tensor, before: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """x (rows, frames, width) after the contexts `before` (rows, kernel - 1, width) of each block -> the output, and they after it."""
        x, before = x.clone(memory_format=torch.contiguous_format), [context.contiguous() for context in before]
        after = [torch.empty_like(context) for context in before]
        blocks = (CConvBlock * len(before)).from_buffer_copy(self.blocks)
        for block, old, new in zip(blocks, before, after):
            block.before, block.after = address(old), address(new)
        rows, frames, width = x.shape
        room = x.new_empty(rows * frames * (width + self.hidden))
        shape = rows, frames, width, self.hidden, self.kernel, ctypes.c_float(self.eps)
        kernels().conv_stack(blocks, len(blocks), *shape, pointer(x), pointer(room))
        return x, after
