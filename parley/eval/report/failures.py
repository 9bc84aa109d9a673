"""The worst failures, played again: a picture and the sound of each. A scene is a pure function of its condition, seed and index."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from parley.dialogue import Segment
from parley.eval.metrics.turn_taking import Ending, Pause, Start
from parley.eval.outcomes import Outcome
from parley.eval.report.lines import Measured
from parley.eval.rollout import play_room
from parley.eval.scenarios import Condition, scene
from parley.eval.suites import SUITES, Suite
from parley.models.duplex import DuplexModel
from parley.runtime.engine import Engine
from parley.runtime.picture import Caption, draw

MOST = 8


@dataclass(frozen=True)
class Failure:
    condition: Condition
    seed: int
    index: int
    why: str


def failures(measured: Measured) -> list[Failure]:
    """One of each kind and condition of the suites, the worst first."""
    found: dict[tuple[str, str], Failure] = {}
    for condition in SUITES[Suite.ALL]:
        for outcome in measured.get(condition, []):
            for badness, why in problems(outcome):
                kind = f"{badness} {why.split(':')[0]}"
                found.setdefault((kind, condition.name), Failure(condition, outcome["seed"], outcome["index"], why))
    short = [found[key] for key in sorted(found) if not found[key].condition.most]  # half an hour is too long to look at
    return short[:MOST]


def problems(outcome: Outcome) -> Iterator[tuple[int, str]]:
    """(how bad, 0 is worst; what was wrong) of one dialogue."""
    if "barge_in" in outcome:
        ending = Ending(outcome["barge_in"]["ending"])
        if ending == Ending.WENT_ON and outcome["positive"]:
            yield 0, f"did not stop: {outcome['event']}"
        if ending == Ending.YIELDED and not outcome["positive"]:
            yield 0, f"stopped for nothing: {outcome['event']}"
        if ending == Ending.STOPPED_BEFORE:
            yield 0, "gave its answer up: nothing had been said"
    if outcome.get("pause", Pause.NONE) != Pause.NONE:
        yield 1, f"spoke in the question: {outcome['pause']}"
    if outcome.get("turn", {}).get("start") == Start.NEVER:
        yield 1, f"kept silent: {outcome['question']}"
    if outcome.get("answered"):
        yield 1, f"answered what nobody asked: {outcome['question']}"
    if outcome.get("correct") is False:
        yield 2, f"answered wrongly: expected {outcome['expected']}"


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
