"""Full-Duplex-Bench's figures on words and speech whose values were computed by hand."""

from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
import torch

from parley.data.voices import assistant_speech
from parley.eval.inputs.heard import speech_in
from parley.eval.metrics.full_duplex_bench import (
    Behaviour,
    TakeOver,
    Word,
    activity,
    backchannels,
    behaviour,
    is_backchannel,
    jensen_shannon,
    response_latencies_fdb,
    smooth_turn_taking,
    stop_latencies_fdb,
    took_turn,
    user_interruption,
    voiced,
)
from parley.eval.metrics.statistics import mean, share
from parley.eval.metrics.turn_taking import Start, classify

RATE = 16000


def said(*times_s: tuple[float, float]) -> list[tuple[int, int]]:
    return [(round(start * RATE), round(end * RATE)) for start, end in times_s]


def words(text: str, start_s: float, word_s: float) -> list[Word]:
    """One word after the other, each `word_s` long."""
    return [Word(word, start_s + i * word_s, start_s + (i + 1) * word_s) for i, word in enumerate(text.split())]


def measured(item: TakeOver) -> tuple[bool, float | None, float | None]:
    """Taken, latency, signed latency; to the microsecond."""
    latency_s, signed_s = (None if value is None else round(value, 6) for value in (item.latency_s, item.signed_s))
    return item.taken, latency_s, signed_s


NOT_TAKEN = (False, None, None)


@pytest.mark.parametrize(
    ("heard", "taken"),
    [
        ([], False),
        (words("uh huh", 2.0, 0.45), False),  # 0.9 s and two words
        (words("oh I see", 2.0, 0.25), False),  # 0.75 s and three words
        (words("it is really so", 2.0, 0.2), True),  # 0.8 s, but four words
        (words("well", 2.0, 1.0), True),  # one word, but 1 s
        ([Word("uh", 2.0, 2.2), Word("huh", 9.0, 9.2)], True),  # from the first start to the last end: 7.2 s
        ([Word("uh", 2.0, 2.4), Word("huh", 2.5, None)], False),  # a last word without an end: 0.5 s
        ([Word("uh", 2.0, 2.4), Word("huh", 3.0, None)], True),
    ],
)
def test_what_takes_the_turn_over(heard: list[Word], taken: bool):
    assert took_turn(heard) == taken


def test_words_must_be_in_order_and_not_end_before_they_start():
    with pytest.raises(ValueError, match='word "a" at 1.0 s comes after one at 2.0 s; sort'):
        took_turn([Word("b", 2.0, 2.2), Word("a", 1.0, 1.2)])
    with pytest.raises(ValueError, match='word "a" from 2.0 to 1.5 s; it must not end before it starts'):
        Word("a", 2.0, 1.5)


def test_smooth_turn_taking_clamps_early_starts_and_the_signed_latency_does_not():
    """The user's turn ends at 5.0 s."""
    assert measured(smooth_turn_taking(words("it is red", 5.7, 0.5), 5.0)) == (True, 0.7, 0.7)
    early = smooth_turn_taking(words("it is red", 4.8, 0.5), 5.0)  # 0.2 s before the question ends
    assert measured(early) == (True, 0.0, -0.2) and classify(early.signed_s) == Start.EARLY
    assert measured(smooth_turn_taking(words("uh huh", 5.2, 0.45), 5.0)) == NOT_TAKEN
    assert measured(smooth_turn_taking([], 5.0)) == NOT_TAKEN


def test_latency_is_the_mean_over_the_items_that_took_the_turn():
    items = [smooth_turn_taking(heard, 5.0) for heard in (words("it is red", 5.7, 0.5), words("it is red", 4.8, 0.5), [])]
    assert share([item.taken for item in items]) == pytest.approx(2 / 3)
    assert mean([item.latency_s for item in items]) == pytest.approx(0.35)
    assert np.isnan(mean([item.latency_s for item in items[2:]]))  # where the authors' program divides by zero


def interrupted(heard: list[Word], start_s: float, end_s: float) -> TakeOver:
    """What is heard after the end by ears that hear the rest of a word that is under way."""
    after = [Word(word.text, max(word.start_s, end_s), word.end_s) for word in heard if word.stop_s > end_s or word.start_s >= end_s]
    return user_interruption(heard, after, start_s, end_s)


STORY = words("once upon a time there was a king who", 3.0, 0.4)  # 3.0 to 6.6 s
ANSWER = words("the king of spain", 8.5, 0.4)


def test_an_interruption_is_answered():
    """The user interrupts from 5.5 to 8.0 s; the assistant stops at 6.6 and answers at 8.5, or at 7.7: 0.3 s early."""
    assert measured(interrupted([*STORY, *ANSWER], 5.5, 8.0)) == (True, 0.5, 0.5)
    early = interrupted([*STORY, *words("the king of spain", 7.7, 0.4)], 5.5, 8.0)
    assert measured(early) == (True, 0.0, -0.3) and classify(early.signed_s) == Start.EARLY
    assert measured(interrupted(ANSWER, 5.5, 8.0)) == (True, 0.5, 0.5)  # it had said nothing


