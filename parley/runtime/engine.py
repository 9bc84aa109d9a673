"""Many sessions, one model: fixed rows, one batched pass a block.

Sessions join and leave between passes. A row without a block in a pass is inactive: its memory stays bit-for-bit as it was.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from parley.models.duplex import Directive, DuplexModel
from parley.streaming import go_back, remembered, reset_rows, tensors


@dataclass(frozen=True)
class BlockEvent:
    """What one row got from one pass."""

    assistant: np.ndarray  # (samples_out,) float32 in [-1, 1], to be played during the next block
    token: int
    text: str  # the word piece; "" for special tokens
    speaking: bool  # the mode after this token
    shift_probability: float
    compute_s: float  # seconds that the whole pass took, shared by all rows in it


def lay_for_few_rows(model: nn.Module) -> None:
    """Turns the weights of linear layers round in memory: same numbers, same shapes, but the outputs of one input lie side by side.

    On a CPU a product with few rows then reads them once instead of packing them first, a quarter to two fifths faster.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear) and module.weight.device.type == "cpu":
            module.weight.data = module.weight.data.T.contiguous().T


class Engine:
    """`rows` sessions of one model. Fixed shapes: the cost of a pass does not depend on how many rows are active.

    `careful`: a pass that raises leaves every row as it was before it, so that it can be tried again with fewer rows.
    """

    @torch.inference_mode()
    def __init__(self, model: DuplexModel, rows: int, careful: bool = False) -> None:
        self.model = model.eval()
        with torch.inference_mode(False):
            lay_for_few_rows(model)
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
        self._free.remove(row)
        reset_rows(self._state, [row])
        return row

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
        except Exception:
            go_back(before)
            raise
        assistant = output.assistant.float().cpu().numpy()  # (rows, samples_out); on a GPU this waits for the pass to end
        token, speaking, probability = (x.tolist() for x in (output.token, output.speaking, output.shift_probability))
        compute_s = time.perf_counter() - started

        return {
            row: BlockEvent(
                assistant[row].copy(), token[row], self.model.piece(token[row]), speaking[row], probability[row], compute_s
            )
            for row in blocks
        }
