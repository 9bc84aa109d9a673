"""Dialogue scripts: who says what after what, before anybody speaks it. A file of them has one JSON object a line.

A user's turn follows the answer before it, except interruptions, backchannels and chat, which fall into that answer; an interruption
ends it. Only a question or an interruption is answered.
"""

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from parley.data.corpora.entries import Failed
from parley.data.corpora.recorded import plain
from parley.dialogue import Kind, Speaker

LONGEST_S = 1e6  # of any recording


@dataclass(frozen=True)
class Clip:
    """A turn that is recorded already: a stretch of the first channel of a sound file."""

    path: str
    start_s: float = 0.0
    duration_s: float | None = None  # None: to the end

    def __post_init__(self) -> None:
        duration_s = LONGEST_S if self.duration_s is None else self.duration_s
        if not (0 <= self.start_s <= LONGEST_S and 0 < duration_s <= LONGEST_S):
            raise ValueError(f"a clip starts at {self.start_s} s and lasts {self.duration_s} s; need 0 or more, and more than 0")


@dataclass(frozen=True)
class Turn:
    """`text` as it is written. The agent's turns are answers; their sound is always the assistant's own voice."""

    speaker: Speaker
    text: str
    kind: Kind = Kind.QUESTION
    keywords: tuple[str, ...] = ()  # lower case; what a right answer to this turn contains
    clip: Clip | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError(f"a turn of the {self.speaker} has no words")
        if any("\ud800" <= character <= "\udfff" for character in self.text):
            raise ValueError(f"a turn of the {self.speaker} has half a character, which no file can hold")
        if (self.speaker == Speaker.AGENT) != (self.kind == Kind.ANSWER):
            raise ValueError(f"a turn of the {self.speaker} is of the kind {self.kind}; only the agent answers, and it does nothing else")
        if self.clip and self.speaker == Speaker.AGENT:
            raise ValueError(f"a turn of the agent has the clip {self.clip.path}; the agent speaks in the assistant's voice alone")


@dataclass(frozen=True)
class Script:
    id: str
    task: str  # qa | asr | dialogue | ..., for whoever counts
    turns: tuple[Turn, ...]
    references: tuple[str, ...] = field(default=())  # right answers to the first question

    def __post_init__(self) -> None:
        if not self.turns:
            raise ValueError("there is no turn in it")
        for before, turn in zip([None, *self.turns[:-1]], self.turns):
            if turn.speaker == Speaker.AGENT and (before is None or before.kind not in (Kind.QUESTION, Kind.INTERRUPTION)):
                raise ValueError(f"the answer {turn.text[:40]!r} follows no question and no interruption")

    def asked(self) -> str:
        """The first question."""
        return next((turn.text for turn in self.turns if turn.kind == Kind.QUESTION), "")


def user(text: str, keywords: tuple[str, ...] = (), clip: Clip | None = None) -> Turn:
    return Turn(Speaker.USER, text.strip(), Kind.QUESTION, keywords, clip)


def agent(text: str) -> Turn:
    return Turn(Speaker.AGENT, text.strip(), Kind.ANSWER)


def to_line(script: Script) -> str:
    """As it stands in a file, with its end of line; what is empty is left out."""
    turns = []
    for turn in script.turns:
        said: dict[str, Any] = {"speaker": turn.speaker, "kind": turn.kind, "text": turn.text}
        said |= {"keywords": turn.keywords} if turn.keywords else {}
        said |= {"clip": {name: value for name, value in vars(turn.clip).items() if value}} if turn.clip else {}
        turns.append(said)
    entry: dict[str, Any] = {"id": script.id, "task": script.task, "turns": turns}
    return json.dumps(entry | ({"references": script.references} if script.references else {}), ensure_ascii=False) + "\n"


