"""The report: the project's table, line by line with seeds and intervals, as JSON and as Markdown."""

import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from parley.eval.metrics.latency import block_percentile
from parley.eval.metrics.statistics import Decision, Estimate, bootstrap, f1, mean, percentile, precision, ratio, recall, share
from parley.eval.metrics.turn_taking import Ending, Pause, Start, decision
from parley.eval.scenarios import Condition
from parley.eval.suites import Outcome, Plan, measure

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
    """One figure of one condition: `figure` of the `value`s of its dialogues."""

    title: str
    condition: Condition
    value: Value
    figure: Figure
    unit: Unit = Unit.PERCENT
    target: Target | None = None

    def estimate(self, outcomes: Sequence[Outcome]) -> Estimate:
        return bootstrap([value for outcome in outcomes if (value := self.value(outcome)) is not None], self.figure)


# What a dialogue contributes to a line.


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


def keywords_heard(outcome: Outcome) -> tuple[bool, bool] | None:
    """In the model's speech and in the reference voice, where the text was right."""
    spoken = outcome.get("spoken", {})
    return None if spoken.get("reference_correct") is None else (spoken["correct"], spoken["reference_correct"])


def word_errors(outcome: Outcome, voice: str) -> tuple[int, int] | None:
    """`voice`: "errors" of the model, "reference_errors" of the reference voice."""
    spoken = outcome.get("spoken", {})
    return (spoken[voice], spoken["words"]) if spoken.get("words") else None


def yielding(outcome: Outcome) -> Decision | None:
    return decision(outcome["positive"], Ending(outcome["barge_in"]["ending"]))


def yielding_to_events(outcome: Outcome) -> Decision | None:
    """Without the answers that the model gave up before anything was said."""
    return None if ending_is(outcome, Ending.STOPPED_BEFORE) else yielding(outcome)


def yielding_to(outcome: Outcome, third_speaker: bool) -> Decision | None:
    return yielding(outcome) if outcome["positive"] and outcome.get("third_speaker") == third_speaker else None


def ending_is(outcome: Outcome, ending: Ending) -> bool:
    return outcome["barge_in"]["ending"] == ending


def interruption_s(outcome: Outcome, until: str) -> float | None:
    """From an interruption's first sample to the decision ("yield_s") or to silence ("silence_s"), where the model yielded."""
    return outcome["barge_in"][until] if outcome["positive"] else None


def onset_delay_s(outcome: Outcome) -> float | None:
    return outcome["onset_delay_s"]


def compute_ms(outcome: Outcome) -> list[float]:
    return outcome["compute_ms"]


def streaming_difference(outcome: Outcome, between: str) -> float | None:
    return outcome.get(between)


AT_LEAST, AT_MOST = partial(Target, True), partial(Target, False)
SILENCE_S = partial(interruption_s, until="silence_s")
STREAMED, SPLIT = (partial(streaming_difference, between=name) for name in ("offline", "splits"))
P50, P95, P99 = (partial(block_percentile, percent=percent) for percent in (50, 95, 99))

TABLE = (
    Line("turn-taking: starts within [0, 1.0] s of the question's end", Condition.KNOWN, in_time, share, target=AT_LEAST(0.95)),
    Line("early starts, a pause of 0.3 to 0.8 s in the question", Condition.PAUSE, early_at_pause, share, target=AT_MOST(0.10)),
    Line("answers right, text: known phrasing", Condition.KNOWN, text_correct, share, target=AT_LEAST(0.93)),
    Line("answers right, text: held-out phrasing", Condition.HELD_OUT, text_correct, share, target=AT_LEAST(0.80)),
    Line("answers right, text: voice engine held out whole", Condition.ENGINE, text_correct, share, target=AT_LEAST(0.75)),
    Line("spoken keywords heard, relative to the reference voice", Condition.KNOWN, keywords_heard, ratio, Unit.NUMBER, AT_LEAST(0.85)),
    Line("barge-in F1, no echo", Condition.BARGE_IN, yielding, f1, Unit.NUMBER, AT_LEAST(0.93)),
    Line("barge-in F1, echo factor 1.0", Condition.BARGE_IN_ECHO, yielding, f1, Unit.NUMBER, AT_LEAST(0.85)),
    Line("interruption to silence, mean, no echo", Condition.BARGE_IN, SILENCE_S, mean, Unit.SECONDS, AT_MOST(1.0)),
    Line("interruption to silence, mean, echo factor 1.0", Condition.BARGE_IN_ECHO, SILENCE_S, mean, Unit.SECONDS, AT_MOST(1.0)),
    Line("onset: decision to first audible sample, mean", Condition.LATENCY, onset_delay_s, mean, Unit.SECONDS, AT_MOST(0.4)),
    Line("compute of a block, one row, one thread, p95", Condition.LATENCY, compute_ms, P95, Unit.MILLISECONDS, AT_MOST(40)),
    Line("waveform: streaming - offline, largest", Condition.LATENCY, STREAMED, max, Unit.NUMBER, AT_MOST(1e-4)),
    Line("waveform: random input splits, largest", Condition.LATENCY, SPLIT, max, Unit.NUMBER, AT_MOST(1e-4)),
)


