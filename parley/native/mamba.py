"""Mamba blocks over the few frames of a step: one call for all rows, all layers. The names are those of parley/encoder/mamba.py."""

import ctypes
from dataclasses import dataclass

import torch
from torch import Tensor

from parley.native.library import LANES, Packed, address, kernels, pointer


@dataclass(frozen=True)
class MambaWeights:
    """`taps` (d_inner, d_conv), `a` (d_state, d_inner), negative."""

    norm: Tensor
    in_proj: Tensor
    taps: Tensor
    conv_bias: Tensor
    x_proj: Tensor
    dt_proj: Tensor
    dt_bias: Tensor
    a: Tensor
    d: Tensor
    out_proj: Tensor


class CMambaLayer(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_void_p) for name in ("norm", "in_proj", "taps", "conv_bias", "x_proj", "dt_proj", "dt_bias", "a", "d", "out_proj")
    ]


class CMambaShape(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("layers", "d_model", "d_inner", "d_state", "d_conv", "rank")),
        ("eps", ctypes.c_float),
        ("norm", ctypes.c_void_p),
    ]


class MambaKernel:
    """Copies of the weights."""

    def __init__(self, layers: list[MambaWeights], norm: Tensor, eps: float) -> None:
        first = layers[0]
        self.d_model, self.d_inner = len(norm), len(first.d)
        self.rank, self.d_state, self.d_conv = first.dt_proj.shape[1], len(first.a), first.taps.shape[1]
        assert not self.d_model % LANES and not self.d_inner % LANES, (self.d_model, self.d_inner)
        self.eps, self.norm = eps, norm.detach().clone()
        self.layers = (CMambaLayer * len(layers))()
        self.kept: list[Tensor] = []  # what the pointers point at
        for to, layer in zip(self.layers, layers):
            parts = layer.taps.T, layer.conv_bias, layer.norm, layer.dt_bias, layer.a, layer.d
            copies = [part.detach().clone(memory_format=torch.contiguous_format) for part in parts]
            packed = [Packed([weight]).weight for weight in (layer.in_proj, layer.x_proj, layer.dt_proj, layer.out_proj)]
            to.taps, to.conv_bias, to.norm, to.dt_bias, to.a, to.d = map(address, copies)
            to.in_proj, to.x_proj, to.dt_proj, to.out_proj = map(address, packed)
            self.kept += [*copies, *packed]

    def __call__(self, x: Tensor, rows: Tensor, conv: Tensor, ssm: Tensor) -> Tensor:
        """x (len(rows), frames, d_model), the next frames of `rows` -> the same shape. conv (all rows, layers, d_conv - 1, d_inner) and
        ssm (all rows, layers, d_state, d_inner) go on in place."""
        x, y, rows = x.clone(memory_format=torch.contiguous_format), torch.empty_like(x, memory_format=torch.contiguous_format), rows.int()
        size = self.d_model + 3 * self.d_inner + self.rank + 2 * self.d_state
        room = x.new_empty(x.shape[0] * x.shape[1] * size)
        shape = CMambaShape(
            len(self.layers), self.d_model, self.d_inner, self.d_state, self.d_conv, self.rank, self.eps, address(self.norm)
        )
        sizes = len(rows), x.shape[1]
        kernels().mamba(ctypes.byref(shape), self.layers, pointer(rows), *sizes, *map(pointer, (x, y, conv, ssm, room)))
        return y
