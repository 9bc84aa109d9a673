"""The engine at work for many guests: a thread of its own that makes a pass whenever somebody has a whole block.

Guests come and go between passes. What they said waits in a queue, each its own: model time goes on with a guest's input, so one that
stalls stalls only itself. Times are seconds of the monotonic clock.
"""

import threading
import time
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
import torch

from parley.models.duplex import Directive
from parley.runtime.engine import BlockEvent, Engine
from parley.runtime.serve.limits import Limits, Refused
from parley.runtime.serve.metrics import LOG, Metrics, Stopwatch
from parley.runtime.session import Moment, Session

IDLE_S = 0.5  # how often the loop shows that it is alive when nobody speaks
RECENT_S = 10.0  # the passes by which new guests are judged ...
FEW = 20  # ... if there were so many, or they took half of that time
CREDIT_S = 3.0  # so far a guest may fall behind real time and still catch up at once: a network stands still now and then
TALKING_S = 0.5  # who was heard so lately, and is waited for, talks at real time
BIDDEN_BLOCKS = 3  # until a model that is bidden to speak must: as long as after a question's end in training
STOP_S = 10.0  # how long the end waits for the pass that is under way
RETRY_S = 5  # when to come back to a full house
FAILED = 3  # passes in a row that went wrong for everybody in them: the model itself is broken


@dataclass(frozen=True)
class Beat:
    """One block of a dialogue. `due`: when its last sample came, or would have come at real time; `waited_s`: from then to its pass."""

    moment: Moment
    due: float
    waited_s: float


@dataclass(frozen=True)
class Dropped:
    """The server was late, and threw away so much input to keep up."""

    seconds: float


@dataclass(frozen=True)
class Failed:
    """The model could not go on with this guest."""

    message: str


Event = Beat | Dropped | Failed


@dataclass(frozen=True)
class Piece:
    """`due`: when it would have come at real time, later than `arrived` for one who sends ahead; `kept`: the same where nobody's network
    ever stands still, so that what is caught up with afterwards counts as sent ahead, and is not thrown away."""

    pcm: np.ndarray
    arrived: float
    due: float
    kept: float


