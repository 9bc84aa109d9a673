"""The full-duplex layout, against the worked example of the design and hand-made dialogues."""

import numpy as np
import pytest

from parley.clock import Clock
from parley.dialogue import Dialogue, Kind, Segment, Speaker
from parley.llm.batch import Row, collate
from parley.llm.layout import LayoutConfig, lay_out, render
from parley.llm.tokens import Mode, Tokens, train_tokenizer

CLOCK = Clock()
CONFIG = LayoutConfig(lead=4, linger=2)


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens.of(train_tokenizer(["hello there", "one two three four five six"] * 9, 340))


def answer(text: str, first_block: int, last_block: int, interrupted: bool = False) -> Segment:
    start, end = first_block * CLOCK.samples_in, (last_block + 1) * CLOCK.samples_in
    return Segment(Speaker.AGENT, Kind.ANSWER, text, start, end, interrupted=interrupted)


def dialogue(blocks: int, *segments: Segment) -> Dialogue:
    silence = np.zeros(blocks * CLOCK.samples_in, dtype=np.float32)
    return Dialogue("test", CLOCK.input_rate, silence, silence, segments)


def test_worked_example_of_explicit_thinking(tokens: Tokens):
    """Two words, natural end: <bos> <think> <think> <shift> w1 w2 <think> ... <think> <shift> in; the same one slot earlier out."""
    w1, w2 = tokens.encode("hello there")
    layout = lay_out(dialogue(14, answer("hello there", 7, 9)), CLOCK, tokens, CONFIG)
    think, shift = tokens.think, tokens.shift
    assert layout.labels == (think, think, shift, w1, w2, think, think, think, think, think, think, shift, think, think)
    assert layout.inputs == (tokens.bos, *layout.labels[:-1])
    assert layout.modes[:6] == (Mode.LISTENING, Mode.LISTENING, Mode.TEXT, Mode.TEXT, Mode.TEXT, Mode.WAIT)
    assert layout.modes[10:12] == (Mode.WAIT, Mode.LISTENING)
    assert layout.weights[:6] == (0.1, 0.1, 1.0, 1.0, 1.0, 1.0) and layout.weights[6] == 0.1 and layout.weights[11] == 1.0


def test_barge_in_while_waiting_shifts_in_the_last_block_that_plays(tokens: Tokens):
    layout = lay_out(dialogue(20, answer("hello there", 7, 12, interrupted=True)), CLOCK, tokens, CONFIG)
    assert layout.labels[12] == tokens.shift and layout.labels[11] == tokens.think
    assert layout.modes[12] == Mode.LISTENING and layout.turns[0].back == 12
    assert layout.weights[2] == CONFIG.shift and layout.weights[12] == CONFIG.barge_in != CONFIG.shift


def test_barge_in_during_the_words_drops_the_rest_of_the_answer(tokens: Tokens):
    words = tokens.encode("one two three four five six")
    layout = lay_out(dialogue(20, answer("one two three four five six", 7, 6, interrupted=True)), CLOCK, tokens, CONFIG)
    assert layout.labels[3:7] == (*words[:3], tokens.shift)
    assert layout.turns[0].pieces == tuple(words[:3])
    assert set(layout.labels[7:]) == {tokens.think}


def test_two_turns_and_an_end_beyond_the_recording(tokens: Tokens):
    layout = lay_out(dialogue(30, answer("hello there", 7, 9), answer("one two", 20, 29)), CLOCK, tokens, CONFIG)
    assert [block for block, label in enumerate(layout.labels) if label == tokens.shift] == [2, 11, 15]
    assert layout.turns[1].back == 30 and layout.modes[-1] == Mode.WAIT


def test_overlapping_answers_and_answers_without_room_are_refused(tokens: Tokens):
    with pytest.raises(ValueError, match="before the one before it has ended"):
        lay_out(dialogue(30, answer("hello", 7, 12), answer("there", 16, 20)), CLOCK, tokens, CONFIG)
    with pytest.raises(ValueError, match="needs 5 blocks before it"):
        lay_out(dialogue(30, answer("hello", 3, 12)), CLOCK, tokens, CONFIG)


def test_every_layout_obeys_the_grammar(tokens: Tokens):
    """A word piece outside speaking-text is refused by the state machine that every layout runs through."""
    with pytest.raises(ValueError, match="only in speaking-text"):
        tokens.next_mode(Mode.WAIT, tokens.encode("hello")[0])
    with pytest.raises(ValueError, match="only in speaking-text"):
        tokens.next_mode(Mode.LISTENING, tokens.encode("hello")[0])


def test_the_printer_shows_every_block_with_its_label(tokens: Tokens):
    spoken = dialogue(14, answer("hello there", 7, 9))
    lines = render(spoken, lay_out(spoken, CLOCK, tokens, CONFIG), CLOCK, tokens).plain.splitlines()
    assert len(lines) == 15
    assert "<bos> -> <think>" in lines[1] and "<shift> ->  hello" in lines[4] and "agent:answer" in lines[8]


def test_collate_pads_with_weight_zero_and_points_at_the_predicting_blocks(tokens: Tokens):
    spoken = dialogue(14, answer("hello there", 7, 9))
    short = dialogue(6)
    rows = [Row(d.environment, d.assistant, lay_out(d, CLOCK, tokens, CONFIG), "") for d in (spoken, short)]
    batch = collate(rows, CLOCK.samples_in, silent=False, spoken={"hello there": [5, 6, 7]})
    assert batch.inputs.shape == (2, 14) and batch.environment.shape == (2, 14 * CLOCK.samples_in)
    assert batch.weights[1, 6:].abs().sum() == 0
    assert batch.speech is not None
    assert batch.labels[0, batch.speech.block[0]].tolist() == tokens.encode("hello there") == batch.speech.pieces[0].tolist()
    assert batch.speech.tokens.tolist() == [[5, 6, 7]]


def test_answers_that_were_cut_are_not_spoken_to_learn(tokens: Tokens):
    cut = dialogue(20, answer("hello there", 7, 12, interrupted=True))
    row = Row(cut.environment, cut.assistant, lay_out(cut, CLOCK, tokens, CONFIG), "")
    assert collate([row], CLOCK.samples_in, silent=False, spoken={"hello there": [1]}).speech is None
