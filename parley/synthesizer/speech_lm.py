"""The speech-token language model: text positions in, speech tokens out, interleaved so that speech starts after four word pieces.

The sequence of one utterance (CosyVoice2's bistream layout, N = 4 text and M = 12 speech positions a block):

    sos | t1..t4 s1..s12 | t5..t8 s13..s24 | ... | the 0 to 3 pieces left, task, the rest of the speech, eos

The last text position of a block predicts the block's first speech token; `task` and the speech after it predict up to eos. That a
block is over is known by counting, so nothing is predicted there. In time, one text slot and three speech tokens belong to each block
of the clock: the text of a block is complete when its speech must begin.

Shapes: rows = utterances, pieces = word pieces, tokens = speech tokens at 25 Hz, length = positions of the sequence, width.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from parley.clock import exact_div
from parley.native.library import Kept, Packed, serves
from parley.native.linear import Linear
from parley.native.transformer import LayerWeights, Native, Positions, Transformer
from parley.streaming import WRITTEN_BEFORE_READ

SOS, TASK, FIRST = 0, 1, 2  # places in the table that a sequence is gathered from; text and speech follow
NO_TARGET = -100


@dataclass(frozen=True)
class SpeechLMConfig:
    """`connector`: hidden widths of the layers between the LLM and this model; `gate`: fuse the LLM's hidden state with the embedding
    of the word piece that was sampled from it (off: the hidden state alone, as in the paper); `corruption`: share of the speech
    tokens that training replaces by random ones, so that a wrong token is not followed by worse; `max_*`: the longest utterance;
    `spare` and `per_piece`: so many speech tokens, and so many for each piece, after which one ends that has not ended itself."""

    width: int = 256
    layers: int = 4
    heads: int = 4
    hidden: int = 704
    speech_tokens: int = 1000
    text_per_block: int = 4
    speech_per_block: int = 12
    max_tokens: int = 512
    max_pieces: int = 124
    connector: int = 256
    gate: bool = True
    corruption: float = 0.08
    rope_theta: float = 10000.0
    spare: int = 25
    per_piece: int = 12

    @property
    def calls(self) -> int:
        """Of a block: one speech token each."""
        return exact_div(self.speech_per_block, self.text_per_block)

    @property
    def capacity(self) -> int:
        """Positions of the longest sequence (sos, text, task, speech), and room for the unused ones of the calls after it."""
        return self.max_pieces + self.max_tokens + 2 + 1 + self.text_per_block

    def longest(self, pieces: Tensor) -> Tensor:
        """Speech tokens of an utterance of so many pieces, at most."""
        return (self.spare + self.per_piece * pieces).clamp(max=self.max_tokens)

    def sayable(self, pieces: int, tokens: float) -> bool:
        return pieces <= self.max_pieces and tokens <= min(self.max_tokens, self.spare + self.per_piece * pieces)


def interleave(n_text: int, n_speech: int, n: int = 4, m: int = 12) -> tuple[list[int], list[int]]:
    """The layout above as (source, target) per position.

    source: SOS, TASK, FIRST + i for text i, FIRST + n_text + j for speech j; target: the speech position to predict (n_speech = eos)
    or NO_TARGET. Where there is less speech than whole blocks need, fewer blocks are made and more text is left.
    """
    blocks = min(n_text // n, n_speech // m)
    source, target = [SOS], [NO_TARGET]
    for block in range(blocks):
        text, speech = range(block * n, block * n + n), range(block * m, block * m + m)
        source += [FIRST + i for i in text] + [FIRST + n_text + j for j in speech]
        target += [NO_TARGET] * (n - 1) + list(speech) + [NO_TARGET]
    rest, speech = range(blocks * n, n_text), range(blocks * m, n_speech)
    source += [FIRST + i for i in rest] + [TASK] + [FIRST + n_text + j for j in speech]
    target += [NO_TARGET] * len(rest) + list(speech) + [n_speech]
    return source, target


# Rotated queries, rotated keys, values (rows, heads, length, head width) -> what was attended to, in the shape of the queries.
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions: x (rows, length, ..., head width), turn: cosines and sines, of which the first half has the other sign."""
    cos, sin = turn
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)


