"""Builds a folder of dialogues: many processes or machines, the same result for every number of them, resumable after a kill."""

import json
import logging
from collections.abc import Generator, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from parley.data import manifest
from parley.data.channel.channel import ChannelConfig
from parley.data.corpora.entries import Failed
from parley.data.corpora.recorded import recordings
from parley.data.corpora.script import lines_of, read_scripts, script_at
from parley.data.filling import FULL, claim
from parley.data.mixing import MIXES, MixConfig, check_mix, mix
from parley.data.remote.endpoint import PATIENCE
from parley.data.remote.speech import Down
from parley.data.shards.cluster import on_cluster
from parley.data.shards.shar import FOLDER, shard_path
from parley.data.spoken.play import play
from parley.data.voices import (
    HELD_OUT_ENGINE_VOICES,
    HELD_OUT_VOICES,
    TRAINING_VOICES,
    Voice,
    assistant_speech,
    available,
    parse_voice,
    speak,
)
from parley.data.world.world import FIRST, facts
from parley.dialogue import Dialogue

logger = logging.getLogger(__name__)

VOICES = {"training": TRAINING_VOICES, "held_out": HELD_OUT_VOICES, "held_out_engine": HELD_OUT_ENGINE_VOICES}
FAILED = "failed.jsonl"


@dataclass(frozen=True)
class BuildConfig:
    """What is built. Training uses the training voices, known phrasings and training events; the rest is for evaluation."""

    n: int = 0  # how many dialogues; of scripts 0 takes each once, and more than there are begins again with other voices
    seed: int = 0  # of all that is drawn: the same settings and seed give the same dialogues
    mix: str = "stage1"  # what happens in the dialogues, as a name of the table in docs/data.md
    voices: str = "training"  # training | held_out | held_out_engine
    held_out_phrasings: bool = False  # questions in wordings that training never hears
    evaluation_events: bool = False  # interruptions, backchannels and chat that training never hears
    pause_s: tuple[float, float] = (0.2, 1.0)  # inside a question: the shortest and the longest
    snr_db: tuple[float, float] = (5.0, 40.0)  # of the noise under the speech: the loudest and the softest noise
    quiet: float = 0.2  # share of the dialogues without any noise
    domains: tuple[str, ...] = ()  # of the questions; empty for all
    shard: int = 64  # dialogues a shard
    scripts: Path | None = None  # what is said, in place of the built-in world: a file of `parley data read` or `parley data write`
    voice: tuple[str, ...] = ()  # in place of `voices`: ENGINE:NAME, "server:URL MODEL VOICE" or recordings:FOLDER, one or more
    assistant: str = "pico:en-US"  # the assistant's voice, named alike
    channel: ChannelConfig = ChannelConfig()
    shar: bool = False  # lhotse Shar in place of a plain manifest
    world: str = FIRST  # the built-in world: first (what the shipped model was trained on) | full

    def __post_init__(self) -> None:
        for value, choices in ((self.mix, MIXES), (self.voices, VOICES)):
            if value not in choices:
                raise ValueError(f"{value!r} is not one of {', '.join(choices)}")
        check_mix(MIXES[self.mix], self.world)
        if unknown := sorted(set(self.domains) - (known := {fact.domain for fact in facts(self.world)})):
            raise ValueError(f"the world {self.world!r} has no domain {unknown[0]!r}; it has: {', '.join(sorted(known))}")
        if self.n < (0 if self.scripts else 1):
            raise ValueError(f"--n is {self.n}; ask for at least one dialogue")
        if self.shard < 1:
            raise ValueError(f"a shard of {self.shard} dialogues; give 1 or more")
        if self.seed < 0:
            raise ValueError(f"--seed is {self.seed}; give 0 or more")
        if not 0.0 <= self.pause_s[0] <= self.pause_s[1] < 60.0:
            raise ValueError(f"--pause-s is {self.pause_s[0]} {self.pause_s[1]}; give the shortest and the longest, from 0 to 60 seconds")
        if not -100.0 <= self.snr_db[0] <= self.snr_db[1] <= 200.0:
            raise ValueError(f"--snr-db is {self.snr_db[0]} {self.snr_db[1]}; give the lowest and the highest, from -100 to 200")
        if not 0.0 <= self.quiet <= 1.0:
            raise ValueError(f"--quiet is {self.quiet}; give a share from 0 to 1")

    @property
    def count(self) -> int:
        """How many dialogues are asked for. ValueError where there are no scripts to make them of."""
        if self.scripts and not lines_of(self.scripts):
            raise ValueError(f"{self.scripts}: holds no script")
        return self.n or len(lines_of(self.scripts)) if self.scripts else self.n


