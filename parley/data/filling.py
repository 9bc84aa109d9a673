"""What is filled over many runs, and belongs to one set of settings."""

import errno
import json
from pathlib import Path
from typing import Any

FULL = (errno.ENOSPC, errno.EDQUOT)  # what an OSError says of a disk without room


def claim(note: Path, wanted: dict[str, Any], what: str, advice: str) -> None:
    """Leaves the settings in the file `note`, or finds them there. ValueError names the first that differs."""
    settings = json.dumps(wanted, indent=1)
    if note.exists():
        if note.read_text() != settings:
            raise ValueError(f"{what} with other settings ({difference(note, json.loads(settings))}); {advice}")
        return
    note.parent.mkdir(parents=True, exist_ok=True)
    part = note.with_name(f"unfinished-{note.name}")
    part.write_text(settings)
    part.replace(note)


def difference(note: Path, wanted: dict[str, Any]) -> str:
    """The first setting that is another one in the file."""
    try:
        found: dict[str, Any] = json.loads(note.read_text())
        name = next(name for name in sorted(found.keys() | wanted.keys()) if found.get(name) != wanted.get(name))
    except (ValueError, AttributeError, StopIteration):
        return f"see {note}"
    return f"{name} was {found.get(name)!r} and is {wanted.get(name)!r}, see {note}"
