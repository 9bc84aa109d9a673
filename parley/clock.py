"""The one clock of the house: blocks of 80 ms, counted in samples; seconds appear only at the edges.

Block `t` covers the samples `[t * samples_in, (t + 1) * samples_in)`. The model steps at the end of block `t`: it has heard
block `t` of the environment, and what it produces is played during block `t + 1`.
"""

from dataclasses import dataclass


def exact_div(a: int, b: int) -> int:
    """`a / b`, which must be whole: a rate that does not fit the block cannot be configured."""
    if a % b:
        raise ValueError(f"{a} is not a multiple of {b}; choose rates that give whole samples a block")
    return a // b


@dataclass(frozen=True)
class Clock:
    """Units: rates in samples a second, `block_ms` in milliseconds."""

    block_ms: int = 80
    input_rate: int = 16000
    output_rate: int = 16000

    @property
    def samples_in(self) -> int:
        """Environment samples a block."""
        return exact_div(self.input_rate * self.block_ms, 1000)

    @property
    def samples_out(self) -> int:
        """Assistant samples a block."""
        return exact_div(self.output_rate * self.block_ms, 1000)

    def seconds(self, blocks: int) -> float:
        """The time at which block number `blocks` starts."""
        return blocks * self.block_ms / 1000

    def blocks(self, samples: int) -> int:
        """How many blocks hold `samples` environment samples (the last one may be part empty)."""
        return -(-samples // self.samples_in)