UNSET = BuildConfig(n=1)
NAMED_WHERE_SET = ("snr_db", "quiet", "scripts", "voice", "assistant", "channel", "shar", "world")


def build(out: Path, config: BuildConfig, jobs: int = 1, ray: bool = False) -> Path:
    """Builds the dialogues below `out`, or what is missing of them, and returns the path of the manifest or the folder of the shards.

    A dialogue that cannot be made (a voice fails at a text) is reported, left out, and listed with its reason in `failed.jsonl`.
    """
    config = replace(config, scripts=config.scripts and config.scripts.resolve(), voice=tuple(map(_resolved, config.voice)))
    shards = range(-(-config.count // config.shard))
    if config.scripts and (wrong := sum(isinstance(each, Failed) for each in read_scripts(config.scripts))):
        logger.warning("%d scripts are bad, repeat others or contradict them; `parley data check %s` names them", wrong, config.scripts)
    voices = _voices(config)
    columns = (TextColumn("dialogues"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        _claim(out, config, voices)
        todo = [shard for shard in shards if not _shard_path(out, config, shard).exists()]
        with Progress(*columns) as progress, closing(_build_shards(out, config, voices, todo, jobs, ray)) as finished:
            done = config.count - sum(len(_indices(config, shard)) for shard in todo)
            task = progress.add_task("", total=config.count, completed=done)
            for shard, failures in finished:
                for failure in failures:
                    logger.warning("%s is left out: %s", failure.id, failure.reason)
                progress.advance(task, len(_indices(config, shard)))
        return _join(out, config, shards)
    except OSError as error:
        if not isinstance(error, Down) and error.errno not in FULL:
            raise
        trouble = f"{error}; start the server" if isinstance(error, Down) else f"{out}: the disk is full; make room"
        raise ValueError(f"{trouble} and run the same command again, what is finished stays") from error


def _resolved(voice: str) -> str:
    """A folder of recordings from wherever it is asked for: another machine may work elsewhere."""
    engine, _, name = voice.partition(":")
    return f"{engine}:{Path(name).resolve()}" if engine == "recordings" else voice


def _voices(config: BuildConfig) -> tuple[Voice, ...]:
    """Those that work here; of the ones that were asked for by name every one must."""
    for voice in map(parse_voice, (*config.voice, config.assistant)):
        if voice.engine == "recordings":
            recordings(Path(voice.name))
        else:
            speak("hello", voice)
    if config.voice:
        return tuple(map(parse_voice, config.voice))
    voices = available(VOICES[config.voices])
    if not voices:
        raise ValueError(f"none of the engines of the {config.voices} voices works here; pip install -e '.[voices]'")
    if missing := {voice.engine for voice in VOICES[config.voices]} - {voice.engine for voice in voices}:
        logger.warning("without the voices of %s: not installed", ", ".join(sorted(missing)))
    return voices


def _build_shards(
    out: Path, config: BuildConfig, voices: tuple[Voice, ...], shards: list[int], jobs: int, ray: bool
) -> Generator[tuple[int, list[Failed]]]:
    """The number of every finished shard with what failed in it. Whatever ends it, no further shard is begun."""
    work = partial(build_shard, out.resolve(), config, voices)
    if ray:
        yield from on_cluster(work, shards)
    elif jobs == 1:
        yield from ((shard, work(shard)) for shard in shards)
    else:
        pool = ProcessPoolExecutor(jobs, get_context("spawn"))
        try:
            futures = {pool.submit(work, shard): shard for shard in shards}
            yield from ((futures[future], future.result()) for future in as_completed(futures))
        except BrokenProcessPool as error:
            raise ValueError(f"{out}: a worker was killed, perhaps for memory; the same command goes on, with fewer --jobs") from error
        finally:
            pool.shutdown(cancel_futures=True)


def _claim(out: Path, config: BuildConfig, voices: tuple[Voice, ...]) -> None:
    """A folder holds one build: another one must not be mixed into it. What is not set is not named, and scripts by their content."""
    given, unset = asdict(config), asdict(UNSET)
    wanted: dict[str, Any] = {key: value for key, value in given.items() if key not in NAMED_WHERE_SET or value != unset[key]}
    if config.scripts:
        wanted["scripts"] = sha256(config.scripts.read_bytes()).hexdigest()
    engines = sorted({voice.engine for voice in voices})
    claim(out / "build.json", {**wanted, "engines": engines}, f"{out} holds a build", "choose another folder")


def _shard_path(out: Path, config: BuildConfig, shard: int) -> Path:
    """What is there when the shard is complete."""
    return shard_path(out / FOLDER, shard) if config.shar else out / f"shard-{shard:05d}.jsonl"


def _failed_path(out: Path, shard: int) -> Path:
    return out / f"failed-{shard:05d}.jsonl"


def _indices(config: BuildConfig, shard: int) -> range:
    """The dialogues of `shard`."""
    return range(shard * config.shard, min((shard + 1) * config.shard, config.count))


def build_shard(out: Path, config: BuildConfig, voices: tuple[Voice, ...], shard: int) -> list[Failed]:
    """Writes one shard, and before it is complete what failed in it, which is also returned."""
    failures: list[Failed] = []
    dialogues = _dialogues(out, config, voices, shard, failures)
    if config.shar:
        manifest.write_shard(dialogues, out, shard)
    else:
        manifest.write(dialogues, out, _shard_path(out, config, shard).name)
    return failures


def _dialogues(out: Path, config: BuildConfig, voices: tuple[Voice, ...], shard: int, failures: list[Failed]) -> Iterator[Dialogue]:
    mixing = MixConfig(
        scenarios=MIXES[config.mix],
        voices=voices,
        held_out_phrasings=config.held_out_phrasings,
        evaluation_events=config.evaluation_events,
        domains=config.domains,
        pause_s=config.pause_s,
        snr_db=config.snr_db,
        quiet=config.quiet,
        channel=config.channel,
        world=config.world,
    )
    name = ""
    for index in _indices(config, shard):
        name = f"{config.scripts.stem if config.scripts else config.mix}-{config.seed}-{index:06d}"
        try:
            yield _dialogue(config, mixing, name, index)
        except ValueError as error:
            failures.append(Failed(name, str(error)))
    if failures and failures[-1].id == name:
        _still_answered({*voices, parse_voice(config.assistant)})
    lines = [json.dumps(asdict(failure), ensure_ascii=False) + "\n" for failure in failures]
    if lines:
        _failed_path(out, shard).write_text("".join(lines))
    else:
        _failed_path(out, shard).unlink(missing_ok=True)


def _still_answered(voices: set[Voice]) -> None:
    """`Down` where a server is: the last dialogue of a shard failed, perhaps as the first that got no answer."""
    for voice in sorted((voice for voice in voices if voice.engine == "server"), key=str):
        for _ in range(PATIENCE):
            try:
                speak("hello", voice)
                break
            except ValueError:
                continue


def _dialogue(config: BuildConfig, mixing: MixConfig, name: str, index: int) -> Dialogue:
    rng, speech = np.random.default_rng([config.seed, index]), partial(assistant_speech, voice=parse_voice(config.assistant))
    if config.scripts is None:
        return mix(mixing, name, rng, speech)
    line = index % len(lines_of(config.scripts))
    try:
        return play(mixing, script_at(config.scripts, line), name, rng, speech)
    except ValueError as error:
        raise ValueError(f"{config.scripts.name}:{line + 1}: {error}") from error


def _join(out: Path, config: BuildConfig, shards: range) -> Path:
    """All shards in order as the one manifest, unless they are the result, and all that failed."""
    failed = b"".join(path.read_bytes() for path in (_failed_path(out, shard) for shard in shards) if path.exists())
    count = failed.count(b"\n")
    if failed:
        (out / FAILED).write_bytes(failed)
        logger.warning("%d of %d dialogues failed and are left out; %s says why", count, config.count, out / FAILED)
    if count == config.count:
        raise ValueError(f"none of the {count} dialogues can be made; the first: {json.loads(failed.splitlines()[0])['reason']}")
    if config.shar:
        return out / FOLDER
    whole = out / f"{manifest.MANIFEST}.part"
    with whole.open("wb") as file:
        for shard in shards:
            file.write(_shard_path(out, config, shard).read_bytes())
    return whole.replace(out / manifest.MANIFEST)
