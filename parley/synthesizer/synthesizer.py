"""The streaming speech synthesizer: LLM hidden states at word pieces -> speech tokens -> mel -> waveform, with one state.

Speech tokens are made half as fast again as they are played (three a block, two of them sounding), so they wait in the state; mel and
waveform are made when they are played. A flush throws away what was not played yet. Shapes: rows, samples (a block: 1280), tokens.
"""

import math
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor, nn

from parley.native.library import serves
from parley.streaming import mapped, reset_rows, tensors, write_rows
from parley.synthesizer.flow import MelDecoder, MelDecoderConfig, MelDecoderState
from parley.synthesizer.speech_lm import SpeechLM, SpeechLMConfig, SpeechLMState
from parley.synthesizer.tokenizer import NONE
from parley.synthesizer.vocoder import Vocoder, VocoderConfig, VocoderState


class Event(IntEnum):
    """What happened in a row's text slot of this block."""

    NONE = 0  # listening
    PIECE = 1  # a word piece; the first one after a flush begins an utterance
    TEXT_ENDED = 2  # speaking, but no more words
    FLUSH = 3  # back to listening: what was not played yet is thrown away


@dataclass(frozen=True)
class SynthesizerConfig:
    """`tokens_per_block`: speech tokens that sound during one block; `fade`: samples in which a flushed sound dies away."""

    lm: SpeechLMConfig = SpeechLMConfig()
    mel_decoder: MelDecoderConfig = MelDecoderConfig()
    vocoder: VocoderConfig = VocoderConfig()
    tokens_per_block: int = 2
    fade: int = 80


@dataclass
class SynthesizerState:
    lm: SpeechLMState
    mel_decoder: MelDecoderState
    vocoder: VocoderState
    played: Tensor  # (rows,) int64, speech tokens that have sounded

    @property
    def playing(self) -> Tensor:
        """(rows,) bool: an utterance has begun, and some of its audio is still to come."""
        return (self.lm.slots > 0) & ~(self.lm.done & (self.played >= self.lm.count))


class Synthesizer(nn.Module):
    """`text_width`: of the LLM's hidden states; `vocabulary`: of its word pieces."""

    ramp: Tensor

    def __init__(self, config: SynthesizerConfig, text_width: int, vocabulary: int):
        super().__init__()
        if config.lm.speech_tokens != math.prod(config.mel_decoder.levels):
            raise ValueError(f"{config.lm.speech_tokens} speech tokens are not the codes of the levels {config.mel_decoder.levels}")
        if config.tokens_per_block + config.mel_decoder.lookahead > config.lm.calls:
            raise ValueError(f"{config.lm.calls} speech tokens a block are too few to play {config.tokens_per_block} and look ahead")
        self.config = config
        self.lm = SpeechLM(config.lm, text_width, vocabulary)
        self.mel_decoder = MelDecoder(config.mel_decoder)
        self.vocoder = Vocoder(config.vocoder)
        self.samples = config.tokens_per_block * config.mel_decoder.frames_per_token * config.vocoder.mel.hop  # a block
        ramp = torch.zeros(self.samples)
        ramp[: config.fade] = torch.linspace(1, 0, config.fade)
        self.register_buffer("ramp", ramp, persistent=False)

    def frozen_parts(self) -> list[nn.Module]:
        """Speech tokens -> waveform: what end-to-end training leaves as it was pre-trained."""
        return [self.mel_decoder, self.vocoder]

    def loss(self, hidden: Tensor | None, pieces: Tensor, n_pieces: Tensor, tokens: Tensor, n_tokens: Tensor) -> Tensor:
        """Cross-entropy of the speech tokens of whole answers, right-padded: hidden (rows, pieces, text_width) are the LLM's at the
        positions that predict `pieces` (rows, pieces), None in pre-training; tokens (rows, tokens); n_pieces, n_tokens (rows,)."""
        return self.lm.loss(self.lm.condition(hidden, pieces), n_pieces, tokens, n_tokens)

    def speak(self, tokens: Tensor) -> Tensor:
        """Whole utterances: speech tokens (rows, tokens), NONE after the end -> pcm (rows, tokens * samples of a token)."""
        return self.vocoder(self.mel_decoder(tokens))

    def init_state(self, rows: int) -> SynthesizerState:
        return SynthesizerState(
            self.lm.init_state(rows),
            self.mel_decoder.init_state(rows),
            self.vocoder.init_state(rows),
            torch.zeros(rows, dtype=torch.long, device=self.ramp.device),
        )

    def step(self, hidden: Tensor | None, pieces: Tensor, event: Tensor, state: SynthesizerState, active: Tensor) -> Tensor:
        """One block: hidden (rows, text_width), pieces (rows,) ids, event (rows,) -> pcm (rows, samples) for the next block.

        The fourth text slot of an utterance returns its first sound; a row that has nothing to say returns zeros.
        """
        flushed = active & (event == Event.FLUSH)
        waits = event.device.type != "cpu"  # to know what is in a tensor a GPU would wait, so it does what may be for nothing
        if waits or (event[active] != Event.NONE).any():
            self.lm.step(self.lm.condition(hidden, pieces), event == Event.PIECE, state.lm, active & ~flushed)
        sounding = active & (state.played < state.lm.count)
        pcm = self.sound(state, sounding)
        if waits or flushed.any():
            pcm = torch.where(flushed[:, None], pcm * self.ramp, pcm)
            self.forget(state, flushed)
        return pcm

    def forget(self, state: SynthesizerState, rows: Tensor) -> None:
        """Ends the utterance of `rows` (bool), and what of it has not sounded."""
        self.lm.forget(state.lm, rows)
        for part in (state.mel_decoder, state.vocoder):
            reset_rows(part, rows)
        write_rows(state.played, torch.zeros_like(state.played), rows)

    def sound(self, state: SynthesizerState, sounding: Tensor) -> Tensor:
        """The next block of the rows that sound, (rows, samples); zeros for the others. The kernels leave these out."""
        ahead = torch.arange(self.config.tokens_per_block + self.config.mel_decoder.lookahead, device=sounding.device)
        place = state.played[:, None] + ahead  # (rows, tokens_per_block + lookahead)
        tokens = state.lm.tokens.gather(1, place.clamp(max=state.lm.tokens.shape[1] - 1))
        tokens = torch.where(place < state.lm.count[:, None], tokens, NONE)
        write_rows(state.played, state.played + self.config.tokens_per_block, sounding)
        if not serves(self.ramp, ()):
            mel = self.mel_decoder.step(tokens, state.mel_decoder, sounding)
            return torch.where(sounding[:, None], self.vocoder.step(mel, state.vocoder, sounding), 0.0)
        pcm, rows = self.ramp.new_zeros(len(sounding), self.samples), sounding.nonzero()[:, 0]
        if len(rows):
            whole = state.mel_decoder, state.vocoder
            mel_decoder, vocoder = part = mapped(whole, lambda tensor: tensor[rows])
            here = sounding[rows]
            pcm[rows] = self.vocoder.step(self.mel_decoder.step(tokens[rows], mel_decoder, here), vocoder, here)
            for old, new in zip(tensors(whole), tensors(part)):
                old[rows] = new
        return pcm
