"""The engine and the session: rows do not disturb each other, time is honest, and so is the transcript."""

import numpy as np
import pytest
import torch
from matplotlib.collections import PolyCollection
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from parrot import LEAD, LINGER, SPEECH, WAIT, Parrot

from parley.clock import Clock
from parley.runtime.converse import live
from parley.runtime.engine import BlockEvent, Engine
from parley.runtime.picture import SPEAKING, states
from parley.runtime.session import SPOKEN_CHARACTERS_PER_S, Moment, Session
from parley.streaming import tensors

CLOCK = Clock()
BLOCK = CLOCK.samples_in


def sound(blocks: int, level: float = 0.05) -> np.ndarray:
    return np.random.default_rng(0).normal(0, level, blocks * BLOCK).astype(np.float32)


def silence(blocks: int) -> np.ndarray:
    return np.zeros(blocks * BLOCK, np.float32)


def moments_of(pcm: np.ndarray, echo: float = 0.0, clock: Clock = CLOCK) -> tuple[list[Moment], Session]:
    session = Session(clock, echo)
    moments = list(live(Engine(Parrot(clock), rows=1), session, iter(pcm.reshape(-1, clock.samples_in))))
    return moments, session


QUESTION = np.concatenate([silence(2), sound(6), silence(50)])


def test_a_row_answers_the_same_alone_and_among_others():
    alone, _ = moments_of(QUESTION)
    engine, sessions = Engine(Parrot(), rows=3), {}
    rng, played = np.random.default_rng(1), []
    for _ in range(2):
        sessions[engine.open()] = Session(CLOCK)
    mine = max(sessions)
    for number, block in enumerate(QUESTION.reshape(-1, BLOCK)):
        if number == 20:  # a third one joins, the first one leaves
            sessions[engine.open()] = Session(CLOCK)
            engine.close(0)
            sessions.pop(0)
        for row, session in sessions.items():
            session.hear(block if row == mine else rng.normal(0, 0.3, BLOCK))
        events = engine.tick({row: session.take() for row, session in sessions.items()})
        played += [sessions[row].accept(event).played for row, event in events.items() if row == mine]
    np.testing.assert_array_equal(np.concatenate(played), np.concatenate([moment.played for moment in alone]))


def test_a_row_without_a_block_stays_bit_equal():
    engine = Engine(Parrot(), rows=2)
    first, second = engine.open(), engine.open()
    engine.tick({first: sound(1), second: sound(1)})
    before = [tensor[second].clone() for tensor in tensors(engine._state)]
    for _ in range(5):
        assert set(engine.tick({first: sound(1)})) == {first}
    assert all(torch.equal(old, tensor[second]) for old, tensor in zip(before, tensors(engine._state)))


def test_an_opened_row_is_fresh_and_a_full_engine_says_so():
    engine = Engine(Parrot(), rows=1)
    row = engine.open()
    for block in QUESTION[: 11 * BLOCK].reshape(-1, BLOCK):
        event = engine.tick({row: block})[row]
    assert event.speaking
    with pytest.raises(ValueError, match="all 1 sessions are taken"):
        engine.open()
    engine.close(row)
    assert engine.open() == row
    assert not engine.tick({row: silence(1)})[row].speaking


class Late(Parrot):
    """Its numbers cannot be read once, as when a GPU finds an error after the step was asked for."""

    broken = True

    def piece(self, token: int) -> str:
        if self.broken:
            self.broken = False
            raise RuntimeError("found late")
        return super().piece(token)


def test_a_pass_that_fails_after_its_step_leaves_the_rows_as_they_were():
    engine, alone = Engine(Late(), rows=1, careful=True), Engine(Parrot(), rows=1)
    row = engine.open()
    assert alone.open() == row
    with pytest.raises(RuntimeError, match="found late"):
        engine.tick({row: sound(1)})
    alone_event, event = alone.tick({row: sound(1)})[row], engine.tick({row: sound(1)})[row]
    assert event.token == alone_event.token
    assert [tensor.tolist() for tensor in tensors(engine._state)] == [tensor.tolist() for tensor in tensors(alone._state)]
    for block in silence(3).reshape(-1, BLOCK):
        assert engine.tick({row: block})[row].token == alone.tick({row: block})[row].token