def test_talking_on_looks_instant_as_published_and_is_no_answer_when_signed():
    """From 4.0 to 6.0 s: the word of 5.8 to 6.2 sounds after the end, so what is after it lasts from 6.0 to 7.4: a turn."""
    on = [*STORY, *words("ruled here", 6.6, 0.4)]
    assert measured(interrupted(on, 4.0, 6.0)) == (True, 0.0, None)
    assert measured(interrupted(STORY, 4.0, 6.0)) == NOT_TAKEN  # 6.0 to 6.6: two words
    assert measured(interrupted(STORY, 4.0, 6.6)) == measured(interrupted([], 4.0, 6.0)) == NOT_TAKEN
    over = [Word("so", 5.5, 6.0), *words("uh I see", 6.0, 0.2)]  # what ends with the interruption is not heard after it: three words
    assert measured(interrupted(over, 4.0, 6.0)) == NOT_TAKEN


def test_only_a_start_after_half_a_second_of_silence_is_a_fresh_one():
    """The story stops at 6.6 s; from 5.5 to 7.0 s the user interrupts, and the next word comes at 7.1 (after 0.5 s) or 7.2."""
    assert measured(interrupted([*STORY, *words("ruled here at once", 7.1, 0.4)], 5.5, 7.0)) == (True, 0.1, None)
    fresh = interrupted([*STORY, *words("ruled here at once", 7.2, 0.4)], 5.5, 7.0)
    assert measured(fresh) == (True, 0.2, 0.2)


def test_an_interruption_must_last():
    with pytest.raises(ValueError, match="from 6.0 to 6.0 s; it must end after it starts"):
        interrupted(STORY, 6.0, 6.0)


def verdicts(*windows: tuple[int, float]) -> list[float]:
    """So many windows of each probability, one after the other."""
    return [probability for number, probability in windows for _ in range(number)]


@pytest.mark.parametrize(
    ("windows", "length", "speech"),
    [
        # 10 silent windows, 20 of speech: from 5120 to 15360, and 0.03 s (480 samples) on either side
        (((10, 0.1), (20, 0.5), (10, 0.34)), 20480, [(4640, 15840)]),
        (((10, 0.1), (20, 0.5), (10, 0.35)), 20480, [(4640, 20480)]),  # 0.35 is still speech, which lasts to the end
        (((20, 0.9), (4, 0.1), (20, 0.9), (9, 0.0)), 27136, [(0, 23008)]),  # silent for 3 windows when the fourth is seen: less than 0.1 s
        (((20, 0.9), (5, 0.1), (20, 0.9), (9, 0.0)), 27648, [(0, 10720), (12320, 23520)]),
        (((7, 0.9), (9, 0.0)), 8192, []),  # 3584 samples are less than 0.25 s
        (((8, 0.9), (9, 0.0)), 8704, [(0, 4576)]),
        (((9, 0.49),), 4608, []),
        (((4, 0.0), (10, 0.9)), 7000, [(1568, 7000)]),  # the last window is only partly there
    ],
)
def test_speech_is_cut_out_as_silero_does(windows: tuple[tuple[int, float], ...], length: int, speech: list[tuple[int, int]]):
    assert voiced(verdicts(*windows), 512, RATE, length) == speech


@pytest.fixture
def package() -> Iterator[ModuleType]:
    """silero-vad itself, which sets torch's number of threads when it is imported."""
    threads = torch.get_num_threads()
    yield pytest.importorskip("silero_vad")
    torch.set_num_threads(threads)


def test_the_package_of_silero_cuts_out_the_same(package: ModuleType):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        runs = [(int(rng.integers(1, 14)), float(rng.choice([0.05, 0.3, 0.4, 0.6, 0.95]))) for _ in range(40)]
        windows = verdicts(*runs)
        length = len(windows) * 512 - int(rng.integers(0, 512))
        theirs = package.get_speech_timestamps_from_probs(windows, audio_length_samples=length)
        assert voiced(windows, 512, RATE, length) == [(each["start"], each["end"]) for each in theirs]


