"""Benchmarks of the running system: many paced clients at one server, and one session for an hour.

A client plays recordings as a microphone would, 20 ms at a time, and keeps a loudspeaker's clock, by which it counts underruns. All times
are taken at the client, when audio leaves it and when it has come back, which the loudspeaker's lead is not part of.
"""

import asyncio
import base64
import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from parley.audio import read_audio
from parley.runtime.engine import Engine
from parley.runtime.session import AUDIBLE, Session

RATE, CHUNK_MS, BLOCK_MS = 16000, 20, 80
PAUSE_S = 0.5  # so long without sound, and the model speaks no more
LEAD_MS = 120.0  # how much sound the loudspeaker waits for before it begins, and again after it ran dry
REST_S = 6.0  # of silence after a recording, for the answer
DEADLINE_MS = 80.0
WARM_UP = 25  # blocks of a session that do not count
PATIENCE_S = 60  # for a server to end
PART_MINUTES = 5  # a long session is compared part by part, a short one in shorter parts ...
LEAST_PARTS = 4  # ... so that there are so many
MEMORY_NEAR, STEP_NEAR = 0.05, 0.10  # how far from the first part's the memory and the median step of a part may be


@dataclass(frozen=True)
class Recording:
    """`moments`: (kind, start, end) of what the user says, in seconds."""

    pcm: np.ndarray
    moments: tuple[tuple[str, float, float], ...]


@dataclass
class Measured:
    """What the clients of one run saw. Milliseconds."""

    tick: list[float] = field(default_factory=list)  # the pass
    block: list[float] = field(default_factory=list)  # from the last sample of a block to the end of its pass
    overhead: list[float] = field(default_factory=list)  # from the sending of its last sample to its answer's arrival, less the pass
    onset: list[float] = field(default_factory=list)  # from the last sample of a question to the first audible one of the answer
    barge_in: list[float] = field(default_factory=list)  # from the first sample of an interruption to the last audible one
    asked: int = 0  # questions: answered, early, or not answered before the client spoke again
    answered: int = 0
    early: int = 0  # questions at whose end the model was speaking already
    interrupted: int = 0  # times that a client spoke while the model did
    yielded: int = 0
    underruns: int = 0
    dropped: int = 0  # times that the server threw input away
    seconds: float = 0.0  # of dialogue, all clients together
    failed: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        def percentiles(values: list[float]) -> dict[str, float] | None:
            return {f"p{p}": round(float(np.percentile(values, p)), 1) for p in (50, 95, 99)} | {"n": len(values)} if values else None

        told = {name: percentiles(values) for name, values in asdict(self).items() if isinstance(values, list) and name != "failed"}
        counts = {name: value for name, value in asdict(self).items() if isinstance(value, int)}
        return {**told, **counts, "dialogue_s": round(self.seconds, 1), "failed": self.failed}

    def holds(self) -> bool:
        clean = not self.failed and not self.underruns and not self.dropped
        return bool(self.tick) and clean and float(np.percentile(self.tick, 99)) < DEADLINE_MS


def read_recordings(folder: Path) -> list[Recording]:
    """The recordings that come with the package: questions and interruptions, each with a rest."""
    found = []
    for meta in sorted(folder.glob("*/meta.json")):
        segments = json.loads(meta.read_text(encoding="utf-8"))["segments"]
        pcm = np.pad(read_audio(meta.parent / "input.wav", RATE), (0, round(REST_S * RATE)))
        found.append(Recording(pcm, tuple((each["kind"], each["start_s"], each["end_s"]) for each in segments)))
    if not found:
        raise ValueError(f"{folder}: holds no */meta.json; give the folder of the recordings")
    return found


