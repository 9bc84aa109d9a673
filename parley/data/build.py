"""Builds a folder of dialogues: many processes, the same result for every number of them, resumable after a kill."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from parley.data import manifest
from parley.data.mixing import MIXES, MixConfig, mix
from parley.data.voices import HELD_OUT_ENGINE_VOICES, HELD_OUT_VOICES, TRAINING_VOICES, Voice, assistant_speech, available
from parley.dialogue import Dialogue

logger = logging.getLogger(__name__)

VOICES = {"training": TRAINING_VOICES, "held_out": HELD_OUT_VOICES, "held_out_engine": HELD_OUT_ENGINE_VOICES}


@dataclass(frozen=True)
class BuildConfig:
    """What is built. Training uses the training voices, known phrasings and training events; the rest is for evaluation."""

    n: int
    seed: int = 0
    mix: str = "stage1"  # a name of `mixing.MIXES`
    voices: str = "training"  # training | held_out | held_out_engine
    held_out_phrasings: bool = False
    evaluation_events: bool = False
    pause_s: tuple[float, float] = (0.2, 1.0)
    domains: tuple[str, ...] = ()  # of the questions; empty for all
    shard: int = 64  # dialogues a file of the manifest while it grows

    def __post_init__(self) -> None:
        for value, choices in ((self.mix, MIXES), (self.voices, VOICES)):
            if value not in choices:
                raise ValueError(f"{value!r} is not one of {', '.join(choices)}")
        if self.n < 1:
            raise ValueError(f"n is {self.n}; ask for at least one dialogue")


def build(out: Path, config: BuildConfig, jobs: int = 1) -> Path:
    """Builds `config.n` dialogues below `out`, or what is missing of them, and returns the path of the manifest.

    A dialogue that cannot be made (a voice fails at a text) is reported and left out.
    """
    voices = available(VOICES[config.voices])
    if not voices:
        raise ValueError(f"none of the engines of the {config.voices} voices works here; pip install 'parley[voices]'")
    if missing := {voice.engine for voice in VOICES[config.voices]} - {voice.engine for voice in voices}:
        logger.warning("without the voices of %s: not installed", ", ".join(sorted(missing)))
    _claim(out, config, voices)
    shards = range(-(-config.n // config.shard))
    todo = [shard for shard in shards if not (out / _shard_name(shard)).exists()]
    columns = (TextColumn("dialogues"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("", total=config.n, completed=config.n - sum(len(_indices(config, shard)) for shard in todo))
        for shard, failures in _build_shards(out, config, voices, todo, jobs):
            for failure in failures:
                logger.warning(failure)
            progress.advance(task, len(_indices(config, shard)))
    return _join(out, shards, config.n)


def _build_shards(
    out: Path, config: BuildConfig, voices: tuple[Voice, ...], shards: list[int], jobs: int
) -> Iterator[tuple[int, list[str]]]:
    """The number of every finished shard with what failed in it."""
    if jobs == 1:
        yield from ((shard, build_shard(out, config, voices, shard)) for shard in shards)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        futures = {pool.submit(build_shard, out, config, voices, shard): shard for shard in shards}
        yield from ((futures[future], future.result()) for future in as_completed(futures))


def _claim(out: Path, config: BuildConfig, voices: tuple[Voice, ...]) -> None:
    """A folder holds one build: another one must not be mixed into it."""
    settings = json.dumps({**asdict(config), "engines": sorted({voice.engine for voice in voices})}, indent=1)
    note = out / "build.json"
    if note.exists() and note.read_text() != settings:
        raise ValueError(f"{out} holds a build with other settings, see {note}; choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    note.write_text(settings)


def _shard_name(shard: int) -> str:
    return f"shard-{shard:05d}.jsonl"


def _indices(config: BuildConfig, shard: int) -> range:
    """The dialogues of `shard`."""
    return range(shard * config.shard, min((shard + 1) * config.shard, config.n))


def build_shard(out: Path, config: BuildConfig, voices: tuple[Voice, ...], shard: int) -> list[str]:
    """Writes one shard; returns what failed, in words."""
    failures: list[str] = []
    manifest.write(_dialogues(config, voices, shard, failures), out, _shard_name(shard))
    return failures


def _dialogues(config: BuildConfig, voices: tuple[Voice, ...], shard: int, failures: list[str]) -> Iterator[Dialogue]:
    mixing = MixConfig(
        scenarios=MIXES[config.mix],
        voices=voices,
        held_out_phrasings=config.held_out_phrasings,
        evaluation_events=config.evaluation_events,
        domains=config.domains,
        pause_s=config.pause_s,
    )
    for index in _indices(config, shard):
        name = f"{config.mix}-{config.seed}-{index:06d}"
        try:
            yield mix(mixing, name, np.random.default_rng([config.seed, index]), assistant_speech)
        except ValueError as error:
            failures.append(f"{name} is left out: {error}")


def _join(out: Path, shards: range, n: int) -> Path:
    """All shards in order as the one manifest."""
    whole, count = out / f"{manifest.MANIFEST}.part", 0
    with whole.open("wb") as file:
        for shard in shards:
            lines = (out / _shard_name(shard)).read_bytes()
            count += lines.count(b"\n")
            file.write(lines)
    if count < n:
        logger.warning("%d of %d dialogues failed and are left out", n - count, n)
    return whole.replace(out / manifest.MANIFEST)