@pytest.mark.filterwarnings("ignore")
def test_silero_hears_speech_where_its_package_does_and_no_tone(package: ModuleType):
    speech = assistant_speech("The capital of Spain is Madrid.")
    tone = (0.3 * np.sin(np.arange(2 * RATE) * 0.2)).astype(np.float32)
    pcm = np.concatenate([tone, np.zeros(RATE, np.float32), speech, np.zeros(RATE // 2, np.float32), speech[:9000]])
    theirs = package.get_speech_timestamps(torch.from_numpy(pcm), package.load_silero_vad(onnx=True, opset_version=15))
    assert speech_in(pcm) == [(each["start"], each["end"]) for each in theirs]
    assert [start // RATE for start, _ in speech_in(pcm)] == [3, 5]


@pytest.mark.parametrize(
    ("end_s", "text", "backchannel"),
    [
        (2.9, "uh huh", True),  # 0.9 s and two words
        (2.9, "", True),
        (2.9, "oh I see", False),  # three words: no backchannel, although as an answer it would not take the turn
        (3.0, "uh", False),  # 1 s
    ],
)
def test_what_is_a_backchannel(end_s: float, text: str, backchannel: bool):
    ((start, end),) = said((2.0, end_s))
    assert is_backchannel((start, end), words(text, 2.0, 0.3), RATE) == backchannel


def test_words_that_reach_into_a_stretch_count():
    stretch = (2 * RATE, 3 * RATE - 1600)  # 2.0 to 2.9 s
    outside = [Word("a", 1.0, 2.0), Word("b", 3.0, 3.2)]
    assert is_backchannel(stretch, [*outside, Word("c", 1.9, 2.1), Word("d", 2.8, 3.0)], RATE)
    assert not is_backchannel(stretch, [*outside, Word("c", 1.9, 2.1), Word("d", 2.4, None), Word("e", 2.8, 3.0)], RATE)
    assert not is_backchannel(stretch, [Word("f", 1.0, 4.0), Word("d", 2.4, 2.5), Word("e", 2.9, 3.0)], RATE)


def test_backchannels_of_a_clip():
    """Two in 10 s; both short with at most two words."""
    heard = [*words("uh huh", 2.0, 0.3), Word("yeah", 6.0, 6.4)]
    found = backchannels(said((2.0, 2.6), (6.0, 6.4)), heard, RATE, 10 * RATE)
    assert (found.taken, found.any_taken, found.frequency, found.divergence) == (False, False, pytest.approx(0.2), None)


def test_the_last_stretch_decides_as_published():
    """A stretch of 2 s is a turn; a backchannel after it takes that back. Both are counted: 2 in 10 s."""
    found = backchannels(said((2.0, 4.0), (6.0, 6.4)), [], RATE, 10 * RATE)
    assert (found.taken, found.any_taken, found.frequency) == (False, True, pytest.approx(0.2))
    found = backchannels(said((2.0, 2.4), (6.0, 8.0)), [], RATE, 10 * RATE)
    assert (found.taken, found.any_taken, found.frequency) == (True, True, pytest.approx(0.2))


def test_more_than_three_seconds_end_the_search():
    """The stretch of 3 s counts, the longer one and what comes after it do not: 1 in 20 s."""
    found = backchannels([*said((1.0, 4.0)), (5 * RATE, 8 * RATE + 1), *said((10.0, 10.5))], [], RATE, 20 * RATE, [1.0] * 101)
    assert (found.taken, found.any_taken, found.frequency) == (True, True, pytest.approx(0.05))
    found = backchannels(said((1.0, 5.0), (6.0, 6.5)), [], RATE, 20 * RATE, [1.0] * 101)
    assert (found.taken, found.any_taken, found.frequency, found.divergence) == (True, True, 0.0, 1.0)


def test_no_speech_has_no_backchannel_and_the_divergence_is_one():
    found = backchannels([], [], RATE, 10 * RATE, [1.0])
    assert (found.taken, found.any_taken, found.frequency, found.divergence) == (False, False, 0.0, 1.0)


def test_activity_in_windows_of_a_fifth_of_a_second():
    """1 s has int(1.0 / 0.2) + 1 = 6 windows; 0.1 to 0.3 s touches windows 0 and 1, 0.9 to 1.0 s windows 4 and 5."""
    assert activity(said((0.1, 0.3), (0.9, 1.0)), RATE, RATE).tolist() == [1, 1, 0, 0, 1, 1]
    assert activity(said((0.1, 0.3), (0.3, 0.5)), RATE, RATE).tolist() == [1, 2, 1, 0, 0, 0]
    assert activity(said((0.65, 0.7)), RATE, round(0.7 * RATE)).tolist() == [0, 0, 0, 1]
    assert activity([], RATE, 3000).tolist() == [0]


def test_the_divergence_is_the_root_with_natural_logarithms():
    """One backchannel of 0.1 to 0.3 s in 1 s: p = (1/2, 1/2, 0, 0, 0, 0).

    Against 1/6 everywhere the middle is (1/3, 1/3, 1/12 ...): ln(3/2) from p, 2/6 ln(1/2) + 4/6 ln 2 = ln(2)/3 from the other, halved.
    """

    def divergence(human: list[float]) -> float:
        found = backchannels(said((0.1, 0.3)), [], RATE, RATE, human).divergence
        assert found is not None
        return found

    assert divergence([3, 3, 3, 3, 3, 3]) == pytest.approx(np.sqrt((np.log(1.5) + np.log(2) / 3) / 2))
    assert divergence([0, 0, 0, 1, 2, 3]) == pytest.approx(np.sqrt(np.log(2)))  # nothing in common: 0.833, the most it can be
    assert divergence([2, 2, 0, 0, 0, 0]) == pytest.approx(0.0, abs=1e-4)


def test_a_human_distribution_of_another_length_is_stretched():
    assert jensen_shannon(np.array([0.0, 0.5, 1.0]), [0.0, 1.0]) == pytest.approx(0.0, abs=1e-4)
    assert jensen_shannon(np.array([1.0, 1.0, 0.0]), [1.0, 7.0, 1.0, 9.0, 0.0]) == pytest.approx(0.0, abs=1e-4)  # windows 0, 2, 4 of five


@pytest.mark.parametrize(
    ("human", "message"),
    [
        ([], "0 windows, the least None; give shares of at least 0"),
        ([0.5, -0.1], "2 windows, the least -0.1"),
        ([0.0, 0.0], "2 windows is empty in 6"),
    ],
)
def test_a_human_distribution_that_is_none_is_refused(human: list[float], message: str):
    with pytest.raises(ValueError, match=message):
        backchannels(said((0.1, 0.3)), [], RATE, RATE, human)


def test_an_output_that_does_not_hold_its_speech_is_refused():
    with pytest.raises(ValueError, match="up to sample 32000 in an output of 16000; the two must have one clock"):
        backchannels(said((1.0, 2.0)), [], RATE, RATE)
    with pytest.raises(ValueError, match="an output of 0 samples; it must be as long as the user's audio"):
        backchannels([], [], RATE, 0)


def test_stop_latency_is_the_length_of_every_overlap():
    """User 1-3, 6-8 (0.6 s inside, bridged), 12-13; assistant 2.5-6.5 (0.5 s inside, bridged), 7.5-10: 0.5, 0.5 and 0.5 s."""
    user = said((1.0, 3.0), (6.0, 6.9), (7.5, 8.0), (12.0, 13.0))
    assistant = said((2.5, 4.0), (4.5, 6.5), (7.5, 10.0))
    assert stop_latencies_fdb(user, assistant, RATE) == [pytest.approx(0.5), pytest.approx(0.5), pytest.approx(0.5)]
    assert stop_latencies_fdb(user, [], RATE) == stop_latencies_fdb([], assistant, RATE) == []


def test_silences_are_bridged_up_to_600_and_500_ms():
    """The user is silent for 9600 samples or one more, then the assistant for 8000 or one more."""
    long = [(0, 64000)]
    assert stop_latencies_fdb([(16000, 32000), (41600, 48000)], long, RATE) == [2.0]
    assert stop_latencies_fdb([(16000, 32000), (41601, 48000)], long, RATE) == [1.0, 6399 / RATE]
    assert stop_latencies_fdb(long, [(16000, 32000), (40000, 48000)], RATE) == [2.0]
    assert stop_latencies_fdb(long, [(16000, 32000), (40001, 48000)], RATE) == [1.0, 7999 / RATE]


def test_response_latency_is_the_last_end_before_every_start():
    """Ends at 2 and 4 before the start at 5 (1 s after the later one), at 8 before that at 8.4; nothing follows 12."""
    user = said((1.0, 2.0), (3.0, 4.0), (7.0, 8.0), (11.0, 12.0))
    assert response_latencies_fdb(user, said((5.0, 6.0), (8.4, 10.0)), RATE) == [pytest.approx(1.0), pytest.approx(0.4)]
    assert response_latencies_fdb(said((1.0, 2.0)), said((2.0, 3.0)), RATE) == []  # a start at the very end is no next one
    assert response_latencies_fdb([], said((5.0, 6.0)), RATE) == []


def test_the_behaviour_that_needs_no_judge():
    """The overlap begins at 5.0 s."""
    again = [Word(word.text.upper() + ",", word.start_s + 1.0, None) for word in STORY]  # the same words, later and spelt otherwise
    assert behaviour(STORY[:5], STORY, 5.0) == Behaviour.UNKNOWN  # its last word starts at 4.6
    assert behaviour([], STORY, 5.0) == Behaviour.UNKNOWN
    assert behaviour(again, STORY, 5.0) == Behaviour.RESUME
    assert behaviour([*STORY[:5], *ANSWER], STORY, 5.0) is None
    assert behaviour(ANSWER, [], 5.0) is None
    assert {str(kind) for kind in Behaviour} == {"C_RESPOND", "C_RESUME", "C_UNCERTAIN_HANDLING", "C_UNKNOWN"}