def turn_lines(condition: Condition) -> list[Line]:
    lines = [Line(f"start by the decision: {start}", condition, partial(start_is, start=start, by="start"), share) for start in Start]
    if condition == Condition.PAUSE:
        places = [where for where in Pause if where != Pause.NONE]
        return lines + [Line(f"early start {where}", condition, partial(pause_is, where=where), share) for where in places]
    lines += [Line(f"start by the first sound: {start}", condition, partial(start_is, start=start, by="audible"), share) for start in Start]
    lines.append(Line("more than one answer", condition, answered_again, share))
    return [*lines, Line("decision minus the question's end, mean", condition, decided_after_s, mean, Unit.SECONDS)]


def barge_in_lines(condition: Condition) -> list[Line]:
    return [
        Line("precision", condition, yielding, precision),
        Line("recall", condition, yielding, recall),
        Line("recall, the user interrupts", condition, partial(yielding_to, third_speaker=False), recall),
        Line("recall, a third speaker interrupts", condition, partial(yielding_to, third_speaker=True), recall),
        Line("F1 without answers given up before the event", condition, yielding_to_events, f1, Unit.NUMBER),
        Line("interruption to the decision to listen, mean", condition, partial(interruption_s, until="yield_s"), mean, Unit.SECONDS),
        *(Line(f"answers: {ending}", condition, partial(ending_is, ending=ending), share) for ending in Ending),
    ]


DETAILS = (
    *(line for condition in (Condition.KNOWN, Condition.HELD_OUT, Condition.ENGINE, Condition.PAUSE) for line in turn_lines(condition)),
    Line("keywords heard, text right: the model's speech", Condition.KNOWN, lambda o: (pair := keywords_heard(o)) and pair[0], share),
    Line("keywords heard, text right: the reference voice", Condition.KNOWN, lambda o: (pair := keywords_heard(o)) and pair[1], share),
    Line("answers right, speech, all questions", Condition.KNOWN, speech_correct, share),
    Line("word error rate, open recogniser: the model", Condition.KNOWN, partial(word_errors, voice="errors"), ratio),
    Line("word error rate, open recogniser: the reference voice", Condition.KNOWN, partial(word_errors, voice="reference_errors"), ratio),
    *barge_in_lines(Condition.BARGE_IN),
    *barge_in_lines(Condition.BARGE_IN_ECHO),
    Line("onset: decision to first audible sample, p95", Condition.LATENCY, onset_delay_s, partial(percentile, percent=95), Unit.SECONDS),
    Line("compute of a block, p50", Condition.LATENCY, compute_ms, P50, Unit.MILLISECONDS),
    Line("compute of a block, p99", Condition.LATENCY, compute_ms, P99, Unit.MILLISECONDS),
)


@dataclass(frozen=True)
class Row:
    """A line as measured: every seed, and all of them together."""

    line: Line
    seeds: dict[int, Estimate]
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
        if line.condition in measured:
            outcomes = measured[line.condition]
            each = {seed: line.estimate([outcome for outcome in outcomes if outcome["seed"] == seed]) for seed in seeds}
            table.append(Row(line, each, line.estimate(outcomes)))
    return table


def run(plan: Plan, out: Path, jobs: int) -> tuple[str, int]:
    """Measures, writes report.json and report.md into `out`; gives the text of the second and how many dialogues failed."""
    if plan.dialogues < 1 or not plan.seeds or jobs < 1:
        raise ValueError(f"{plan.dialogues} dialogues, {len(plan.seeds)} seeds, {jobs} jobs: each must be 1 or more")
    played = measure(plan, out, jobs)
    failed = [outcome for outcomes in played.values() for outcome in outcomes if "failed" in outcome]
    measured = {condition: [outcome for outcome in outcomes if "failed" not in outcome] for condition, outcomes in played.items()}
    table, details = rows(TABLE, measured, plan.seeds), rows(DETAILS, measured, plan.seeds)
    content = {"plan": asdict(plan), "table": [*map(as_json, table)], "details": [*map(as_json, details)], "failed": failed}
    text = markdown(plan, table, details, measured, failed)
    write(out / "report.json", json.dumps(content, indent=1) + "\n")
    write(out / "report.md", text)
    return text, len(failed)


def write(file: Path, text: str) -> None:
    half = file.with_suffix(".part")
    half.write_text(text)
    os.replace(half, file)


