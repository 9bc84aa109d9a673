"""Preference pairs of the model's own mistakes: what it did (rejected), and the same with the `<shift>` moved to where it belongs (chosen).

Both sides are the model's own: after the moved `<shift>` the dialogue is played again, so words, voice and echo are those that follow
from it. A pair is one JSON line and one FLAC file of three channels: the environment without echo, and what was played on either side;
where the echo came by a path, two more have what arrived of either.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from lhotse import MonoCut
from rich.progress import Progress

from parley.clock import Clock
from parley.data import manifest
from parley.data.channel.room import RT60_S, in_room, responses
from parley.data.corpora.recorded import flac
from parley.llm.batch import Batch, Row, collate
from parley.llm.layout import Region, lay_out, prefer
from parley.llm.tokens import Tokens
from parley.models.salmonn_omni import SalmonnOmni
from parley.runtime.engine import Engine
from parley.train.preference.errors import Error, Verdict, judge, scores
from parley.train.preference.replay import Course, Echo, Hold, Replay, replay

PAIRS = "pairs.jsonl"


@dataclass(frozen=True)
class MineConfig:
    """`each`: pairs wanted of every class of error; `onward`: blocks of a pair after the first that differs, at most; `rows`: dialogues
    played at a time; the echo is drawn as in stage 2."""

    each: int = 2200  # five classes: the paper's 11k
    onward: int = 75
    rows: int = 16
    shard: int = 128  # dialogues that are played before their pairs are written
    echo: tuple[float, float] = (0.0, 1.0)
    echo_share: float = 0.6
    echo_delay_ms: tuple[float, float] = (0.0, 0.0)
    echo_room: float = 0.0  # share of the echoes that come through a room
    seed: int = 0


@dataclass(frozen=True)
class Pair:
    """`chosen`, `rejected`: one token a block. `audio`: the file beside the list."""

    id: str
    error: Error
    echo: float
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]
    audio: str


def echo_of(config: MineConfig, number: int, rate: int) -> Echo:
    """Of dialogue `number`: its factor, and its response (samples,) unless it comes at once and as it is."""
    rng = np.random.default_rng([config.seed, number])
    share, factor, roomy = rng.uniform(), rng.uniform(*config.echo), rng.random() < config.echo_room
    if share >= config.echo_share:
        return 0.0, None
    late = np.zeros(round(rng.uniform(*config.echo_delay_ms) * rate / 1000), np.float32)
    response = responses(1, RT60_S, rate, rng) if roomy else [np.ones(1, np.float32)]
    return float(factor), np.concatenate([late, *response]) if roomy or len(late) else None


def played(
    model: SalmonnOmni, cuts: list[MonoCut], numbers: range, config: MineConfig, holds: dict[int, Hold] | None = None
) -> Iterator[tuple[int, Course]]:
    """The dialogues `numbers` of `cuts`, as the model answers them; with `holds`, only those in it, held."""
    wanted = [number for number in numbers if holds is None or number in holds]

    def replays() -> Iterator[Replay]:
        for number in wanted:
            manifest.check_rate(cuts[number], model.clock.input_rate)
            dialogue = manifest.to_dialogue(cuts[number])
            turns = lay_out(dialogue, model.clock, model.tokens, model.config.layout).turns
            echo = echo_of(config, number, model.clock.input_rate)
            yield Replay(dialogue, turns, echo, model.clock, holds[number] if holds else None)

    for place, course in replay(Engine(model, min(config.rows, max(1, len(wanted)))), replays()):
        yield wanted[place], course


def verdicts(course: Course, clock: Clock) -> list[Verdict | None]:
    """One for each answer of a course."""
    lasted = len(course.tokens)
    return [judge(turn, answer, course.dialogue.segments, lasted, clock) for turn, answer in zip(course.turns, course.answers)]


def yielding(model: SalmonnOmni, cuts: list[MonoCut], config: MineConfig) -> dict[str, float]:
    """Precision, recall and F1 of yielding in the answers to `cuts`."""
    courses = played(model, cuts, range(len(cuts)), config)
    return scores(verdict for _, course in courses for verdict in verdicts(course, model.clock) if verdict)


def first_mistake(course: Course, clock: Clock) -> tuple[Error, Hold] | None:
    judged = enumerate(verdicts(course, clock))
    return next(((one.error, Hold(number, one.right)) for number, one in judged if one and one.error), None)


def mine(model: SalmonnOmni, cuts: list[MonoCut], config: MineConfig, folder: Path) -> dict[str, int]:
    """Plays `cuts` until every class of error has `config.each` pairs, or to their end; goes on where it was stopped. Writes `pairs.jsonl`
    below `folder`; returns how many of each class there are, and how many dialogues were played."""
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    shards = [range(start, min(start + config.shard, len(cuts))) for start in range(0, len(cuts), config.shard)]
    found, counts, done = list[Pair](), Counter[Error](), 0
    with Progress() as progress:
        bar = progress.add_task("dialogues", total=len(cuts))
        for number, numbers in enumerate(shards):
            file = folder / f"shard-{number:05d}.jsonl"
            if not file.exists():
                write(mine_shard(model, cuts, numbers, config, folder), file)
            found += read_lines(file)
            counts = Counter(pair.error for pair in found)
            done = numbers.stop
            progress.update(bar, completed=done)
            if all(counts[error] >= config.each for error in Error):
                break
    kept = [pair for error in Error for pair in [pair for pair in found if pair.error == error][: config.each]]
    write(sorted(kept, key=lambda pair: pair.id), folder / PAIRS)
    return {error.value: min(counts[error], config.each) for error in Error} | {"dialogues": done}


def mine_shard(model: SalmonnOmni, cuts: list[MonoCut], numbers: range, config: MineConfig, folder: Path) -> list[Pair]:
    """The pairs of some dialogues, in their order. Where the moved `<shift>` makes no other course of it there is none."""
    mistakes = {
        number: (course, *mistake)
        for number, course in played(model, cuts, numbers, config)
        if (mistake := first_mistake(course, model.clock))
    }
    holds = {number: hold for number, (_, _, hold) in mistakes.items()}
    pairs = []
    for number, chosen in played(model, cuts, numbers, config, holds):
        rejected, error, _ = mistakes[number]
        if pair := pair_of(cuts[number].id, error, chosen, rejected, model, config, folder):
            pairs.append(pair)
    return sorted(pairs, key=lambda pair: pair.id)


def pair_of(name: str, error: Error, chosen: Course, rejected: Course, model: SalmonnOmni, config: MineConfig, folder: Path) -> Pair | None:
    differ = [block for block, (a, b) in enumerate(zip(chosen.tokens, rejected.tokens)) if a != b]
    if not differ or model.tokens.shift not in (chosen.tokens[differ[0]], rejected.tokens[differ[0]]):
        return None
    blocks = min(len(chosen.tokens), len(rejected.tokens), differ[0] + config.onward)
    samples = blocks * model.clock.samples_in
    environment = chosen.dialogue.environment[:samples]
    streams = [np.pad(environment, (0, samples - len(environment))), chosen.played[:samples], rejected.played[:samples]]
    factor, path = chosen.echo
    streams += [] if path is None else [in_room(said, path)[:samples] for said in streams[1:]]
    file = f"audio/{manifest.file_name(name)}.flac"
    (folder / file).write_bytes(flac(np.stack(streams, axis=1), model.clock.input_rate))
    return Pair(name, error, factor, chosen.tokens[:blocks], rejected.tokens[:blocks], file)


def write(pairs: list[Pair], file: Path) -> None:
    """The whole file, or none."""
    part = file.with_name(f".{file.name}.part")
    part.write_text("".join(json.dumps(asdict(pair)) + "\n" for pair in pairs))
    part.replace(file)


def read_lines(file: Path) -> list[Pair]:
    if not file.exists():
        raise ValueError(f"{file}: no such file; make it with `parley train mine`")
    return [parse(file, number, line) for number, line in enumerate(file.read_text().splitlines(), start=1)]


def parse(file: Path, number: int, line: str) -> Pair:
    try:
        content: dict[str, Any] = json.loads(line)
        content |= {side: tuple(content[side]) for side in ("chosen", "rejected")}
        return Pair(**{**content, "error": Error(content["error"])})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{file}, line {number}: not a preference pair ({error}); mine the pairs again") from error


@dataclass
class PairBatch:
    """`both`: the chosen sides of n pairs, then their rejected sides; weights are 1 in the region of the preference."""

    both: Batch  # 2n rows
    numbers: list[int]  # (n,) which pairs they are


class PairDataset:
    """Batch `step` is a pure function of (seed, step). The classes of error that there are take turns, pair by pair, whatever their sizes;
    each goes through its pairs in an order drawn anew every time."""

    def __init__(self, folder: Path, tokens: Tokens, clock: Clock, region: Region, rows: int, seed: int = 0) -> None:
        self.folder, self.tokens, self.clock, self.region, self.rows, self.seed = folder, tokens, clock, region, rows, seed
        self.pairs = read_lines(folder / PAIRS)
        every = [[number for number, pair in enumerate(self.pairs) if pair.error == error] for error in Error]
        self.classes = [members for members in every if members]
        if len(self.pairs) < rows:
            raise ValueError(f"{folder / PAIRS} holds {len(self.pairs)} pairs and a batch wants {rows}; mine more")

    def batch(self, step: int) -> PairBatch:
        numbers = []
        for place in range(step * self.rows, (step + 1) * self.rows):
            turn, which = divmod(place, len(self.classes))
            members = self.classes[which]
            epoch, index = divmod(turn, len(members))
            order = np.random.default_rng([self.seed, which, epoch]).permutation(len(members))
            numbers.append(members[order[index]])
        return self.of(numbers)

    def of(self, numbers: list[int]) -> PairBatch:
        """These pairs."""
        sides = [self.sides(self.pairs[number]) for number in numbers]
        rows = [chosen for chosen, _ in sides] + [rejected for _, rejected in sides]
        return PairBatch(collate(rows, self.clock.samples_in, silent=False), numbers)

    def sides(self, pair: Pair) -> tuple[Row, Row]:
        preference = prefer(pair.chosen, pair.rejected, self.tokens, self.region)
        try:
            streams = soundfile.read(self.folder / pair.audio, dtype="float32", always_2d=True)[0].T
        except soundfile.LibsndfileError as error:
            raise ValueError(f"{self.folder / pair.audio}: cannot be read ({error.error_string}); mine the pairs again") from error
        wanted = len(pair.chosen) * self.clock.samples_in
        if streams.shape not in ((3, wanted), (5, wanted)):
            raise ValueError(f"{self.folder / pair.audio}: is of shape {streams.shape}, not (3 or 5, {wanted}); mine the pairs again")
        environment, both, arrived = streams[0], streams[1:3], streams[-2:]
        echo = np.float32(pair.echo)
        chosen, rejected = (
            Row(environment + echo * heard, said, layout, transcript="")
            for said, heard, layout in zip(both, arrived, (preference.chosen, preference.rejected))
        )
        return chosen, rejected
