"""Who may come in, for how long, and how much: refusals with a type, and the door that counts."""

import hmac
import math
import re
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Refused(ValueError):
    """What a client is told. `retry_s`: when to try again; None: trying again does not help. `param`: the field that is wrong."""

    def __init__(self, code: str, message: str, param: str | None = None, retry_s: int | None = None, kind: str = "invalid_request_error"):
        super().__init__(message)
        self.code, self.param, self.retry_s, self.kind = code, param, retry_s, kind

    def as_json(self) -> dict[str, Any]:
        """As both protocols tell it, but for the event that it answers."""
        told: dict[str, Any] = {"type": self.kind, "code": self.code, "message": str(self), "param": self.param}
        return told if self.retry_s is None else {**told, "retry_after_s": self.retry_s}


@dataclass(frozen=True)
class Limits:
    """What one server grants. Times in seconds unless the name says otherwise."""

    sessions: int = 4  # at once: the rows of the engine
    sessions_per_key: int | None = None
    sessions_per_address: int | None = None
    max_minutes: float = 60.0  # one session
    idle_s: float = 300.0  # without a message: a client need not send while it plays, or while nobody holds its button
    start_s: float = 10.0  # from the connection to the start of the session
    message_kib: int = 20480  # one message: 15 MiB of audio in base64
    ping_s: float = 20.0  # a peer that does not answer a ping for so long is gone
    unread_s: float = 10.0  # audio that a client may leave unread before it is cut off
    ahead_s: float = 30.0  # audio that a client may send ahead; then it is read no faster than the model hears it
    shed_ms: int = 1000  # input that waits so long because of the server is thrown away
    busy: float = 0.9  # of a block's time: new sessions are refused while 95 % of the passes take more
    late_s: float = 5.0  # a pass that takes longer counts as the death of the engine, to those who ask for its health
    drain_s: float = 30.0  # from SIGTERM to the end of the sessions that are open

    def __post_init__(self) -> None:
        for name in ("sessions", "sessions_per_key", "sessions_per_address", "message_kib", "shed_ms"):
            if (value := self.__dict__[name]) is not None and value < 1:
                raise ValueError(f"--{name.replace('_', '-')} is {value}; give 1 or more")
        for name in ("max_minutes", "idle_s", "start_s", "ping_s", "unread_s", "ahead_s", "busy", "late_s"):
            if not 0 < self.__dict__[name] < math.inf:
                raise ValueError(f"--{name.replace('_', '-')} is {self.__dict__[name]}; give a number above 0")
        if not 0 <= self.drain_s < math.inf:
            raise ValueError(f"--drain-s is {self.drain_s}; give 0 or more")


def read_keys(file: Path | None) -> tuple[str, ...]:
    """One key a line; empty lines and lines that start with # do not count. None: no key is needed."""
    if file is None:
        return ()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: cannot be read ({error}); give a text file with one key a line") from error
    keys = tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    if not keys:
        raise ValueError(f"{file}: holds no key; write one a line, or leave --keys away")
    for number, key in enumerate(keys, start=1):
        if not TOKEN.fullmatch(key):
            raise ValueError(f"{file}: key {number} cannot be sent by a browser; use letters, digits and - . _ ~ alone")
    return keys


TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 7230: what the name of a subprotocol is made of
KEY_PROTOCOL = "openai-insecure-api-key."  # browsers cannot set headers; OpenAI's own clients offer the key as a subprotocol


LENT = re.compile(r"ek_(\d{1,12})_([0-9a-f]{16})_([0-9a-f]{64})")


def lent(key: str, expires_at: int, salt: str) -> str:
    """A secret for a browser, good until `expires_at` (seconds since 1970) wherever `key` is known; it does not give the key away."""
    return f"ek_{expires_at}_{salt}_{hmac.digest(key.encode(), f'{expires_at} {salt}'.encode(), 'sha256').hex()}"


def opens(offered: str, key: str) -> bool:
    """It is the key, or was lent by who holds it and has not expired."""
    parts = LENT.fullmatch(offered)
    if parts and int(parts[1]) > time.time():
        key = lent(key, int(parts[1]), parts[2])
    return hmac.compare_digest(offered.encode(), key.encode())


def key_offered(authorization: str | None, subprotocols: list[str]) -> str:
    """The key that a client brings: `Authorization: Bearer KEY`, or a subprotocol. "" = none."""
    kind, _, key = (authorization or "").partition(" ")
    if kind.lower() == "bearer":
        return key.strip()
    return next((name.removeprefix(KEY_PROTOCOL) for name in subprotocols if name.startswith(KEY_PROTOCOL)), "")


@dataclass
class Door:
    """Knows the keys and the origins, and counts who is inside. Keys are known to the rest of the house by number only."""

    limits: Limits
    keys: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()  # beyond the server's own; "*" = every one
    closed: bool = False  # draining: nobody new
    _inside: Counter[str] = field(default_factory=Counter)

    def who(self, authorization: str | None, subprotocols: list[str]) -> str | None:
        """The holder's name ("key 2", or "" where no key is needed); None: not known here."""
        if not self.keys:
            return ""
        known = [opens(key_offered(authorization, subprotocols), key) for key in self.keys]  # every one, so that time tells nothing
        return f"key {known.index(True) + 1}" if any(known) else None

    def lends(self, authorization: str | None) -> bool:
        """To who brings a key. What was lent cannot be lent on."""
        return self.who(authorization, []) is not None and not LENT.fullmatch(key_offered(authorization, []))

    def lend(self, authorization: str | None, seconds: int) -> tuple[str, int]:
        """A secret, and when it expires."""
        until = int(time.time()) + seconds
        return lent(key_offered(authorization, []), until, secrets.token_hex(8)), until

    def welcomes(self, origin: str | None, host: str | None) -> bool:
        """Browsers tell where a page comes from; programs do not, and are welcome."""
        return origin is None or "*" in self.origins or origin in self.origins or origin.partition("://")[2] == host

    def enter(self, holder: str, address: str) -> None:
        """Refused when the holder or the address has enough sessions, or the server is about to stop."""
        if self.closed:
            raise Refused("draining", "this server is about to stop; connect again", retry_s=5, kind="server_error")
        of_address = "address " + address
        for name, most in ((holder, self.limits.sessions_per_key), (of_address, self.limits.sessions_per_address)):
            if name and most is not None and self._inside[name] >= most:
                raise Refused("too_many_sessions", f"{most} sessions are open already; close one", retry_s=10, kind="rate_limit_error")
        self._inside.update((holder, of_address))

    def leave(self, holder: str, address: str) -> None:
        self._inside.subtract((holder, "address " + address))
        self._inside += Counter()  # drops those at zero
