"""Training batches: pure functions of (seed, step), every dialogue once an epoch, cropped where stage 1 wants it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from parley.clock import Clock
from parley.data import manifest
from parley.data.dataset import DatasetConfig, DialogueDataset, Part, heard_at
from parley.dialogue import Dialogue, Kind, Segment, Speaker
from parley.llm.batch import Heard
from parley.llm.layout import LayoutConfig
from parley.llm.tokens import Tokens, train_tokenizer
from parley.recipes import validation_set

CLOCK, LAYOUT = Clock(), LayoutConfig()
PLAIN = DatasetConfig(seconds=16.0, gain_db=(0.0, 0.0), tint_db=0.0, echo=(1.0, 1.0), echo_share=1.0)


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens.of(train_tokenizer(["one two three four"] * 9, 320))


def dialogue(number: int) -> Dialogue:
    """1 s of silence, a question of `number` tenths, an answer; the two streams are told apart by their level."""
    question = 16000, 16000 + 1600 * number
    start = (question[1] // 1280 + 9) * 1280
    answer = start, start + 12800
    environment, assistant = np.zeros((2, answer[1] + 16000), dtype=np.float32)
    environment[slice(*question)], assistant[slice(*answer)] = 0.25, 0.125
    segments = (
        Segment(Speaker.USER, Kind.QUESTION, f"question {number}", *question, keywords=("one",)),
        Segment(Speaker.AGENT, Kind.ANSWER, "one two", *answer),
    )
    return Dialogue(f"d{number:02d}", 16000, environment, assistant, segments)


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> list:
    folder: Path = tmp_path_factory.mktemp("dialogues")
    manifest.write([dialogue(number) for number in range(5, 17)], folder)
    return list(manifest.read_cuts(folder))


def test_a_batch_is_a_pure_function_of_seed_and_step(cuts: list, tokens: Tokens):
    noisy = replace(PLAIN, tint_db=4.0, gain_db=(-6.0, 6.0), echo=(0.0, 1.0))
    first, second = (DialogueDataset(cuts, CLOCK, tokens, LAYOUT, noisy) for _ in range(2))
    first.batch(0)
    assert torch.equal(first.batch(7).environment, second.batch(7).environment)
    other = DialogueDataset(cuts, CLOCK, tokens, LAYOUT, replace(noisy, seed=1))
    assert not any(torch.equal(first.batch(7).environment, other.batch(step).environment) for step in range(len(other.batches)))


@pytest.mark.parametrize("wanted", [3, 8])
def test_short_middle_and_long_dialogues_are_validated_on(cuts: list, tokens: Tokens, wanted: int):
    for seed in range(3):
        data = DialogueDataset(cuts, CLOCK, tokens, LAYOUT, replace(PLAIN, seconds=5.0, seed=seed))
        assert len(data.batches) == 12
        tenths = [int(text.removeprefix("question ")) for batch in validation_set(data, wanted) for text in batch.transcripts]
        assert len(set(tenths)) == wanted and {(length - 5) // 4 for length in tenths} == {0, 1, 2}


def test_every_dialogue_is_seen_once_an_epoch_in_a_new_order(cuts: list, tokens: Tokens):
    data = DialogueDataset(cuts, CLOCK, tokens, LAYOUT, PLAIN)
    size = len(data.batches)
    epochs = [[row for step in range(size) for row in data.batch(epoch * size + step).transcripts] for epoch in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(f"question {number}" for number in range(5, 17))
    assert epochs[0] != epochs[1]


def test_the_environment_carries_the_echo_of_the_assistant_on_the_same_clock(cuts: list, tokens: Tokens):
    data = DialogueDataset(cuts, CLOCK, tokens, LAYOUT, PLAIN)
    batch = data.batch(0)
    assert batch.assistant is not None
    playing = batch.assistant > 0.1
    torch.testing.assert_close(batch.environment[playing], batch.assistant[playing], atol=1e-4, rtol=0)


def test_the_echo_is_kept_apart_through_the_same_microphone(cuts: list, tokens: Tokens):
    louder = replace(PLAIN, tint_db=4.0, gain_db=(-6.0, 6.0), echo_delay_ms=(0.0, 90.0))
    heard, silent = (DialogueDataset(cuts, CLOCK, tokens, LAYOUT, replace(louder, echo=(factor, factor))).batch(3) for factor in (0.5, 0.0))
    assert heard.echo is not None and heard.echo.abs().max() > 0.01
    torch.testing.assert_close(heard.environment - heard.echo, silent.environment, atol=1e-5, rtol=0)
    assert DialogueDataset(cuts, CLOCK, tokens, LAYOUT, replace(louder, echo_share=0.0)).batch(3).echo is None


def test_people_are_heard_in_noise_of_the_set_level_and_in_rooms_that_move_no_speech(cuts: list, tokens: Tokens):
    heard = replace(PLAIN, part=Part.HEARD, echo_share=0.0)
    plain, noisy, roomy = (
        DialogueDataset(cuts, CLOCK, tokens, LAYOUT, config).row(0, np.random.default_rng(1))
        for config in (heard, replace(heard, noise_share=1.0, snr_db=(10.0, 10.0)), replace(heard, room_share=1.0))
    )
    speech = np.abs(plain.environment) > 0.1
    noise = noisy.environment - plain.environment
    snr_db = 10 * np.log10(np.mean(np.square(plain.environment[speech])) / np.mean(np.square(noise)))
    assert snr_db == pytest.approx(10.0, abs=0.3)
    start, heard = int(speech.argmax()), np.abs(roomy.environment)
    assert heard[: start - 1].max() < 1e-3 < heard[start : start + 160].max()
    assert len(roomy.environment) == len(plain.environment) and not np.allclose(roomy.environment, plain.environment, atol=1e-2)
    assert plain.layout == noisy.layout == roomy.layout


def test_stage_1_takes_the_turn_from_just_before_the_question_to_the_end_of_the_words(cuts: list, tokens: Tokens):
    data = DialogueDataset(cuts, CLOCK, tokens, LAYOUT, replace(PLAIN, part=Part.ANSWER, lead_in=3))
    batch = data.batch(0)
    assert batch.assistant is None
    for inputs, labels, weights, environment in zip(batch.inputs, batch.labels, batch.weights, batch.environment):
        length = int((weights > 0).sum())
        words = tokens.encode("one two")
        assert inputs[0] == tokens.bos and inputs[1:length].tolist() == labels[: length - 1].tolist()
        assert labels[:length].tolist()[-len(words) - 3 :] == [tokens.shift, *words, tokens.think, tokens.think]
        speech = (environment > 0.1).nonzero()
        assert 3 * 1280 <= speech[0] < 4 * 1280


@pytest.mark.parametrize("late", [-1, 3])
def test_an_answer_that_is_moved_keeps_its_words_and_of_when_to_begin_teaches_late_rather_than_never(
    cuts: list, tokens: Tokens, late: int
):
    moves = replace(PLAIN, echo_share=0.0, moved=(late, late), moved_share=1.0)
    plain, moved = (DialogueDataset(cuts, CLOCK, tokens, LAYOUT, config) for config in (replace(PLAIN, echo_share=0.0), moves))
    for number in range(4):
        before, after = (data.row(number, np.random.default_rng(0)) for data in (plain, moved))
        (shift, words), (there, same) = before.answers[0], after.answers[0]
        assert there == shift + late and same == words
        assert after.layout.labels[there : there + 1 + len(words)] == (tokens.shift, *words)
        unlearned = [block for block, weight in enumerate(after.layout.weights) if weight == 0]
        assert unlearned == (list(range(shift, there)) if late > 0 else [there])
        assert np.array_equal(np.roll(before.assistant, late * CLOCK.samples_in), after.assistant) and before.assistant.any()
        assert before.environment.any() and np.array_equal(before.environment, after.environment)


@pytest.mark.parametrize("gap", [9, 10, 13, 14, 16])
def test_an_answer_with_another_one_behind_it_moves_only_as_far_as_both_fit(tokens: Tokens, tmp_path: Path, gap: int):
    """Each needs its `<shift>` before it and its silence behind it."""
    plain = dialogue(5)
    end = plain.segments[1].end
    second = Segment(Speaker.AGENT, Kind.ANSWER, "three four", end + gap * 1280, end + (gap + 8) * 1280)
    longer = [np.pad(stream, (0, 40 * 1280)) for stream in (plain.environment, plain.assistant)]
    manifest.write([Dialogue("two", 16000, *longer, (*plain.segments, second))], tmp_path)
    cuts, moved = list(manifest.read_cuts(tmp_path)), []
    for late in range(6):
        data = DialogueDataset(cuts, CLOCK, tokens, LAYOUT, replace(PLAIN, moved=(late, late), moved_share=1.0))
        first, _ = data.row(0, np.random.default_rng(0)).answers
        moved.append(first[0])
    room = gap - (LAYOUT.lead + 1) - (LAYOUT.linger + 1)
    assert [shift - moved[0] for shift in moved] == [late if late <= max(0, room) else 0 for late in range(6)]


def test_dialogues_at_another_rate_are_refused(tokens: Tokens, tmp_path: Path):
    manifest.write([replace(dialogue(5), rate=24000)], tmp_path)
    with pytest.raises(ValueError, match="d05: is at 24000 samples a second; `parley data convert` makes 16000 of it"):
        DialogueDataset(list(manifest.read_cuts(tmp_path)), CLOCK, tokens, LAYOUT, PLAIN)


def test_an_answer_that_something_is_said_into_is_not_moved(tokens: Tokens, tmp_path: Path):
    plain = dialogue(5)
    answer = plain.segments[1]
    aside = Segment(Speaker.USER, Kind.BACKCHANNEL, "mhm", answer.start + 3000, answer.start + 6000)
    manifest.write([replace(plain, segments=(*plain.segments, aside))], tmp_path)
    cuts = list(manifest.read_cuts(tmp_path))
    rows = [
        DialogueDataset(cuts, CLOCK, tokens, LAYOUT, replace(PLAIN, moved=(2, 2), moved_share=share)).row(0, np.random.default_rng(0))
        for share in (0.0, 1.0)
    ]
    assert rows[0].layout == rows[1].layout and np.array_equal(rows[0].assistant, rows[1].assistant)


def test_the_encoder_hears_up_to_the_last_of_the_people_and_knows_the_whole_answer(cuts: list, tokens: Tokens):
    data = DialogueDataset(cuts, CLOCK, tokens, LAYOUT, replace(PLAIN, part=Part.HEARD, lead_in=3, lead_out=5))
    batch = data.batch(0)
    assert batch.assistant is None and batch.heard is not None
    for row, (environment, heard) in enumerate(zip(batch.environment, batch.heard)):
        speech = (environment > 0.1).nonzero()[:, 0]
        blocks = int((heard >= 0).sum())
        assert CLOCK.blocks(int(speech[-1]) + 1) + 5 == blocks
        assert (row, (int(speech[-1]) + 1) // 1280 + 4, tuple(tokens.encode("one two"))) in batch.answers
        during = heard[int(speech[0]) // 1280 : int(speech[-1]) // 1280]
        assert during.tolist() == [Heard.QUESTION] * len(during)
        assert heard[:2].tolist() == [Heard.NOTHING] * 2 and heard[blocks - 5 : blocks - 1].tolist() == [Heard.QUESTION_ENDED] * 4


def test_of_people_at_once_the_last_one_to_begin_is_heard():
    chat = Segment(Speaker.OTHER, Kind.CHAT, "well", 1000, 9000)
    stop = Segment(Speaker.USER, Kind.INTERRUPTION, "stop", 4000, 6000)
    ask = Segment(Speaker.USER, Kind.INTERRUPTION, "and of italy", 20000, 30000, keywords=("rome",))
    people = [chat, stop, ask]
    times = {1000: Heard.NOTHING, 1001: Heard.CHAT, 4001: Heard.INTERRUPTION, 9000: Heard.INTERRUPTION, 12400: Heard.NOTHING}
    times |= {20001: Heard.QUESTION, 30000: Heard.QUESTION, 30001: Heard.QUESTION_ENDED, 36400: Heard.NOTHING}
    assert {time: heard_at(time, people, 16000) for time in times} == times


def test_speech_to_learn_comes_with_the_answers_that_have_it(cuts: list, tokens: Tokens):
    batch = DialogueDataset(cuts, CLOCK, tokens, LAYOUT, PLAIN, {"one two": [3, 1, 2]}).batch(0)
    assert batch.speech is not None and len(batch.speech.row) == len(batch.inputs)
    assert batch.speech.tokens.tolist() == [[3, 1, 2]] * len(batch.inputs)


def test_an_empty_manifest_says_what_to_do(tokens: Tokens):
    with pytest.raises(ValueError, match="parley data build"):
        DialogueDataset([], CLOCK, tokens, LAYOUT, PLAIN)


def test_a_dialogue_that_has_no_room_for_its_answer_is_named_before_training(tokens: Tokens, tmp_path: Path):
    plain = dialogue(5)
    early = replace(plain.segments[1], start=1280 * 3, end=1280 * 8)
    manifest.write([plain, replace(plain, id="early", segments=(early, plain.segments[0]))], tmp_path)
    with pytest.raises(ValueError, match="^early: the answer 'one two' begins 0.16 s too soon after the beginning"):
        DialogueDataset(list(manifest.read_cuts(tmp_path)), CLOCK, tokens, LAYOUT, PLAIN)


def test_a_dialogue_too_long_to_train_on_is_named_unless_a_part_of_it_is_short(tokens: Tokens, tmp_path: Path):
    plain, late = dialogue(5), np.zeros(181 * 16000, np.float32)
    long = replace(plain, id="long", environment=np.append(plain.environment, late), assistant=np.append(plain.assistant, late))
    manifest.write([plain, long], tmp_path)
    cuts = list(manifest.read_cuts(tmp_path))
    with pytest.raises(ValueError, match="^long: it lasts 18. s, but a dialogue at most 180 s; cut it"):
        DialogueDataset(cuts, CLOCK, tokens, LAYOUT, PLAIN)
    assert len(DialogueDataset(cuts, CLOCK, tokens, LAYOUT, replace(PLAIN, part=Part.ANSWER)).parts) == 2


@pytest.mark.parametrize("part", list(Part))
def test_a_dialogue_in_which_only_the_agent_speaks_can_be_trained_on(part: Part, tokens: Tokens, tmp_path: Path):
    plain = dialogue(5)
    manifest.write([replace(plain, segments=plain.segments[1:])], tmp_path)
    batch = DialogueDataset(list(manifest.read_cuts(tmp_path)), CLOCK, tokens, LAYOUT, replace(PLAIN, part=part)).batch(0)
    assert batch.transcripts == [""] and int(batch.labels[0].eq(tokens.shift).sum()) >= 1


def test_an_echo_can_come_late_and_through_a_room(cuts: list, tokens: Tokens):
    late = replace(PLAIN, echo_delay_ms=(50.0, 50.0))
    plain, delayed, roomy = (
        DialogueDataset(cuts, CLOCK, tokens, LAYOUT, config).batch(0) for config in (PLAIN, late, replace(PLAIN, echo_room=1.0))
    )
    assert plain.assistant is not None and torch.equal(plain.assistant, delayed.assistant)
    playing = (plain.assistant > 0.1).nonzero()
    row, start = int(playing[0, 0]), int(playing[0, 1])
    silent, loud = delayed.environment[row, start : start + 798], delayed.environment[row, start + 802 : start + 900]
    assert silent.abs().max() < 1e-3 and (loud - 0.125).abs().max() < 1e-3
    tail = int((plain.assistant[row] > 0.1).nonzero()[-1]) + 200
    assert plain.environment[row, tail:].abs().max() < 1e-3 < roomy.environment[row, tail:].abs().max()
