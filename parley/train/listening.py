"""What a from-scratch encoder is taught by: three heads on its frames, dropped after its pre-training.

The paper starts from a pretrained encoder (section 4.1). In its place: a CTC loss over the word pieces of what people say (the ASR task);
what people do at the end of each block (asking, done with asking, a backchannel ...), which is the ground of turn-taking; and the words
of each answer, unordered, from the frame at whose end it is decided on. Without the last the LLM learns the grammar of the answers long
before it listens to the questions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from parley.llm.batch import Batch, Heard
from parley.llm.tokens import Tokens


@dataclass(frozen=True)
class ListeningConfig:
    """Weights of the losses."""

    pieces: float = 0.5
    heard: float = 0.5
    meaning: float = 1.0
    event: float = 5.0  # within `heard`, that of a block of a backchannel or an interruption: they are rare, and what yielding hangs on


@dataclass(frozen=True)
class Perturbation:
    """What training does to the log-mel, so that other voices than those of training are heard as well: the frequencies of each row are
    stretched by up to `warp` (vocal tract length perturbation, Jaitly and Hinton, 2013), and unevenly, as tracts differ in shape too: by a
    sum of slow waves of up to `bend` mels each; and bands and short times are blanked (SpecAugment, Park et al., 2019): `bands` of up to
    `band` mels, `gaps` of up to `gap` frames of 10 ms."""

    warp: float = 0.12
    bend: float = 1.5
    bands: int = 2
    band: int = 10
    gaps: int = 3
    gap: int = 7


WAVES = 3  # of a bend over all frequencies: half a period, one, one and a half


def warped(log_mel: Tensor, config: Perturbation) -> Tensor:
    """(rows, frames, mels) of voices with other vocal tracts, drawn from torch's global generator."""
    rows, _, mels = log_mel.shape
    device = log_mel.device
    factor = 1 + config.warp * (2 * torch.rand(rows, 1, device=device) - 1)
    heights = config.bend * (2 * torch.rand(rows, WAVES, device=device) - 1)
    waves = torch.arange(1, WAVES + 1, device=device)[:, None] * torch.linspace(0, torch.pi, mels, device=device)
    source = torch.arange(mels, device=device) * factor + heights @ waves.cos()  # (rows, mels)
    source = source.clamp(min=0, max=mels - 1)
    low, share = source.floor().long(), source.frac()
    high = (low + 1).clamp(max=mels - 1)

    def at(place: Tensor) -> Tensor:
        return log_mel.gather(2, place[:, None].expand_as(log_mel))

    return torch.lerp(at(low), at(high), share[:, None].expand_as(log_mel))


def masked(log_mel: Tensor, config: Perturbation) -> Tensor:
    """(rows, frames, mels) with bands and short times blanked."""
    (rows, frames, mels), device = log_mel.shape, log_mel.device
    bands = blanked(rows, mels, config.bands, config.band, device)
    gaps = blanked(rows, frames, config.gaps, config.gap, device)
    return log_mel.masked_fill(bands[:, None] | gaps[:, :, None], 0.0)


def blanked(rows: int, length: int, count: int, longest: int, device: torch.device) -> Tensor:
    """(rows, length) bool: True within `count` stretches of 0 to `longest` places."""
    size = torch.randint(0, longest + 1, (rows, count, 1), device=device)
    start = (torch.rand(rows, count, 1, device=device) * (length - size + 1).clamp(min=1)).long()
    place = torch.arange(length, device=device)
    return ((place >= start) & (place < start + size)).any(1)


class Listening(nn.Module):
    """`block_frames`: encoder frames a block."""

    def __init__(self, d_model: int, tokens: Tokens, block_frames: int, config: ListeningConfig):
        super().__init__()
        self.block_frames, self.config, self.tokens = block_frames, config, tokens
        vocabulary = len(tokens.tokenizer)
        self.to_pieces = nn.Linear(d_model, 1 + vocabulary)  # 0 is the blank
        self.to_heard = nn.Linear(d_model, len(Heard))
        self.to_words = nn.Linear(d_model, vocabulary)

    def losses(self, frames: Tensor, batch: Batch) -> dict[str, Tensor]:
        """frames (rows, blocks * block_frames, d_model) -> the losses, their weighted sum as `listening`, how often `heard` is right."""
        assert batch.heard is not None
        ends = frames[:, self.block_frames - 1 :: self.block_frames]
        heard = self.to_heard(ends)
        losses = {
            "pieces": self.pieces(frames, batch),
            "heard": kinds_missed(heard, batch.heard, self.config.event),
            "meaning": self.meaning(ends, batch),
        }
        config = self.config
        sum_ = config.pieces * losses["pieces"] + config.heard * losses["heard"] + config.meaning * losses["meaning"]
        right = (heard.argmax(-1) == batch.heard)[batch.heard >= 0].float().mean()
        return {**losses, "listening": sum_, "heard_right": right}

    def pieces(self, frames: Tensor, batch: Batch) -> Tensor:
        """Mean over the rows of the negative log-likelihood of their transcripts by the word piece; of all blanks where nobody speaks."""
        assert batch.heard is not None
        labels = [torch.tensor(self.tokens.encode(text) if text else [], dtype=torch.long) + 1 for text in batch.transcripts]
        lengths = torch.tensor([len(label) for label in labels])
        log_probability = self.to_pieces(frames).float().log_softmax(-1).transpose(0, 1)
        whole = (batch.heard >= 0).sum(1).cpu() * self.block_frames  # without the padding
        return F.ctc_loss(log_probability, torch.cat(labels), whole, lengths, zero_infinity=True)

    def meaning(self, ends: Tensor, batch: Batch) -> Tensor:
        """ends (rows, blocks, d_model): cross-entropy of the words of the answers at their decisions."""
        if not batch.answers:
            return ends.new_zeros(())
        rows, blocks, answers = zip(*batch.answers)
        return words_missed(self.to_words(ends[list(rows), list(blocks)]), answers)


def kinds_missed(logits: Tensor, heard: Tensor, event: float) -> Tensor:
    """logits (rows, blocks, kinds), heard (rows, blocks): cross-entropy of what people do, a mean over blocks, of which those of a
    backchannel or an interruption weigh `event`."""
    rare = (Heard.BACKCHANNEL, Heard.INTERRUPTION)
    weight = logits.new_tensor([event if kind in rare else 1.0 for kind in Heard])
    return F.cross_entropy(logits.transpose(1, 2), heard, weight, ignore_index=-1)


def words_missed(logits: Tensor, answers: Sequence[tuple[int, ...]]) -> Tensor:
    """logits (answers, vocabulary): cross-entropy of the word pieces of each answer, in no order. A piece counts the less, the more of the
    answers have it."""
    logits = logits.float()
    said = torch.zeros_like(logits)
    for one, pieces in zip(said, answers, strict=True):
        one[list(pieces)] = 1.0
    share = said / said.sum(0).clamp(min=1)
    share = share / share.sum(1, keepdim=True).clamp(min=1e-6)
    return -(share * logits.log_softmax(-1)).sum(1).mean()
