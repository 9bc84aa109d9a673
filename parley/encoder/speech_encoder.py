"""The streaming speech encoder: PCM -> log-mel at 100 Hz -> two convolutions to 50 Hz -> pairs of frames at 25 Hz -> Mamba blocks.

Everything is causal: an output frame has heard nothing later than its own 40 ms. Shapes: rows = independent streams.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from parley.audio import LogMel, LogMelState, MelConfig
from parley.clock import exact_div
from parley.encoder.mamba import Mamba, MambaConfig, MambaState
from parley.native.linear import Conv1d, Linear
from parley.streaming import write_rows

STRIDES = (1, 2)  # of the two convolutions
PAIR = 2  # adjacent frames concatenated into one


@dataclass(frozen=True)
class SpeechEncoderConfig:
    mel: MelConfig = field(default=MelConfig())
    channels: int = 128  # of the convolutions
    kernel: int = 3
    mamba: MambaConfig = field(default=MambaConfig(d_model=256, layers=4, d_state=8))

    @property
    def samples(self) -> int:
        """Samples an output frame: 640, which is 40 ms."""
        return self.mel.hop * STRIDES[0] * STRIDES[1] * PAIR


@dataclass
class SpeechEncoderState:
    """What each stage still has to see of the past; zeros are the same as the left padding of `forward`."""

    mel: LogMelState
    conv1: Tensor  # (rows, n_mels, kernel - 1): the last log-mel frames
    conv2: Tensor  # (rows, channels, kernel - 2): the last frames between the convolutions
    mamba: MambaState


class SpeechEncoder(nn.Module):
    def __init__(self, config: SpeechEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.log_mel = LogMel(config.mel)
        self.conv1 = Conv1d(config.mel.n_mels, config.channels, config.kernel, STRIDES[0])
        self.conv2 = Conv1d(config.channels, config.channels, config.kernel, STRIDES[1])
        width = PAIR * config.channels
        self.project = nn.Identity() if width == self.d_model else Linear(width, self.d_model)
        self.mamba = Mamba(config.mamba)

    @property
    def d_model(self) -> int:
        return self.config.mamba.d_model

    def forward(self, pcm: Tensor) -> Tensor:
        """(rows, samples) -> (rows, frames at 25 Hz, d_model), from the start of the recording; a last part of a frame is left out."""
        frames = pcm.shape[1] // self.config.samples
        if not frames:
            return pcm.new_zeros(len(pcm), 0, self.d_model)
        return self.encode(self.log_mel(pcm[:, : frames * self.config.samples]))

    def encode(self, log_mel: Tensor) -> Tensor:
        """As `forward`, from a log-mel that was made before: (rows, 4 * frames, n_mels) -> (rows, frames, d_model)."""
        state = self.init_state(len(log_mel))
        return self.mamba(self.subsample(log_mel, state.conv1, state.conv2)[0])

    def init_state(self, rows: int) -> SpeechEncoderState:
        mel, kernel, weight = self.config.mel, self.config.kernel, self.conv1.weight
        return SpeechEncoderState(
            mel=self.log_mel.init_state(rows),
            conv1=weight.new_zeros(rows, mel.n_mels, kernel - STRIDES[0]),
            conv2=weight.new_zeros(rows, self.config.channels, kernel - STRIDES[1]),
            mamba=self.mamba.init_state(rows),
        )

    def step(self, pcm: Tensor, state: SpeechEncoderState, active: Tensor) -> Tensor:
        """The next whole frames of every row, one block: (rows, 1280) -> (rows, 2, d_model). Inactive rows keep their state."""
        exact_div(pcm.shape[1], self.config.samples)
        log_mel = self.log_mel.step(pcm, state.mel, active)
        x, conv1, conv2 = self.subsample(log_mel, state.conv1, state.conv2)
        write_rows(state.conv1, conv1, active)
        write_rows(state.conv2, conv2, active)
        return self.mamba.step(x, state.mamba, active)

    def subsample(self, log_mel: Tensor, conv1: Tensor, conv2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """100 Hz to 25 Hz. (rows, 4 * frames, n_mels) and what came before -> (rows, frames, d_model) and what comes before the next."""
        x = torch.cat([conv1, log_mel.transpose(1, 2)], dim=2)  # (rows, n_mels, context + frames at 100 Hz)
        conv1 = x[:, :, x.shape[2] - conv1.shape[2] :]
        x = torch.cat([conv2, F.gelu(self.conv1(x))], dim=2)
        conv2 = x[:, :, x.shape[2] - conv2.shape[2] :]
        x = F.gelu(self.conv2(x)).transpose(1, 2)  # (rows, frames at 50 Hz, channels)
        x = x.unflatten(1, (-1, PAIR)).flatten(2)  # (rows, frames at 25 Hz, 2 * channels)
        return self.project(x), conv1, conv2
