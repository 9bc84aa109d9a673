"""Stage 2, end to end: speech output and the dynamics of a full-duplex dialogue, with the assistant stream (paper, section 4.1).

Both connectors, the backbone and the synthesizer train together; the environment carries the echo of the assistant at drawn factors. The
encoder stays as it is, as in the paper, or learns along (`Stage2Config.listening`): then the heads of its pre-training go on teaching it,
beside what reaches it from the LLM. A head like one of them may teach the LLM what people do (`Stage2Config.heard`): a `<shift>` is one
block of a dialogue, and what it hangs on is in all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from parley.llm.batch import Batch, Heard
from parley.models.checkpoint import save_model
from parley.models.salmonn_omni import SalmonnOmni
from parley.train.encoder import heard
from parley.train.listening import Listening, Perturbation, kinds_missed
from parley.train.loop import LoopConfig, train
from parley.train.stage1 import understood

HEADS = ("listening.", "to_heard.")  # how the names of their weights begin in a checkpoint


@dataclass(frozen=True)
class Stage2Config:
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=4000, rate=6e-4))
    perturbation: Perturbation | None = field(default=Perturbation())
    meaning: float = 0.1  # as in stage 1; there is more to learn now than what is said
    listening: float = 0.0  # weight of the encoder's own losses; 0: it stays as it is
    heard: float = 0.0  # that of what people do at the end of each block, told from the LLM's hidden states
    event: float = 5.0  # within it, that of a block of a backchannel or an interruption, as in the encoder's


class Taught(nn.Module):
    """What a checkpoint holds: the model, and the heads that its LLM and, where it learns along, its encoder are taught by."""

    def __init__(self, model: SalmonnOmni, listening: Listening | None):
        super().__init__()
        self.model, self.listening = model, listening
        self.to_heard = nn.Linear(model.backbone.width, len(Heard))

    def losses(self, batch: Batch, config: Stage2Config) -> dict[str, Tensor]:
        model = self.model
        batch = batch.to(model.stream.device)
        frames = heard(model.encoder, batch, config.perturbation if self.training else None)
        logits, hidden = model(batch, frames)
        terms = understood(model, batch, frames, (logits, hidden), config.meaning)
        if config.heard:
            assert batch.heard is not None
            terms["heard"] = kinds_missed(self.to_heard(hidden), batch.heard, config.event)
            terms["loss"] = terms["loss"] + config.heard * terms["heard"]
        if self.listening:
            own = self.listening.losses(frames, batch)
            terms |= {f"encoder_{name}": value for name, value in own.items()}
            terms["loss"] = terms["loss"] + config.listening * own["listening"]
        return terms


def without_heads(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The model's alone, of a checkpoint of any stage."""
    return {name.removeprefix("model."): value for name, value in weights.items() if not name.startswith(HEADS)}


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
    assert listening is not None or not config.listening
    model.encoder.requires_grad_(bool(config.listening))
    taught = Taught(model, listening if config.listening else None).to(model.stream.device)
    leads = train(taught, partial(taught.losses, config=config), batch_at, config.loop, folder, validation)
    if leads:
        save_model(model, folder / "model")
