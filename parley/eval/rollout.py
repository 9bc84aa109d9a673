"""Closed-loop rollouts: scenes whose events follow what the model really does, many rows in lockstep through the served engine.

An event that was timed by a reference answer would tell the model when to speak. So an interruption is placed relative to the
speech that the model is really making, and the model hears the echo of what it really played. Times are samples at the input rate.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

import numpy as np

from parley.clock import Clock
from parley.dialogue import Segment
from parley.models.duplex import Directive
from parley.runtime.engine import BlockEvent, Engine
from parley.runtime.session import Moment, Session


class After(StrEnum):
    """What a cue's delay is counted from."""

    CUE = "cue"  # the end of the cue before; the start of the row for the first one
    ONSET = "onset"  # the first audible sample of the assistant's answer
    ANSWER = "answer"  # the decision to listen again after an answer to the cue before; `UNANSWERED_S` after that cue when none comes


UNANSWERED_S = 4.0


@dataclass(frozen=True)
class Cue:
    """Speech that enters the room `delay` samples after `after`. In `segment` the times count from the cue's own start."""

    segment: Segment
    pcm: np.ndarray  # (samples,) float32; may ring on after the segment's end
    after: After
    delay: int

    def placed(self, start: int) -> Segment:
        pauses = tuple((start + a, start + b) for a, b in self.segment.pauses)
        return replace(self.segment, start=start, end=start + self.segment.end, pauses=pauses)


@dataclass(frozen=True)
class Scene:
    """One row before it is played. It ends `tail` samples after its last cue, or with its background at the latest."""

    id: str
    background: np.ndarray  # (samples,) float32: the noise of the room for as long as the row may last
    cues: tuple[Cue, ...]
    echo: float  # the factor at which the model hears what it plays
    tail: int
    to_the_end: bool = True  # do not end while the assistant speaks
    oracle: bool = False  # the model is made to speak at the end of its one question, and at no other time
    patient: bool = False  # it is asked for patience
    path: np.ndarray | None = None  # the echo's response (samples,); None: it comes at once and as it is


@dataclass(frozen=True)
class Answer:
    """One speaking turn of the model. A decision is made at the end of a block; None: it did not happen."""

    shift: int  # decision to speak
    onset: int | None  # first audible sample
    silence: int | None  # one past the last audible sample
    back: int | None  # decision to listen
    interrupted: bool  # it went back before its text or its audio had come to their end
    text: str


