"""One client on one socket: what it sends becomes input of a session, and the session's events become what it is sent.

A protocol (live.py, realtime.py) is a projection: client's events in, server's events out. It sees the network only through the Call.
"""

import asyncio
import json
import math
import secrets
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from parley.runtime.serve.host import Beat, Dropped, Event, Failed, Guest, Host
from parley.runtime.serve.limits import Door, Refused
from parley.runtime.serve.metrics import LOG
from parley.runtime.serve.wire import Decoder, Encoder, Format

CLOSE_S = 5.0  # a client gets so long to take what was sent before its connection is cut
QUIET_S, LONGEST_PIECE_S = 0.4, 1.0  # a client whose next piece is so late has stopped sending; pieces are up to so long
LARGE = 2**20  # characters of a message that is read beside the network's thread: sixteen seconds of audio
MOST_WORDS, MOST_PARTS, MOST_NAME = 2**18, 10_000, 512  # characters and commas in a message beside its audio, characters of its name
MOST_UNREAD = 2**22  # characters of replies wait for a client that does not read, before it is cut off
LEFT, NO_CODE = (1000, 1001), 1005  # of a client that closes; without a reason, NO_CODE is uvicorn's word for a connection that broke
FINE, AGAINST_RULES, BROKEN, LATER = 1000, 1008, 1011, 1013  # close codes of WebSocket

Json = dict[str, Any]


@dataclass(frozen=True)
class Socket:
    """A WebSocket that is open: `receive` gives ASGI messages, `abort` drops the connection without a word."""

    receive: Callable[[], Awaitable[Any]]
    send_text: Callable[[str], Awaitable[None]]
    close: Callable[[int], Awaitable[None]]
    abort: Callable[[], None]
    address: str = ""
    holder: str = ""


@dataclass(frozen=True)
class Told:
    """What is sent, in texts. `beat`: the block that it tells of; `size`: characters of a reply to the client."""

    texts: list[str]
    beat: Beat | None = None
    size: int = 0


@dataclass(frozen=True)
class Hangup:
    """The end. What is told of it is made when all before it has been sent: only then is it known how much that was."""

    code: int
    reason: str | None  # None: there was no session


class Protocol(ABC):
    """A projection of the one event stream of a session. Each method returns what is sent to the client."""

    def __init__(self, call: "Call") -> None:
        self.call = call

    def opened(self) -> list[Json]:
        """The connection stands."""
        return []

    @abstractmethod
    def command(self, event: Json) -> list[Json]:
        """An event of the client. Refused: it is answered with an error, and the session goes on; with a retry hint, it ends."""

    @abstractmethod
    def beat(self, beat: Beat) -> list[Json]:
        """One block of the dialogue."""

    @abstractmethod
    def dropped(self, seconds: float) -> list[Json]:
        """Input was thrown away."""

    @abstractmethod
    def error(self, refused: Refused, event: Json) -> list[Json]:
        """An error; `event` is the client's, {} where it was none."""

    @property
    def answering(self) -> bool:
        """The model's speech is under way in what the client is sent."""
        return False

    def draining(self) -> list[Json]:
        """The server will stop soon."""
        return []

    def ended(self, reason: str) -> list[Json]:
        """The session is over: close_requested, expired, remote_hangup or connection_lost."""
        return []


