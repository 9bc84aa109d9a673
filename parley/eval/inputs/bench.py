"""Folders in the layout of Full-Duplex-Bench v1 (arXiv 2503.04721) and v1.5 (2507.23159).

The layout is that of `v1_v1.5/dataset/README.md` of DanielLin94144/Full-Duplex-Bench; nothing of it is copied here.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from parley.clock import Clock
from parley.data.corpora.entries import Failed
from parley.data.corpora.recorded import SLACK_S, Recorded, audible, span
from parley.data.shards.cuts import sound
from parley.dialogue import Kind, Segment, Speaker
from parley.eval.inputs.item import Item

# v1: the sub-sets, and what annotates them
ANNOTATIONS = {
    "candor_pause_handling": "pause.json",
    "synthetic_pause_handling": "pause.json",
    "icc_backchannel": "transcription.json",
    "candor_turn_taking": "turn_taking.json",
    "synthetic_user_interruption": "interrupt.json",
    "pause_handling_example": "pause.json",  # these three come with its code
    "smooth_turn_taking_example": "turn_taking.json",
    "user_interruption_example": "interrupt.json",
}
# v1.5: the sub-sets, and who says what into the assistant's answer
OVERLAPS = {
    "user_interruption": (Speaker.USER, Kind.INTERRUPTION),
    "user_backchannel": (Speaker.USER, Kind.BACKCHANNEL),
    "talking_to_other": (Speaker.USER, Kind.CHAT),
    "background_speech": (Speaker.OTHER, Kind.CHAT),
}


def read_bench(path: Path, clock: Clock) -> Iterator[Item | Failed]:
    """The sub-sets in `path`, up to two folders down, or the one that it is. Every folder in a sub-set is an item."""
    within = [folder for folder in sorted([*path.glob("*/"), *path.glob("*/*/")]) if "__MACOSX" not in folder.parts]
    for subset in (folder for folder in (path.resolve(), *within) if folder.name in ANNOTATIONS | OVERLAPS):
        samples = [folder for folder in subset.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
        for folder in sorted(samples, key=lambda folder: folder.name.zfill(20)):
            name = f"{subset.name}/{folder.name}" if subset == path.resolve() else folder.relative_to(path).as_posix()
            try:
                yield overlap_item(name, folder, clock) if subset.name in OVERLAPS else turn_item(name, folder, clock)
            except ValueError as error:
                yield Failed(name, str(error))


def turn_item(name: str, folder: Path, clock: Clock) -> Item:
    """v1: `input.wav` and one annotation."""
    task, rate = folder.parent.name, clock.input_rate
    environment, seconds = Recorded(folder / "input.wav", rate), sound(folder / "input.wav").seconds
    annotation = ANNOTATIONS[task]
    marks, took_over_s = read_json(folder / annotation), None
    match annotation, marks:
        case "pause.json", [{"timestamp": times}]:
            start, end = (round(time * rate) for time in span(times, seconds, "the pause"))
            turn = user_turn(folder, rate, seconds)
            events = (replace(turn, start=min(turn.start, start), end=max(turn.end, end), pauses=((start, end),)),)
        case "turn_taking.json", [{"timestamp": [end, *_]}]:  # where the other speaker took over
            took_over_s = span([0.0, end], seconds, "the user's turn")[1]
            events = (user_turn(folder, rate, took_over_s),)
        case "transcription.json", list():
            events = (user_turn(folder, rate, seconds),)
        case "interrupt.json", [{"context": str(context), "interrupt": str(text), "timestamp": times}]:
            start, end = span(times, seconds, "the interruption")
            check_length(folder / "interrupt.wav", end - start)
            events = overlap(environment, context, Segment(Speaker.USER, Kind.INTERRUPTION, text, round(start * rate), round(end * rate)))
        case _:
            raise ValueError(f"{annotation} is not as Full-Duplex-Bench v1 writes it; it begins {str(marks)[:60]!r}")
    return Item(name, task, rate, environment, events, open_end=False, turn_end_s=took_over_s)


def overlap_item(name: str, folder: Path, clock: Clock) -> Item:
    """v1.5: `input.wav` with the overlap, `clean_input.wav` without it, and `metadata.json`."""
    task, rate = folder.parent.name, clock.input_rate
    environment, seconds = Recorded(folder / "input.wav", rate), sound(folder / "input.wav").seconds
    check_length(folder / "clean_input.wav", seconds, needed=True)
    match read_json(folder / "metadata.json"):
        case {"context_text": str(context), "current_turn_text": str(text), "timestamps": times}:
            start, end = span(times, seconds, "the overlap")
        case other:
            raise ValueError(f"metadata.json is not as Full-Duplex-Bench v1.5 writes it; it begins {str(other)[:60]!r}")
    speaker, kind = OVERLAPS[task]
    events = overlap(environment, context, Segment(speaker, kind, text, round(start * rate), round(end * rate)))
    return Item(name, task, rate, environment, events, open_end=False, clean=Recorded(folder / "clean_input.wav", rate))


def overlap(environment: Recorded, context: str, event: Segment) -> tuple[Segment, ...]:
    """The question, which is all that is audible before the event, and the event."""
    heard = audible(environment()[: event.start])
    return (Segment(Speaker.USER, Kind.QUESTION, context, *heard), event) if heard else (event,)


def user_turn(folder: Path, rate: int, before_s: float) -> Segment:
    """From the first to the last of the user's words that begin before `before_s`; without a transcription all of that time.

    A transcription holds both speakers of the old conversation: the user is the one who says more words in that time.
    """
    file = folder / "transcription.json"
    if not file.exists():
        return Segment(Speaker.USER, Kind.QUESTION, "", 0, round(before_s * rate))
    said: list[tuple[str, float, float]] = []
    match read_json(file):
        case list(speakers) if all(isinstance(speaker, dict) and isinstance(speaker.get("item"), list) for speaker in speakers):
            for speaker in speakers:
                said = max(said, [word for word in map(timed_word, speaker["item"]) if word[1] < before_s], key=len)
        case other:
            raise ValueError(f"{file.name} is not as Full-Duplex-Bench v1 writes it; it begins {str(other)[:60]!r}")
    if not said:
        raise ValueError(f"{file.name} holds no word before {before_s:.2f} s; add the user's words, or remove the file")
    start_s, end_s = min(start for _, start, _ in said), min(max(end for _, _, end in said), before_s)
    return Segment(Speaker.USER, Kind.QUESTION, " ".join(text for text, _, _ in said), round(start_s * rate), round(end_s * rate))


def timed_word(word: Any) -> tuple[str, float, float]:
    """Text, start and end in seconds."""
    match word:
        case {"text": str(text), "timestamp": [int() | float() as start, int() | float() as end]} if 0 <= start <= end:
            return text, float(start), float(end)
        case _:
            raise ValueError(f"transcription.json holds the word {str(word)[:60]!r}; need its text and its timestamp [start, end]")


def check_length(file: Path, seconds: float, needed: bool = False) -> None:
    """Where this file is there, or needed, it is as long as the recording or the annotation that it belongs to."""
    if needed or file.exists():
        found = sound(file).seconds
        if abs(found - seconds) > SLACK_S:
            raise ValueError(f"{file.name} lasts {found:.2f} s, but should last {seconds:.2f} s; copy the folder again")


def read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError:
        raise ValueError(f"{file.name} is missing") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{file.name} cannot be read ({error})") from error
