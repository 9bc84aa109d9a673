"""What is kept of every item that a user brought: which condition it counts in, and its judgement as plain values, ready for JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from parley.data.corpora.questions import ALPACA, LLAMA, TRIVIA, WEB
from parley.data.voices import Voice
from parley.dialogue import Kind, Speaker
from parley.eval.baselines import VAD_RATE
from parley.eval.inputs.bench import ANNOTATIONS, OVERLAPS
from parley.eval.inputs.heard import heard_words, played, speech_in, with_silences
from parley.eval.inputs.item import CLEAN, Item, scene_of, without_overlap
from parley.eval.inputs.outputs import write_outputs
from parley.eval.judge import Exchange, keyword_recall
from parley.eval.metrics.full_duplex_bench import (
    backchannels,
    behaviour,
    response_latencies_fdb,
    smooth_turn_taking,
    stop_latencies_fdb,
    took_turn,
    user_interruption,
)
from parley.eval.metrics.turn_taking import barge_in, first_answer, pause, questions_of, turns
from parley.eval.metrics.words import Word
from parley.eval.outcomes import TAKES_TURN, Judging, Outcome, of_answer, of_quality, of_sound
from parley.eval.recognisers import at_rate, recogniser
from parley.eval.rollout import Scene, Trace, rollout
from parley.eval.scenarios import Condition
from parley.models.duplex import DuplexModel
from parley.runtime.engine import Engine

MANIFEST = "manifest"
ANSWERED = (WEB, TRIVIA, LLAMA)  # question sets whose references are right answers; one in the answer makes it right
QUESTIONS = (*ANSWERED, ALPACA)
SILENT = ("pause.json", "transcription.json")  # Full-Duplex-Bench v1: with these the assistant is to let the user speak
TASKS = {name: Condition(name) for name in (*ANNOTATIONS, *OVERLAPS, MANIFEST, *QUESTIONS)}
UNREAD = Condition("unread")  # what was found and cannot be played


@dataclass(frozen=True)
class Source:
    """What a user brings, and how it is played."""

    path: Path
    voice: Voice  # speaks what is only text
    echo: float = 0.0  # the factor at which the model hears what it plays
    limit: int | None = None
    human: Path | None = None  # Full-Duplex-Bench: how people's backchannels spread over every clip
    oracle: bool = False  # question files: the model is made to answer at the end of the question, and at no other time


def read_human(file: Path | None) -> dict[str, list[float]]:
    """{ID of the item's folder: shares of people's backchannels in equal parts of the clip}. ValueError for anything else."""
    if file is None:
        return {}
    try:
        match json.loads(file.read_bytes()):
            case dict(found) if all(isinstance(shares, list) and shares for shares in found.values()):
                return {str(name): [float(share) for share in shares] for name, shares in found.items()}
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{file}: cannot be read ({error}); give a JSON object of lists of numbers, one a folder") from error
    raise ValueError(f"{file}: is no JSON object of lists of numbers, one a folder of the backchannel task")


def why(error: Exception) -> str:
    """In one line; the kind of error where it is none of ours."""
    said = " ".join(str(error).split())
    return said if isinstance(error, ValueError) else f"{type(error).__name__}: {said}"


def play_items(
    model: DuplexModel, items: Sequence[Item], source: Source, rows: int, judging: Judging, folder: Path
) -> Iterator[Outcome]:
    """The outcome of each as soon as it is judged; then what cannot be played. {"id", "seed", "failed": why} of that, and of what
    cannot be judged. What is played to those of Full-Duplex-Bench is written to `folder`."""
    human, waiting = read_human(source.human), {item.id: item for item in items}
    traces: dict[str, Trace] = {}
    unplayed: list[Outcome] = []

    def scenes() -> Iterator[Scene]:
        for item in items:
            try:
                both = [item, without_overlap(item)] if item.clean else [item]
                pair = [scene_of(each, model.clock, source.echo, source.oracle) for each in both]
            except ValueError as error:
                unplayed.append({"id": item.id, "seed": 0, "failed": why(error)})
                continue
            yield from pair

    for trace in rollout(Engine(model, rows), scenes()):
        traces[trace.id] = trace
        item = waiting[trace.id if trace.id in waiting else trace.id.removesuffix(CLEAN)]
        if item.id in traces and (item.clean is None or item.id + CLEAN in traces):
            try:
                pair = traces.pop(item.id), traces.pop(item.id + CLEAN, None)
                outcome = of_item(item, *pair, human, judging)
                write_outputs(folder, item, *pair, outcome)
            except Exception as error:  # of whatever kind: recognisers and raters are not ours
                outcome = {"failed": why(error)}
            yield {"id": item.id, "seed": 0} | outcome
    yield from unplayed


def of_item(item: Item, trace: Trace, clean: Trace | None, human: dict[str, list[float]], judging: Judging) -> Outcome:
    """ValueError where a metric refuses what it is given; anything where a recogniser or a rater breaks down."""
    judged = zip(questions_of(trace), turns(trace))
    asked = [{"at_s": trace.seconds(each.end), "start": taken.start, "shift_s": taken.shift_s} for each, taken in judged]
    said = [event for event in item.events if event.speaker != Speaker.AGENT]
    outcome: Outcome = {"question": " / ".join(event.text for event in said), "voice": said[0].voice if said else ""}
    outcome |= {"task": item.task, "answers": [asdict(answer) for answer in trace.answers], "turns": asked}
    outcome |= {"sound": of_sound(trace)} | of_reply(item, trace, judging)
    if item.task in ANNOTATIONS:
        outcome |= of_turn(item, trace, human, judging)
    if item.task in OVERLAPS:
        assert clean, item.id
        outcome |= of_overlap(item, trace, clean, judging)
    return outcome


def of_reply(item: Item, trace: Trace, judging: Judging) -> Outcome:
    """The answer to the last that was asked, be it an interruption: as text and as it sounds. Nothing is scored where silence is right, as
    it may be after an interruption to which a manifest's agent says nothing."""
    asked = [segment for segment in trace.segments if segment.kind in TAKES_TURN]
    if not asked:
        return {}
    answer = first_answer(trace, asked[-1])
    unanswered = item.task == MANIFEST and asked[-1].kind == Kind.INTERRUPTION and not item.references
    if ANNOTATIONS.get(item.task) in SILENT or unanswered:
        return of_quality(trace, answer, judging)
    text = answer.text if answer else ""
    heard = recogniser(judging.recogniser, None, judging.vocabulary).hear(trace.speech(answer), trace.clock.output_rate) if answer else ""
    outcome = of_answer(Exchange(asked[-1].text, text, item.references), heard) | of_quality(trace, answer, judging)
    if item.task in ANSWERED:
        outcome["right"] = {what: is_right(said, item.references) for what, said in (("text", text), ("heard", heard))}
    return outcome


