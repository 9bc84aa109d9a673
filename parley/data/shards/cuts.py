"""Any lhotse cut of a dialogue: who speaks in which channel, and what is wrong with it.

The convention is NeMo's: the recording is the user's, the agent's is the custom `target_audio`, or another channel.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import soundfile
from lhotse import MonoCut, MultiCut, Recording, SupervisionSegment
from lhotse.audio import AudioSource
from lhotse.serialization import deserialize_item

from parley.audio import decode
from parley.clock import Clock
from parley.data.corpora.entries import Failed, json_lines
from parley.data.corpora.recorded import SLACK_S, Recorded, opened, span
from parley.dialogue import YIELD_S, Kind, Segment, Speaker
from parley.llm.layout import LayoutConfig

LONGEST_S = 180.0  # of a dialogue: the paper's training sequences end there
TIMESTAMP = re.compile(r"<\|\d+\|>")  # NeMo's, of the words in a text
SPEAKERS = {"user": Speaker.USER, "agent": Speaker.AGENT, "assistant": Speaker.AGENT, "other": Speaker.OTHER}
KINDS = {Speaker.USER: Kind.QUESTION, Speaker.AGENT: Kind.ANSWER, Speaker.OTHER: Kind.CHAT}


@dataclass(frozen=True)
class Sound:
    seconds: float
    channels: int
    rate: int
    frames: int


def sound(path: Path) -> Sound:
    """Reads the file through. ValueError for what is missing, broken off, empty, or no audio."""
    file = opened(path)
    try:
        frames = sum(len(piece) for _, piece in decode(file)) if isinstance(file, Path) else len(soundfile.read(file)[0])
        header = soundfile.info(opened(path))
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path}: cannot be read as audio ({error.error_string}); copy it again") from error
    if not frames:
        raise ValueError(f"{path}: holds no samples; give a recording with sound in it")
    return Sound(frames / header.samplerate, header.channels, header.samplerate, frames)


def to_cut(entry: dict[str, Any]) -> MonoCut | MultiCut:
    try:
        cut = deserialize_item(entry)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise ValueError(f"is no lhotse cut ({type(error).__name__}: {error})") from error
    if not isinstance(cut, MonoCut | MultiCut) or cut.recording is None:
        raise ValueError(f"is a {type(cut).__name__} without one recording of its own; save its audio and write a MonoCut or a MultiCut")
    return cut


def cuts_in(file: Path) -> Iterator[MonoCut | MultiCut]:
    """The cuts of JSON lines. ValueError with the file and the id, or the line, of what is none."""
    for number, entry in enumerate(json_lines(file), 1):
        if isinstance(entry, Failed):
            raise ValueError(f"{file.parent / entry.id}: {entry.reason}")
        try:
            cut = to_cut(entry)
        except ValueError as error:
            raise ValueError(f"{file}: {entry.get('id', f'cut {number}')} {error}") from error
        yield cut


def target_of(cut: MonoCut | MultiCut) -> Recording | None:
    """The agent's own recording. ValueError for one that is none."""
    target: Any = (cut.custom or {}).get("target_audio")
    if isinstance(target, dict):
        target = deserialize_item(target)
    if target is not None and not isinstance(target, Recording):
        raise ValueError(f"target_audio is {str(target)[:60]!r}; need a recording")
    return target


def agents_part(cut: MonoCut | MultiCut, target: Recording) -> MonoCut:
    """Of the agent's own recording what belongs to `cut`, where that is a part of the user's: from the same second on, as lhotse and NeMo
    read it."""
    length = min(cut.duration, target.duration - cut.start)
    if length <= 0:
        raise ValueError(f"target_audio ends at {target.duration:.2f} s, before the cut begins")
    return MonoCut(cut.id, cut.start, length, 0, recording=target)


def segments_of(cut: MonoCut | MultiCut, rate: int) -> list[Segment]:
    """Who says what and when, in samples at `rate`, in the order in which they begin."""
    speakers = speakers_of(cut.supervisions)
    segments = [to_segment(each, speakers[str(each.speaker)], cut, rate) for each in cut.supervisions]
    stops = [each.start for each in segments if each.speaker == Speaker.USER and each.kind in (Kind.QUESTION, Kind.INTERRUPTION)]
    for number, (said, each) in enumerate(zip(cut.supervisions, segments)):
        if each.kind == Kind.ANSWER and "interrupted" not in (said.custom or {}):
            segments[number] = replace(each, interrupted=any(yields(each, start, rate) for start in stops))
    return sorted(segments, key=lambda segment: segment.start)


def yields(answer: Segment, start: int, rate: int) -> bool:
    """Whether what begins at `start` begins in the answer, and that ends so soon after it as one that is interrupted."""
    return answer.start < start < answer.end <= start + YIELD_S * rate


def too_long(seconds: float) -> str:
    """What is wrong with a dialogue that lasts so long; "" if nothing is."""
    return f"it lasts {seconds:.0f} s, but a dialogue at most {LONGEST_S:.0f} s; cut it into shorter ones" if seconds > LONGEST_S else ""


def text_of(supervision: SupervisionSegment) -> str:
    """Without the times of its words."""
    text = supervision.text or ""
    return " ".join(TIMESTAMP.sub("", text).split()) if TIMESTAMP.search(text) else text


