"""The lines of the report: every figure of every condition, with its target where the project has one. Definitions: docs/metrics.md."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import partial
from typing import Any

from parley.data.world.drawn.conversation import NEEDS
from parley.eval import scenarios
from parley.eval.metrics.interaction import TURNS as TURNS_COUNTED
from parley.eval.metrics.interaction import Event
from parley.eval.metrics.latency import block_percentile
from parley.eval.metrics.quality import Dnsmos
from parley.eval.metrics.statistics import Decision, Estimate, bootstrap, f1, mean, percentile, precision, ratio, recall, share
from parley.eval.metrics.turn_taking import Ending, Pause, Start, decision
from parley.eval.outcomes import Outcome
from parley.eval.scenarios import Condition
from parley.eval.suites import SUITES, Suite

FIVE_MINUTES = 300.0
AT_THE_END = ": made to answer at the question's end"
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
        return bootstrap([value for outcome in outcomes if (value := self.value(outcome)) is not None], self.figure)


# What a dialogue contributes to a line.


def scene(outcome: Outcome) -> tuple[int, int]:
    """By which it is told from the others of its condition."""
    return outcome["seed"], outcome["index"]


def questions(outcome: Outcome) -> list[Outcome]:
    """One dialogue of many questions as so many dialogues of one."""
    return [outcome | {"id": f"{outcome['id']}/{number}", "turns": [asked]} for number, asked in enumerate(outcome["turns"])]


def start_is(outcome: Outcome, start: Start, by: str) -> bool:
    """`by`: "start" for the decision, "audible" for the first audible sample."""
    return outcome["turn"][by] == start


def in_time(outcome: Outcome) -> bool:
    return start_is(outcome, Start.IN_TIME, "start")


def pause_is(outcome: Outcome, where: Pause) -> bool:
    return outcome["pause"] == where


def early_at_pause(outcome: Outcome) -> bool:
    return not pause_is(outcome, Pause.NONE)


def decided_after_s(outcome: Outcome) -> float | None:
    return outcome["turn"]["shift_s"]


def answered_again(outcome: Outcome) -> bool:
    """Something was answered that nobody asked."""
    return len(outcome["answers"]) > 1


def text_correct(outcome: Outcome) -> bool:
    return outcome["correct"]


def speech_correct(outcome: Outcome) -> bool:
    return "spoken" in outcome and outcome["spoken"]["correct"]


def speech_and_text(outcome: Outcome) -> tuple[bool, bool]:
    """Whether the answer is right as it sounds (S2S), and as text (S2T)."""
    return speech_correct(outcome), text_correct(outcome)


def keywords_heard(outcome: Outcome) -> tuple[bool, bool] | None:
    """In the model's speech and in the reference voice, where the text was right."""
    spoken = outcome.get("spoken", {})
    return None if spoken.get("reference_correct") is None else (spoken["correct"], spoken["reference_correct"])


def keyword_heard(outcome: Outcome, voice: int) -> bool | None:
    """Of the pair above."""
    pair = keywords_heard(outcome)
    return pair and pair[voice]


def word_errors(outcome: Outcome, voice: str) -> tuple[int, int] | None:
    """`voice`: "errors" of the model, "reference_errors" of the reference voice."""
    spoken = outcome.get("spoken", {})
    return (spoken[voice], spoken["words"]) if spoken.get("words") else None


def yielding(outcome: Outcome) -> Decision | None:
    """Where nothing was said into the answer, giving it to its end is right."""
    ending = Ending(outcome["barge_in"]["ending"])
    if outcome["silent"]:
        return None if ending == Ending.NOT_STARTED else Decision(False, ending == Ending.STOPPED_BEFORE)
    return decision(outcome["positive"], ending)


def yielding_to_events(outcome: Outcome) -> Decision | None:
    """Without the answers that the model gave up before anything was said."""
    return None if ending_is(outcome, Ending.STOPPED_BEFORE) else yielding(outcome)


