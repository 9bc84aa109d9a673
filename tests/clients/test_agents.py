"""`@openai/agents-realtime`, as it comes from npm, talks with the shipped model."""

from pathlib import Path

import numpy as np
from conftest import WIRE_RATE, Question, node

ORDER = [  # the client drops audio that comes in another order
    "session.created",
    "session.updated",
    "response.created",
    "response.output_item.added",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_item.done",
    "response.done",
]


def test_it_hears_the_right_answer(server: str, question: Question, tmp_path: Path):
    pcm = np.rint(32767 * question.pcm(WIRE_RATE).clip(-1, 1)).astype("<i2")
    (tmp_path / "asked.raw").write_bytes(pcm.tobytes())
    found = node("agents.mjs", server.replace("http", "ws"), tmp_path / "asked.raw", tmp_path / "heard.raw")
    assert found["errors"] == [] and found["interruptions"] == 0
    assert question.is_answered_by(found["said"]) and found["transcripts"] == [found["said"]]
    first = [found["types"].index(name) for name in ORDER]
    assert first == sorted(first), found["types"]
    heard = np.frombuffer((tmp_path / "heard.raw").read_bytes(), "<i2").astype(np.float32) / 32768
    assert question.is_heard_in(heard, WIRE_RATE)
