"""Suites: which conditions they play, and what is kept of every dialogue. Finished parts are kept on disk, so a killed run goes on."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress, TimeElapsedColumn

from parley.dialogue import Speaker
from parley.eval.metrics.latency import latency, streaming
from parley.eval.metrics.spoken_qa import correct, spoken, world_recogniser
from parley.eval.metrics.turn_taking import barge_in, first_answer, pause, question_of, turn
from parley.eval.rollout import Scene, Trace, rollout
from parley.eval.scenarios import Condition, fact_of, scene, voices
from parley.models.checkpoint import digest, find_model, load_model
from parley.models.duplex import DuplexModel
from parley.models.salmonn_omni import SalmonnOmni
from parley.runtime.engine import Engine

ROWS = 24  # in lockstep; fixed, so that the shapes of every pass are the same whatever `jobs`
SHARD = 100  # dialogues of one condition and seed that are played together
OPEN_DIALOGUES = 50  # a seed: how many answers the open recogniser hears (it is slow)

Outcome = dict[str, Any]  # of one dialogue, ready for JSON


class Suite(StrEnum):
    TURN_TAKING = "turn_taking"
    PAUSE = "pause"
    SPOKEN_QA = "spoken_qa"
    BARGE_IN = "barge_in"
    LATENCY = "latency"
    STREAMING = "streaming"
    ALL = "all"


CONDITIONS = {
    Suite.TURN_TAKING: (Condition.KNOWN,),
    Suite.PAUSE: (Condition.PAUSE,),
    Suite.SPOKEN_QA: (Condition.KNOWN, Condition.HELD_OUT, Condition.ENGINE),
    Suite.BARGE_IN: (Condition.BARGE_IN, Condition.BARGE_IN_ECHO),
    Suite.LATENCY: (Condition.LATENCY,),
    Suite.STREAMING: (Condition.LATENCY,),
    Suite.ALL: tuple(Condition),
}
TIMED = (Condition.LATENCY,)  # one row an engine, and no other process beside it


@dataclass(frozen=True)
class Plan:
    """What is measured: `dialogues` of every seed in every condition of the suite."""

    suite: Suite
    model: str  # a shipped name or a directory
    dialogues: int
    seeds: tuple[int, ...]


def judge(model: DuplexModel, condition: Condition, seed: int, index: int, trace: Trace) -> Outcome:
    """All that is kept of one dialogue."""
    question, fact = question_of(trace), fact_of(condition, seed, index)
    outcome: Outcome = {
        "id": trace.id,
        "seed": seed,
        "index": index,
        "domain": fact.domain,
        "question": question.text,
        "voice": question.voice,
        "answers": [asdict(answer) for answer in trace.answers],
        "question_end": question.end,
    }
    match condition:
        case Condition.KNOWN | Condition.HELD_OUT | Condition.ENGINE:
            answer = first_answer(trace, question)
            text = answer.text if answer else ""
            outcome |= {"turn": asdict(turn(trace)), "correct": correct(text, fact.keywords), "expected": fact.answer}
            if condition == Condition.KNOWN and answer:
                speech, rate = trace.speech(answer), trace.clock.output_rate
                outcome["spoken"] = asdict(spoken(text, fact.keywords, speech, rate, openly=index < OPEN_DIALOGUES))
        case Condition.PAUSE:
            outcome |= {"turn": asdict(turn(trace)), "pause": pause(trace)}
        case Condition.BARGE_IN | Condition.BARGE_IN_ECHO:
            outcome |= {"barge_in": asdict(barge_in(trace)), "positive": index % 2 == 0}
            for event in trace.segments[1:]:
                outcome |= {"event": event.text, "event_start": event.start, "third_speaker": event.speaker == Speaker.OTHER}
        case Condition.LATENCY:
            outcome |= asdict(latency(trace))
            if isinstance(model, SalmonnOmni):
                outcome |= asdict(streaming(model, trace, np.random.default_rng([seed, index])))
    return outcome


def play(model: DuplexModel, condition: Condition, seed: int, indices: range, rows: int) -> list[Outcome]:
    """The outcomes of these scenes in order. A scene that a voice cannot say gives {"id", "seed", "failed": why}."""
    outcomes: dict[int, Outcome] = {}
    index_of: dict[str, int] = {}

    def scenes() -> Iterator[Scene]:
        for index in indices:
            try:
                coming = scene(condition, seed, index, model.clock)
            except ValueError as error:
                outcomes[index] = {"id": f"{condition}-{seed}-{index:04d}", "seed": seed, "index": index, "failed": str(error)}
                continue
            index_of[coming.id] = index
            yield coming

    for trace in rollout(Engine(model, rows), scenes()):
        index = index_of[trace.id]
        outcomes[index] = judge(model, condition, seed, index, trace)
    return [outcomes[index] for index in indices]


@lru_cache(maxsize=1)
def loaded(directory: Path) -> DuplexModel:
    """Once a process."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    return load_model(directory)


