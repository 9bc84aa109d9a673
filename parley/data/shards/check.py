"""Validates any manifest, line by line: this project's, plain lhotse, NeMo's, as a file or as shards; and files of scripts."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from lhotse import MonoCut, MultiCut, Recording

from parley.clock import Clock
from parley.data.corpora.entries import Failed
from parley.data.corpora.recorded import SLACK_S
from parley.data.corpora.script import read_scripts
from parley.data.manifest import MANIFEST
from parley.data.shards.cuts import (
    Sound,
    agents_part,
    check_times,
    crowded,
    segments_of,
    sound,
    speakers_of,
    stretch_of,
    target_of,
    text_of,
    to_cut,
    too_long,
    users_channel,
)
from parley.data.shards.shar import cuts_of_shard, shards_of
from parley.dialogue import Kind, Segment, Speaker
from parley.llm.layout import LayoutConfig

ROLES = ("user", "User", "agent", "Assistant", "other")  # exact: NeMo takes a turn of any other name for nobody's
NO_JSON, SHOWN = "is not JSON", 20  # so many of such lines are shown: where there are more it is another kind of file
AUDIBLE = 1e-4  # what is louder than this is not silence


def check(path: Path) -> tuple[int, list[str]]:
    """How many lines there are, and what is wrong with them: FILE:LINE (id): what. ValueError where there is no manifest at all."""
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder; give a manifest, a folder with one, or a folder of shards")
    files = shards_of(path) or [path / MANIFEST if path.is_dir() else path]
    if not files[0].is_file():
        raise ValueError(f"{path}: holds neither {MANIFEST} nor shards")
    seen: dict[str, str] = {}
    problems: list[str] = []
    count, measure = 0, cache(sound)  # many cuts may be of one recording
    for file in files:
        lines, broken = lines_of(file)
        if broken:
            problems.append(f"{file.name}:{len(lines) + 1}: the file cannot be read from here on ({broken}); build or copy it again")
        if lines and is_script(lines[0]):
            problems += [f"{each.id}: {each.reason}" for each in read_scripts(file) if isinstance(each, Failed)]
            count += len(lines)
            continue
        sounds = {each.id: each for each in cuts_of_shard(file)} if shards_of(path) and not broken else {}
        if isinstance(whole := sounds.get(file.name), Failed):  # its archives cannot be read
            problems.append(f"{file.name}: {whole.reason}")
            continue
        before = len(problems)
        for number, line in enumerate(lines, 1):
            count += 1
            name, found = problems_of(line, file.parent, sounds, measure)
            first = seen.setdefault(name, f"{file.name}:{number}") if name else ""
            if first != f"{file.name}:{number}" and name:
                found.append(f"has the id of {first}; give it another")
            problems += [f"{file.name}:{number}{f' ({name})' if name else ''}: {what}" for what in found]
        if more := {*[problem for problem in problems[before:] if NO_JSON in problem][SHOWN:]}:
            problems[before:] = [problem for problem in problems[before:] if problem not in more]
            problems.append(f"{file.name}: {len(more)} more lines are not JSON; a manifest has one JSON object a line")
    if not count and not problems:
        problems.append(f"{files[0].name}: holds nothing")
    return count, problems


def lines_of(file: Path) -> tuple[list[bytes], str]:
    """Those with something in them, and why there are no more."""
    lines: list[bytes] = []
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
            lines.extend(line for line in opened if line.strip())
    except (OSError, EOFError, zlib.error) as error:
        return lines, str(error)
    return lines, ""


def is_script(line: bytes) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return isinstance(entry, dict) and "turns" in entry


def problems_of(
    line: bytes, folder: Path, sounds: dict[str, MonoCut | Failed], measure: Callable[[Path], Sound]
) -> tuple[str, list[str]]:
    """The id in one line of a manifest and what is wrong there; what lies behind an error that hides it is not looked at."""
    try:
        entry = json.loads(line)
    except ValueError as error:
        return "", [f"{NO_JSON} ({error})"]
    if not isinstance(entry, dict):
        return "", [f"is {str(entry)[:60]!r}; need a JSON object"]
    name = str(entry.get("id", ""))
    try:
        cut = sounds[name] if name in sounds else to_cut(entry)
        return name, [cut.reason] if isinstance(cut, Failed) else cut_problems(cut, folder, measure)
    except ValueError as error:
        return name, [str(error)]


def cut_problems(cut: MonoCut | MultiCut, folder: Path, measure: Callable[[Path], Sound]) -> list[str]:
    found: list[str] = []
    check_times(cut)
    speakers = speakers_of(cut.supervisions)
    stretches = {"recording": stretch_of(cut, users_channel(cut, speakers), folder, cut.sampling_rate, measure)}
    target = target_of(cut)
    if target is not None:
        strangers = sorted({str(each.speaker) for each in cut.supervisions} - {*ROLES})
        found += [f"the speaker {name!r} is none of {', '.join(ROLES)}; rename it, or use parley data convert" for name in strangers]
        stretches["target_audio"] = stretch_of(agents_part(cut, target), 0, folder, target.sampling_rate, measure)
        assert cut.recording, cut.id
        if abs(target.duration - cut.recording.duration) > SLACK_S:
            both = f"target_audio lasts {target.duration:.2f} s and the recording {cut.recording.duration:.2f} s"
            found.append(f"{both}; they must be equally long")
    for field, recording in (("recording", cut.recording), ("target_audio", target)):
        if recording is not None:
            found += [f"{field}: {what}" for what in header_problems(recording, measure(stretches[field].path))]
    segments, clock = segments_of(cut, cut.sampling_rate), Clock()
    found += crowded(segments_of(cut, clock.input_rate), clock, LayoutConfig())
    found += [problem] if (problem := too_long(cut.duration)) else []
    found += [f"supervision {each.id} has no text" for each in cut.supervisions if not text_of(each).strip()]
    if target is not None:
        found += silence_problems(segments, stretches["target_audio"](), target.sampling_rate / cut.sampling_rate)
    elif any(segment.speaker == Speaker.AGENT for segment in segments) and isinstance(cut, MonoCut):
        found.append("the agent speaks, but there is no target_audio")
    return found


def header_problems(recording: Recording, found: Sound) -> Iterator[str]:
    if recording.sampling_rate != found.rate:
        yield f"the manifest says {recording.sampling_rate} Hz, the file {found.rate} Hz"
    elif recording.num_samples != found.frames:
        yield f"the manifest says {recording.num_samples} samples, the file has {found.frames}"


def silence_problems(segments: list[Segment], agent: np.ndarray, scale: float) -> Iterator[str]:
    """`agent` (samples,), at `scale` times the rate of the segments, sounds wherever the agent speaks."""
    for segment in segments:
        if segment.speaker == Speaker.AGENT and segment.kind == Kind.ANSWER:
            stretch = agent[round(segment.start * scale) : round(segment.end * scale)]
            if np.abs(stretch).max(initial=0.0) <= AUDIBLE:
                yield f"the agent's answer {segment.text[:40]!r} is silent in target_audio"
