"""Full-Duplex-Bench v1 (arXiv 2503.04721) and v1.5 (2507.23159) as their authors count, with their quirks. Definitions: docs/metrics.md.

Written from the definitions; beside the quirks stand values without them. Words and events are in seconds, speech in samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

import numpy as np

from parley.eval.metrics.interaction import Stretch, merged
from parley.eval.metrics.words import Word

TURN_S = 1.0  # words that last so long are a turn ...
TURN_WORDS = 3  # ... and so are more words than these
BACKCHANNEL_S = 1.0  # a backchannel is shorter
BACKCHANNEL_WORDS = 2  # and has no more words
SPEECH_S = 3.0  # a longer stretch is a turn and ends the search for backchannels
WINDOW_S = 0.2  # of the distribution of backchannels over time
EPSILON = 1e-10  # in every window
USER_BRIDGE_S, ASSISTANT_BRIDGE_S = 0.6, 0.5  # v1.5: silences inside one stretch
ENTER, LEAVE = 0.5, 0.35  # silero-vad's own defaults, as the next two lines: speech begins, and goes on down to
SILENCE_S, LEAST_S = 0.1, 0.25  # so long below that it is over; a stretch that is not longer is none
PAD_S = 0.03  # added on either side


def took_turn(words: Sequence[Word]) -> bool:
    """Whether these words take the turn over; the take-over rate (TOR) is the share of items that do. Pause handling needs no more."""
    for before, word in zip(words, words[1:]):
        if word.start_s < before.start_s:
            raise ValueError(f'word "{word.text}" at {word.start_s} s comes after one at {before.start_s} s; sort the words by time')
    return bool(words) and (words[-1].stop_s - words[0].start_s >= TURN_S or len(words) > TURN_WORDS)


@dataclass(frozen=True)
class TakeOver:
    """Latencies only where the turn was taken."""

    taken: bool
    latency_s: float | None  # as published: early starts count as 0
    signed_s: float | None  # not clamped, of an answer that really began


def smooth_turn_taking(words: Sequence[Word], end_s: float) -> TakeOver:
    """`words` of the whole output; the user's turn ends at `end_s`."""
    if not took_turn(words):
        return TakeOver(False, None, None)
    signed_s = words[0].start_s - end_s
    return TakeOver(True, max(signed_s, 0.0), signed_s)


def user_interruption(words: Sequence[Word], after: Sequence[Word], start_s: float, end_s: float) -> TakeOver:
    """`words` of the whole output; `after`: as published, those that are heard in what of it sounds after `end_s`, and nothing before. The
    user interrupts from `start_s` to `end_s`.

    `signed_s` counts from `end_s` to the first word that starts after the interruption does and after more than ASSISTANT_BRIDGE_S
    of silence: None where the assistant just talks on, which as published is an instant answer.
    """
    if start_s >= end_s:
        raise ValueError(f"an interruption from {start_s} to {end_s} s; it must end after it starts")
    if not took_turn(after):
        return TakeOver(False, None, None)
    stops = [-np.inf, *(word.stop_s for word in words)]
    fresh = [word.start_s for stop_s, word in zip(stops, words) if word.start_s >= start_s and word.start_s - stop_s > ASSISTANT_BRIDGE_S]
    return TakeOver(True, after[0].start_s - end_s, fresh[0] - end_s if fresh else None)


def voiced(probabilities: Sequence[float], window: int, rate: int, length: int) -> list[Stretch]:
    """The stretches of speech in `length` samples, by the verdict of silero-vad on each window of them: cut out as its package does."""
    found: list[Stretch] = []
    start = quiet = None  # of the stretch under way; since when it has been below LEAVE
    for at, probability in zip(count(0, window), probabilities):
        if probability >= ENTER:
            start, quiet = at if start is None else start, None
        elif start is not None and probability < LEAVE:
            quiet = at if quiet is None else quiet
            if at - quiet >= SILENCE_S * rate:
                found.append((start, quiet))
                start = quiet = None
    if start is not None:
        found.append((start, length))
    pad = round(PAD_S * rate)
    return [(max(start - pad, 0), min(end + pad, length)) for start, end in found if end - start > LEAST_S * rate]


@dataclass(frozen=True)
class Backchannels:
    """One item of the backchannel task."""

    taken: bool  # as published: what was found of the last stretch that was looked at
    any_taken: bool  # any stretch is more than a backchannel
    frequency: float  # stretches of up to SPEECH_S before the first longer one, a second
    divergence: float | None  # from the human distribution ("JSD"); None where none was given


