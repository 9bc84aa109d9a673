"""Any manifest of dialogues -> this project's, as a plain manifest or as shards, or NeMo's duplex convention."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from functools import cache
from itertools import chain, islice
from pathlib import Path

import numpy as np
import soxr
from lhotse import MonoCut, MultiCut

from parley.clock import Clock
from parley.data import manifest
from parley.data.corpora.entries import Failed, entries
from parley.data.corpora.recorded import flac
from parley.data.filling import FULL
from parley.data.shards.cuts import (
    agents_part,
    check_times,
    crowded,
    segments_of,
    sound,
    speakers_of,
    stretch_of,
    target_of,
    to_cut,
    too_long,
    users_channel,
)
from parley.data.shards.shar import FOLDER, LONGEST_ID, ShardWriter, cuts_of_shard, shards_of
from parley.dialogue import Dialogue, Speaker
from parley.llm.layout import LayoutConfig

RATE = 16000  # of this project's recordings, and of NeMo's source
NEMO_TARGET_RATE = 22050
SHARD = 64
LONGEST = 200  # bytes of an id that is part of a file's name


class Form(StrEnum):
    PLAIN = "plain"  # cuts.jsonl with FLAC files beside it
    SHAR = "shar"
    NEMO = "nemo"  # Shar with a target of 22,050 Hz and the roles user and agent alone


def convert(source: Path, out: Path, form: Form) -> tuple[Path, list[Failed]]:
    """Writes what `source` holds into the new folder `out`, which appears when it is complete.

    What cannot be used is left out and returned with its reason.
    """
    if out.exists() and any(out.iterdir()):
        raise ValueError(f"{out}: is there already; give a new folder")
    failed, part = list[Failed](), out.with_name(f"unfinished-{out.name}")
    shutil.rmtree(part, ignore_errors=True)
    try:
        path = written(used(read_any(source, LONGEST if form == Form.PLAIN else LONGEST_ID), failed), part, form)
        part.replace(out)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise ValueError(f"{out}: the disk is full; make room and run the same command again") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return out / path.relative_to(part), failed


def written(dialogues: Iterator[Dialogue], out: Path, form: Form) -> Path:
    """The manifest or the folder of shards."""
    if form == Form.PLAIN:
        return manifest.write(dialogues, out)
    for number, first in enumerate(dialogues):
        some = chain([first], islice(dialogues, SHARD - 1))
        if form == Form.SHAR:
            manifest.write_shard(some, out, number)
        else:
            with ShardWriter(out / FOLDER, number) as shard:
                for dialogue in some:
                    write_nemo(dialogue, shard)
    return out / FOLDER


def used(found: Iterator[Dialogue | Failed], failed: list[Failed]) -> Iterator[Dialogue]:
    count = 0
    for each in found:
        if isinstance(each, Failed):
            failed.append(each)
        else:
            count += 1
            yield each
    if not count:
        raise ValueError(f"no dialogue can be used{f'; the first reason: {failed[0].reason}' if failed else ''}")


def read_any(source: Path, longest: int = LONGEST) -> Iterator[Dialogue | Failed]:
    """The dialogues of any manifest or folder of shards, at `RATE`; one channel or another recording is the agent's. `longest`: bytes of an
    id."""
    shards = shards_of(source)
    path = source / manifest.MANIFEST if source.is_dir() else source
    if not shards and not path.is_file():
        raise ValueError(f"{source}: no such manifest; give a lhotse manifest, a folder with {manifest.MANIFEST}, or a folder of shards")
    found = (cut for shard in shards for cut in cuts_of_shard(shard)) if shards else entries(path)
    taken = set[str]()
    for number, each in enumerate(found, 1):
        if isinstance(each, Failed):
            yield each
            continue
        name = str(each.get("id", f"{path.name}:{number}") if isinstance(each, dict) else each.id)
        try:
            dialogue = dialogue_of(to_cut(each) if isinstance(each, dict) else each, path.parent)
            if (own := manifest.file_name(dialogue.id)) in taken:
                raise ValueError("another dialogue has this id, or one that its files would share; give each its own")
            if len(own.encode()) > longest:
                raise ValueError(f"its id has more than {longest} bytes; give it a shorter one")
            taken.add(own)
            yield replace(dialogue, id=own)
        except ValueError as error:
            yield Failed(name, str(error))


def dialogue_of(cut: MonoCut | MultiCut, folder: Path) -> Dialogue:
    check_times(cut)
    segments = segments_of(cut, RATE)
    if problem := too_long(cut.duration) or next(crowded(segments, Clock(), LayoutConfig()), ""):
        raise ValueError(problem)
    measure, users = cache(sound), users_channel(cut, speakers_of(cut.supervisions))
    environment = stretch_of(cut, users, folder, RATE, measure)()
    assistant, target = np.zeros_like(environment), target_of(cut)
    if target is not None:
        heard = stretch_of(agents_part(cut, target), 0, folder, RATE, measure)()
        assistant[: len(heard)] = heard[: len(assistant)]
    elif isinstance(cut, MultiCut):
        others = [channel for channel in cut.channel if channel != users]
        assistant = stretch_of(cut, others[0], folder, RATE, measure)() if others else assistant
    fitting = tuple(replace(each, end=min(each.end, len(environment))) for each in segments)
    return Dialogue(cut.id, RATE, environment, assistant, fitting)


def write_nemo(dialogue: Dialogue, shard: ShardWriter) -> None:
    """As NeMo's speechlm2 reads it: what others say is heard, but is nobody's turn."""
    cut = manifest.describe(replace(dialogue, segments=tuple(each for each in dialogue.segments if each.speaker != Speaker.OTHER)))
    assert cut.custom, cut.id
    target = soxr.resample(dialogue.assistant, RATE, NEMO_TARGET_RATE)
    cut.custom["target_audio"] = replace(cut.custom["target_audio"], sampling_rate=NEMO_TARGET_RATE, num_samples=len(target))
    cut.custom["target_audio"].duration = len(target) / NEMO_TARGET_RATE
    shard.write(cut, {"recording": flac(dialogue.environment, RATE), "target_audio": flac(target, NEMO_TARGET_RATE)})
