"""A recording streams through a model block by block, at constant memory; the spoken dialogue, its timeline and its picture come out."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import TextIO

import numpy as np

from parley.audio import WavWriter, stream_audio
from parley.clock import Clock
from parley.runtime.engine import Engine
from parley.runtime.picture import PICTURE_S, Caption, draw
from parley.runtime.session import Answer, Moment, Session, at_rate


@dataclass(frozen=True)
class Listening:
    """How a recording is heard."""

    tail_s: float = 0.0  # extra silence after the recording, so that a last answer can finish
    echo: float = 0.0  # the model hears its own played audio at this factor
    realtime: bool = False  # one block every 80 ms, as from a microphone

    def __post_init__(self) -> None:
        for name, value in (("tail", self.tail_s), ("echo", self.echo)):
            if not 0.0 <= value <= 3600.0:
                raise ValueError(f"--{name} is {value}; give a number from 0 to 3600")


@dataclass(frozen=True)
class Outputs:
    """The files to write; None = not wanted. `stereo`: the user left, the model right."""

    wav: Path | None = None
    timeline: Path | None = None
    plot: Path | None = None
    stereo: bool = False


@dataclass(frozen=True)
class SpokenAnswer:
    """One answer in seconds since the start of the recording; None = did not happen."""

    text: str
    spoken: str  # the part that was heard
    shift_s: float  # the decision to speak
    onset_s: float | None  # the first audible sample
    end_s: float | None  # the end of the last audible sample
    interrupted: bool


@dataclass(frozen=True)
class Summary:
    """What the last line of a timeline holds."""

    seconds: float
    answers: list[SpokenAnswer]
    onsets: list[float]  # seconds: the first audible sample of each answer that was heard
    real_time_factor: float
    compute_p50_ms: float
    compute_p95_ms: float
    late_blocks: int  # blocks whose pass took longer than a block lasts


@contextmanager
def all_or_none(paths: list[Path]) -> Iterator[list[Path]]:
    """Temporary files beside `paths`: they take the names together when the block ends well, and vanish when it does not."""
    parts: list[Path] = []
    try:
        for path in paths:
            if path.exists() and not path.is_file():
                raise ValueError(f"{path}: is not an ordinary file; give the name of a file to write")
            part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
            try:
                part.touch(exist_ok=False)
            except FileExistsError as error:
                raise ValueError(f"{path}: named twice as an output; give each output a name of its own") from error
            except OSError as error:
                raise ValueError(f"{path}: cannot be written ({error.strerror}); choose a folder that exists and may be written to") from error
            parts.append(part)
        yield parts
        for part, path in zip(parts, paths):
            os.replace(part, path)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def whole_blocks(recording: Path, clock: Clock, tail_s: float) -> Iterator[np.ndarray]:
    """The recording and its tail as blocks (samples_in,), the last one filled up with silence."""
    for block in stream_audio(recording, clock.input_rate, clock.samples_in):
        yield np.pad(block, (0, clock.samples_in - len(block)))
    yield from repeat(np.zeros(clock.samples_in, np.float32), clock.blocks(round(tail_s * clock.input_rate)))


def at_real_time(blocks: Iterator[np.ndarray], clock: Clock) -> Iterator[np.ndarray]:
    """Each block no earlier than a microphone would have delivered it."""
    start = time.monotonic()
    for number, block in enumerate(blocks):
        time.sleep(max(0.0, start + clock.seconds(number + 1) - time.monotonic()))
        yield block


def live(engine: Engine, session: Session, blocks: Iterator[np.ndarray]) -> Iterator[Moment]:
    """The session's moments, one a block, on a row of its own."""
    row = engine.open()
    try:
        for block in blocks:
            session.hear(block)
            yield session.accept(engine.tick({row: session.take()})[row])
    finally:
        engine.close(row)


