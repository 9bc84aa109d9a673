"""What is kept of every dialogue: its judgement as plain values, ready for JSON."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from parley.data.voices import RATE, assistant_speech
from parley.data.world.drawn.conversation import NEEDS
from parley.data.world.drawn.unknown import ANSWER
from parley.data.world.wordings import Fact
from parley.dialogue import YIELD_S, Kind, Speaker
from parley.eval import scenarios
from parley.eval.judge import Exchange, Score, rule_score
from parley.eval.metrics.interaction import (
    IPU_S,
    Stretch,
    UserBargeIn,
    barge_ins,
    false_alarms,
    interaction,
    response_latencies,
    stretches,
)
from parley.eval.metrics.latency import latency, streaming
from parley.eval.metrics.quality import Dnsmos, dnsmos, load_utmos, utmos
from parley.eval.metrics.spoken_qa import correct, spoken
from parley.eval.metrics.turn_taking import Start, barge_in, event_peak, first_answer, pause, questions_of, turn, turns
from parley.eval.metrics.words import word_errors, words
from parley.eval.recognisers import POCKETSPHINX
from parley.eval.rollout import Answer, Trace
from parley.eval.scenarios import Asked, Condition, Event, asked_in, is_positive
from parley.models.duplex import DuplexModel
from parley.models.salmonn_omni import SalmonnOmni

OPEN_DIALOGUES = 50  # a seed: how many answers of a model that speaks when it wants the open recogniser hears (it is slow)
STUCK_S = 20.0  # longer than any answer of the world
TAKES_TURN = (Kind.QUESTION, Kind.INTERRUPTION)

Outcome = dict[str, Any]


@dataclass(frozen=True)
class Judging:
    """By what the answers are judged."""

    recogniser: str = POCKETSPHINX  # what hears the model's speech: pocketsphinx, or the directory or hub id of a Whisper
    vocabulary: Path | None = None  # all that pocketsphinx hears, in any order: a text file, a word or a sentence a line
    quality: bool = False  # rate the model's speech by DNSMOS
    utmos: Path | None = None  # rate it by this UTMOS too: TorchScript, (1, samples) float32 at 16 kHz -> a tensor of one number


def judge(model: DuplexModel, condition: Condition, seed: int, index: int, trace: Trace, judging: Judging) -> Outcome:
    """The outcome of scene `index`."""
    asked = list(asked_in(condition, seed, index, model.world))
    question = trace.segments[0]
    outcome: Outcome = {
        "id": trace.id,
        "seed": seed,
        "index": index,
        "domain": asked[0].domain if asked else condition.asked,
        "question": question.text,
        "voice": question.voice,
        "answers": [asdict(answer) for answer in trace.answers],
        "question_end": question.end,
        "sound": of_sound(trace),
    }
    if not asked:
        return outcome | {"answered": bool(trace.answers)}
    if condition.event != Event.NONE:
        return outcome | of_event(condition, index, trace)
    if condition.timed:
        return outcome | of_time(model, trace, np.random.default_rng([seed, index]))
    if condition.paused:
        return outcome | {"turn": asdict(turn(trace)), "pause": pause(trace)}
    if len(asked) > 1:
        return outcome | {"turns": of_turns(asked, trace, condition), "stuck": is_stuck(trace)} | of_last_turn(asked, trace)
    answer = first_answer(trace, question)
    text = answer.text if answer else ""
    outcome |= {"turn": asdict(turn(trace)), "correct": correct(text, asked[0].keywords), "expected": asked[0].answer}
    outcome["refused"] = words(text) == words(ANSWER)
    if condition.asked == Asked.REPEAT:
        outcome["word_errors"] = word_errors(asked[0].answer, text)
    heard = "" if condition in scenarios.HEARD else None  # silence is the empty answer
    if condition in scenarios.HEARD and answer:
        speech, rate = trace.speech(answer), trace.clock.output_rate
        openly = index < OPEN_DIALOGUES and not condition.oracle
        ears = judging.recogniser, judging.vocabulary
        outcome["spoken"] = asdict(spoken(text, asked[0].keywords, speech, rate, openly, model.world, *ears))
        heard = outcome["spoken"]["heard"]
        outcome |= {} if condition.oracle else of_quality(trace, answer, judging)
        if judging.quality and not condition.oracle:
            outcome["reference_dnsmos"] = asdict(reference_dnsmos(asked[0].answer))
    exchange = Exchange(question.text, text, (asked[0].answer,), asked[0].keywords)
    return outcome | of_answer(exchange, heard, judged=condition in scenarios.SCORED)


def of_event(condition: Condition, index: int, trace: Trace) -> Outcome:
    positive, silent = is_positive(condition, index), scenarios.is_silent(condition, index)
    outcome: Outcome = {"barge_in": asdict(barge_in(trace)), "positive": positive, "silent": silent, "shift_peak": event_peak(trace)}
    for event in trace.segments[1:]:
        outcome |= {"event": event.text, "event_start": event.start, "third_speaker": event.speaker == Speaker.OTHER}
    return outcome


def of_time(model: DuplexModel, trace: Trace, rng: np.random.Generator) -> Outcome:
    return asdict(latency(trace)) | (asdict(streaming(model, trace, rng)) if isinstance(model, SalmonnOmni) else {})


def is_stuck(trace: Trace) -> bool:
    """Whether the last answer is under way in the end, and has been for longer than any answer of the world takes."""
    last = trace.answers[-1] if trace.answers else None
    return last is not None and last.back is None and trace.seconds(len(trace.environment) - last.shift) > STUCK_S


def of_turns(asked: Sequence[Fact], trace: Trace, condition: Condition) -> list[Outcome]:
    """Every question that was really asked, in order. `at_s`: when it ended; `needs`: for what it needs others, in a conversation. What
    could not be asked, as the model never stopped speaking, it missed: all that was to come, or one where that is only limited by time."""
    judged: list[Outcome] = []
    for fact, question, taken in zip(asked, questions_of(trace), turns(trace)):
        answer = first_answer(trace, question)
        right = correct(answer.text if answer else "", fact.keywords)
        judged.append({"at_s": trace.seconds(question.end), "question": question.text, "correct": right, "start": taken.start})
        judged[-1]["shift_s"] = taken.shift_s
    if is_stuck(trace):
        never = {"at_s": trace.seconds(len(trace.environment)), "question": "", "correct": False, "start": Start.NEVER, "shift_s": None}
        judged += [{**never} for _ in asked[len(judged) :][: 1 if condition.most else None]]
    if condition.asked == Asked.CONVERSATION:
        for fact, turn_ in zip(asked, judged):
            turn_["needs"] = fact.domain if fact.domain in NEEDS else ""
    return judged


def of_last_turn(asked: Sequence[Fact], trace: Trace) -> Outcome:
    """What is scored of a dialogue of many turns, where all of them were asked."""
    questions = questions_of(trace)
    if len(questions) < len(asked):
        return {}
    answer = first_answer(trace, questions[-1])
    return of_answer(Exchange(questions[-1].text, answer.text if answer else "", (asked[-1].answer,), asked[-1].keywords), None)


def of_answer(exchange: Exchange, heard: str | None, judged: bool = True) -> Outcome:
    """What a judge is shown, where one is to be asked, and what the rule of words says. `heard`: the answer as it sounded, where that was
    asked."""
    scores = {"text": rule_score(exchange)}
    if heard is not None:
        scores["heard"] = rule_score(Exchange(exchange.instruction, heard, exchange.references, exchange.keywords))
    rule = {what: score.value for what, score in scores.items() if isinstance(score, Score)}
    shown = {"instruction": exchange.instruction, "text": exchange.response, "heard": heard}
    return {"rule": rule} | ({"exchange": shown} if judged else {})


# Who speaks when.


def room_stretches(trace: Trace, kinds: Collection[Kind] = tuple(Kind)) -> list[Stretch]:
    """What is said in the room by its true times, as far as the row lasted: segments of these kinds without their pauses."""
    length, found = len(trace.environment), []
    for segment in (segment for segment in trace.segments if segment.kind in kinds):
        edges = [segment.start, *(edge for silence in segment.pauses for edge in silence), segment.end]
        found += [(start, min(end, length)) for start, end in zip(edges[::2], edges[1::2]) if start < min(end, length)]
    return found


def assistant_stretches(trace: Trace) -> list[Stretch]:
    """The assistant's speech by its sound, in samples at the input rate."""
    rate, played = trace.clock.input_rate, trace.clock.output_rate
    return [(start * rate // played, -(-end * rate // played)) for start, end in stretches(trace.assistant, played)]


def assistant_turns(trace: Trace) -> list[Stretch]:
    """The assistant's answers from the first to the last audible sample, its pauses inside; one under way lasts as long as the row. One
    that would have been heard only after the row is none."""
    length = len(trace.environment)
    ends = [length if answer.back is None else answer.silence for answer in trace.answers]
    spans = [(answer.onset, end) for answer, end in zip(trace.answers, ends)]
    return [(onset, end) for onset, end in spans if onset is not None and end is not None and onset < end]


def of_sound(trace: Trace) -> Outcome:
    """`interaction`: everybody but the assistant is one side. What follows: who takes the turn is, against the assistant's answers."""
    room, assistant, rate, length = room_stretches(trace), assistant_stretches(trace), trace.clock.input_rate, len(trace.environment)
    asking, answering = room_stretches(trace, TAKES_TURN), assistant_turns(trace)
    taken = sum(segment.kind in TAKES_TURN and segment.start < length for segment in trace.segments)

    def known(one: UserBargeIn) -> bool:
        """The row lasted until the window was over, or until the assistant was silent."""
        return min(one.onset + YIELD_S * rate, one.onset + (one.from_onset_s + IPU_S) * rate) <= length

    return {
        "interaction": asdict(interaction(room, assistant, rate, taken, length)),
        "barge_ins": [asdict(one) for one in barge_ins(asking, answering, rate) if known(one)],
        "false_alarms": false_alarms(asking, answering, rate),
        "responses": response_latencies(asking, answering, rate),
    }


# How it sounds.


@cache
def reference_dnsmos(text: str) -> Dnsmos:
    return dnsmos(assistant_speech(text), RATE)


@cache
def utmos_of(file: Path) -> torch.jit.ScriptModule:
    return load_utmos(file)


def rating_of(speech: np.ndarray, rate: int, judging: Judging) -> Outcome:
    """Speech (samples,) by whatever rates it. ValueError where it cannot be rated, or a rater is missing."""
    rated: Outcome = {}
    if judging.quality:
        rated["dnsmos"] = asdict(dnsmos(speech, rate))
    if judging.utmos:
        rated["utmos"] = utmos(utmos_of(judging.utmos), speech, rate)
    return rated


def of_quality(trace: Trace, answer: Answer | None, judging: Judging) -> Outcome:
    """Of an answer that sounded; where it cannot be rated, why."""
    if answer is None or answer.onset is None:
        return {}
    try:
        return rating_of(trace.speech(answer), trace.clock.output_rate, judging)
    except ValueError as error:
        return {"problems": [f"its speech: {error}"]}
