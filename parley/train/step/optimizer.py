"""How the weights are moved: by AdamW; or the matrices in the layers of encoder, LLM and speech-token LM by Muon, and all else by AdamW."""

import torch
from torch import Tensor, nn

from parley.train.step.distributed import World, share
from parley.train.step.muon import MOMENTUM, Muon

NARROW = 64  # a matrix with a side below has too few singular values: a low-rank or step-size projection


class Optimizers:
    """Several as one, each with its own parameters. AdamW's are moved in every process alike; of those that are `shared`, each moves its
    own, every n-th of n processes, and gets the others: a step of Muon costs as much as many of AdamW."""

    def __init__(self, parts: list[torch.optim.Optimizer], shared: list[nn.Parameter], world: World) -> None:
        self.parts, self.shared, self.world = parts, shared, world
        self.movers = {moved: part for part in parts for group in part.param_groups for moved in group["params"]}
        self.parameters = [*(moved for moved, part in self.movers.items() if part is parts[0]), *shared]

    def step(self, rate: float) -> None:
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate
            part.step()
        share([parameter.detach() for parameter in self.shared], self.world)

    def moments(self) -> dict[str, Tensor]:
        """Their state, by the number of a parameter in `parameters` and the name of what is kept of it: "17.exp_avg". Each process has to
        ask."""
        kept = {moved: {**part.state[moved]} for moved, part in self.movers.items()}
        if self.world.size > 1:
            for moved in self.shared:
                kept.setdefault(moved, {}).setdefault(MOMENTUM, torch.zeros_like(moved))
            share([kept[moved][MOMENTUM] for moved in self.shared], self.world)
        return {f"{n}.{key}": value for n, moved in enumerate(self.parameters) for key, value in kept[moved].items()}

    def restore(self, moments: dict[str, Tensor]) -> None:
        """What `moments` gave of the same parameters."""
        for name, value in moments.items():
            number, _, key = name.partition(".")
            moved = self.parameters[int(number)]
            if part := self.movers.get(moved):
                part.state[moved][key] = value if key == "step" else value.to(moved.device)  # AdamW counts on the CPU


def optimizers(
    model: nn.Module, rate: float, betas: tuple[float, float], weight_decay: float, muon: torch.dtype | None, world: World
) -> Optimizers:
    """For all of `model` that is trained. `muon`: in what it computes, or None for AdamW alone. Weight decay on matrices only; not on
    vectors, nor on Mamba's `A_log` and `D`."""
    kept, inner, others = [], [], []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            vector = parameter.ndim < 2 or name.endswith("A_log")
            (kept if vector else inner if muon and in_layers(name, parameter) else others).append(parameter)
    groups = [{"params": others, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
    parts: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=rate, betas=betas)]
    inner.sort(key=torch.numel, reverse=True)  # so that each process has as much to do
    if muon and (own := inner[world.rank :: world.size]):
        parts.append(Muon(own, rate, weight_decay, muon))
    return Optimizers(parts, inner, world)


def in_layers(name: str, parameter: Tensor) -> bool:
    """A matrix between hidden layers; not a table of embeddings, a head, or a connector."""
    return parameter.ndim == 2 and min(parameter.shape) >= NARROW and not {"layers", "blocks"}.isdisjoint(name.split("."))
