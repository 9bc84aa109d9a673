"""The official openai SDK talks with the shipped model, and gets the answer that `parley converse` gives."""

import asyncio
from collections.abc import Iterator
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
from parley.models.checkpoint import load_model, shipped
from parley.models.salmonn_omni import SalmonnOmni
from parley.runtime.converse import live
from parley.runtime.engine import Engine
from parley.runtime.serve.wire import Decoder, Format
from parley.runtime.session import Session

RECORDING = Path("parley/recordings/question-capital/input.wav")
TAIL_S = 4  # of silence, for the answer
LIVE, REALTIME = TypeAdapter(ServerEvent), TypeAdapter(RealtimeServerEvent)


@pytest.fixture(scope="module")
def model() -> SalmonnOmni:
    return load_model(shipped("tiny"))


@pytest.fixture(scope="module")
def running(model: SalmonnOmni) -> Iterator[Running]:
    with serving(model, PATIENT) as running:
        yield running


def question(rate: int) -> np.ndarray:
    pcm = np.pad(read_audio(RECORDING, 16000), (0, TAIL_S * 16000))
    pcm = pcm[: len(pcm) // 1280 * 1280]
    return pcm if rate == 16000 else soxr.resample(pcm, 16000, rate)


def conversed(model: SalmonnOmni, pcm: np.ndarray) -> tuple[Session, np.ndarray]:
    """What `parley converse` makes of it: the session, and the sound of its steps."""
    engine = Engine(model, rows=1)
    session = Session(engine.clock)
    moments = list(live(engine, session, iter(pcm.reshape(-1, engine.clock.samples_in))))
    assert session.answers and session.answers[0].back > 0, "the recording is not answered to its end; give it more silence"
    return session, np.concatenate([moment.playing for moment in moments])


def client_of(running: Running) -> AsyncOpenAI:
    return AsyncOpenAI(api_key="none", base_url=f"http://{running.place}/v1", websocket_base_url=f"ws://{running.place}/v1")


def test_live(running: Running, model: SalmonnOmni):
    pcm = question(16000)
    session, sound = conversed(model, pcm)

    async def talk() -> tuple[str, np.ndarray]:
        words, audio = "", [np.zeros(0, np.int16)]
        async with client_of(running).live.connect() as connection:
            await connection.send(
                {"type": "session.start", "session": {"model": "tiny", "audio": {"format": {"type": "audio/pcm", "rate": 16000}}}}
            )
            for piece in np.array_split(pcm, len(pcm) // 1000):
                await connection.send({"type": "session.input_audio.append", "audio": pcm16(piece)})
            async for event in connection:
                LIVE.validate_python(event.model_dump(exclude_unset=True))
                if event.type == "session.output_audio.delta":
                    audio.append(samples(event.delta))
                    if sum(map(len, audio)) == len(sound):
                        await connection.send({"type": "session.close"})
                elif event.type == "session.output_transcript.delta":
                    words += event.delta
                elif event.type == "session.closed":
                    return words.strip(), np.concatenate(audio)
        raise AssertionError("the session was not closed")

    words, audio = asyncio.run(talk())
    assert words == " ".join(answer.spoken(16000) for answer in session.answers)
    np.testing.assert_allclose(audio / 32767, sound, atol=1e-3)


def test_realtime(running: Running, model: SalmonnOmni):
    pieces = [pcm16(piece) for piece in np.array_split(question(24000), 40)]
    decode = Decoder(Format("audio/pcm", 24000), 16000)
    pcm = np.concatenate([decode(piece) for piece in pieces])
    session, _ = conversed(model, pcm[: len(pcm) // 1280 * 1280])

    async def talk() -> str:
        async with client_of(running).realtime.connect(model="tiny") as connection:
            async for event in connection:
                REALTIME.validate_python(event.model_dump(exclude_unset=True))
                if event.type == "session.created":
                    await connection.session.update(session={"type": "realtime", "instructions": "Answer."})
                elif event.type == "session.updated":
                    for piece in pieces:
                        await connection.input_audio_buffer.append(audio=piece)
                elif event.type == "response.done":
                    (item,) = event.response.output or []
                    return item.content[0].transcript
                assert event.type != "error", event
        raise AssertionError("no response")

    assert asyncio.run(talk()) == session.answers[0].spoken(16000)
