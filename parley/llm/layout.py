"""The full-duplex layout: a dialogue <-> one text slot a block (explicit thinking; paper, section 3.3 and figure 2).

    prefix | e_1 a_1 x_1 | e_2 a_2 x_2 | ...        x_t = y_(t-1), and y_t is predicted at slot x_t

`e` environment embedding, `a` assistant embedding, `x` text-slot input, `y` its label. Block numbers count from 0; the audio that
the step at the end of block t makes is played during block t+1, so `a_t` carries what was played during block t-1.
This file holds no model: training rows, inference slots and preference pairs all come from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.text import Text

from parley.clock import Clock
from parley.dialogue import Dialogue, Segment, Speaker
from parley.llm.tokens import Mode, Tokens

SLOTS = 3  # positions of a block, in order: environment, assistant, text


@dataclass(frozen=True)
class LayoutConfig:
    """Loss weights of the labels, and the two waits of a turn in blocks."""

    think: float = 0.1
    shift: float = 1.0
    barge_in: float = 4.0  # the `<shift>` that yields: rare, and nobody can be sure of its block
    text: float = 1.0
    end_of_text: float = 1.0  # the one `<think>` a turn that says that the words are over
    lead: int = 4  # text slots before the first block of speech: 4 text positions trigger the first speech tokens (paper, section 3.2)
    linger: int = 4  # blocks from the last one with speech to the `<shift>` back to listening


@dataclass(frozen=True)
class Turn:
    """One answer in blocks. `pieces` were emitted in the blocks `shift + 1, shift + 2, ...`; `back` holds the `<shift>` to listening."""

    shift: int
    pieces: tuple[int, ...]
    back: int  # = blocks of the dialogue where it was not reached
    interrupted: bool
    segment: Segment


@dataclass(frozen=True)
class Layout:
    """One value a block: what the text slot reads, what it must predict, how much that counts, and the mode after it."""

    inputs: tuple[int, ...]
    labels: tuple[int, ...]
    weights: tuple[float, ...]
    modes: tuple[Mode, ...]
    turns: tuple[Turn, ...]


def turn_of(segment: Segment, blocks: int, clock: Clock, tokens: Tokens, config: LayoutConfig) -> Turn:
    """Where an answer's `<shift>`, word pieces and closing `<shift>` stand, from when its speech was played."""
    first, last = segment.start // clock.samples_in, (segment.end - 1) // clock.samples_in
    shift = first - config.lead - 1
    if shift < 0:
        raise ValueError(f"the answer {segment.text!r} starts in block {first}; it needs {config.lead + 1} blocks before it")
    # A barge-in's `<shift>` is decided at the end of the last block that still plays; a natural end waits `linger` blocks more.
    back = min(last if segment.interrupted else last + config.linger, blocks)
    pieces = tokens.encode(segment.text)[: max(0, back - shift - 1)]
    return Turn(shift, tuple(pieces), back, segment.interrupted, segment)


def lay_out(dialogue: Dialogue, clock: Clock, tokens: Tokens, config: LayoutConfig) -> Layout:
    """Labels of every block of a dialogue. ValueError where two answers overlap."""
    blocks = clock.blocks(len(dialogue.environment))
    labels, weights = [tokens.think] * blocks, [config.think] * blocks

    def mark(block: int, label: int, weight: float) -> None:
        if block < blocks:
            labels[block], weights[block] = label, weight

    turns = [turn_of(segment, blocks, clock, tokens, config) for segment in dialogue.said_by(Speaker.AGENT)]
    for before, turn in zip([None, *turns], turns):
        if before and turn.shift <= before.back:
            raise ValueError(f"{dialogue.id}: the answer {turn.segment.text!r} begins before the one before it has ended")
        mark(turn.shift, tokens.shift, config.shift)
        for i, piece in enumerate(turn.pieces):
            mark(turn.shift + 1 + i, piece, config.text)
        end_of_text = turn.shift + 1 + len(turn.pieces)
        if end_of_text < turn.back:
            mark(end_of_text, tokens.think, config.end_of_text)
        mark(turn.back, tokens.shift, config.barge_in if turn.interrupted else config.shift)

    return of_labels(labels, weights, tokens, turns)


def of_labels(labels: Sequence[int], weights: Sequence[float], tokens: Tokens, turns: Sequence[Turn] = ()) -> Layout:
    """The layout of tokens that are, or were, emitted one a block."""
    modes, mode = [], Mode.LISTENING
    for label in labels:
        mode = tokens.next_mode(mode, label)
        modes.append(mode)
    return Layout((tokens.bos, *labels[:-1]), tuple(labels), tuple(weights), tuple(modes), tuple(turns))


class Region(StrEnum):
    """The text slots that a preference is about. Before the first that differs both sides are the same and would cancel out."""

    ONWARD = "onward"  # from the first block that differs
    SHIFTS = "shifts"  # of these, where one side or the other has a `<shift>`


@dataclass(frozen=True)
class Preference:
    """Two courses of one dialogue, the same until the `<shift>` of one of them. Weight 1 inside the region, 0 elsewhere."""

    chosen: Layout
    rejected: Layout


def prefer(chosen: Sequence[int], rejected: Sequence[int], tokens: Tokens, region: Region = Region.ONWARD) -> Preference:
    """From the tokens emitted in the two courses, equally many. ValueError where they do not part at a `<shift>`."""
    assert len(chosen) == len(rejected), (len(chosen), len(rejected))
    differ = [a != b for a, b in zip(chosen, rejected)]
    first = differ.index(True) if True in differ else -1
    if first < 0 or tokens.shift not in (chosen[first], rejected[first]):
        what = "are the same" if first < 0 else f"part in block {first}, at another token than <shift>"
        raise ValueError(f"the two courses {what}; a preference is about the place of a <shift>")
    weights = [
        float(block >= first and (region == Region.ONWARD or tokens.shift in pair)) for block, pair in enumerate(zip(chosen, rejected))
    ]
    return Preference(of_labels(chosen, weights, tokens), of_labels(rejected, weights, tokens))


STYLES = {Mode.LISTENING: "cyan", Mode.TEXT: "bold green", Mode.WAIT: "yellow"}


def render(dialogue: Dialogue, layout: Layout, clock: Clock, tokens: Tokens) -> Text:
    """The dialogue block by block in colour: time, who is heard, the slot's input and label, the loss weight."""
    text = Text("   time  block  heard            input -> label (loss weight)\n", style="dim")
    for block, (given, label, weight, mode) in enumerate(zip(layout.inputs, layout.labels, layout.weights, layout.modes)):
        start, end = block * clock.samples_in, (block + 1) * clock.samples_in
        heard = [f"{segment.speaker}:{segment.kind}" for segment in dialogue.segments if segment.start < end and segment.end > start]
        text.append(f"{clock.seconds(block):7.2f}  {block:5d}  ", style="dim")
        text.append(f"{' + '.join(heard):28.28s} ", style="magenta" if heard else "dim")
        text.append(f"{tokens.name(given):>12s} -> ")
        text.append(f"{tokens.name(label):<12s}", style="bold red" if label == tokens.shift else STYLES[mode])
        text.append(f" {weight:.1f}\n", style="dim")
    return text
