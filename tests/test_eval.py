"""The evaluation: closed-loop rollouts of a scripted model, and every metric on timelines whose values were computed by hand."""

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from parley.clock import Clock
from parley.data.voices import (
    HELD_OUT_ENGINE_VOICES,
    HELD_OUT_VOICES,
    MARGIN,
    TRAINING_VOICES,
    assistant_speech,
    available,
    parse_voice,
    speak,
)
from parley.data.world.asides import BACKCHANNELS_EVAL, CHAT_EVAL, INTERRUPTIONS_EVAL
from parley.data.world.world import FIRST, WORLDS, facts, world
from parley.dialogue import Kind, Segment, Speaker
from parley.encoder.mamba import MambaConfig
from parley.encoder.speech_encoder import SpeechEncoderConfig
from parley.eval import scenarios, suites
from parley.eval.baselines import Baseline, CascadeConfig
from parley.eval.judge import Endpoint
from parley.eval.metrics import interaction
from parley.eval.metrics.latency import block_percentile, latency, streaming
from parley.eval.metrics.spoken_qa import correct
from parley.eval.metrics.statistics import Decision, bootstrap, f1, mean, precision, ratio, recall
from parley.eval.metrics.turn_taking import Ending, Pause, Start, barge_in, decision, event_peak, first_answer, pause, turn, turns
from parley.eval.outcomes import Judging, assistant_stretches, is_stuck, of_sound, of_turns
from parley.eval.recognisers import Pocketsphinx, grammar
from parley.eval.report import document, lines
from parley.eval.report.compare import compare, of_line
from parley.eval.report.figures import at_threshold, curve
from parley.eval.report.inputs import INPUT_DETAILS, INPUT_MINUTES, INPUT_SOUND
from parley.eval.report.published import TOR
from parley.eval.rollout import UNANSWERED_S, After, Answer, Cue, Scene, Trace, rollout
from parley.eval.scenarios import Condition, Distortion, Event, Room
from parley.eval.suites import SUITES, Plan, Shard, Suite
from parley.llm.backbone import Backbone, BackboneConfig, BackboneState, LlamaSize, small_llama
from parley.llm.tokens import Tokens, train_tokenizer
from parley.models.duplex import BlockOutput, Directive, DuplexModel
from parley.models.salmonn_omni import ConnectorConfig, SalmonnOmni, SalmonnOmniConfig
from parley.runtime.engine import Engine
from parley.synthesizer.speech_lm import SpeechLMConfig
from parley.synthesizer.synthesizer import SynthesizerConfig

CLOCK = Clock()
BLOCK = CLOCK.samples_in
RATE = CLOCK.input_rate
THINK, SHIFT, WORD = 0, 1, 2
LEAD, LINGER, PATIENCE, SPEECH = 4, 4, 3, 40  # blocks: decision to sound, sound to listening, silence before an answer, length of an answer


@dataclass
class EnergyState:
    heard: Tensor  # (rows,) bool: someone has spoken since the last answer
    quiet: Tensor  # (rows,) blocks of quiet in a row
    loud: Tensor  # (rows,) blocks of speech in a row while speaking
    age: Tensor  # (rows,) blocks since the decision to speak; 0 while listening


