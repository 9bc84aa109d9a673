"""A recording streams through a model block by block, at constant memory; the spoken dialogue, its timeline and its picture come out."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import TextIO

import numpy as np
import soundfile
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from parley.audio import WavWriter, stream_audio
from parley.clock import Clock
from parley.runtime.engine import Engine
from parley.runtime.picture import PICTURE_S, Caption, check_format, draw
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
    if twice := [path for number, path in enumerate(paths) if path.resolve() in [before.resolve() for before in paths[:number]]]:
        raise ValueError(f"{twice[0]}: named twice as an output; give each output a name of its own")
    try:
        for path in paths:
            if path.exists() and not path.is_file():
                raise ValueError(f"{path}: is not an ordinary file; give the name of a file to write")
            part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
            try:
                part.write_bytes(b"")  # what a kill has left there is of no use
            except OSError as error:
                raise ValueError(f"{path}: cannot be written ({error.strerror}); choose a folder that exists and is writable") from error
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
    progress: Progress,
) -> Summary:
    """Streams one recording through the model. The outputs appear together at the end, or, after an error, not at all.

    `captions`: what the user says, for the picture.
    """
    clock = engine.clock
    wanted = [path for path in (outputs.wav, outputs.timeline, outputs.plot) if path]
    if recording.resolve() in [path.resolve() for path in wanted]:
        raise ValueError(f"{recording}: is the recording itself; give the output another name")
    if outputs.plot:
        check_format(outputs.plot)
    if outputs.wav and outputs.wav.suffix.lower() != ".wav":
        raise ValueError(f"{outputs.wav}: what the model says is written as WAV; give it a name that ends in .wav")
    blocks = whole_blocks(recording, clock, listening.tail_s)
    blocks = chain([next(blocks)], blocks)  # what cannot be read is refused before anything is written
    task = progress.add_task(escape(recording.name), total=soundfile.info(recording).duration + listening.tail_s)
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
            progress.update(task, completed=clock.seconds(moment.block + 1))
        answers = [answer.until(session.blocks * clock.samples_out) for answer in session.answers]
        summary = record.summary(answers)
        if timeline:
            timeline.write(json.dumps({"summary": asdict(summary)}, ensure_ascii=False) + "\n")
        if outputs.plot:
            draw(part[outputs.plot], record.moments, summary.seconds, answers, clock, captions)
        files.close()
    progress.remove_task(task)
    return summary


def captions_of(recording: Path) -> tuple[Caption, ...]:
    """What is said in a recording, where a `meta.json` beside it tells so."""
    file = recording.with_name("meta.json")
    if not file.is_file():
        return ()
    try:
        segments = json.loads(file.read_text(encoding="utf-8")).get("segments", [])
        said = [(each["speaker"], each["text"], float(each["start_s"]), float(each["end_s"])) for each in segments]
        return tuple(Caption(str(speaker), str(text), start_s, end_s) for speaker, text, start_s, end_s in said)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file}: is not the description of a recording ({error!r}); repair or remove it") from error


def tell(name: str, summary: Summary, captions: tuple[Caption, ...]) -> Table:
    """The dialogue for the eye: who said what, when, and how the model took its turns."""
    table = Table(title=Text(f"{name}  ({summary.seconds:.1f} s)"), title_justify="left", title_style="bold", box=None, show_header=False)
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    events = [(caption.start_s, caption.speaker, Text(caption.text, style="blue")) for caption in captions]
    for answer in summary.answers:
        line = Text(answer.spoken or "(nothing was heard)", style="red")
        if answer.onset_s is not None and answer.end_s is not None:
            line.append(f"  (decided {answer.shift_s:.2f}, heard {answer.onset_s:.2f} to {answer.end_s:.2f}", style="dim")
            line.append(", yielded" if answer.interrupted else "", style="bold yellow").append(")", style="dim")
        events.append((answer.shift_s, "model", line))
    for start_s, speaker, line in sorted(events, key=lambda event: event[0]):
        table.add_row(f"{start_s:.2f}", speaker, line)
    if not summary.answers:
        table.add_row("", "model", Text("(kept silent)", style="dim"))
    block = f"a block takes {summary.compute_p50_ms:.1f} ms in the median, 95 % at most {summary.compute_p95_ms:.1f} ms"
    late = f", {summary.late_blocks} took longer than they last" if summary.late_blocks else ""
    table.add_row("", "", Text(f"real-time factor {summary.real_time_factor:.3f}: {block}{late}", style="dim"))
    return table


def named(recording: Path, folder: Path, output_dir: Path | None, outputs: Outputs) -> Outputs:
    """The outputs of one dialogue of a directory: beside it, or at the same place below `output_dir`."""
    for name in (outputs.wav, outputs.timeline, outputs.plot):
        if name and (name.is_absolute() or ".." in name.parts):
            raise ValueError(f"{name}: every dialogue of {folder} would be written there; give a file name, and --output-dir for the place")
    beside = recording.parent if output_dir is None else output_dir / recording.parent.relative_to(folder)
    beside.mkdir(parents=True, exist_ok=True)
    wav, timeline = outputs.wav or Path("output.wav"), outputs.timeline or Path("timeline.jsonl")
    return Outputs(beside / wav, beside / timeline, outputs.plot and beside / outputs.plot, outputs.stereo)


def converse_all(
    engine: Engine, place: Path, outputs: Outputs, output_dir: Path | None, listening: Listening, console: Console
) -> list[Summary]:
    """Converses with one recording, or with every `*/input.wav` below a directory, and prints each dialogue."""
    many = place.is_dir()
    recordings = sorted(place.rglob("*/input.wav")) if many else [place]
    if not recordings:
        raise ValueError(f"{place}: holds no */input.wav; give a sound file, or a directory with one folder a recording")
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    summaries = []
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        for recording in progress.track(recordings, description="dialogues"):
            own = named(recording, place, output_dir, outputs) if many else outputs
            captions = captions_of(recording) if many else ()
            summaries.append(converse(engine, recording, own, listening, captions, progress))
            console.print(tell(recording.parent.name if many else recording.name, summaries[-1], captions))
    return summaries
