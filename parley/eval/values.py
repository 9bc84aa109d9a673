"""What a dialogue contributes to a line of the report: its outcome in, a plain value out, None where it does not count. Definitions:
docs/metrics.md."""

import math
from collections.abc import Sequence
from typing import Any

from parley.eval.metrics.interaction import TURNS as TURNS_COUNTED
from parley.eval.metrics.interaction import Event
from parley.eval.metrics.statistics import Decision, mean
from parley.eval.metrics.turn_taking import Ending, Pause, Start, decision
from parley.eval.outcomes import Outcome


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


def stuck(outcome: Outcome) -> bool | None:
    """Whether the model was still speaking in the end, long after any answer is over; None of outcomes that were kept before this was
    asked, which `parley eval compare` reads too."""
    return outcome.get("stuck")


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
    """Whether a question was answered as one outside of the world is; None where no single question was asked."""
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
