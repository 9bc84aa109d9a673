"""Suites: which conditions they play, and what is kept of every dialogue. Finished parts are kept on disk, so a killed run goes on."""

import json
import logging
import os
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import astuple, dataclass
from enum import StrEnum
from functools import cache, lru_cache
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress, TimeElapsedColumn

from parley.data.voices import HELD_OUT_SHARES
from parley.data.world.world import FULL, world
from parley.eval import scenarios
from parley.eval.baselines import Baseline, CascadeConfig, baseline
from parley.eval.inputs.bench import ANNOTATIONS, OVERLAPS
from parley.eval.inputs.heard import detector
from parley.eval.inputs.item import Item
from parley.eval.inputs.outcomes import QUESTIONS, TASKS, UNREAD, Source, play_items, read_human, why
from parley.eval.inputs.read import read_inputs
from parley.eval.judge import Endpoint, Judge, rate, with_verdicts_of
from parley.eval.metrics.words import word_errors
from parley.eval.outcomes import Judging, Outcome, judge, rating_of
from parley.eval.recognisers import RATE, recogniser, vocabulary_recogniser
from parley.eval.rollout import Scene, rollout
from parley.eval.scenarios import Condition, not_installed, scene, scene_name, voices
from parley.models.checkpoint import digest, find_model, load_model
from parley.models.duplex import DuplexModel
from parley.runtime.engine import Engine

logger = logging.getLogger(__name__)

PLAYED = "played"  # the folder for what is played to items of Full-Duplex-Bench
ROWS = 16  # in lockstep at most; a group of dialogues has the same shapes in every pass whatever `jobs`
SHARD = 100  # dialogues of one condition and seed that are played together
# Code that makes no outcome:
NO_OUTCOME = ("cli.py", "commands", "recipes.py", "train", "runtime/serve", "runtime/web", "eval/report", "eval/values.py")
DIALOGUES = 300  # of a condition and seed, unless another number is asked for


class Suite(StrEnum):
    TURN_TAKING = "turn_taking"
    BARGE_IN = "barge_in"
    PAUSE = "pause"
    SPOKEN_QA = "spoken_qa"
    MULTI_TURN = "multi_turn"
    ROBUSTNESS = "robustness"
    LATENCY = "latency"
    LONG = "long"
    ECHO = "echo"  # the conditions that a baseline is set beside the model in ...
    TURNS = "turns"  # ... and those that tell how long a cascade should wait
    FULL = "full"  # of a model of the world `full` alone
    ALL = "all"
    INPUTS = "inputs"  # what a user brings


SUITES: dict[Suite, tuple[Condition, ...]] = {
    Suite.TURN_TAKING: (scenarios.KNOWN, scenarios.TALK),
    Suite.PAUSE: (scenarios.PAUSE, scenarios.PATIENT, scenarios.PATIENT_PAUSE),
    Suite.SPOKEN_QA: (scenarios.KNOWN, scenarios.HELD_OUT, scenarios.ENGINE, scenarios.ORACLE, scenarios.UNKNOWN),
    Suite.BARGE_IN: (*scenarios.STOPS, *scenarios.CONTEXTS),
    Suite.MULTI_TURN: (scenarios.MULTI_TURN,),
    Suite.ROBUSTNESS: (scenarios.KNOWN, *scenarios.ROBUSTNESS),
    Suite.LATENCY: (scenarios.LATENCY,),
    Suite.LONG: (scenarios.LONG,),
    Suite.FULL: (*scenarios.NEWS, scenarios.BARGE_IN_ECHO, scenarios.BARGE_IN_ECHO_ROOM, *scenarios.RELATEDS, scenarios.LATENCY),
}
SUITES[Suite.ALL] = tuple(dict.fromkeys(condition for conditions in SUITES.values() for condition in conditions))
SUITES[Suite.ECHO] = scenarios.STOPS
SUITES[Suite.TURNS] = (scenarios.KNOWN, scenarios.PAUSE)
SUITES[Suite.INPUTS] = tuple(TASKS.values())


