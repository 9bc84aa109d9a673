"""Who speaks when, and into whose speech: from the stretches of speech of both sides. Definitions: docs/metrics.md.

A stretch is (start, end) in samples of one clock: the first audible sample, and one past the last. All order is by sample.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import numpy as np

from parley.dialogue import YIELD_S
from parley.runtime.session import AUDIBLE

HANG_OVER_S = 0.1  # a silence so short lies inside a stretch: between two swings of the wave, in the closure of a stop
IPU_S = 0.2  # two units are more than this apart (dGSLM, arXiv 2203.16502; SALMONN-omni states no threshold)
TURNS = 5  # SALMONN-omni, camera-ready Table 7, gives the seconds of each event in so many turns
EXEMPT_S = 0.1  # no false alarm when the user stops within this time (SALM-Duplex)

Stretch = tuple[int, int]


def stretches(pcm: np.ndarray, rate: int, level: float = AUDIBLE, hang_over_s: float = HANG_OVER_S) -> list[Stretch]:
    """The speech in `pcm` (samples,), float in [-1, 1]: where samples above `level` are at most `hang_over_s` apart."""
    if pcm.ndim != 1:
        raise ValueError(f"a waveform of shape {pcm.shape}; pass one side of the recording, (samples,)")
    assert pcm.dtype.kind == "f", pcm.dtype
    audible = np.flatnonzero(np.abs(pcm) > level)
    if not len(audible):
        return []
    last = np.flatnonzero(np.diff(audible) - 1 > round(hang_over_s * rate))  # before a silence
    starts, ends = audible[[0, *(last + 1)]], audible[[*last, -1]] + 1
    return list(zip(starts.tolist(), ends.tolist()))


def merged(speech: Iterable[Stretch], bridge: int) -> list[Stretch]:
    """In order, with silences of up to `bridge` samples filled. ValueError: a stretch that does not end after it starts."""
    units: list[Stretch] = []
    for start, end in sorted(speech):
        if start >= end:
            raise ValueError(f"speech from sample {start} to {end}; a stretch must end after it starts")
        if units and start - units[-1][1] <= bridge:
            units[-1] = (units[-1][0], max(units[-1][1], end))
        else:
            units.append((start, end))
    return units


def ipus(speech: Iterable[Stretch], rate: int, gap_s: float = IPU_S) -> list[Stretch]:
    """Inter-pausal units: speech of one side between silences of more than `gap_s`."""
    return merged(speech, round(gap_s * rate))


class Side(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True)
class Change:
    sample: int
    side: Side
    speaking: bool  # from this sample on


def timeline(user: Iterable[Stretch], assistant: Iterable[Stretch]) -> list[Change]:
    """Every start and end of speech by its sample, whatever blocks they fall into; at one sample ends come before starts."""
    changes = [
        Change(sample, side, speaking)
        for side, speech in ((Side.USER, user), (Side.ASSISTANT, assistant))
        for start, end in speech
        for sample, speaking in ((start, True), (end, False))
    ]
    return sorted(changes, key=lambda change: (change.sample, change.speaking))


class Event(StrEnum):
    IPU = "ipu"  # of either side
    PAUSE = "pause"  # both silent, and the side that spoke last goes on
    GAP = "gap"  # both silent, and the other side starts
    OVERLAP = "overlap"  # both speak


@dataclass(frozen=True)
class Interaction:
    """The events of one dialogue, both sides together."""

    count: dict[Event, int]
    seconds: dict[Event, float]  # total durations
    turns: int  # of the user
    length_s: float


def interaction(user: Iterable[Stretch], assistant: Iterable[Stretch], rate: int, turns: int, length: int) -> Interaction:
    """`turns`: how often the user took the turn; `length` in samples. Silence before the first and after the last unit is no event."""
    units = ipus(user, rate), ipus(assistant, rate)
    lengths: dict[Event, list[int]] = {event: [] for event in Event}
    lengths[Event.IPU] = [end - start for side in units for start, end in side]
    speaking: set[Side] = set()
    stopped: set[Side] = set()  # who stopped at the change before
    before = 0
    for sample, group in groupby(timeline(*units), key=lambda change: change.sample):
        changes = list(group)
        started = {change.side for change in changes if change.speaking}
        if len(speaking) == 2:
            lengths[Event.OVERLAP].append(sample - before)
        elif not speaking and stopped:
            lengths[Event.PAUSE if started & stopped else Event.GAP].append(sample - before)
        stopped = {change.side for change in changes if not change.speaking}
        speaking = speaking - stopped | started
        before = sample
    if before > length:
        raise ValueError(f"speech up to sample {before} in a dialogue of {length}; the two must have one clock")
    seconds = {event: sum(samples) / rate for event, samples in lengths.items()}
    return Interaction({event: len(samples) for event, samples in lengths.items()}, seconds, turns, length / rate)


@dataclass(frozen=True)
class UserBargeIn:
    """The user starts to speak while the assistant speaks. SALM-Duplex, arXiv 2505.15670."""

    onset: int  # the user's first sample
    success: bool  # the assistant is silent within YIELD_S of it
    from_onset_s: float  # until one past the assistant's last sample: the paper's barge-in latency
    from_end_s: float  # the same from the end of what the user said; negative where the assistant was silent before it
    overlap_s: float  # how long both speak: what the authors' metric code calls latency


def barge_ins(user: Iterable[Stretch], assistant: Iterable[Stretch], rate: int, gap_s: float = IPU_S) -> list[UserBargeIn]:
    """In order. The assistant is silent when it has been for more than `gap_s`."""
    found = []
    speaking = ipus(assistant, rate, gap_s)
    for onset, end in ipus(user, rate, gap_s):
        silence = next((silence for start, silence in speaking if start < onset < silence), None)
        if silence is not None:
            success = silence - onset <= round(YIELD_S * rate)
            found.append(
                UserBargeIn(onset, success, (silence - onset) / rate, (silence - end) / rate, (min(silence, end) - onset) / rate)
            )
    return found


def false_alarms(user: Iterable[Stretch], assistant: Iterable[Stretch], rate: int, gap_s: float = IPU_S) -> list[bool]:
    """For each of the user's units: the assistant starts to speak while it lasts and has more than EXEMPT_S to go (SALM-Duplex)."""
    onsets = [start for start, _ in ipus(assistant, rate, gap_s)]
    exempt = round(EXEMPT_S * rate)
    return [any(start < onset < end - exempt for onset in onsets) for start, end in ipus(user, rate, gap_s)]


def response_latencies(user: Iterable[Stretch], assistant: Iterable[Stretch], rate: int, gap_s: float = IPU_S) -> list[float | None]:
    """For each turn of the user, from its end to the first sample of the assistant's answer; negative when that came early, None: never.

    A turn is what the user says until the assistant starts to speak. The first of the list is SALM-Duplex's first response.
    """
    onsets = [start for start, _ in ipus(assistant, rate, gap_s)]
    turns: list[Stretch] = []
    for start, end in ipus(user, rate, gap_s):
        if turns and not any(turns[-1][0] < onset <= start for onset in onsets):
            turns[-1] = (turns[-1][0], end)
        else:
            turns.append((start, end))
    return [next(((onset - end) / rate for onset in onsets if onset > start), None) for start, end in turns]
