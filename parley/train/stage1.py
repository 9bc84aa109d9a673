"""Stage 1, streaming understanding: connector and backbone learn when a question ends and what its answer is.

Paper, section 4.1: QA without the assistant stream, the encoder as its pre-training left it (parley/train/encoder.py). A small backbone
that is trained from scratch trains whole.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from parley.llm.batch import Batch
from parley.models.checkpoint import save_model
from parley.models.salmonn_omni import SalmonnOmni
from parley.train.encoder import heard
from parley.train.listening import Perturbation
from parley.train.loop import LoopConfig, train


@dataclass(frozen=True)
class Stage1Config:
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=10000, rate=1.5e-3))
    perturbation: Perturbation | None = field(default=Perturbation())


def run(model: SalmonnOmni, batch_at: Callable[[int], Batch], validation: list[Batch], config: Stage1Config, folder: Path) -> None:
    """Trains `model` in place; leaves checkpoints, logs and the finished `folder/model`."""

    def losses(batch: Batch) -> dict[str, Tensor]:
        batch = batch.to(model.stream.device)
        return model.loss(batch, heard(model.encoder, batch.environment, config.perturbation if model.training else None))

    torch.manual_seed(config.loop.seed)
    still = (model.encoder, model.synthesizer)  # the one was trained before; the other by itself, then in stage 2
    for part in still:
        part.requires_grad_(False)
    leads = train(model, losses, batch_at, config.loop, folder, validation)
    for part in still:
        part.requires_grad_(True)
    if leads:
        save_model(model, folder / "model")
