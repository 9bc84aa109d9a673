"""python pipecat_client.py SERVICE URL QUESTION.raw OUT.raw: pipecat's realtime or live service asks and hears the answer (24 kHz, 16 bit).

Runs in the virtual environment of requirements.txt. Prints JSON: the answer's words, and the errors.
"""

import asyncio
import json
import sys
from pathlib import Path

from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMContextFrame,
    OutputAudioRawFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.openai.live.llm import OpenAILiveLLMService
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.workers.runner import WorkerRunner

RATE = 24000
PIECE = RATE // 50 * 2  # bytes: 20 ms


class Ear(FrameProcessor):
    """Keeps what comes out of the service; `done` when a sentence has ended and a second of audio or silence has followed."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.audio: list[bytes] = []
        self.errors: list[str] = []
        self.interruptions = 0
        self.done = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, OutputAudioRawFrame):
            assert frame.sample_rate == RATE
            self.audio.append(frame.audio)
        elif isinstance(frame, TTSTextFrame):
            self.words.append(frame.text)
            if frame.text.rstrip().endswith("."):
                self.done.set()
        elif isinstance(frame, InterruptionFrame):
            self.interruptions += 1
        elif isinstance(frame, ErrorFrame):
            self.errors.append(frame.error)
        await self.push_frame(frame, direction)


def service(name: str, url: str) -> OpenAILiveLLMService | OpenAIRealtimeLLMService:
    if name == "live":
        settings = OpenAILiveLLMService.Settings(model="tiny")
        return OpenAILiveLLMService(api_key="none", base_url=f"{url}/v1/live/sessions", settings=settings)
    settings = OpenAIRealtimeLLMService.Settings(model="tiny")
    return OpenAIRealtimeLLMService(api_key="none", base_url=f"{url}/v1/realtime", settings=settings)


def ready(llm: OpenAILiveLLMService | OpenAIRealtimeLLMService) -> bool:
    """It drops what it hears before (neither service tells this in public)."""
    return llm._session_started if isinstance(llm, OpenAILiveLLMService) else llm._api_session_ready


async def ask(worker: PipelineWorker, llm: OpenAILiveLLMService | OpenAIRealtimeLLMService, ear: Ear, question: bytes) -> None:
    """In real time, silence after the question, until the answer is over."""
    await worker.queue_frame(LLMContextFrame(LLMContext()))
    while not ready(llm):
        await asyncio.sleep(0.05)
    at, after = 0, 0
    while after < 50:  # a second
        piece = question[at : at + PIECE]
        at += PIECE
        await worker.queue_frame(InputAudioRawFrame(audio=piece.ljust(PIECE, b"\0"), sample_rate=RATE, num_channels=1))
        await asyncio.sleep(0.02)
        after += ear.done.is_set()
    await worker.cancel()


async def main(name: str, url: str, question: Path, out: Path) -> None:
    llm, ear = service(name, url), Ear()
    params = PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE)
    worker = PipelineWorker(Pipeline([llm, ear]), params=params, idle_timeout_secs=None)

    @worker.event_handler("on_pipeline_error")
    async def failed(_: PipelineWorker, frame: ErrorFrame) -> None:
        ear.errors.append(frame.error)

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), ask(worker, llm, ear, question.read_bytes()))
    out.write_bytes(b"".join(ear.audio))
    found = {"words": ear.words, "errors": ear.errors, "interruptions": ear.interruptions}
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))
