"""Stage 1, streaming understanding: connector and backbone learn when a question ends and what its answer is.

Paper, section 4.1: QA without the assistant stream, the encoder as its pre-training left it (parley/train/encoder.py). A small backbone
that is trained from scratch trains whole. A second loss ties speech to text: the embedding of the block at whose end an answer is decided
on, given to the LLM's own output layer, names the words of the answer. Without it such a backbone uses a fraction of what its encoder has
understood.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from parley.llm.batch import Batch
from parley.models.checkpoint import save_model
from parley.models.salmonn_omni import SalmonnOmni
from parley.train.encoder import heard
from parley.train.listening import Perturbation, words_missed
from parley.train.loop import LoopConfig, train


@dataclass(frozen=True)
class Stage1Config:
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=10000, rate=1.5e-3))
    perturbation: Perturbation | None = field(default=Perturbation())
    meaning: float = 1.0  # weight of the second loss


def run(model: SalmonnOmni, batch_at: Callable[[int], Batch], validation: list[Batch], config: Stage1Config, folder: Path) -> None:
    """Trains `model` in place; leaves checkpoints, logs and the finished `folder/model`."""
    torch.manual_seed(config.loop.seed)
    still = (model.encoder, model.synthesizer)  # the one was trained before; the other by itself, then in stage 2
    for part in still:
        part.requires_grad_(False)
    of = partial(losses, model, perturbation=config.perturbation, meaning=config.meaning)
    leads = train(model, of, batch_at, config.loop, folder, validation)
    for part in still:
        part.requires_grad_(True)
    if leads:
        save_model(model, folder / "model")


def losses(model: SalmonnOmni, batch: Batch, perturbation: Perturbation | None, meaning: float) -> dict[str, Tensor]:
    """The encoder's features are perturbed in training only."""
    batch = batch.to(model.stream.device)
    frames = heard(model.encoder, batch, perturbation if model.training else None)
    return understood(model, batch, frames, model(batch, frames), meaning)


def understood(model: SalmonnOmni, batch: Batch, frames: Tensor, found: tuple[Tensor, Tensor], meaning: float) -> dict[str, Tensor]:
    """The losses of stages 1 and 2. `frames`: the encoder's of the environment; `found` with them: logits, speech hidden."""
    terms = model.terms(batch, *found)
    if meaning and batch.answers:
        terms["meaning"] = words_missed(words(model, frames, batch), [pieces for _, _, pieces in batch.answers])
        terms["loss"] = terms["loss"] + meaning * terms["meaning"]
    return terms


def words(model: SalmonnOmni, frames: Tensor, batch: Batch) -> Tensor:
    """frames (rows, blocks * frames a block, d_model) -> logits (answers, vocabulary) at the decisions."""
    rows, blocks, _ = zip(*batch.answers)
    decided = frames.unflatten(1, (-1, model.connector.frames))[list(rows), list(blocks)]
    embedding = model.connector(decided)[:, 0] + model.stream[0]
    return model.backbone.logits(F.layer_norm(embedding, embedding.shape[-1:]))
