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
from parley.train.listening import Listening
from parley.train.loop import LoopConfig, train


@dataclass(frozen=True)
class EncoderConfig:
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=10000, rate=1.5e-3))


class ListeningEncoder(nn.Module):
    """What a checkpoint of this stage holds; stage 1 begins with both parts."""

    def __init__(self, encoder: SpeechEncoder, listening: Listening):
        super().__init__()
        self.encoder, self.listening = encoder, listening

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        batch = batch.to(self.listening.to_letters.weight.device)
        losses = self.listening.losses(self.encoder(batch.environment), batch)
        return {**losses, "loss": losses["listening"]}


def run(stage: ListeningEncoder, batch_at: Callable[[int], Batch], validation: list[Batch], config: EncoderConfig, folder: Path) -> None:
    """Trains `stage` in place; leaves checkpoints and logs."""
    torch.manual_seed(config.loop.seed)
    train(stage, stage.losses, batch_at, config.loop, folder, validation)
