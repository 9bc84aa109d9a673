"""When the model starts, and when it stops: turn-taking, pauses, barge-in. Definitions: docs/metrics.md.

All times are differences of samples of one row, turned into seconds; a decision counts at the end of its block.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from parley.dialogue import YIELD_S, Kind, Segment
from parley.eval.metrics.statistics import Decision
from parley.eval.rollout import Answer, Trace

START_S = 1.0  # an answer is in time within [0, START_S] after the true end of the question


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


def questions_of(trace: Trace) -> list[Segment]:
    return [segment for segment in trace.segments if segment.kind == Kind.QUESTION]


def question_of(trace: Trace) -> Segment:
    """The last question that was asked."""
    return questions_of(trace)[-1]


def first_answer(trace: Trace, question: Segment) -> Answer | None:
    """The first answer that was decided on after the question, and before the next one."""
    later = [segment.start for segment in questions_of(trace) if segment.start > question.start]
    until = min(later, default=math.inf)
    return next((answer for answer in trace.answers if question.end <= answer.shift < until), None)


def classify(seconds: float | None) -> Start:
    if seconds is None:
        return Start.NEVER
    if seconds < 0:
        return Start.EARLY
    return Start.IN_TIME if seconds <= START_S else Start.LATE


def turn(trace: Trace) -> Turn:
    """Of the only question of a row. Any start before its end makes it early, whatever came later."""
    return turn_after(trace, question_of(trace), trace.answers)


def turns(trace: Trace) -> list[Turn]:
    """Of every question of a row, each by the answers that began between its first sample and that of the next one."""
    asked = questions_of(trace)
    nexts = [question.start for question in asked[1:]] + [math.inf]
    return [
        turn_after(trace, question, [answer for answer in trace.answers if question.start <= answer.shift < end])
        for question, end in zip(asked, nexts)
    ]


def turn_after(trace: Trace, question: Segment, answers: Sequence[Answer]) -> Turn:
    end = question.end
    shifts = [answer.shift for answer in answers]
    onsets = [answer.onset for answer in answers if answer.onset is not None]
    shift_s, onset_s = (trace.seconds(min(times) - end) if times else None for times in (shifts, onsets))
    first = answers[0] if answers else None
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
    STOPPED_BEFORE = "stopped by itself before the event"  # gave up with nothing said, and maybe began again: counted as a false yield
    ENDED_BEFORE = "ended before the event"  # these four have no decision to judge and are left out, with their counts
    ENDED_MEANWHILE = "ended by itself within the window"
    CUT_OFF = "ended with the row within the window"
    NOT_STARTED = "not started"


@dataclass(frozen=True)
class BargeIn:
    ending: Ending
    yield_s: float | None  # decision to listen minus the event's first sample
    silence_s: float | None  # one past the last audible sample minus the event's first sample; None also where nothing of it was heard
    event_end_s: float | None  # the event's length


def into(trace: Trace) -> list[Answer]:
    """The answers that the event, which is the segment after the question, may have met: not over before the question was, and begun
    before the event."""
    question, *events = trace.segments
    until = events[0].start if events else math.inf
    return [answer for answer in trace.answers if answer.shift <= until and (answer.back is None or answer.back >= question.end)]


def under_way(trace: Trace) -> Answer | None:
    """The answer that the event really met."""
    _, *events = trace.segments
    return next((answer for answer in into(trace) if events and (answer.back is None or answer.back > events[0].start)), None)


def barge_in(trace: Trace) -> BargeIn:
    """Of the answer that is under way when the event begins. Where there is no event, or no such answer, one that was given up after the
    question is what counts."""
    _, *events = trace.segments
    spoken, answer = into(trace), under_way(trace)
    if not spoken:
        return BargeIn(Ending.NOT_STARTED, None, None, None)
    if answer is None:
        gave_up = any(answer.interrupted for answer in spoken)
        return BargeIn(Ending.STOPPED_BEFORE if gave_up else Ending.ENDED_BEFORE, None, None, None)
    event, within = events[0], round(YIELD_S * trace.clock.input_rate)
    length = trace.seconds(event.end - event.start)
    if answer.back is None and len(trace.environment) < event.start + within:
        return BargeIn(Ending.CUT_OFF, None, None, length)
    if answer.back is None or answer.back - event.start > within:
        return BargeIn(Ending.WENT_ON, None, None, length)
    if not answer.interrupted:
        return BargeIn(Ending.ENDED_MEANWHILE, None, None, length)
    silence_s = None if answer.silence is None else trace.seconds(answer.silence - event.start)
    return BargeIn(Ending.YIELDED, trace.seconds(answer.back - event.start), silence_s, length)


def event_peak(trace: Trace) -> float | None:
    """The highest probability of a `<shift>` in the blocks that end within YIELD_S of the event's first sample; without an event, from
    0.5 s after the first audible sample of the answer that was given up, else of the first. In neither case after the answer, where it is
    the probability of beginning one: up to the decision that cut it, else to its last audible sample. None where there is no such block."""
    _, *events = trace.segments
    spoken = into(trace)
    answer = under_way(trace) if events else next((each for each in spoken if each.interrupted), spoken[0] if spoken else None)
    if answer and events:
        start, end = events[0].start, events[0].start + round(YIELD_S * trace.clock.input_rate)
    elif answer and answer.onset is not None:
        start, end = answer.onset + trace.clock.input_rate // 2, len(trace.environment)
    else:
        return None
    over = answer.back if answer.interrupted else answer.silence
    inside = trace.shift_probability[start // trace.clock.samples_in : min(end, over or end) // trace.clock.samples_in]
    return float(inside.max()) if len(inside) else None


def decision(positive: bool, ending: Ending) -> Decision | None:
    """What counts for precision, recall and F1; None where there is nothing to judge."""
    match ending:
        case Ending.YIELDED | Ending.WENT_ON:
            return Decision(positive, ending == Ending.YIELDED)
        case Ending.STOPPED_BEFORE:
            return Decision(False, True)
        case _:
            return None
