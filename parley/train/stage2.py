"""Stage 2, end to end: speech output and the dynamics of a full-duplex dialogue, with the assistant stream (paper, section 4.1).

Both connectors, the backbone and the synthesizer train together, the encoder stays as it is; the environment carries the echo of the
assistant at drawn factors.
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
class Stage2Config:
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=4000, rate=6e-4))
    perturbation: Perturbation | None = field(default=Perturbation())


def run(model: SalmonnOmni, batch_at: Callable[[int], Batch], validation: list[Batch], config: Stage2Config, folder: Path) -> None:
    """Trains `model` in place; leaves checkpoints, logs and the finished `folder/model`."""

    def losses(batch: Batch) -> dict[str, Tensor]:
        batch = batch.to(model.stream.device)
        return model.loss(batch, heard(model.encoder, batch.environment, config.perturbation if model.training else None))

    torch.manual_seed(config.loop.seed)
    for part in (model.encoder, *model.synthesizer.frozen_parts()):  # what hears, and speech tokens -> waveform, stay as pre-trained
        part.requires_grad_(False)
    leads = train(model, losses, batch_at, config.loop, folder, validation)
    if leads:
        save_model(model, folder / "model")