@dataclass(frozen=True)
class Plan:
    """What is measured: so many `dialogues` of every seed in every condition of the suite, or what `source` holds."""

    suite: Suite
    model: str  # a shipped name or a directory
    dialogues: int | None = None  # None: DIALOGUES, or in the suites of all conditions and of echo what these say
    seeds: tuple[int, ...] = (0,)
    baseline: Baseline | None = None  # what plays in the model's place
    cascade: CascadeConfig = CascadeConfig()  # when it takes the turn, where it is a cascade
    judging: Judging = Judging()
    endpoint: Endpoint | None = None  # of the judge that gives a GPTScore
    source: Source | None = None  # of the suite of inputs
    device: str = "cpu"  # that the model is on


def play(
    model: DuplexModel, condition: Condition, seed: int, indices: Iterable[int], rows: int, judging: Judging = Judging()  # noqa: B008
) -> Iterator[Outcome]:
    """The outcome of each of these scenes as soon as it is judged, then what a voice cannot say. {"id", "seed", "failed": why} of that, and
    of what cannot be judged."""
    index_of: dict[str, int] = {}
    unspoken: list[Outcome] = []

    def failed(index: int, error: Exception) -> Outcome:
        return {"id": scene_name(condition, seed, index), "seed": seed, "index": index, "failed": why(error)}

    def scenes() -> Iterator[Scene]:
        for index in indices:
            try:
                coming = scene(condition, seed, index, model.clock, model.world)
            except ValueError as error:
                unspoken.append(failed(index, error))
                continue
            index_of[coming.id] = index
            yield coming

    for trace in rollout(Engine(model, rows), scenes()):
        index = index_of[trace.id]
        try:
            outcome = judge(model, condition, seed, index, trace, judging)
        except Exception as error:  # of whatever kind: recognisers and raters are not ours
            outcome = failed(index, error)
        yield outcome
    yield from unspoken


def player(plan: Plan) -> DuplexModel:
    """What plays: the model, or what takes its place."""
    return loaded(find_model(plan.model), plan.baseline, plan.cascade, plan.device)


@lru_cache(maxsize=1)
def loaded(directory: Path, instead: Baseline | None, cascade: CascadeConfig, device: str) -> DuplexModel:
    """Once a process."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    model = load_model(directory)
    return (model if instead is None else baseline(instead, model, cascade)).to(device)


@dataclass(frozen=True)
class Shard:
    """Dialogues that are played together: scenes of a condition, or `items` that count in it."""

    condition: Condition
    seed: int
    indices: range
    items: tuple[Item, ...] = ()

    @property
    def ids(self) -> list[str]:
        """Of its dialogues, in their order."""
        return [item.id for item in self.items] or [scene_name(self.condition, self.seed, index) for index in self.indices]


def play_shard(plan: Plan, shard: Shard, out: Path) -> list[Outcome]:
    """`play` in whatever process this is, which writes what it has finished, whatever becomes of the others.

    Every outcome is kept as soon as it is judged. What an earlier run judged is not played again: a row's bits do not depend on the others.
    What failed in it is: a voice may be there by now, a recogniser may not break down again.
    """
    model = player(plan)
    rows = 1 if shard.condition.timed else min(ROWS, len(shard.indices))
    unfinished = shard_file(out, shard).with_suffix(".jsonl")
    kept = [*(finished_shard(out, plan, shard) or []), *go_on(unfinished, identity(plan, shard))]
    outcomes = {outcome["id"]: outcome for outcome in kept if "failed" not in outcome}
    if plan.source:
        items = [item for item in shard.items if item.id not in outcomes]
        playing = play_items(model, items, plan.source, rows, plan.judging, out / PLAYED)
    else:
        indices = [index for index, name in zip(shard.indices, shard.ids) if name not in outcomes]
        playing = play(model, shard.condition, shard.seed, indices, rows, plan.judging)
    with unfinished.open("a") as file:
        for outcome in playing:
            file.write(json.dumps(outcome) + "\n")
            file.flush()
            outcomes[outcome["id"]] = outcome
    in_order = [outcomes[name] for name in shard.ids]
    write_shard(out, plan, shard, in_order)
    unfinished.unlink()
    return in_order


def conditions_of(plan: Plan) -> tuple[Condition, ...]:
    """Those that the model's world has. ValueError where that is none of what the suite is for."""
    world = FULL if plan.suite == Suite.INPUTS else player(plan).world
    if plan.suite == Suite.FULL and world != FULL:
        raise ValueError(f"{plan.model} was trained on the world {world!r}; the suite full asks for the world {FULL!r}, take another suite")
    return tuple(condition for condition in SUITES[plan.suite] if world == FULL or not condition.full)