def crowded(segments: Sequence[Segment], clock: Clock, layout: LayoutConfig) -> Iterator[str]:
    """The answers that begin too early for their `<shift>` to stand before them and behind the end of the one before."""
    free, why = 0, "the beginning"
    for segment in segments:
        if segment.speaker != Speaker.AGENT:
            continue
        shift = segment.start // clock.samples_in - layout.lead - 1
        if shift < free:
            wait_s = clock.seconds(free - shift)
            yield f"the answer {segment.text[:40]!r} begins {wait_s:.2f} s too soon after {why}; move it, or leave this dialogue out"
        free = (segment.end - 1) // clock.samples_in + (0 if segment.interrupted else layout.linger) + 1
        why = "the answer before it"


def check_times(cut: MonoCut | MultiCut) -> None:
    """Supervisions lie within the cut, and nobody speaks twice at once."""
    for each in cut.supervisions:
        span([each.start, each.end], cut.duration, f"supervision {each.id}")
    for speaker in {each.speaker for each in cut.supervisions}:
        mine = sorted((each for each in cut.supervisions if each.speaker == speaker), key=lambda each: each.start)
        for one, other in pairwise(mine):
            if one.end > other.start + SLACK_S:
                raise ValueError(f"supervisions {one.id} and {other.id} overlap, both by {speaker}; correct their times or speakers")


def speakers_of(supervisions: list[SupervisionSegment]) -> dict[str, Speaker]:
    """By name. Where nobody is called user, it is the first to speak who is not called agent, assistant or other."""
    for each in supervisions:
        if not isinstance(each.speaker, str) or not each.speaker:
            raise ValueError(f"supervision {each.id} has no speaker; write {', '.join(SPEAKERS)}, or a name")
    names = [str(each.speaker) for each in sorted(supervisions, key=lambda each: each.start)]
    known = {name: SPEAKERS[name.lower()] for name in names if name.lower() in SPEAKERS}
    strangers = [name for name in names if name not in known]
    if Speaker.USER not in known.values() and strangers:
        known[strangers[0]] = Speaker.USER
    return {name: known.get(name, Speaker.OTHER) for name in names}


def users_channel(cut: MonoCut | MultiCut, speakers: dict[str, Speaker]) -> int:
    """The one channel in which all are heard but the agent."""
    channels: dict[bool, set[int]] = {True: set(), False: set()}
    for each in cut.supervisions:
        own = cut.channel if isinstance(cut, MonoCut) else each.channel
        channels[speakers[str(each.speaker)] == Speaker.AGENT] |= {own} if isinstance(own, int) else set(own)
    heard = channels[False] or {cut.channel if isinstance(cut, MonoCut) else min(cut.channel)}
    agents = set() if "target_audio" in (cut.custom or {}) else channels[True]
    if len(heard) > 1 or heard & agents:
        raise ValueError(
            f"user and others are heard in channel {sorted(heard)}, the agent in {sorted(channels[True])}; "
            "mix all but the agent into one channel, and give the agent another, or a recording as target_audio"
        )
    return heard.pop()


def source_of(cut: MonoCut | MultiCut, channel: int) -> tuple[AudioSource, int]:
    """The file that holds `channel` of the recording, and which of the file's channels it is."""
    assert cut.recording, cut.id
    for source in cut.recording.sources:
        if channel in source.channels:
            if source.type != "file":
                raise ValueError(f"its audio is a {source.type}, which is not run or fetched here; save it and write the file's path")
            return source, source.channels.index(channel)
    raise ValueError(f"its recording has no channel {channel}; correct the channels of the cut")


def stretch_of(
    cut: MonoCut | MultiCut, channel: int, folder: Path, rate: int, measure: Callable[[Path], Sound]
) -> Recorded:
    """Where the sound of `channel` lies; audio paths count from `folder`, or else from the current one."""
    source, place = source_of(cut, channel)
    beside, given = folder / str(source.source), Path(str(source.source))
    file = given if given.exists() and not beside.exists() else beside
    length = measure(file)
    if place >= length.channels:
        raise ValueError(f"{file} has {length.channels} channel(s), but the cut is of number {place}, counted from 0")
    if cut.start + cut.duration > length.seconds + SLACK_S:
        raise ValueError(f"the cut ends at {cut.start + cut.duration:.2f} s, but {file} lasts only {length.seconds:.2f} s")
    return Recorded(file, rate, place, cut.start, cut.duration)


def to_segment(supervision: SupervisionSegment, speaker: Speaker, cut: MonoCut | MultiCut, rate: int) -> Segment:
    """A plain supervision is a question, an answer or chat by its speaker; this project's says more."""
    start, end = span([supervision.start, supervision.end], cut.duration, f"supervision {supervision.id}")
    kind = (supervision.custom or {}).get("kind", KINDS[speaker])
    if kind not in [*Kind]:
        raise ValueError(f"supervision {supervision.id} is of the kind {kind!r}; write {', '.join(Kind)}")
    if (speaker == Speaker.AGENT) != (kind == Kind.ANSWER):
        raise ValueError(f"supervision {supervision.id} of the {speaker} is of the kind {kind}; the agent alone answers, and only that")
    plain = Segment(speaker, Kind(kind), text_of(supervision), round(start * rate), round(end * rate))
    match supervision.custom:
        case {"voice": str(voice), "interrupted": bool(interrupted), "pauses": list(pauses), "keywords": list(keywords)}:
            silences = tuple((first * rate // cut.sampling_rate, last * rate // cut.sampling_rate) for first, last in pauses)
            return Segment(speaker, plain.kind, plain.text, plain.start, plain.end, voice, interrupted, silences, tuple(keywords))
        case _:
            return plain
