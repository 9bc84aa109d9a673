"""The benchmarks of the running system, on a parrot."""

import asyncio
import json
import math
import mmap
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from parrot import Parrot
from serving import INTERRUPTED, serving

from parley.audio import write_wav
from parley.commands import benchmarks
from parley.runtime import load
from parley.runtime.engine import Engine
from parley.runtime.load import (
    Client,
    Measured,
    Recording,
    find_largest,
    measure_long_session,
    read_recordings,
    resident_mib,
    served,
    steady,
    talk,
)

SAID = (("question", 0.16, 0.64), ("interruption", 1.92, 2.32))


def test_paced_clients_measure_what_they_hear():
    with serving() as running:
        measured = asyncio.run(talk(f"ws://{running.place}/", 2, 0.1, [Recording(INTERRUPTED, SAID)]))
    assert not measured.failed
    told = measured.summary()
    assert told["onset"]["n"] == told["barge_in"]["n"] == 2
    assert [told[name] for name in ("asked", "answered", "early", "interrupted", "yielded")] == [2, 2, 0, 2, 2]
    assert told["tick"]["n"] == told["block"]["n"] == told["overhead"]["n"] > 0 and told["tick"]["p99"] >= told["tick"]["p50"] > 0
    assert told["dialogue_s"] == pytest.approx(2 * len(INTERRUPTED) / 16000, abs=0.2)
    assert measured.onset[0] > 500  # the parrot waits three blocks, and four more before its first sound


