"""Shards built by Ray Data, on one machine or on many that share a folder."""

from collections.abc import Callable, Iterator
from dataclasses import astuple
from typing import Any

from parley.data.corpora.entries import Failed


def on_cluster(work: Callable[[int], list[Failed]], shards: list[int]) -> Iterator[tuple[int, list[Failed]]]:
    """The number of every finished shard with what failed in it; `work` builds one, wherever it runs."""
    try:
        import ray  # pyright: ignore[reportMissingImports]  # an extra
        import ray.data  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ValueError("--ray needs Ray Data; pip install 'parley[scale]'") from None

    def built(row: dict[str, Any]) -> dict[str, Any]:
        return {"shard": row["shard"], "failed": [list(astuple(failure)) for failure in work(int(row["shard"]))]}

    if not shards:
        return
    rows = ray.data.from_items([{"shard": shard} for shard in shards], override_num_blocks=len(shards)).map(built)
    for row in rows.iter_rows():
        yield int(row["shard"]), [Failed(*failure) for failure in row["failed"]]
