"""What is filled over many runs: it belongs to one set of settings, and a full disk is said in one line."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)


def claim(note: Path, settings: str, complaint: str) -> None:
    """Leaves the settings in the file `note`, or finds them there. ValueError with `complaint` where it holds others."""
    if note.exists():
        if note.read_text() != settings:
            raise ValueError(complaint)
        return
    note.parent.mkdir(parents=True, exist_ok=True)
    part = note.with_name(f"unfinished-{note.name}")
    part.write_text(settings)
    part.replace(note)


@contextmanager
def full_disk_said(out: Path, rest: str = "") -> Iterator[None]:
    """A full disk as a ValueError that ends in `rest`."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise ValueError(f"{out}: the disk is full; make room and run the same command again{rest}") from error