def is_right(said: str, references: Sequence[str]) -> bool:
    """The words of one of the references stand in what was said, one after the other."""
    return any(keyword_recall(said, [reference]) == 1.0 for reference in references)


def words_in(item: Item, trace: Trace, judging: Judging, from_s: float = 0.0) -> list[Word]:
    """In all that the model played from then on."""
    return heard_words(recogniser(judging.recogniser, None, judging.vocabulary), played(item, trace), trace.clock.output_rate, from_s)


def as_words(heard: Sequence[Word]) -> list[Outcome]:
    return [asdict(word) for word in heard]


def of_turn(item: Item, trace: Trace, human: dict[str, list[float]], judging: Judging) -> Outcome:
    """Full-Duplex-Bench v1."""
    last, rate, heard = trace.segments[-1], trace.clock.output_rate, words_in(item, trace, judging)
    outcome: Outcome = {"words": as_words(heard)}
    match ANNOTATIONS[item.task]:
        case "pause.json":
            return outcome | {"pause": pause(trace), "taken": took_turn(heard)}
        case "turn_taking.json":
            assert item.turn_end_s is not None, item.id
            return outcome | asdict(smooth_turn_taking(heard, item.turn_end_s))
        case "interrupt.json":
            start_s, end_s = trace.seconds(last.start), trace.seconds(last.end)
            after = words_in(item, trace, judging, end_s)
            return outcome | {"words_after": as_words(after)} | asdict(user_interruption(heard, after, start_s, end_s)) | of_yield(trace)
        case _:
            pcm, name = at_rate(played(item, trace), rate), item.id.rsplit("/", 1)[-1]
            return outcome | asdict(backchannels(speech_in(pcm), heard, VAD_RATE, len(pcm), human.get(name)))


def of_overlap(item: Item, trace: Trace, clean: Trace, judging: Judging) -> Outcome:
    """Full-Duplex-Bench v1.5. `clean`: what was played without the overlap."""
    event, assistant = trace.segments[-1], speech_in(at_rate(played(item, trace), trace.clock.output_rate))
    user = speech_in(at_rate(item.environment(), item.rate))
    heard, undisturbed, began_s = words_in(item, trace, judging), words_in(item, clean, judging), trace.seconds(event.start)
    before, after = ([word for word in heard if (word.start_s >= began_s) == late] for late in (False, True))
    asked = {"question": trace.segments[0].text if len(trace.segments) > 1 else "", "said": event.text}
    said = {"before": with_silences(before), "after": with_silences(after), "clean": with_silences(undisturbed)}
    return {
        "words": as_words(heard),
        "clean_words": as_words(undisturbed),
        "stop_latencies_s": stop_latencies_fdb(user, assistant, VAD_RATE),
        "response_latencies_s": response_latencies_fdb(user, assistant, VAD_RATE),
        "behaviour": behaviour(heard, undisturbed, began_s),
        "overlap": asked | said,
    } | of_yield(trace)


def of_yield(trace: Trace) -> Outcome:
    """Nothing where no question was heard before the event."""
    return {"barge_in": asdict(barge_in(trace))} if len(trace.segments) > 1 else {}
