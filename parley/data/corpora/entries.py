"""Files of one entry after the other: JSON, JSON lines, CSV, TSV and Parquet. What cannot be read of one does not end it."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, cast

Entry = dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """What was found and cannot be used."""

    id: str
    reason: str  # one line


def entries(path: Path) -> Iterator[Entry | Failed]:
    """In the order of the file. ValueError for another kind of file."""
    ending = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    match ending:
        case ".csv" | ".tsv":
            return table(path, "\t" if ending == ".tsv" else ",")
        case ".jsonl":
            return json_lines(path)
        case ".json":
            return json_list(path)
        case ".parquet":
            return parquet(path)
        case _:
            raise ValueError(f"its name ends in {ending or 'nothing'!r}, not in .json, .jsonl, .csv, .tsv or .parquet")


def opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def table(path: Path, delimiter: str) -> Iterator[Entry | Failed]:
    number = 0
    try:
        with TextIOWrapper(opened(path), encoding="utf-8-sig", newline="") as file:
            for entry in csv.DictReader(file, delimiter=delimiter):
                number += 1
                yield entry
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        yield broken_off(path, number, error)


def json_lines(path: Path) -> Iterator[Entry | Failed]:
    number = 0
    try:
        with opened(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield json_entry(path, number, line)
    except (OSError, EOFError, zlib.error) as error:
        yield broken_off(path, number, error)


def json_list(path: Path) -> Iterator[Entry | Failed]:
    """A list, or TriviaQA's list under `Data`, or lines after all."""
    try:
        with opened(path) as file:
            content = json.load(file)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        if begins_with_an_object(path):
            yield from json_lines(path)
        else:
            yield broken_off(path, 0, error)
        return
    match content:
        case list(found) | {"Data": list(found)}:
            for number, entry in enumerate(found, 1):
                yield entry if isinstance(entry, dict) else no_object(path, number, entry)
        case _:
            yield content if isinstance(content, dict) else no_object(path, 1, content)


def begins_with_an_object(path: Path) -> bool:
    """Whether the first line with something in it is a whole JSON object."""
    try:
        with opened(path) as file:
            return isinstance(json.loads(next((line for line in file if line.strip()), b"")), dict)
    except (OSError, EOFError, zlib.error, ValueError):
        return False


def parquet(path: Path) -> Iterator[Entry | Failed]:
    """Row by row: a file with sound in it is never held whole."""
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise ValueError(f"{path}: Parquet needs pyarrow; pip install -e '.[data]'") from None
    number = 0
    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=16):
                for entry in batch.to_pylist():
                    number += 1
                    yield entry
    except (OSError, ArrowException) as error:
        yield broken_off(path, number, error)


def json_entry(path: Path, number: int, line: bytes) -> Entry | Failed:
    try:
        entry = json.loads(line)
    except ValueError as error:
        return Failed(f"{path.name}:{number}", f"is not JSON ({error})")
    return entry if isinstance(entry, dict) else no_object(path, number, entry)


def no_object(path: Path, number: int, entry: Any) -> Failed:
    return Failed(f"{path.name}:{number}", f"is {str(entry)[:60]!r}; need a JSON object")


def broken_off(path: Path, number: int, error: Exception) -> Failed:
    return Failed(f"{path.name}:{number + 1}", f"the file cannot be read from here on ({error}); copy it again")
