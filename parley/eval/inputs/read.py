"""Anyone's evaluation inputs, whichever of the understood layouts they have."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from parley.clock import Clock
from parley.data.corpora.entries import Failed, entries
from parley.data.manifest import MANIFEST
from parley.data.voices import Voice
from parley.eval.inputs.bench import ANNOTATIONS, OVERLAPS, read_bench
from parley.eval.inputs.cuts import read_manifest
from parley.eval.inputs.item import Item
from parley.eval.inputs.questions import read_questions

LAYOUTS = (
    f"give a folder with sub-folders of Full-Duplex-Bench ({', '.join([*ANNOTATIONS][:5])}, {', '.join(OVERLAPS)}), a lhotse manifest "
    f"(.jsonl, .jsonl.gz, or a folder with {MANIFEST}), or a question file as of WebQuestions, TriviaQA, Llama Questions or AlpacaEval "
    "(.json, .jsonl, .csv, .tsv, .parquet)"
)


@dataclass(frozen=True)
class Inputs:
    items: tuple[Item, ...]
    failed: tuple[Failed, ...]


def read_inputs(path: Path, clock: Clock, voice: Voice, limit: int | None = None) -> Inputs:
    """All that `path` holds, in its order, up to `limit` items; `voice` speaks what is only text. ValueError where nothing can be read."""
    items: dict[str, Item] = {}
    failed: list[Failed] = []
    try:
        for found in read(path, clock, voice):
            if isinstance(found, Item) and found.id not in items:
                items[found.id] = found
            else:
                failed.append(found if isinstance(found, Failed) else Failed(found.id, "an item before it has the same id"))
            if len(items) == limit:
                break
    except ValueError as error:
        raise ValueError(f"{path}: {error}; {LAYOUTS}") from error
    if not items:
        first = f"{len(failed)} items, none can be read, the first ({failed[0].id}): {failed[0].reason}" if failed else "no items in it"
        raise ValueError(f"{path}: {first}; {LAYOUTS}")
    return Inputs(tuple(items.values()), tuple(failed))


def read(path: Path, clock: Clock, voice: Voice) -> Iterator[Item | Failed]:
    """By whichever reader understands `path`. ValueError when none does."""
    if not path.exists():
        raise ValueError("no such file or folder")
    if path.is_dir():
        manifest = next((path / name for name in (MANIFEST, f"{MANIFEST}.gz") if (path / name).exists()), None)
        return read_manifest(manifest, clock) if manifest else read_bench(path, clock)
    first = islice((entry for entry in entries(path) if isinstance(entry, dict)), 10)
    is_manifest = any("recording" in entry or "supervisions" in entry for entry in first)
    return read_manifest(path, clock) if is_manifest else read_questions(path, clock, voice)
