"""Asks OpenAI-compatible servers, with patience and without showing the key: the writer of scripts, voices, the judge."""

import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

TRANSIENT = (408, 429, 500, 502, 503, 504)  # a later try may succeed
OF_ALL = (401, 403, 404)  # statuses that mean every item
PATIENCE = 8  # items without an answer in a row; after them nothing is asked but a probe now and then, until one is answered
PROBE_S = 60.0  # from one probe to the next
SHOWN = 200  # characters of an answer in a reason


class Reason(StrEnum):
    EMPTY = "empty"  # there is nothing to ask
    UNREACHABLE = "unreachable"  # no connection, or it broke
    TIMEOUT = "timeout"
    DOWN = "down"  # not asked: the items before it got no answer
    HTTP = "http"  # an error status
    NONSENSE = "nonsense"  # an answer that is not what was asked for


@dataclass(frozen=True)
class Failure:
    reason: Reason
    detail: str  # one line


@dataclass(frozen=True)
class Refusal(Failure):
    """Of this item alone: too long, or filtered. The endpoint is up."""


Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible server and a model on it. The key is read from the environment and is never shown.

    `temperature` None leaves it out of the request, for models that refuse it. Waits between tries: `backoff_s` * 1, 2, 4, ..., or as long
    as the endpoint asks for, up to `longest_wait_s`.
    """

    url: str  # with its version: https://api.openai.com/v1
    model: str
    key_variable: str
    temperature: float | None = None
    timeout_s: float = 60.0  # of one try, from the request to the last byte
    tries: int = 3
    backoff_s: float = 1.0
    longest_wait_s: float = 60.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.username or parts.password:
            raise ValueError(f"the endpoint's URL holds a password; put the key into the variable {self.key_variable} instead")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{self.url!r} is no endpoint's URL; give one like https://api.openai.com/v1")
        if self.timeout_s <= 0 or self.tries < 1 or self.backoff_s < 0:
            raise ValueError(f"timeout {self.timeout_s} s, {self.tries} tries, back-off {self.backoff_s} s: above 0, 1 or more, 0 or more")

    def key(self) -> str:
        """"" where the variable is not set: a local endpoint needs none."""
        key = os.environ.get(self.key_variable, "").strip()
        if not re.fullmatch("[!-~]*", key):
            raise ValueError(f"the key in {self.key_variable} has characters that a key cannot have; copy it again")
        return key


class Asker:
    """One endpoint, for many threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        try:
            from httpx2 import Client, InvalidURL
        except ImportError:
            raise ValueError("httpx2 is missing; pip install -e '.[data]'") from None
        self.endpoint = endpoint
        self._key = endpoint.key()
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            self._client = Client(base_url=endpoint.url, headers=headers, timeout=endpoint.timeout_s)
        except InvalidURL as error:
            raise ValueError(f"{endpoint.url!r} is no endpoint's URL: {error}") from None
        self._unanswered = 0  # items in a row
        self._probe_at = 0.0  # the earliest time of the next probe, once it is down
        self._counting = threading.Lock()

    @property
    def is_down(self) -> bool:
        """`PATIENCE` items in a row got no answer at all."""
        return self._unanswered >= PATIENCE

    @property
    def is_waiting(self) -> bool:
        """The last item that was asked got no answer."""
        return self._unanswered > 0

    def ask(self, path: str, body: dict[str, Any], understood: Callable[[bytes], Answer | Failure]) -> Answer | Failure:
        """What `understood` makes of the reply to a POST of `body`; an answer that it does not understand is not asked for again.

        While the endpoint is down the item fails at once, unless it is the probe, which is tried once.
        """
        if self.is_down and not self._probes():
            return Failure(Reason.DOWN, f"{self.endpoint.url}: not asked, since {self._unanswered} items in a row got no answer")
        answer, wait_s = self._try(path, body, understood)
        for number in range(1, self.endpoint.tries):
            if wait_s is None or self.is_down:
                break
            time.sleep(min(max(wait_s, self.endpoint.backoff_s * 2 ** (number - 1)), self.endpoint.longest_wait_s))
            answer, wait_s = self._try(path, body, understood)
        answered = not isinstance(answer, Failure) or isinstance(answer, Refusal) or answer.reason == Reason.NONSENSE
        with self._counting:
            self._unanswered = 0 if answered else self._unanswered + 1
            if self._unanswered == PATIENCE:
                self._probe_at = time.monotonic() + PROBE_S
        return answer

    def _probes(self) -> bool:
        """Whether it is time to try again; then it is one item's turn."""
        with self._counting:
            due = time.monotonic() >= self._probe_at
            if due:
                self._probe_at = time.monotonic() + PROBE_S
        return due

    def _try(
        self, path: str, body: dict[str, Any], understood: Callable[[bytes], Answer | Failure]
    ) -> tuple[Answer | Failure, float | None]:
        """The answer, and in how many seconds at the earliest it is worth another try; None: never."""
        from httpx2 import HTTPError, TimeoutException

        endpoint, reply = self.endpoint, bytearray()
        late = Failure(Reason.TIMEOUT, f"{endpoint.url}: no answer within {endpoint.timeout_s:g} s")
        deadline = time.monotonic() + endpoint.timeout_s
        try:
            with self._client.stream("POST", path, json={"model": endpoint.model, **body}) as response:
                for part in response.iter_bytes():  # some send blanks to keep the line open
                    reply += part
                    if time.monotonic() > deadline:
                        return late, 0.0
        except TimeoutException:
            return late, 0.0
        except HTTPError as error:
            return Failure(Reason.UNREACHABLE, f"{endpoint.url}: {self.shown(str(error) or type(error).__name__)}"), 0.0
        if response.status_code == 200:
            return understood(bytes(reply)), None
        hint = f" (no key in {endpoint.key_variable})" if response.status_code in (401, 403) and not self._key else ""
        text = self.shown(reply.decode(errors="replace"))
        why = f"{endpoint.url}: HTTP {response.status_code}{hint}: {text}"
        if response.status_code in TRANSIENT:
            asked_s = response.headers.get("Retry-After", "")
            return Failure(Reason.HTTP, why), float(asked_s) if asked_s.isdecimal() else 0.0
        return (Failure if response.status_code in OF_ALL or response.status_code >= 500 else Refusal)(Reason.HTTP, why), None

    def shown(self, text: str) -> str:
        """One short line without the key, which an endpoint may repeat."""
        line = " ".join(text.split())
        return (line.replace(self._key, "***") if self._key else line)[:SHOWN]
