"""Stage 1, streaming understanding: encoder, connector and backbone learn when a question ends and what its answer is.

Paper, section 4.1: ASR and QA, no assistant stream. From scratch all parts train together; the ASR task is a CTC loss over the letters
of what is said, read off the encoder's frames by a head that is dropped afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from parley.llm.batch import Batch
from parley.models.checkpoint import save_model
from parley.models.salmonn_omni import SalmonnOmni
from parley.train.loop import LoopConfig, train

LETTERS = " abcdefghijklmnopqrstuvwxyz'"


@dataclass(frozen=True)
class Stage1Config:
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=10000, rate=1.5e-3))
    ctc: float = 0.3  # weight of the ASR loss


def spell(text: str) -> list[int]:
    """Letters of a transcript as CTC labels; 0 is the blank."""
    return [LETTERS.index(letter) + 1 for letter in text.lower() if letter in LETTERS]


class Stage1(nn.Module):
    """The model with the CTC head that only training has."""

    def __init__(self, model: SalmonnOmni, config: Stage1Config):
        super().__init__()
        self.model = model
        self.config = config
        self.head = nn.Linear(model.encoder.d_model, len(LETTERS) + 1)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        batch = batch.to(self.head.weight.device)
        logits, _, frames = self.model(batch)
        losses = {"text": self.model.text_loss(logits, batch), "ctc": self.ctc(frames, batch.transcripts), **self.model.accuracies(logits, batch)}
        losses["loss"] = losses["text"] + self.config.ctc * losses["ctc"]
        return losses

    def ctc(self, frames: Tensor, transcripts: list[str]) -> Tensor:
        """frames (rows, n, d_model): mean over letters of the negative log-likelihood of the transcripts."""
        labels = [torch.tensor(spell(text), dtype=torch.long) for text in transcripts]
        lengths = torch.tensor([len(label) for label in labels])
        log_probability = self.head(frames).log_softmax(-1).transpose(0, 1)
        given = torch.full((len(labels),), frames.shape[1], dtype=torch.long)
        return F.ctc_loss(log_probability, torch.cat(labels), given, lengths, zero_infinity=True)


def run(model: SalmonnOmni, batch_at: Callable[[int], Batch], validation: list[Batch], config: Stage1Config, folder: Path) -> None:
    """Trains `model` in place; leaves checkpoints, logs and the finished `folder/model`."""
    torch.manual_seed(config.loop.seed)
    stage = Stage1(model, config)
    stage.to(model.stream.device)
    synthesizer = model.synthesizer.requires_grad_(False)  # trained by itself, then in stage 2
    train(stage, stage.losses, batch_at, config.loop, folder, validation)
    synthesizer.requires_grad_(True)
    save_model(model, folder / "model")
