"""The Live and Realtime models of pipecat and of LiveKit, in a virtual environment of their own, talk with the shipped model."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import HERE, PATIENCE_S, WIRE_RATE, Question

PYTHON = HERE / ".venv/bin/python"


@pytest.mark.parametrize("protocol", ["live", "realtime"])
@pytest.mark.parametrize(("client", "scheme"), [("pipecat_client.py", "ws"), ("livekit_client.py", "http")])
def test_it_hears_the_right_answer(server: str, question: Question, tmp_path: Path, client: str, scheme: str, protocol: str):
    pcm = np.rint(32767 * question.pcm(WIRE_RATE).clip(-1, 1)).astype("<i2")
    (tmp_path / "asked.raw").write_bytes(pcm.tobytes())
    command = [PYTHON, HERE / client, protocol, server.replace("http", scheme), tmp_path / "asked.raw", tmp_path / "heard.raw"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["errors"] == [] and found["interruptions"] == 0
    assert question.is_answered_by(" ".join(found["words"])), found
    heard = np.frombuffer((tmp_path / "heard.raw").read_bytes(), "<i2").astype(np.float32) / 32768
    assert question.is_heard_in(heard, WIRE_RATE)
