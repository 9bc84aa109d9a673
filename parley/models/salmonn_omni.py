"""SALMONN-omni: streaming encoder -> LLM -> streaming synthesizer, joined by embeddings; no audio codec in the vocabulary.

Paper: "SALMONN-omni: A Standalone Speech LLM without Codec Injection for Full-duplex Conversation", section 3. Each block the LLM
reads an environment embedding, an assistant embedding and the token it predicted before, and predicts one token (parley/llm/layout.py).
Shapes: rows, samples (a block: samples_in), frames (2 a block), width (of the LLM).
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from parley.clock import Clock
from parley.encoder.speech_encoder import SpeechEncoder, SpeechEncoderConfig, SpeechEncoderState
from parley.llm.backbone import Backbone, BackboneConfig, BackboneState
from parley.llm.batch import Batch
from parley.llm.layout import SLOTS, LayoutConfig
from parley.llm.tokens import Mode, Tokens
from parley.models.duplex import BlockOutput, Directive, DuplexModel
from parley.native.linear import Linear
from parley.streaming import mapped, write_rows
from parley.synthesizer.synthesizer import Event, Synthesizer, SynthesizerConfig, SynthesizerState

STREAMS = 2  # environment, assistant
LIKELY = 0.1  # the probability of a `<shift>` above which it is


@dataclass(frozen=True)
class ConnectorConfig:
    """The MLP from `frames` stacked encoder frames to one embedding (shape as in the team's released sibling model)."""

    frames: int = 2
    hidden: int = 512


@dataclass(frozen=True)
class Thresholds:
    """How probable a `<shift>` must be to be taken; below it the best other token is. The two kinds of mistakes cost differently.

    That it is time is learned, its block is not: the probability is spread over several. With a `memory` they are added up, each block's
    worth that much less in the next, and the thresholds are compared with the sum, which may exceed 1. The paper has none (0).
    `patience`: where it is asked for, a `<shift>` that begins to speak is likely in so many blocks in a row, the last of them its own.
    """

    start: float = 0.5  # from listening to speaking
    stop: float = 0.5  # from speaking to listening
    memory: float = 0.0
    patience: int = 5


@dataclass(frozen=True)
class SalmonnOmniConfig:
    clock: Clock = field(default_factory=Clock)
    encoder: SpeechEncoderConfig = field(default_factory=SpeechEncoderConfig)
    connector: ConnectorConfig = field(default_factory=ConnectorConfig)
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    layout: LayoutConfig = field(default_factory=LayoutConfig)
    synthesizer: SynthesizerConfig = field(default_factory=SynthesizerConfig)
    speech_loss: float = 0.5
    thresholds: Thresholds = field(default_factory=Thresholds)
    world: str = "first"  # the spoken world that it was trained on


class Connector(nn.Module):
    """LayerNorm, stack the frames of a block, Linear, ReLU, Linear."""

    def __init__(self, width_in: int, width_out: int, config: ConnectorConfig):
        super().__init__()
        self.frames = config.frames
        self.norm = nn.LayerNorm(width_in)
        self.up = Linear(width_in * config.frames, config.hidden)
        self.down = Linear(config.hidden, width_out)

    def forward(self, frames: Tensor) -> Tensor:
        """(rows, blocks * frames, width_in) -> (rows, blocks, width_out)."""
        rows, length, width = frames.shape
        stacked = self.norm(frames).reshape(rows, length // self.frames, self.frames * width)
        return self.down(F.relu(self.up(stacked)))


@dataclass
class OmniState:
    """All memory of the sessions, rows first; zeros when fresh. `token` is x of the next block, plus one, so that 0 means `<bos>`."""

    streams: SpeechEncoderState  # its tensors are (rows, 2, ...): environment, assistant
    backbone: BackboneState
    synthesizer: SynthesizerState
    token: Tensor  # (rows,) int64
    mode: Tensor  # (rows,) int64, a Mode
    wordless: Tensor  # (rows,) bool: speaking was decided, no word piece yet
    urge: Tensor  # (rows,): what has added up of the probabilities of a `<shift>` since the last one
    likely: Tensor  # (rows,) int64: blocks in a row up to now in which it was likely
    played: Tensor  # (rows, samples_out): what the assistant played during the block before this one ...
    playing: Tensor  # (rows, samples_out): ... and during this one: what the last step made


class SalmonnOmni(DuplexModel):
    is_piece: Tensor  # (vocabulary,) bool: not a special token
    shift_column: Tensor  # (1,) int64

    def __init__(self, config: SalmonnOmniConfig, backbone: Backbone, tokens: Tokens):
        super().__init__()
        if config.clock.input_rate != config.clock.output_rate:
            raise ValueError(f"it hears its own speech: the rates {config.clock.input_rate} and {config.clock.output_rate} must be one")
        self.config = config
        self.clock = config.clock
        self.world = config.world
        self.tokens = tokens
        self.encoder = SpeechEncoder(config.encoder)
        self.connector = Connector(self.encoder.d_model, backbone.width, config.connector)
        self.stream = nn.Parameter(torch.zeros(STREAMS, backbone.width))  # tells the two streams apart: environment, assistant
        self.backbone = backbone
        self.synthesizer = Synthesizer(config.synthesizer, text_width=backbone.width, vocabulary=len(tokens.tokenizer))
        block = config.clock.samples_in, config.clock.input_rate, config.clock.samples_out
        if block != (parts := (config.connector.frames * config.encoder.samples, config.encoder.mel.rate, self.synthesizer.samples)):
            raise ValueError(f"a block is (samples heard, Hz, samples said) = {block}, of connector, encoder and synthesizer it is {parts}")
        pieces = torch.ones(backbone.llm.config.vocab_size, dtype=torch.bool)
        pieces[len(tokens.tokenizer) :] = False  # rows that fill a table up
        pieces[tokens.special] = False
        self.register_buffer("is_piece", pieces, persistent=False)
        self.register_buffer("shift_column", torch.tensor([tokens.shift]), persistent=False)

    def piece(self, token: int) -> str:
        return self.tokens.piece(token)

    # Training: whole dialogues.

    def interleave(self, environment: Tensor, assistant: Tensor, inputs: Tensor) -> Tensor:
        """Encoded streams (rows or 1, frames, d_model) and x (rows, blocks) -> (rows, blocks * SLOTS, width)."""
        rows, blocks = inputs.shape
        heard = self.connector(environment)[:, :blocks] + self.stream[0]
        said = (self.connector(assistant)[:, :blocks] + self.stream[1]).expand(rows, -1, -1)
        return torch.stack([heard, said, self.backbone.embed(inputs)], dim=2).reshape(rows, blocks * SLOTS, -1)

    @torch.no_grad()
    def encode_assistant(self, assistant: Tensor | None, environment: Tensor) -> Tensor:
        """What was played up to the end of the block before: the stream delayed by one block, zeros through the same encoder. An encoder
        that learns does so from what it hears of people."""
        if assistant is None:
            return self.encoder(torch.zeros_like(environment[:1]))
        delayed = F.pad(assistant, (self.clock.samples_out, 0))[:, : assistant.shape[1]]
        return self.encoder(delayed)

    def forward(self, batch: Batch, environment: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Offline: logits (rows, blocks, vocabulary), speech hidden (rows, blocks, width). `environment` (rows, frames, d_model): the
        frames of that stream where they are made already."""
        heard = self.encoder(batch.environment) if environment is None else environment
        assistant = self.encode_assistant(batch.assistant, batch.environment)
        return self.backbone(self.interleave(heard, assistant, batch.inputs))

    def text_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        each = F.cross_entropy(logits.transpose(1, 2), batch.labels, reduction="none")
        return (each * batch.weights).sum() / batch.weights.sum()

    @torch.no_grad()
    def accuracies(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Of the weighted slots, the part predicted right, given the right past: word pieces, and `<shift>`s."""
        right, counted = logits.argmax(-1) == batch.labels, batch.weights > 0
        kinds = {"pieces_right": self.is_piece[batch.labels] & counted, "shifts_right": (batch.labels == self.tokens.shift) & counted}
        return {name: (right & kind).sum() / kind.sum().clamp(min=1) for name, kind in kinds.items()}

    def loss(self, batch: Batch, environment: Tensor | None = None) -> dict[str, Tensor]:
        return self.terms(batch, *self(batch, environment))

    def terms(self, batch: Batch, logits: Tensor, hidden: Tensor) -> dict[str, Tensor]:
        """Weighted cross-entropy of the text slots, plus `speech_loss` times that of the speech tokens where there are answers to speak."""
        losses = {"text": self.text_loss(logits, batch), **self.accuracies(logits, batch)}
        losses["loss"] = losses["text"]
        if batch.speech is not None:
            speech = batch.speech
            vectors = hidden[speech.row[:, None], speech.block]  # the predicting position of each piece
            losses["speech"] = self.synthesizer.loss(vectors, speech.pieces, speech.n_pieces, speech.tokens, speech.n_tokens)
            losses["loss"] = losses["loss"] + self.config.speech_loss * losses["speech"]
        return losses

    # Streaming: one block for all rows.

    def init_state(self, rows: int) -> OmniState:
        device = self.stream.device
        return OmniState(
            streams=mapped(self.encoder.init_state(rows * STREAMS), lambda tensor: tensor.unflatten(0, (rows, STREAMS))),
            backbone=self.backbone.init_state(rows),
            synthesizer=self.synthesizer.init_state(rows),
            token=torch.zeros(rows, dtype=torch.long, device=device),
            mode=torch.zeros(rows, dtype=torch.long, device=device),
            wordless=torch.zeros(rows, dtype=torch.bool, device=device),
            urge=torch.zeros(rows, device=device),
            likely=torch.zeros(rows, dtype=torch.long, device=device),
            played=torch.zeros(rows, self.clock.samples_out, device=device),
            playing=torch.zeros(rows, self.clock.samples_out, device=device),
        )

    def allowed(self, mode: Tensor, wordless: Tensor) -> Tensor:
        """(rows, vocabulary): what the grammar of explicit thinking lets follow. The block after a `<shift>` to speaking holds a word."""
        texting = (mode == Mode.TEXT)[:, None]
        allowed = self.is_piece & texting
        allowed[:, self.tokens.think] = ~wordless
        allowed[:, self.tokens.shift] = ~wordless
        return allowed

    def step(self, environment: Tensor, state: OmniState, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        """`directive`: (rows,) of Directive, None: FREE in every row. `shift_probability` (with a memory: their sum) stays the model's own
        opinion."""
        pcm = torch.stack([environment, state.played], dim=1).flatten(0, 1)  # both streams in one pass of the encoder
        each = mapped(state.streams, lambda tensor: tensor.flatten(0, 1))
        frames = self.encoder.step(pcm, each, active.repeat_interleave(STREAMS))
        both = self.connector(frames).view(len(active), STREAMS, -1) + self.stream
        given = torch.where(state.token == 0, self.tokens.bos, state.token - 1)
        embeddings = torch.cat([both, self.backbone.embed(given[:, None])], dim=1)
        logits, hidden = self.backbone.step(embeddings, state.backbone, active)
        logits = logits.masked_fill(~self.allowed(state.mode, state.wordless), -torch.inf)
        speaking, thresholds = state.mode != Mode.LISTENING, self.config.thresholds
        probability = logits.softmax(-1)[:, self.tokens.shift]
        urge = thresholds.memory * state.urge + probability
        likely = torch.where(probability > LIKELY, state.likely + 1, 0)
        shift = urge > torch.where(speaking, thresholds.stop, thresholds.start)
        if directive is not None:
            shift &= (directive != Directive.PATIENT) | speaking | (likely >= thresholds.patience)
            shift = (shift | (directive == Directive.SHIFT)) & (directive != Directive.STAY) & ~state.wordless
        other = logits.index_fill(1, self.shift_column, -torch.inf).argmax(-1)  # a probability may round to 0
        token = torch.where(shift, self.tokens.shift, other)

        think = token == self.tokens.think
        event = torch.zeros_like(token)
        event[speaking & think] = Event.TEXT_ENDED
        event[~think & ~shift] = Event.PIECE
        event[speaking & shift] = Event.FLUSH
        pcm = self.synthesizer.step(hidden, token, event, state.synthesizer, active)

        mode = torch.where(shift, torch.where(speaking, int(Mode.LISTENING), int(Mode.TEXT)), state.mode)
        mode = torch.where(think & (state.mode == Mode.TEXT), int(Mode.WAIT), mode)
        write_rows(state.wordless, shift & ~speaking, active)
        write_rows(state.urge, urge.masked_fill(shift, 0.0), active)
        write_rows(state.likely, likely.masked_fill(shift, 0), active)
        write_rows(state.mode, mode, active)
        write_rows(state.token, token + 1, active)
        write_rows(state.played, state.playing, active)
        write_rows(state.playing, pcm, active)
        return BlockOutput(pcm, token, mode != Mode.LISTENING, urge)
