"""The commands that run a model: on recordings, aloud, and as a server."""

import gc
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
from rich.console import Console
from tyro.conf import OmitArgPrefixes, Positional

from parley.models.checkpoint import find_model, load_model
from parley.runtime.converse import Listening, Outputs, converse_all
from parley.runtime.engine import Engine
from parley.runtime.replicas import run as serve_replicas
from parley.runtime.serve.host import Host
from parley.runtime.serve.limits import Door, Limits, read_keys
from parley.runtime.serve.metrics import Metrics
from parley.runtime.serve.server import WEB, Address, Service
from parley.runtime.serve.server import run as serve_until_stopped
from parley.runtime.talk import talk_aloud
from parley.train.step.distributed import usable


def open_engine(model: str, threads: int, rows: int = 1, careful: bool = False, device: str = "cpu") -> Engine:
    """A model that is ready to be talked with at once."""
    if not 1 <= threads <= 1024:
        raise ValueError(f"--threads is {threads}; give 1 to 1024")
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # in silence the memories decay to numbers that a CPU is slow with
    engine = Engine(load_model(find_model(model)).to(usable(device)), rows, careful)
    engine.warm_up()
    return engine


def converse(
    recording: Positional[Path],
    output: Path | None = None,
    timeline: Path | None = None,
    plot: Path | None = None,
    output_dir: Path | None = None,
    stereo: bool = False,
    model: str = "tiny",
    echo: float = 0.0,
    tail: float = 0.0,
    realtime: bool = False,
    threads: int = 1,
    device: str = "cpu",
) -> None:
    """Stream a recording through a model, block by block, as if it were spoken to it now.

    Prints when the model spoke and what it said. With a directory, every */input.wav below it is a dialogue, and the
    names given to --output, --timeline and --plot are file names beside each of them.

    Args:
        recording: A sound file of any format and rate (of stereo the left channel is heard), or a directory of */input.wav.
        output: Where to write what the model says, as WAV on the same clock as the recording. A directory: output.wav.
        timeline: Where to write one JSON object a block, and a summary as the last line. A directory: timeline.jsonl.
        plot: Where to draw the dialogue (.png, .pdf or .svg).
        output_dir: With a directory: write below this one instead of beside the recordings.
        stereo: Write what the model hears on the left and what it says on the right.
        model: A model that comes with the package, or a model directory.
        echo: The model hears its own voice at this factor, as from a loudspeaker beside the microphone.
        tail: Seconds of silence after the recording, for the last answer to finish.
        realtime: Take one block every 80 ms, as from a microphone.
        threads: CPU threads for one pass of the model, but for its kernels, which have one.
        device: cpu, cuda, ...
    """
    listening, outputs = Listening(tail, echo, realtime), Outputs(output, timeline, plot, stereo)
    if not recording.exists():
        raise ValueError(f"{recording}: no such file or directory; check the path")
    if output_dir and not recording.is_dir():
        raise ValueError(f"--output-dir goes with a directory of recordings, and {recording} is one file; use --output")
    converse_all(open_engine(model, threads, device=device), recording, outputs, output_dir, listening, Console(highlight=False))


def talk(model: str = "tiny", device: str | None = None, threads: int = 1) -> None:
    """Talk with a model through the microphone and the loudspeaker. Stop with Ctrl-C.

    Args:
        model: A model that comes with the package, or a model directory.
        device: Name or number of the sound device; the system's default if not given.
        threads: CPU threads for one pass of the model, but for its kernels, which have one.
    """
    talk_aloud(open_engine(model, threads), device, Console(highlight=False))


def serve(
    address: Annotated[Address, OmitArgPrefixes],
    limits: Annotated[Limits, OmitArgPrefixes],
    model: str = "tiny",
    threads: int = 1,
    device: str = "cpu",
    keys: Path | None = None,
    origins: tuple[str, ...] = (),
    web: Path | None = None,
    ray: bool = False,
    replicas: int = 1,
) -> None:
    """Serve a model: a page to talk with it, and the OpenAI Live and Realtime protocols. SIGTERM or Ctrl-C lets the dialogues end.

    Args:
        address: Where it listens.
        limits: What it grants; with --ray, what each replica grants.
        model: A model that comes with the package, or a model directory.
        threads: CPU threads for one pass of the model, but for its kernels, which have one.
        device: cpu, cuda, ...
        keys: A file with one key a line; clients must bring one of them. Without it everybody may come in.
        origins: Pages of these origins may connect too, beside the server's own; "*" = every one.
        web: The folder with the page.
        ray: Serve replicas under Ray Serve: on this machine, or on the cluster that it belongs to.
        replicas: With --ray: how many engines, each with --sessions seats and --threads CPUs.
    """
    if replicas < 1 or (replicas > 1 and not ray):
        raise ValueError(f"--replicas is {replicas}; give 1 or more, and --ray with it")
    service = partial(open_service, model, threads, device, limits, read_keys(keys), origins, web)
    if ray:
        find_model(model)
        serve_replicas(service, replicas, threads, limits, address, gpus=int(device.startswith("cuda")))
    else:
        serve_until_stopped(service(), address)


def open_service(
    model: str, threads: int, device: str, limits: Limits, keys: tuple[str, ...], origins: tuple[str, ...], web: Path | None
) -> Service:
    host = Host(open_engine(model, threads, limits.sessions, careful=True, device=device), limits, Metrics())
    gc.freeze()  # half a million objects that stay: looking through them for garbage takes a quarter of a second
    return Service(host, Door(limits, keys, origins), model, web or WEB)


COMMANDS = {"converse": converse, "talk": talk, "serve": serve}
