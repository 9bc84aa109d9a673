"""Root mean square normalisation (Zhang and Sennrich, 2019) of the few frames of a block."""

import torch
from torch import Tensor
from torch.nn import functional as F


def rms_norm(x: Tensor, weight: Tensor, eps: float | None) -> Tensor:
    """`F.rms_norm` over the last axis; without gradients on a CPU in half its operators, which there cost more than their numbers."""
    width = x.shape[-1]
    if x.device.type != "cpu" or torch.is_grad_enabled() or x.dtype != torch.float32:
        return F.rms_norm(x, (width,), weight, eps)
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    floor = norm.new_full((), torch.finfo(x.dtype).eps if eps is None else eps)
    return (x * torch.addcmul(floor, norm, norm, value=1 / width).rsqrt_()).mul_(weight)
