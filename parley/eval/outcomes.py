"""What is kept of every dialogue: its judgement as plain values, ready for JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from parley.data.scripts import Fact
from parley.dialogue import Speaker
from parley.eval import scenarios
from parley.eval.metrics.latency import latency, streaming
from parley.eval.metrics.spoken_qa import correct, spoken
from parley.eval.metrics.turn_taking import barge_in, event_peak, first_answer, pause, questions_of, turn, turns
from parley.eval.rollout import Trace
from parley.eval.scenarios import Condition, Event, asked_in, is_positive
from parley.models.duplex import DuplexModel
from parley.models.salmonn_omni import SalmonnOmni

OPEN_DIALOGUES = 50  # a seed: how many answers the open recogniser hears (it is slow)

Outcome = dict[str, Any]


def judge(model: DuplexModel, condition: Condition, seed: int, index: int, trace: Trace) -> Outcome:
    """The outcome of scene `index`."""
    asked = list(asked_in(condition, seed, index))
    question = questions_of(trace)[0]
    outcome: Outcome = {
        "id": trace.id,
        "seed": seed,
        "index": index,
        "domain": asked[0].domain,
        "question": question.text,
        "voice": question.voice,
        "answers": [asdict(answer) for answer in trace.answers],
        "question_end": question.end,
    }
    if condition.event != Event.NONE:
        return outcome | of_event(condition, index, trace)
    if condition.timed:
        return outcome | of_time(model, trace, np.random.default_rng([seed, index]))
    if condition.paused:
        return outcome | {"turn": asdict(turn(trace)), "pause": pause(trace)}
    if len(asked) > 1:
        return outcome | {"turns": of_turns(asked, trace)}
    answer = first_answer(trace, question)
    text = answer.text if answer else ""
    outcome |= {"turn": asdict(turn(trace)), "correct": correct(text, asked[0].keywords), "expected": asked[0].answer}
    if condition == scenarios.KNOWN and answer:
        speech, rate = trace.speech(answer), trace.clock.output_rate
        outcome["spoken"] = asdict(spoken(text, asked[0].keywords, speech, rate, openly=index < OPEN_DIALOGUES))
    return outcome


def of_event(condition: Condition, index: int, trace: Trace) -> Outcome:
    positive, silent = is_positive(condition, index), scenarios.is_silent(condition, index)
    outcome: Outcome = {"barge_in": asdict(barge_in(trace)), "positive": positive, "silent": silent, "shift_peak": event_peak(trace)}
    for event in trace.segments[1:]:
        outcome |= {"event": event.text, "event_start": event.start, "third_speaker": event.speaker == Speaker.OTHER}
    return outcome


def of_time(model: DuplexModel, trace: Trace, rng: np.random.Generator) -> Outcome:
    return asdict(latency(trace)) | (asdict(streaming(model, trace, rng)) if isinstance(model, SalmonnOmni) else {})


def of_turns(asked: Sequence[Fact], trace: Trace) -> list[Outcome]:
    """Every question that was really asked, in order. `at_s`: when it ended."""
    judged = []
    for fact, question, taken in zip(asked, questions_of(trace), turns(trace)):
        answer = first_answer(trace, question)
        right = correct(answer.text if answer else "", fact.keywords)
        judged.append({"at_s": trace.seconds(question.end), "question": question.text, "correct": right, "start": taken.start})
    return judged