def parts(count: int) -> list[range]:
    return [range(start, min(start + SHARD, count)) for start in range(0, count, SHARD)]


def shards_of(plan: Plan) -> list[Shard]:
    """The longest dialogues first, so that no process is left alone with them; then those with the same scenes one after the other, which
    are spoken only once where one process plays them."""
    conditions = conditions_of(plan)
    order = [condition.like or condition.name for condition in conditions]
    shards = []
    for condition in conditions:
        dialogues = plan.dialogues or (condition.in_all if plan.suite in (Suite.ALL, Suite.ECHO) else DIALOGUES)
        dialogues = min(dialogues, condition.most or dialogues)
        shards += [Shard(condition, seed, part) for seed in plan.seeds for part in parts(dialogues)]

    def place(shard: Shard) -> tuple[float, int, int, int]:
        mine = shard.condition
        return -mine.limit_s, order.index(mine.like or mine.name), shard.seed, shard.indices.start

    return sorted(shards, key=place)


def shards_of_inputs(items: tuple[Item, ...]) -> list[Shard]:
    by_task = {task: tuple(item for item in items if item.task == task) for task in dict.fromkeys(item.task for item in items)}
    return [Shard(TASKS[task], 0, part, mine[part.start : part.stop]) for task, mine in by_task.items() for part in parts(len(mine))]


def check(plan: Plan) -> None:
    """ValueError for what is missing or cannot be, before the work begins."""
    if min(plan.seeds) < 0 or len({*plan.seeds}) < len(plan.seeds):
        raise ValueError(f"--seeds are {' '.join(map(str, plan.seeds))}; give numbers of 0 or more, each once")
    silence = np.zeros(RATE, dtype=np.float32)
    if vocabulary := plan.judging.vocabulary:
        recogniser(plan.judging.recogniser, None, vocabulary)
        if unknown := ", ".join(sorted(vocabulary_recogniser(vocabulary).unknown)):
            logger.warning(f"{vocabulary}: pocketsphinx does not know {unknown}; lines with them cannot be heard")
    word_errors("", "")
    for condition in conditions_of(plan) if plan.source is None else ():
        voices(condition)
        if condition in scenarios.HEARD:
            world = player(plan).world
            recogniser(plan.judging.recogniser, world, plan.judging.vocabulary).hear(silence, RATE)
    if missing := without(plan):
        logger.warning(missing)
    if plan.source:
        recogniser(plan.judging.recogniser, None, plan.judging.vocabulary).hear(silence, RATE)
        read_human(plan.source.human)
    rating_of(np.sin(np.arange(RATE, dtype=np.float32)), RATE, plan.judging)
    if plan.endpoint:
        Judge(plan.endpoint).check()
    if plan.baseline:
        player(plan)


def check_inputs(source: Source, tasks: set[str]) -> None:
    """ValueError for what these items cannot be played or judged with."""
    if source.oracle and (others := sorted(tasks - {*QUESTIONS})):
        raise ValueError(f"{source.path}: --oracle is for question files, this is {', '.join(others)}; leave it out")
    if tasks & {*ANNOTATIONS, *OVERLAPS}:
        detector()


