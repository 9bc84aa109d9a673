"""Who speaks when, and into whose speech: timelines in seconds whose values were computed by hand."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from parley.eval.metrics.interaction import (
    Event,
    Interaction,
    Side,
    barge_ins,
    false_alarms,
    interaction,
    ipus,
    response_latencies,
    stretches,
    timeline,
)
from parley.eval.metrics.statistics import ratio
from parley.eval.values import a_minute, seconds_and_turns

RATE = 16000
BLOCK = 1280  # 80 ms


def said(*times_s: tuple[float, float]) -> list[tuple[int, int]]:
    return [(round(start * RATE), round(end * RATE)) for start, end in times_s]


def tone(*parts: tuple[float, float]) -> np.ndarray:
    """(seconds, level) one after the other; alternating signs, so no sample is 0 where the level is not."""
    pcm = np.concatenate([np.full(round(seconds * RATE), level, dtype=np.float32) for seconds, level in parts])
    pcm[::2] *= -1
    return pcm


def test_speech_in_a_waveform_is_found_to_the_sample():
    """0.1 s of silence is still speech, 0.2 s is not; what is not above 0.01 is silence."""
    pcm = tone((0.5, 0.009), (1.0, 0.3), (0.1, 0.0), (0.4, 0.011), (0.2, 0.009), (0.3, 0.5))
    assert stretches(pcm, RATE) == [(8000, 32000), (35200, 40000)]  # 0.5 to 2.0 s, 2.2 to 2.5 s
    assert stretches(pcm, RATE, hang_over_s=0.2) == [(8000, 40000)]
    assert stretches(pcm, RATE, hang_over_s=0.05) == [(8000, 24000), (25600, 32000), (35200, 40000)]
    assert stretches(pcm, RATE, level=0.4) == [(35200, 40000)]


def test_a_silence_one_sample_longer_than_the_hang_over_ends_a_stretch():
    pcm = np.zeros(4000, dtype=np.float32)
    pcm[[100, 1701]] = 0.5  # 1600 silent samples between them
    assert stretches(pcm, RATE) == [(100, 1702)]
    pcm[1701], pcm[1702] = 0.0, 0.5
    assert stretches(pcm, RATE) == [(100, 101), (1702, 1703)]


def test_silence_and_no_audio_have_no_speech():
    assert stretches(np.zeros(1000, dtype=np.float32), RATE) == []
    assert stretches(np.zeros(0, dtype=np.float32), RATE) == []


def test_a_recording_with_both_sides_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 100\); pass one side"):
        stretches(np.zeros((2, 100), dtype=np.float32), RATE)


def test_units_are_more_than_200_ms_apart():
    assert ipus(said((0.0, 1.0), (1.2, 2.0)), RATE) == said((0.0, 2.0))
    assert ipus([(0, 16000), (19201, 32000)], RATE) == [(0, 16000), (19201, 32000)]  # one sample more
    assert ipus(said((3.0, 4.0), (1.0, 3.5), (1.5, 2.0)), RATE) == said((1.0, 4.0))  # in any order, overlapping, one inside another
    assert ipus([], RATE) == []


@pytest.mark.parametrize("speech", [(5, 5), (9, 5)])
def test_speech_that_does_not_end_after_it_starts_is_refused(speech: tuple[int, int]):
    with pytest.raises(ValueError, match=f"from sample {speech[0]} to 5; a stretch must end after it starts"):
        ipus([speech], RATE)


def test_two_overlapping_events_80_ms_apart_are_ordered_by_sample():
    """The user from 1.00 s, the assistant from 1.08 s on, and the other way round: who came second spoke into the other's speech."""
    first, second = said((1.00, 3.0)), said((1.08, 2.5))
    assert [(change.sample, change.side) for change in timeline(first, second)] == [
        (16000, Side.USER),
        (17280, Side.ASSISTANT),
        (40000, Side.ASSISTANT),
        (48000, Side.USER),
    ]
    assert false_alarms(first, second, RATE) == [True] and barge_ins(first, second, RATE) == []
    assert false_alarms(second, first, RATE) == [False]
    (barge_in,) = barge_ins(second, first, RATE)
    assert barge_in.onset == 17280 and barge_in.from_onset_s == 1.92  # 3.00 - 1.08


