"""The worst failures, played again: a picture and the sound of each. A scene is a pure function of its condition, seed and index."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path

import numpy as np

from parley.audio import write_wav
from parley.dialogue import Segment
from parley.eval.inputs.bench import ANNOTATIONS
from parley.eval.inputs.item import Item, scene_of
from parley.eval.inputs.outcomes import SILENT, Source
from parley.eval.metrics.turn_taking import Ending, Start
from parley.eval.outcomes import Outcome
from parley.eval.report.inputs import to_stop
from parley.eval.report.lines import Measured
from parley.eval.rollout import Scene, play_room
from parley.eval.scenarios import Condition, scene
from parley.models.duplex import DuplexModel
from parley.runtime.engine import Engine
from parley.runtime.picture import Caption, draw

MOST = 8
UNSAFE, LONGEST = re.compile(r"[^A-Za-z0-9._-]+"), 80  # characters of a name
DEGREES = (
    "Of every kind of failure the worst of each condition: an early start by its seconds, a missed or false stop by the probability of the "
    "`<shift>`, a wrong answer by its rule score, unasked talk by its answers; where nothing orders them, the first."
)


class Wrong(StrEnum):
    MISSED = "did not stop"
    FALSE = "stopped for nothing"
    GAVE_UP = "gave its answer up"
    EARLY = "spoke in the question"
    NEVER = "kept silent"
    UNASKED = "answered what nobody asked"
    ANSWER = "answered wrongly"


@dataclass(frozen=True)
class Failure:
    condition: Condition
    id: str
    seed: int
    index: int | None  # of a scene; what a user brings has none
    why: str
    degree: float  # how bad it is among those of its kind


def failures(measured: Measured) -> list[Failure]:
    """The worst of each kind, in the order of `Wrong`, then the second of each, and so on: every condition once in a kind, every dialogue
    once."""
    found: dict[Wrong, dict[str, Failure]] = {kind: {} for kind in Wrong}
    for condition, outcomes in measured.items():
        for outcome in outcomes:
            for kind, degree, why in problems(condition, outcome):
                failure = Failure(condition, outcome["id"], outcome["seed"], outcome.get("index"), f"{kind}: {why}", degree)
                worst = found[kind].setdefault(condition.name, failure)
                if degree > worst.degree:
                    found[kind][condition.name] = failure
    rounds = zip_longest(*(sorted(each.values(), key=lambda failure: -failure.degree) for each in found.values()))
    shown: dict[tuple[str, str], Failure] = {}
    for failure in (failure for each in rounds for failure in each if failure is not None):
        shown.setdefault((failure.condition.name, failure.id), failure)
    return [*shown.values()][:MOST]


def problems(condition: Condition, outcome: Outcome) -> Iterator[tuple[Wrong, float, str]]:
    """(what was wrong, how bad it is, in which case) of one dialogue. `DEGREES` says how bad what is."""
    silent = ANNOTATIONS.get(condition.name) in SILENT
    if "barge_in" in outcome:
        ending, peak, event = Ending(outcome["barge_in"]["ending"]), outcome.get("shift_peak") or 0.0, outcome.get("event", outcome["id"])
        if ending == Ending.WENT_ON and to_stop(condition, outcome):
            yield Wrong.MISSED, 1.0 - peak, event
        if ending == Ending.YIELDED and not to_stop(condition, outcome):
            yield Wrong.FALSE, peak, event
        if ending == Ending.STOPPED_BEFORE:
            yield Wrong.GAVE_UP, 0.0, "nothing had been said"
    if outcome.get("answered") or (silent and outcome.get("taken")):
        yield Wrong.UNASKED, float(len(outcome["answers"])), outcome.get("question", outcome["id"])
    for turn in asked(outcome):
        if turn["start"] == Start.EARLY:
            early_s = -(turn.get("shift_s") or 0.0)
            yield Wrong.EARLY, early_s, f"{early_s:.2f} s before the end of {turn['what']}"
        elif turn["start"] == Start.NEVER and not silent:
            yield Wrong.NEVER, 0.0, turn["what"]
        elif turn["correct"] is False:
            yield Wrong.ANSWER, 1.0 - outcome.get("rule", {}).get("text", 0.0), turn["what"]


def asked(outcome: Outcome) -> list[Outcome]:
    """How every question of a dialogue was taken and answered, and `what` it was."""
    if "turn" in outcome:
        what = f"{outcome['question']!r}, {outcome['pause']}" if "pause" in outcome else repr(outcome["question"])
        expected = f" (expected: {outcome['expected']})" if "expected" in outcome else ""
        return [outcome["turn"] | {"correct": outcome.get("correct"), "what": what + expected}]
    turns = [{"correct": outcome.get("right", {}).get("text")} | turn for turn in outcome.get("turns", [])]
    named = [repr(turn["question"]) if "question" in turn else "the question" for turn in turns]
    return [turn | {"what": f"{question}, at {turn['at_s']:.1f} s"} for turn, question in zip(turns, named)]


def scene_again(model: DuplexModel, failure: Failure, items: dict[str, Item], source: Source | None) -> Scene:
    """As it was played. ValueError where a recording that a user brought cannot be had any more."""
    if source:
        return scene_of(items[failure.id], model.clock, source.echo, source.oracle)
    assert failure.index is not None
    return scene(failure.condition, failure.seed, failure.index, model.clock, model.world)


def file_name(name: str) -> str:
    """An id of whatever characters and length as a file's name of its own, which needs no quotes in a URL."""
    plain = UNSAFE.sub("-", name)[:LONGEST]
    return plain if plain == name else f"{plain}-{sha256(name.encode()).hexdigest()[:8]}"


def play_again(model: DuplexModel, again: Scene, folder: Path) -> tuple[Path, Path]:
    """(picture, stereo WAV with the room left and the model right) of one failure."""
    folder.mkdir(parents=True, exist_ok=True)
    room = play_room(Engine(model, 1), again)
    trace, rate = room.trace(), model.clock.input_rate

    def caption(segment: Segment) -> Caption:
        return Caption(segment.speaker, segment.text, segment.start / rate, segment.end / rate)

    picture, sound = (folder / f"{file_name(trace.id)}{ending}" for ending in (".png", ".wav"))
    seconds = model.clock.seconds(len(room.moments))
    draw(picture, room.moments, seconds, room.session.answers, model.clock, tuple(map(caption, trace.segments)), trace.id[:LONGEST])
    if model.clock.output_rate == rate:
        write_wav(sound, np.stack([trace.environment, trace.assistant], axis=1), rate)
    else:
        write_wav(sound, trace.assistant, model.clock.output_rate)
    return picture, sound
