"""Stage 2, end to end: speech output and the dynamics of a full-duplex dialogue, with the assistant stream (paper, section 4.1).

Both connectors, the backbone and the synthesizer train together, the encoder stays as it is; the environment carries the echo of the
assistant at drawn factors.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch

from parley.llm.batch import Batch
from parley.models.checkpoint import save_model
from parley.models.salmonn_omni import SalmonnOmni
from parley.train.listening import Perturbation
from parley.train.loop import LoopConfig, train
from parley.train.stage1 import losses


@dataclass(frozen=True)
class Stage2Config:
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=4000, rate=6e-4))
    perturbation: Perturbation | None = field(default=Perturbation())
    meaning: float = 0.1  # as in stage 1; there is more to learn now than what is said


def run(model: SalmonnOmni, batch_at: Callable[[int], Batch], validation: list[Batch], config: Stage2Config, folder: Path) -> None:
    """Trains `model` in place; leaves checkpoints, logs and the finished `folder/model`."""
    torch.manual_seed(config.loop.seed)
    for part in (model.encoder, *model.synthesizer.frozen_parts()):  # what hears, and speech tokens -> waveform, stay as pre-trained
        part.requires_grad_(False)
    of = partial(losses, model, perturbation=config.perturbation, meaning=config.meaning)
    leads = train(model, of, batch_at, config.loop, folder, validation)
    if leads:
        save_model(model, folder / "model")
