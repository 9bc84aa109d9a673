"""The layers of a Llama over the few positions of a block: one call for all rows, all layers.

Tokens = the positions that are read in this pass, of all rows; a row that reads none costs nothing.
"""

import ctypes
from dataclasses import dataclass

import torch
from torch import Tensor

from parley.native.library import LANES, Packed, address, kernels, pointer

TOGETHER = 4  # tokens of a row that read the cache together, as in kernels.c


@dataclass(frozen=True)
class LayerWeights:
    """`qkv` and `up` may be several tensors that are read as one: queries, keys, values; gate, value."""

    attention_norm: Tensor
    qkv: list[Tensor]
    out: Tensor
    mlp_norm: Tensor
    up: list[Tensor]
    down: Tensor


@dataclass(frozen=True)
class Positions:
    """Of each token its row and its place in that row's cache, side by side for the tokens of a row, in order. It sees the places up to
    its own, and those from `after` on (in a ring that is full: the oldest). `asked`: the tokens whose output is wanted."""

    row: list[int]
    place: list[int]
    after: list[int]
    asked: list[int]


class CLayer(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("attention_norm", "qkv", "out", "mlp_norm", "up", "down", "keys", "values")]


class CStack(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("layers", "width", "heads", "kv_heads", "head_width", "hidden")),
        ("eps", ctypes.c_float),
        ("norm", ctypes.c_void_p),
        ("row_stride", ctypes.c_long),
        ("head_stride", ctypes.c_long),
    ]


class CPass(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("tokens", "asked_count", "places")),
        *((name, ctypes.c_void_p) for name in ("row", "place", "after", "asked", "cosine", "sine")),
    ]


class Transformer:
    """Copies of the weights. Keys and values stay where the caller has them: (rows, kv_heads, places, head width) a layer."""

    def __init__(self, layers: list[LayerWeights], norm: Tensor, heads: int, kv_heads: int, head_width: int, eps: float) -> None:
        self.width, self.hidden = len(norm), layers[0].down.shape[1]
        self.heads, self.kv_heads, self.head_width, self.eps = heads, kv_heads, head_width, eps
        assert not any(size % LANES for size in (self.width, self.hidden, head_width)), (self.width, self.hidden, head_width)
        self.norm = norm.detach().clone()
        self.layers = (CLayer * len(layers))()
        self.kept: list[Tensor] = []  # what the pointers point at
        for to, layer in zip(self.layers, layers):
            norms = [norm.detach().clone() for norm in (layer.attention_norm, layer.mlp_norm)]
            packed = [Packed(weights).weight for weights in (layer.qkv, [layer.out], layer.up, [layer.down])]
            to.attention_norm, to.mlp_norm = map(address, norms)
            to.qkv, to.out, to.up, to.down = map(address, packed)
            self.kept += [*norms, *packed]

    def __call__(
        self, x: Tensor, turn: tuple[Tensor, Tensor], at: Positions, keys: list[Tensor], values: list[Tensor], tap: int = -1
    ) -> tuple[Tensor, Tensor]:
        """x (tokens, width) with cosines and signed sines (tokens, head width) -> of the asked tokens (asked, width) each: the output after
        the last norm, and what the layer `tap` read. Writes the tokens' keys and values."""
        assert keys[0].stride() == values[0].stride() and keys[0].stride(2) == self.head_width and keys[0].stride(3) == 1
        assert len(x) == len(at.row) == len(at.place) == len(at.after) and len(keys) == len(values) == len(self.layers)
        x = x.clone(memory_format=torch.contiguous_format)
        y, tapped = (x.new_empty(len(at.asked), self.width) for _ in range(2))
        cosine, sine = (part.contiguous() for part in turn)
        row, place, after, asked = (torch.tensor(numbers, dtype=torch.int32) for numbers in (at.row, at.place, at.after, at.asked))
        places = keys[0].shape[2]
        qkv_width = (self.heads + 2 * self.kv_heads) * self.head_width
        size = self.width + max(qkv_width, 2 * self.hidden) + self.heads * self.head_width
        room = x.new_empty(len(x) * size + TOGETHER * (places + LANES))

        layers = type(self.layers).from_buffer_copy(self.layers)
        for layer, k, v in zip(layers, keys, values):
            layer.keys, layer.values = address(k), address(v)
        shape = len(layers), self.width, self.heads, self.kv_heads, self.head_width, self.hidden
        stack = CStack(*shape, self.eps, address(self.norm), keys[0].stride(0), keys[0].stride(1))
        pointers = map(address, (row, place, after, asked, cosine, sine))
        call = CPass(len(x), len(at.asked), places, *pointers)
        found = ctypes.byref(stack), layers, ctypes.byref(call), pointer(x), pointer(y), tap, pointer(tapped), pointer(room)
        kernels().transformer(*found)
        return y, tapped


@dataclass(frozen=True)
class Native:
    """A language model: its layers, and the output layer."""

    layers: Transformer
    head: Packed
