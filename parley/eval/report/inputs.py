"""The lines of what a user brought: Full-Duplex-Bench as its authors count, and answers to questions. Definitions: docs/metrics.md."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from parley.dialogue import Kind
from parley.eval.inputs.bench import ANNOTATIONS, OVERLAPS
from parley.eval.inputs.outcomes import ANSWERED, TASKS
from parley.eval.metrics.full_duplex_bench import Behaviour
from parley.eval.metrics.statistics import mean, ratio, share
from parley.eval.metrics.turn_taking import Ending, Pause, Start
from parley.eval.outcomes import Outcome
from parley.eval.report.lines import HEARD, NUMBER, By, Line, Unit, minute_lines, pooled, quality_lines, score_lines, sound_lines, turns_are
from parley.eval.report.published import DIVERGENCE, FREQUENCY, LATENCY, TOR
from parley.eval.scenarios import Condition


def kept(outcome: Outcome, name: str) -> Any:
    """What an item has under this name; None where it has nothing."""
    return outcome.get(name)


def several(outcome: Outcome, name: str) -> list[float] | None:
    return outcome.get(name) or None


def is_kept(outcome: Outcome, name: str, wanted: str) -> bool | None:
    return outcome[name] == wanted if name in outcome else None


def is_not(outcome: Outcome, name: str, wanted: str) -> bool | None:
    return outcome[name] != wanted if name in outcome else None


def interrupts(task: str) -> bool:
    """Whether what is said into the answer asks the model to stop."""
    return OVERLAPS[task][1] == Kind.INTERRUPTION if task in OVERLAPS else ANNOTATIONS.get(task) == "interrupt.json"


def to_stop(condition: Condition, outcome: Outcome) -> bool:
    """Whether what came, or was to come, into the answer asks the model to stop; of what a user brings its sub-set says so."""
    return outcome["positive"] if "positive" in outcome else interrupts(condition.name)


def yields(outcome: Outcome) -> bool | None:
    """Where the assistant was speaking when the event came and did not come to its end by itself."""
    ending = outcome.get("barge_in", {}).get("ending")
    return ending == Ending.YIELDED if ending in (Ending.YIELDED, Ending.WENT_ON) else None


def yield_s(outcome: Outcome, until: str) -> float | None:
    return outcome.get("barge_in", {}).get(until)


def right(outcome: Outcome, what: str) -> bool | None:
    return outcome.get("right", {}).get(what)


def judged_behaviour(outcome: Outcome) -> bool | None:
    return outcome["behaviour"] is None if "behaviour" in outcome else None


def behaviour_is(outcome: Outcome, wanted: Behaviour) -> bool | None:
    """By the judge, and without one where it is certain; None where no judge was asked, or none answered."""
    found = outcome.get("judged", {}).get("behaviour", {}).get("value")
    return None if found is None else found == wanted


def turn_lines(condition: Condition) -> list[Line]:
    starts = [partial(turns_are, what="start", wanted=start) for start in Start]
    return [
        Line(f"start by the decision: {start}", condition, value, ratio, higher=start == Start.IN_TIME)
        for start, value in zip(Start, starts)
    ]


def yield_lines(condition: Condition) -> list[Line]:
    stop = interrupts(condition.name)
    sooner = False if stop else None
    return [
        Line("yields within 1.5 s of the event, where it was speaking", condition, yields, share, higher=stop),
        Line("event to the decision to listen, mean", condition, partial(yield_s, until="yield_s"), mean, Unit.SECONDS, higher=sooner),
        Line("event to silence, mean", condition, partial(yield_s, until="silence_s"), mean, Unit.SECONDS, higher=sooner),
    ]


def first_version_lines(condition: Condition) -> list[Line]:
    """Full-Duplex-Bench v1."""
    annotation = ANNOTATIONS[condition.name]
    wanted = annotation not in ("pause.json", "transcription.json")
    taken = Line(TOR, condition, partial(kept, name="taken"), share, higher=wanted, told=HEARD)
    if annotation == "pause.json":
        return [taken, Line("early starts", condition, partial(is_not, name="pause", wanted=Pause.NONE), share, higher=False)]
    if annotation == "transcription.json":
        return [
            taken,
            Line("take-over rate, any stretch", condition, partial(kept, name="any_taken"), share, higher=False, told=HEARD),
            Line(FREQUENCY, condition, partial(kept, name="frequency"), mean, NUMBER, higher=True),
            Line(DIVERGENCE, condition, partial(kept, name="divergence"), mean, NUMBER, higher=False),
        ]
    latencies = [
        Line(LATENCY, condition, partial(kept, name="latency_s"), mean, Unit.SECONDS, higher=False, told=HEARD),
        Line("latency, signed", condition, partial(kept, name="signed_s"), mean, Unit.SECONDS, told=HEARD),
    ]
    return [taken, *latencies, *(yield_lines(condition) if annotation == "interrupt.json" else [])]


def second_version_lines(condition: Condition) -> list[Line]:
    """Full-Duplex-Bench v1.5."""
    stop = interrupts(condition.name)
    sooner = False if stop else None
    better = {Behaviour.RESUME: not stop, Behaviour.UNKNOWN: sooner}
    judged = {Behaviour.RESPOND: stop, Behaviour.RESUME: not stop, Behaviour.UNCERTAIN: False, Behaviour.UNKNOWN: sooner}
    return [
        Line("stop latency, fdb", condition, partial(several, name="stop_latencies_s"), pooled, Unit.SECONDS, higher=sooner),
        Line("response latency, fdb", condition, partial(several, name="response_latencies_s"), pooled, Unit.SECONDS, higher=False),
        *(
            Line(f"behaviour: {each}", condition, partial(is_kept, name="behaviour", wanted=each), share, higher=higher, told=HEARD)
            for each, higher in better.items()
        ),
        Line("behaviour: for a judge to tell", condition, judged_behaviour, share, told=HEARD),
        *(
            Line(f"behaviour by the judge: {each}", condition, partial(behaviour_is, wanted=each), share, higher=higher, told=tuple(By))
            for each, higher in judged.items()
        ),
        *yield_lines(condition),
    ]


def task_lines(condition: Condition) -> Sequence[Line]:
    lines = turn_lines(condition)
    if condition.name in ANNOTATIONS:
        lines += first_version_lines(condition)
    if condition.name in OVERLAPS:
        lines += second_version_lines(condition)
    if condition.name in ANSWERED:
        lines.append(Line("answers right, text", condition, partial(right, what="text"), share, higher=True))
        lines.append(Line("answers right, speech", condition, partial(right, what="heard"), share, higher=True, told=HEARD))
    return [*lines, *score_lines(condition, spoken=True), *quality_lines(condition)]


INPUT_DETAILS = tuple(line for condition in TASKS.values() for line in task_lines(condition))
INPUT_SOUND = tuple(line for condition in TASKS.values() for line in sound_lines(condition))
INPUT_MINUTES = tuple(line for condition in TASKS.values() for line in minute_lines(condition))
