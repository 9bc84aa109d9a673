"""What a chat model says of an answer: GPTScore by the paper's rubric, and how it took what was said into it (Full-Duplex-Bench v1.5).
Without one, a rule of words. Definitions: docs/metrics.md.

What cannot be judged gives a `Failure` with its reason, and the rest is judged.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from parley.data.remote import endpoint
from parley.data.remote.chat import chat
from parley.data.remote.endpoint import Asker, Failure, Reason, Refusal
from parley.eval.metrics.full_duplex_bench import Behaviour
from parley.eval.metrics.words import normalised_words

# SALMONN-omni (arXiv:2505.17060), appendix B.4, word for word; the instruction and the response stand in the two places.
RUBRIC = """\
I need your help to evaluate the performance of several models in the speech interaction scenario. The models will receive a speech \
input from the user, which they need to understand and respond to with a speech output.

Your task is to rate the model's responses solely based on their accuracy and reasonableness, using the provided user input \
transcription [Instruction] and the model's output transcription [Response]. Please evaluate the response on a scale of 1 to 5:

1 point: The response is clearly incorrect, illogical, or entirely fails to address the user's request.

2 points: The response contains major inaccuracies or flaws in reasoning, even if it appears somewhat related to the question.

3 points: The response is mostly reasonable and factually correct but may include minor mistakes or unsupported assumptions.

4 points: The response is accurate and logically sound, with only negligible or borderline issues.

5 points: The response is fully accurate and logically consistent. It reflects a correct and well-reasoned understanding of the user's \
input.

Below are the transcription of user's instruction and models' response:

[Instruction]

{instruction}

[Response]

{response}

After evaluating, please output the score only without anything else. You don't need to provide any explanations."""

# Ours: the wording of Full-Duplex-Bench is not free. What is to be judged follows it, and then LABELS.
BEHAVIOURS = f"""\
A voice assistant was answering a user when something else was said. Tell from the transcripts what the assistant did then. They are \
made by a speech recogniser, so words may be wrong; "..." is a silence of the assistant. It may have said a few words more before it took \
notice: these do not count.

{Behaviour.RESPOND}: it took up what had been said into its answer, by doing, answering or acknowledging it.

{Behaviour.RESUME}: it went on with what it had been saying, at once or after a silence, as if nothing had been said.

{Behaviour.UNCERTAIN}: it noticed but could not tell what was wanted: it asked to repeat, or whether it was meant.

{Behaviour.UNKNOWN}: none of these, or it cannot be told."""
LABELS = f"Answer with one of {', '.join(Behaviour)} and nothing else."

VERDICTS = ("gpt_score", "judged")  # where an outcome has them
WORST = 1.0  # of the rubric
SCORE = re.compile(r"\s*([1-5])(?: points?)?\.?\s*")  # the score only; "4 points" is how the rubric names it


@dataclass(frozen=True)
class Exchange:
    """What was asked and what was answered, as text or as it was heard. Only the rule of words needs what follows."""

    instruction: str
    response: str
    references: tuple[str, ...] = ()  # right answers, any of them
    keywords: tuple[str, ...] = ()  # what a right answer has in it, all of them


@dataclass(frozen=True)
class Overlap:
    """What was said into an answer, and what is heard of the assistant: until then, from then on, and where nothing is said into it."""

    question: str
    said: str
    before: str
    after: str
    clean: str
    certain: str | None  # the behaviour, where it needs no judge


@dataclass(frozen=True)
class Score:
    value: float  # GPTScore 1 to 5; rule of words 0 to 1


@dataclass(frozen=True)
class Label:
    value: str  # a Behaviour


Verdict = Score | Label | Failure


@dataclass(frozen=True)
class Endpoint(endpoint.Endpoint):
    """The judge's, by default with the paper's model."""

    model: str = "gpt-4.1-2025-04-14"
    key_variable: str = "PARLEY_JUDGE_KEY"
    temperature: float | None = 0.0


