"""The model that comes with the package: small enough, and it takes its turn on questions by voices that it never heard."""

import json
from pathlib import Path

import numpy as np
import pytest

from parley.audio import read_audio
from parley.models.checkpoint import load_model, shipped
from parley.runtime.engine import Engine
from parley.runtime.session import Session

RECORDINGS = Path("parley/recordings")
QUESTIONS = sorted(folder for folder in RECORDINGS.glob("question-*"))


def test_its_files_fit_the_budget():
    assert sum(file.stat().st_size for file in shipped("tiny").rglob("*")) <= 40e6


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load_model(shipped("tiny")), rows=len(QUESTIONS))


def test_it_answers_aloud_within_a_second_of_the_end_of_a_question(engine: Engine):
    """All the bundled questions at once, one a row; at most one may be missed."""
    rows, clock = {}, engine.clock
    for folder in QUESTIONS:
        session = Session(clock)
        session.hear(np.pad(read_audio(folder / "input.wav", clock.input_rate), (0, 2 * clock.input_rate)))
        rows[engine.open()] = (folder, session)
    while any(session.ready for _, session in rows.values()):
        events = engine.tick({row: session.take() for row, (_, session) in rows.items() if session.ready})
        for row, event in events.items():
            rows[row][1].accept(event)

    in_time = []
    for folder, session in rows.values():
        said = json.loads((folder / "meta.json").read_text())
        end = max(segment["end_s"] for segment in said["segments"])
        first = session.answers[0] if session.answers else None
        if first is not None:
            waited = clock.seconds(first.shift + 1) - end
            heard = first.onset / clock.output_rate - clock.seconds(first.shift + 1)
            in_time.append(0 <= waited <= 1.0 and 0 < heard <= 0.4 and bool(first.text.strip()))
    assert sum(in_time) >= len(QUESTIONS) - 1
