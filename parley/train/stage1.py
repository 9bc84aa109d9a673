"""Stage 1, streaming understanding: encoder, connector and backbone learn when a question ends and what its answer is.

Paper, section 4.1: ASR and QA, no assistant stream. From scratch all parts train together, and two heads on the encoder's frames, which
are dropped afterwards, stand in for the pretrained encoder that the paper starts from: a CTC loss over the letters of what is said (the
ASR task), and the words of the answer, unordered, from the one frame at whose end the answer is decided on. Without the second the LLM
learns the grammar of the answers long before it listens to the questions.
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
    meaning: float = 1.0  # weight of the loss of the answer's words


def spell(text: str) -> list[int]:
    """Letters of a transcript as CTC labels; 0 is the blank."""
    return [LETTERS.index(letter) + 1 for letter in text.lower() if letter in LETTERS]


class Stage1(nn.Module):
    """The model with the heads that only training has."""

    def __init__(self, model: SalmonnOmni, config: Stage1Config):
        super().__init__()
        self.model = model
        self.config = config
        self.head = nn.Linear(model.encoder.d_model, len(LETTERS) + 1)
        self.words = nn.Linear(model.encoder.d_model, len(model.is_piece))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        batch = batch.to(self.head.weight.device)
        logits, _, frames = self.model(batch)
        losses = {
            "text": self.model.text_loss(logits, batch),
            "ctc": self.ctc(frames, batch.transcripts),
            "meaning": self.meaning(frames, batch),
            **self.model.accuracies(logits, batch),
        }
        losses["loss"] = losses["text"] + self.config.ctc * losses["ctc"] + self.config.meaning * losses["meaning"]
        return losses

    def ctc(self, frames: Tensor, transcripts: list[str]) -> Tensor:
        """frames (rows, n, d_model): mean over letters of the negative log-likelihood of the transcripts."""
        labels = [torch.tensor(spell(text), dtype=torch.long) for text in transcripts]
        lengths = torch.tensor([len(label) for label in labels])
        log_probability = self.head(frames).log_softmax(-1).transpose(0, 1)
        given = torch.full((len(labels),), frames.shape[1], dtype=torch.long)
        return F.ctc_loss(log_probability, torch.cat(labels), given, lengths, zero_infinity=True)

    def meaning(self, frames: Tensor, batch: Batch) -> Tensor:
        """frames (rows, n, d_model): cross-entropy of the answer's word pieces, unordered, read where the first answer is decided on.

        A piece counts the less, the more answers of the batch have it.
        """
        answered = (batch.labels == self.model.tokens.shift) & (batch.weights > 0)
        rows = answered.any(1).nonzero()[:, 0]
        if len(rows) == 0:
            return frames.new_zeros(())
        block = answered[rows].long().argmax(1)
        last = (block + 1) * self.model.config.connector.frames - 1
        log_probability = self.words(frames[rows, last]).log_softmax(-1)
        said = torch.zeros_like(log_probability).scatter_(1, batch.labels[rows], 1.0) * self.model.is_piece
        share = said / said.sum(0).clamp(min=1)
        share = share / share.sum(1, keepdim=True).clamp(min=1e-6)
        return -(share * log_probability).sum(1).mean()


def run(model: SalmonnOmni, batch_at: Callable[[int], Batch], validation: list[Batch], config: Stage1Config, folder: Path) -> None:
    """Trains `model` in place; leaves checkpoints, logs and the finished `folder/model`."""
    torch.manual_seed(config.loop.seed)
    stage = Stage1(model, config)
    stage.to(model.stream.device)
    synthesizer = model.synthesizer.requires_grad_(False)  # trained by itself, then in stage 2
    leads = train(stage, stage.losses, batch_at, config.loop, folder, validation)
    synthesizer.requires_grad_(True)
    if leads:
        save_model(model, folder / "model")