def without(plan: Plan) -> str:
    """Which voices these figures do without; empty where all are there."""
    engines = not_installed(conditions_of(plan)) if plan.source is None else []
    named = ", ".join(engines)
    return f"without the held-out voices of {named}: not installed; figures of machines that have them are others" if engines else ""


def measure(plan: Plan, out: Path, jobs: int) -> tuple[dict[Condition, list[Outcome]], dict[str, str]]:
    """Plays the shards that `out` does not hold yet, in `jobs` processes; what is timed comes last and alone. Then asks the judge. Gives
    all outcomes, and the identity of every shard by the name of its file."""
    check(plan)
    unread: list[Outcome] = []
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn()) as progress:
        bar = progress.add_task(f"eval {plan.suite}", total=None)
        if plan.source:
            clock = player(plan).clock
            inputs = read_inputs(plan.source.path, clock, plan.source.voice, plan.source.limit)
            check_inputs(plan.source, {item.task for item in inputs.items})
            unread = [{"id": failed.id, "seed": 0, "failed": failed.reason} for failed in inputs.failed]
            shards = shards_of_inputs(inputs.items)
        else:
            shards = shards_of(plan)
        done = {shard: outcomes for shard in shards if (outcomes := read_shard(out, plan, shard)) is not None}
        progress.update(bar, total=sum(len(shard.indices) for shard in shards), completed=sum(map(len, done.values())))
        for timed in (False, True):
            waiting = [shard for shard in shards if shard not in done and shard.condition.timed == timed]
            with closing(play_shards(plan, waiting, out, 1 if timed else jobs)) as playing:
                for shard, outcomes in playing:
                    done[shard] = outcomes
                    progress.update(bar, description=f"{shard.condition.name}, seed {shard.seed}", advance=len(outcomes))
        if plan.endpoint:
            ask(Judge(plan.endpoint), plan, out, done, progress)
    played = {condition: list[Outcome]() for condition in SUITES[plan.suite]} | {UNREAD: unread}
    for shard in sorted(shards, key=lambda shard: (shard.seed, shard.indices.start)):
        played[shard.condition] += [with_verdicts_of(plan.endpoint, outcome) for outcome in done[shard]]
    identities = {shard_file(out, shard).name: identity(plan, shard) for shard in shards}
    return {condition: outcomes for condition, outcomes in played.items() if outcomes}, identities


def ask(judge: Judge, plan: Plan, out: Path, done: dict[Shard, list[Outcome]], progress: Progress) -> None:
    """Every score is kept as soon as it is given."""
    bar = progress.add_task("GPTScore", total=sum(map(len, done.values())))
    for shard, outcomes in done.items():
        for _ in rate(judge, outcomes):
            write_shard(out, plan, shard, outcomes)
        progress.advance(bar, len(outcomes))


def play_shards(plan: Plan, shards: list[Shard], out: Path, jobs: int) -> Generator[tuple[Shard, list[Outcome]], None, None]:
    """Each as soon as it is finished and written. What is in a shard does not depend on `jobs`.

    Where one fails, or the run is stopped, no other is begun; those that are being played are finished.
    """
    if jobs == 1:
        yield from ((shard, play_shard(plan, shard, out)) for shard in shards)
        return
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    try:
        shard_of = {pool.submit(play_shard, plan, shard, out): shard for shard in shards}
        yield from ((shard_of[future], future.result()) for future in as_completed(shard_of))
    except BrokenProcessPool as error:
        raise ValueError(f"{out}: a worker was killed, perhaps for memory; the same command goes on, with fewer --jobs") from error
    finally:
        pool.shutdown(cancel_futures=True)


