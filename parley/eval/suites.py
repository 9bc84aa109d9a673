"""Suites: which conditions they play, and what is kept of every dialogue. Finished parts are kept on disk, so a killed run goes on."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import torch
from rich.progress import Progress, TimeElapsedColumn

from parley.eval import scenarios
from parley.eval.baselines import Baseline, baseline
from parley.eval.metrics.words import word_errors
from parley.eval.outcomes import Outcome, judge
from parley.eval.recognisers import world_recogniser
from parley.eval.rollout import Scene, rollout
from parley.eval.scenarios import Condition, scene, voices
from parley.models.checkpoint import digest, find_model, load_model
from parley.models.duplex import DuplexModel
from parley.runtime.engine import Engine

ROWS = 24  # in lockstep; fixed, so that the shapes of every pass are the same whatever `jobs`
SHARD = 100  # dialogues of one condition and seed that are played together


class Suite(StrEnum):
    TURN_TAKING = "turn_taking"
    BARGE_IN = "barge_in"
    PAUSE = "pause"
    SPOKEN_QA = "spoken_qa"
    MULTI_TURN = "multi_turn"
    ROBUSTNESS = "robustness"
    LATENCY = "latency"
    LONG = "long"
    ALL = "all"


SUITES: dict[Suite, tuple[Condition, ...]] = {
    Suite.TURN_TAKING: (scenarios.KNOWN,),
    Suite.PAUSE: (scenarios.PAUSE,),
    Suite.SPOKEN_QA: (scenarios.KNOWN, scenarios.HELD_OUT, scenarios.ENGINE, scenarios.ORACLE),
    Suite.BARGE_IN: (*scenarios.STOPS, *scenarios.CONTEXTS),
    Suite.MULTI_TURN: (scenarios.MULTI_TURN,),
    Suite.ROBUSTNESS: (scenarios.KNOWN, *scenarios.ROBUSTNESS),
    Suite.LATENCY: (scenarios.LATENCY,),
    Suite.LONG: (scenarios.LONG,),
}
SUITES[Suite.ALL] = tuple(dict.fromkeys(condition for conditions in SUITES.values() for condition in conditions))


@dataclass(frozen=True)
class Plan:
    """What is measured: `dialogues` of every seed in every condition of the suite."""

    suite: Suite
    model: str  # a shipped name or a directory
    dialogues: int
    seeds: tuple[int, ...]
    baseline: Baseline | None = None  # what plays in the model's place


def play(model: DuplexModel, condition: Condition, seed: int, indices: range, rows: int) -> list[Outcome]:
    """The outcomes of these scenes in order. A scene that a voice cannot say gives {"id", "seed", "failed": why}."""
    outcomes: dict[int, Outcome] = {}
    index_of: dict[str, int] = {}

    def scenes() -> Iterator[Scene]:
        for index in indices:
            try:
                coming = scene(condition, seed, index, model.clock)
            except ValueError as error:
                outcomes[index] = {"id": f"{condition.name}-{seed}-{index:04d}", "seed": seed, "index": index, "failed": str(error)}
                continue
            index_of[coming.id] = index
            yield coming

    for trace in rollout(Engine(model, rows), scenes()):
        index = index_of[trace.id]
        outcomes[index] = judge(model, condition, seed, index, trace)
    return [outcomes[index] for index in indices]


@lru_cache(maxsize=1)
def loaded(directory: Path, instead: Baseline | None) -> DuplexModel:
    """Once a process."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    model = load_model(directory)
    return model if instead is None else baseline(instead, model)


def play_shard(directory: Path, instead: Baseline | None, condition: Condition, seed: int, indices: range) -> list[Outcome]:
    """`play` in whatever process this is."""
    return play(loaded(directory, instead), condition, seed, indices, rows=1 if condition.timed else ROWS)


Shard = tuple[Condition, int, range]  # condition, seed, indices


def shards_of(plan: Plan) -> list[Shard]:
    shards = []
    for condition in SUITES[plan.suite]:
        dialogues = min(plan.dialogues, condition.most or plan.dialogues)
        parts = [range(start, min(start + SHARD, dialogues)) for start in range(0, dialogues, SHARD)]
        shards += [(condition, seed, part) for seed in plan.seeds for part in parts]
    return shards


def measure(plan: Plan, out: Path, jobs: int) -> dict[Condition, list[Outcome]]:
    """Plays the shards that `out` does not hold yet, in `jobs` processes; what is timed comes last and alone."""
    directory, conditions = find_model(plan.model), SUITES[plan.suite]
    for condition in conditions:
        voices(condition)  # a voice or a recogniser that is missing is said before the work begins
    if scenarios.KNOWN in conditions:
        world_recogniser()
        word_errors("", "")
    if plan.baseline:
        loaded(directory, plan.baseline)
    model = digest(directory / "config.json") + (f" {plan.baseline}" if plan.baseline else "")
    shards = shards_of(plan)
    done = {shard: outcomes for shard in shards if (outcomes := read_shard(shard_file(out, shard), model)) is not None}
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn()) as progress:
        bar = progress.add_task(f"eval {plan.suite}", total=sum(len(indices) for _, _, indices in shards))
        progress.advance(bar, sum(map(len, done.values())))
        for timed in (False, True):
            waiting = [shard for shard in shards if shard not in done and shard[0].timed == timed]
            for shard, outcomes in play_shards(directory, plan.baseline, waiting, 1 if timed else jobs):
                write_shard(shard_file(out, shard), model, outcomes)
                done[shard] = outcomes
                progress.update(bar, description=f"{shard[0].name}, seed {shard[1]}", advance=len(outcomes))
    return {condition: [outcome for shard in shards if shard[0] == condition for outcome in done[shard]] for condition in conditions}


def play_shards(directory: Path, instead: Baseline | None, shards: list[Shard], jobs: int) -> Iterator[tuple[Shard, list[Outcome]]]:
    """Each as soon as it is finished. What is in a shard does not depend on `jobs`."""
    if jobs == 1:
        yield from ((shard, play_shard(directory, instead, *shard)) for shard in shards)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        shard_of = {pool.submit(play_shard, directory, instead, *shard): shard for shard in shards}
        yield from ((shard_of[future], future.result()) for future in as_completed(shard_of))


def shard_file(out: Path, shard: Shard) -> Path:
    condition, seed, indices = shard
    return out / "outcomes" / f"{condition.name}-{seed}-{indices.start:04d}-{indices.stop:04d}.json"


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
