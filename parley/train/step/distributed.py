"""Data parallelism over the processes that `torchrun` started; the only user of torch.distributed. One process: nothing happens."""

import os
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class World:
    """This process among `size`: each takes its own batches, and all make the same step with the mean of their gradients."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """The one process that writes logs and checkpoints."""
        return self.rank == 0


def join() -> World:
    """The world that torchrun describes in the environment; alone without it."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World()
    if not dist.is_initialized():
        backends = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"  # a GPU there need not be the --device
        dist.init_process_group(backends, timeout=timedelta(minutes=30))
    return World(dist.get_rank(), dist.get_world_size())


def usable(device: str) -> str:
    """The name of a device that this torch can compute on: of `cuda` each process of torchrun has its own. ValueError otherwise."""
    try:
        if device == "cuda":
            device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
            torch.cuda.set_device(device)
        torch.zeros(1, dtype=torch.float64, device=device).item()  # the vocoder counts its phase in it; Apple's mps has none
    except (RuntimeError, AssertionError, AttributeError, TypeError) as error:
        missing = device.startswith("cuda") and not torch.cuda.is_available()
        why = "this torch sees no GPU" if missing else str(error).splitlines()[0].split(". ")[0][:200]
        raise ValueError(f"--device {device} cannot be used ({why}); take cpu, or another build of torch") from error
    return device


def average_gradients(parameters: list[nn.Parameter], world: World) -> None:
    """Replaces every gradient by its mean over the world; that of a parameter that was not used is zero, in one as in many."""
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    if world.size == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world.size
    for parameter, gradient in zip(parameters, flat.split([gradient.numel() for gradient in gradients])):
        parameter.grad = gradient.view_as(parameter)


def share(tensors: list[Tensor], world: World) -> None:
    """Writes into all of them, in every process, what the one has whose they are: every n-th of n processes."""
    for rank in range(world.size if world.size > 1 else 0):
        if theirs := tensors[rank :: world.size]:
            flat = torch.cat([tensor.reshape(-1) for tensor in theirs])
            dist.broadcast(flat, rank)
            for tensor, found in zip(theirs, flat.split([tensor.numel() for tensor in theirs])):
                tensor.copy_(found.view_as(tensor))


def all_fine(fine: bool, world: World) -> bool:
    """Whether it is so in every process; each has to ask."""
    if world.size == 1:
        return fine
    wrong = torch.tensor(float(not fine))
    dist.all_reduce(wrong)
    return wrong.item() == 0
