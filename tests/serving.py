"""A server on loopback in a thread of this process, and clients for the tests: a plain one, and how a dialogue is made of what it hears."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from parrot import Parrot
from websockets.sync.client import ClientConnection, connect

from parley.clock import Clock
from parley.models.duplex import DuplexModel
from parley.runtime.engine import Engine
from parley.runtime.serve.host import Host
from parley.runtime.serve.limits import Door, Limits
from parley.runtime.serve.metrics import Metrics
from parley.runtime.serve.server import Address, Service, listen, make_server

CLOCK = Clock()
BLOCK = CLOCK.samples_in
PATIENT = Limits(sessions=3, busy=1e9, shed_ms=10**6, ahead_s=1e6, unread_s=1e6, late_s=1e6)  # nothing depends on how fast this machine is
WAIT_S = 120.0


def sound(blocks: int, level: float = 0.05) -> np.ndarray:
    return np.random.default_rng(0).normal(0, level, blocks * BLOCK).astype(np.float32)


def silence(blocks: int) -> np.ndarray:
    return np.zeros(blocks * BLOCK, np.float32)


QUESTION = np.concatenate([silence(2), sound(6), silence(40)])
INTERRUPTED = np.concatenate([QUESTION[: 24 * BLOCK], sound(5, level=0.5), silence(15)])


class Running:
    """A server that listens; `url` without a path."""

    def __init__(self, service: Service, address: Address = Address(port=0)) -> None:  # noqa: B008
        self.service = service
        self.socket = listen(address)
        self.place = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.server = make_server(service, address)
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],), daemon=True)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.02)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(WAIT_S)
        self.socket.close()
        assert not self.thread.is_alive()

    def live(self, query: str = "", **options: Any) -> ClientConnection:
        return connect(f"ws://{self.place}/v1/live/sessions{query}", open_timeout=WAIT_S, max_size=None, **options)

    def realtime(self, **options: Any) -> ClientConnection:
        return connect(f"ws://{self.place}/v1/realtime?model=x", open_timeout=WAIT_S, max_size=None, **options)


def service_of(model: DuplexModel, limits: Limits = PATIENT, keys: tuple[str, ...] = (), origins: tuple[str, ...] = ()) -> Service:
    host = Host(Engine(model, limits.sessions, careful=True), limits, Metrics())
    return Service(host, Door(limits, keys, origins), "parrot")


@contextmanager
def serving(model: DuplexModel | None = None, limits: Limits = PATIENT, keys: tuple[str, ...] = (), **other: Any) -> Iterator[Running]:
    running = Running(service_of(model or Parrot(), limits, keys, **other))
    try:
        yield running
    finally:
        running.stop()


def pcm16(pcm: np.ndarray) -> str:
    return base64.b64encode(np.rint(pcm * 32768).clip(-32768, 32767).astype("<i2").tobytes()).decode()


def samples(delta: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(delta), "<i2")


def send(client: ClientConnection, kind: str, **fields: Any) -> None:
    client.send(json.dumps({"type": kind, **fields}))


def receive(client: ClientConnection) -> dict[str, Any]:
    return json.loads(client.recv(timeout=WAIT_S))


def until(client: ClientConnection, kind: str) -> list[dict[str, Any]]:
    """All events up to one of this type."""
    events = [receive(client)]
    while events[-1]["type"] != kind:
        events.append(receive(client))
    return events


def start(client: ClientConnection, rate: int = 16000) -> dict[str, Any]:
    send(client, "session.start", event_id="mine", session={"model": "m", "audio": {"format": {"type": "audio/pcm", "rate": rate}}})
    return receive(client)


def hear(client: ClientConnection, pcm: np.ndarray, blocks: int = 0) -> list[dict[str, Any]]:
    """Says it all, and listens until every block of it is answered: Live's output goes on while input comes."""
    for piece in np.array_split(pcm, max(1, len(pcm) // 3000)):
        send(client, "session.input_audio.append", audio=pcm16(piece))
    events: list[dict[str, Any]] = []
    wanted = blocks or len(pcm) // BLOCK
    while sum(event["type"] == "session.output_audio.delta" for event in events) < wanted:
        events.append(receive(client))
    return events


def played(events: list[dict[str, Any]]) -> np.ndarray:
    return np.concatenate([samples(event["delta"]) for event in events if event["type"] == "session.output_audio.delta"])


def transcript(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"] for event in events if event["type"].endswith("output_transcript.delta")).strip()


def dialogue(running: Running, pcm: np.ndarray = QUESTION, rate: int = 16000) -> np.ndarray:
    """What a new session plays when it hears this from its beginning."""
    with running.live() as client:
        assert start(client, rate)["type"] == "session.started"
        return played(hear(client, pcm))


def eventually(holds: Callable[[], bool]) -> None:
    """Waits until it holds."""
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.02)
