"""Shards built by Ray Data, on one machine or on many that share a folder."""

from collections.abc import Callable, Iterator
from dataclasses import astuple
from typing import Any

from parley.data.corpora.entries import Failed
from parley.data.remote.speech import Down


def on_cluster(work: Callable[[int], list[Failed]], shards: list[int]) -> Iterator[tuple[int, list[Failed]]]:
    """The number of every finished shard with what failed in it; `work` builds one, wherever it runs."""
    try:
        import ray  # pyright: ignore[reportMissingImports]  # an extra
        import ray.data  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ValueError("--ray needs Ray Data; pip install -e '.[scale]'") from None

    def built(row: dict[str, Any]) -> dict[str, Any]:
        return row_of(work, int(row["shard"]))

    if not shards:
        return
    rows = ray.data.from_items([{"shard": shard} for shard in shards], override_num_blocks=len(shards)).map(built)
    for row in rows.iter_rows():
        yield int(row["shard"]), failures_in(row)


def row_of(work: Callable[[int], list[Failed]], shard: int) -> dict[str, Any]:
    """What came of `work`. Its errors are told in words, since Ray would hand over others in their place."""
    row: dict[str, Any] = {"shard": shard, "failed": [], "stopped": "", "errno": 0, "down": False}
    try:
        return row | {"failed": [list(astuple(failure)) for failure in work(shard)]}
    except (OSError, ValueError) as error:
        number = (error.errno or 0) if isinstance(error, OSError) else 0
        return row | {"stopped": str(error), "errno": number, "down": isinstance(error, Down)}


def failures_in(row: dict[str, Any]) -> list[Failed]:
    """Of a row of `row_of`; raises the error that ended its work."""
    if row["errno"]:
        error = OSError(row["stopped"])
        error.errno = int(row["errno"])
        raise error
    if row["stopped"]:
        raise (Down if row["down"] else ValueError)(row["stopped"])
    return [Failed(*failure) for failure in row["failed"]]
