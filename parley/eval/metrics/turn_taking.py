"""When the model starts, and when it stops: turn-taking, pauses, barge-in. Definitions: docs/metrics.md.

All times are differences of samples of one row, turned into seconds; a decision counts at the end of its block.
"""

from dataclasses import dataclass
from enum import StrEnum

from parley.dialogue import Kind, Segment
from parley.eval.metrics.statistics import Decision
from parley.eval.rollout import Answer, Trace

START_S = 1.0  # an answer is in time within [0, START_S] after the true end of the question
YIELD_S = 1.5  # a yield is a decision to listen within YIELD_S of the event's first sample


class Start(StrEnum):
    IN_TIME = "in_time"
    EARLY = "early"
    LATE = "late"
    NEVER = "never"


@dataclass(frozen=True)
class Turn:
    """How the model took the turn after a question."""

    start: Start  # by the decision to speak
    shift_s: float | None  # decision to speak minus end of the question: of the first early answer, else of the first answer
    audible: Start  # by the first audible sample
    onset_s: float | None  # first audible sample minus end of the question
    onset_delay_s: float | None  # from the decision to the first audible sample


def question_of(trace: Trace) -> Segment:
    """The last question that was asked."""
    return [segment for segment in trace.segments if segment.kind == Kind.QUESTION][-1]


def first_answer(trace: Trace, question: Segment) -> Answer | None:
    """The first answer that was decided on after the question."""
    return next((answer for answer in trace.answers if answer.shift >= question.end), None)


def classify(seconds: float | None) -> Start:
    if seconds is None:
        return Start.NEVER
    if seconds < 0:
        return Start.EARLY
    return Start.IN_TIME if seconds <= START_S else Start.LATE


def turn(trace: Trace) -> Turn:
    """Any start before the end of the question makes it early, whatever came later."""
    end = question_of(trace).end
    shifts = [answer.shift for answer in trace.answers]
    onsets = [answer.onset for answer in trace.answers if answer.onset is not None]
    shift_s, onset_s = (trace.seconds(min(times) - end) if times else None for times in (shifts, onsets))
    first = trace.answers[0] if trace.answers else None
    delay = None if first is None or first.onset is None else trace.seconds(first.onset - first.shift)
    return Turn(classify(shift_s), shift_s, classify(onset_s), onset_s, delay)


class Pause(StrEnum):
    """Where the first start before the end of a question with a pause fell."""

    NONE = "none"
    BEFORE = "before the pause"
    INSIDE = "inside the pause"
    AFTER = "after the pause"


def pause(trace: Trace) -> Pause:
    question = question_of(trace)
    (start, end), *_ = question.pauses
    shift = min((answer.shift for answer in trace.answers), default=question.end)
    if shift >= question.end:
        return Pause.NONE
    if shift < start:
        return Pause.BEFORE
    return Pause.INSIDE if shift < end else Pause.AFTER


class Ending(StrEnum):
    """What became of an answer that something was to be said into."""

    YIELDED = "yielded"
    WENT_ON = "went on"
    STOPPED_BEFORE = "stopped by itself before the event"  # gave up with nothing said: counted as a false yield
    ENDED_BEFORE = "ended before the event"  # these three have no decision to judge and are left out, with their counts
    ENDED_MEANWHILE = "ended by itself within the window"
    NOT_STARTED = "not started"


@dataclass(frozen=True)
class BargeIn:
    ending: Ending
    yield_s: float | None  # decision to listen minus the event's first sample
    silence_s: float | None  # one past the last audible sample minus the event's first sample
    event_end_s: float | None  # the event's length


def barge_in(trace: Trace) -> BargeIn:
    """The event is the segment after the question; without one its answer was over, or not there, when it was due."""
    question, *events = [segment for segment in trace.segments if segment.kind != Kind.CHAT]
    if not events:
        spoken = [answer for answer in trace.answers if answer.back is None or answer.back >= question.end]
        if not spoken:
            return BargeIn(Ending.NOT_STARTED, None, None, None)
        ending = Ending.STOPPED_BEFORE if spoken[-1].interrupted else Ending.ENDED_BEFORE
        return BargeIn(ending, None, None, None)
    event = events[0]
    answer = next(answer for answer in trace.answers if answer.back is None or answer.back > event.start)
    length = trace.seconds(event.end - event.start)
    if answer.back is None or trace.seconds(answer.back - event.start) > YIELD_S:
        return BargeIn(Ending.WENT_ON, None, None, length)
    if not answer.interrupted:
        return BargeIn(Ending.ENDED_MEANWHILE, None, None, length)
    assert answer.silence is not None, answer
    return BargeIn(Ending.YIELDED, trace.seconds(answer.back - event.start), trace.seconds(answer.silence - event.start), length)


def decision(positive: bool, ending: Ending) -> Decision | None:
    """What counts for precision, recall and F1; None where there is nothing to judge."""
    match ending:
        case Ending.YIELDED | Ending.WENT_ON:
            return Decision(positive, ending == Ending.YIELDED)
        case Ending.STOPPED_BEFORE:
            return Decision(False, True)
        case _:
            return None
