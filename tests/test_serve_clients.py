"""The official openai SDK talks with the shipped model, and gets the right answer: the very one that the engine gives without a server."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soxr
from openai import AsyncOpenAI
from openai.types.live import ServerEvent
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from serving import PATIENT, Running, pcm16, samples, serving

from parley.audio import read_audio
from parley.eval.metrics.words import words
from parley.models.checkpoint import load_model, shipped
from parley.models.salmonn_omni import SalmonnOmni
from parley.runtime.engine import Engine
from parley.runtime.serve.wire import Decoder, Format
from parley.runtime.session import AUDIBLE, SPOKEN_CHARACTERS_PER_S, Session

QUESTIONS = sorted(folder for folder in Path("parley/recordings").glob("question-*"))
TAIL_S = 4  # of silence, for the answer
LIVE, REALTIME = TypeAdapter(ServerEvent), TypeAdapter(RealtimeServerEvent)


@dataclass(frozen=True)
class Question:
    """A bundled question as one protocol carries it, what is said to it without any server, and the sound of that."""

    pieces: list[str]  # what goes over the wire
    keywords: set[str]  # what the right answer adds to the words of the question
    session: Session
    sound: np.ndarray  # (samples,) of all its steps

    def is_answered_by(self, text: str) -> bool:
        return self.keywords <= set(words(text))

    @property
    def is_answered_rightly(self) -> bool:
        """To its end, and with the right words."""
        answers = self.session.answers
        return bool(answers) and answers[0].back > 0 and not answers[0].interrupted and self.is_answered_by(answers[0].text)


@pytest.fixture(scope="module")
def model() -> SalmonnOmni:
    return load_model(shipped("tiny"))


@pytest.fixture(scope="module")
def running(model: SalmonnOmni) -> Iterator[Running]:
    with serving(model, PATIENT) as running:
        yield running


def keywords(folder: Path) -> set[str]:
    told = json.loads((folder / "meta.json").read_text())
    added = set(words(told["expected"][0])) - {word for segment in told["segments"] for word in words(segment["text"])}
    assert added, folder
    return added


@cache
def asked(model: SalmonnOmni, rate: int) -> list[Question]:
    """All the bundled questions at once, as a server hears them that gets them at this rate."""
    engine, found = Engine(model, rows=len(QUESTIONS)), []
    for folder in QUESTIONS:
        pcm = np.pad(read_audio(folder / "input.wav", 16000), (0, TAIL_S * 16000))
        pcm = pcm if rate == 16000 else soxr.resample(pcm, 16000, rate)
        pieces = [pcm16(piece) for piece in np.array_split(pcm, 60)]
        decode, session = Decoder(Format("audio/pcm", rate), 16000), Session(engine.clock)
        session.hear(np.concatenate([decode(piece) for piece in pieces]))
        found.append((engine.open(), pieces, keywords(folder), session, []))
    while ready := {row: session.take() for row, _, _, session, _ in found if session.ready}:
        events = engine.tick(ready)
        for row, _, _, session, played in found:
            if row in events:
                played.append(session.accept(events[row]).playing)
    return [Question(pieces, wanted, session, np.concatenate(played)) for _, pieces, wanted, session, played in found]


def answered(model: SalmonnOmni, rate: int) -> Question:
    """The first question that the model answers rightly; it must know half of them."""
    right = [question for question in asked(model, rate) if question.is_answered_rightly]
    assert 2 * len(right) >= len(QUESTIONS), f"{len(right)} of {len(QUESTIONS)} bundled questions are answered rightly"
    return right[0]


def test_words_are_told_when_they_are_spoken(model: SalmonnOmni):
    """The last one, at the end of every answer's sound."""
    said = [answer for question in asked(model, 16000) for answer in question.session.answers]
    answers = [answer for answer in said if answer.back > 0 and not answer.interrupted]
    late_s = [len(answer.text.strip()) / SPOKEN_CHARACTERS_PER_S - (answer.end - answer.onset) / 16000 for answer in answers]
    assert len(answers) >= len(QUESTIONS) / 2 and max(map(abs, late_s)) < 0.3, late_s


def client_of(running: Running) -> AsyncOpenAI:
    return AsyncOpenAI(api_key="none", base_url=f"http://{running.place}/v1", websocket_base_url=f"ws://{running.place}/v1")


def check_heard(audio: np.ndarray, rate: int, question: Question) -> None:
    """The sound (samples,) at `rate` is that of the answer: as long, and as loud."""
    answer, block = question.session.answers[0], question.session.clock.samples_out
    expected = question.sound[answer.onset - block : answer.end - block]  # what a step makes is played a block later
    (audible,) = np.nonzero(np.abs(audio) > AUDIBLE)
    assert len(audible), "nothing is heard"
    heard = audio[audible[0] : audible[-1] + 1]
    assert len(heard) / rate == pytest.approx((answer.end - answer.onset) / 16000, abs=0.05)
    assert np.sqrt(np.mean(np.square(heard))) == pytest.approx(np.sqrt(np.mean(np.square(expected))), rel=0.1)


def test_live(running: Running, model: SalmonnOmni):
    question = answered(model, 16000)

    async def talk() -> tuple[str, np.ndarray]:
        text, audio = "", [np.zeros(0, np.int16)]
        async with client_of(running).live.connect() as connection:
            await connection.send(
                {"type": "session.start", "session": {"model": "tiny", "audio": {"format": {"type": "audio/pcm", "rate": 16000}}}}
            )
            for piece in question.pieces:
                await connection.send({"type": "session.input_audio.append", "audio": piece})
            async for event in connection:
                LIVE.validate_python(event.model_dump(exclude_unset=True))
                if event.type == "session.output_audio.delta":
                    audio.append(samples(event.delta))
                    if sum(map(len, audio)) == len(question.sound):
                        await connection.send({"type": "session.close"})
                elif event.type == "session.output_transcript.delta":
                    text += event.delta
                elif event.type == "session.closed":
                    return text.strip(), np.concatenate(audio)
        raise AssertionError("the session was not closed")

    said, audio = asyncio.run(talk())
    assert question.is_answered_by(said)
    assert said == " ".join(answer.spoken(16000) for answer in question.session.answers)
    np.testing.assert_allclose(audio / 32767, question.sound, atol=1e-3)


def test_realtime(running: Running, model: SalmonnOmni):
    question = answered(model, 24000)

    async def talk() -> tuple[str, np.ndarray]:
        audio = [np.zeros(0, np.int16)]
        async with client_of(running).realtime.connect(model="tiny") as connection:
            async for event in connection:
                REALTIME.validate_python(event.model_dump(exclude_unset=True))
                if event.type == "session.created":
                    await connection.session.update(session={"type": "realtime", "instructions": "Answer."})
                elif event.type == "session.updated":
                    for piece in question.pieces:
                        await connection.input_audio_buffer.append(audio=piece)
                elif event.type == "response.output_audio.delta":
                    audio.append(samples(event.delta))
                elif event.type == "response.done":
                    (item,) = event.response.output or []
                    return item.content[0].transcript, np.concatenate(audio)
                assert event.type != "error", event
        raise AssertionError("no response")

    said, audio = asyncio.run(talk())
    assert question.is_answered_by(said)
    assert said == question.session.answers[0].spoken(16000)
    check_heard(audio / 32767, 24000, question)