class Call:
    """The session of one client. All methods run on the network's thread."""

    def __init__(self, socket: Socket, host: Host, door: Door, protocol: Callable[["Call"], Protocol], model: str) -> None:
        self.socket, self.host, self.door, self.model = socket, host, door, model
        self.clock, self.limits = host.clock, host.limits
        self.id = "sess_" + secrets.token_hex(12)
        self.guest: Guest | None = None
        self.muted = False
        self.reason = ""  # why it is over
        self.protocol = protocol(self)
        self.speaks(Format(), Format())
        self._outgoing: deque[Told | Event | Hangup] = deque()
        self._unread, self._blocks = 0, 0  # characters of replies among them, and blocks of the dialogue
        self._news, self._cut = asyncio.Event(), asyncio.Event()
        self._sends_until = 0.0
        self._coast_s = 0.0  # what is left of the time to coast
        self._coasting: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._events = 0
        self.opened = time.monotonic()

    # What a protocol may do.

    def event(self, kind: str) -> Json:
        """The head of a server's event."""
        self._events += 1
        return {"type": kind, "event_id": f"event_{self._events}"}

    def seat(self) -> None:
        """Refused when there is none."""
        self.door.enter(self.socket.holder, self.socket.address)
        try:
            self.guest = self.host.join(self._tell)
        except Refused:
            self.door.leave(self.socket.holder, self.socket.address)
            raise
        self._tasks.append(asyncio.create_task(self._expire()))
        LOG.info("session began", extra={"fields": {"session": self.id, "address": self.socket.address, "holder": self.socket.holder}})

    def speaks(self, heard: Format, said: Format) -> None:
        """From now on the client's audio has these formats."""
        self._decode, self.encode = Decoder(heard, self.clock.input_rate), Encoder(said, self.clock.output_rate)

    def hear(self, audio: Any) -> None:
        """As the client sends it, or already decoded."""
        assert self.guest
        pcm = audio if isinstance(audio, np.ndarray) else self._decode(audio)
        if len(pcm):
            piece_s = min(len(pcm) / self.clock.input_rate, LONGEST_PIECE_S)
            self._sends_until = time.monotonic() + piece_s + QUIET_S
            self.host.hear(self.guest, np.zeros_like(pcm) if self.muted else pcm)

    def coast(self, seconds: float = 0.0, done: bool = False) -> None:
        """Whenever the client sends nothing silence goes on for it at real time: for so long after what it has sent is heard, and to
        the end of an answer. `done`: it has said that no more comes for now."""
        self._coast_s = max(self._coast_s, seconds)
        if done:
            self._sends_until = 0.0
        if self.guest and (self._coasting is None or self._coasting.done()):
            self._coasting = asyncio.create_task(self._coast())

    def stop_coasting(self) -> None:
        self._coast_s = 0.0

    def hang_up(self, reason: str, code: int = FINE) -> None:
        """Ends the session after what was sent before; the first reason counts."""
        if not self.reason:
            self.reason = reason
            self._push(Hangup(code, reason if self.guest else None))
            asyncio.get_running_loop().call_later(CLOSE_S, self._cut.set)

    def refuse(self, refused: Refused, event: Json, code: int | None = None) -> None:
        """Tells the client; ends the call if there is a `code`, or if it shall come back later."""
        self.host.metrics.refused.labels(refused.code).inc()
        self._reply(self.protocol.error(refused, event))
        if code is not None or refused.retry_s is not None:
            self.hang_up(reason="remote_hangup", code=code or LATER)

    def warn_of_end(self) -> None:
        self._reply(self.protocol.draining())

    # The work.

    async def run(self) -> None:
        """Until one of the two hangs up."""
        try:
            self._reply(self.protocol.opened())
        except Refused as refused:
            self.refuse(refused, {})
        parts = [asyncio.create_task(part) for part in (self._send(), self._receive(), self._wait_for_cut())]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._cut.is_set():
                self.socket.abort()
            tasks = [*parts, *self._tasks, *([self._coasting] if self._coasting else [])]
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            self._leave()
            for error in ends:
                if isinstance(error, Exception) and not isinstance(error, OSError):
                    LOG.error("a call failed", exc_info=error, extra={"fields": {"session": self.id}})

    def _leave(self) -> None:
        if self.guest:
            self.host.leave(self.guest)
            self.door.leave(self.socket.holder, self.socket.address)
            reason = self.reason or "connection_lost"
            self.host.metrics.ended.labels(reason).inc()
            heard_s = self.clock.seconds(self.guest.session.blocks)
            LOG.info("session ended", extra={"fields": {"session": self.id, "reason": reason, "heard_s": round(heard_s, 2)}})

    def _push(self, item: Told | Event | Hangup) -> None:
        self._outgoing.append(item)
        self._news.set()

    def _reply(self, events: list[Json]) -> None:
        """A client that does not read is cut off before its unread replies fill the memory."""
        if events:
            self._catch_up()
            texts = texts_of(events)
            size = sum(map(len, texts))
            self._unread += size
            self._push(Told(texts, size=size))
        if self._unread > MOST_UNREAD:
            self._cut_off()

    def _tell(self, event: Event) -> None:
        """From the engine. A client that does not read is cut off before its unread audio fills the memory."""
        if isinstance(event, Failed):
            self.refuse(Refused("engine_failure", event.message, kind="server_error"), {}, BROKEN)
            return
        self._push(event)
        self._blocks += isinstance(event, Beat)
        if self.clock.seconds(self._blocks) > self.limits.unread_s:
            self._cut_off()

    def _cut_off(self) -> None:
        if not self.reason:
            self.reason = "too_slow"
            self.host.metrics.refused.labels("too_slow").inc()
            self._cut.set()

    async def _send(self) -> None:
        free = 0.0  # since when the client has taken all before
        while True:
            await self._news.wait()
            self._news.clear()
            while self._outgoing:
                item = self._outgoing.popleft()
                told = self._told(item)
                if told.beat:
                    spent = time.monotonic() - max(free, told.beat.due + told.beat.moment.compute_s)
                    self.host.metrics.overhead.observe(max(0.0, spent))
                for text in told.texts:
                    await self.socket.send_text(text)
                if isinstance(item, Hangup):
                    await self.socket.close(item.code)
                    return
                free = time.monotonic()
                self._blocks -= told.beat is not None
                self._unread -= told.size

    def _told(self, item: Told | Event | Hangup) -> Told:
        match item:
            case Beat():
                return Told(texts_of(self.protocol.beat(item)), item)
            case Dropped():
                return Told(texts_of(self.protocol.dropped(item.seconds)))
            case Hangup():
                return Told(texts_of(self.protocol.ended(item.reason) if item.reason else []))
            case Failed():
                raise AssertionError(item)
            case Told():
                return item

    def _catch_up(self) -> None:
        """What the model has done is told before a command of the client changes how. All before a reply has been."""
        waiting: list[Told | Event | Hangup] = []
        while self._outgoing and isinstance(self._outgoing[-1], Event):
            waiting.append(self._outgoing.pop())
        self._outgoing.extend(self._told(event) for event in reversed(waiting))

    async def _receive(self) -> None:
        while True:
            until = time.monotonic() + self.limits.idle_s if self.guest else self.opened + self.limits.start_s
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    message = await self.socket.receive()
            except TimeoutError:
                if self.guest and self.guest.backlog_s >= self.clock.block_ms / 1000:
                    continue  # what came is still being heard
                code, what = ("idle_timeout", "nothing came") if self.guest else ("start_timeout", "the session was not started")
                waited_s = self.limits.idle_s if self.guest else self.limits.start_s
                self.refuse(Refused(code, f"{what} for {waited_s:g} s"), {}, AGAINST_RULES)
                await asyncio.sleep(2 * CLOSE_S)
                return
            if message["type"] == "websocket.disconnect":
                left = message.get("code") in LEFT or (message.get("code") == NO_CODE and "reason" in message)
                self.reason = self.reason or ("client_left" if left else "connection_lost")
                return
            if message["type"] == "websocket.receive" and not self.reason:
                await self._take(message.get("text"))
            while self.guest and self.guest.backlog_s > self.limits.ahead_s:
                await asyncio.sleep(self.clock.block_ms / 1000)

    async def _take(self, text: str | None) -> None:
        event: Json = {}
        try:
            if text is None or len(text) < LARGE:
                event = parse(text, self.limits.message_kib)
                self._unpack(event, text or "")
            else:  # the others' blocks do not wait for it
                event = await asyncio.to_thread(parse, text, self.limits.message_kib)
                await asyncio.to_thread(self._unpack, event, text)
            self._catch_up()
            self._reply(self.protocol.command(event))
        except Refused as refused:
            self.refuse(refused, event)
        except Exception:  # our own slip must not end a dialogue
            LOG.exception("an event could not be handled", extra={"fields": {"session": self.id}})
            self.refuse(Refused("internal_error", "the server could not handle this event", kind="server_error"), event)

    def _unpack(self, event: Json, text: str) -> None:
        """Decodes its audio in place where there is a session to hear it: all of it, or Refused before any is heard."""
        holders = sounds_in(event)
        beside = len(text) - sum(len(holder["audio"]) for holder in holders if isinstance(holder["audio"], str))
        if beside > MOST_WORDS or len(str(event.get("event_id", ""))) > MOST_NAME:
            most = f"{MOST_WORDS} characters beside its audio, and {MOST_NAME} in its event_id"
            raise Refused("message_too_large", f"a message holds at most {most}")
        for holder in holders if self.guest else ():
            holder["audio"] = self._decode(holder["audio"])

    async def _wait_for_cut(self) -> None:
        await self._cut.wait()

    async def _expire(self) -> None:
        await asyncio.sleep(60 * self.limits.max_minutes)
        self.hang_up("expired")

    async def _coast(self) -> None:
        block, due = np.zeros(self.clock.samples_in, np.float32), time.monotonic()
        while self.guest and (self.protocol.answering or self._coast_s > 0):
            due += self.clock.block_ms / 1000  # not 80 ms after the last wake, which was late
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self.guest.backlog_s >= QUIET_S:
                continue
            self._coast_s -= self.clock.block_ms / 1000
            if time.monotonic() >= self._sends_until:
                self.host.hear(self.guest, block)