def timeline_line(moment: Moment, clock: Clock) -> str:
    row = {
        "block": moment.block,
        "start_s": round(clock.seconds(moment.block), 3),
        "mode": "speaking" if moment.speaking else "listening",
        "token": moment.token,
        "text": moment.text,
        "compute_ms": round(1000 * moment.compute_s, 3),
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


@dataclass
class Record:
    """Writes each moment where it belongs and remembers what the summary and the picture need."""

    clock: Clock
    wav: WavWriter | None
    timeline: TextIO | None
    stereo: bool
    keep: int  # moments to remember for the picture
    moments: list[Moment] = field(default_factory=list)
    compute_s: list[float] = field(default_factory=list)

    def add(self, moment: Moment) -> None:
        if self.wav:
            self.wav.write(self.side_by_side(moment) if self.stereo else moment.played)
        if self.timeline:
            self.timeline.write(timeline_line(moment, self.clock))
        if len(self.moments) < self.keep:
            self.moments.append(moment)
        self.compute_s.append(moment.compute_s)

    def side_by_side(self, moment: Moment) -> np.ndarray:
        """(samples_out, 2): the user left, the model right."""
        user = at_rate(moment.environment, self.clock.input_rate, self.clock.output_rate)
        return np.stack([user, moment.played], axis=1)

    def summary(self, answers: list[Answer]) -> Summary:
        seconds = self.clock.seconds(len(self.compute_s))
        told = [in_seconds(answer, self.clock) for answer in answers]
        p50, p95 = np.percentile(1000 * np.array(self.compute_s), [50, 95]).round(3).tolist()
        late = sum(each > self.clock.block_ms / 1000 for each in self.compute_s)
        onsets = [answer.onset_s for answer in told if answer.onset_s is not None]
        return Summary(seconds, told, onsets, round(sum(self.compute_s) / seconds, 4), p50, p95, late)


def in_seconds(answer: Answer, clock: Clock) -> SpokenAnswer:
    def seconds(sample: int) -> float | None:
        return None if sample < 0 else round(sample / clock.output_rate, 4)

    decided = round(clock.seconds(answer.shift + 1), 3)
    spoken = answer.spoken(clock.output_rate)
    return SpokenAnswer(answer.text.strip(), spoken, decided, seconds(answer.onset), seconds(answer.end), answer.interrupted)


def converse(
    engine: Engine,
    recording: Path,
    outputs: Outputs,
    listening: Listening,
    captions: tuple[Caption, ...],
    heard: Callable[[float], None],
) -> Summary:
    """Streams one recording through the model and tells `heard` how many seconds are done.

    The outputs appear together at the end, or, after an error, not at all. `captions`: what the user says, for the picture.
    """
    clock = engine.clock
    wanted = [path for path in (outputs.wav, outputs.timeline, outputs.plot) if path]
    if recording.resolve() in [path.resolve() for path in wanted]:
        raise ValueError(f"{recording}: is the recording itself; give the output another name")
    blocks = whole_blocks(recording, clock, listening.tail_s)
    blocks = chain([next(blocks)], blocks)  # what cannot be read is refused before anything is written
    if listening.realtime:
        blocks = at_real_time(blocks, clock)
    session = Session(clock, listening.echo)
    with all_or_none(wanted) as parts, ExitStack() as files:
        part = dict(zip(wanted, parts))
        wav = files.enter_context(WavWriter(part[outputs.wav], clock.output_rate, 1 + outputs.stereo)) if outputs.wav else None
        timeline = files.enter_context(part[outputs.timeline].open("w", encoding="utf-8")) if outputs.timeline else None
        keep = clock.blocks(PICTURE_S * clock.input_rate) if outputs.plot else 0
        record = Record(clock, wav, timeline, outputs.stereo, keep)
        for moment in live(engine, session, blocks):
            record.add(moment)
            heard(clock.seconds(moment.block + 1))
        summary = record.summary(session.answers)
        if timeline:
            timeline.write(json.dumps({"summary": asdict(summary)}, ensure_ascii=False) + "\n")
        if outputs.plot:
            draw(part[outputs.plot], record.moments, session.answers, clock, captions)
        files.close()
    return summary