def false_yield(outcome: Outcome, silent: bool) -> bool | None:
    """Whether the model gave its answer up for what does not concern it, or where nothing was said (`silent`)."""
    made = yielding(outcome) if not outcome["positive"] and outcome["silent"] == silent else None
    return made and made.yielded


def yielding_to(outcome: Outcome, third_speaker: bool) -> Decision | None:
    return yielding(outcome) if outcome["positive"] and outcome.get("third_speaker") == third_speaker else None


def ending_is(outcome: Outcome, ending: Ending) -> bool:
    return outcome["barge_in"]["ending"] == ending


def speaks_again(outcome: Outcome) -> bool | None:
    """After it was told to stop, and did."""
    if not outcome["positive"] or not ending_is(outcome, Ending.YIELDED):
        return None
    return any(answer["shift"] > outcome["event_start"] for answer in outcome["answers"])


def interruption_s(outcome: Outcome, until: str) -> float | None:
    """From an interruption's first sample to the decision ("yield_s") or to silence ("silence_s"), where the model yielded."""
    return outcome["barge_in"][until] if outcome["positive"] else None


def end_to_silence_s(outcome: Outcome) -> float | None:
    """From the end of an interruption to silence, where the model yielded; negative where it was silent before that."""
    met = outcome["barge_in"]
    return met["silence_s"] - met["event_end_s"] if outcome["positive"] and met["silence_s"] is not None else None


def scored(outcome: Outcome, by: str, what: str) -> float | None:
    """`by`: "rule" or "gpt_score"; `what`: "text", or "heard" for the answer as it sounded."""
    score = outcome.get(by, {}).get(what)
    return score.get("value") if isinstance(score, dict) else score


def rated(outcome: Outcome, by: str, scale: str = "") -> float | None:
    """`by`: "dnsmos" with its `scale`, "reference_dnsmos", or "utmos"."""
    rating = outcome.get(by)
    return rating[scale] if isinstance(rating, dict) else rating


def seconds_and_turns(outcome: Outcome, event: Event) -> tuple[float, float]:
    """Of the event in a dialogue, for five turns; SALMONN-omni, camera-ready Table 7."""
    found = outcome["sound"]["interaction"]
    return TURNS_COUNTED * found["seconds"][event], found["turns"]


def a_minute(outcome: Outcome, of: str, event: Event) -> tuple[float, float]:
    """`of`: "seconds" of the event in a dialogue, or their "count"; dGSLM."""
    found = outcome["sound"]["interaction"]
    return 60 * found[of][event], found["length_s"]


def in_sound(outcome: Outcome, what: str, name: str = "") -> list[Any] | None:
    """The values that `what` of a dialogue's sound has, which are pooled over the dialogues."""
    return [value for each in outcome["sound"][what] if (value := each[name] if name else each) is not None] or None


def first_response_s(outcome: Outcome) -> float | None:
    return next(iter(outcome["sound"]["responses"]), None)


def pooled(lists: Sequence[Sequence[float]]) -> float:
    """Mean over all values of all dialogues."""
    return mean([float(value) for values in lists for value in values])


def onset_delay_s(outcome: Outcome) -> float | None:
    return outcome["onset_delay_s"]


def compute_ms(outcome: Outcome) -> list[float]:
    return outcome["compute_ms"]


def streaming_difference(outcome: Outcome, between: str) -> float | None:
    return outcome.get(between)


def refused(outcome: Outcome) -> bool | None:
    """Whether a question was answered as one outside of the world is; None of outcomes that were kept before this was asked."""
    return outcome.get("refused")


def answered(outcome: Outcome) -> bool:
    """Whether anything was said where nobody asked."""
    return outcome["answered"]


def repeat_errors(outcome: Outcome) -> tuple[int, int]:
    """Of the words to be repeated, in the model's text."""
    errors, count = outcome["word_errors"]
    return errors, count