def parse(text: str | None, message_kib: int) -> Json:
    """A client's event: a JSON object with a `type`. Refused says what it is instead."""
    if text is None:
        raise Refused("invalid_json", "events are JSON in text messages, not in binary ones")
    if len(text) > 1024 * message_kib:
        raise Refused("message_too_large", f"a message holds at most {message_kib} KiB; send audio in smaller pieces")
    if text.count(",") > MOST_PARTS:  # it would take long to read, in which nobody is served
        raise Refused("message_too_large", f"a message holds at most {MOST_PARTS} parts")
    try:
        event = json.loads(text, parse_float=finite, parse_constant=finite)
    except (ValueError, RecursionError) as error:
        raise Refused("invalid_json", f"the message is not JSON ({str(error)[:80]})") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise Refused("invalid_json", "an event is a JSON object with a type", "type")
    return event


def finite(number: str) -> float:
    """A number of JSON, which has none for the others: what is repeated to the client must be JSON too."""
    if not math.isfinite(float(number)):
        raise ValueError(f"{number[:20]} is no finite number")
    return float(number)


def sounds_in(event: Json) -> list[Json]:
    """The objects in a client's event that hold audio: itself, or parts of an item."""
    item = event.get("item")
    content = item.get("content") if isinstance(item, dict) else None
    places = [event, *(content if isinstance(content, list) else ())]
    return [place for place in places if isinstance(place, dict) and place.get("audio") is not None]


def texts_of(events: list[Json]) -> list[str]:
    return [json.dumps(event, separators=(",", ":")) for event in events]
