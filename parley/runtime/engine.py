"""Many sessions, one model: fixed rows, one batched pass a block.

Sessions join and leave between passes. A row without a block in a pass is inactive: its memory stays bit-for-bit as it was.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch

from parley.models.duplex import Directive, DuplexModel
from parley.streaming import go_back, remembered, reset_rows, tensors

WARM_UP = 10  # blocks: so many that speech sounds


@dataclass(frozen=True)
class BlockEvent:
    """What one row got from one pass."""

    assistant: np.ndarray  # (samples_out,) float32 in [-1, 1], to be played during the next block
    token: int
    text: str  # the word piece; "" for special tokens
    speaking: bool  # the mode after this token
    shift_probability: float
    compute_s: float  # seconds that the whole pass took, shared by all rows in it


class Engine:
    """`rows` sessions of one model. Fixed shapes: no row's numbers depend on how many others are active.

    `careful`: a pass that raises leaves every row as it was before it, so that it can be tried again with fewer rows.
    """

    @torch.inference_mode()
    def __init__(self, model: DuplexModel, rows: int, careful: bool = False) -> None:
        self.model = model.eval()
        self.careful = careful
        self.clock = model.clock
        self.rows = rows
        self._state = model.init_state(rows)
        self._device = tensors(self._state)[0].device
        self._free = list(range(rows))
        self._environment = np.zeros((rows, self.clock.samples_in), dtype=np.float32)

    @torch.inference_mode()
    def open(self) -> int:
        """A row with fresh memory. ValueError when all are taken."""
        if not self._free:
            raise ValueError(f"all {self.rows} sessions are taken; close one, or start the engine with more rows")
        row = min(self._free)
        reset_rows(self._state, [row])
        self._free.remove(row)
        return row

    def warm_up(self) -> None:
        """An answer that nobody asked for and nobody hears: what is made when it is first needed is made now."""
        row, silence = self.open(), np.zeros(self.clock.samples_in, dtype=np.float32)
        for block in range(WARM_UP):
            self.tick({row: silence}, {row: Directive.STAY if block else Directive.SHIFT})
        self.close(row)

    def close(self, row: int) -> None:
        """Gives the row back."""
        assert 0 <= row < self.rows and row not in self._free, (row, self._free)
        self._free.append(row)

    @torch.inference_mode()
    def tick(self, blocks: dict[int, np.ndarray], directives: dict[int, Directive] | None = None) -> dict[int, BlockEvent]:
        """One pass over all rows: `blocks` maps an open row to its environment block (samples_in,); returns one event for each of them.

        `directives`: for the rows whose next token somebody else decides about.
        """
        active = np.zeros(self.rows, dtype=bool)
        self._environment.fill(0.0)
        for row, block in blocks.items():
            assert row not in self._free and block.shape == (self.clock.samples_in,), (row, block.shape)
            active[row] = True
            self._environment[row] = block

        directive = torch.zeros(self.rows, dtype=torch.long)  # FREE
        for row, wanted in (directives or {}).items():
            directive[row] = int(wanted)

        started = time.perf_counter()
        before = remembered(self._state) if self.careful else []
        environment, present = (torch.from_numpy(x).to(self._device) for x in (self._environment, active))
        try:
            output = self.model.step(environment, self._state, present, directive.to(self._device) if directives else None)
            assistant = output.assistant.float().cpu().numpy()  # (rows, samples_out); a GPU's errors come out here, where the pass ends
            token, speaking, probability = (x.tolist() for x in (output.token, output.speaking, output.shift_probability))
            pieces = {row: self.model.piece(token[row]) for row in blocks}
        except Exception:
            go_back(before)
            raise
        compute_s = time.perf_counter() - started
        return {
            row: BlockEvent(assistant[row].copy(), token[row], piece, speaking[row], probability[row], compute_s)
            for row, piece in pieces.items()
        }
