"""The encoder's pre-training, on what is heard alone; it stands in for the pretrained encoder that the paper starts from (section 4.1).

An encoder by itself costs a third of the whole model, so it sees three times as much speech in the same time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from parley.encoder.speech_encoder import SpeechEncoder
from parley.llm.batch import Batch
from parley.train.listening import Listening, Perturbation, perturbed
from parley.train.loop import LoopConfig, train


@dataclass(frozen=True)
class EncoderConfig:
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=10000, rate=1.5e-3))
    perturbation: Perturbation | None = field(default=Perturbation())


class ListeningEncoder(nn.Module):
    """What a checkpoint of this stage holds; stage 1 begins with both parts."""

    def __init__(self, encoder: SpeechEncoder, listening: Listening, perturbation: Perturbation | None = None):
        super().__init__()
        self.encoder, self.listening, self.perturbation = encoder, listening, perturbation

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        batch = batch.to(self.listening.to_letters.weight.device)
        frames = heard(self.encoder, batch.environment, self.perturbation if self.training else None)
        losses = self.listening.losses(frames, batch)
        return {**losses, "loss": losses["listening"]}


def heard(encoder: SpeechEncoder, pcm: Tensor, perturbation: Perturbation | None) -> Tensor:
    """Encoder frames of recordings (rows, samples), perturbed on the way where it is asked for."""
    log_mel = encoder.log_mel(pcm)
    return encoder.encode(log_mel if perturbation is None else perturbed(log_mel, perturbation))


def run(stage: ListeningEncoder, batch_at: Callable[[int], Batch], validation: list[Batch], config: EncoderConfig, folder: Path) -> None:
    """Trains `stage` in place; leaves checkpoints and logs."""
    torch.manual_seed(config.loop.seed)
    train(stage, stage.losses, batch_at, config.loop, folder, validation)
