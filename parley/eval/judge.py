"""How good an answer is. GPTScore: a chat model rates it by the paper's rubric; without one, a rule of words. Definitions: docs/metrics.md.

What cannot be judged gives a `Failure` with its reason, and the rest is judged.
"""

import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from enum import StrEnum
from statistics import fmean
from typing import Any
from urllib.parse import urlsplit

from parley.eval.metrics.words import normalised

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

WORST = 1.0  # of the rubric
SCORE = re.compile(r"\s*([1-5])(?: points?)?\.?\s*")  # the score only; "4 points" is how the rubric names it
TRANSIENT = (408, 429, 500, 502, 503, 504)  # a later try may succeed
LONGEST_WAIT_S = 60.0  # between two tries, whatever the endpoint asks for
PATIENCE = 8  # items without an answer in a row; after them each is tried once, until one is answered
SHOWN = 200  # characters of an answer in a reason


@dataclass(frozen=True)
class Exchange:
    """What was asked and what was answered, as text or as it was heard. Only the rule of words needs what follows."""

    instruction: str
    response: str
    references: tuple[str, ...] = ()  # right answers, any of them
    keywords: tuple[str, ...] = ()  # what a right answer has in it, all of them


@dataclass(frozen=True)
class Score:
    value: float  # GPTScore 1 to 5; rule of words 0 to 1


class Reason(StrEnum):
    EMPTY = "empty"  # there is nothing to judge by
    UNREACHABLE = "unreachable"  # no connection, or it broke
    TIMEOUT = "timeout"
    HTTP = "http"  # an error status
    NONSENSE = "nonsense"  # an answer that is no score


@dataclass(frozen=True)
class Failure:
    reason: Reason
    detail: str  # one line


Verdict = Score | Failure


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible chat endpoint. The key is read from the environment and is never shown.

    `temperature` None leaves it out of the request, for models that refuse it. Waits between tries: `backoff_s` * 1, 2, 4, ...
    """

    url: str  # with its version: https://api.openai.com/v1
    model: str = "gpt-4.1-2025-04-14"  # the paper's
    key_variable: str = "PARLEY_JUDGE_KEY"
    temperature: float | None = 0.0
    timeout_s: float = 60.0  # of one try, from the request to the last byte
    tries: int = 3
    backoff_s: float = 1.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.username or parts.password:
            raise ValueError(f"the judge's URL holds a password; put the key into the variable {self.key_variable} instead")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{self.url!r} is no judge's URL; give one like https://api.openai.com/v1")
        if self.timeout_s <= 0 or self.tries < 1 or self.backoff_s < 0:
            raise ValueError(f"timeout {self.timeout_s} s, {self.tries} tries, back-off {self.backoff_s} s: above 0, 1 or more, 0 or more")

    def key(self) -> str:
        """"" where the variable is not set: a local endpoint needs none."""
        key = os.environ.get(self.key_variable, "").strip()
        if not re.fullmatch("[!-~]*", key):
            raise ValueError(f"the key in {self.key_variable} has characters that a key cannot have; copy it again")
        return key


class Judge:
    """Asks an endpoint. An empty response gets the worst score without being asked about."""

    def __init__(self, endpoint: Endpoint) -> None:
        try:
            from httpx2 import Client, InvalidURL
        except ImportError:
            raise ValueError("httpx2 is missing; pip install 'parley[eval]'") from None
        self.endpoint = endpoint
        self._key = endpoint.key()
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            self._client = Client(base_url=endpoint.url, headers=headers, timeout=endpoint.timeout_s)
        except InvalidURL as error:
            raise ValueError(f"{endpoint.url!r} is no judge's URL: {error}") from None
        self._unanswered = 0  # items in a row
        self._counting = threading.Lock()

    def scores(self, exchanges: Iterable[Exchange], parallel: int = 4) -> Iterator[Verdict]:
        """In order, each as soon as it and those before it are judged; what was yielded is the caller's to keep."""
        with ThreadPoolExecutor(parallel) as pool:
            yield from pool.map(self.score, exchanges)

    def score(self, exchange: Exchange) -> Verdict:
        if not exchange.instruction.strip():
            return Failure(Reason.EMPTY, "the instruction is empty")
        if not exchange.response.strip():
            return Score(WORST)
        prompt = RUBRIC.replace("{instruction}", exchange.instruction.strip(), 1)
        head, tail = prompt.rsplit("{response}", 1)  # the last one is the rubric's own, whatever the instruction says
        verdict = self._asked(head + exchange.response.strip() + tail)
        answered = isinstance(verdict, Score) or verdict.reason == Reason.NONSENSE
        with self._counting:
            self._unanswered = 0 if answered else self._unanswered + 1
        return verdict

    def _asked(self, prompt: str) -> Verdict:
        tries = 1 if self._unanswered >= PATIENCE else self.endpoint.tries
        for number in range(1, tries):
            verdict, wait_s = self._try(prompt)
            if wait_s is None:
                return verdict
            time.sleep(min(max(wait_s, self.endpoint.backoff_s * 2 ** (number - 1)), LONGEST_WAIT_S))
        return self._try(prompt)[0]

    def _try(self, prompt: str) -> tuple[Verdict, float | None]:
        """The verdict, and in how many seconds at the earliest it is worth another try; None: never."""
        from httpx2 import HTTPError, TimeoutException

        endpoint, answer = self.endpoint, bytearray()
        body = {"model": endpoint.model, "messages": [{"role": "user", "content": prompt}]}
        if endpoint.temperature is not None:
            body["temperature"] = endpoint.temperature
        late = Failure(Reason.TIMEOUT, f"{endpoint.url}: no answer within {endpoint.timeout_s:g} s")
        deadline = time.monotonic() + endpoint.timeout_s
        try:
            with self._client.stream("POST", "chat/completions", json=body) as response:
                for part in response.iter_bytes():  # some send blanks to keep the line open
                    answer += part
                    if time.monotonic() > deadline:
                        return late, 0.0
        except TimeoutException:
            return late, 0.0
        except HTTPError as error:
            return Failure(Reason.UNREACHABLE, f"{endpoint.url}: {self._shown(str(error) or type(error).__name__)}"), 0.0
        text = answer.decode(errors="replace")
        if response.status_code == 200:
            return self._parsed(text), None
        hint = f" (no key in {endpoint.key_variable})" if response.status_code in (401, 403) and not self._key else ""
        failure = Failure(Reason.HTTP, f"{endpoint.url}: HTTP {response.status_code}{hint}: {self._shown(text)}")
        asked_s = response.headers.get("Retry-After", "")
        return failure, (float(asked_s) if asked_s.isdecimal() else 0.0) if response.status_code in TRANSIENT else None

    def _parsed(self, text: str) -> Verdict:
        try:
            content = json.loads(text)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError):
            return Failure(Reason.NONSENSE, f"{self.endpoint.url}: no chat completion: {self._shown(text)}")
        score = SCORE.fullmatch(content) if isinstance(content, str) else None
        if score is None:
            return Failure(Reason.NONSENSE, f"{self.endpoint.model} answered no score from 1 to 5: {self._shown(str(content))}")
        return Score(float(score[1]))

    def _shown(self, text: str) -> str:
        """One short line without the key, which an endpoint may repeat."""
        line = " ".join(text.split())
        return (line.replace(self._key, "***") if self._key else line)[:SHOWN]