@pytest.mark.parametrize("seed", range(5))
def test_any_split_of_the_microphone_gives_the_same_blocks(seed: int):
    whole, _ = moments_of(QUESTION)
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(QUESTION), 40))
    engine, session, moments = Engine(Parrot(), rows=1), Session(CLOCK), []
    row = engine.open()
    for piece in np.split(QUESTION, cuts):
        session.hear(piece)
        while session.ready:
            moments.append(session.accept(engine.tick({row: session.take()})[row]))
    assert [moment.token for moment in moments] == [moment.token for moment in whole]
    np.testing.assert_array_equal([moment.played for moment in moments], [moment.played for moment in whole])


def test_what_a_step_makes_is_played_in_the_next_block():
    moments, session = moments_of(QUESTION)
    shift = 2 + 6 + WAIT - 1
    assert [moment.block for moment in moments if moment.token == "<shift>"] == [shift, shift + LEAD + SPEECH + LINGER]
    assert [moment.text for moment in moments[shift : shift + 6]] == ["", " all", " is", " well", " here", ""]
    assert not np.any([moment.played for moment in moments[: shift + LEAD + 1]])
    assert np.abs(moments[shift + LEAD + 1].played).max() > 0.4
    answer = session.answers[0]
    assert answer.shift == shift and answer.onset - (shift + LEAD + 1) * CLOCK.samples_out in (0, 1)


def test_the_echo_is_what_was_played_in_the_same_block():
    moments, _ = moments_of(QUESTION, echo=0.25)
    for moment, clean in zip(moments, QUESTION.reshape(-1, BLOCK)):
        np.testing.assert_allclose(moment.environment, clean + 0.25 * moment.played, atol=1e-7)


def test_an_echo_that_comes_late_and_through_a_room_is_one_convolution_of_all_that_was_played():
    path = np.random.default_rng(2).normal(0, 0.1, 3000).astype(np.float32)  # longer than two blocks
    session = Session(CLOCK, 0.5, path)
    moments = list(live(Engine(Parrot(), rows=1), session, iter(QUESTION.reshape(-1, BLOCK))))
    played = np.concatenate([moment.played for moment in moments])
    heard = np.concatenate([moment.environment for moment in moments])
    assert np.abs(played).max() > 0.1
    np.testing.assert_allclose(heard, QUESTION + 0.5 * np.convolve(played, path)[: len(played)], atol=1e-5)


def test_the_echo_keeps_the_block_at_other_rates():
    clock = Clock(output_rate=24000)
    moments, _ = moments_of(QUESTION, echo=0.5, clock=clock)
    assert all(moment.environment.shape == (1280,) and moment.played.shape == (1920,) for moment in moments)
    assert max(np.abs(moment.environment).max() for moment in moments[15:]) > 0.2


def test_a_natural_end_leaves_the_whole_text_spoken():
    _, session = moments_of(QUESTION)
    (answer,) = session.answers
    assert not answer.interrupted and answer.spoken(CLOCK.output_rate) == answer.text.strip() == "all is well here"


def test_a_barge_in_leaves_only_the_words_spoken_that_were_heard():
    before_sound = 2 + 6 + WAIT + LEAD
    _, session = moments_of(np.concatenate([QUESTION[: (before_sound + 8) * BLOCK], sound(5, level=0.5), silence(10)]))
    answer = session.answers[0]
    assert answer.interrupted and answer.back == before_sound + 8
    played_s = (answer.end - answer.onset) / CLOCK.output_rate
    assert 0.6 < played_s < 0.75  # 9 blocks were heard, up to the end of the one in which it was decided
    spoken = answer.spoken(CLOCK.output_rate)
    assert spoken and answer.text.strip().startswith(spoken) and len(spoken) < len(answer.text.strip())


def test_an_answer_given_up_before_its_first_sound_was_not_spoken():
    _, session = moments_of(np.concatenate([QUESTION[: (2 + 6 + WAIT + 1) * BLOCK], sound(3, level=0.5), silence(10)]))
    answer = session.answers[0]
    assert answer.interrupted and answer.onset < 0 and answer.spoken(CLOCK.output_rate) == ""


def test_of_an_answer_that_the_end_of_the_session_cuts_only_what_was_heard_was_spoken():
    begun = 2 + 6 + WAIT + LEAD
    for blocks, heard in ((begun - 1, False), (begun, False), (begun + 8, True)):
        _, session = moments_of(QUESTION[: blocks * BLOCK])
        total = session.blocks * CLOCK.samples_out
        answer = session.answers[0].until(total)
        assert (answer.onset >= 0, answer.end == total) == (heard, heard) and answer.back < 0
        spoken = answer.spoken(CLOCK.output_rate)
        assert bool(spoken) == heard and len(spoken) < len("all is well here") and "all is well here".startswith(spoken)


