"""The rows of an engine with the shipped model: bit for bit the same alone and among neighbours, and after a pass that broke."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from parley.audio import read_audio
from parley.models.checkpoint import load_model, shipped
from parley.models.duplex import BlockOutput, Directive
from parley.models.salmonn_omni import SalmonnOmni
from parley.runtime.engine import BlockEvent, Engine
from parley.runtime.session import AUDIBLE
from parley.streaming import tensors

ROWS, BLOCKS, BLOCK = 6, 40, 1280
ANSWERS, YIELDS = 12, 33  # the blocks in which it is told to begin and to end
QUESTIONS = sorted(Path("parley/recordings").glob("question-*/input.wav"))[:ROWS]

Others = Callable[[int], dict[int, np.ndarray]]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As the commands have it by default: several share the rows of a product out, and other shares round otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model() -> SalmonnOmni:
    return load_model(shipped("tiny"))


@pytest.fixture(scope="module")
def said() -> list[np.ndarray]:
    """(BLOCKS, BLOCK) of each user."""
    return [np.resize(read_audio(file, 16000), (BLOCKS, BLOCK)) for file in QUESTIONS]


def lived(engine: Engine, row: int, mine: np.ndarray, others: Others) -> tuple[list[BlockEvent], list[Tensor]]:
    """What a session gets on this row, and its memory at the end. `others`: what is said on other rows in a pass."""
    events = []
    for number, block in enumerate(mine):
        blocks = {**others(number), row: block}
        directives = {other: Directive.SHIFT for other in blocks if number == 4 + 3 * other}
        directives[row] = Directive.SHIFT if number in (ANSWERS, YIELDS) else Directive.STAY
        events.append(engine.tick(blocks, directives)[row])
    return events, [tensor[row].clone() for tensor in tensors(engine._state)]


@pytest.fixture(scope="module")
def alone(model: SalmonnOmni, said: list[np.ndarray]) -> tuple[list[BlockEvent], list[Tensor]]:
    engine = Engine(model, ROWS)
    assert engine.open() == 0
    events, memory = lived(engine, 0, said[0], lambda number: {})
    assert [event.speaking for event in events] == [ANSWERS <= number < YIELDS for number in range(BLOCKS)]
    assert any(event.text for event in events) and any(np.abs(event.assistant).max() > AUDIBLE for event in events)
    return events, memory


def check_same(lived: tuple[list[BlockEvent], list[Tensor]], alone: tuple[list[BlockEvent], list[Tensor]]) -> None:
    for number, (event, expected) in enumerate(zip(lived[0], alone[0], strict=True)):
        told, wanted = ((each.token, each.text, each.speaking, each.shift_probability) for each in (event, expected))
        assert told == wanted, f"block {number}"
        assert event.assistant.tobytes() == expected.assistant.tobytes(), f"block {number}"
    assert all(torch.equal(tensor, expected) for tensor, expected in zip(lived[1], alone[1], strict=True))


def test_a_session_is_the_same_alone_and_among_talking_neighbours_that_stall(model: SalmonnOmni, said: list[np.ndarray], alone: Any):
    engine = Engine(model, ROWS)
    *neighbours, row = (engine.open() for _ in range(ROWS))

    def others(number: int) -> dict[int, np.ndarray]:
        if number % 13 == 7:  # this one stalls, and they go on
            engine.tick({other: said[other + 1][number - 1] for other in neighbours})
        return {other: said[other + 1][number] for other in neighbours if (number + 2 * other) % 5}

    check_same(lived(engine, row, said[0], others), alone)


def test_rows_go_on_bit_for_bit_after_a_pass_that_broke_when_all_was_written(
    model: SalmonnOmni, said: list[np.ndarray], alone: Any, monkeypatch: pytest.MonkeyPatch
):
    engine, step, broken = Engine(model, ROWS, careful=True), SalmonnOmni.step, []
    row, neighbour, silent = (engine.open() for _ in range(3))

    def breaks(self: SalmonnOmni, environment: Tensor, state: Any, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        step(self, environment, state, active, directive)
        raise RuntimeError("all is written")

    def others(number: int) -> dict[int, np.ndarray]:
        if number in (5, ANSWERS, ANSWERS + 1, 22, YIELDS + 1):
            before = [tensor[silent].clone() for tensor in tensors(engine._state)]
            with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="all is written"):
                patched.setattr(SalmonnOmni, "step", breaks)
                engine.tick({row: said[2][number], neighbour: said[3][number]}, {row: Directive.SHIFT})
            broken.append(number)
            assert all(torch.equal(old, tensor[silent]) for old, tensor in zip(before, tensors(engine._state)))
        if number == 22:  # the neighbour goes on before this one does
            engine.tick({neighbour: said[1][number]})
        return {neighbour: said[1][number]} if number < 30 else {}

    check_same(lived(engine, row, said[0], others), alone)
    assert len(broken) == 5
