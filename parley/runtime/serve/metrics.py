"""What the server tells about itself: Prometheus series, and a log of one JSON object a line. The one file that knows prometheus_client."""

import json
import logging
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parley.clock import Clock
from parley.runtime.session import Moment, Session, State, Stretch

PASS_S = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12, 0.16, 0.32, 0.64, 1.28)
PATIENCE_S = 10.0  # an answer that begins later does not answer what was said last
ROOM_BLOCKS = 50  # speech has a pause in so long
ABOVE = 3.2  # times the noise of the room: speech
LATENCY_S = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)


class Metrics:
    """The series of one server, in a registry of its own."""

    def __init__(self) -> None:
        prometheus = prometheus_client()
        self.registry = prometheus.CollectorRegistry()

        def histogram(name: str, about: str, buckets: tuple[float, ...]) -> Any:
            return prometheus.Histogram(name, about, buckets=buckets, registry=self.registry)

        def counter(name: str, about: str, labels: tuple[str, ...] = ()) -> Any:
            return prometheus.Counter(name, about, labels, registry=self.registry)

        self.tick = histogram("parley_tick_seconds", "One pass of the model over all rows.", PASS_S)
        self.wait = histogram("parley_wait_seconds", "From the last sample of a block to its pass.", PASS_S)
        self.overhead = histogram("parley_overhead_seconds", "From the last sample of a block to its answer, less the pass.", PASS_S)
        self.onset = histogram("parley_onset_seconds", "From the end of the user's sound to the first of the answer.", LATENCY_S)
        self.barge_in = histogram("parley_barge_in_seconds", "From an interruption to the last sound of the answer.", LATENCY_S)
        self.misses = counter("parley_deadline_misses", "Blocks answered later than the next one was complete.")
        self.failed = counter("parley_failed_passes", "Passes that went wrong for everybody in them.")
        self.shed = counter("parley_shed_seconds", "Input thrown away because the server was late.")
        self.refused = counter("parley_refused", "Sessions and messages refused.", ("code",))
        self.ended = counter("parley_sessions_ended", "Sessions that are over.", ("reason",))
        self.active = prometheus.Gauge("parley_active_sessions", "Sessions that hold a row.", registry=self.registry)
        self.rows = prometheus.Gauge("parley_rows", "Sessions that fit.", registry=self.registry)

    def page(self) -> bytes:
        """The text format that Prometheus reads."""
        return prometheus_client().generate_latest(self.registry)


def prometheus_client() -> Any:
    try:
        import prometheus_client as library  # an extra: only those who serve need it
    except ImportError as error:
        raise ValueError("serving needs the package prometheus-client; install it with: pip install -e '.[serve]'") from error
    return library


@dataclass
class Heard(Stretch):
    """Sound above the noise of the room, which is as loud as the quietest block of the last seconds: a steady noise is nobody's speech."""

    levels: deque[float] = field(default_factory=lambda: deque([0.0], ROOM_BLOCKS))  # who speaks from the first block on is heard

    def note(self, moment: Moment) -> None:
        self.levels.append(float(np.sqrt(np.mean(np.square(moment.environment)))))
        if self.levels[-1] > ABOVE * min(self.levels):
            super().note(moment)


@dataclass
class Stopwatch:
    """Onset and barge-in of one session on its own clock, told from the loudness of the environment."""

    clock: Clock
    sound: Heard = field(default_factory=Heard)
    state: State = State.LISTENING
    answered: int = 0  # the end of the sound that was answered last, in blocks

    def read(self, moment: Moment, session: Session, metrics: Metrics) -> None:
        self.sound.note(moment)
        if moment.state == State.SPEAKING != self.state:
            self.time_onset(session.answers[-1].onset / self.clock.output_rate, metrics)
        heard = self.sound.lately(moment.block + 1, self.clock.block_ms)
        if moment.interrupted and session.answers[-1].onset >= 0 and heard:
            metrics.barge_in.observe(max(0.0, session.answers[-1].end / self.clock.output_rate - self.clock.seconds(self.sound.began)))
        self.state = moment.state

    def time_onset(self, onset_s: float, metrics: Metrics) -> None:
        """An answer is to the sound before it, where nothing else has answered that, it is over, and was not long ago."""
        delay_s = onset_s - self.clock.seconds(self.sound.ended)
        if self.sound.ended > self.answered and 0 < delay_s < PATIENCE_S:
            metrics.onset.observe(delay_s)
        self.answered = self.sound.ended


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, message, and the fields given as `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"}
        line |= {"level": record.levelname.lower(), "event": record.getMessage(), **record.__dict__.get("fields", {})}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


LOG = logging.getLogger("parley.serve")


def log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in ("uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)  # its lines name paths with their queries