def test_one_sample_within_one_block_makes_the_order():
    """Both start in block 12, [15360, 16640), whose decisions count at one time."""
    early, late = [(16000, 48000)], [(16001, 48000)]
    assert {start // BLOCK for (start, _), *_ in (early, late)} == {12}
    assert false_alarms(early, late, RATE) == [True] and barge_ins(early, late, RATE) == []
    assert false_alarms(late, early, RATE) == [False] and len(barge_ins(late, early, RATE)) == 1
    assert false_alarms(early, early, RATE) == [False] and barge_ins(early, early, RATE) == []  # nobody came second


def test_at_one_sample_ends_come_before_starts():
    changes = timeline([(0, 100)], [(100, 200)])
    assert [(change.sample, change.side, change.speaking) for change in changes[1:3]] == [
        (100, Side.USER, False),
        (100, Side.ASSISTANT, True),
    ]


USER = said((1.0, 3.0), (3.5, 5.0), (8.0, 8.4), (12.0, 14.0))
ASSISTANT = said((5.4, 7.0), (7.15, 9.0), (9.5, 11.0), (13.75, 20.0))
# the assistant's first two are one unit, 5.4 to 9.0: 0.15 s is no pause. Silences: 3.0-3.5 (user, user), 5.0-5.4 (user, assistant),
# 9.0-9.5 (assistant, assistant), 11.0-12.0 (assistant, user). Both speak: 8.0-8.4, 13.75-14.0.


def test_the_events_of_a_dialogue():
    found = interaction(USER, ASSISTANT, RATE, turns=2, length=24 * RATE)
    assert found.count == {Event.IPU: 7, Event.PAUSE: 2, Event.GAP: 2, Event.OVERLAP: 2}
    assert found.seconds[Event.IPU] == pytest.approx((2.0 + 1.5 + 0.4 + 2.0) + (3.6 + 1.5 + 6.25))
    assert found.seconds[Event.PAUSE] == pytest.approx(0.5 + 0.5)
    assert found.seconds[Event.GAP] == pytest.approx(0.4 + 1.0)
    assert found.seconds[Event.OVERLAP] == pytest.approx(0.4 + 0.25)
    assert (found.turns, found.length_s) == (2, 24.0)
    assert sum(found.seconds[event] for event in (Event.IPU, Event.PAUSE, Event.GAP)) - found.seconds[Event.OVERLAP] == pytest.approx(19.0)


def test_a_silence_after_both_spoke_belongs_to_who_spoke_last():
    """The user ends at 2.0 inside the assistant's 0 to 2.1, so the 0.4 s until the user goes on are a gap, and 0.3 s later a pause."""
    found = interaction(said((1.0, 2.0), (2.5, 3.0), (3.3, 4.0)), said((0.0, 2.1)), RATE, turns=1, length=5 * RATE)
    assert found.count == {Event.IPU: 4, Event.PAUSE: 1, Event.GAP: 1, Event.OVERLAP: 1}
    assert found.seconds[Event.GAP] == pytest.approx(0.4) and found.seconds[Event.PAUSE] == pytest.approx(0.3)


def test_turns_without_a_silence_have_no_gap_and_a_gap_may_be_short():
    found = interaction(said((0.0, 1.0)), said((1.0, 2.0)), RATE, turns=1, length=2 * RATE)
    assert found.count == {Event.IPU: 2, Event.PAUSE: 0, Event.GAP: 0, Event.OVERLAP: 0}
    found = interaction(said((0.0, 1.0)), said((1.05, 2.0)), RATE, turns=1, length=2 * RATE)
    assert found.count[Event.GAP] == 1 and found.seconds[Event.GAP] == pytest.approx(0.05)


def normalised(value, dialogues: list[Interaction], **of) -> float:
    """As the report's lines have it, from outcomes as they are kept on disk."""
    kept = [json.loads(json.dumps({"sound": {"interaction": asdict(dialogue)}})) for dialogue in dialogues]
    return ratio([value(outcome, **of) for outcome in kept])


def test_events_are_normalised_over_all_dialogues():
    """2 turns in 24 s and 3 turns in 36 s: 5 turns in a minute, so the sums stay as they are; the first alone is scaled."""
    one = interaction(USER, ASSISTANT, RATE, turns=2, length=24 * RATE)
    other = interaction(said((0.0, 2.0)), said((5.0, 6.0)), RATE, turns=3, length=36 * RATE)  # one gap of 3 s
    assert normalised(seconds_and_turns, [one, other], event=Event.GAP) == pytest.approx(1.4 + 3.0)
    assert normalised(a_minute, [one, other], of="seconds", event=Event.GAP) == pytest.approx(1.4 + 3.0)
    assert normalised(a_minute, [one, other], of="count", event=Event.GAP) == pytest.approx(2 + 1)
    assert normalised(seconds_and_turns, [one], event=Event.PAUSE) == pytest.approx(1.0 * 5 / 2)
    assert normalised(a_minute, [one], of="seconds", event=Event.PAUSE) == pytest.approx(1.0 * 60 / 24)
    assert normalised(a_minute, [one], of="count", event=Event.IPU) == pytest.approx(7 * 60 / 24)


def test_a_dialogue_without_speech():
    found = interaction([], [], RATE, turns=0, length=RATE)
    assert set(found.count.values()) == {0} and set(found.seconds.values()) == {0.0}
    assert np.isnan(normalised(seconds_and_turns, [found], event=Event.GAP))
    assert normalised(a_minute, [found], of="seconds", event=Event.GAP) == 0.0


def test_speech_beyond_the_dialogue_is_refused():
    with pytest.raises(ValueError, match="up to sample 320000 in a dialogue of 304000; the two must have one clock"):
        interaction(USER, ASSISTANT, RATE, turns=2, length=19 * RATE)


def test_barge_in_from_onset_and_from_end():
    """The user from 5.0 to 5.5 s, the assistant from 3.0 to 6.2 s: 1.2 s from the onset, 0.7 s from the end, 0.5 s both."""
    (found,) = barge_ins(said((1.0, 2.6), (5.0, 5.5)), said((3.0, 6.2)), RATE)
    assert found.success and found.onset == 5 * RATE
    assert found.from_onset_s == pytest.approx(1.2) and found.from_end_s == pytest.approx(0.7) and found.overlap_s == pytest.approx(0.5)


def test_an_assistant_that_is_silent_before_the_user_has_finished():
    (found,) = barge_ins(said((5.0, 8.0)), said((3.0, 5.6), (8.4, 9.0)), RATE)
    assert found.success and found.from_end_s == pytest.approx(-2.4)
    assert found.from_onset_s == found.overlap_s == pytest.approx(0.6)


@pytest.mark.parametrize(("silence", "success"), [(104000, True), (104001, False)])  # 6.5 s is 1.5 s after the onset
def test_barge_in_succeeds_within_one_and_a_half_seconds(silence: int, success: bool):
    (found,) = barge_ins(said((5.0, 6.0)), [(48000, silence)], RATE)
    assert found.success == success


def test_a_short_pause_of_the_assistant_is_no_silence():
    """A pause of 0.2 s goes on as speech, one of 0.3 s does not; the authors' 1.5 s can be asked for."""
    user = said((5.0, 6.0))
    assert not barge_ins(user, said((3.0, 5.4), (5.6, 9.0)), RATE)[0].success
    assert barge_ins(user, said((3.0, 5.4), (5.7, 9.0)), RATE)[0].from_onset_s == pytest.approx(0.4)
    assert barge_ins(user, said((3.0, 5.4), (5.7, 9.0)), RATE, gap_s=1.5)[0].from_onset_s == pytest.approx(4.0)


def test_who_speaks_after_the_assistant_did_not_barge_in():
    assert barge_ins(said((5.0, 6.0)), said((3.0, 5.0)), RATE) == []
    assert barge_ins([], said((3.0, 5.0)), RATE) == barge_ins(said((5.0, 6.0)), [], RATE) == []


@pytest.mark.parametrize(("start", "alarm"), [(46399, True), (46400, False), (47000, False), (48000, False)])
def test_a_start_within_the_last_tenth_of_a_second_is_no_false_alarm(start: int, alarm: bool):
    """The user stops at 48000; 0.1 s before is 46400."""
    assert false_alarms([(16000, 48000)], [(start, 80000)], RATE) == [alarm]


def test_false_alarms_of_every_unit_of_the_user():
    assert false_alarms(said((1.0, 2.0), (4.0, 6.0), (9.0, 10.0)), said((2.3, 3.0), (4.5, 4.8), (5.2, 7.0)), RATE) == [False, True, False]
    assert false_alarms([], said((1.0, 2.0)), RATE) == [] and false_alarms(said((1.0, 2.0)), [], RATE) == [False]


def test_response_latencies_are_signed():
    """3.4 - 3.0 after the first turn; the second was answered 0.2 s before its end; the third never."""
    latencies = response_latencies(said((1.0, 3.0), (7.0, 9.0), (14.0, 15.0)), said((3.4, 6.0), (8.8, 12.0)), RATE)
    assert latencies == [pytest.approx(0.4), pytest.approx(-0.2), None]


def test_a_turn_of_the_user_lasts_until_the_assistant_starts():
    """A pause of 0.6 s that the assistant respects is inside the turn, one that it speaks in ends the turn."""
    question = said((1.0, 2.0), (2.6, 4.0))
    assert response_latencies(question, said((4.5, 6.0)), RATE) == [pytest.approx(0.5)]
    assert response_latencies(question, said((2.3, 2.5), (4.3, 6.0)), RATE) == [pytest.approx(0.3), pytest.approx(0.3)]
    assert response_latencies(question, said((3.0, 6.0)), RATE) == [pytest.approx(-1.0)]  # the first start is inside the second part
    assert response_latencies(said((1.0, 2.0)), said((0.0, 0.5)), RATE) == [None]  # what came before is no answer
    assert response_latencies([], said((0.0, 0.5)), RATE) == []
