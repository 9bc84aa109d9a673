"""The worst failures, played again: a picture and the sound of each. A scene is a pure function of its condition, seed and index."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path

import numpy as np
import soundfile

from parley.dialogue import Segment
from parley.eval.metrics.turn_taking import Ending, Start
from parley.eval.outcomes import Outcome
from parley.eval.report.lines import Measured
from parley.eval.rollout import play_room
from parley.eval.scenarios import Condition, scene
from parley.eval.suites import SUITES, Suite
from parley.models.duplex import DuplexModel
from parley.runtime.engine import Engine
from parley.runtime.picture import Caption, draw

MOST = 8


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
    seed: int
    index: int
    why: str


def failures(measured: Measured) -> list[Failure]:
    """The first of each kind, in the order of `Wrong`, then the second of each, and so on: every condition once in a kind."""
    found: dict[Wrong, dict[str, Failure]] = {kind: {} for kind in Wrong}
    for condition in SUITES[Suite.ALL]:
        for outcome in measured.get(condition, []) if not condition.most else ():  # half an hour is too long to look at
            for kind, why in problems(outcome):
                found[kind].setdefault(condition.name, Failure(condition, outcome["seed"], outcome["index"], f"{kind}: {why}"))
    rounds = zip_longest(*(each.values() for each in found.values()))
    return [failure for each in rounds for failure in each if failure is not None][:MOST]


def problems(outcome: Outcome) -> Iterator[tuple[Wrong, str]]:
    """(what was wrong, in which case) of one dialogue."""
    start = outcome.get("turn", {}).get("start")
    if "barge_in" in outcome:
        ending = Ending(outcome["barge_in"]["ending"])
        if ending == Ending.WENT_ON and outcome["positive"]:
            yield Wrong.MISSED, outcome["event"]
        if ending == Ending.YIELDED and not outcome["positive"]:
            yield Wrong.FALSE, outcome["event"]
        if ending == Ending.STOPPED_BEFORE:
            yield Wrong.GAVE_UP, "nothing had been said"
    if outcome.get("answered"):
        yield Wrong.UNASKED, outcome["question"]
    if start == Start.EARLY:
        yield Wrong.EARLY, outcome.get("pause", outcome["question"])
    elif start == Start.NEVER:
        yield Wrong.NEVER, outcome["question"]
    elif outcome.get("correct") is False:
        yield Wrong.ANSWER, f"expected {outcome['expected']}"


def play_again(model: DuplexModel, failure: Failure, folder: Path) -> tuple[Path, Path]:
    """(picture, stereo WAV with the room left and the model right) of one failure."""
    folder.mkdir(parents=True, exist_ok=True)
    room = play_room(Engine(model, 1), scene(failure.condition, failure.seed, failure.index, model.clock, model.world))
    trace, rate = room.trace(), model.clock.input_rate

    def caption(segment: Segment) -> Caption:
        return Caption(segment.speaker, segment.text, segment.start / rate, segment.end / rate)

    picture, sound = (folder / f"{trace.id}{ending}" for ending in (".png", ".wav"))
    seconds = model.clock.seconds(len(room.moments))
    draw(picture, room.moments, seconds, room.session.answers, model.clock, tuple(map(caption, trace.segments)))
    if model.clock.output_rate == rate:
        soundfile.write(sound, np.stack([trace.environment, trace.assistant], axis=1), rate, subtype="PCM_16")
    else:
        soundfile.write(sound, trace.assistant, model.clock.output_rate, subtype="PCM_16")
    return picture, sound
