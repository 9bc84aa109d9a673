"""What is filled over many runs, and belongs to one set of settings."""

import errno
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)  # what an OSError says of a disk without room


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
