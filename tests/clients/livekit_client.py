"""python livekit_client.py MODEL URL QUESTION.raw OUT.raw: LiveKit's live or realtime model asks and hears the answer (24 kHz, 16 bit).

Runs in the virtual environment of requirements.txt. Prints JSON: the answer's words, and the errors.
"""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
from livekit import rtc
from livekit.agents.llm import GenerationCreatedEvent, InputSpeechStartedEvent, RealtimeModelError
from livekit.plugins.openai.realtime import GPTLiveModel, GPTLiveSession, RealtimeModel, RealtimeSession

RATE = 24000
PIECE = RATE // 50 * 2  # bytes: 20 ms
AFTER = 50  # pieces of silence that are still sent when the answer's sentence has ended


class Ear:
    """Keeps what comes out of a session; `done` when a sentence has ended."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.audio: list[bytes] = []
        self.errors: list[str] = []
        self.interruptions = 0
        self.done = asyncio.Event()
        self.listening: list[asyncio.Task[None]] = []

    def attend(self, session: GPTLiveSession | RealtimeSession) -> None:
        session.on("error", self.failed)
        session.on("input_speech_started", self.interrupted)
        if isinstance(session, GPTLiveSession):
            session.on("transcript_delta", lambda delta: self.read(delta.text))
            self.listening.append(asyncio.create_task(self.live(session)))
        else:
            session.on("generation_created", lambda event: self.listening.append(asyncio.create_task(self.realtime(event))))

    def failed(self, error: RealtimeModelError) -> None:
        self.errors.append(str(error.error))

    def interrupted(self, _: InputSpeechStartedEvent) -> None:
        self.interruptions += bool(self.audio)  # before that it is the question

    def read(self, text: str) -> None:
        self.words.append(text)
        if text.rstrip().endswith("."):
            self.done.set()

    async def live(self, session: GPTLiveSession) -> None:
        async for each in session.audio_stream:
            self.audio.append(bytes(each.frame.data))

    async def realtime(self, event: GenerationCreatedEvent) -> None:
        async for message in event.message_stream:
            await asyncio.gather(self.hear(message.audio_stream), self.transcript(message.text_stream))

    async def hear(self, stream) -> None:
        async for frame in stream:
            self.audio.append(bytes(frame.data))

    async def transcript(self, stream) -> None:
        async for text in stream:
            self.read(str(text))


async def ask(session: GPTLiveSession | RealtimeSession, ear: Ear, question: bytes) -> None:
    """In real time, silence after the question, until the answer is over."""
    at, after = 0, 0
    while after < AFTER:
        piece = question[at : at + PIECE].ljust(PIECE, b"\0")
        at += PIECE
        session.push_audio(rtc.AudioFrame(piece, RATE, 1, PIECE // 2))
        await asyncio.sleep(0.02)
        after += ear.done.is_set()


async def main(name: str, url: str, question: Path, out: Path) -> None:
    ear = Ear()
    async with aiohttp.ClientSession() as http:
        options = {"model": "tiny", "api_key": "none", "base_url": f"{url}/v1", "http_session": http}
        model = GPTLiveModel(**options) if name == "live" else RealtimeModel(**options)
        session = model.session()
        ear.attend(session)
        if isinstance(session, GPTLiveSession):
            await session._update_session(instructions="Answer the question.")  # as the framework does; before that it does not connect
        await ask(session, ear, question.read_bytes())
        await session.aclose()
        await model.aclose()
    for task in ear.listening:
        task.cancel()
    out.write_bytes(b"".join(ear.audio))
    print(json.dumps({"words": ear.words, "errors": ear.errors, "interruptions": ear.interruptions}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))