def identity(plan: Plan, shard: Shard) -> str:
    """Of what played, what was said to it, how it was judged, and the code of all that. Files count by what is in them; the digest of the
    model's config.json holds those of its weights."""
    playing = (digest(find_model(plan.model) / "config.json"), plan.device, plan.baseline, plan.cascade)
    played = (code(), *playing, plan.judging, shard.condition)
    if plan.source:
        said = (plan.source.echo, contents(plan.source.human), plan.source.oracle, shard.items)
    else:
        said = (voices(shard.condition), HELD_OUT_SHARES, said_in(player(plan).world))
    hears = contents(plan.judging.vocabulary), contents(Path(plan.judging.recogniser)), contents(plan.judging.utmos)
    return sha256(repr((*played, *said, *hears)).encode()).hexdigest()


@cache
def contents(path: Path | None) -> str:
    """The digest of a file, or of all files in a directory; of the name of something else none."""
    files = sorted(path.iterdir()) if path and path.is_dir() else [path]
    return sha256("".join(f"{file.name} {digest(file)}\n" for file in files if file and file.is_file()).encode()).hexdigest()


@cache
def code() -> str:
    """The digest of the sources that make an outcome: all of the package but those that only train, serve, command or report."""
    package = Path(__file__).parent.parent
    rooms = [package / room for room in NO_OUTCOME]
    sources = sorted(file for pattern in ("*.py", "*.c", "*.h") for file in package.rglob(pattern) if not {*rooms} & {file, *file.parents})
    return sha256("".join(f"{file.relative_to(package).as_posix()} {digest(file)}\n" for file in sources).encode()).hexdigest()


@cache
def said_in(name: str) -> str:
    """The digest of all that can be asked and said in the world `name`."""
    return sha256(repr(astuple(world(name))).encode()).hexdigest()


def shard_file(out: Path, shard: Shard) -> Path:
    part = shard.indices
    return out / "outcomes" / f"{shard.condition.name}-{shard.seed}-{part.start:04d}-{part.stop:04d}.json"


def read_shard(out: Path, plan: Plan, shard: Shard) -> list[Outcome] | None:
    """What an earlier run measured, if nothing failed in it."""
    outcomes = finished_shard(out, plan, shard)
    return None if outcomes is None or any("failed" in outcome for outcome in outcomes) else outcomes


def finished_shard(out: Path, plan: Plan, shard: Shard) -> list[Outcome] | None:
    """What an earlier run measured, if it was this model and the same that it heard."""
    file = shard_file(out, shard)
    return kept_in(file, file.read_bytes(), identity(plan, shard)) if file.exists() else None


def kept_in(file: Path, content: str | bytes, wanted: str) -> list[Outcome] | None:
    """The outcomes in the content of `file`, if they are of the identity `wanted`; a damaged one is named."""
    try:
        match json.loads(content):
            case {"model": made_by, "outcomes": list(kept)} if all(isinstance(one, dict) and "id" in one for one in kept):
                return kept if made_by == wanted else None
    except ValueError:
        pass
    logger.warning(f"{file}: is damaged; what it held is played again")
    return None


def go_on(file: Path, wanted: str) -> list[Outcome]:
    """What the `file` of an unfinished shard holds, if its first line is the identity `wanted`; it is cut to that, or begun."""
    lines = file.read_text(errors="replace").splitlines(keepends=True) if file.exists() else []
    whole = [line for line in lines[1:] if line.endswith("\n")] if lines[:1] == [wanted + "\n"] else []  # the last one may be torn
    kept = kept_in(file, f'{{"model": "{wanted}", "outcomes": [{",".join(whole)}]}}', wanted) or []
    replace_file(file, "".join([wanted + "\n", *(whole if kept else [])]))
    return kept


def write_shard(out: Path, plan: Plan, shard: Shard, outcomes: list[Outcome]) -> None:
    replace_file(shard_file(out, shard), json.dumps({"model": identity(plan, shard), "outcomes": outcomes}))


def replace_file(file: Path, text: str) -> None:
    """All of it or nothing, whenever the process ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(".part")
    half.write_text(text)
    os.replace(half, file)