def rate(judge: Judge, outcomes: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Asks about every `exchange` of these dialogues that this judge has not scored yet, as text and as it was heard.

    Writes {"judge", "value"} or {"judge", "reason", "detail"} into their `gpt_score` and gives each dialogue as soon as that is done.
    """
    name = judge.endpoint.model
    waiting = []
    for outcome in outcomes:
        exchange, scores = outcome.get("exchange", {}), outcome.get("gpt_score", {})
        for what in ("text", "heard"):
            known = scores.get(what, {})
            if exchange.get(what) is not None and not (known.get("judge") == name and "value" in known):
                waiting.append((outcome, what, Exchange(exchange["instruction"], exchange[what])))
    for (outcome, what, _), verdict in zip(waiting, judge.scores(exchange for _, _, exchange in waiting)):
        outcome.setdefault("gpt_score", {})[what] = {"judge": name} | asdict(verdict)
        yield outcome


# Without an endpoint.

ARTICLES = frozenset(("a", "an", "the"))


def tokens(text: str) -> list[str]:
    """Normalised words without articles."""
    return [word for word in normalised(text).split() if word not in ARTICLES]


def keyword_recall(response: str, keywords: Iterable[str]) -> float | None:
    """Share of the keywords whose words stand in the response one after the other; None where there are no keywords."""
    said = f" {' '.join(tokens(response))} "
    wanted = [part for keyword in keywords if (part := " ".join(tokens(keyword)))]
    return fmean(f" {part} " in said for part in wanted) if wanted else None


def token_f1(response: str, references: Iterable[str]) -> float | None:
    """2 * common / (words of the response + words of the reference), of the reference that fits best; None where there is none."""
    said = Counter(tokens(response))
    wanted = [part for reference in references if (part := Counter(tokens(reference)))]
    return max((2 * (said & part).total() / (said.total() + part.total()) for part in wanted), default=None)


def rule_score(exchange: Exchange) -> Verdict:
    """Mean of keyword recall and token F1, 0 to 1; one of them where the exchange has not both. Not on GPTScore's scale."""
    parts = keyword_recall(exchange.response, exchange.keywords), token_f1(exchange.response, exchange.references)
    known = [part for part in parts if part is not None]
    return Score(fmean(known)) if known else Failure(Reason.EMPTY, "no reference and no keyword has a word in it")
