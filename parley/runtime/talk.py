"""Talking with a model aloud: microphone -> session -> loudspeaker, on the block clock. The one file that knows sounddevice."""

import queue
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console

from parley.clock import Clock
from parley.runtime.converse import live
from parley.runtime.engine import Engine
from parley.runtime.session import Session

AHEAD = 6  # blocks that may wait to be played (half a second): the clocks of two devices differ, and the difference adds up
LOST_S = 5.0  # without a block a microphone is lost
BEHIND = 12  # blocks of the microphone that may wait (about a second) before the user is told


def sound_system() -> Any:
    """The sounddevice module. ValueError where it, or the PortAudio library below it, is missing."""
    try:
        import sounddevice  # an extra: only those who talk need it
    except ImportError as error:
        raise ValueError("talking needs the package sounddevice; install it with: pip install -e '.[talk]'") from error
    except OSError as error:
        raise ValueError(f"talking needs the PortAudio library ({error}); install it, on Debian: apt install libportaudio2") from error
    return sounddevice


def talk_aloud(engine: Engine, device: str | None, console: Console) -> None:
    """Opens the devices and talks until Ctrl-C."""
    sound = sound_system()
    clock, name = engine.clock, int(device) if device and device.isdigit() else device
    heard: queue.Queue[np.ndarray] = queue.Queue()
    to_play: queue.Queue[np.ndarray] = queue.Queue()

    def microphone(pcm: np.ndarray, frames: int, time: Any, status: Any) -> None:
        heard.put(pcm[:, 0].copy())

    def loudspeaker(pcm: np.ndarray, frames: int, time: Any, status: Any) -> None:
        try:
            pcm[:, 0] = to_play.get_nowait()
        except queue.Empty:
            pcm.fill(0.0)

    with ExitStack() as devices:
        try:
            devices.enter_context(sound.InputStream(clock.input_rate, clock.samples_in, name, 1, "float32", callback=microphone))
            devices.enter_context(sound.OutputStream(clock.output_rate, clock.samples_out, name, 1, "float32", callback=loudspeaker))
        except (sound.PortAudioError, ValueError) as error:
            which = device or "(default)"
            raise ValueError(f"sound device {which}: cannot be used ({error}); `python -m sounddevice` lists those there are") from error
        console.print("Listening. Ask something; stop with Ctrl-C. (Headphones keep the model from hearing itself.)", style="dim")
        hold(engine, waiting(heard, clock, console), partial(play_soon, to_play), console)


def play_soon(to_play: queue.Queue[np.ndarray], block: np.ndarray) -> None:
    """Where more than `AHEAD` blocks would wait, the oldest silent one is left out, or simply the oldest."""
    to_play.put(block)
    with to_play.mutex:
        if len(to_play.queue) > AHEAD:
            silent = (place for place, each in enumerate(to_play.queue) if not each.any())
            del to_play.queue[next(silent, 0)]


def waiting(heard: queue.Queue[np.ndarray], clock: Clock, console: Console, lost_s: float = LOST_S) -> Iterator[np.ndarray]:
    """The microphone's blocks as they come. ValueError where none comes any more."""
    told = False
    while True:
        try:
            block = heard.get(timeout=lost_s)
        except queue.Empty:
            raise ValueError(f"the microphone has sent nothing for {lost_s:g} s; plug it in again, or choose another --device") from None
        yield block
        if heard.qsize() > BEHIND and not told:
            told = True
            late_ms = heard.qsize() * clock.block_ms
            console.print(f"(this machine is {late_ms} ms behind: the model needs more than {clock.block_ms} ms a block)", style="yellow")


def hold(engine: Engine, blocks: Iterator[np.ndarray], play: Callable[[np.ndarray], None], console: Console) -> None:
    """The conversation itself: what the model says is played, and printed while it decodes it."""
    session = Session(engine.clock)
    speaking = False
    for moment in live(engine, session, blocks):
        play(session.playing)
        if moment.text:
            console.print(moment.text, end="", style="bold red", markup=False)
        elif speaking and not moment.speaking:
            console.print("  [yielded]" if session.answers[-1].interrupted else "", style="yellow", markup=False)
        speaking = moment.speaking
