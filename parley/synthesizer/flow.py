"""Speech tokens at 25 Hz -> log-mel at 100 Hz, streaming by construction: causal but for `lookahead` tokens.

One synthetic voice is nearly a function of its tokens, so this decoder is a regression (L1); it stands where the paper's synthesizer
has a flow-matching decoder. Shapes: rows, tokens at 25 Hz, frames at 100 Hz.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from parley.audio import MelConfig
from parley.native.linear import Linear
from parley.streaming import tensors, write_rows
from parley.synthesizer.causal import CausalStack, StackConfig, StackState
from parley.synthesizer.tokenizer import FSQ, NONE


@dataclass(frozen=True)
class MelDecoderConfig:
    mel: MelConfig = MelConfig()
    levels: tuple[int, ...] = (8, 5, 5, 5)
    frames_per_token: int = 4
    lookahead: int = 1  # tokens
    token_stack: StackConfig = StackConfig(width=256, hidden=768, blocks=4)
    frame_stack: StackConfig = StackConfig(width=160, hidden=480, blocks=3)

    @property
    def silence(self) -> float:
        """The normalised log-mel value of digital silence: what is given wherever there is no token."""
        return (math.log(self.mel.floor) - self.mel.mean) / self.mel.scale


@dataclass
class MelDecoderState:
    tokens: StackState  # at 25 Hz
    frames: StackState  # at 100 Hz


class MelDecoder(nn.Module):
    def __init__(self, config: MelDecoderConfig):
        super().__init__()
        self.config = config
        self.fsq = FSQ(config.levels)
        self.read = Linear(len(config.levels) * (config.lookahead + 1), config.token_stack.width)
        self.token_stack = CausalStack(config.token_stack)
        self.upsample = Linear(config.token_stack.width, config.frames_per_token * config.frame_stack.width)
        self.frame_stack = CausalStack(config.frame_stack)
        self.norm = nn.LayerNorm(config.frame_stack.width)
        self.project = Linear(config.frame_stack.width, config.mel.n_mels)

    def init_state(self, rows: int) -> MelDecoderState:
        return MelDecoderState(self.token_stack.init_state(rows), self.frame_stack.init_state(rows))

    def advance(self, codes: Tensor, present: Tensor, state: MelDecoderState) -> tuple[Tensor, MelDecoderState]:
        """codes (rows, tokens + lookahead, dimensions), present (rows, tokens) -> mel (rows, frames, n_mels) of the tokens, next state."""
        count = present.shape[1]
        seen = torch.cat([codes[:, i : i + count] for i in range(self.config.lookahead + 1)], dim=2)
        x, after_tokens = self.token_stack.advance(self.read(seen), state.tokens)
        x = self.upsample(x).unflatten(2, (self.config.frames_per_token, -1)).flatten(1, 2)  # (rows, frames, frame width)
        x, after_frames = self.frame_stack.advance(x, state.frames)
        audible = present.repeat_interleave(self.config.frames_per_token, dim=1)[:, :, None]
        mel = torch.where(audible, self.project(self.norm(x)), self.config.silence)
        return mel, MelDecoderState(after_tokens, after_frames)

    def decode(self, codes: Tensor, present: Tensor) -> Tensor:
        """Whole utterances from codes (rows, tokens, dimensions), zeros where not `present` (rows, tokens): training's way in."""
        ahead = nn.functional.pad(codes, (0, 0, 0, self.config.lookahead))
        return self.advance(ahead, present, self.init_state(len(codes)))[0]

    def forward(self, tokens: Tensor) -> Tensor:
        """Whole utterances: tokens (rows, tokens), NONE after the end -> mel (rows, tokens * frames_per_token, n_mels)."""
        return self.decode(self.fsq.codes(tokens), tokens != NONE)

    def step(self, tokens: Tensor, state: MelDecoderState, active: Tensor) -> Tensor:
        """The next tokens and, after them, the `lookahead` ones that they may look at: (rows, tokens + lookahead) -> mel of the former."""
        count = tokens.shape[1] - self.config.lookahead
        mel, after = self.advance(self.fsq.codes(tokens), tokens[:, :count] != NONE, state)
        for old, new in zip(tensors(state), tensors(after)):
            write_rows(old, new, active)
        return mel
