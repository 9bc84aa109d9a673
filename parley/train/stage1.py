"""Stage 1, streaming understanding: encoder, connector and backbone learn when a question ends and what its answer is.

Paper, section 4.1: ASR and QA, no assistant stream. The encoder goes on with the heads of its pre-training (parley/train/listening.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from parley.llm.batch import Batch
from parley.models.checkpoint import save_model
from parley.models.salmonn_omni import SalmonnOmni
from parley.train.encoder import heard
from parley.train.listening import Listening, Perturbation
from parley.train.loop import LoopConfig, train


@dataclass(frozen=True)
class Stage1Config:
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=10000, rate=1.5e-3))
    listening: float = 1.0  # weight of the losses on the encoder's frames
    perturbation: Perturbation | None = field(default=Perturbation())


class Stage1(nn.Module):
    """The model with the heads that only training has."""

    def __init__(self, model: SalmonnOmni, listening: Listening, config: Stage1Config):
        super().__init__()
        self.model, self.listening, self.config = model, listening, config

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        batch = batch.to(self.model.stream.device)
        frames = heard(self.model.encoder, batch.environment, self.config.perturbation if self.training else None)
        logits, _ = self.model(batch, frames)
        losses = {"text": self.model.text_loss(logits, batch), **self.model.accuracies(logits, batch)}
        losses |= self.listening.losses(frames, batch)
        losses["loss"] = losses["text"] + self.config.listening * losses["listening"]
        return losses


def run(
    model: SalmonnOmni,
    listening: Listening,
    batch_at: Callable[[int], Batch],
    validation: list[Batch],
    config: Stage1Config,
    folder: Path,
) -> None:
    """Trains `model` in place; leaves checkpoints, logs and the finished `folder/model`."""
    torch.manual_seed(config.loop.seed)
    stage = Stage1(model, listening, config)
    synthesizer = model.synthesizer.requires_grad_(False)  # trained by itself, then in stage 2
    leads = train(stage, stage.losses, batch_at, config.loop, folder, validation)
    synthesizer.requires_grad_(True)
    if leads:
        save_model(model, folder / "model")