def as_json(row: Row) -> dict[str, Any]:
    def estimate(one: Estimate) -> dict[str, float | int | None]:
        return {name: None if math.isnan(value) else value for name, value in asdict(one).items()}

    target = asdict(row.line.target) if row.line.target else None
    return {
        "title": row.line.title,
        "condition": row.line.condition,
        "unit": row.line.unit,
        "target": target,
        "met": row.met,
        "pooled": estimate(row.pooled),
        "seeds": {seed: estimate(one) for seed, one in row.seeds.items()},
    }


# Markdown.


def number(value: float, unit: Unit) -> str:
    if math.isnan(value):
        return "-"
    match unit:
        case Unit.PERCENT:
            return f"{100 * value:.1f}%"
        case Unit.SECONDS:
            return f"{value:.3f} s"
        case Unit.MILLISECONDS:
            return f"{value:.1f} ms"
        case Unit.NUMBER:
            return f"{value:.3f}" if value >= 0.001 or value == 0 else f"{value:.1e}"


def command(plan: Plan, out: str = "DIR") -> str:
    seeds = " ".join(map(str, plan.seeds))
    return f"parley eval {plan.suite} --model {plan.model} --dialogues {plan.dialogues} --seeds {seeds} --out {out}"


def markdown(plan: Plan, table: list[Row], details: list[Row], measured: Measured, failed: list[Outcome]) -> str:
    heads = "".join(f" seed {seed} |" for seed in plan.seeds)
    rule = "---|" * len(plan.seeds)
    parts = [
        f"# Evaluation of `{plan.model}`",
        f"`{command(plan)}`",
        "In brackets the 95% bootstrap interval over dialogues; n dialogues counted. Definitions: docs/metrics.md.",
        f"| | target | all seeds |{heads} n | met |\n|---|---|---|{rule}---|---|\n" + "\n".join(table_row(row, True) for row in table),
    ]
    for condition in measured:
        mine = [row for row in details if row.line.condition == condition]
        if mine:
            lines = "\n".join(table_row(row, False) for row in mine)
            parts += [f"## {condition}", f"| | all seeds |{heads} n |\n|---|---|{rule}---|\n{lines}"]
        parts += breakdowns(condition, measured[condition])
    if failed:
        parts += ["## Not measured", "\n".join(f"- {outcome['id']}: {outcome['failed']}" for outcome in failed)]
    return "\n\n".join(parts) + "\n"


def table_row(row: Row, targeted: bool) -> str:
    line, pooled = row.line, row.pooled
    interval = f"{number(pooled.value, line.unit)} [{number(pooled.low, line.unit)}, {number(pooled.high, line.unit)}]"
    cells = [line.title, interval, *(number(one.value, line.unit) for one in row.seeds.values()), str(pooled.n)]
    if targeted and line.target:
        cells.insert(1, f"{'>=' if line.target.at_least else '<='} {number(line.target.bound, line.unit)}")
        cells.append({True: "yes", False: "**no**", None: "-"}[row.met])
    return f"| {' | '.join(cells)} |"


def breakdowns(condition: Condition, outcomes: list[Outcome]) -> list[str]:
    """Where the errors lie."""
    match condition:
        case Condition.KNOWN | Condition.HELD_OUT | Condition.ENGINE:
            by = (("domain", domain_of), ("voice", voice_of))
            return [breakdown("answers right", name, outcomes, key, text_correct) for name, key in by]
        case Condition.PAUSE:
            return [breakdown("early starts", "voice", outcomes, voice_of, early_at_pause)]
        case Condition.BARGE_IN | Condition.BARGE_IN_ECHO:
            met = [outcome for outcome in outcomes if "event" in outcome]
            parts = []
            for positive, name in ((True, "interruption"), (False, "backchannel")):
                mine = [outcome for outcome in met if outcome["positive"] == positive]
                parts.append(breakdown("yields", name, mine, event_of, partial(ending_is, ending=Ending.YIELDED)))
            return parts
        case _:
            return []


def domain_of(outcome: Outcome) -> str:
    return outcome["domain"]


def voice_of(outcome: Outcome) -> str:
    """Engine and speaker, without the way of speaking."""
    return ":".join(outcome["voice"].split(":")[:2])


def event_of(outcome: Outcome) -> str:
    return outcome["event"]


def breakdown(what: str, by: str, outcomes: list[Outcome], key: Callable[[Outcome], str], value: Callable[[Outcome], bool]) -> str:
    groups: dict[str, list[bool]] = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome), []).append(value(outcome))
    worst_first = sorted((share(values), name, len(values)) for name, values in groups.items())
    lines = [f"| {name} | {number(rate, Unit.PERCENT)} | {n} |" for rate, name, n in worst_first]
    return "\n".join([f"| {by} | {what} | n |", "|---|---|---|", *lines])