def needing(outcome: Outcome, need: str = "") -> tuple[int, int]:
    """Of the questions that need others, for all or for that `need`: how many are right, and all of them."""
    asked = [turn for turn in outcome["turns"] if turn["needs"] and need in ("", turn["needs"])]
    return sum(turn["correct"] for turn in asked), len(asked)


def turns_are(
    outcome: Outcome, what: str, wanted: bool | str, after_s: float = 0.0, before_s: float = math.inf
) -> tuple[int, int] | None:
    """Of the questions of a dialogue that ended within [after_s, before_s): how many have `wanted` as their `what`, and all of them. A
    negative `after_s` counts from the row's end. None where there is no such question."""
    after_s += outcome["sound"]["interaction"]["length_s"] if after_s < 0 else 0.0
    asked = [turn for turn in outcome["turns"] if after_s <= turn["at_s"] < before_s]
    return (sum(turn[what] == wanted for turn in asked), len(asked)) if asked else None


PERCENT, NUMBER = Unit.PERCENT, Unit.NUMBER
AT_LEAST, AT_MOST = partial(Target, True), partial(Target, False)
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
    Line("spoken keywords heard, relative to the reference voice", scenarios.KNOWN, keywords_heard, ratio, NUMBER, AT_LEAST(0.85)),
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
    Line("spoken keywords heard, relative to the reference voice", scenarios.NEW, keywords_heard, ratio, NUMBER, AT_LEAST(0.93)),
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


def score_lines(condition: Condition, spoken: bool) -> list[Line]:
    """Of the answers: by the rule of words, and by a judge where one was asked; as they sound where that was heard."""
    heard = {"text": "text", "heard": "speech"} if spoken else {"text": "text"}
    scores = {"rule": "rule score", "gpt_score": "GPTScore"}
    return [
        Line(f"{title}, {name}", condition, partial(scored, by=by, what=what), mean, NUMBER, higher=True)
        for by, title in scores.items()
        for what, name in heard.items()
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
    Line("keywords heard, text right: the model's speech", scenarios.KNOWN, partial(keyword_heard, voice=0), share, higher=True),
    Line("keywords heard, text right: the reference voice", scenarios.KNOWN, partial(keyword_heard, voice=1), share),
    Line("answers right, speech, all questions", scenarios.KNOWN, speech_correct, share, higher=True),
    Line("answers right, speech relative to text", scenarios.KNOWN, speech_and_text, ratio, NUMBER, higher=True),
    Line("word error rate, open recogniser: the model", scenarios.KNOWN, partial(word_errors, voice="errors"), ratio, higher=False),
    Line("word error rate, open recogniser: the reference voice", scenarios.KNOWN, partial(word_errors, voice="reference_errors"), ratio),
    *(line for condition in scenarios.SCORED for line in score_lines(condition, spoken=condition in scenarios.HEARD)),
    *(line for condition in (scenarios.KNOWN, scenarios.NEW) for line in quality_lines(condition)),
    Line(f"answers right, text{AT_THE_END}", scenarios.ORACLE, text_correct, share, higher=True),
    Line(f"answers right, speech{AT_THE_END}", scenarios.ORACLE, speech_correct, share, higher=True),
    Line(f"answers right, speech relative to text{AT_THE_END}", scenarios.ORACLE, speech_and_text, ratio, NUMBER, higher=True),
    *(line for condition in (*scenarios.STOPS, *scenarios.CONTEXTS, *scenarios.RELATEDS) for line in barge_in_lines(condition)),
    *turns_lines(scenarios.MULTI_TURN),
    *turns_lines(scenarios.CONVERSATION),
    *(Line(f"right: {need}", scenarios.CONVERSATION, partial(needing, need=need), ratio, higher=True) for need in NEEDS),
    *(Line("questions of the world refused", condition, refused, share, higher=False) for condition in (*QA, *NEW_QA[1:])),
    *(line for condition in scenarios.ROBUSTNESS for line in robustness_lines(condition)),
    *turns_lines(scenarios.LONG),
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
