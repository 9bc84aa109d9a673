"""The promise of a duplex model: one block of the environment in, one block of the assistant out, for many rows.

The engine, the evaluation and the command line know a model only by this file.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from torch import Tensor, nn

from parley.clock import Clock


@dataclass
class BlockOutput:
    """What one step gives, rows first. For inactive rows the values are meaningless."""

    assistant: Tensor  # (rows, samples_out) float32 in [-1, 1], to be played during the next block
    token: Tensor  # (rows,) the text-slot token predicted at the end of this block
    speaking: Tensor  # (rows,) bool: the mode after this token
    shift_probability: Tensor  # (rows,) of `<shift>`, as it is compared with a threshold; for precision / recall curves


class Directive(IntEnum):
    """What another has decided about a row's next token (oracle turn-taking, a cascade), or asks of it. A word that the grammar demands
    goes first."""

    FREE = 0
    SHIFT = 1  # must be `<shift>`
    STAY = 2  # must not be `<shift>`
    PATIENT = 3  # is the model's own, but to speak it has to have wanted for a while


class DuplexModel(nn.Module, ABC):
    """A standalone full-duplex model. `clock` declares its block and its rates, `world` the spoken world that it was trained on."""

    clock: Clock
    world: str = "first"

    @abstractmethod
    def init_state(self, rows: int) -> Any:
        """Fresh memory for `rows` sessions: a dataclass of tensors, rows first, all zeros (parley/streaming.py)."""

    @abstractmethod
    def step(self, environment: Tensor, state: Any, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        """One block for all rows: `environment` (rows, samples_in). Writes `state` in place.

        `directive`: (rows,) of Directive; None: FREE in every row. Rows whose `active` (rows,) is False stay bit-equal.
        """

    @abstractmethod
    def piece(self, token: int) -> str:
        """The text of one word piece, with its leading space where it has one; "" for special tokens."""
