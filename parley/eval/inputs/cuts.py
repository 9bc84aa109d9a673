"""lhotse manifests: this project's own (`data/manifest.py`), and any whose supervisions have speakers.

The convention is NeMo's: the recording is the user's, the agent's is the custom `target_audio`, or another channel.
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from lhotse import MonoCut, MultiCut, SupervisionSegment
from lhotse.audio import AudioSource
from lhotse.serialization import deserialize_item

from parley.clock import Clock
from parley.dialogue import Kind, Segment, Speaker
from parley.eval.inputs.item import SLACK_S, Failed, Item, Recorded, Sound, sound, span
from parley.eval.inputs.tables import entries

SPEAKERS = {"user": Speaker.USER, "agent": Speaker.AGENT, "assistant": Speaker.AGENT, "other": Speaker.OTHER}
KINDS = {Speaker.USER: Kind.QUESTION, Speaker.AGENT: Kind.ANSWER, Speaker.OTHER: Kind.CHAT}


def read_manifest(path: Path, clock: Clock) -> Iterator[Item | Failed]:
    """Audio paths count from the manifest's folder, or else from the current one."""
    measure = cache(sound)  # many cuts may be of one recording
    for number, entry in enumerate(entries(path), 1):
        if isinstance(entry, Failed):
            yield entry
            continue
        name = str(entry.get("id", f"{path.name}:{number}"))
        try:
            yield cut_item(name, to_cut(entry), path.parent, clock, measure)
        except ValueError as error:
            yield Failed(name, str(error))


def to_cut(entry: dict[str, Any]) -> MonoCut | MultiCut:
    try:
        cut = deserialize_item(entry)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise ValueError(f"is no lhotse cut ({type(error).__name__}: {error})") from error
    if not isinstance(cut, MonoCut | MultiCut) or cut.recording is None:
        raise ValueError(f"is a {type(cut).__name__} without one recording of its own; save its audio and write a MonoCut or a MultiCut")
    return cut


def cut_item(name: str, cut: MonoCut | MultiCut, folder: Path, clock: Clock, measure: Callable[[Path], Sound]) -> Item:
    check_times(cut)
    speakers = speakers_of(cut.supervisions)
    source, channel = source_of(cut, users_channel(cut, speakers))
    beside, given = folder / str(source.source), Path(str(source.source))
    file = given if given.exists() and not beside.exists() else beside
    length = measure(file)
    if channel >= length.channels:
        raise ValueError(f"{file} has {length.channels} channel(s), but the cut is of number {channel}, counted from 0")
    if cut.start + cut.duration > length.seconds + SLACK_S:
        raise ValueError(f"the cut ends at {cut.start + cut.duration:.2f} s, but {file} lasts only {length.seconds:.2f} s")
    segments = (to_segment(each, speakers[str(each.speaker)], cut, clock.input_rate) for each in cut.supervisions)
    events = tuple(sorted(segments, key=lambda event: (event.start, event.end)))
    environment = Recorded(file, clock.input_rate, channel, cut.start, cut.duration)
    return Item(name, "manifest", clock.input_rate, environment, events, reference(events))


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


def to_segment(supervision: SupervisionSegment, speaker: Speaker, cut: MonoCut | MultiCut, rate: int) -> Segment:
    """A plain supervision is a question, an answer or chat by its speaker; this project's says more."""
    start, end = span([supervision.start, supervision.end], cut.duration, f"supervision {supervision.id}")
    kind = (supervision.custom or {}).get("kind", KINDS[speaker])
    if kind not in [*Kind]:
        raise ValueError(f"supervision {supervision.id} is of the kind {kind!r}; write {', '.join(Kind)}")
    plain = Segment(speaker, Kind(kind), supervision.text or "", round(start * rate), round(end * rate))
    match supervision.custom:
        case {"voice": str(voice), "interrupted": bool(interrupted), "pauses": list(pauses), "keywords": list(keywords)}:
            silences = tuple((first * rate // cut.sampling_rate, last * rate // cut.sampling_rate) for first, last in pauses)
            return Segment(speaker, plain.kind, plain.text, plain.start, plain.end, voice, interrupted, silences, tuple(keywords))
        case _:
            return plain


def reference(events: tuple[Segment, ...]) -> tuple[str, ...]:
    """What the agent says first after the last question began."""
    asked = [event.start for event in events if event.kind == Kind.QUESTION]
    answers = [event.text for event in events if event.speaker == Speaker.AGENT and asked and event.start >= asked[-1] and event.text]
    return tuple(answers[:1])
