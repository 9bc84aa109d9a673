"""What is filled over many runs, and belongs to one set of settings."""

import errno
import json
from collections.abc import Container
from pathlib import Path
from typing import Any

FULL = (errno.ENOSPC, errno.EDQUOT)  # what an OSError says of a disk without room


def claim(note: Path, wanted: dict[str, Any], what: str, advice: str) -> None:
    """Leaves the settings in the file `note`, or finds them there. ValueError names the first that differs."""
    if note.exists():
        if differs := difference(noted(note), wanted):
            raise ValueError(f"{what} with other settings ({differs}, see {note}); {advice}")
        return
    leave(note, wanted)


def leave(note: Path, content: dict[str, Any], indent: int | None = 1) -> None:
    """The whole file, or none."""
    note.parent.mkdir(parents=True, exist_ok=True)
    unfinished(note).write_text(json.dumps(content, indent=indent) + "\n")
    unfinished(note).replace(note)


def unfinished(file: Path) -> Path:
    """Where a file is written before it bears its name."""
    return file.with_name(f"unfinished-{file.name}")


def noted(note: Path) -> Any:
    """What an earlier run left there. ValueError where it is damaged."""
    try:
        return json.loads(note.read_text())
    except ValueError:
        raise ValueError(f"{note} is not what was left there; take another folder") from None


def difference(found: Any, wanted: dict[str, Any], harmless: Container[str] = ()) -> str:
    """The first value that is another one in `wanted` than in what was `found`, by its dotted name; empty where all are the same. What is
    called as one of the `harmless` may differ."""
    there, here = (leaves(json.loads(json.dumps(each))) for each in (found, wanted))
    for name in sorted(there.keys() | here.keys()):
        if name.split(".")[-1] not in harmless and there.get(name) != here.get(name):
            was, is_ = (repr(values[name]) if name in values else "not set" for values in (there, here))
            return f"{name} was {was} and is {is_} now"
    return ""


def leaves(content: Any, name: str = "") -> dict[str, Any]:
    """Every plain value of nested dictionaries and lists under its dotted name."""
    if isinstance(content, dict | list) and content:
        items = content.items() if isinstance(content, dict) else enumerate(content)
        return {key: value for part, below in items for key, value in leaves(below, f"{name}.{part}".lstrip(".")).items()}
    return {name: content}