class Client:
    """One session: speaks its recordings one after the other until the time is over, and listens."""

    def __init__(self, url: str, recordings: list[Recording], seconds: float, measured: Measured) -> None:
        self.url, self.recordings, self.seconds, self.measured = url, recordings, seconds, measured
        self.sent: list[float] = []  # when each chunk was sent
        self.waiting: tuple[str, float] | None = None  # what is being timed, and since when
        self.last_audible = -PAUSE_S
        self.empty_at = 0.0  # when the loudspeaker runs dry
        self.blocks = 0
        self.in_step = True  # block n answers the n-th block sent: nothing was dropped

    async def run(self) -> None:
        from websockets.asyncio.client import connect  # an extra: only those who measure a server need it

        try:
            async with connect(self.url, max_size=None, open_timeout=60) as socket:
                start = {"model": "bench", "audio": {"format": {"type": "audio/pcm", "rate": RATE}}}
                await socket.send(json.dumps({"type": "session.start", "session": start}))
                reader = asyncio.create_task(self.listen(socket))
                await self.speak(socket)
                await socket.send(json.dumps({"type": "session.close"}))
                await asyncio.wait_for(reader, 60)
        except Exception as error:  # one client's trouble is a result, not the end of the run
            self.measured.failed.append(f"{type(error).__name__}: {str(error)[:100]}")

    async def speak(self, socket: Any) -> None:
        samples, began, turn = RATE * CHUNK_MS // 1000, time.monotonic(), 0
        while time.monotonic() < began + self.seconds:
            recording = self.recordings[turn % len(self.recordings)]
            for at in range(0, len(recording.pcm) - samples + 1, samples):
                data = np.rint(recording.pcm[at : at + samples] * 32767).astype("<i2").tobytes()
                await asyncio.sleep(max(0.0, began + len(self.sent) * CHUNK_MS / 1000 - time.monotonic()))
                self.sent.append(time.monotonic())
                await socket.send(json.dumps({"type": "session.input_audio.append", "audio": base64.b64encode(data).decode()}))
                for kind, start_s, end_s in recording.moments:
                    for begins, second in ((True, start_s), (False, end_s)):
                        if at <= second * RATE < at + samples:
                            self.note(kind, begins, self.sent[-1])
            turn += 1

    def speaks(self, now: float) -> bool:
        """The model does."""
        return now - self.last_audible < PAUSE_S

    def note(self, kind: str, begins: bool, now: float) -> None:
        """The first sample of what is said was sent, or the last one."""
        match kind, begins:
            case "question", True:
                self.waiting = None  # the last one was not answered
            case "question", False:
                self.measured.asked += 1
                self.measured.early += self.speaks(now)
                self.waiting = None if self.speaks(now) else ("onset", now)
            case "interruption", True if self.speaks(now):
                self.measured.interrupted += 1
                self.waiting = "barge_in", now

    async def listen(self, socket: Any) -> None:
        async for text in socket:
            now, event = time.monotonic(), json.loads(text)
            match event["type"]:
                case "session.output_audio.delta":
                    self.play(now, np.frombuffer(base64.b64decode(event["delta"]), "<i2"))
                case "parley.block" if self.blocks > WARM_UP:
                    pass_ms = event["compute_ms"]
                    self.measured.tick.append(pass_ms)
                    self.measured.block.append(event["wait_ms"] + pass_ms)
                    if self.in_step:
                        sent = self.sent[self.blocks * BLOCK_MS // CHUNK_MS - 1]
                        self.measured.overhead.append(1000 * (now - sent) - pass_ms)
                case "parley.state" if event["interrupted"] and self.waiting and self.waiting[0] == "barge_in":
                    self.measured.yielded += 1
                    if self.last_audible > self.waiting[1]:
                        self.measured.barge_in.append(1000 * (self.last_audible - self.waiting[1]))
                    self.waiting = None
                case "info" if event["code"] == "audio_dropped":
                    self.measured.dropped += 1
                    self.in_step = False
                case "error":
                    self.measured.failed.append(event["error"]["code"])
                case _:
                    pass

    def play(self, now: float, pcm: np.ndarray) -> None:
        self.blocks += 1
        self.measured.seconds += BLOCK_MS / 1000
        if now > self.empty_at:
            self.measured.underruns += self.blocks > WARM_UP
            self.empty_at = now + LEAD_MS / 1000
        self.empty_at += BLOCK_MS / 1000
        audible = np.flatnonzero(np.abs(pcm) > AUDIBLE * 32767)
        if len(audible):
            self.last_audible = now + float(audible[-1]) / RATE
            if self.waiting and self.waiting[0] == "onset":
                self.measured.answered += 1
                self.measured.onset.append(1000 * (now + audible[0] / RATE - self.waiting[1]))
                self.waiting = None


async def talk(url: str, sessions: int, seconds: float, recordings: list[Recording]) -> Measured:
    """All clients at once, each begun at another moment and with another recording."""
    measured = Measured()
    gc.freeze()  # what the libraries made stays: looking through it for garbage would hold up all clients at once

    async def one(number: int) -> None:
        await asyncio.sleep(number * 0.737)
        turned = recordings[number % len(recordings) :] + recordings[: number % len(recordings)]
        await Client(f"{url}v1/live/sessions?parley=1", turned, seconds, measured).run()

    await asyncio.gather(*(one(number) for number in range(sessions)))
    return measured


def serving_address(log: Iterable[str]) -> str:
    """Where a server listens, from the lines of its log: warnings may stand before. ValueError with its last words if it never serves."""
    last = "it said nothing"
    for line in log:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict) and event.get("event") == "serving":
            return event["url"].replace("http://localhost", "ws://127.0.0.1")
        last = line.strip() or last
    raise ValueError(f"the server did not start: {last}")


