"""What the model is measured on: conditions, and the scenes of each. A scene is a pure function of (condition, seed, index)."""

from enum import StrEnum
from functools import cache

import numpy as np

from parley.clock import Clock
from parley.data.mixing import MixConfig, Tape, noise
from parley.data.phrases import BACKCHANNELS_EVAL, INTERRUPTIONS_EVAL
from parley.data.scripts import Fact, facts
from parley.data.voices import HELD_OUT_ENGINE_VOICES, HELD_OUT_VOICES, MARGIN, Voice, assistant_speech, available
from parley.dialogue import Kind, Segment, Speaker
from parley.eval.metrics.turn_taking import START_S
from parley.eval.rollout import After, Cue, Scene

LIMIT_S = 30.0  # no row lasts longer
PATIENCE_S = 3.0  # the row goes on so long after its last cue
PAUSE_S = (0.3, 0.8)
SPEAKING_S = (1.0, 3.0)  # how long the assistant has audibly been speaking when an event comes
REMAINING_S = 2.5  # of the reference answer after the event's first sample: a natural end cannot pass for a yield
ECHO = 1.0


class Condition(StrEnum):
    """The voices are held out in all of them; where not said otherwise they are other speakers of the training engines."""

    KNOWN = "known_phrasing"
    HELD_OUT = "held_out_phrasing"
    ENGINE = "held_out_engine"  # known phrasing, a voice engine that training never heard
    PAUSE = "pause"  # known phrasing with one pause inside the question
    BARGE_IN = "barge_in"  # interruptions and backchannels, half of each, into long answers
    BARGE_IN_ECHO = "barge_in_echo"  # the same with echo factor 1
    LATENCY = "latency"  # known phrasing, one row; played twice, the second time to compare waveforms


@cache
def voices(condition: Condition) -> tuple[Voice, ...]:
    """Those that this machine can speak with. ValueError when there is none."""
    wanted = HELD_OUT_ENGINE_VOICES if condition == Condition.ENGINE else HELD_OUT_VOICES
    found = available(wanted)
    if not found:
        raise ValueError(f"no voice for {condition}: none of {', '.join(map(str, wanted))} works; pip install 'parley[eval]'")
    return found


def scene(condition: Condition, seed: int, index: int, clock: Clock) -> Scene:
    """Scene `index` of the seed. ValueError where a voice cannot say its line."""
    echoing = condition == Condition.BARGE_IN_ECHO
    drawn_as = Condition.BARGE_IN if echoing else condition  # the same scenes with and without echo
    rng = np.random.default_rng([seed, list(Condition).index(drawn_as), index])
    config = MixConfig(
        {}, voices(condition), held_out_phrasings=condition == Condition.HELD_OUT, evaluation_events=True, pause_s=PAUSE_S, clock=clock
    )
    tape = Tape(config, rng, assistant_speech)
    fact = fact_of(drawn_as, seed, index)
    cues = [question(tape, fact, drawn_as)]
    if drawn_as == Condition.BARGE_IN:
        cues.append(event(tape, fact, index))
    background = background_noise(tape, cues[0])
    name = f"{condition}-{seed}-{index:04d}"
    tail = round((START_S if condition == Condition.LATENCY else PATIENCE_S) * clock.input_rate)  # only what is said is timed
    return Scene(name, background, tuple(cues), ECHO if echoing else 0.0, tail, to_the_end=drawn_as != Condition.BARGE_IN)


def fact_of(condition: Condition, seed: int, index: int) -> Fact:
    """What scene `index` asks: all facts in an order of the seed, so that each is asked equally often. Barge-in needs the long answers."""
    barge_in = condition in (Condition.BARGE_IN, Condition.BARGE_IN_ECHO)
    chosen = [fact for fact in facts() if fact.domain == "stories" or not barge_in]
    return chosen[np.random.default_rng(seed).permutation(len(chosen))[index % len(chosen)]]


def question(tape: Tape, fact: Fact, condition: Condition) -> Cue:
    delay = tape.samples(*tape.config.before_s)
    if condition != Condition.PAUSE:
        tape.ask(fact)
        return last_said(tape, After.CUE, delay)
    tape.ask(fact, pauses=1)
    while not tape.segments[-1].pauses:  # a wording without a place for a pause
        tape.ask(fact, pauses=1)
    return last_said(tape, After.CUE, delay)


def event(tape: Tape, fact: Fact, index: int) -> Cue:
    """Interruptions at even indices, by the user or a third person; the user's backchannels at odd ones. All sentences in turn."""
    reference_s = len(assistant_speech(fact.answer)) / tape.rate
    delay = tape.samples(SPEAKING_S[0], min(SPEAKING_S[1], reference_s - REMAINING_S))
    if index % 2 == 0:
        speaker = Speaker.USER if tape.rng.random() < 0.5 else Speaker.OTHER
        tape.say(speaker, Kind.INTERRUPTION, INTERRUPTIONS_EVAL[index // 2 % len(INTERRUPTIONS_EVAL)])
    else:
        tape.say(Speaker.USER, Kind.BACKCHANNEL, BACKCHANNELS_EVAL[index // 2 % len(BACKCHANNELS_EVAL)])
    return last_said(tape, After.ONSET, delay)


def last_said(tape: Tape, after: After, delay: int) -> Cue:
    """What was put on the tape last, from its first to its last audible sample."""
    (start, pcm), said = tape.heard[-1], tape.segments[-1]
    pcm = pcm[MARGIN : len(pcm) - MARGIN]
    pauses = tuple((a - start - MARGIN, b - start - MARGIN) for a, b in said.pauses)
    segment = Segment(said.speaker, said.kind, said.text, 0, len(pcm), voice=said.voice, pauses=pauses, keywords=said.keywords)
    return Cue(segment, pcm, after, delay)


def background_noise(tape: Tape, first: Cue) -> np.ndarray:
    """Noise as in training (samples,), relative to the question; silence in some rows."""
    samples = round(LIMIT_S * tape.rate)
    if tape.rng.random() < tape.config.quiet:
        return np.zeros(samples, dtype=np.float32)
    snr_db = tape.rng.uniform(*tape.config.snr_db)
    power = float(np.mean(np.square(first.pcm)))
    return noise(samples, tape.rng) * np.float32(np.sqrt(power / 10 ** (snr_db / 10)))
