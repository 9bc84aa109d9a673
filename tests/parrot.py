"""A duplex model without weights, for the tests: it answers every stretch of sound and stops when it hears a loud one."""

import threading
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from parley.clock import Clock
from parley.models.duplex import BlockOutput, Directive, DuplexModel
from parley.streaming import write_rows

THINK, SHIFT = 0, 1
PIECES = {2: " all", 3: " is", 4: " well", 5: " here"}
QUIET, LOUD = 0.01, 0.2  # root mean square of a block
WAIT = 3  # quiet blocks after sound, then it answers
LEAD, SPEECH, LINGER = 4, 20, 4  # blocks before the first sound, of sound, and of silence before the closing shift


@dataclass
class ParrotState:
    heard: Tensor  # (rows,) 1 after sound, until it is answered
    quiet: Tensor  # (rows,) blocks since the last sound
    turn: Tensor  # (rows,) 0 while listening, else 1 + blocks since the shift


class Parrot(DuplexModel):
    """rows = independent sessions. Its audio is a tone at half of full scale."""

    def __init__(self, clock: Clock = Clock()) -> None:  # noqa: B008
        super().__init__()
        self.clock = clock

    def init_state(self, rows: int) -> ParrotState:
        return ParrotState(*(torch.zeros(rows, dtype=torch.long) for _ in range(3)))

    def step(self, environment: Tensor, state: Any, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        level = environment.square().mean(1).sqrt()  # (rows,)
        heard = (level > QUIET) | state.heard.bool()
        quiet = torch.where(level > QUIET, 0, state.quiet + 1)
        listening = state.turn == 0
        starts = listening & heard & (quiet >= WAIT)
        ends = ~listening & ((level > LOUD) | (state.turn >= LEAD + SPEECH + LINGER))
        if directive is not None:
            starts = listening & (starts | (directive == Directive.SHIFT)) & (directive != Directive.STAY)
            ends |= ~listening & (directive == Directive.SHIFT)
        turn = torch.where(starts, 1, torch.where(listening | ends, 0, state.turn + 1))

        token = torch.where(starts | ends, SHIFT, THINK)
        word = ~starts & (turn >= 2) & (turn < 2 + len(PIECES))
        token = torch.where(word, turn, token)
        tone = 0.5 * torch.sin(torch.arange(self.clock.samples_out) * 0.2)
        sounds = (turn > LEAD) & (turn <= LEAD + SPEECH)
        write_rows(state.heard, (heard & ~starts & listening).long(), active)
        write_rows(state.quiet, quiet, active)
        write_rows(state.turn, turn, active)
        return BlockOutput(sounds[:, None] * tone, token, turn > 0, (starts | ends).float())

    def piece(self, token: int) -> str:
        return PIECES.get(token, "")


class Gated(Parrot):
    """Its passes wait until the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def step(self, environment: Tensor, state: Any, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        self.gate.wait()
        return super().step(environment, state, active, directive)