class Told:
    """A socket that tells this."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.events = [json.dumps(event) for event in events]

    async def __aiter__(self) -> AsyncIterator[str]:
        for event in self.events:
            yield event


def test_what_was_not_answered_or_not_yielded_to_is_counted_and_an_early_start_is_no_onset():
    measured = Measured()
    client = Client("", [], 0.0, measured)
    tone, silent = np.full(1280, 8000, "<i2"), np.zeros(1280, "<i2")
    client.note("question", True, 9.0)
    client.note("question", False, 10.0)
    client.play(10.7, tone)
    client.note("question", True, 19.0)
    client.note("question", False, 20.0)
    client.play(20.7, silent)  # and nothing follows
    client.note("question", True, 29.0)
    client.play(29.8, tone)  # in a pause of the question
    client.note("question", False, 30.0)
    client.play(30.1, tone)
    assert (measured.asked, measured.answered, measured.early) == (3, 1, 1)
    assert measured.onset == [pytest.approx(700)]

    yielded = {"type": "parley.state", "state": "listening", "interrupted": True}
    client.note("interruption", True, 30.2)
    asyncio.run(client.listen(Told({**yielded, "interrupted": False})))  # it spoke to its end
    client.note("interruption", True, 40.0)  # in silence
    client.play(50.0, tone)
    client.note("interruption", True, 50.1)
    client.play(50.5, tone)
    asyncio.run(client.listen(Told(yielded, yielded)))
    assert (measured.interrupted, measured.yielded) == (2, 1)
    assert measured.barge_in == [pytest.approx(480, abs=1)]
    told = measured.summary()
    assert [told[name] for name in ("asked", "answered", "early", "interrupted", "yielded")] == [3, 1, 1, 2, 1]


def test_a_run_holds_only_if_nobody_fails_or_runs_dry_and_passes_are_in_time():
    assert Measured([10.0] * 100).holds() and not Measured([10.0], failed=["server_full"]).holds()
    for bad in (Measured(), Measured([10.0] * 90 + [90.0] * 10), Measured([10.0], underruns=1), Measured([10.0], dropped=1)):
        assert not bad.holds()


def test_a_client_that_gets_no_seat_is_a_result():
    with serving() as running:
        measured = asyncio.run(talk(f"ws://{running.place}/nowhere", 1, 0.1, [Recording(INTERRUPTED, SAID)]))
    assert len(measured.failed) == 1 and not measured.holds()


def fake_server(tmp_path: Path, *lines: str, then: str = "time.sleep(600)") -> tuple[list[str], Path]:
    """The command of a server that says these lines, and the file in which it notes that it was told to end."""
    ended = tmp_path / "ended"
    program = [
        "import pathlib, signal, sys, time",
        f"def end(*_): pathlib.Path({str(ended)!r}).touch(); sys.exit()",
        "signal.signal(signal.SIGTERM, end)",
        *(f"print({line!r}, file=sys.stderr, flush=True)" for line in lines),
        then,
    ]
    return [sys.executable, "-c", "\n".join(program)], ended


SERVING = '{"event": "serving", "url": "http://localhost:1234/"}'


def test_no_session_of_a_long_measurement_is_ended_before_its_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    commands: list[list[str]] = []

    @contextmanager
    def served(command: list[str]) -> Iterator[str]:
        commands.append(command)
        yield "ws://nowhere/"

    async def talk(*_: object) -> Measured:
        return Measured()

    monkeypatch.setattr(load, "served", served)
    monkeypatch.setattr(load, "talk", talk)
    monkeypatch.setattr(load, "read_recordings", lambda _: [])
    load.measure_load(1, 7200.0, "tiny", 1, "cuda:1", tmp_path)
    (command,) = commands
    assert float(command[command.index("--max-minutes") + 1]) > 150
    assert command[command.index("--device") + 1] == "cuda:1"


def test_a_server_that_warns_before_it_serves_is_found_and_ended(tmp_path: Path):
    command, ended = fake_server(tmp_path, "UserWarning: old", "1", "", '{"event": "loading"}', SERVING)
    with served(command) as url:
        assert url == "ws://127.0.0.1:1234/" and not ended.exists()
    assert ended.exists()


def test_a_server_is_ended_when_the_measurement_fails(tmp_path: Path):
    command, ended = fake_server(tmp_path, SERVING)
    with pytest.raises(ZeroDivisionError), served(command):
        raise ZeroDivisionError
    assert ended.exists()


def test_a_server_that_goes_before_it_serves_is_told_with_its_last_words(tmp_path: Path):
    for lines, last in ((["a warning", "parley: error: no such model"], "no such model"), ([], "it said nothing")):
        command, _ = fake_server(tmp_path, *lines, then="sys.exit(2)")
        with pytest.raises(ValueError, match=f"the server did not start: .*{last}"), served(command):
            raise AssertionError("nothing serves")


def test_a_server_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(load, "PATIENCE_S", 0.1)
    command, ended = fake_server(tmp_path, then=f"signal.signal(15, signal.SIG_IGN); print({SERVING!r}, file=sys.stderr); time.sleep(600)")
    with served(command):
        pass  # and this ends
    assert not ended.exists()


@pytest.mark.parametrize("most", range(9))
@pytest.mark.parametrize("first", [1, 2, 6])
def test_the_largest_number_that_holds_is_found_from_above_and_from_below(first: int, most: int):
    tried = []
    assert find_largest(lambda number: tried.append(number) or number <= most, first) == most
    assert len(set(tried)) == len(tried) and min(tried) >= 1


def test_the_search_prints_every_run_and_ends_with_the_largest(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(benchmarks, "measure_load", lambda number, *_: {"sessions": number, "holds": number < 5})
    benchmarks.load(sessions=6, find=True)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("sessions") for line in printed[:-1]] == [6, 5, 4] and printed[-1] == {"largest": 4}
    benchmarks.load(sessions=6)
    assert [json.loads(line)["holds"] for line in capsys.readouterr().out.splitlines()] == [False]


@pytest.mark.parametrize(("sessions", "seconds"), [(0, 60.0), (6, 0.0), (6, -1.0), (6, math.nan), (6, math.inf)])
def test_a_load_of_nothing_is_refused_before_a_server_is_started(sessions: int, seconds: float):
    with pytest.raises(ValueError, match="give at least one session, and more than 0 s"):
        benchmarks.load(sessions, seconds)


def test_a_long_session_is_told_part_by_part(monkeypatch: pytest.MonkeyPatch):
    told = measure_long_session(Engine(Parrot(), 1), 0.4, [Recording(INTERRUPTED, SAID)])
    assert [part["minute"] for part in told["parts"]] == [0.1, 0.2, 0.3, 0.4] and told["answers"] >= 5
    assert all(part["p50"] > 0 and part["memory_mib"] > 0 for part in told["parts"])
    assert told["holds"] == steady(told["parts"])
    monkeypatch.setattr(load, "PART_MINUTES", 0.01)
    told = measure_long_session(Engine(Parrot(), 1), 0.06, [Recording(INTERRUPTED, SAID)])
    assert len(told["parts"]) == 6  # of no more than that


def test_a_session_that_is_too_short_to_be_parted_says_so():
    with pytest.raises(ValueError, match="--minutes is 0.001, too short"):
        measure_long_session(Engine(Parrot(), 1), 0.001, [Recording(INTERRUPTED, SAID)])


def test_a_session_holds_while_memory_and_step_stay_near_the_first_part():
    first = {"minute": 5, "p50": 10.0, "p95": 12.0, "memory_mib": 1000.0}
    assert steady([first, first | {"p50": 10.9, "p95": 50.0, "memory_mib": 960.0}])
    for bad in ({"p50": 11.1}, {"p50": 8.9}, {"memory_mib": 1060.0}, {"memory_mib": 940.0}):
        assert not steady([first, first | bad, first])


def test_the_memory_is_that_of_now():
    before = resident_mib()
    with mmap.mmap(-1, 40 * 2**20) as much:  # of the system itself: an array may lie where another one was
        much.write(b"x" * len(much))
        during = resident_mib()
    assert during > before + 35
    assert resident_mib() < during - 35


def test_recordings_are_read_with_what_is_said_in_them(tmp_path: Path):
    with pytest.raises(ValueError, match="holds no"):
        read_recordings(tmp_path)
    (tmp_path / "one").mkdir()
    write_wav(tmp_path / "one" / "input.wav", np.zeros(16000, np.float32), 16000)
    segments = [{"kind": "question", "start_s": 0.1, "end_s": 0.5}]
    (tmp_path / "one" / "meta.json").write_text(json.dumps({"segments": segments}))
    (recording,) = read_recordings(tmp_path)
    assert recording.moments == (("question", 0.1, 0.5),) and len(recording.pcm) == 7 * 16000
