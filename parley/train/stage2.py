"""Stage 2, end to end: speech output and the dynamics of a full-duplex dialogue, with the assistant stream (paper, section 4.1).

Both connectors, the backbone and the synthesizer train together; the environment carries the echo of the assistant at drawn factors. The
encoder stays as it is, as in the paper, or learns along (`Stage2Config.listening`): then the heads of its pre-training go on teaching it,
beside what reaches it from the LLM.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from parley.llm.batch import Batch
from parley.models.checkpoint import save_model
from parley.models.salmonn_omni import SalmonnOmni
from parley.train.encoder import heard
from parley.train.listening import Listening, Perturbation
from parley.train.loop import LoopConfig, train
from parley.train.stage1 import losses, understood


@dataclass(frozen=True)
class Stage2Config:
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=4000, rate=6e-4))
    perturbation: Perturbation | None = field(default=Perturbation())
    meaning: float = 0.1  # as in stage 1; there is more to learn now than what is said
    listening: float = 0.0  # weight of the encoder's own losses; 0: it stays as it is


class Taught(nn.Module):
    """What a checkpoint holds where the encoder learns along: the model, and the heads that its encoder is taught by."""

    def __init__(self, model: SalmonnOmni, listening: Listening):
        super().__init__()
        self.model, self.listening = model, listening

    def losses(self, batch: Batch, config: Stage2Config) -> dict[str, Tensor]:
        model = self.model
        batch = batch.to(model.stream.device)
        frames = heard(model.encoder, batch, config.perturbation if self.training else None)
        terms = understood(model, batch, frames, config.meaning)
        own = self.listening.losses(frames, batch)
        terms |= {f"encoder_{name}": value for name, value in own.items()}
        terms["loss"] = terms["loss"] + config.listening * own["listening"]
        return terms


def without_heads(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The model's alone, of a checkpoint of either kind."""
    return {name.removeprefix("model."): value for name, value in weights.items() if not name.startswith("listening.")}


def run(
    model: SalmonnOmni,
    batch_at: Callable[[int], Batch],
    validation: list[Batch],
    config: Stage2Config,
    folder: Path,
    listening: Listening | None = None,
) -> None:
    """Trains `model` in place; leaves checkpoints, logs and the finished `folder/model`. `listening`: the heads of the encoder's
    pre-training, where it learns along."""
    torch.manual_seed(config.loop.seed)
    for part in model.synthesizer.frozen_parts():  # speech tokens -> waveform stays as pre-trained
        part.requires_grad_(False)
    if config.listening:
        assert listening is not None
        taught = Taught(model, listening.to(model.stream.device))
        leads = train(taught, partial(taught.losses, config=config), batch_at, config.loop, folder, validation)
    else:
        model.encoder.requires_grad_(False)
        of = partial(losses, model, perturbation=config.perturbation, meaning=config.meaning)
        leads = train(model, of, batch_at, config.loop, folder, validation)
    if leads:
        save_model(model, folder / "model")