@dataclass(eq=False)
class Guest:
    """One session. The network's thread writes the first part, the engine's thread the second; `tell` runs on the network's."""

    session: Session
    tell: Callable[[Event], None]
    heard: deque[Piece] = field(default_factory=deque)
    received: int = 0  # samples
    lead_s: float = 0.0  # how far the input is ahead of real time; below 0: behind, and may still catch up ...
    ahead_s: float = 0.0  # ... and the same where it never was behind
    hush: bool = False  # must fall silent
    hold: bool = False  # must not begin to speak
    patient: bool = False  # ... before it has wanted to for a while
    bidden: int | None = None  # the block from which on it may begin to speak, and must soon

    row: int = -1
    dropped: int = 0  # samples
    arrived: float = 0.0  # of the piece with the last sample of the block that is ready
    due: float = 0.0
    used: float = 0.0  # until then its blocks have used up its real time
    watch: Stopwatch = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)  # of `heard` and what is counted with it

    def __post_init__(self) -> None:
        self.watch = Stopwatch(self.session.clock)

    @property
    def backlog_s(self) -> float:
        """Input that has not been through the model."""
        clock = self.session.clock
        return (self.received - self.dropped) / clock.input_rate - clock.seconds(self.session.blocks)

    def hear(self, pcm: np.ndarray, now: float) -> None:
        """Samples (any number,) at the model's rate."""
        with self.lock:
            last = self.heard[-1].arrived if self.heard else self.arrived
            waits_s = max(0.0, self.backlog_s)  # what was heard sooner than at real time is ahead no longer
            self.lead_s = max(-CREDIT_S, min(self.lead_s - (now - last), waits_s))
            self.ahead_s = max(0.0, min(self.ahead_s - (now - last), waits_s))
            for begin in range(0, len(pcm), self.session.clock.samples_in):
                piece = pcm[begin : begin + self.session.clock.samples_in]
                self.heard.append(Piece(piece, now, now + max(0.0, self.lead_s), now + self.ahead_s))
                self.lead_s += len(piece) / self.session.clock.input_rate
                self.ahead_s += len(piece) / self.session.clock.input_rate
        self.received += len(pcm)

    def fill(self) -> bool:
        """Hands over pieces until a block is whole. True: it is."""
        with self.lock:
            while not self.session.ready and self.heard:
                piece = self.heard.popleft()
                self.session.hear(piece.pcm)
                self.arrived, self.due = piece.arrived, piece.due
        return self.session.ready

    def pay(self, now: float) -> None:
        """For a block. What was not used is kept for a while, and what was had beyond is not asked back."""
        self.used = min(max(self.used, now - CREDIT_S), now) + self.session.clock.block_ms / 1000

    @property
    def heard_out(self) -> int:
        """The block before which all that has come so far is heard."""
        return (self.received - self.dropped) // self.session.clock.samples_in

    def bid(self) -> None:
        """The model must speak when it has heard all that has come so far."""
        self.hold, self.bidden = False, self.heard_out

    def directive(self) -> Directive:
        """What its next block must end with. The network's thread may set `hush` at any time, but only who speaks now is stopped."""
        if self.session.speaking:
            self.bidden = None
            return Directive.SHIFT if self.hush else Directive.FREE
        self.hush = False
        since = 0 if self.bidden is None else self.session.blocks - self.bidden
        if self.hold or since < 0:
            return Directive.STAY
        if since >= BIDDEN_BLOCKS:
            return Directive.SHIFT
        return Directive.PATIENT if self.patient and self.bidden is None else Directive.FREE

    def clear(self) -> None:
        """Throws away what was sent and has not been heard."""
        with self.lock:
            lost_s = self._drop(len(self.heard))
            self.lead_s, self.ahead_s = self.lead_s - lost_s, max(0.0, self.ahead_s - lost_s)

    def shed(self, before: float, now: float) -> float:
        """When the oldest piece is from before that time, throws away what has come but for the newest. Seconds thrown away."""
        with self.lock:
            if not self.heard or self.heard[0].kept >= before:
                return 0.0
            return self._drop(sum(piece.kept <= now for piece in self.heard) - 1)

    def _drop(self, pieces: int) -> float:
        lost = sum(len(self.heard.popleft().pcm) for _ in range(pieces))
        self.dropped += lost
        if (bidden := self.bidden) is not None:  # what is gone is not waited for
            self.bidden = min(bidden, self.heard_out)
        return lost / self.session.clock.input_rate