def from_line(line: bytes | str) -> Script:
    """ValueError with what is wrong in it."""
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise ValueError(f"is not JSON ({error})") from None
    match entry:
        case {"id": str(name), "turns": [*turns], **more}:
            references = _texts(more, "references")
            return Script(name, str(more.get("task", "")), tuple(_turn(turn) for turn in turns), references)
        case _:
            raise ValueError(f"is no script, which has an id and turns; it begins {str(entry)[:60]!r}")


def _turn(entry: Any) -> Turn:
    match entry:
        case {"speaker": str(speaker), "text": str(text), **more} if speaker in [*Speaker]:
            kind = more.get("kind", Kind.ANSWER if speaker == Speaker.AGENT else Kind.QUESTION)
            if kind not in [*Kind]:
                raise ValueError(f"a turn is of the kind {kind!r}; write {', '.join(Kind)}")
            keywords = _texts(more, "keywords")
            return Turn(Speaker(speaker), text, Kind(kind), keywords, _clip(more["clip"]) if "clip" in more else None)
        case _:
            raise ValueError(f"{str(entry)[:60]!r} is no turn; it has a speaker ({', '.join(Speaker)}) and a text")


def _texts(entry: dict[str, Any], name: str) -> tuple[str, ...]:
    if not isinstance(entry.get(name, []), list):
        raise ValueError(f"{name} is {str(entry[name])[:60]!r}; write a list of words")
    return tuple(str(each) for each in entry.get(name, []))


def _clip(entry: Any) -> Clip:
    match entry:
        case {"path": str(path), **more} if more.keys() <= {"start_s", "duration_s"} and all(
            isinstance(seconds, int | float) for seconds in more.values()
        ):
            return Clip(path, **more)
        case _:
            raise ValueError(f"{str(entry)[:60]!r} is no clip; it has a path and perhaps start_s and duration_s")


def read_scripts(path: Path) -> Iterator[Script | Failed]:
    """Line by line; a second script of one id fails, and so does a `repetition`."""
    ids, first = set[str](), dict[str, tuple[str, str]]()
    for number in range(len(lines_of(path))):
        try:
            script = script_at(path, number)
            if script.id in ids:
                raise ValueError(f"a script before it has the id {script.id!r} too; give it another")
            ids.add(script.id)
            if reason := repetition(script, f"{path.name}:{number + 1}", first):
                raise ValueError(reason)
            yield script
        except ValueError as error:
            yield Failed(f"{path.name}:{number + 1}", str(error))


def repetition(script: Script, name: str, first: dict[str, tuple[str, str]]) -> str:
    """Why `script`, called `name`, is not to be learned from after those before it; "" otherwise. `first` remembers them.

    One that says the same in the same recordings is a duplicate; a question with nothing but an answer contradicts another answer to it.
    """
    turns = script.turns
    if [turn.kind for turn in turns] == [Kind.QUESTION, Kind.ANSWER]:
        before, answer = first.setdefault(fingerprint(turns[:1]), (name, fingerprint(turns[1:])))
        if answer != fingerprint(turns[1:]):
            return f"contradiction: {before} asks the same and is answered otherwise"
    before, _ = first.setdefault(f"{fingerprint(turns)} {[turn.clip for turn in turns]}", (name, ""))
    return "" if before == name else f"duplicate: {before} asks and answers the same"


def fingerprint(turns: tuple[Turn, ...]) -> str:
    """Of who says what; capitals and punctuation do not matter."""
    return sha256("\n".join(f"{turn.speaker} {turn.kind} {plain(turn.text)}" for turn in turns).encode()).hexdigest()[:24]


def script_at(path: Path, number: int) -> Script:
    """The script in line `number`, counted from 0; the others are not read."""
    with path.open("rb") as file:
        file.seek(lines_of(path)[number])
        return from_line(file.readline())


def lines_of(path: Path) -> "array[int]":
    """Where the lines begin that have something in them."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file of scripts; write one with `parley data read` or `parley data write`")
    state = path.stat()
    return _lines_of(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _lines_of(path: Path, _changed: int, _size: int) -> "array[int]":
    starts, at = array("q"), 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                starts.append(at)
            at += len(line)
    return starts