def play_shard(directory: Path, condition: Condition, seed: int, indices: range) -> list[Outcome]:
    """`play` in whatever process this is."""
    return play(loaded(directory), condition, seed, indices, rows=1 if condition in TIMED else ROWS)


Shard = tuple[Condition, int, range]  # condition, seed, indices


def measure(plan: Plan, out: Path, jobs: int) -> dict[Condition, list[Outcome]]:
    """Plays the shards that `out` does not hold yet, in `jobs` processes; what is timed comes last and alone."""
    directory, conditions = find_model(plan.model), CONDITIONS[plan.suite]
    for condition in conditions:
        voices(condition)  # a voice or a recogniser that is missing is said before the work begins
    if Condition.KNOWN in conditions:
        world_recogniser()
    model = digest(directory / "config.json")
    indices = [range(start, min(start + SHARD, plan.dialogues)) for start in range(0, plan.dialogues, SHARD)]
    shards = [(condition, seed, part) for condition in conditions for seed in plan.seeds for part in indices]
    done = {shard: outcomes for shard in shards if (outcomes := read_shard(shard_file(out, shard), model)) is not None}
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn()) as progress:
        bar = progress.add_task(f"eval {plan.suite}", total=plan.dialogues * len(plan.seeds) * len(conditions))
        progress.advance(bar, sum(map(len, done.values())))
        for timed in (False, True):
            waiting = [shard for shard in shards if shard not in done and (shard[0] in TIMED) == timed]
            for shard, outcomes in play_shards(directory, waiting, 1 if timed else jobs):
                write_shard(shard_file(out, shard), model, outcomes)
                done[shard] = outcomes
                progress.update(bar, description=f"{shard[0]}, seed {shard[1]}", advance=len(outcomes))
    return {condition: [outcome for shard in shards if shard[0] == condition for outcome in done[shard]] for condition in conditions}


def play_shards(directory: Path, shards: list[Shard], jobs: int) -> Iterator[tuple[Shard, list[Outcome]]]:
    """Each as soon as it is finished. What is in a shard does not depend on `jobs`."""
    if jobs == 1:
        yield from ((shard, play_shard(directory, *shard)) for shard in shards)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        shard_of = {pool.submit(play_shard, directory, *shard): shard for shard in shards}
        yield from ((shard_of[future], future.result()) for future in as_completed(shard_of))


def shard_file(out: Path, shard: Shard) -> Path:
    condition, seed, indices = shard
    return out / "outcomes" / f"{condition}-{seed}-{indices.start:04d}-{indices.stop:04d}.json"


def read_shard(file: Path, model: str) -> list[Outcome] | None:
    """What an earlier run measured, if it was this model (the digest of its config.json, which holds those of its weights)."""
    if not file.exists():
        return None
    content = json.loads(file.read_text())
    return content["outcomes"] if content["model"] == model else None


def write_shard(file: Path, model: str, outcomes: list[Outcome]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(".part")
    half.write_text(json.dumps({"model": model, "outcomes": outcomes}))
    os.replace(half, file)
