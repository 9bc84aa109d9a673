"""lhotse manifests: this project's own (`data/manifest.py`), and any whose supervisions have speakers.

The convention is NeMo's: the recording is the user's, the agent's is the custom `target_audio`, or another channel.
"""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from lhotse import MonoCut, MultiCut

from parley.clock import Clock
from parley.data.corpora.entries import Failed, entries
from parley.data.shards.cuts import Sound, check_times, sound, speakers_of, stretch_of, to_cut, to_segment, users_channel
from parley.dialogue import Segment, Speaker
from parley.eval.inputs.item import Item
from parley.eval.outcomes import TAKES_TURN


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


def cut_item(name: str, cut: MonoCut | MultiCut, folder: Path, clock: Clock, measure: Callable[[Path], Sound]) -> Item:
    check_times(cut)
    speakers = speakers_of(cut.supervisions)
    environment = stretch_of(cut, users_channel(cut, speakers), folder, clock.input_rate, measure)
    segments = (to_segment(each, speakers[str(each.speaker)], cut, clock.input_rate) for each in cut.supervisions)
    events = tuple(sorted(segments, key=lambda event: (event.start, event.end)))
    return Item(name, "manifest", clock.input_rate, environment, events, reference(events))


def reference(events: tuple[Segment, ...]) -> tuple[str, ...]:
    """What the agent says first after the last that was asked began, be it an interruption."""
    asked = [event.start for event in events if event.kind in TAKES_TURN]
    answers = [event.text for event in events if event.speaker == Speaker.AGENT and asked and event.start >= asked[-1] and event.text]
    return tuple(answers[:1])
