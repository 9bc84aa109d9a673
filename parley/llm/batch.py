"""Layouts and waveforms of several dialogues -> one padded training batch."""

from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from parley.llm.layout import Layout


class Heard(IntEnum):
    """What people do in the environment at the end of a block."""

    NOTHING = 0
    QUESTION = 1  # pauses inside it included
    QUESTION_ENDED = 2
    CHAT = 3
    BACKCHANNEL = 4
    INTERRUPTION = 5


@dataclass
class SpeechBatch:
    """The whole answers of a batch, one item each: where their word pieces stand, and the speech tokens to predict."""

    row: Tensor  # (answers,) int64
    block: Tensor  # (answers, pieces) the block whose slot predicts each piece; padded with 0
    pieces: Tensor  # (answers, pieces) ids; padded with 0
    n_pieces: Tensor  # (answers,)
    tokens: Tensor  # (answers, speech) speech-token ids; padded with 0
    n_tokens: Tensor  # (answers,)


@dataclass
class Batch:
    """Training rows, right-padded to whole blocks. Blocks beyond a row's end have weight 0."""

    environment: Tensor  # (rows, samples)
    assistant: Tensor | None  # (rows, samples) what was played; None: silent throughout (stage 1)
    inputs: Tensor  # (rows, blocks) x_t
    labels: Tensor  # (rows, blocks) y_t
    weights: Tensor  # (rows, blocks)
    speech: SpeechBatch | None = None
    transcripts: list[str] = field(default_factory=list)  # per row: the words of the environment, in order of their start
    heard: Tensor | None = None  # (rows, blocks) a Heard; -1 beyond a row's end
    answers: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)  # (row, block of the decision, the whole answer)
    echo: Tensor | None = None  # (rows, samples) what of the environment is the assistant's echo; None where no row has one

    def to(self, device: torch.device) -> "Batch":
        def move(item: "Batch | SpeechBatch") -> dict[str, Tensor]:
            return {name: value.to(device) for name, value in item.__dict__.items() if isinstance(value, Tensor)}

        speech = replace(self.speech, **move(self.speech)) if self.speech else None
        return replace(self, speech=speech, **move(self))


@dataclass(frozen=True)
class Row:
    """One dialogue, laid out, ready to be stacked. `environment` and `assistant`: (blocks * samples_in,) float32."""

    environment: np.ndarray
    assistant: np.ndarray
    layout: Layout
    transcript: str
    heard: tuple[Heard, ...] = ()  # per block
    answers: tuple[tuple[int, tuple[int, ...]], ...] = ()  # (block of the decision, word pieces of the whole answer)
    echo: np.ndarray | None = None  # what of the environment is the assistant's echo


def collate(rows: list[Row], samples_in: int, silent: bool, spoken: dict[str, list[int]] | None = None) -> Batch:
    """`silent`: leave the assistant stream out. `spoken`: speech tokens of every answer text; answers that were cut are not learned."""
    blocks = max(len(row.layout.inputs) for row in rows)

    def pcm(streams: list[np.ndarray]) -> Tensor:
        padded = np.zeros((len(streams), blocks * samples_in), dtype=np.float32)
        for out, stream in zip(padded, streams):
            out[: len(stream)] = stream
        return torch.from_numpy(padded)

    def slots(values: list[tuple], dtype: torch.dtype) -> Tensor:
        return pad_sequence([torch.tensor(value, dtype=dtype) for value in values], batch_first=True)

    heard = [torch.tensor(row.heard) for row in rows]
    echoes = [np.zeros(0, np.float32) if row.echo is None else row.echo for row in rows]
    return Batch(
        environment=pcm([row.environment for row in rows]),
        assistant=None if silent else pcm([row.assistant for row in rows]),
        inputs=slots([row.layout.inputs for row in rows], torch.long),
        labels=slots([row.layout.labels for row in rows], torch.long),
        weights=slots([row.layout.weights for row in rows], torch.float32),
        speech=speech_batch(rows, spoken) if spoken is not None else None,
        transcripts=[row.transcript for row in rows],
        heard=pad_sequence(heard, batch_first=True, padding_value=-1),
        answers=[(i, block, pieces) for i, row in enumerate(rows) for block, pieces in row.answers],
        echo=pcm(echoes) if any(map(len, echoes)) else None,
    )


def speech_batch(rows: list[Row], spoken: dict[str, list[int]]) -> SpeechBatch | None:
    """The answers that were laid out whole; None where there is none."""
    answers = [
        (i, turn)
        for i, row in enumerate(rows)
        for turn in row.layout.turns
        if not turn.interrupted and turn.back < len(row.layout.inputs) and turn.segment.text in spoken
    ]
    if not answers:
        return None
    lists = [[turn.shift + 1 + k for k in range(len(turn.pieces))] for _, turn in answers]
    tokens = [spoken[turn.segment.text] for _, turn in answers]

    def padded(values: list) -> Tensor:
        return pad_sequence([torch.tensor(value, dtype=torch.long) for value in values], batch_first=True)

    return SpeechBatch(
        row=torch.tensor([i for i, _ in answers]),
        block=padded(lists),
        pieces=padded([turn.pieces for _, turn in answers]),
        n_pieces=torch.tensor([len(turn.pieces) for _, turn in answers]),
        tokens=padded(tokens),
        n_tokens=torch.tensor([len(one) for one in tokens]),
    )