@dataclass(frozen=True)
class Trace:
    """One row after it was played: `segments` are the cues that really came, at their real times."""

    id: str
    clock: Clock
    segments: tuple[Segment, ...]
    answers: tuple[Answer, ...]
    environment: np.ndarray  # (samples,) at the input rate, without the echo
    assistant: np.ndarray  # (samples,) at the output rate: what was really played
    shift_probability: np.ndarray  # (blocks,)
    compute_s: np.ndarray  # (blocks,) of the whole pass that the row was in

    def seconds(self, samples: int) -> float:
        return samples / self.clock.input_rate

    def speech(self, answer: Answer) -> np.ndarray:
        """What was heard of `answer`, (samples,) at the output rate."""
        if answer.onset is None or answer.silence is None:
            return self.assistant[:0]
        start, end = (sample * self.clock.output_rate // self.clock.input_rate for sample in (answer.onset, answer.silence))
        return self.assistant[start:end]


class Room:
    """One row while it is played: gives the environment block by block, places the cues that have become due."""

    def __init__(self, scene: Scene, clock: Clock) -> None:
        self.scene = scene
        self.clock = clock
        self.session = Session(clock, scene.echo, scene.path)
        self._environment = scene.background.copy()
        self._waiting = list(scene.cues)
        self._segments: list[Segment] = []
        self._events: list[BlockEvent] = []
        self._mark = 0  # the end of the last cue that was placed
        self.moments: list[Moment] = []

    @property
    def now(self) -> int:
        """The sample at which the next block starts."""
        return self.session.blocks * self.clock.samples_in

    @property
    def over(self) -> bool:
        """After at least one block."""
        if self.now + self.clock.samples_in > len(self._environment):
            return True
        speaking = self._events[-1].speaking
        asks_on = any(cue.after == After.ANSWER for cue in self._waiting)
        held_up = asks_on or speaking and (self.scene.to_the_end or bool(self._waiting))
        return self.now >= self._mark + self.scene.tail and not held_up

    def block(self) -> np.ndarray:
        """The next block of the environment (samples_in,), echo included."""
        while self._waiting and (start := self._due(self._waiting[0])) is not None:
            cue = self._waiting.pop(0)
            pcm = cue.pcm[: max(len(self._environment) - start, 0)]
            self._environment[start : start + len(pcm)] += pcm
            self._segments.append(cue.placed(start))
            self._mark = start + cue.segment.end
        self.session.hear(self._environment[self.now : self.now + self.clock.samples_in])
        return self.session.take()

    @property
    def directive(self) -> Directive:
        """What the scene wants of the model at the end of the block given last."""
        speaking = bool(self._events) and self._events[-1].speaking
        if not self.scene.oracle or speaking:
            return Directive.PATIENT if self.scene.patient else Directive.FREE
        ended = bool(self._segments) and self.now + self.clock.samples_in >= self._mark
        return Directive.SHIFT if ended and not self.session.answers else Directive.STAY

    def follow(self, event: BlockEvent) -> None:
        """What the model did at the end of the block given last."""
        self.moments.append(self.session.accept(event))
        self._events.append(event)
        answers = self.answers()
        into_speech = bool(self._waiting) and self._waiting[0].after == After.ONSET
        if into_speech and answers and answers[-1].back is not None and answers[-1].back >= self._mark:
            self._waiting.clear()  # the answer that the cue waited for is over

    def answers(self) -> list[Answer]:
        """The speaking turns so far."""

        def decided(block: int) -> int:
            return (block + 1) * self.clock.samples_in

        def heard(sample: int) -> int | None:
            return sample * self.clock.input_rate // self.clock.output_rate if sample >= 0 else None

        return [
            Answer(decided(a.shift), heard(a.onset), heard(a.end), decided(a.back) if a.back >= 0 else None, a.interrupted, a.text.strip())
            for a in self.session.answers
        ]

    def trace(self) -> Trace:
        return Trace(
            self.scene.id,
            self.clock,
            tuple(self._segments),
            tuple(self.answers()),
            self._environment[: self.now],
            np.concatenate([moment.played for moment in self.moments]),
            np.array([event.shift_probability for event in self._events], dtype=np.float32),
            np.array([event.compute_s for event in self._events]),
        )

    def _due(self, cue: Cue) -> int | None:
        """The sample at which `cue` starts, or None while that is not known or lies beyond the coming block."""
        if cue.after == After.CUE:
            return self._mark + cue.delay
        answers = self.answers()
        if cue.after == After.ONSET:
            if not answers or answers[-1].back is not None or answers[-1].onset is None:
                return None
            start = max(answers[-1].onset + cue.delay, self._mark, self.now)
        else:
            if answers and answers[-1].back is None:
                return None
            over = [answer.back for answer in answers if answer.back is not None and answer.back > self._mark]
            waited = over[-1] if over else self._mark + round(UNANSWERED_S * self.clock.input_rate)
            start = max(waited + cue.delay, self.now)
        return start if start < self.now + self.clock.samples_in else None


def play_room(engine: Engine, scene: Scene) -> Room:
    """One scene alone, with all that its session lived through."""
    row, room = engine.open(), Room(scene, engine.clock)
    while not room.moments or not room.over:
        room.follow(engine.tick({row: room.block()}, {row: room.directive} if scene.oracle or scene.patient else None)[row])
    engine.close(row)
    return room


def rollout(engine: Engine, scenes: Iterable[Scene]) -> Iterator[Trace]:
    """Plays all `scenes`, as many at a time as the engine has rows, and gives each trace as soon as its row is over."""
    coming = iter(scenes)
    rooms = {engine.open(): Room(scene, engine.clock) for scene in islice(coming, engine.rows)}
    while rooms:
        blocks = {row: room.block() for row, room in rooms.items()}
        events = engine.tick(blocks, {row: room.directive for row, room in rooms.items() if room.directive != Directive.FREE})
        for row, event in events.items():
            rooms[row].follow(event)
            if rooms[row].over:
                yield rooms.pop(row).trace()
                engine.close(row)
        rooms |= {engine.open(): Room(scene, engine.clock) for scene in islice(coming, engine.rows - len(rooms))}