class Host:
    """Seats guests on the rows of an engine. `join`, `leave` and `hear` belong to the network's thread."""

    def __init__(self, engine: Engine, limits: Limits, metrics: Metrics) -> None:
        self.engine, self.limits, self.metrics = engine, limits, metrics
        self.clock = engine.clock
        self.seated = 0
        self.alive = True
        self._guests: list[Guest] = []
        self._joining: list[Guest] = []
        self._leaving: list[Guest] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._seen = time.monotonic()  # when the loop last showed life
        self._passes: deque[tuple[float, float]] = deque(maxlen=500)  # when, and seconds it took
        self._failed = 0  # passes in a row
        self._failed_at = 0.0  # the last of them
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        metrics.rows.set(engine.rows)

    def start(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._seen = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Ends after the pass that is under way."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_S)

    def join(self, tell: Callable[[Event], None]) -> Guest:
        """A seat, at once. Refused when all are taken, or when the passes are so slow that one more would make everybody late."""
        trouble = self.trouble() or (self.broken() if time.monotonic() < self._failed_at + RETRY_S else None)
        if trouble is not None:
            raise Refused("engine_failure", trouble, retry_s=RETRY_S, kind="server_error")
        if self.seated >= self.engine.rows:
            message = f"all {self.engine.rows} sessions are taken; try again in {RETRY_S} s"
            raise Refused("server_full", message, retry_s=RETRY_S, kind="rate_limit_error")
        if self.busy():
            raise Refused("server_overloaded", f"the server is late; try again in {RETRY_S} s", retry_s=RETRY_S, kind="server_error")
        guest = Guest(Session(self.clock), tell)
        guest.arrived = time.monotonic()
        self.seated += 1
        self.metrics.active.set(self.seated)
        with self._lock:
            self._joining.append(guest)
        self._wake.set()
        return guest

    def leave(self, guest: Guest) -> None:
        self.seated -= 1
        self.metrics.active.set(self.seated)
        with self._lock:
            self._leaving.append(guest)
        self._wake.set()

    def hear(self, guest: Guest, pcm: np.ndarray) -> None:
        guest.hear(pcm, time.monotonic())
        self._wake.set()

    def busy(self) -> bool:
        """Of the last seconds' passes, one in twenty took more than it may."""
        return self.load() > self.limits.busy

    def load(self) -> float:
        """What 95 % of the last seconds' passes take at most, as a share of a block's time; 0 where they were few and short."""
        since = time.monotonic() - RECENT_S
        took = [seconds for when, seconds in list(self._passes) if when > since]
        known = len(took) >= FEW or sum(took) > RECENT_S / 2
        return float(np.quantile(took, 0.95)) / (self.clock.block_ms / 1000) if known else 0.0

    def late(self) -> str | None:
        """How far the loop is behind real time; None when it is not."""
        load = self.load()
        return f"the passes are late: {100 * load:.0f} % of a block's time" if load > max(1.0, self.limits.busy) else None

    def broken(self) -> str | None:
        """What is wrong with the model itself; None when nothing is. One guest now and then is let in to try it."""
        return f"the last {self._failed} passes failed" if self._failed >= FAILED else None

    def trouble(self) -> str | None:
        """What is wrong with the loop; None when all is well."""
        if not self.alive:
            return "the engine has stopped"
        silent_s = time.monotonic() - self._seen
        return f"the engine has shown no life for {silent_s:.1f} s" if silent_s > self.limits.late_s + IDLE_S else None

    # The engine's thread.

    def _run(self) -> None:
        torch.set_flush_denormal(True)  # a setting of the thread: in silence the memories decay to numbers that a CPU is slow with
        try:
            while not self._stopping:
                self._wake.wait(self._rest_s())
                self._wake.clear()
                self._seen = time.monotonic()
                self._come_and_go()
                while not self._stopping and (ready := self._ready()):
                    self._pass({guest.row: guest for guest in ready})
                    self._seen = time.monotonic()
                    self._come_and_go()
        except Exception:
            LOG.exception("the engine loop ended")
        finally:
            self.alive = False
            self._hand_out([(guest, Failed("the engine has stopped")) for guest in [*self._guests, *self._joining]])

    def _ready(self) -> list[Guest]:
        """Who takes part in the next pass: all with a whole block. But while somebody talks at real time, nobody gets more than that."""
        ready, now = [], time.monotonic()
        for guest in list(self._guests):
            with self._alone(guest):
                ready += [guest] if guest.fill() else []
        in_time = [guest for guest in ready if guest.used <= now]
        talking = any(not guest.session.ready and now - guest.arrived < TALKING_S for guest in self._guests)
        return in_time if in_time or talking else ready

    def _rest_s(self) -> float:
        """How long there is nothing to do, unless somebody is heard: until the first of those who wait may go on."""
        until = [guest.used for guest in self._guests if guest.session.ready]
        return min(IDLE_S, max(0.0, min(until) - time.monotonic())) if until else IDLE_S

    def _come_and_go(self) -> None:
        with self._lock:
            joining, self._joining = self._joining, []
            leaving, self._leaving = self._leaving, []
        for guest in leaving:
            if guest in joining:
                joining.remove(guest)
            else:
                self._close(guest)
        for guest in joining:
            with self._alone(guest):
                guest.row = self.engine.open()
                self._guests.append(guest)

    def _close(self, guest: Guest) -> None:
        """Gives the row back; of no effect on one whose row is gone already."""
        if guest in self._guests:
            self._guests.remove(guest)
            self.engine.close(guest.row)

    def _pass(self, ready: dict[int, Guest]) -> None:
        began = time.monotonic()
        told: list[tuple[Guest, Event]] = []
        blocks: dict[int, np.ndarray] = {}
        directives: dict[int, Directive] = {}
        for row, guest in ready.items():
            with self._alone(guest):
                blocks[row] = guest.session.take()
                guest.pay(began)
                if (directive := guest.directive()) != Directive.FREE:
                    directives[row] = directive
        events = self._events(blocks, directives)
        self._count_failed(all(isinstance(event, Failed) for event in events.values()))
        for row, event in events.items():
            guest = ready[row]
            if isinstance(event, Failed):
                self._close(guest)
                told.append((guest, event))
                continue
            with self._alone(guest):
                moment = guest.session.accept(event)
                guest.watch.read(moment, guest.session, self.metrics)
                told.append((guest, Beat(moment, guest.due, max(0.0, began - guest.due))))
        now = time.monotonic()
        self._passes.append((now, now - began))
        self.metrics.tick.observe(now - began)
        for guest in ready.values():
            self.metrics.wait.observe(max(0.0, began - guest.due))
            self.metrics.misses.inc(now - guest.due > self.clock.block_ms / 1000)
            if lost_s := guest.shed(now - self.limits.shed_ms / 1000, now):
                self.metrics.shed.inc(lost_s)
                told.append((guest, Dropped(lost_s)))
        self._hand_out(told)

    def _count_failed(self, failed: bool) -> None:
        self._failed = self._failed + 1 if failed else 0
        if failed:
            self._failed_at = time.monotonic()
            self.metrics.failed.inc()

    @contextmanager
    def _alone(self, guest: Guest) -> Iterator[None]:
        """What goes wrong here ends this guest's session, and nobody else's."""
        try:
            yield
        except Exception as error:
            LOG.exception("a session failed")
            self._close(guest)
            self._hand_out([(guest, Failed(f"the session failed ({type(error).__name__})"))])

    def _events(self, blocks: dict[int, np.ndarray], directives: dict[int, Directive]) -> dict[int, BlockEvent | Failed]:
        """One pass; if it raises, one pass for each row, so that only the rows that cannot be computed fail."""
        try:
            events = self.engine.tick(blocks, directives)
        except Exception as error:
            LOG.exception("a pass failed", extra={"fields": {"rows": len(blocks)}})
            if len(blocks) == 1:
                return dict.fromkeys(blocks, Failed(f"the model failed ({type(error).__name__})"))
            alone = [self._events({row: block}, {row: directives[row]} if row in directives else {}) for row, block in blocks.items()]
            return {row: event for events in alone for row, event in events.items()}
        bad = [row for row, event in events.items() if not np.isfinite(event.assistant).all()]
        return {**events, **dict.fromkeys(bad, Failed("the model made sound that is none"))}

    def _hand_out(self, told: list[tuple[Guest, Event]]) -> None:
        try:
            self._loop.call_soon_threadsafe(deliver, told)
        except RuntimeError:  # the network is gone: the server has stopped
            self._stopping = True


def deliver(told: list[tuple[Guest, Event]]) -> None:
    """On the network's thread. Who cannot be told is told that it has failed, and nobody else misses anything."""
    for guest, event in told:
        try:
            guest.tell(event)
        except Exception as error:
            LOG.exception("a guest could not be told")
            with suppress(Exception):
                guest.tell(Failed(f"the session failed ({type(error).__name__})"))
