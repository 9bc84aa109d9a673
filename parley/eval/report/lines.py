"""The lines of the report: every figure of every condition, with its target where the project has one. Definitions: docs/metrics.md."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np

from parley.data.world.drawn.conversation import NEEDS
from parley.eval import scenarios
from parley.eval.metrics.interaction import Event
from parley.eval.metrics.latency import block_percentile
from parley.eval.metrics.quality import Dnsmos
from parley.eval.metrics.statistics import NONE, RESAMPLES, Estimate, bootstrap, f1, mean, percentile, precision, ratio, recall, share
from parley.eval.metrics.turn_taking import Ending, Pause, Start
from parley.eval.outcomes import Outcome
from parley.eval.scenarios import Condition
from parley.eval.suites import SUITES, Suite
from parley.eval.values import (
    a_minute,
    answered,
    answered_again,
    compute_ms,
    decided_after_s,
    early_at_pause,
    end_to_silence_s,
    ending_is,
    false_yield,
    first_response_s,
    in_sound,
    in_time,
    interruption_s,
    keyword_heard,
    keywords_heard,
    needing,
    onset_delay_s,
    pause_is,
    pooled,
    questions,
    rated,
    refused,
    repeat_errors,
    scene,
    scored,
    seconds_and_turns,
    speaks_again,
    speech_and_text,
    speech_correct,
    start_is,
    streaming_difference,
    stuck,
    text_correct,
    turns_are,
    word_errors,
    yielding,
    yielding_to,
    yielding_to_events,
)

FIVE_MINUTES = 300.0
FEWEST = 6  # pairs, of which all can change for the better by chance in 1 of 32 cases; of fewer no interval can be sure
AT_THE_END = ": made to answer at the question's end"
KEYWORDS, OPEN = "keywords heard", "word error rate, open recogniser"
SPEECH, REFERENCE = "the model's speech", "the reference voice"
SCALES = tuple(field.name for field in fields(Dnsmos))
QA = (scenarios.KNOWN, scenarios.HELD_OUT, scenarios.ENGINE, scenarios.ORACLE)
NEW_QA = (scenarios.NEW, scenarios.NEW_NOISE, scenarios.NEW_ENGINE)
PAUSED = (scenarios.PAUSE, scenarios.PATIENT_PAUSE, scenarios.NEW_PAUSE, scenarios.HESITANT)
TURN_TAKING = (scenarios.KNOWN, scenarios.HELD_OUT, scenarios.ENGINE, scenarios.PATIENT, *NEW_QA, *PAUSED)

Figure = Callable[[Sequence], float]
Value = Callable[[Outcome], Any]  # None: this dialogue does not count in the line


class Unit(StrEnum):
    PERCENT = "%"
    SECONDS = "s"
    MILLISECONDS = "ms"
    NUMBER = ""


class By(StrEnum):
    """Who told what is counted: another one tells other things of the same sound."""

    RECOGNISER = "recogniser"
    JUDGE = "judge"


@dataclass(frozen=True)
class Target:
    at_least: bool
    bound: float

    def met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True)
class Line:
    """One figure of one condition: `figure` of the `value`s of its dialogues. `with_those`: of a condition whose dialogues are counted in
    the same figure, as many as its own: of both those of the same numbers."""

    title: str
    condition: Condition
    value: Value
    figure: Figure
    unit: Unit = Unit.PERCENT
    target: Target | None = None
    with_those: Condition | None = None
    higher: bool | None = None  # whether more of it is better, where that can be said; a target says so itself
    by_question: bool = False  # what is drawn and counted is questions, not dialogues: of those that are few and long
    told: tuple[By, ...] = ()

    @property
    def more_is_better(self) -> bool | None:
        return self.target.at_least if self.target else self.higher

    @property
    def name(self) -> str:
        """By which published figures of the same thing are found: published.py."""
        return f"{self.condition.name}: {self.title}"

    def outcomes(self, measured: dict[Condition, list[Outcome]]) -> list[Outcome]:
        """Empty where a condition is missing."""
        found = measured.get(self.condition, [])
        if self.with_those:
            both = [{scene(outcome): outcome for outcome in each} for each in (found, measured.get(self.with_those, []))]
            in_both = both[0].keys() & both[1].keys()
            found = [outcome for each in both for which, outcome in each.items() if which in in_both]
        return [each for outcome in found for each in questions(outcome)] if self.by_question else found

    def estimate(self, outcomes: Sequence[Outcome]) -> Estimate:
        """Without an interval where it is the largest value: what is drawn of them never holds a larger one."""
        one = bootstrap([value for outcome in outcomes if (value := self.value(outcome)) is not None], self.figure)
        return replace(one, low=NONE, high=NONE) if self.figure is max else one


PERCENT, NUMBER = Unit.PERCENT, Unit.NUMBER
AT_LEAST, AT_MOST = partial(Target, True), partial(Target, False)
HEARD = (By.RECOGNISER,)
YIELD_S, SILENCE_S = (partial(interruption_s, until=name) for name in ("yield_s", "silence_s"))
NOT_TO_STOP = {  # what is said into an answer that is to go on -> is that silence
    scenarios.Event.STOP: {"a backchannel": False},
    scenarios.Event.CONTEXT: {"a third speaker's chat": False, "nothing is said": True},
    scenarios.Event.RELATED: {"a third speaker's other question": False, "nothing is said": True},
}
BETTER = {Ending.STOPPED_BEFORE: False, Ending.NOT_STARTED: False}  # the others are right after one event and wrong after another
STREAMED, SPLIT = (partial(streaming_difference, between=name) for name in ("offline", "splits"))
P50, P95, P99 = (partial(block_percentile, percent=percent) for percent in (50, 95, 99))
ONSET_P95 = partial(percentile, percent=95)

TABLE = (
    Line("turn-taking: starts within [0, 1.0] s of the question's end", scenarios.KNOWN, in_time, share, target=AT_LEAST(0.95)),
    Line("early starts, a pause of 0.3 to 0.8 s in the question", scenarios.PAUSE, early_at_pause, share, target=AT_MOST(0.10)),
    Line("the same two of a model that is asked for patience: in time", scenarios.PATIENT, in_time, share, higher=True),
    Line("... early starts at the pause", scenarios.PATIENT_PAUSE, early_at_pause, share, higher=False),
    Line("answers right, text: known phrasing", scenarios.KNOWN, text_correct, share, target=AT_LEAST(0.93)),
    Line("answers right, text: held-out phrasing", scenarios.HELD_OUT, text_correct, share, target=AT_LEAST(0.80)),
    Line("answers right, text: voice engine held out whole", scenarios.ENGINE, text_correct, share, target=AT_LEAST(0.75)),
    Line(f"spoken {KEYWORDS}, relative to {REFERENCE}", scenarios.KNOWN, keywords_heard, ratio, NUMBER, AT_LEAST(0.85), told=HEARD),
    Line("barge-in F1, no echo", scenarios.BARGE_IN, yielding, f1, NUMBER, AT_LEAST(0.93)),
    Line("barge-in F1, echo factor 0.1", scenarios.BARGE_IN_ECHO_LOW, yielding, f1, NUMBER, higher=True),
    Line("barge-in F1, echo factor 1.0", scenarios.BARGE_IN_ECHO, yielding, f1, NUMBER, AT_LEAST(0.85)),
    Line("barge-in F1, context-dependent, echo factor 1.0", scenarios.CONTEXT_ECHO, yielding, f1, NUMBER, higher=True),
    Line("barge-in F1, both settings, echo factor 1.0", scenarios.BARGE_IN_ECHO, yielding, f1, NUMBER, None, scenarios.CONTEXT_ECHO, True),
    Line("barge-in F1, echo factor 1.0, late and in a room", scenarios.BARGE_IN_ECHO_ROOM, yielding, f1, NUMBER, higher=True),
    Line("barge-in F1, context-dependent, the same echo", scenarios.CONTEXT_ECHO_ROOM, yielding, f1, NUMBER, higher=True),
    Line("interruption to silence, mean, no echo", scenarios.BARGE_IN, SILENCE_S, mean, Unit.SECONDS, AT_MOST(1.0)),
    Line("interruption to silence, mean, echo factor 1.0", scenarios.BARGE_IN_ECHO, SILENCE_S, mean, Unit.SECONDS, AT_MOST(1.0)),
    Line("onset: decision to first audible sample, mean", scenarios.LATENCY, onset_delay_s, mean, Unit.SECONDS, AT_MOST(0.4)),
    Line("compute of a block, one row, one thread, p95", scenarios.LATENCY, compute_ms, P95, Unit.MILLISECONDS, AT_MOST(40)),
    Line("waveform: streaming - offline, largest", scenarios.LATENCY, STREAMED, max, NUMBER, AT_MOST(1e-4)),
    Line("waveform: random input splits, largest", scenarios.LATENCY, SPLIT, max, NUMBER, AT_MOST(1e-4)),
    # Of a model of the world `full`: voices and phrasings are held out together.
    Line("turn-taking, clean", scenarios.NEW, in_time, share, target=AT_LEAST(0.97)),
    Line("turn-taking, 10 dB", scenarios.NEW_NOISE, in_time, share, target=AT_LEAST(0.90)),
    Line("early starts, a pause of 0.3 to 1.2 s in the question", scenarios.NEW_PAUSE, early_at_pause, share, target=AT_MOST(0.05)),
    Line("early starts, a hesitation in the question", scenarios.HESITANT, early_at_pause, share, higher=False),
    Line("answers right, text, clean", scenarios.NEW, text_correct, share, target=AT_LEAST(0.95)),
    Line("answers right, text, 10 dB", scenarios.NEW_NOISE, text_correct, share, target=AT_LEAST(0.85)),
    Line("answers right, text, voice engine held out whole", scenarios.NEW_ENGINE, text_correct, share, target=AT_LEAST(0.90)),
    Line("answers right, text, questions that need others", scenarios.CONVERSATION, needing, ratio, target=AT_LEAST(0.90)),
    Line(f"spoken {KEYWORDS}, relative to {REFERENCE}", scenarios.NEW, keywords_heard, ratio, NUMBER, AT_LEAST(0.93), told=HEARD),
    Line("word error rate, words to be repeated", scenarios.REPEAT, repeat_errors, ratio, target=AT_MOST(0.10)),
    Line("barge-in F1, a related question, echo factor 1.0", scenarios.RELATED_ECHO, yielding, f1, NUMBER, higher=True),
    Line("barge-in F1, a related question, late and in a room", scenarios.RELATED_ECHO_ROOM, yielding, f1, NUMBER, AT_LEAST(0.93)),
    Line("questions outside the world refused", scenarios.UNKNOWN, refused, share, target=AT_LEAST(0.90)),
    Line("questions of the world refused", scenarios.NEW, refused, share, target=AT_MOST(0.03)),
    Line("questions of the world refused, known phrasing", scenarios.KNOWN, refused, share, target=AT_MOST(0.03)),
    Line("questions of the world refused, held-out phrasing", scenarios.HELD_OUT, refused, share, higher=False),
    Line("other people's talk answered", scenarios.TALK, answered, share, target=AT_MOST(0.03)),
)


def turn_lines(condition: Condition) -> list[Line]:
    def starts(title: str, by: str) -> list[Line]:
        values = ((start, partial(start_is, start=start, by=by)) for start in Start)
        return [Line(f"{title}: {start}", condition, value, share, higher=start == Start.IN_TIME) for start, value in values]

    lines = starts("start by the decision", "start")
    if condition.paused:
        places = [where for where in Pause if where != Pause.NONE]
        return lines + [Line(f"early start {where}", condition, partial(pause_is, where=where), share, higher=False) for where in places]
    lines += starts("start by the first sound", "audible")
    lines.append(Line("more than one answer", condition, answered_again, share, higher=False))
    return [*lines, Line("decision minus the question's end, mean", condition, decided_after_s, mean, Unit.SECONDS)]


def barge_in_lines(condition: Condition) -> list[Line]:
    lines = [
        Line("F1", condition, yielding, f1, Unit.NUMBER, higher=True),
        Line("precision", condition, yielding, precision, higher=True),
        Line("recall", condition, yielding, recall, higher=True),
        Line("recall, the user interrupts", condition, partial(yielding_to, third_speaker=False), recall, higher=True),
        Line("recall, a third speaker interrupts", condition, partial(yielding_to, third_speaker=True), recall, higher=True),
        Line("F1 without answers given up before the event", condition, yielding_to_events, f1, Unit.NUMBER, higher=True),
        Line("interruption to the decision to listen, mean", condition, YIELD_S, mean, Unit.SECONDS, higher=False),
        Line("interruption to silence, mean", condition, SILENCE_S, mean, Unit.SECONDS, higher=False),
        Line("end of the interruption to silence, mean", condition, end_to_silence_s, mean, Unit.SECONDS, higher=False),
    ]
    for what, silent in NOT_TO_STOP[condition.event].items():
        lines.append(Line(f"false yields: {what}", condition, partial(false_yield, silent=silent), share, higher=False))
    if condition in scenarios.STOPS:
        lines.append(Line("speaks again after it was stopped", condition, speaks_again, share, higher=False))
    endings = ((ending, partial(ending_is, ending=ending)) for ending in Ending)
    return lines + [Line(f"answers: {ending}", condition, value, share, higher=BETTER.get(ending)) for ending, value in endings]


def robustness_lines(condition: Condition) -> list[Line]:
    return [
        Line("starts within [0, 1.0] s of the question's end", condition, in_time, share, higher=True),
        Line("answers right, text", condition, text_correct, share, higher=True),
    ]


def turns_lines(condition: Condition, when: str = "", after_s: float = 0.0, before_s: float = math.inf) -> list[Line]:
    right = partial(turns_are, what="correct", wanted=True, after_s=after_s, before_s=before_s)
    timely = partial(turns_are, what="start", wanted=Start.IN_TIME, after_s=after_s, before_s=before_s)
    titles = {f"questions answered in time{when}": timely, f"questions answered right, text{when}": right}
    return [Line(title, condition, value, ratio, higher=True, by_question=condition.most > 0) for title, value in titles.items()]


def never_ends(condition: Condition) -> Line:
    return Line("the last answer never ended", condition, stuck, share, higher=False)


def score_lines(condition: Condition, spoken: bool) -> list[Line]:
    """Of the answers: by the rule of words, and by a judge where one was asked; as they sound where that was heard."""
    said = {"text": ("text", ()), "heard": ("speech", HEARD)} if spoken else {"text": ("text", ())}
    scores = {"rule": ("rule score", ()), "gpt_score": ("GPTScore", (By.JUDGE,))}
    return [
        Line(f"{title}, {name}", condition, partial(scored, by=by, what=what), mean, NUMBER, higher=True, told=(*judge, *ear))
        for by, (title, judge) in scores.items()
        for what, (name, ear) in said.items()
    ]


def quality_lines(condition: Condition) -> list[Line]:
    lines = [Line(f"DNSMOS, {scale}", condition, partial(rated, by="dnsmos", scale=scale), mean, NUMBER, higher=True) for scale in SCALES]
    reference = partial(rated, by="reference_dnsmos", scale="overall")
    lines.append(Line("DNSMOS, overall: the reference voice", condition, reference, mean, NUMBER))
    return [*lines, Line("UTMOS", condition, partial(rated, by="utmos"), mean, NUMBER, higher=True)]


def sound_lines(condition: Condition) -> list[Line]:
    """Who speaks when, by the sound: the lines of all conditions stand in one table."""
    events = [Line(f"{event} in five turns", condition, partial(seconds_and_turns, event=event), ratio, Unit.SECONDS) for event in Event]
    barge_in = partial(in_sound, what="barge_ins")
    return [
        *events,
        Line("first response", condition, first_response_s, mean, Unit.SECONDS),
        Line("false alarms", condition, partial(in_sound, what="false_alarms"), pooled, higher=False),
        Line("barge-in success", condition, partial(barge_in, name="success"), pooled, higher=True),
        Line("barge-in, from onset", condition, partial(barge_in, name="from_onset_s"), pooled, Unit.SECONDS, higher=False),
        Line("barge-in, from end", condition, partial(barge_in, name="from_end_s"), pooled, Unit.SECONDS, higher=False),
        Line("barge-in, overlap", condition, partial(barge_in, name="overlap_s"), pooled, Unit.SECONDS, higher=False),
    ]


def minute_lines(condition: Condition) -> list[Line]:
    """The same events by the minute, in a table of their own."""
    units = {"seconds": Unit.SECONDS, "count": NUMBER}
    return [
        Line(f"{event}, {of} a minute", condition, partial(a_minute, of=of, event=event), ratio, unit)
        for of, unit in units.items()
        for event in Event
    ]


DETAILS = (
    *(line for condition in TURN_TAKING for line in turn_lines(condition)),
    Line(f"{KEYWORDS}, text right: {SPEECH}", scenarios.KNOWN, partial(keyword_heard, voice=0), share, higher=True, told=HEARD),
    Line(f"{KEYWORDS}, text right: {REFERENCE}", scenarios.KNOWN, partial(keyword_heard, voice=1), share, told=HEARD),
    Line("answers right, speech, all questions", scenarios.KNOWN, speech_correct, share, higher=True, told=HEARD),
    Line("answers right, speech relative to text", scenarios.KNOWN, speech_and_text, ratio, NUMBER, higher=True, told=HEARD),
    Line(f"{OPEN}: the model", scenarios.KNOWN, partial(word_errors, voice="errors"), ratio, higher=False, told=HEARD),
    Line(f"{OPEN}: {REFERENCE}", scenarios.KNOWN, partial(word_errors, voice="reference_errors"), ratio, told=HEARD),
    *(line for condition in scenarios.SCORED for line in score_lines(condition, spoken=condition in scenarios.HEARD)),
    *(line for condition in (scenarios.KNOWN, scenarios.NEW) for line in quality_lines(condition)),
    Line(f"answers right, text{AT_THE_END}", scenarios.ORACLE, text_correct, share, higher=True),
    Line(f"answers right, speech{AT_THE_END}", scenarios.ORACLE, speech_correct, share, higher=True, told=HEARD),
    Line(f"answers right, speech relative to text{AT_THE_END}", scenarios.ORACLE, speech_and_text, ratio, NUMBER, higher=True, told=HEARD),
    *(line for condition in (*scenarios.STOPS, *scenarios.CONTEXTS, *scenarios.RELATEDS) for line in barge_in_lines(condition)),
    *(line for condition in (scenarios.MULTI_TURN, scenarios.CONVERSATION) for line in (*turns_lines(condition), never_ends(condition))),
    *(Line(f"right: {need}", scenarios.CONVERSATION, partial(needing, need=need), ratio, higher=True) for need in NEEDS),
    *(Line("questions of the world refused", condition, refused, share, higher=False) for condition in (*QA, *NEW_QA[1:])),
    *(line for condition in scenarios.ROBUSTNESS for line in robustness_lines(condition)),
    *turns_lines(scenarios.LONG),
    never_ends(scenarios.LONG),
    *turns_lines(scenarios.LONG, ", the first 5 minutes", before_s=FIVE_MINUTES),
    *turns_lines(scenarios.LONG, ", the last 5 minutes", after_s=-FIVE_MINUTES),
    Line("onset: decision to first audible sample, p95", scenarios.LATENCY, onset_delay_s, ONSET_P95, Unit.SECONDS, higher=False),
    Line("compute of a block, p50", scenarios.LATENCY, compute_ms, P50, Unit.MILLISECONDS, higher=False),
    Line("compute of a block, p99", scenarios.LATENCY, compute_ms, P99, Unit.MILLISECONDS, higher=False),
)

SOUND = tuple(line for condition in SUITES[Suite.ALL] for line in sound_lines(condition))
MINUTES = tuple(line for condition in SUITES[Suite.ALL] for line in minute_lines(condition))


@dataclass(frozen=True)
class Row:
    """A line as measured: every seed, and all of them together."""

    line: Line
    seeds: dict[int, Estimate]  # where there are several
    pooled: Estimate

    @property
    def met(self) -> bool | None:
        """None where there is no target, or nothing to compare with it."""
        return None if self.line.target is None or math.isnan(self.pooled.value) else self.line.target.met(self.pooled.value)


Measured = dict[Condition, list[Outcome]]


def rows(lines: Sequence[Line], measured: Measured, seeds: Sequence[int]) -> list[Row]:
    """Those lines whose condition was played."""
    table = []
    for line in lines:
        if outcomes := line.outcomes(measured):
            pooled = line.estimate(outcomes)
            several = seeds if len(seeds) > 1 else ()  # the figures of one seed are those of all
            each = {seed: line.estimate([outcome for outcome in outcomes if outcome["seed"] == seed]) for seed in several}
            table.append(Row(line, each, pooled))
    return table


def counted(table: Sequence[Row]) -> list[Row]:
    """Without the lines that have no value."""
    return [row for row in table if not math.isnan(row.pooled.value)]


@dataclass(frozen=True)
class Difference:
    """Of `line`, over the `n` dialogues that both have: `b - a` with its 95% interval from a paired bootstrap, NaN where they are few."""

    line: Line
    a: float
    b: float
    low: float
    high: float
    n: int

    @property
    def verdict(self) -> str:
        """By the interval: it holds no zero. Not of every line can be said which way is better."""
        if not self.low > 0 and not self.high < 0:
            return ""
        if self.line.more_is_better is None:
            return "differs"
        return "better" if (self.low > 0) == self.line.more_is_better else "worse"


def difference(line: Line, before: Mapping[Any, Outcome], after: Mapping[Any, Outcome]) -> Difference | None:
    """Of dialogues by what names their scene. None where the two have none in common that counts in both."""
    pairs = [(line.value(before[key]), line.value(after[key])) for key in before if key in after]
    counted = [(one, other) for one, other in pairs if one is not None and other is not None]
    if not counted:
        return None

    def both(chosen: Sequence[int]) -> tuple[float, float]:
        return line.figure([counted[i][0] for i in chosen]), line.figure([counted[i][1] for i in chosen])

    whole = both(range(len(counted)))
    drawn = np.random.default_rng(0).integers(len(counted), size=(RESAMPLES, len(counted)))
    differences = [after - before for before, after in map(both, drawn.tolist())]
    if np.isnan(whole).any() or np.isnan(differences).all():
        return None
    low, high = np.nanpercentile(differences, [2.5, 97.5]) if len(counted) >= FEWEST else (NONE, NONE)
    return Difference(line, *whole, float(low), float(high), len(counted))