class Judge:
    """Asks an endpoint. An empty response gets the worst score without being asked about."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint, self._asker = endpoint, Asker(endpoint)

    def check(self) -> None:
        """ValueError where the endpoint refuses a question of its like: then it would refuse them all."""
        verdict = self.score(Exchange("What is the capital of France?", "The capital of France is Paris."))
        if isinstance(verdict, Refusal):
            raise ValueError(f"the judge refuses to be asked: {verdict.detail}; set --judge-model, or --judge-temperature None")

    def verdicts(self, asked: Iterable[Exchange | Overlap], parallel: int = 4) -> Iterator[Verdict]:
        """In order, each as soon as it and those before it are judged; what was yielded is the caller's to keep."""
        with ThreadPoolExecutor(parallel) as pool:
            yield from pool.map(lambda each: self.behaviour(each) if isinstance(each, Overlap) else self.score(each), asked)

    def score(self, exchange: Exchange) -> Score | Failure:
        if not exchange.instruction.strip():
            return Failure(Reason.EMPTY, "the instruction is empty")
        if not exchange.response.strip():
            return Score(WORST)
        prompt = RUBRIC.replace("{instruction}", exchange.instruction.strip(), 1)
        head, tail = prompt.rsplit("{response}", 1)  # the last one is the rubric's own, whatever the instruction says
        return chat(self._asker, head + exchange.response.strip() + tail, self._scored)

    def behaviour(self, overlap: Overlap) -> Label | Failure:
        """What is certain is not asked about."""
        if overlap.certain is not None:
            return Label(overlap.certain)
        parts = {
            "Question": overlap.question,
            "What the assistant says when nothing is said into it": overlap.clean,
            "What it had said of that": overlap.before,
            "What was said into it": overlap.said,
            "What the assistant said from then on": overlap.after,
        }
        shown = (f"[{name}]\n\n{text.strip()}" for name, text in parts.items())
        return chat(self._asker, "\n\n".join([BEHAVIOURS, *shown, LABELS]), self._labelled)

    def _labelled(self, content: str) -> Label | Failure:
        said = content.strip().removesuffix(".")
        if said not in tuple(Behaviour):
            return Failure(Reason.NONSENSE, f"{self.endpoint.model} answered no behaviour: {self._asker.shown(content)}")
        return Label(said)

    def _scored(self, content: str) -> Score | Failure:
        score = SCORE.fullmatch(content)
        if score is None:
            return Failure(Reason.NONSENSE, f"{self.endpoint.model} answered no score from 1 to 5: {self._asker.shown(content)}")
        return Score(float(score[1]))


def rate(judge: Judge, outcomes: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Asks all that there is to ask about these dialogues and that this judge has not answered yet.

    Writes {"judge", "url", "value"} or {"judge", "url", "reason", "detail"} where it belongs and gives each dialogue as soon as that is
    done.
    """
    waiting = []
    for outcome in outcomes:
        for where, what, each in to_judge(outcome):
            known = outcome.get(where, {}).get(what, {})
            if not (judged_by(judge.endpoint, known) and "value" in known):
                waiting.append((outcome, where, what, each))
    for (outcome, where, what, _), verdict in zip(waiting, judge.verdicts(each for _, _, _, each in waiting)):
        outcome.setdefault(where, {})[what] = {"judge": judge.endpoint.model, "url": judge.endpoint.url} | asdict(verdict)
        yield outcome


def judged_by(endpoint: Endpoint | None, verdict: dict[str, Any]) -> bool:
    return endpoint is not None and (verdict.get("judge"), verdict.get("url")) == (endpoint.model, endpoint.url)


def with_verdicts_of(endpoint: Endpoint | None, outcome: dict[str, Any]) -> dict[str, Any]:
    """Without what other judges gave to it in earlier runs."""
    own = {
        where: {what: verdict for what, verdict in outcome[where].items() if judged_by(endpoint, verdict)}
        for where in VERDICTS
        if where in outcome
    }
    return outcome | own


def to_judge(outcome: dict[str, Any]) -> Iterator[tuple[str, str, Exchange | Overlap]]:
    """Where the verdict belongs, and what is asked: about an `exchange`, as text and as it was heard, and about an `overlap`."""
    exchange = outcome.get("exchange", {})
    for what in ("text", "heard"):
        if exchange.get(what) is not None:
            yield "gpt_score", what, Exchange(exchange["instruction"], exchange[what])
    if "overlap" in outcome:
        yield "judged", "behaviour", Overlap(**outcome["overlap"], certain=outcome["behaviour"])


# Without an endpoint.

ARTICLES = frozenset(("a", "an", "the"))


def tokens(text: str) -> list[str]:
    """Normalised words without articles, where there are others; an "a" at the end is no article ("Vitamin A")."""
    said = normalised_words(text)
    return [word for place, word in enumerate(said, 1) if word not in ARTICLES or (word == "a" and place == len(said))] or said


def keyword_recall(response: str, keywords: Iterable[str]) -> float | None:
    """Share of the keywords whose words stand in the response one after the other, with its articles or without; None where there are no
    keywords."""
    said = [f" {' '.join(part)} " for part in (tokens(response), normalised_words(response))]
    wanted = [part for keyword in keywords if (part := " ".join(tokens(keyword)))]
    return fmean(any(f" {part} " in each for each in said) for part in wanted) if wanted else None


def token_f1(response: str, references: Iterable[str]) -> float | None:
    """2 * common / (words of the response + words of the reference), of the reference that fits best; None where there is none."""
    said = Counter(tokens(response))
    wanted = [part for reference in references if (part := Counter(tokens(reference)))]
    return max((2 * (said & part).total() / (said.total() + part.total()) for part in wanted), default=None)


def rule_score(exchange: Exchange) -> Score | Failure:
    """Mean of keyword recall and token F1, 0 to 1; one of them where the exchange has not both. Not on GPTScore's scale."""
    parts = keyword_recall(exchange.response, exchange.keywords), token_f1(exchange.response, exchange.references)
    known = [part for part in parts if part is not None]
    return Score(fmean(known)) if known else Failure(Reason.EMPTY, "no reference and no keyword has a word in it")
