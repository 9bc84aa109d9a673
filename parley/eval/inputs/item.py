"""What every reader gives, and how it is played. Only the sound that a table holds is held: else an item loads or speaks its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import soxr

from parley.clock import Clock
from parley.data.corpora.recorded import Held, Recorded, audible
from parley.data.voices import RATE, Voice, speak
from parley.dialogue import Kind, Segment, Speaker
from parley.eval.rollout import After, Cue, Scene
from parley.eval.scenarios import PATIENCE_S

LEAD_S = 0.5  # silence before a question
CLEAN = "/clean"  # what the id of a control ends in
LIMIT_S = 30.0  # the longest that a row goes on after its recording


@dataclass(frozen=True)
class Spoken:
    """`text` in `voice` after `LEAD_S` of silence. Called, it speaks (samples,) float32 at `rate`; ValueError where the voice cannot."""

    text: str
    voice: Voice
    rate: int

    def __call__(self) -> np.ndarray:
        speech = speak(self.text, self.voice)
        if self.rate != RATE:
            speech = soxr.resample(speech, RATE, self.rate)
        return np.concatenate([np.zeros(round(LEAD_S * self.rate), np.float32), speech])


@dataclass(frozen=True)
class Played:
    """A recorded question after as much silence as a spoken one."""

    sound: Recorded | Held

    def __call__(self) -> np.ndarray:
        return np.concatenate([np.zeros(round(LEAD_S * self.sound.rate), np.float32), self.sound()])


@dataclass(frozen=True)
class Item:
    """What the evaluation can play."""

    id: str
    task: str  # the sub-set of Full-Duplex-Bench, `manifest`, or the question set
    rate: int  # the clock's input rate: of the environment, and of the events' times
    environment: Callable[[], np.ndarray]  # () -> (samples,) float32, the same in every process
    events: tuple[Segment, ...]  # by their start; an agent's are the reference and are not in the environment
    references: tuple[str, ...] = ()  # right answers to the last question, any of them; none: it is judged without
    open_end: bool = True  # go on until the answer is over; else the length of the recording is a contract
    clean: Callable[[], np.ndarray] | None = None  # Full-Duplex-Bench v1.5: the environment without the overlap
    turn_end_s: float | None = None  # Full-Duplex-Bench v1, smooth turn taking: where the other speaker took over


def scene_of(item: Item, clock: Clock, echo: float = 0.0, oracle: bool = False) -> Scene:
    """The open loop: the recording is the whole environment, and the cues are silent; they say what is heard in it, and when.

    The row ends with the recording, filled up to a whole block; at an open end `PATIENCE_S` later, or when the answer is over. `oracle`: of
    its one question, as in `Scene`.
    ValueError where the sound cannot be had any more.
    """
    assert item.rate == clock.input_rate, (item.rate, clock.input_rate)
    recording = item.environment()
    if isinstance(item.environment, Spoken) and audible(recording) != (item.events[0].start, item.events[0].end):
        raise ValueError(f"{item.environment.voice} says it another way each time, so its end is not known; take a voice that does not")
    longest = len(recording) + (round(LIMIT_S * item.rate) if item.open_end else 0)
    background = np.zeros(clock.blocks(longest) * clock.samples_in, dtype=np.float32)
    background[: len(recording)] = recording
    cues, mark = [], 0
    for event in item.events:
        if event.speaker != Speaker.AGENT:
            pauses = tuple((start - event.start, end - event.start) for start, end in event.pauses)
            segment = replace(event, start=0, end=event.end - event.start, pauses=pauses)
            cues.append(Cue(segment, np.zeros(0, dtype=np.float32), After.CUE, event.start - mark))
            mark = event.end
    end = len(recording) + round(PATIENCE_S * item.rate) if item.open_end else len(background)
    return Scene(item.id, background, tuple(cues), echo, end - mark, to_the_end=item.open_end, oracle=oracle)


def without_overlap(item: Item) -> Item:
    """The control of a Full-Duplex-Bench v1.5 item: its clean recording, in which only the question is heard."""
    assert item.clean, item.id
    events = tuple(event for event in item.events if event.kind == Kind.QUESTION)
    return replace(item, id=item.id + CLEAN, environment=item.clean, events=events, clean=None)
