"""Stage 3, preference: when to yield and when to go on, learned from the model's own mistakes by DPO, mixed with plain stage-2 batches of
other tasks (paper, section 4.1; Rafailov et al., 2023).

The reference is the model as the stage finds it. It never changes, and neither do the pairs; so what it thinks of them is computed once,
before the first step, and no second model is kept. The backbone trains (its LoRA, where it has one); all else stays.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional as F

from parley.llm.batch import Batch
from parley.llm.layout import Region
from parley.models.checkpoint import save_model
from parley.models.salmonn_omni import SalmonnOmni
from parley.train.encoder import heard
from parley.train.listening import Perturbation
from parley.train.loop import LoopConfig, precision, train
from parley.train.preference.pairs import PairBatch, PairDataset
from parley.train.step.distributed import join, share


@dataclass(frozen=True)
class Stage3Config:
    """`pairs`: of a batch; `beta`: how dear it is to leave the reference; `per_slot`: compare means over the slots instead of sums, which
    favour the shorter side; `sft`: weight of the plain loss. Beta and weight are not in the paper."""

    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(
            steps=40, rate=1e-6, warmup=0, batches=16, log_every=1, validate_every=2, validate_before=True, save_every=10
        )
    )
    pairs: int = 16
    beta: float = 0.1
    region: Region = Region.ONWARD
    per_slot: bool = False
    sft: float = 1.0
    plain_s: float = 15.0  # of plain dialogues beside the pairs of a batch; the paper has as many as pairs
    validation_pairs: int = 64  # held-out ones, at most
    perturbation: Perturbation | None = field(default=Perturbation())  # of the plain batches


@dataclass
class MixedBatch:
    pairs: PairBatch
    reference: Tensor  # (2n,) log-probabilities of the two sides
    plain: Batch | None  # None: in validation


def log_probability(model: SalmonnOmni, batch: Batch, per_slot: bool) -> Tensor:
    """(rows,): of the labels whose slots have a weight, summed or as a mean."""
    logits, _ = model(batch)
    each = -F.cross_entropy(logits.transpose(1, 2), batch.labels, reduction="none")
    total = (each * batch.weights).sum(1)
    return total / batch.weights.sum(1) if per_slot else total


def preference_loss(policy: Tensor, reference: Tensor, beta: float) -> dict[str, Tensor]:
    """DPO, equation 7 of Rafailov et al.: both (2n,), log-probabilities of n chosen sides, then of their rejected ones."""
    chosen, rejected = (beta * (policy - reference)).chunk(2)  # the implicit rewards
    margin = chosen - rejected
    return {
        "preference": -F.logsigmoid(margin).mean(),
        "margin": margin.mean(),
        "reward_accuracy": (margin > 0).float().mean(),
        "chosen_reward": chosen.mean(),
        "rejected_reward": rejected.mean(),
    }


def in_order(data: PairDataset, most: int | None = None) -> list[list[int]]:
    """The numbers of the pairs of `data`, or of the first `most`, a batch at a time."""
    numbers = list(range(len(data.pairs)))[:most]
    return [numbers[start : start + data.rows] for start in range(0, len(numbers), data.rows)]


@torch.no_grad()
def opinion(model: SalmonnOmni, data: PairDataset, per_slot: bool, most: int | None = None) -> Tensor:
    """(pairs, 2): the log-probabilities of both sides of every pair of `data`, or of the first `most`. Processes share the work."""
    world, device = join(), model.stream.device
    every = [torch.empty(2 * len(part), device=device) for part in in_order(data, most)]
    for number, part in enumerate(track(in_order(data, most), "reference")):
        if number % world.size == world.rank:
            every[number] = log_probability(model.eval(), data.of(part).both.to(device), per_slot).float()
    share(every, world)
    return torch.cat([both.view(2, -1).T for both in every]).cpu()


def run(
    model: SalmonnOmni,
    pairs: PairDataset,
    plain_at: Callable[[int], Batch],
    held_out: PairDataset | None,
    measure: Callable[[], dict[str, float]] | None,
    config: Stage3Config,
    folder: Path,
) -> None:
    """Trains `model` in place; leaves checkpoints, logs and the finished `folder/model`. `held_out`: pairs for validation; `measure`: what
    else is logged with it, as precision, recall and F1 of yielding."""
    device = model.stream.device

    def losses(batch: MixedBatch) -> dict[str, Tensor]:
        policy = log_probability(model, batch.pairs.both.to(device), config.per_slot)
        terms = preference_loss(policy, batch.reference.to(device), config.beta)
        terms["loss"] = terms["preference"]
        if batch.plain is not None:
            plain = batch.plain.to(device)
            terms["plain"] = model.loss(plain, heard(model.encoder, plain, config.perturbation))["loss"]
            terms["loss"] = terms["loss"] + config.sft * terms["plain"]
        return terms

    for module in model.backbone.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # the reference has none: with it their first difference would be noise
    for part in (model.encoder, model.connector, model.synthesizer):
        part.requires_grad_(False)
    model.stream.requires_grad_(False)
    with precision(config.loop, device):
        reference = opinion(model, pairs, config.per_slot)
        of_held_out = opinion(model, held_out, config.per_slot, config.validation_pairs) if held_out else torch.empty(0, 2)
    validation = []
    if held_out:
        every = [held_out.of(part) for part in in_order(held_out, config.validation_pairs) if len(part) == held_out.rows]
        validation = [MixedBatch(batch, of_held_out[batch.numbers].T.flatten(), None) for batch in every]

    def batch_at(step: int) -> MixedBatch:
        batch = pairs.batch(step)
        return MixedBatch(batch, reference[batch.numbers].T.flatten(), plain_at(step))

    if train(model, losses, batch_at, config.loop, folder, validation, measure):
        save_model(model, folder / "model")
