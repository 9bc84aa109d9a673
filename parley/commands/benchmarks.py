"""The commands that measure the running system."""

import json
import math
from pathlib import Path

from parley.commands.talking import open_engine
from parley.runtime.load import find_largest, measure_load, measure_long_session, read_recordings
from parley.runtime.serve.server import RECORDINGS
from parley.train.step.distributed import usable


def load(
    sessions: int = 6,
    seconds: float = 60.0,
    find: bool = False,
    model: str = "tiny",
    threads: int = 1,
    device: str = "cpu",
    recordings: Path = RECORDINGS,
) -> None:
    """Measure a server with paced clients, as JSON: passes, onset, barge-in, underruns.

    Args:
        sessions: Clients at once.
        seconds: How long each of them talks.
        find: Go on with one client more each time while it holds, or with one fewer until it does: 99 % of the passes take less than a
            block and nothing runs dry. The last line names the largest number that holds, 0 where not even one client's does.
        model: A model that comes with the package, or a model directory.
        threads: CPU threads for one pass of the model, but for its kernels, which have one.
        device: cpu, cuda, ...
        recordings: What the clients say: a folder of */input.wav with */meta.json.
    """
    if sessions < 1 or not 0 < seconds < math.inf:
        raise ValueError(f"--sessions is {sessions}, --seconds is {seconds:g}; give at least one session, and more than 0 s")
    place = usable(device)

    def holds(number: int) -> bool:
        result = measure_load(number, seconds, model, threads, place, recordings)
        print(json.dumps(result), flush=True)
        return result["holds"]

    if find:
        print(json.dumps({"largest": find_largest(holds, sessions)}))
    else:
        holds(sessions)


def long_session(
    minutes: float = 60.0, model: str = "tiny", threads: int = 1, device: str = "cpu", recordings: Path = RECORDINGS
) -> None:
    """Measure one long session, fed as fast as the machine can: step time and memory, part by part, as JSON.

    It holds where every part's memory is within 5 %, and its median step within 10 %, of the first part's.

    Args:
        minutes: How long the dialogue is.
        model: A model that comes with the package, or a model directory.
        threads: CPU threads for one pass of the model, but for its kernels, which have one.
        device: cpu, cuda, ...
        recordings: What the user says again and again: a folder of */input.wav with */meta.json.
    """
    print(json.dumps(measure_long_session(open_engine(model, threads, device=device), minutes, read_recordings(recordings))))


COMMANDS = {"load": load, "session": long_session}
