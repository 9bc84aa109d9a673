"""Muon (Jordan et al., 2024) makes the singular values of a matrix's step alike, so that what is rare in the gradients is learned with what
is common. Its steps are scaled to the size of AdamW's (Liu et al., 2025, arXiv:2502.16982, section 2.2): one rate and weight decay hold
for both. The steps of `torch.optim.Muon`, but in a precision of choice: its bfloat16 takes fifty times as long on a CPU without it."""

import math

import torch
from torch import Tensor, nn

MOMENTUM = "momentum_buffer"  # what is kept of a matrix
QUINTIC = (3.4445, -4.775, 2.0315)  # of Newton and Schulz: five steps bring the singular values near one


def alike(matrix: Tensor, dtype: torch.dtype) -> Tensor:
    """A (rows, columns) matrix with the same singular vectors, and values of about one; computed in `dtype`."""
    first, third, fifth = QUINTIC
    x = matrix.to(dtype)
    x = x.T if matrix.shape[0] > matrix.shape[1] else x
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        squares = x @ x.T
        x = torch.addmm(x, torch.addmm(squares, squares, squares, beta=third, alpha=fifth), x, beta=first)
    return x.T if matrix.shape[0] > matrix.shape[1] else x


class Muon(torch.optim.Optimizer):
    """For matrices alone."""

    def __init__(self, matrices: list[nn.Parameter], rate: float, weight_decay: float, dtype: torch.dtype, momentum: float = 0.95) -> None:
        super().__init__(matrices, {"lr": rate, "weight_decay": weight_decay, "momentum": momentum})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    kept = self.state[matrix].setdefault(MOMENTUM, torch.zeros_like(matrix))
                    kept.lerp_(matrix.grad, 1 - group["momentum"])
                    step = alike(matrix.grad.lerp(kept, group["momentum"]), self.dtype)
                    matrix.mul_(1 - group["lr"] * group["weight_decay"])
                    matrix.add_(step, alpha=-group["lr"] * 0.2 * math.sqrt(max(matrix.shape)))
