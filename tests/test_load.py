"""The benchmarks of the running system, on a parrot."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from parrot import Parrot
from serving import INTERRUPTED, serving

from parley.audio import write_wav
from parley.runtime import load
from parley.runtime.engine import Engine
from parley.runtime.load import Measured, Recording, measure_long_session, read_recordings, talk

SAID = (("question", 0.16, 0.64), ("interruption", 1.92, 2.32))


def test_paced_clients_measure_what_they_hear():
    with serving() as running:
        measured = asyncio.run(talk(f"ws://{running.place}/", 2, 0.1, [Recording(INTERRUPTED, SAID)]))
    assert not measured.failed
    told = measured.summary()
    assert told["onset"]["n"] == told["barge_in"]["n"] == 2
    assert told["tick"]["n"] == told["block"]["n"] == told["overhead"]["n"] > 0 and told["tick"]["p99"] >= told["tick"]["p50"] > 0
    assert told["dialogue_s"] == pytest.approx(2 * len(INTERRUPTED) / 16000, abs=0.2)
    assert measured.onset[0] > 500  # the parrot waits three blocks, and four more before its first sound


def test_a_run_holds_only_if_nobody_fails_or_runs_dry_and_passes_are_in_time():
    assert Measured([10.0] * 100).holds() and not Measured([10.0], failed=["server_full"]).holds()
    for bad in (Measured(), Measured([10.0] * 90 + [90.0] * 10), Measured([10.0], underruns=1), Measured([10.0], dropped=1)):
        assert not bad.holds()


def test_a_client_that_gets_no_seat_is_a_result():
    with serving() as running:
        measured = asyncio.run(talk(f"ws://{running.place}/nowhere", 1, 0.1, [Recording(INTERRUPTED, SAID)]))
    assert len(measured.failed) == 1 and not measured.holds()


def test_a_long_session_is_told_part_by_part(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(load, "PART_MINUTES", 1)
    told = measure_long_session(Engine(Parrot(), 1), 2, [Recording(INTERRUPTED, SAID)])
    assert [part["minute"] for part in told["parts"]] == [1, 2] and told["answers"] >= 30
    assert all(part["p50"] > 0 and part["memory_mib"] > 0 for part in told["parts"])


def test_recordings_are_read_with_what_is_said_in_them(tmp_path: Path):
    with pytest.raises(ValueError, match="holds no"):
        read_recordings(tmp_path)
    (tmp_path / "one").mkdir()
    write_wav(tmp_path / "one" / "input.wav", np.zeros(16000, np.float32), 16000)
    segments = [{"kind": "question", "start_s": 0.1, "end_s": 0.5}]
    (tmp_path / "one" / "meta.json").write_text(json.dumps({"segments": segments}))
    (recording,) = read_recordings(tmp_path)
    assert recording.moments == (("question", 0.1, 0.5),) and len(recording.pcm) == 7 * 16000