class EnergyModel(DuplexModel):
    """Answers after three quiet blocks with a tone of 40 blocks at the level .1; yields to three blocks above .2."""

    clock = CLOCK

    def init_state(self, rows: int) -> EnergyState:
        return EnergyState(torch.zeros(rows, dtype=torch.bool), *(torch.zeros(rows, dtype=torch.long) for _ in range(3)))

    def step(self, environment: Tensor, state: EnergyState, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        loud, speaking = environment.abs().amax(1) > 0.2, state.age > 0
        quiet = torch.where(loud, 0, state.quiet + 1)
        barged = torch.where(speaking & loud, state.loud + 1, 0)
        heard = state.heard | loud & ~speaking
        start = ~speaking & heard & (quiet >= PATIENCE)
        if directive is not None:
            start = ~speaking & (start | (directive == Directive.SHIFT)) & (directive != Directive.STAY)
        stop = speaking & ((barged >= 3) | (state.age >= LEAD + SPEECH + LINGER))
        age = torch.where(start, 1, torch.where(stop | ~speaking, 0, state.age + 1))
        sounding = (age > LEAD) & (age <= LEAD + SPEECH)
        for old, new in ((state.heard, heard & ~start & ~stop), (state.quiet, quiet), (state.loud, barged), (state.age, age)):
            old.copy_(torch.where(active, new, old))
        tone = 0.1 * torch.sin(torch.arange(self.clock.samples_out) * 0.2 + 1.0)
        token = torch.where(start | stop, SHIFT, torch.where((age > 1) & (age <= LEAD + 1), WORD, THINK))
        return BlockOutput(sounding[:, None] * tone, token, age > 0, (start | stop).float())

    def loss(self, batch: None) -> dict[str, Tensor]:
        raise NotImplementedError

    def piece(self, token: int) -> str:
        return " paris" if token == WORD else ""


def speech(seconds: float, level: float = 0.4) -> np.ndarray:
    return np.full(round(seconds * RATE), level, dtype=np.float32)


def cue(kind: Kind, seconds: float, after: After = After.CUE, delay_s: float = 0.0) -> Cue:
    pcm = speech(seconds)
    return Cue(Segment(Speaker.USER, kind, "words", 0, len(pcm)), pcm, after, round(delay_s * RATE))


def scene(*cues: Cue, name: str = "scene", echo: float = 0.0, to_the_end: bool = True) -> Scene:
    return Scene(name, np.zeros(20 * RATE, dtype=np.float32), cues, echo, 2 * RATE, to_the_end)


def run(*scenes: Scene, rows: int = 1) -> dict[str, Trace]:
    return {trace.id: trace for trace in rollout(Engine(EnergyModel(), rows), scenes)}


def test_a_question_is_answered_in_closed_loop():
    trace = run(scene(cue(Kind.QUESTION, 1.0, delay_s=0.5)))["scene"]
    (question,), (answer,) = trace.segments, trace.answers
    assert (question.start, question.end) == (0.5 * RATE, 1.5 * RATE)
    heard_last = (question.end - 1) // BLOCK  # block 18; blocks 19, 20, 21 are quiet
    assert answer.shift == (heard_last + 1 + PATIENCE) * BLOCK
    assert answer.onset == answer.shift + LEAD * BLOCK
    assert answer.silence == answer.onset + SPEECH * BLOCK
    assert answer.back == answer.silence + LINGER * BLOCK and not answer.interrupted
    assert answer.text == "paris paris paris paris"
    assert len(trace.speech(answer)) == SPEECH * BLOCK
    assert np.array_equal(trace.environment[question.start : question.end], speech(1.0))


def test_an_event_is_placed_by_the_speech_that_is_really_made():
    parts = cue(Kind.QUESTION, 1.0), cue(Kind.INTERRUPTION, 0.5, After.ONSET, 1.2345)
    trace = run(scene(*parts, to_the_end=False))["scene"]
    answer, event = trace.answers[0], trace.segments[1]
    assert event.start == answer.onset + round(1.2345 * RATE)
    assert answer.interrupted and event.start < answer.back <= event.start + 4 * BLOCK
    assert answer.silence == answer.back


def test_the_next_question_comes_after_the_answer_to_the_one_before():
    trace = run(scene(cue(Kind.QUESTION, 1.0, delay_s=0.5), cue(Kind.QUESTION, 1.0, After.ANSWER, 0.7)))["scene"]
    first, second = trace.answers
    assert first.back is not None and trace.segments[1].start == first.back + round(0.7 * RATE)
    assert [taken.start for taken in turns(trace)] == [Start.IN_TIME, Start.IN_TIME]
    assert [first_answer(trace, question) for question in trace.segments] == [first, second]


def test_the_next_question_comes_all_the_same_when_nobody_answers():
    quiet = replace(cue(Kind.QUESTION, 1.0, delay_s=0.5), pcm=speech(1.0, level=0.05))
    trace = run(scene(quiet, cue(Kind.QUESTION, 1.0, After.ANSWER, 0.7)))["scene"]
    assert trace.segments[1].start == round((1.5 + UNANSWERED_S + 0.7) * RATE)
    never, answered = turns(trace)
    assert (never.start, answered.start) == (Start.NEVER, Start.IN_TIME)
    assert first_answer(trace, trace.segments[0]) is None


def test_noise_lies_as_far_below_the_question_as_the_condition_says():
    def snr_db(made: Scene) -> float:
        return 10 * np.log10(np.mean(np.square(made.cues[0].pcm)) / np.mean(np.square(made.background)))

    for name, wanted in (("noise_20db", 20), ("noise_10db", 10), ("noise_5db", 5), ("noise_0db", 0)):
        (condition,) = (one for one in scenarios.ROBUSTNESS if one.name == name)
        noisy = scenarios.scene(condition, 0, 1, CLOCK, FIRST)
        assert snr_db(noisy) == pytest.approx(wanted, abs=0.3) and len(noisy.background) == 30 * RATE
    drawn = [scenarios.scene(scenarios.KNOWN, 0, index, CLOCK, FIRST) for index in range(20)]
    noisy = [snr_db(made) for made in drawn if made.background.any()]
    assert len(noisy) < 20 and all(9.7 <= snr <= 40.3 for snr in noisy) and max(noisy) - min(noisy) > 15


def test_speech_is_faster_or_slower_as_the_condition_says():
    """The same question of the same voice; engines take their speed in whole words a minute or the like."""
    lengths = {}
    for condition in (condition for condition in scenarios.ROBUSTNESS if condition.distortion.rate):
        (question,) = scenarios.scene(condition, 0, 1, CLOCK, FIRST).cues
        lengths[condition.name] = len(question.pcm)
        voice = parse_voice(question.segment.voice)
        assert voice.rate == {"fast": 1.5, "slow": 0.7}[condition.name]
        plain = len(speak(question.segment.text, replace(voice, rate=1.0))) - 2 * MARGIN
        assert plain / len(question.pcm) == pytest.approx(voice.rate, rel=0.12)
    assert lengths.keys() == {"fast", "slow"}


def test_the_times_of_a_row_and_of_its_blocks():
    """A decision at 3.28 s whose sound is heard from 3.6 s on; blocks of 10, 20, 30 and 40 ms in one row, of 100 ms in another: 30 ms
    lies in their middle, 95% at 4/5 of the way from 40 to 100 ms."""
    trace = replace(timeline(QUESTION, answer(3.28, 3.6, 5.0, 5.4), answer(7.0, 7.9)), compute_s=np.array([0.01, 0.02, 0.03, 0.04]))
    measured = latency(trace)
    assert measured.onset_delay_s == pytest.approx(0.32) and measured.compute_ms == (10.0, 20.0, 30.0, 40.0)
    unheard = replace(trace, answers=(answer(3.28), answer(7.0, 7.9)))
    assert latency(unheard).onset_delay_s == pytest.approx(0.9)  # of the first that is heard
    assert latency(replace(trace, answers=())).onset_delay_s is None
    rows = [measured.compute_ms, (100.0,)]
    assert (block_percentile(rows, 50), block_percentile(rows, 95)) == (30.0, pytest.approx(88.0))
    assert np.isnan(block_percentile([], 95))


def test_a_room_rings_on_after_the_question_and_levels_are_clipped():
    room = Room(Distortion(reverb_s=0.5), RATE, np.random.default_rng(0))
    click = np.zeros(RATE, dtype=np.float32)
    click[0] = 0.5
    rings = room.heard(click)
    assert rings[0] == pytest.approx(0.5, abs=1e-6) and np.abs(rings[1 : RATE * 3 // 1000]).max() < 1e-6
    assert np.sum(rings[1:] ** 2) == pytest.approx(0.25, rel=1e-3)  # the reverberation is as strong as the direct sound
    early, late = (np.sum(rings[a * RATE // 10 : (a + 1) * RATE // 10] ** 2) for a in (1, 2))
    assert 10 * np.log10(early / late) == pytest.approx(60 * 0.1 / 0.5, abs=2.0)
    parts = cue(Kind.QUESTION, 1.0)
    trace = run(scene(replace(parts, pcm=room.heard(parts.pcm))))["scene"]
    assert trace.segments[0].end - trace.segments[0].start == RATE
    loud = Room(Distortion(gain_db=20.0), RATE, np.random.default_rng(0))
    assert loud.heard(np.array([0.05, 0.2, -0.2], dtype=np.float32)).tolist() == pytest.approx([0.5, 1.0, -1.0])


def test_an_oracle_makes_the_model_answer_when_the_question_ends_and_only_then():
    """The question has a pause of 0.5 s, which the model alone takes for its end."""
    pcm = np.concatenate([speech(0.5), np.zeros(RATE // 2, dtype=np.float32), speech(0.5)])
    parts = Cue(Segment(Speaker.USER, Kind.QUESTION, "words", 0, len(pcm)), pcm, After.CUE, 0)
    free, oracle = (run(replace(scene(parts), oracle=oracle))["scene"] for oracle in (False, True))
    assert turn(free).start == Start.EARLY
    (given,) = oracle.answers
    assert given.shift == CLOCK.blocks(oracle.segments[0].end) * BLOCK and turn(oracle).start == Start.IN_TIME


def test_an_event_does_not_come_when_its_answer_is_over():
    parts = cue(Kind.QUESTION, 1.0), cue(Kind.INTERRUPTION, 0.5, After.ONSET, 10.0)
    trace = run(scene(*parts))["scene"]
    assert [segment.kind for segment in trace.segments] == [Kind.QUESTION]
    assert barge_in(trace).ending == Ending.ENDED_BEFORE


@pytest.mark.skipif(not available(HELD_OUT_VOICES), reason="no voice engine")
def test_an_echo_in_a_room_comes_late_and_changes_nothing_else_of_the_scene():
    plain, roomy = (scenarios.scene(each, 0, 1, CLOCK, "first") for each in (scenarios.BARGE_IN_ECHO, scenarios.BARGE_IN_ECHO_ROOM))
    assert plain.path is None and plain.echo == roomy.echo == 1.0
    assert [cue.segment for cue in plain.cues] == [cue.segment for cue in roomy.cues]
    assert np.array_equal(plain.background, roomy.background)
    assert roomy.path is not None and np.sum(np.square(roomy.path)) == pytest.approx(1.0, rel=1e-3)
    first = int(np.flatnonzero(roomy.path)[0])
    assert 0.01 * RATE <= first <= 0.16 * RATE and np.abs(roomy.path).argmax() < first + 0.1 * RATE


def test_the_model_hears_its_own_echo():
    echo = run(scene(cue(Kind.QUESTION, 1.0), echo=4.0))["scene"]  # 0.4: as loud as a user, so it interrupts itself
    assert echo.answers[0].interrupted
    assert not run(scene(cue(Kind.QUESTION, 1.0), echo=1.0))["scene"].answers[0].interrupted


def test_an_assistant_at_another_rate_has_its_times_on_the_clock_of_the_input():
    class Fine(EnergyModel):
        clock = Clock(output_rate=24000)

    parts = cue(Kind.QUESTION, 1.0, delay_s=0.5), cue(Kind.BACKCHANNEL, 0.1, After.ONSET, 1.0)
    (trace,) = rollout(Engine(Fine(), 1), [scene(*parts, echo=1.0)])
    (answer,), (question, event) = trace.answers, trace.segments
    assert answer.shift == ((question.end - 1) // BLOCK + 1 + PATIENCE) * BLOCK and answer.onset == answer.shift + LEAD * BLOCK
    assert answer.silence == answer.onset + SPEECH * BLOCK and event.start == answer.onset + RATE
    assert len(trace.assistant) * 16 == len(trace.environment) * 24 and len(trace.speech(answer)) == SPEECH * 1920
    assert assistant_stretches(trace) == [(answer.onset, answer.silence)]


def test_a_rollout_is_the_same_alone_and_among_others():
    def scenes() -> list[Scene]:
        rng = np.random.default_rng(0)
        return [
            scene(
                cue(Kind.QUESTION, rng.uniform(0.5, 2), delay_s=rng.uniform(0, 1)),
                cue(Kind.BACKCHANNEL, 0.2, After.ONSET, 1.1),
                name=str(i),
            )
            for i in range(12)
        ]

    alone, together = run(*scenes(), rows=1), run(*scenes(), rows=8)
    assert sorted(alone) == sorted(together) and len(alone) == 12
    for name, trace in alone.items():
        other = together[name]
        assert trace.answers == other.answers and trace.segments == other.segments
        assert np.array_equal(trace.assistant, other.assistant) and np.array_equal(trace.environment, other.environment)


# Timelines in seconds, values computed by hand.


def segment(kind: Kind, start_s: float, end_s: float, pauses: tuple[tuple[float, float], ...] = ()) -> Segment:
    samples = tuple((round(a * RATE), round(b * RATE)) for a, b in pauses)
    return Segment(Speaker.USER, kind, "words", round(start_s * RATE), round(end_s * RATE), pauses=samples)


def answer(
    shift_s: float, onset_s: float | None = None, silence_s: float | None = None, back_s: float | None = None, cut: bool = False
) -> Answer:
    onset, silence, back = (None if s is None else round(s * RATE) for s in (onset_s, silence_s, back_s))
    return Answer(round(shift_s * RATE), onset, silence, back, cut, "")


def timeline(*parts: Segment | Answer) -> Trace:
    segments = tuple(part for part in parts if isinstance(part, Segment))
    answers = tuple(part for part in parts if isinstance(part, Answer))
    nothing, row = np.zeros(0, dtype=np.float32), np.zeros(12 * RATE, dtype=np.float32)
    return Trace("timeline", CLOCK, segments, answers, row, nothing, nothing, nothing)


QUESTION = segment(Kind.QUESTION, 1.0, 3.0)


@pytest.mark.parametrize(
    ("shift_s", "onset_s", "start", "audible"),
    [
        (2.8, 3.2, Start.EARLY, Start.IN_TIME),  # decided 0.2 s before the question ends
        (3.0, 3.4, Start.IN_TIME, Start.IN_TIME),
        (3.7, 4.1, Start.IN_TIME, Start.LATE),
        (4.0, 4.4, Start.IN_TIME, Start.LATE),
        (4.0001, 4.4, Start.LATE, Start.LATE),
        (None, None, Start.NEVER, Start.NEVER),
    ],
)
def test_turn_taking_is_in_time_early_late_or_never(shift_s: float | None, onset_s: float | None, start: Start, audible: Start):
    measured = turn(timeline(QUESTION, *([] if shift_s is None else [answer(shift_s, onset_s, 6.0, 6.4)])))
    assert (measured.start, measured.audible) == (start, audible)
    if shift_s is not None and onset_s is not None:
        assert measured.shift_s == pytest.approx(shift_s - 3.0, abs=1e-4)
        assert measured.onset_delay_s == pytest.approx(onset_s - shift_s, abs=1e-4)


def test_an_early_start_stays_early_whatever_follows():
    false_start = answer(2.0, None, None, 2.4, cut=True)
    measured = turn(timeline(QUESTION, false_start, answer(3.3, 3.7, 6.0, 6.4)))
    assert measured.start == Start.EARLY and measured.shift_s == pytest.approx(-1.0)
    assert measured.audible == Start.IN_TIME and measured.onset_s == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("shift_s", "where"), [(1.4, Pause.BEFORE), (2.0, Pause.INSIDE), (2.5, Pause.AFTER), (3.1, Pause.NONE), (None, Pause.NONE)]
)
def test_early_starts_are_placed_by_the_pause(shift_s: float | None, where: Pause):
    question = segment(Kind.QUESTION, 1.0, 3.0, pauses=((1.8, 2.4),))
    assert pause(timeline(question, *([] if shift_s is None else [answer(shift_s)]))) == where


@pytest.mark.parametrize(
    ("back_s", "silence_s", "cut", "outcome"),
    [
        (6.6, 6.6, True, Ending.YIELDED),
        (7.5, 7.5, True, Ending.YIELDED),  # 1.5 s after the event's first sample
        (7.58, 7.58, True, Ending.WENT_ON),  # one block too late
        (None, None, False, Ending.WENT_ON),
        (7.0, 6.7, False, Ending.ENDED_MEANWHILE),  # silent for 0.3 s already: a natural end is no yield
    ],
)
def test_a_yield_is_a_decision_within_the_window(back_s: float | None, silence_s: float | None, cut: bool, outcome: Ending):
    event = segment(Kind.INTERRUPTION, 6.0, 6.5)
    measured = barge_in(timeline(QUESTION, event, answer(3.3, 3.7, silence_s, back_s, cut)))
    assert measured.ending == outcome
    if outcome == Ending.YIELDED and back_s is not None:
        assert measured.yield_s == pytest.approx(back_s - 6.0) and measured.silence_s == pytest.approx(back_s - 6.0)


def test_of_a_row_that_ended_within_the_window_it_is_not_known_whether_the_answer_went_on():
    event, speaking = segment(Kind.INTERRUPTION, 6.0, 6.5), answer(3.3, 3.7)
    endings = {}
    for length_s in (7.4, 7.5):
        row = replace(timeline(QUESTION, event, speaking), environment=np.zeros(round(length_s * RATE), np.float32))
        endings[length_s] = barge_in(row).ending
    assert endings == {7.4: Ending.CUT_OFF, 7.5: Ending.WENT_ON} and decision(True, Ending.CUT_OFF) is None
    row = replace(timeline(QUESTION, event, answer(3.3, 3.7, 6.6, 6.6, cut=True)), environment=np.zeros(7 * RATE, np.float32))
    assert barge_in(row).ending == Ending.YIELDED


def test_answers_that_no_event_met_are_told_apart():
    assert barge_in(timeline(QUESTION)).ending == Ending.NOT_STARTED
    assert barge_in(timeline(QUESTION, answer(3.3, 3.7, 4.0, 4.3))).ending == Ending.ENDED_BEFORE
    assert barge_in(timeline(QUESTION, answer(3.3, 3.7, 4.3, 4.3, cut=True))).ending == Ending.STOPPED_BEFORE
    assert barge_in(timeline(QUESTION, answer(2.0, 2.4, 2.5, 2.5, cut=True))).ending == Ending.NOT_STARTED  # over before the question was


def test_an_event_that_no_answer_meets_is_judged_by_what_came_before_it():
    """In a recording the event comes when it comes."""
    event = segment(Kind.INTERRUPTION, 6.0, 6.5)
    assert barge_in(timeline(QUESTION, event)).ending == Ending.NOT_STARTED
    assert barge_in(timeline(QUESTION, event, answer(3.3, 3.7, 5.0, 5.4))).ending == Ending.ENDED_BEFORE
    assert barge_in(timeline(QUESTION, event, answer(3.3, 3.7, 5.0, 5.0, cut=True))).ending == Ending.STOPPED_BEFORE
    assert barge_in(timeline(QUESTION, event, answer(6.9, 7.2, 8.0, 8.4))).ending == Ending.NOT_STARTED  # that is to the event


def test_an_answer_that_is_given_up_stays_so_when_another_follows():
    """Given up 2.0 s after its first sound at 3.7 s; the second one begins 0.5 s later and is given whole, or goes on beyond the row."""
    gave_up, whole = answer(3.3, 3.7, 5.7, 5.7, cut=True), answer(6.2, 6.6, 9.0, 9.3)
    for again in (whole, replace(whole, silence=None, back=None)):
        assert barge_in(timeline(QUESTION, gave_up, again)).ending == Ending.STOPPED_BEFORE
    assert barge_in(timeline(QUESTION, answer(3.3, 3.7, 5.7, 6.0), whole)).ending == Ending.ENDED_BEFORE
    assert lines.yielding({"positive": False, "silent": True, "barge_in": {"ending": Ending.STOPPED_BEFORE}}) == Decision(False, True)


def test_of_several_answers_the_one_under_way_when_the_event_begins_is_judged():
    """One from 3.3 to 5.7 s that is given up, one that is decided on at 6.2 s and given up at 8.0 s."""
    gave_up, second = answer(3.3, 3.7, 5.7, 5.7, cut=True), answer(6.2, 6.6, 8.0, 8.0, cut=True)
    into_second = barge_in(timeline(QUESTION, segment(Kind.INTERRUPTION, 7.0, 7.5), gave_up, second))
    assert into_second.ending == Ending.YIELDED and into_second.yield_s == pytest.approx(1.0)
    between = barge_in(timeline(QUESTION, segment(Kind.INTERRUPTION, 6.0, 6.5), gave_up, second))
    assert between.ending == Ending.STOPPED_BEFORE and between.yield_s is None
    ended = answer(3.3, 3.7, 5.4, 5.7)
    assert barge_in(timeline(QUESTION, segment(Kind.INTERRUPTION, 6.0, 6.5), ended, second)).ending == Ending.ENDED_BEFORE
    third = answer(8.5, 8.9, 10.0, 10.3)
    after = timeline(QUESTION, segment(Kind.INTERRUPTION, 8.2, 8.4), ended, second, third)
    assert barge_in(after).ending == Ending.STOPPED_BEFORE  # the second was given up, though the first was not


def test_an_answer_that_is_given_up_before_it_sounds_has_no_time_to_silence():
    yielded = barge_in(timeline(QUESTION, segment(Kind.INTERRUPTION, 3.5, 4.0), answer(3.4, None, None, 3.8, cut=True)))
    assert (yielded.ending, yielded.silence_s) == (Ending.YIELDED, None) and yielded.yield_s == pytest.approx(0.3)


def test_who_speaks_when_is_kept_of_every_dialogue():
    """A question from 1.0 to 3.0 s with a pause from 1.8 to 2.4 s, an answer that sounds from 3.7 s, a bystander from 5.0 to 5.5 s. The row
    ends at 6.0 s, while the assistant speaks: whether it would have stopped within 1.5 s of 5.0 s cannot be known."""
    asked, chat = segment(Kind.QUESTION, 1.0, 3.0, pauses=((1.8, 2.4),)), replace(segment(Kind.CHAT, 5.0, 5.5), speaker=Speaker.OTHER)
    pcm = np.zeros(6 * RATE, dtype=np.float32)
    pcm[round(3.7 * RATE) :] = 0.1
    found = of_sound(replace(timeline(asked, chat, answer(3.3, 3.7)), environment=np.zeros_like(pcm), assistant=pcm))
    events = found["interaction"]
    assert events["turns"] == 1 and events["count"] == {"ipu": 4, "pause": 1, "gap": 1, "overlap": 1}
    assert events["seconds"] == pytest.approx({"ipu": 0.8 + 0.6 + 0.5 + 2.3, "pause": 0.6, "gap": 0.7, "overlap": 0.5})
    assert found["barge_ins"] == [] and found["false_alarms"] == [False] * 2 and found["responses"] == [pytest.approx(0.7)]
    assert lines.seconds_and_turns({"sound": found}, interaction.Event.GAP) == (pytest.approx(3.5), 1)


def test_an_answer_that_would_be_heard_after_the_end_of_the_row_is_none():
    """Decided on at 5.7 s, heard from 6.05 s on; the row ends at 6.0 s."""
    nothing = sounding(6.0)
    found = of_sound(replace(timeline(QUESTION, answer(5.7, 6.05)), environment=nothing, assistant=nothing))
    assert found["responses"] == [None] and found["barge_ins"] == [] and not any(found["false_alarms"])


def sounding(length_s: float, *times_s: tuple[float, float]) -> np.ndarray:
    pcm = np.zeros(round(length_s * RATE), dtype=np.float32)
    for start, end in times_s:
        pcm[round(start * RATE) : round(end * RATE)] = 0.1
    return pcm


@pytest.mark.parametrize(
    ("kind", "speaker", "barge_in"),
    [
        (Kind.INTERRUPTION, Speaker.USER, True),
        (Kind.INTERRUPTION, Speaker.OTHER, True),
        (Kind.BACKCHANNEL, Speaker.USER, False),
        (Kind.CHAT, Speaker.OTHER, False),
    ],
)
def test_only_what_is_to_stop_the_assistant_barges_in(kind: Kind, speaker: Speaker, barge_in: bool):
    """From 5.0 to 6.0 s into an answer from 3.7 to 9.0 s with a pause from 5.4 to 5.7 s: it did not stop, its going on is no alarm."""
    event = replace(segment(kind, 5.0, 6.0), speaker=speaker)
    pcm = sounding(12.0, (3.7, 5.4), (5.7, 9.0))
    trace = replace(timeline(QUESTION, event, answer(3.3, 3.7, 9.0, 9.3)), environment=np.zeros_like(pcm), assistant=pcm)
    found = of_sound(trace)
    assert [(one["success"], one["from_onset_s"]) for one in found["barge_ins"]] == [(False, 4.0)] * barge_in
    assert found["false_alarms"] == [False] * (1 + barge_in)


def test_an_answer_that_begins_while_the_user_still_asks_is_a_false_alarm():
    """It yields at 5.5 s to an interruption from 5.0 to 7.0 s, and begins again at 6.5 s."""
    event = segment(Kind.INTERRUPTION, 5.0, 7.0)
    pcm = sounding(12.0, (3.7, 5.5), (6.5, 9.0))
    answers = answer(3.3, 3.7, 5.5, 5.5, cut=True), answer(6.1, 6.5, 9.0, 9.3)
    found = of_sound(replace(timeline(QUESTION, event, *answers), environment=np.zeros_like(pcm), assistant=pcm))
    assert found["false_alarms"] == [False, True] and [one["success"] for one in found["barge_ins"]] == [True]


def test_an_interruption_to_silence_counts_from_its_onset_and_from_its_end():
    met = {"positive": True, "barge_in": {"silence_s": 0.7, "event_end_s": 0.5, "yield_s": 0.7}}
    assert lines.end_to_silence_s(met) == pytest.approx(0.2)
    assert lines.end_to_silence_s(met | {"positive": False}) is None
    assert lines.end_to_silence_s({"positive": True, "barge_in": {"silence_s": None, "event_end_s": 0.5}}) is None


def test_values_of_a_dialogue_are_pooled_over_all():
    assert lines.pooled([[0.1, 0.3], [0.8]]) == pytest.approx(0.4) and np.isnan(lines.pooled([]))


def test_every_question_has_its_own_turn():
    later = segment(Kind.QUESTION, 8.0, 9.0)
    trace = timeline(QUESTION, later, answer(3.3, 3.7, 6.0, 6.4), answer(7.9, 8.3, 8.4, 8.4, cut=True), answer(9.5, 9.9, 12.0, 12.4))
    first, second = turns(trace)
    assert (first.start, second.start) == (Start.IN_TIME, Start.IN_TIME)  # 0.3 and 0.5 s; what began before a question is no answer to it
    assert second.shift_s == pytest.approx(0.5)
    assert [given.shift for given in trace.answers if given in (first_answer(trace, QUESTION), first_answer(trace, later))] == [
        round(3.3 * RATE),
        round(9.5 * RATE),
    ]
    assert turns(timeline(QUESTION, later, answer(8.5)))[0].start == Start.NEVER


def test_what_a_model_that_never_stops_speaking_could_not_be_asked_counts_as_missed():
    """The first question is answered in time by an answer that goes on for 60 s; two were to come. Of a dialogue that is only limited by
    time, one. Where the answer ends, or has been under way for no longer than an answer takes, what was not asked does not count."""
    asked, row = facts(FIRST)[:3], np.zeros(round(61.3 * RATE), dtype=np.float32)
    on = replace(answer(3.3, 3.7), text=asked[0].answer)
    stuck = replace(timeline(QUESTION, on), environment=row)
    whole = [turn["start"] for turn in of_turns(asked, stuck, scenarios.MULTI_TURN)]
    assert is_stuck(stuck) and whole == [Start.IN_TIME, Start.NEVER, Start.NEVER]
    assert [turn["correct"] for turn in of_turns(asked, stuck, scenarios.LONG)] == [True, False]
    for trace in (timeline(QUESTION, on), replace(timeline(QUESTION, answer(3.3, 3.7, 5.0, 5.4)), environment=row)):
        assert not is_stuck(trace) and [turn["start"] for turn in of_turns(asked, trace, scenarios.MULTI_TURN)] == [Start.IN_TIME]


def test_the_peak_of_the_shift_is_read_within_the_window():
    """Blocks of 80 ms: the event at 2.4 s begins with block 30, its window of 1.5 s ends with block 48 (3.9 s is within block 48)."""
    probability = np.full(100, 0.1, dtype=np.float32)
    probability[[29, 40, 48]] = 0.9, 0.6, 0.8
    event = segment(Kind.BACKCHANNEL, 2.4, 2.8)
    met = replace(timeline(segment(Kind.QUESTION, 0.2, 1.0), event, answer(1.2, 1.6, 7.0, 7.4)), shift_probability=probability)
    assert event_peak(met) == pytest.approx(0.6)
    alone = replace(timeline(segment(Kind.QUESTION, 0.2, 1.0), answer(1.2, 1.6, 3.8, 4.2)), shift_probability=probability)
    assert event_peak(alone) == pytest.approx(0.9)  # from 2.1 s (block 26) to 3.8 s (block 47)
    assert event_peak(replace(alone, answers=())) is None


def test_the_peak_of_the_shift_is_that_of_the_answer_that_is_judged():
    """Cut at 3.84 s, the end of block 47, after which the model would begin again (block 48); an answer during the question is none."""
    probability = np.full(100, 0.1, dtype=np.float32)
    probability[[40, 47, 48]] = 0.6, 0.7, 0.9
    asked, event, cut = segment(Kind.QUESTION, 0.2, 1.0), segment(Kind.INTERRUPTION, 3.0, 3.4), answer(1.2, 1.6, 3.8, 3.84, cut=True)
    before, after = answer(0.4, 0.5, 0.7, 0.8, cut=True), answer(3.92, 4.0, 6.0, 6.4)
    for parts in ((asked, cut), (asked, before, cut, after), (asked, event, cut, after)):
        assert event_peak(replace(timeline(*parts), shift_probability=probability)) == pytest.approx(0.7)


def test_an_answer_that_nothing_was_said_into_is_to_be_given_whole():
    def silent(ending: Ending) -> Decision | None:
        return lines.yielding({"positive": False, "silent": True, "barge_in": {"ending": ending}})

    assert silent(Ending.ENDED_BEFORE) == Decision(False, False) and silent(Ending.STOPPED_BEFORE) == Decision(False, True)
    assert silent(Ending.NOT_STARTED) is None
    assert lines.yielding({"positive": False, "silent": False, "barge_in": {"ending": Ending.ENDED_BEFORE}}) is None


def test_questions_of_a_long_dialogue_are_counted_by_time():
    asked = [{"at_s": at, "correct": at != 250.0, "start": Start.IN_TIME} for at in (10.0, 250.0, 300.0, 1750.0)]
    outcome = {"turns": asked}
    assert lines.turns_are(outcome, "correct", True) == (3, 4)
    assert lines.turns_are(outcome, "correct", True, before_s=300.0) == (1, 2)
    assert lines.turns_are(outcome, "correct", True, after_s=300.0) == (2, 2)


def test_the_last_minutes_of_a_long_dialogue_count_from_its_real_end():
    """A row of 1556 s: its last 300 s begin at 1256 s."""
    asked = [{"at_s": at, "correct": at != 1300.0} for at in (1255.0, 1256.0, 1300.0, 1550.0)]
    outcome = {"turns": asked, "sound": {"interaction": {"length_s": 1556.0}}}
    line = next(line for line in lines.DETAILS if line.title == "questions answered right, text, the last 5 minutes")
    assert line.value(outcome) == (2, 3)


def test_of_a_long_dialogue_the_questions_are_drawn():
    """300 questions in one row, 240 of them right: n is 300 and there is an interval; of its first five minutes 50. Compared too."""
    turns = [{"at_s": 6.0 * number, "correct": number % 5 > 0, "start": Start.IN_TIME} for number in range(300)]
    outcome = {"id": "long-0-0000", "seed": 0, "turns": turns, "sound": {"interaction": {"length_s": 1800.0}}}
    of_long = [line for line in lines.DETAILS if line.condition == scenarios.LONG and "right" in line.title]
    whole, first, _ = (row.pooled for row in lines.rows(of_long, {scenarios.LONG: [outcome]}, (0,)))
    assert (whole.value, whole.n) == (0.8, 300) and 0.7 < whole.low < 0.8 < whole.high < 0.9
    assert (first.value, first.n) == (0.8, 50) and first.low < 0.8 < first.high
    better = outcome | {"turns": [turn | {"correct": True} for turn in turns]}
    found = of_line(of_long[0], {scenarios.LONG: [outcome]}, {scenarios.LONG: [better]})
    assert found and (found.a, found.b, found.n, found.verdict) == (0.8, 1.0, 300, "better")


def test_a_long_dialogue_has_questions_for_29_minutes():
    """By the first of its questions, each answered at once as the reference answers it."""
    few = replace(scenarios.LONG, turns=(16, 16), limit_s=60.0)
    asked, cues = scenarios.asked_in(few, 0, 0, FIRST), scenarios.scene(few, 0, 0, CLOCK, FIRST).cues
    samples = sum(cue.delay + cue.segment.end + len(assistant_speech(fact.answer)) for cue, fact in zip(cues, asked, strict=True))
    assert samples / RATE / len(cues) * scenarios.LONG.turns[0] >= 29 * 60


def test_precision_recall_and_f1():
    outcomes = [(True, Ending.YIELDED)] * 6 + [(True, Ending.WENT_ON)] * 2 + [(False, Ending.YIELDED)] * 1 + [(False, Ending.WENT_ON)] * 7
    outcomes += [(True, Ending.STOPPED_BEFORE), (True, Ending.ENDED_BEFORE), (False, Ending.ENDED_MEANWHILE), (True, Ending.NOT_STARTED)]
    decisions = [made for positive, outcome in outcomes if (made := decision(positive, outcome)) is not None]
    assert len(decisions) == 17  # 6 true positives, 2 missed, 1 + 1 false, 7 right to go on
    assert precision(decisions) == pytest.approx(6 / 8)
    assert recall(decisions) == pytest.approx(6 / 8)
    assert f1(decisions) == pytest.approx(12 / (12 + 2 + 2))
    counts = [bootstrap(decisions, figure).n for figure in (precision, recall, f1)]
    assert counts == [8, 8, 17]  # of precision those that were yielded to, of recall those to yield to
    assert np.isnan(f1([Decision(False, False)])) and np.isnan(recall([]))


def test_bootstrap_intervals():
    half = bootstrap([0.0, 1.0] * 200, mean)
    assert half.value == 0.5 and half.n == 400
    assert half.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.01) and half.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.01)
    assert bootstrap([0.0, 1.0] * 200, mean) == half
    assert bootstrap([1.0] * 10, mean).low == 1.0
    one = bootstrap([1.0], mean)
    assert (one.value, one.n) == (1.0, 1) and np.isnan(one.low) and np.isnan(one.high)
    assert bootstrap([(1, 2), (0, 0), (0, 2), (1, 0)], ratio).n == 2  # of two dialogues nothing is in the denominator
    assert np.isnan(bootstrap([], mean).value) and np.isnan(bootstrap([None], mean).value)
    assert mean([1.0, None, 2.0]) == 1.5


def test_accuracy_compares_words():
    assert correct("The capital of France is Paris.", ("paris",))
    assert correct("It's a Blue... WHALE!", ("blue", "whale"))
    assert not correct("parisian", ("paris",)) and not correct("", ("paris",))


def test_a_number_a_letter_and_a_neighbour_are_right_as_a_whole():
    """As a model writes them, and as a Whisper does."""
    assert correct("It is five.", ("five",)) and not correct("It is thirty five.", ("five",)) and not correct("It is 35.", ("five",))
    assert correct("That makes 14.", ("fourteen",)) and correct("There are thirty-one days.", ("thirty", "one"))
    assert not correct("There are one hundred five.", ("one", "hundred")) and correct("In thirty one. Two weeks.", ("thirty", "one"))
    assert not correct("It is twelve times zero.", ("twelve", "times", "twelve")) and correct("Spring comes after winter.", ("spring",))
    assert not correct("Summer comes after spring.", ("spring",)) and not correct("South Africa is in Europe.", ("africa", "africa"))
    assert correct("After B comes C.", ("c",)) and not correct("After C comes D.", ("c",)) and correct("It is C.", ("c",))
    assert correct("Before B, comes A.", ("a",)) and not correct("A dog has a tail.", ("a",)) and not correct("I do not know.", ("i",))


@pytest.mark.parametrize("condition", [scenarios.BARGE_IN, scenarios.CONTEXT], ids=lambda condition: condition.name)
@pytest.mark.parametrize("name", WORLDS)
def test_every_story_meets_all_that_is_said_into_it(condition: Condition, name: str):
    met: dict[object, set[str]] = {}
    for index in range(300):
        kind, said = (scenarios.is_positive(condition, index), scenarios.is_silent(condition, index)), index // 2 % len(INTERRUPTIONS_EVAL)
        story = scenarios.asked_in(condition, 0, index, name)[0].about
        met.setdefault(kind, set()).add(story)
        met.setdefault(said, set()).add(story)
    stories = {fact.about for fact in world(name).stories}
    assert all(found == stories if isinstance(key, tuple) else len(found) > 3 for key, found in met.items())


def test_the_grammar_has_exactly_the_sentences():
    assert grammar([["it", "is", "red"], ["it", "is"], ["no"]]) == "( it ( is [ red ] ) | no )"


def test_the_recogniser_hears_the_reference_voice():
    recogniser = Pocketsphinx(["The capital of France is Paris.", "The capital of Spain is Madrid.", "It says oink."])
    assert recogniser.unknown == {"oink"}
    speech = assistant_speech("The capital of Spain is Madrid.")
    assert recogniser.hear(speech, RATE) == "the capital of spain is madrid"
    assert recogniser.hear(np.zeros(RATE, dtype=np.float32), RATE) == recogniser.hear(speech[:0], RATE) == ""


def test_scenes_are_pure_and_use_what_was_held_out():
    short = replace(scenarios.LONG, turns=(3, 3), limit_s=60.0)
    for condition in (*(condition for condition in SUITES[Suite.ALL] if condition != scenarios.LONG and not condition.full), short):
        if condition == scenarios.ENGINE and HELD_OUT_ENGINE_VOICES[0] not in available(HELD_OUT_ENGINE_VOICES):
            continue
        one, again = (scenarios.scene(condition, 3, 1, CLOCK, FIRST) for _ in range(2))
        assert one.id == again.id and np.array_equal(one.background, again.background)
        assert all(np.array_equal(a.pcm, b.pcm) and a.segment == b.segment for a, b in zip(one.cues, again.cues))
        training = {(voice.engine, voice.name) for voice in TRAINING_VOICES}
        assert not training & {tuple(cue.segment.voice.split(":")[:2]) for cue in one.cues}
        asked = scenarios.asked_in(condition, 3, 1, FIRST)
        if condition == scenarios.TALK:
            assert not asked and {cue.segment.kind for cue in one.cues} == {Kind.CHAT}
            assert all(cue.segment.text in CHAT_EVAL for cue in one.cues)
            continue
        fact = asked[0]
        assert one.cues[0].segment.text in (fact.held_out if condition in (scenarios.HELD_OUT, scenarios.UNKNOWN) else fact.known)
        assert bool(one.cues[0].segment.pauses) == (condition in (scenarios.PAUSE, scenarios.PATIENT_PAUSE)) == condition.paused
        if condition.event == Event.NONE:
            assert [cue.segment.keywords for cue in one.cues] == [fact.keywords for fact in asked]
            continue
        for event in one.cues[1:]:
            assert event.segment.text in (*INTERRUPTIONS_EVAL, *BACKCHANNELS_EVAL, *CHAT_EVAL)
            assert 1.0 * RATE <= event.delay <= min(3.0 * RATE, len(assistant_speech(fact.answer)) - 2.5 * RATE)


def test_a_suite_is_resumed_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = tmp_path / "energy"
    model.mkdir()
    (model / "config.json").write_text("{}")
    loads = []

    def load(directory: Path) -> EnergyModel:
        loads.append(directory)
        return EnergyModel()

    monkeypatch.setattr(suites, "load_model", load)
    plan = Plan(Suite.BARGE_IN, str(model), dialogues=2, seeds=(0, 1))
    text, failed = document.run(plan, tmp_path / "out", jobs=1)
    assert failed == 0 and len(loads) == 1
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    made = content["made_with"]
    assert made["code"] == suites.code() and made["code"] in text
    assert made["model"] == sha256(b"{}").hexdigest() and made["world"] == FIRST and made["voices"]
    assert {"jobs": 1, "groups_kept": 0}.items() <= content["run"].items() and content["run"]["cpus"] > 0 and content["run"]["cpu"]
    assert f"Made with parley {made['parley']}, the model whose config.json" in text
    line = content["table"][0]
    assert line["title"] == "barge-in F1, no echo" and line["pooled"]["n"] <= 4 and list(line["seeds"]) == ["0", "1"]
    assert "| barge-in F1, no echo | >= 0.930 |" in text and (tmp_path / "out" / "report.md").read_text() == text
    assert "| barge-in F1, echo factor 0.1 | - |" in text
    tables = [table.splitlines() for table in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)]
    assert len(tables) > 4 and all(len({row.count("|") for row in table}) == 1 for table in tables)

    html = (tmp_path / "out" / "report.html").read_text()
    assert "<table>" in html and 'src="data:image/png;base64,' in html and "http" not in html
    assert "What became of the answers" in text and list((tmp_path / "out" / "failures").glob("*.wav"))
    assert all(picture.with_suffix(".svg").exists() for picture in (tmp_path / "out" / "figures").glob("*.png"))

    shards = sorted((tmp_path / "out" / "outcomes").iterdir())
    kept = shards[0].stat().st_mtime_ns
    shards[-1].unlink()  # as if the run had been killed before it
    again, failed = document.run(plan, tmp_path / "out", jobs=1)
    (run,) = (line for line in again.splitlines() if line.startswith("This run: "))
    assert f"{len(shards) - 1} of {len(shards)} groups of dialogues were finished before it" in run
    assert [line for line in again.splitlines() if line != run] == [line for line in text.splitlines() if not line.startswith("This run: ")]
    assert failed == 0 and json.loads((tmp_path / "out" / "report.json").read_text()) | {"run": 0} == content | {"run": 0}
    assert shards[0].stat().st_mtime_ns == kept and shards[-1].exists()


def test_outcomes_are_the_same_in_one_process_and_in_two(tmp_path: Path):
    """Of the shipped model, to the byte."""
    plan = Plan(Suite.BARGE_IN, "tiny")
    shards = [Shard(scenarios.BARGE_IN_ECHO, 0, part) for part in (range(1), range(1, 2))]
    one, two = (dict(suites.play_shards(plan, shards, tmp_path / f"{jobs}", jobs)) for jobs in (1, 2))
    assert one == two and one[shards[0]][0]["answers"] and one[shards[1]][0]["id"] == "barge_in_echo_1.0-0-0001"
    files = [sorted((tmp_path / f"{jobs}" / "outcomes").iterdir()) for jobs in (1, 2)]
    assert len(files[0]) == 2 and [file.read_bytes() for file in files[0]] == [file.read_bytes() for file in files[1]]


def test_old_figures_do_not_come_back_for_other_scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plan, shard = Plan(Suite.PAUSE, "tiny"), Shard(scenarios.PAUSE, 0, range(1))
    suites.write_shard(tmp_path, plan, shard, [{"id": "pause-0-0000"}])
    assert suites.read_shard(tmp_path, plan, shard) == [{"id": "pause-0-0000"}]
    assert suites.read_shard(tmp_path, plan, replace(shard, condition=replace(scenarios.PAUSE, pause_s=(0.3, 0.9)))) is None
    found = scenarios.voices(scenarios.PAUSE)
    with monkeypatch.context() as patched:
        patched.setattr(suites, "voices", lambda condition: found[1:])
        assert suites.read_shard(tmp_path, plan, shard) is None
    assert suites.read_shard(tmp_path, replace(plan, cascade=CascadeConfig(silence_s=0.7)), shard) is None
    with monkeypatch.context() as patched:
        patched.setattr(suites, "code", lambda: "another digest")
        assert suites.read_shard(tmp_path, plan, shard) is None
    with monkeypatch.context() as patched:
        patched.setattr(suites, "said_in", lambda name: "another digest")
        assert suites.read_shard(tmp_path, plan, shard) is None
    assert suites.read_shard(tmp_path, plan, shard)


def test_what_is_judged_by_files_counts_by_what_is_in_them(tmp_path: Path):
    """By a network, by how people do, and by the files of a recogniser."""
    network, whisper = tmp_path / "utmos.pt", tmp_path / "whisper" / "config.json"
    whisper.parent.mkdir()
    source = suites.Source(Path("clips"), parse_voice("espeak:en"), human=tmp_path / "human.json")
    plan = Plan(Suite.INPUTS, "tiny", judging=suites.Judging(str(whisper.parent), utmos=network), source=source)
    identities = []
    for changed in (None, network, whisper, tmp_path / "human.json"):
        for file in (network, whisper, tmp_path / "human.json"):
            file.write_text("changed" if file == changed else "as it was")
        suites.contents.cache_clear()
        identities.append(suites.identity(plan, Shard(scenarios.PAUSE, 0, range(1))))
    assert len({*identities}) == 4


@pytest.mark.parametrize("damaged", ["{}", "[]", '{"model": "', '{"model": "", "outcomes": [1]}', b"\xff"])
def test_a_kept_file_that_is_damaged_is_named_and_played_again(tmp_path: Path, damaged: str | bytes, caplog: pytest.LogCaptureFixture):
    plan, shard = Plan(Suite.PAUSE, "tiny"), Shard(scenarios.PAUSE, 0, range(1))
    file, content = suites.shard_file(tmp_path, shard), damaged if isinstance(damaged, bytes) else damaged.encode()
    suites.replace_file(file, "")
    file.write_bytes(content)
    assert suites.read_shard(tmp_path, plan, shard) is None and f"{file}: is damaged" in caplog.text
    unfinished = file.with_suffix(".jsonl")
    unfinished.write_bytes(b'me\n{"id": "a"}\n' + content + b"\n")
    assert suites.go_on(unfinished, "me") == [] and f"{unfinished}: is damaged" in caplog.text and unfinished.read_text() == "me\n"


def test_the_digest_of_the_code_is_of_all_that_makes_an_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = tmp_path / "parley"
    names = "eval/suites.py", "native/kernels.c", "native/vector.h", "runtime/engine.py", "eval/report/lines.py", "train/loop.py", "cli.py"
    for name in (*names, "weights/tiny/config.json"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("before")
    monkeypatch.setattr(suites, "__file__", str(package / "eval" / "suites.py"))
    digest = suites.code.__wrapped__
    before, changed = digest(), []
    for file in package.rglob("*.*"):
        file.write_text("after")
        changed += [file.relative_to(package).as_posix()] * (digest() != before)
        file.write_text("before")
    assert sorted(changed) == sorted(names[:4])
    (package / "runtime" / "engine.py").rename(package / "runtime" / "motor.py")
    assert digest() != before


def killed_after(judged: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody had killed the process in the midst of judging the next dialogue."""
    judge, calls = suites.judge, []

    def judge_and_die(*given: Any) -> dict[str, Any]:
        calls.append(given)
        if len(calls) > judged:
            raise KeyboardInterrupt
        return judge(*given)

    monkeypatch.setattr(suites, "judge", judge_and_die)


def test_a_killed_run_goes_on_after_its_last_dialogue_and_measures_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of the shipped model, to the byte: the two that remain are played beside other rows than in one go."""
    plan, shard = Plan(Suite.PAUSE, "tiny"), Shard(scenarios.PAUSE, 0, range(3))
    whole = suites.play_shard(plan, shard, tmp_path / "whole")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        killed_after(1, patched)
        suites.play_shard(plan, shard, tmp_path / "killed")
    (left,) = (tmp_path / "killed" / "outcomes").iterdir()
    assert left.name == "pause-0-0000-0003.jsonl" and len(left.read_text().splitlines()) == 1 + 1
    with left.open("a") as file:
        file.write('{"id": "pause-0-0002", "se')  # torn
    with monkeypatch.context() as patched:
        killed_after(2, patched)  # so many are judged at most
        assert suites.play_shard(plan, shard, tmp_path / "killed") == json.loads(json.dumps(whole))
    files = [list((tmp_path / name / "outcomes").iterdir()) for name in ("whole", "killed")]
    assert len(files[0]) == len(files[1]) == 1 and files[0][0].read_bytes() == files[1][0].read_bytes()


def test_what_failed_is_tried_again_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plan, shard = Plan(Suite.PAUSE, str(tmp_path)), Shard(scenarios.PAUSE, 0, range(3))
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(suites, "load_model", lambda directory: EnergyModel())
    judge, judged = suites.judge, []

    def judge_or_not(*given: Any) -> dict[str, Any]:
        judged.append(given[3])
        if judged.count(1) == 1 and given[3] == 1:
            raise OSError("the voice is not there yet")
        return judge(*given)

    monkeypatch.setattr(suites, "judge", judge_or_not)
    first = suites.play_shard(plan, shard, tmp_path / "out")
    assert ["failed" in outcome for outcome in first] == [False, True, False] and suites.read_shard(tmp_path / "out", plan, shard) is None
    suites.write_shard(tmp_path / "out", plan, shard, [first[0] | {"gpt_score": {}}, *first[1:]])  # what a judge said meanwhile is kept
    second = suites.play_shard(plan, shard, tmp_path / "out")
    assert sorted(judged) == [0, 1, 1, 2] and second[0] == json.loads(json.dumps(first[0])) | {"gpt_score": {}} and "pause" in second[1]
    assert suites.read_shard(tmp_path / "out", plan, shard) == json.loads(json.dumps(second))


def test_what_other_code_had_begun_is_begun_anew(tmp_path: Path):
    file = tmp_path / "outcomes" / "pause-0-0000-0003.jsonl"
    assert suites.go_on(file, "one") == [] and file.read_text() == "one\n"
    with file.open("a") as written:
        written.write('{"id": "a"}\n{"id": "b"}')
    assert suites.go_on(file, "one") == [{"id": "a"}] and file.read_text() == 'one\n{"id": "a"}\n'
    assert suites.go_on(file, "two") == [] and file.read_text() == "two\n"
    file.write_text("")
    assert suites.go_on(file, "two") == [] and file.read_text() == "two\n"


def test_a_seed_is_counted_once(tmp_path: Path):
    for seeds in ((0, 1, 0), (-1,)):
        with pytest.raises(ValueError, match=f"--seeds are {' '.join(map(str, seeds))}; give numbers of 0 or more, each once"):
            document.run(Plan(Suite.PAUSE, "tiny", seeds=seeds), tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


def test_voices_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scenarios, "voices", lambda condition: tuple(v for v in HELD_OUT_VOICES if v.engine != "festival"))
    assert suites.without(Plan(Suite.PAUSE, "tiny")).startswith("without the held-out voices of festival: not installed")
    monkeypatch.setattr(scenarios, "voices", lambda condition: HELD_OUT_VOICES)
    assert suites.without(Plan(Suite.PAUSE, "tiny")) == ""


def test_a_run_of_all_conditions_begins_with_the_longest_and_keeps_like_scenes_together():
    shards = suites.shards_of(Plan(Suite.ALL, "tiny", seeds=(0, 1)))
    names = [shard.condition.name for shard in shards if shard.seed == 0]
    assert names[:4] == ["long", "multi_turn", "known_phrasing", "patient"]
    assert names[4:14] == [condition.name for condition in (scenarios.ORACLE, *scenarios.ROBUSTNESS)]
    counts = Counter[str]()
    for shard in shards:
        counts[shard.condition.name] += len(shard.indices) * (shard.seed == 0)
    assert counts["long"] == 1 and counts["latency"] == 16 and counts["barge_in"] == 300 and counts["context"] == 40
    some = suites.shards_of(Plan(Suite.LONG, "tiny", dialogues=150)) + suites.shards_of(Plan(Suite.MULTI_TURN, "tiny", dialogues=150))
    assert [len(shard.indices) for shard in some] == [2, 100, 50]


def index_of(outcome: dict[str, Any]) -> int:
    return outcome["index"]


def test_outcomes_do_not_depend_on_the_number_of_rows():
    alone, together = (sorted(suites.play(EnergyModel(), scenarios.PAUSE, 0, range(4), rows), key=index_of) for rows in (1, 3))
    assert alone == together and [outcome["index"] for outcome in alone] == list(range(4))
    assert all("turn" in outcome and "pause" in outcome for outcome in alone)


def test_an_answer_is_judged_as_text_and_as_it_sounds():
    """The answer, "paris paris" as long as it is heard, sounds as a tone."""
    outcome = next(outcome for outcome in suites.play(EnergyModel(), scenarios.KNOWN, 0, range(4), rows=1) if "spoken" in outcome)
    said = outcome["answers"][-1]["text"].split()  # the first may have begun during the question
    assert not outcome["correct"] and set(said) == {"paris"}
    assert not outcome["spoken"]["correct"] and outcome["spoken"]["reference_correct"] is None
    assert outcome["spoken"]["words"] == len(said)
    assert outcome["spoken"]["errors"] >= len(said) >= outcome["spoken"]["reference_errors"]
    (made_to,) = suites.play(EnergyModel(), scenarios.ORACLE, 0, range(1), rows=1)
    assert not lines.speech_correct(made_to) and made_to["spoken"]["words"] is None


class Silent(EnergyModel):
    def step(self, environment: Tensor, state: EnergyState, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        rows = len(environment)
        nothing = torch.zeros(rows, dtype=torch.long)
        return BlockOutput(torch.zeros(rows, self.clock.samples_out), nothing, nothing > 0, torch.zeros(rows))


def test_silence_is_the_empty_answer_where_speech_is_heard():
    """To a judge, to the rule and to the keywords; in a condition that is not heard there is nothing to score."""
    conditions = scenarios.KNOWN, scenarios.HELD_OUT, scenarios.ROBUSTNESS[0]
    (heard,), (unheard,), (unscored,) = (suites.play(Silent(), condition, 0, range(1), rows=1) for condition in conditions)
    assert heard["exchange"]["heard"] == "" and heard["rule"] == {"text": 0.0, "heard": 0.0} and not lines.speech_correct(heard)
    assert unheard["exchange"]["heard"] is None and unheard["rule"] == {"text": 0.0}
    assert "exchange" not in unscored  # no judge is paid for what no line tells


def test_a_line_that_a_voice_cannot_say_is_reported_and_the_rest_measured(monkeypatch: pytest.MonkeyPatch):
    def scene_or_not(condition: Condition, seed: int, index: int, clock: Clock, name: str) -> Scene:
        if index == 1:
            raise ValueError("espeak hung")
        return scenarios.scene(condition, seed, index, clock, name)

    monkeypatch.setattr(suites, "scene", scene_or_not)
    outcomes = sorted(suites.play(EnergyModel(), scenarios.LATENCY, 0, range(3), rows=1), key=index_of)
    assert outcomes[1]["failed"] == "espeak hung" and outcomes[0]["compute_ms"] and outcomes[2]["compute_ms"]


def test_a_dialogue_that_cannot_be_judged_is_reported_and_the_rest_measured(monkeypatch: pytest.MonkeyPatch):
    judge = suites.judge

    def judge_or_not(*given: Any) -> dict[str, Any]:
        if given[3] == 1:
            raise RuntimeError("the decoder\ncrashed")
        return judge(*given)

    monkeypatch.setattr(suites, "judge", judge_or_not)
    outcomes = sorted(suites.play(EnergyModel(), scenarios.PAUSE, 0, range(3), rows=3), key=index_of)
    assert outcomes[1] == {"id": "pause-0-0001", "seed": 0, "index": 1, "failed": "RuntimeError: the decoder crashed"}
    assert "pause" in outcomes[0] and "pause" in outcomes[2]


def shards_and_a_broken_one() -> list[Shard]:
    """The second one asks the first world for what only `full` has."""
    whole = [Shard(scenarios.PAUSE, 0, range(index, index + 1)) for index in range(40)]  # not all are played before it is noticed
    return [whole[0], Shard(scenarios.RELATED, 0, range(1)), *whole[1:]]


def test_what_is_finished_is_kept_when_another_shard_fails(tmp_path: Path):
    plan, shards = Plan(Suite.PAUSE, "tiny", baseline=Baseline.NEVER), shards_and_a_broken_one()
    with pytest.raises(ZeroDivisionError):
        list(suites.play_shards(plan, shards, tmp_path, jobs=2))
    kept = [suites.read_shard(tmp_path, plan, shard) for shard in shards]
    assert kept[0] and kept[0][0]["id"] == "pause-0-0000" and kept[1] is None and kept[-1] is None
    assert not list(tmp_path.rglob("*.part"))


def test_a_run_that_is_stopped_begins_nothing_more(tmp_path: Path):
    plan, (one, _, *others) = Plan(Suite.PAUSE, "tiny", baseline=Baseline.NEVER), shards_and_a_broken_one()
    playing = suites.play_shards(plan, [one, *others], tmp_path, jobs=2)
    first, outcomes = next(playing)
    with pytest.raises(KeyboardInterrupt):
        playing.throw(KeyboardInterrupt)
    assert suites.read_shard(tmp_path, plan, first) == outcomes
    assert len(list((tmp_path / "outcomes").iterdir())) < 1 + len(others)


def test_streaming_is_compared_with_offline_and_with_other_splits(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(3)
    tokens = Tokens.of(train_tokenizer(["one two three four five six"] * 9, 330))
    size = LlamaSize(len(tokens.tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2)
    encoder = SpeechEncoderConfig(channels=16, mamba=MambaConfig(d_model=32, layers=2, d_state=4))
    config = SalmonnOmniConfig(
        encoder=encoder,
        connector=ConnectorConfig(hidden=32),
        backbone=BackboneConfig(context_blocks=12, speech_layer=1),
        synthesizer=SynthesizerConfig(lm=SpeechLMConfig(width=32, layers=1, heads=2, hidden=32, connector=16)),
    )
    model = SalmonnOmni(config, Backbone(small_llama(size, tokens), config.backbone), tokens).eval()

    said = [
        *[tokens.think] * 3,
        tokens.shift,
        *tokens.encode("one two three")[:5],
        *[tokens.think] * 20,
        tokens.shift,
        *[tokens.think] * 30,
    ]
    step, coming = model.backbone.step, iter(())

    def scripted(embeddings: Tensor, state: BackboneState, active: Tensor) -> tuple[Tensor, Tensor]:
        logits, hidden = step(embeddings, state, active)
        return torch.nn.functional.one_hot(torch.tensor([next(coming)]), logits.shape[-1]).float() * 50, hidden

    monkeypatch.setattr(model.backbone, "step", scripted)
    coming = iter(said)
    (trace,) = rollout(Engine(model, 1), [scene(cue(Kind.QUESTION, 1.0, delay_s=0.2), to_the_end=False)])
    assert len(trace.answers) == 1 and np.abs(trace.assistant).max() > 0
    coming = iter(said)
    same = streaming(model, trace, np.random.default_rng(0))
    assert same.splits <= 1e-6 and same.offline is not None and same.offline <= 2e-3  # untrained, all of it is voiced and rounding adds up
    coming = iter(said)
    changed = replace(trace, assistant=trace.assistant + np.float32(0.25))
    assert streaming(model, changed, np.random.default_rng(0)).splits == pytest.approx(0.25, abs=1e-6)


def test_a_curve_counts_what_each_threshold_would_have_yielded_to():
    """Peaks .9 + , .6 - , .4 + , .1 -: at .9 one of one is right; at .6 one of two; at .4 two of three; at .1 two of four. What the F1
    leaves out is left out: an answer that was over before its event, or came to its end meanwhile."""
    peaks, on = ((0.9, True), (0.6, False), (0.4, True), (0.1, False)), {"barge_in": {"ending": Ending.WENT_ON}}
    outcomes = [{"shift_peak": peak, "positive": positive} | on for peak, positive in peaks]
    met = [{"event": "Stop.", "silent": False} | outcome for outcome in outcomes[:3]] + [{"silent": True} | outcomes[3]]
    left_out = [met[0] | {"shift_peak": None}, {"silent": False, "shift_peak": 0.95, "positive": True} | on]
    left_out += [met[0] | {"shift_peak": 0.97, "barge_in": {"ending": Ending.ENDED_MEANWHILE}}]
    thresholds, precisions, recalls = curve([*met, *left_out])
    assert thresholds.tolist() == [0.9, 0.6, 0.4, 0.1]
    assert precisions.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 2 / 4]) and recalls.tolist() == [0.5, 0.5, 1.0, 1.0]
    assert [at_threshold(thresholds, own) for own in (0.05, 0.2, 0.4, 0.95)] == [3, 2, 1, None]  # a `<shift>` is taken above it


def evaluated(folder: Path, right: list[bool], first: str = "who?") -> Path:
    """The first question is `first`; all that is kept is what a report is committed with."""
    quiet = {"seconds": dict.fromkeys(interaction.Event, 0.0), "turns": 0, "count": dict.fromkeys(interaction.Event, 0), "length_s": 0.0}
    quiet = {"interaction": quiet, "barge_ins": [], "false_alarms": [], "responses": []}
    outcomes = [{"id": f"{i}", "turn": {"start": "in_time"}, "correct": one, "sound": quiet} for i, one in enumerate(right)]
    outcomes = [outcome | {"question": "who?" if i else first, "voice": "espeak:en"} for i, outcome in enumerate(outcomes)]
    folder.mkdir(parents=True)
    (folder / document.OUTCOMES).write_bytes(document.packed({scenarios.ROBUSTNESS[0]: outcomes}))
    return folder


def test_two_evaluations_are_compared_dialogue_by_dialogue(tmp_path: Path):
    """40 dialogues, 10 right, then 30: the 20 that changed are 50 points, and surely so. The 20 that only one has do not count."""
    a = evaluated(tmp_path / "a", [i < 10 for i in range(40)])
    b = evaluated(tmp_path / "b", [i < 30 for i in range(60)])
    said = compare(a, b).splitlines()
    (changed,), (same,) = ([line for line in said if line.startswith(f"| noise_20db | {title}")] for title in ("answers", "starts"))
    assert changed.startswith("| noise_20db | answers right, text | 25.0% | 75.0% | 50.0% [") and changed.endswith("| 40 | better |")
    assert "| 100.0% | 100.0% | 0.0% [0.0%, 0.0%] | 40 |  |" in same
    assert said[2].startswith("20 dialogues of A and B are not paired")
    other = compare(a, evaluated(tmp_path / "c", [i < 10 for i in range(40)], first="where?"))
    assert "2 dialogues of A and B are not paired" in other and "| answers right, text | 23.1% | 23.1% |" in other
    with pytest.raises(ValueError, match="holds no outcomes.jsonl.gz; give the --out folder"):
        compare(a, tmp_path)
    (a / document.OUTCOMES).write_bytes((b / document.OUTCOMES).read_bytes()[:-9])
    with pytest.raises(ValueError, match="outcomes.jsonl.gz: cannot be read .*; run `parley eval` again"):
        compare(a, b)


def test_few_pairs_have_no_verdict_and_what_chance_would_do_is_said(tmp_path: Path):
    """Of five dialogues all get better: no interval. Of forty: two lines, of which chance alone would show 0.1."""
    few = compare(*(evaluated(tmp_path / f"{right}5", [right] * 5) for right in (False, True)))
    assert "| answers right, text | 0.0% | 100.0% | 100.0% [-] | 5 |  |" in few and "\n0 lines were tested, 0 differ." in few
    many = compare(*(evaluated(tmp_path / f"{right}40", [right] * 40) for right in (False, True)))
    assert "2 lines were tested, 1 differ. Were A and B equally good, about 0 would by chance alone" in many


def test_what_two_recognisers_heard_is_not_compared(tmp_path: Path):
    """The same dialogues: of two judges and recognisers the text alone, and what they were made by otherwise is said."""
    a, b = (evaluated(tmp_path / name, [True] * 8) for name in "ab")
    for folder in (a, b):
        kept = document.outcomes_of(folder)
        more = {"spoken": {"correct": True}, "gpt_score": {"text": {"value": 5.0}}, "answers": [{}]}
        more["turn"] = {"start": Start.IN_TIME, "audible": Start.IN_TIME, "shift_s": 0.4}
        scored = [one | more for one in kept[scenarios.ROBUSTNESS[0]]]
        (folder / document.OUTCOMES).write_bytes(document.packed({scenarios.KNOWN: scored}))
    heard = ("| known_phrasing | answers right, speech, all questions |", "| known_phrasing | GPTScore, text |")
    assert all(line in compare(a, b) for line in heard)
    for folder, recogniser, judge in ((a, "pocketsphinx", "x"), (b, "whisper", "y")):
        plan = Plan(Suite.SPOKEN_QA, "tiny", judging=Judging(recogniser), endpoint=Endpoint("http://host/v1", judge))
        made = {"plan": asdict(plan), "made_with": {"code": "c", "voices": []}}
        (folder / "report.json").write_text(json.dumps(made, default=str))
    said = compare(a, b)
    assert "made otherwise: judging.recogniser pocketsphinx and whisper; endpoint.model x and y." in said
    assert not any(line in said for line in heard) and "| known_phrasing | answers right, text: known phrasing |" in said


def test_an_answer_that_never_ends_counts_where_it_was_asked_whether_it_does():
    (line,) = (line for line in lines.DETAILS if line.name == "multi_turn: the last answer never ended")
    one = line.estimate([{"stuck": True}, {"stuck": False}, {}])  # the third was kept before that was asked
    assert (one.value, one.n) == (0.5, 2)


def test_what_a_report_is_made_of_is_kept_to_the_byte(tmp_path: Path):
    measured = {scenarios.KNOWN: [{"id": "a", "seed": 0, "x": 0.1}], scenarios.PAUSE: [{"id": "b", "seed": 1}]}
    (tmp_path / document.OUTCOMES).write_bytes(document.packed(measured))
    assert document.outcomes_of(tmp_path) == measured
    assert document.packed(document.outcomes_of(tmp_path)) == document.packed(measured)


def test_of_which_lines_more_is_better():
    of = {(line.condition.name, line.title): line.more_is_better for line in (*lines.TABLE, *lines.DETAILS, *lines.SOUND, *INPUT_DETAILS)}
    assert of["noise_5db", "answers right, text"] is True and of["barge_in", "false alarms"] is False and of["barge_in", "F1"] is True
    assert of["synthetic_pause_handling", TOR] is False and of["candor_turn_taking", TOR] is True
    assert of["pause", "early starts, a pause of 0.3 to 0.8 s in the question"] is False
    assert of["known_phrasing", "start by the decision: in_time"] is True and of["known_phrasing", "start by the decision: never"] is False
    assert of["barge_in", "barge-in, from onset"] is False and of["latency", "compute of a block, p99"] is False
    assert of["user_interruption", "stop latency, fdb"] is False and of["icc_backchannel", "backchannels a second, fdb"] is True


NO_DIRECTION = (
    "*: decision minus the question's end, mean",  # signed, as the next two: below zero is early
    "*: first response",
    "*: latency, signed",
    "*: the reference voice",  # not the model's
    "*: answers: yielded",  # right after one event and wrong after another, as the next one
    "*: answers: went on",
    "*: answers: ended *",  # as short as the answer is
    "*: * in five turns",  # conversations differ in these, as in the next
    "*: *, * a minute",
    "*: behaviour: for a judge to tell",
    *(f"{task}: {title}" for task in ("user_backchannel", "talking_to_other", "background_speech") for title in (
        "behaviour: C_UNKNOWN", "behaviour by the judge: C_UNKNOWN", "stop latency, fdb", "event to *, mean"  # an answer is to go on here
    )),
)


def test_a_line_has_a_direction_or_stands_among_those_that_have_none():
    measured = (*lines.TABLE, *lines.DETAILS, *lines.SOUND, *lines.MINUTES, *INPUT_DETAILS, *INPUT_SOUND, *INPUT_MINUTES)
    for pattern in NO_DIRECTION:
        assert any(fnmatchcase(line.name, pattern) for line in measured), pattern
    wrong = [line.name for line in measured if (line.more_is_better is None) != any(fnmatchcase(line.name, each) for each in NO_DIRECTION)]
    assert not wrong


def test_a_baseline_plays_in_the_place_of_the_model():
    suites.loaded.cache_clear()
    silent = suites.player(Plan(Suite.TURN_TAKING, "tiny", baseline=Baseline.NEVER))
    outcomes = suites.play(silent, scenarios.KNOWN, 0, range(2), rows=2)
    assert [outcome["turn"]["start"] for outcome in outcomes] == [Start.NEVER] * 2


def test_baselines_stand_beside_the_model_at_every_echo(tmp_path: Path):
    """The cascade yields to all four, two of which are interruptions: precision 1/2, recall 1, F1 2/3. The model is right each time."""
    def outcome(index: int, positive: bool, ending: Ending) -> dict[str, Any]:
        of = {"id": str(index), "seed": 0, "index": index}
        return of | {"positive": positive, "silent": False, "barge_in": {"ending": ending}}

    events = list(enumerate([True, True, False, False]))
    right = [outcome(index, positive, Ending.YIELDED if positive else Ending.WENT_ON) for index, positive in events]
    folder = tmp_path / "beside" / "cascade"
    folder.mkdir(parents=True)
    kept = {scenarios.BARGE_IN_ECHO_LOW: [outcome(index, positive, Ending.YIELDED) for index, positive in events]}
    (folder / document.OUTCOMES).write_bytes(document.packed(kept))
    others = document.arms(tmp_path / "beside")
    title, table, note = document.with_echo({"tiny": {scenarios.BARGE_IN_ECHO_LOW: right}} | others)
    model, cascade = ([re.sub(r" \[.*\]", "", cell).strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:])
    assert "echo" in title and "without the delay and the filter" in note
    assert model == ["0.1", "tiny", "1.000 of 2", "1.000 of 2", "1.000 of 4"]
    assert cascade == ["0.1", "cascade", "0.500 of 4", "1.000 of 2", "0.667 of 4"]  # each of the dialogues in its own denominator
    few = document.with_echo({"tiny": {scenarios.BARGE_IN_ECHO_LOW: right[:3]}} | others)[1]
    assert few.count(" of 3 |") == 3 and "1.000 [1.000, 1.000] of 2 | 1.000 [-] of 1" not in few  # only scenes that both played
    with pytest.raises(ValueError, match="no folder in it holds an evaluation"):
        document.arms(tmp_path)
    with pytest.raises(ValueError, match="the folder cascade in it is named like what this report is of"):
        document.run(Plan(Suite.ECHO, "tiny", baseline=Baseline.CASCADE), tmp_path / "out", 1, tmp_path / "beside")