@pytest.mark.parametrize("first", [False, True])
def test_the_picture_bands_are_those_of_the_modes(first: bool):
    """Also of a model that speaks from its first block on."""
    moments, _ = lived(*[("", first, TONE)] * 3, *[("", not first, TONE)] * 2)
    axis = Figure().subplots()
    axis.set_xlim(0, 1)
    states(axis, moments, CLOCK)
    bands = [band for band in axis.collections if isinstance(band, PolyCollection) and same_color(band.get_facecolor()[0], SPEAKING)]
    speaking = [path.get_extents() for band in bands for path in band.get_paths()]
    spans = [(round(box.x0, 3), round(box.x1, 3)) for box in speaking if box.width > 1e-6]
    assert spans == ([(0.08, 0.32)] if first else [(0.32, 0.4)])


QUIET, TONE = np.zeros(BLOCK, np.float32), np.full(BLOCK, 0.5, np.float32)


def lived(*steps: tuple[str, bool, np.ndarray]) -> tuple[list[Moment], Session]:
    """In silence the model says this: (piece, it speaks, its sound) in each block."""
    session, moments = Session(CLOCK), []
    for text, speaking, played in steps:
        session.hear(QUIET)
        session.take()
        moments.append(session.accept(BlockEvent(played, 0, text, speaking, 0.0, 0.0)))
    return moments, session


def said(*pieces: str, sound_blocks: int = 12) -> tuple[list[Moment], Session]:
    """An answer that ends by itself; so long it sounds after its pieces."""
    words, rest = [(piece, True, TONE) for piece in pieces], [("", True, TONE)] * sound_blocks
    return lived(("", True, QUIET), *words, *rest, *[("", True, QUIET)] * 4, ("", False, QUIET))


def test_an_answer_cut_in_a_pause_between_its_sentences_counts_as_interrupted():
    words, breath = [(" word", True, TONE)] * 20, [("", True, QUIET)] * 6  # its text is over, and it draws breath
    _, session = lived(("", True, QUIET), *words, *breath, ("", False, QUIET))
    assert session.answers[0].interrupted


def test_the_last_word_is_told_with_its_sound_once_the_text_is_over():
    moments, session = moments_of(QUESTION)
    (answer,), rate = session.answers, CLOCK.output_rate
    (block,) = (moment.block for moment in moments if moment.words == " here")
    over = answer.onset + rate * len("all is well here") / SPOKEN_CHARACTERS_PER_S
    assert (block + 1) * CLOCK.samples_out < over <= (block + 2) * CLOCK.samples_out and over < answer.end


def test_a_word_is_not_told_before_it_is_whole():
    moments, _ = said(" It", " a", *"x" * 40)
    told = [(moment.block, moment.words) for moment in moments if moment.words]
    assert [words for _, words in told] == [" It", " a" + "x" * 40]
    assert told[1][0] > 40


def written(moments: list[Moment]) -> str:
    """The words that were told; all texts of the moments can be written."""
    for moment in moments:
        for text in (moment.token, moment.text, moment.words):
            text.encode()
    return "".join(moment.words for moment in moments)


def test_a_character_that_the_pieces_split_is_whole_in_the_answer_and_its_words():
    moments, session = said(" The", " caf", "\udcc3", "\udca9", " costs", " 5", " ", "\udce2", "\udc82", "\udcac", ".")
    (answer,) = session.answers
    assert written(moments) == answer.text == " The café costs 5 €." and not answer.interrupted
    assert [moment.text for moment in moments[3:5]] == [moment.token for moment in moments[3:5]] == ["\ufffd"] * 2


def test_an_answer_that_ends_in_half_a_character_can_be_read():
    moments, session = said(" It", " is", " \udce2", "\udc82")
    assert written(moments) == session.answers[0].text == " It is \ufffd"
    moments, session = lived(("", True, QUIET), *((piece, True, TONE) for piece in (" It", " is", " \udce2")), ("", False, QUIET))
    (cut,) = session.answers
    assert cut.interrupted and cut.text == " It is \ufffd" and " It is".startswith(written(moments))


def test_half_a_character_in_the_middle_of_an_answer_can_be_read():
    moments, session = said(" It", " \udce2\udc82", *[" is"] * 8)
    assert written(moments) == session.answers[0].text == " It \ufffd" + " is" * 8
