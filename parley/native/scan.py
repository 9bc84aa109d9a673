"""The selective scan over whole recordings and back: one call each. The names and shapes are those of parley/encoder/mamba.py."""

import ctypes

import torch
from torch import Tensor

from parley.native.library import address, kernels, pointer

SPAN = 16  # frames, as in scan.c


class CScan(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("frames", "rows", "states", "width")),
        *((name, ctypes.c_void_p) for name in ("x", "dt", "a", "b", "c", "starts")),
    ]


class CGradients(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("y", "x", "dt", "a", "b", "c", "h")]


def described(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, starts: Tensor) -> CScan:
    tensors = x, dt, a, b, c, starts
    assert all(tensor.is_contiguous() for tensor in tensors), [tensor.stride() for tensor in tensors]
    return CScan(*x.shape[:2], *a.shape, *map(address, tensors))


def forwards(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """y, the last h, and what `backwards` takes. x, dt: (frames, rows, d_inner); a: (d_state, d_inner); b, c: (frames, rows, d_state);
    h: (rows, d_state, d_inner)."""
    x, dt, a, b, c = (tensor.contiguous() for tensor in (x, dt, a, b, c))
    last, y = h.clone(memory_format=torch.contiguous_format), torch.empty_like(x)
    starts = h.new_empty(-(-len(x) // SPAN), *h.shape)
    kernels().scan_forward(ctypes.byref(described(x, dt, a, b, c, starts)), pointer(last), pointer(y))
    return y, last, (x, dt, a, b, c, starts)


def backwards(kept: tuple[Tensor, ...], grad_y: Tensor, grad_last: Tensor) -> tuple[Tensor, ...]:
    """The gradients of x, dt, a, b, c and h."""
    x, dt, a, b, c, starts = kept
    grad_x, grad_dt, grad_b, grad_c = map(torch.empty_like, (x, dt, b, c))
    grad_y, grad_a = grad_y.contiguous(), torch.zeros_like(a)
    grad_h = grad_last.clone(memory_format=torch.contiguous_format)
    found = grad_x, grad_dt, grad_a, grad_b, grad_c, grad_h
    kernels().scan_backward(ctypes.byref(described(x, dt, a, b, c, starts)), ctypes.byref(CGradients(*map(address, (grad_y, *found)))))
    return found