@contextmanager
def served(command: list[str]) -> Iterator[str]:
    """A server in another process; yields its address. It is ended, whatever happens here."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        try:
            address = serving_address(server.stderr)
            threading.Thread(target=deque, args=(server.stderr, 0), daemon=True).start()  # a pipe that is full would stop it
            yield address
        finally:
            server.terminate()
            try:
                server.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                server.kill()


def measure_load(sessions: int, seconds: float, model: str, threads: int, device: str, recordings: Path) -> dict[str, Any]:
    """A server of its own in another process, and so many clients here."""
    said = read_recordings(recordings)
    command = [sys.executable, "-m", "parley.cli", "serve", "--port", "0", "--model", model, "--threads", str(threads), "--device", device]
    command += ["--sessions", str(sessions), "--busy", "1000"]  # all of them are let in, however late it gets ...
    command += ["--max-minutes", str(2 * seconds / 60 + 10)]  # ... and none is ended before its time
    with served(command) as url:
        measured = asyncio.run(talk(url, sessions, seconds, said))
    return {"sessions": sessions, "holds": measured.holds(), **measured.summary()}


def find_largest(holds: Callable[[int], bool], sessions: int) -> int:
    """The largest number of sessions that `holds`, one more or one fewer at a time from `sessions`; 0 where not even one does."""
    if holds(sessions):
        while holds(sessions + 1):
            sessions += 1
        return sessions
    return next((fewer for fewer in range(sessions - 1, 0, -1) if holds(fewer)), 0)


def resident_mib() -> float:
    """The memory that this process holds now; what it once held and gave back does not count."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError as error:
        raise ValueError("the memory of a process is read from /proc/self/statm, which only Linux has; measure there") from error
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def steady(parts: list[dict[str, float]]) -> bool:
    """Every part's memory and median step are those of the first part, nearly."""
    near = (("memory_mib", MEMORY_NEAR), ("p50", STEP_NEAR))
    return all(abs(part[name] / parts[0][name] - 1) <= most for part in parts for name, most in near)


def measure_long_session(engine: Engine, minutes: float, recordings: list[Recording]) -> dict[str, Any]:
    """One session as fast as the machine can: median and 95 % of a step, and the memory, for each part of it.

    `holds`: see `steady`. Parts are as long as one another. ValueError where a session is too short to be parted.
    """
    session, samples, block_ms = Session(engine.clock), engine.clock.samples_in, engine.clock.block_ms
    blocks, n_parts = round(minutes * 60_000 / block_ms), max(LEAST_PARTS, round(minutes / PART_MINUTES))
    if blocks < n_parts:
        raise ValueError(f"--minutes is {minutes}, too short to compare its beginning with its end; give 1 or more")
    sound = np.concatenate([recording.pcm for recording in recordings])
    sound = sound[: len(sound) // samples * samples].reshape(-1, samples)
    parts, row = [], engine.open()
    for numbers in np.array_split(np.arange(blocks), n_parts):
        took = []
        for number in numbers:
            session.hear(sound[number % len(sound)])
            moment = session.accept(engine.tick({row: session.take()})[row])
            took.append(1000 * moment.compute_s)
        p50, p95 = np.percentile(took, [50, 95]).round(3).tolist()
        minute = round((int(numbers[-1]) + 1) * block_ms / 60_000, 2)
        parts.append({"minute": minute, "p50": p50, "p95": p95, "memory_mib": round(resident_mib(), 1)})
    engine.close(row)
    return {"minutes": minutes, "answers": len(session.answers), "holds": steady(parts), "parts": parts}
