"""The speech tokenizer: log-mel at 100 Hz -> one of ~1000 speech tokens at 25 Hz. Only training needs it.

Finite scalar quantisation (Mentzer et al., 2023): each of a few dimensions is squashed and rounded to its own number of levels;
a token is the mixed-radix number of the levels. Shapes: rows, frames at 100 Hz, tokens at 25 Hz.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from parley.synthesizer.causal import CentredStack, StackConfig

NONE = -1  # in place of a speech token: there is none, before, after or between utterances


class FSQ(nn.Module):
    """Level indices <-> codes in [-1, 1]^dimensions <-> token numbers; it has no weights."""

    levels: Tensor  # (dimensions,)
    basis: Tensor  # (dimensions,): what one level step is worth in a token number

    def __init__(self, levels: tuple[int, ...]):
        super().__init__()
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        self.register_buffer("basis", torch.tensor([math.prod(levels[:i]) for i in range(len(levels))]), persistent=False)
        self.size = math.prod(levels)

    def quantise(self, z: Tensor) -> Tensor:
        """(..., dimensions) -> codes; the gradient passes straight through the rounding."""
        half = (self.levels - 1) * (1 + 1e-3) / 2
        offset = torch.where(self.levels % 2 == 0, 0.5, 0.0)  # an even number of levels has no middle one
        bounded = torch.tanh(z + torch.atanh(offset / half)) * half - offset
        return (bounded + (bounded.round() - bounded).detach()) / (self.levels // 2)

    def tokens(self, codes: Tensor) -> Tensor:
        """(..., dimensions) codes -> (...) token numbers."""
        level = (codes * (self.levels // 2)).round().long() + self.levels // 2
        return (level * self.basis).sum(-1)

    def codes(self, tokens: Tensor) -> Tensor:
        """(...) token numbers -> (..., dimensions) codes. NONE gives zeros."""
        level = torch.div(tokens.clamp(min=0)[..., None], self.basis, rounding_mode="floor") % self.levels
        codes = (level - self.levels // 2) / (self.levels // 2)
        return torch.where(tokens[..., None] == NONE, 0.0, codes)


@dataclass(frozen=True)
class SpeechTokenizerConfig:
    levels: tuple[int, ...] = (8, 5, 5, 5)
    n_mels: int = 80
    frames_per_token: int = 4
    stack: StackConfig = StackConfig(width=256, hidden=768, blocks=4)


class SpeechTokenizer(nn.Module):
    """Sees the whole utterance; trained together with the mel decoder as an autoencoder."""

    def __init__(self, config: SpeechTokenizerConfig):
        super().__init__()
        self.config = config
        self.read = nn.Linear(config.frames_per_token * config.n_mels, config.stack.width)
        self.stack = CentredStack(config.stack)
        self.norm = nn.LayerNorm(config.stack.width)
        self.project = nn.Linear(config.stack.width, len(config.levels))
        self.fsq = FSQ(config.levels)

    def forward(self, mel: Tensor) -> Tensor:
        """(rows, frames, n_mels) -> codes (rows, frames // frames_per_token, dimensions)."""
        x = mel.unflatten(1, (-1, self.config.frames_per_token)).flatten(2)  # (rows, tokens, frames_per_token * n_mels)
        return self.fsq.quantise(self.project(self.norm(self.stack(self.read(x)))))

    def encode(self, mel: Tensor) -> Tensor:
        """(rows, frames, n_mels) -> speech tokens (rows, frames // frames_per_token)."""
        return self.fsq.tokens(self.forward(mel))