def backchannels(
    speech: Sequence[Stretch], words: Sequence[Word], rate: int, length: int, human: Sequence[float] | None = None
) -> Backchannels:
    """`speech` and `length` of the output in samples; `human`: how people's backchannels to this clip spread over its time."""
    units = merged(speech, 0)
    if length <= 0:
        raise ValueError(f"an output of {length} samples; it must be as long as the user's audio")
    if units and units[-1][1] > length:
        raise ValueError(f"speech up to sample {units[-1][1]} in an output of {length}; the two must have one clock")
    short = [end - start <= SPEECH_S * rate for start, end in units]
    counted = units[: short.index(False)] if False in short else units
    turns = [not is_backchannel(unit, words, rate) for unit in units]
    looked_at = turns[: len(counted) + 1]
    divergence = None
    if human is not None:
        divergence = jensen_shannon(activity(counted, rate, length), human) if counted else 1.0
    return Backchannels(bool(looked_at) and looked_at[-1], any(turns), len(counted) * rate / length, divergence)


def is_backchannel(stretch: Stretch, words: Sequence[Word], rate: int) -> bool:
    """Shorter than BACKCHANNEL_S, and at most BACKCHANNEL_WORDS of `words` sound in it."""
    start_s, end_s = stretch[0] / rate, stretch[1] / rate
    inside = [word for word in words if start_s <= word.start_s <= end_s or word.start_s <= start_s < word.stop_s]
    return stretch[1] - stretch[0] < BACKCHANNEL_S * rate and len(inside) <= BACKCHANNEL_WORDS


def activity(speech: Sequence[Stretch], rate: int, length: int) -> np.ndarray:
    """How many stretches touch each window of WINDOW_S (windows,); of people's backchannels it is a human distribution."""
    windows = np.zeros(int(length / rate / WINDOW_S) + 1)
    for start, end in speech:
        windows[int(start / rate / WINDOW_S) : int(end / rate / WINDOW_S) + 1] += 1
    return windows


def jensen_shannon(counts: np.ndarray, human: Sequence[float]) -> float:
    """The square root of the Jensen-Shannon divergence with natural logarithms; `human` is stretched to the windows of `counts`."""
    if not len(human) or min(human) < 0:
        raise ValueError(f"a human distribution of {len(human)} windows, the least {min(human, default=None)}; give shares of at least 0")
    p = counts + EPSILON
    q = np.interp(np.linspace(0, 1, len(counts)), np.linspace(0, 1, len(human)), human)
    if not q.any():
        raise ValueError(f"a human distribution of {len(human)} windows is empty in {len(counts)} windows; give that of this very clip")
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2
    parts = [np.sum(x[x > 0] * np.log(x[x > 0] / middle[x > 0])) for x in (p, q)]
    return float(np.sqrt(max(sum(parts) / 2, 0.0)))


def stop_latencies_fdb(user: Sequence[Stretch], assistant: Sequence[Stretch], rate: int) -> list[float]:
    """v1.5: how long both speak at once, in seconds, one value an overlap, whoever of the two began it."""
    pairs = [
        (max(u[0], a[0]), min(u[1], a[1]))
        for u in merged(user, round(USER_BRIDGE_S * rate))
        for a in merged(assistant, round(ASSISTANT_BRIDGE_S * rate))
    ]
    return [(end - start) / rate for start, end in pairs if end > start]


def response_latencies_fdb(user: Sequence[Stretch], assistant: Sequence[Stretch], rate: int) -> list[float]:
    """v1.5: from the end of the user's speech to the assistant's next start, in seconds; the last such end for every start."""
    onsets = [start for start, _ in merged(assistant, round(ASSISTANT_BRIDGE_S * rate))]
    end_before: dict[int, int] = {}
    for _, end in merged(user, round(USER_BRIDGE_S * rate)):
        onset = next((onset for onset in onsets if onset > end), None)
        if onset is not None:
            end_before[onset] = end
    return [(onset - end) / rate for onset, end in end_before.items()]


class Behaviour(StrEnum):
    """v1.5: what the assistant says first after the overlap began."""

    RESPOND = "C_RESPOND"  # to the overlap
    RESUME = "C_RESUME"  # goes on as if nothing had been said
    UNCERTAIN = "C_UNCERTAIN_HANDLING"  # asks back
    UNKNOWN = "C_UNKNOWN"  # nothing, or something else


def behaviour(words: Sequence[Word], clean: Sequence[Word], overlap_s: float) -> Behaviour | None:
    """What is certain without a judge; None: ask one. `clean`: the words of the output for the input without the overlap.

    No word after the overlap begins at `overlap_s`: unknown. The same words as for the clean input, some of them after it: resume.
    """
    if not any(word.start_s >= overlap_s for word in words):
        return Behaviour.UNKNOWN
    return Behaviour.RESUME if spelt(words) == spelt(clean) else None


def spelt(words: Sequence[Word]) -> list[str]:
    """Lower case, letters and digits only."""
    kept = ["".join(filter(str.isalnum, word.text.lower())) for word in words]
    return [text for text in kept if text]
