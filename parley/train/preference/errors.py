"""The mistakes that stage 3 learns from: the model gave up an answer that it should have gone on with, or went on where it should have
stopped. The five classes are the paper's (section 4.1, stage 3).

Times are samples at the input rate; a decision counts at the end of its block.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from parley.clock import Clock
from parley.dialogue import YIELD_S, Kind, Segment, Speaker
from parley.llm.layout import Turn
from parley.runtime.session import Answer


class Error(StrEnum):
    CONTEXT = "context"  # a question into the answer went unheard, or somebody's talk that has nothing to do with it stopped it
    USER_STOP = "user_stop"  # the user asked to stop, in vain
    OTHER_STOP = "other_stop"  # a third person did
    BACKCHANNEL = "backchannel"  # stopped at a backchannel
    EARLY_STOP = "early_stop"  # stopped when nothing was said


@dataclass(frozen=True)
class Verdict:
    """One answer, judged once. `right`: for a mistake, the block where the `<shift>` belongs; None: where the answer is over."""

    contextual: bool  # the paper's context-dependent setting: questions, unrelated talk, silence; else direct stops and backchannels
    positive: bool  # it was to stop
    yielded: bool
    error: Error | None = None
    right: int | None = None


def said_into(turn: Turn, segments: Sequence[Segment]) -> list[Segment]:
    """What people begin to say while the reference answer is played."""
    speech = turn.segment
    return [one for one in segments if one.speaker != Speaker.AGENT and speech.start <= one.start < speech.end]


def judge(turn: Turn, answer: Answer, segments: Sequence[Segment], lasted: int, clock: Clock) -> Verdict | None:
    """`turn`: the reference; `answer`: what the model gave in its place, in a course of `lasted` blocks. None: nothing to decide on."""
    said = said_into(turn, segments)
    asking = [one for one in said if one.kind in (Kind.INTERRUPTION, Kind.QUESTION)]
    if bool(asking) != turn.interrupted:
        return None  # it is not known what would have been right
    event = asking[-1] if asking else said[0] if said else None
    contextual = event is None or event.kind == Kind.CHAT or bool(event.keywords)
    decided = (answer.back + 1) * clock.samples_in if answer.back >= 0 else math.inf
    stopped = answer.back >= 0 and answer.interrupted
    if not asking or decided <= asking[-1].start:
        if stopped:
            error = cause(decided, said, clock)
            return Verdict(error in (Error.CONTEXT, Error.EARLY_STOP), False, True, error, turn.back if asking else None)
        over_before = event is not None and decided <= event.start
        return None if over_before else Verdict(contextual, False, False)
    until = within(asking[-1], clock)
    if decided <= until:
        return Verdict(contextual, True, True) if stopped else None  # else it came to its own end meanwhile
    if lasted * clock.samples_in < until:
        return None
    by_other = asking[-1].speaker == Speaker.OTHER
    missed = Error.CONTEXT if contextual else Error.OTHER_STOP if by_other else Error.USER_STOP
    return Verdict(contextual, True, False, missed, turn.back)


def within(event: Segment, clock: Clock) -> float:
    return event.start + YIELD_S * clock.input_rate


def cause(decided: float, said: Sequence[Segment], clock: Clock) -> Error:
    """What a wrong stop goes back to: the last thing said shortly before it."""
    before = [one for one in said if one.start < decided <= within(one, clock)]
    if not before:
        return Error.EARLY_STOP
    return Error.BACKCHANNEL if before[-1].kind == Kind.BACKCHANNEL else Error.CONTEXT


def scores(verdicts: Iterable[Verdict]) -> dict[str, float]:
    """Precision, recall and F1 of yielding, one decision an answer: context-independent, context-dependent, and pooled (paper, table 6).

    Where nothing was yielded the precision is 0, where nothing was to be yielded the recall is.
    """
    every = list(verdicts)
    chosen = {"ci": [one for one in every if not one.contextual], "cd": [one for one in every if one.contextual], "overall": every}
    found: dict[str, float] = {}
    for name, group in chosen.items():
        hits = sum(one.positive and one.yielded for one in group)
        yielded, positive = sum(one.yielded for one in group), sum(one.positive for one in group)
        found |= {
            f"{name}_precision": hits / max(1, yielded),
            f"{name}_recall": hits / max(1, positive),
            f"{name}_f1": 2 * hits / max(1, yielded + positive),
            f"{name}_n": float(len(group)),
        }
    return found