class Layer(nn.Module):
    """Pre-norm attention and SwiGLU, as in Llama."""

    def __init__(self, config: SpeechLMConfig):
        super().__init__()
        self.heads = config.heads
        self.attention_norm = nn.RMSNorm(config.width)
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)
        self.mlp_norm = nn.RMSNorm(config.width)
        self.up = nn.Linear(config.width, 2 * config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
        """x (rows, length, width) -> the same shape. `turn`: (rows or 1, length, 1, 1, head width) each."""
        rows, length, width = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(rows, length, 3, self.heads, -1)
        q, k = rotate(qkv[:, :, :2], turn).transpose(1, 3).unbind(2)
        x = x + self.out(attend(q, k, qkv[:, :, 2].transpose(1, 2)).transpose(1, 2).reshape(rows, length, width))
        gate, value = self.up(self.mlp_norm(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * value)

    def weights(self) -> LayerWeights:
        norms = self.attention_norm.weight, self.mlp_norm.weight
        return LayerWeights(norms[0], [self.qkv.weight], self.out.weight, norms[1], [self.up.weight], self.down.weight)


@dataclass
class SpeechLMState:
    """One utterance a row. What `cache` and `tokens` hold beyond `length` and `count` is never looked at."""

    cache: Tensor = field(metadata=WRITTEN_BEFORE_READ)  # (rows, layers, keys and values, heads, capacity, head width)
    length: Tensor  # (rows,) int64, positions in the cache
    slots: Tensor  # (rows,) int64, text slots since the first word piece; 0: no utterance
    pieces: Tensor  # (rows,) int64, word pieces so far
    text: Tensor  # (rows, text_per_block, width): the word pieces that the cache does not hold yet
    waiting: Tensor  # (rows,) int64, how many these are
    text_ended: Tensor  # (rows,) bool: no more word pieces come
    closing: Tensor  # (rows,) bool: `task` was fed, eos may come
    done: Tensor  # (rows,) bool: eos came, or the longest utterance
    tokens: Tensor  # (rows, max_tokens, and room for a block's) int64
    count: Tensor  # (rows,) int64, speech tokens so far


class SpeechLM(nn.Module):
    turn: Tensor

    def __init__(self, config: SpeechLMConfig, text_width: int, vocabulary: int):
        super().__init__()
        self.config = config
        self.pieces = nn.Embedding(vocabulary, config.width)
        self.connector = nn.Sequential(
            Linear(text_width, config.connector), nn.ReLU(), Linear(config.connector, config.width), nn.LayerNorm(config.width)
        )
        self.gate = Linear(2 * config.width, config.width) if config.gate else None
        self.marks = nn.Parameter(torch.randn(FIRST, config.width))  # sos, task
        self.speech = nn.Embedding(config.speech_tokens, config.width)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.width)
        self.head = nn.Linear(config.width, config.speech_tokens + 1)  # the last one is eos
        half = config.width // config.heads // 2
        angle = torch.arange(config.capacity)[:, None] * config.rope_theta ** (-torch.arange(half) / half)
        turn = torch.stack([angle.cos(), angle.cos(), -angle.sin(), angle.sin()]).view(2, 2, -1, half).transpose(1, 2).flatten(2)
        self._native: Kept[Native] = Kept()
        self.register_buffer("turn", turn, persistent=False)  # (cosines and sines, capacity, head width)
        if self.gate is not None:
            nn.init.constant_(self.gate.bias, -2.0)  # starts close to the embeddings, which are trained first

    @property
    def eos(self) -> int:
        return self.config.speech_tokens

    def condition(self, hidden: Tensor | None, pieces: Tensor) -> Tensor:
        """What a text position reads: LLM hidden states (..., text_width) of the positions that predict `pieces` (...) -> (..., width).

        Without hidden states (pre-training) the embedding of the word piece alone.
        """
        embedded = self.pieces(pieces)
        if hidden is None:
            return embedded
        meant = self.connector(hidden)
        if self.gate is None:
            return meant
        share = self.gate(torch.cat([meant, embedded], dim=-1)).sigmoid()
        return share * meant + (1 - share) * embedded

    # Training: whole utterances.

    def loss(self, text: Tensor, n_text: Tensor, tokens: Tensor, n_tokens: Tensor) -> Tensor:
        """Mean cross-entropy of speech tokens and eos. Right-padded: text (rows, pieces, width) from `condition`, tokens (rows, tokens)."""
        heard = tokens
        if self.training:
            wrong = torch.rand(tokens.shape, device=tokens.device) < self.config.corruption
            heard = torch.where(wrong, torch.randint_like(tokens, self.config.speech_tokens), tokens)
        table = torch.cat([self.marks.expand(len(text), -1, -1), text, self.speech(heard)], dim=1)
        sources, targets = [], []
        for row, (words, speech) in enumerate(zip(n_text.tolist(), n_tokens.tolist())):
            source, target = interleave(words, speech, self.config.text_per_block, self.config.speech_per_block)
            skip = text.shape[1] - words  # where this row's text is padded, its speech stands later in the table
            sources.append(torch.tensor([place + skip if place >= FIRST + words else place for place in source]))
            labels = torch.cat([tokens[row, :speech], tokens.new_tensor([self.eos])])
            where = torch.tensor(target, device=tokens.device)
            targets.append(torch.where(where == NO_TARGET, NO_TARGET, labels[where.clamp(min=0)]))
        index = pad_sequence(sources, batch_first=True).to(text.device)
        labels = pad_sequence(targets, batch_first=True, padding_value=NO_TARGET)
        x = table.gather(1, index[:, :, None].expand(-1, -1, table.shape[2]))
        return F.cross_entropy(self(x).flatten(0, 1), labels.flatten(), ignore_index=NO_TARGET)

    def forward(self, x: Tensor) -> Tensor:
        """Whole sequences of embeddings (rows, length, width) -> logits (rows, length, speech_tokens + 1)."""

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)

        cos, sin = self.turn[:, None, : x.shape[1], None, None]
        for layer in self.layers:
            x = layer(x, (cos, sin), attend)
        return self.head(self.norm(x))

    # Streaming: one text slot and three speech tokens a block, for all rows.

    def init_state(self, rows: int) -> SpeechLMState:
        config, new = self.config, self.marks.new_zeros

        def counter() -> Tensor:
            return new(rows, dtype=torch.long)

        def flag() -> Tensor:
            return new(rows, dtype=torch.bool)

        return SpeechLMState(
            cache=new(rows, config.layers, 2, config.heads, config.capacity, config.width // config.heads),
            length=counter(),
            slots=counter(),
            pieces=counter(),
            text=new(rows, config.text_per_block, config.width),
            waiting=counter(),
            text_ended=flag(),
            closing=flag(),
            done=flag(),
            tokens=new(rows, config.max_tokens + self.config.calls, dtype=torch.long),
            count=counter(),
        )

    def forget(self, state: SpeechLMState, rows: Tensor) -> None:
        """Ends the utterance of `rows` (bool): the next word piece begins a new one."""
        for counter in (state.length, state.slots, state.pieces, state.waiting, state.count):
            counter.masked_fill_(rows, 0)
        for flag in (state.text_ended, state.closing, state.done):
            flag.masked_fill_(rows, False)

    def step(self, text: Tensor, spoken: Tensor, state: SpeechLMState, active: Tensor) -> None:
        """One text slot a row: `text` (rows, width) counts where `spoken` (rows,) is True; where it is False the text has ended.

        Appends up to three speech tokens to `state.tokens` of every active row that has an utterance.
        """
        config = self.config
        spoken = spoken & active & ~state.text_ended & (state.pieces < config.max_pieces)
        speaking = active & (spoken | (state.slots > 0))
        place = torch.arange(config.text_per_block, device=text.device)
        here = (place == state.waiting[:, None]) & spoken[:, None]  # (rows, text_per_block)
        state.text.copy_(torch.where(here[:, :, None], text[:, None], state.text))
        state.waiting += spoken
        state.pieces += spoken
        state.slots += speaking
        state.text_ended |= speaking & ~spoken

        boundary = speaking & (state.slots % config.text_per_block == 0) & ~state.closing
        state.closing |= boundary & (state.waiting < config.text_per_block)
        running = speaking & (state.slots >= config.text_per_block) & ~state.done
        fed = 1 + torch.where(boundary, state.waiting + state.closing, 0)  # positions of the first of the three calls
        x = torch.cat([self.latest(state)[:, None], state.text], dim=1)  # (rows, 1 + text_per_block, width)
        task = (torch.arange(x.shape[1], device=x.device) == fed[:, None] - 1) & (boundary & state.closing)[:, None]
        x = torch.where(task[:, :, None], self.marks[TASK], x)
        state.waiting.masked_fill_(boundary, 0)
        if serves(x, (config.width // config.heads, config.hidden)):
            self.generate_natively(x, fed, state, running)
        else:
            self.generate(x, fed, state, running, active)

    def latest(self, state: SpeechLMState) -> Tensor:
        """(rows, width): the newest speech token's embedding; sos where there is none."""
        last = state.tokens.gather(1, (state.count - 1).clamp(min=0)[:, None])[:, 0]
        return torch.where((state.count > 0)[:, None], self.speech(last), self.marks[SOS])

    def generate(self, x: Tensor, fed: Tensor, state: SpeechLMState, running: Tensor, active: Tensor) -> None:
        """Feeds the first `fed` (rows,) positions of x (rows, positions, width) and appends a block's tokens, to the rows `running`."""
        eos = torch.where(state.closing, 0.0, -torch.inf)
        limit = self.config.longest(state.pieces)
        places = state.count[:, None] + torch.arange(self.config.calls, device=x.device)
        started, count, length, made = running, state.count, state.length, []
        for call in range(self.config.calls):
            x = self.read(x, length, state.cache, active)
            last = x[:, 0] if call else x.gather(1, (fed - 1)[:, None, None].expand(-1, 1, x.shape[2]))[:, 0]
            length = length + (running if call else running * fed)
            logits = self.head(self.norm(last))
            logits[:, self.eos] += eos
            token = logits.argmax(-1)
            running = running & (token != self.eos) & (count < limit)
            count = count + running
            made.append(token)
            x = self.speech(token.clamp(max=self.config.speech_tokens - 1))[:, None]
        old = state.tokens.gather(1, places)
        state.tokens.scatter_(1, places, torch.where(places < count[:, None], torch.stack(made, 1), old))
        state.done |= started & ~running
        state.count.copy_(count)
        state.length.copy_(length)

    def generate_natively(self, x: Tensor, fed: Tensor, state: SpeechLMState, running: Tensor) -> None:
        """`generate` on a CPU, where a row that is not running costs nothing."""
        native = self.native()
        keys, values = ([state.cache[:, layer, part] for layer in range(self.config.layers)] for part in (0, 1))
        limit = self.config.longest(state.pieces)
        rows = running.nonzero()[:, 0]
        here = torch.arange(x.shape[1]) < fed[rows, None]  # (running rows, positions)
        x = x[rows][here]  # (tokens, width)
        for _ in range(self.config.calls):
            if not len(rows):
                break
            row, inside = here.nonzero().unbind(1)
            place, numbers = state.length[rows][row] + inside, rows[row].tolist()
            last = here.sum(1).cumsum(0) - 1
            at = Positions(numbers, place.tolist(), [self.config.capacity] * len(numbers), last.tolist())
            found, _ = native.layers(x, (self.turn[0, place], self.turn[1, place]), at, keys, values)
            state.length[rows] += here.sum(1)
            logits = native.head(found)
            logits[:, self.eos] += torch.where(state.closing[rows], 0.0, -torch.inf)
            token = logits.argmax(-1)
            on = (token != self.eos) & (state.count[rows] < limit[rows])
            state.done[rows[~on]] = True
            rows, token = rows[on], token[on]
            state.tokens[rows, state.count[rows]] = token
            state.count[rows] += 1
            x, here = self.speech(token), torch.ones(len(rows), 1, dtype=torch.bool)

    def native(self) -> Native:
        """The kernels' copies of the weights."""
        layers = [layer for layer in self.layers if isinstance(layer, Layer)]
        shape = self.config.heads, self.config.heads, self.config.width // self.config.heads, torch.finfo(torch.float32).eps

        def make() -> Native:
            transformer = Transformer([layer.weights() for layer in layers], self.norm.weight, *shape)
            return Native(transformer, Packed([self.head.weight], self.head.bias))

        return self._native.of(self, make)

    def read(self, x: Tensor, length: Tensor, cache: Tensor, active: Tensor) -> Tensor:
        """x (rows, positions, width) after the `length` (rows,) positions in the cache, where `active` rows keep the new ones' keys and
        values -> the output of the layers in the shape of x. Of positions that are no part of an utterance nothing is counted."""
        place = length[:, None] + torch.arange(x.shape[1], device=x.device)  # (rows, positions)
        visible = torch.arange(cache.shape[4], device=x.device) <= place[:, :, None]  # (rows, positions, capacity)
        mask = torch.where(visible, 0.0, -torch.inf)[:, None]
        cos, sin = self.turn[:, place, None, None]
        index = place[:, None, None, :, None].expand(-1, *cache.shape[2:4], -1, cache.shape[5])
        active = active[:, None, None, None, None]
        for number, layer in enumerate(self.layers):

            def attend(q: Tensor, k: Tensor, v: Tensor, cache: Tensor = cache[:, number]) -> Tensor:
                new = torch.where(active, torch.stack([k, v], 1), cache.gather(3, index))
                keys, values = cache.scatter_(3, index, new).unbind(1)
                return F.scaled_dot_product_attention(q, keys, values, attn_mask=mask)

            x = layer(x, (cos, sin), attend)
        return x
