"""A published corpus on this machine -> a file of dialogue scripts. What cannot be used is named, counted and left out."""

import json
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path

from parley.data.corpora import published, transcribed
from parley.data.corpora.entries import Entry, Failed, entries
from parley.data.corpora.script import Script, repetition, to_line


class Corpus(StrEnum):
    ALPACA = "alpaca"
    WEB_QUESTIONS = "web_questions"
    TRIVIA_QA = "trivia_qa"
    SQUAD = "squad"
    NATURAL_QUESTIONS = "natural_questions"
    VOICE_ASSISTANT = "voice_assistant"
    ULTRACHAT = "ultrachat"
    LIBRISPEECH = "librispeech"
    GIGASPEECH = "gigaspeech"
    RECORDINGS = "recordings"  # any folder of recordings with transcripts


def read_corpus(
    corpus: Corpus, path: Path, audio: Path, context: bool = False, rounds: int = 1, part: str = ""
) -> Iterator[Script | Failed]:
    """`path`: the published file or folder, or a folder of such files. `audio`: where recordings go that lie inside the files."""
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder; give the corpus as it is published")
    match corpus:
        case Corpus.LIBRISPEECH:
            return transcribed.librispeech(path, part)
        case Corpus.GIGASPEECH:
            return transcribed.gigaspeech(path, part)
        case Corpus.RECORDINGS:
            return transcribed.folder(path)
        case Corpus.VOICE_ASSISTANT:
            made = partial(published.voice_assistant, audio=audio, begun=set())
        case Corpus.SQUAD:
            made = partial(published.squad, context=context)
        case Corpus.ALPACA:
            made = partial(single, published.alpaca)
        case Corpus.NATURAL_QUESTIONS:
            made = partial(single, published.natural_question)
        case Corpus.ULTRACHAT:
            made = partial(published.ultrachat, rounds=rounds, audio=audio, begun=set())
        case Corpus.WEB_QUESTIONS | Corpus.TRIVIA_QA:
            made = partial(single, published.question)
    return distinct(script for file in files(path) for script in scripts(file, made))


def files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*") if re.search(r"\.(jsonl?|csv|tsv)(\.gz)?$|\.parquet$", file.name))
    if not found:
        raise ValueError(f"{path}: holds no .json, .jsonl, .csv, .tsv or .parquet file")
    return found


def scripts(path: Path, made: Callable[[Entry, str], Iterator[Script | Failed]]) -> Iterator[Script | Failed]:
    for number, entry in enumerate(entries(path), 1):
        if isinstance(entry, Failed):
            yield entry
            continue
        name = f"{path.name}:{number}"
        try:
            yield from made(entry, name)
        except (KeyError, TypeError, AttributeError) as error:  # a part of the entry is missing or of another type
            yield Failed(name, f"is not as the corpus is published ({type(error).__name__}: {error})")


def single(made: Callable[[Entry, str], Script], entry: Entry, name: str) -> Iterator[Script | Failed]:
    try:
        yield made(entry, name)
    except ValueError as error:
        yield Failed(name, str(error))


def distinct(found: Iterator[Script | Failed]) -> Iterator[Script | Failed]:
    """A second script of one id fails, and so does what repeats a script before it or contradicts it."""
    ids, first = set[str](), dict[str, tuple[str, str]]()
    for script in found:
        if isinstance(script, Failed):
            yield script
            continue
        reason = "duplicate: a script before it has this id" if script.id in ids else repetition(script, script.id, first)
        ids.add(script.id)
        yield Failed(script.id, reason) if reason else script


def write_scripts(found: Iterator[Script | Failed], out: Path, limit: int | None = None) -> tuple[int, list[Failed]]:
    """Writes the scripts, up to `limit`, into `out`, which appears when it is complete. How many they are, and what failed.

    What failed is also in `out` with the ending .failed.jsonl.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    part, failed, count = out.with_name(f"{out.name}.part"), [], 0
    with part.open("w") as file:
        for script in found:
            if isinstance(script, Failed):
                failed.append(script)
                continue
            file.write(to_line(script))
            count += 1
            if count == limit:
                break
    if not count:
        part.unlink()
        why = f"{len(failed)} entries cannot be used, such as {failed[0].id}: {failed[0].reason}" if failed else "it is empty"
        raise ValueError(f"no script can be made; {why}")
    write_failed(failed, out)
    part.replace(out)
    return count, failed


def write_failed(failed: list[Failed], out: Path) -> None:
    """Beside `out`, where something failed."""
    if failed:
        lines = (json.dumps({"id": each.id, "reason": each.reason}, ensure_ascii=False) + "\n" for each in failed)
        out.with_suffix(".failed.jsonl").write_text("".join(lines))
    else:
        out.with_suffix(".failed.jsonl").unlink(missing_ok=True)
