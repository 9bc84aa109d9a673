"""The encoder's pre-training, on what is heard alone; it stands in for the pretrained encoder that the paper starts from (section 4.1).

An encoder by itself costs a third of the whole model, so it sees three times as much speech in the same time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from parley.encoder.speech_encoder import SpeechEncoder
from parley.llm.batch import Batch
from parley.train.listening import Listening, Perturbation, masked, warped
from parley.train.loop import LoopConfig, train


@dataclass(frozen=True)
class EncoderConfig:
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=10000, rate=1.5e-3))
    perturbation: Perturbation | None = field(default=Perturbation())
    heads: int = 300  # steps in which new heads learn to read an encoder that can hear already ...
    heads_rate: float = 3e-3  # ... and their peak rate


class ListeningEncoder(nn.Module):
    """What a checkpoint of this stage holds; stage 1 begins with both parts."""

    def __init__(self, encoder: SpeechEncoder, listening: Listening, perturbation: Perturbation | None = None):
        super().__init__()
        self.encoder, self.listening, self.perturbation = encoder, listening, perturbation

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        batch = batch.to(self.listening.to_pieces.weight.device)
        frames = heard(self.encoder, batch, self.perturbation if self.training else None)
        losses = self.listening.losses(frames, batch)
        return {**losses, "loss": losses["listening"]}


def heard(encoder: SpeechEncoder, batch: Batch, perturbation: Perturbation | None) -> Tensor:
    """Encoder frames of the environment, perturbed on the way where it is asked for. People have many voices, the assistant one: of its
    echo the frequencies are not stretched, so people's are before the powers of the two are added."""
    if perturbation is None:
        return encoder.encode(encoder.log_mel(batch.environment))
    people = batch.environment if batch.echo is None else batch.environment - batch.echo
    mel = encoder.log_mel.config
    power = mel.power(warped(encoder.log_mel(people), perturbation))
    if batch.echo is not None:
        power = power + mel.power(encoder.log_mel(batch.echo))
    return encoder.encode(masked(mel.log_mel(power), perturbation))


def run(
    stage: ListeningEncoder,
    batch_at: Callable[[int], Batch],
    validation: list[Batch],
    config: EncoderConfig,
    folder: Path,
    hears: bool = False,
) -> None:
    """Trains `stage` in place; leaves checkpoints and logs. Where its encoder `hears` already, new heads learn to read it first, lest they
    teach it nonsense."""
    torch.manual_seed(config.loop.seed)
    if hears:
        stage.encoder.requires_grad_(False)
        alone = replace(config.loop, steps=config.heads, rate=config.heads_rate)
        train(stage, stage.losses, batch_at, alone, folder / "heads", validation)
        stage.encoder.requires_grad_(True)
    train(stage, stage.losses, batch_at, config.loop, folder, validation)
