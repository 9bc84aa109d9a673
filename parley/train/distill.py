"""Encoder distillation: the streaming encoder learns to give what a Whisper encoder gives, whose 50 frames a second are concatenated in
pairs to 25 (paper, section 4.1). A linear layer matches the widths; the loss is the L1 distance.

Whisper hears 30 s at once, silence after the end included, and looks ahead; the streaming encoder has heard no more than its frame.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import torch
from lhotse import MonoCut
from lhotse.audio import AudioLoadingError, DurationMismatchError
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import WhisperFeatureExtractor, WhisperModel
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from parley.data.manifest import MANIFEST
from parley.data.shards.cuts import cuts_in
from parley.encoder.speech_encoder import SpeechEncoder
from parley.train.loop import LoopConfig, train

RATE = 16000
WINDOW_S = 30.0  # what Whisper hears at once
PAIR = 2  # of its frames make one of ours
ENCODER = "encoder.safetensors"


@dataclass(frozen=True)
class DistillConfig:
    """`teacher`: a local directory or a hub id; `rows`: recordings of a batch, `seconds`: of each, at most."""

    teacher: str = "openai/whisper-large-v3"
    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=300_000, rate=3e-4, warmup=2000))
    rows: int = 16
    seconds: float = 15.0

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= WINDOW_S:
            raise ValueError(f"seconds is {self.seconds}; Whisper hears up to {WINDOW_S:.0f} s at once")


@dataclass
class Recordings:
    pcm: Tensor  # (rows, samples) at 16 kHz, padded with zeros
    samples: Tensor  # (rows,) of each


class RecordingDataset:
    """Random stretches of recordings; batch `step` is a pure function of (seed, step). A recording comes at most once an epoch:
    those that do not fill a batch, others each time, are left out."""

    def __init__(self, cuts: list[MonoCut], rows: int, seconds: float, seed: int) -> None:
        if len(cuts) < rows:
            raise ValueError(f"there are {len(cuts)} recordings and a batch wants {rows}; add recordings, or set fewer rows")
        self.cuts, self.rows, self.seconds, self.seed = cuts, rows, seconds, seed
        self.newest = (-1, np.zeros(0, int))

    def batch(self, step: int) -> Recordings:
        epoch, index = divmod(step, len(self.cuts) // self.rows)
        order = self.order(epoch)
        rng = np.random.default_rng([self.seed, 1, step])
        heard = [self.stretch(self.cuts[number], rng) for number in order[index * self.rows : (index + 1) * self.rows]]
        pcm = np.zeros((self.rows, max(map(len, heard))), dtype=np.float32)
        for row, samples in zip(pcm, heard):
            row[: len(samples)] = samples
        return Recordings(torch.from_numpy(pcm), torch.tensor([len(samples) for samples in heard]))

    def order(self, epoch: int) -> np.ndarray:
        """Of the cuts; that of the newest epoch is kept, as there may be millions."""
        newest = self.newest
        if newest[0] != epoch:
            newest = self.newest = epoch, np.random.default_rng([self.seed, epoch]).permutation(len(self.cuts))
        return newest[1]

    def stretch(self, cut: MonoCut, rng: np.random.Generator) -> np.ndarray:
        """(samples,), the first channel."""
        start = rng.uniform(0.0, max(0.0, cut.duration - self.seconds))
        part = cut.truncate(offset=start, duration=min(self.seconds, cut.duration))
        try:
            audio = (part if part.sampling_rate == RATE else part.resample(RATE)).load_audio()
        except (AudioLoadingError, DurationMismatchError) as error:
            raise ValueError(f"{cut.id}: its sound cannot be read ({str(error)[:160]}); copy it again, or leave it out") from error
        assert audio is not None, cut.id
        return audio[0]


def read_recordings(folder: Path) -> list[MonoCut]:
    """The cuts of any lhotse manifest `cuts.jsonl`; paths in it count from `folder`."""
    if not (folder / MANIFEST).exists():
        raise ValueError(f"{folder / MANIFEST}: no such manifest; write the cuts of your recordings there with lhotse")
    return [cast(MonoCut, cut.with_recording_path_prefix(folder)) for cut in cuts_in(folder / MANIFEST)]


class Teacher:
    """A Whisper encoder, which never changes."""

    def __init__(self, source: str, device: str) -> None:
        try:
            self.features = WhisperFeatureExtractor.from_pretrained(source)
            self.encoder = cast(WhisperEncoder, WhisperModel.from_pretrained(source, dtype=torch.float32).encoder).eval()
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:160]
            raise ValueError(f"{source}: no Whisper model can be loaded ({reason}); give a directory or a hub id") from error
        nn.Module.to(self.encoder, device)
        self.device = device

    @property
    def width(self) -> int:
        """Of two concatenated frames."""
        return PAIR * self.encoder.config.d_model

    @torch.no_grad()
    def frames(self, recordings: Recordings) -> Tensor:
        """(rows, 750, width): 30 s at 25 frames a second."""
        heard = [pcm[:samples].numpy() for pcm, samples in zip(recordings.pcm, recordings.samples.tolist())]
        mel = self.features(heard, sampling_rate=RATE, return_tensors="pt", device=self.device).input_features.to(self.device)
        return self.encoder(mel).last_hidden_state.unflatten(1, (-1, PAIR)).flatten(2)


class Distillation(nn.Module):
    """What a checkpoint of this stage holds."""

    def __init__(self, encoder: SpeechEncoder, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.align = nn.Linear(encoder.d_model, width)

    def distance(self, recordings: Recordings, wanted: Tensor) -> Tensor:
        """Mean absolute difference to `wanted` (rows, frames or more, width) within the recordings."""
        device = self.align.weight.device
        ours = self.align(self.encoder(recordings.pcm.to(device)))  # (rows, frames, width)
        frames = recordings.samples.to(device) // self.encoder.config.samples
        inside = torch.arange(ours.shape[1], device=device) < frames[:, None]
        return (ours - wanted[:, : ours.shape[1]]).abs()[inside].mean()


def run(
    stage: Distillation,
    teacher: Teacher,
    batch_at: Callable[[int], Recordings],
    validation: list[Recordings],
    config: DistillConfig,
    folder: Path,
) -> None:
    """Trains `stage` in place; leaves checkpoints, logs and the finished `folder/encoder.safetensors`."""

    def losses(recordings: Recordings) -> dict[str, Tensor]:
        return {"loss": stage.distance(recordings, teacher.frames(recordings))}

    torch.manual_seed(config.loop.seed)
    if train(stage, losses, batch_at, config.loop, folder, validation):
        save_file({name: value.contiguous() for name, value in stage.encoder.state_dict().items()}, folder / ENCODER)
