"""What the model is compared with, under its own promise (parley/models/duplex.py), so the engine plays them alike.

`always` and `never` are sanity bounds. A cascade is the very model whose turns somebody else takes: a voice activity detector
(silero-vad 6.2.3, MIT) ends the user's turn after a silence and takes any speech for an interruption, as in the paper's table 5; the fair
arm cancels the echo of what was played before the detector hears it. Shapes: rows, samples (a block: 1280), taps.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.metadata import distribution
from math import pi

import numpy as np
import torch
from torch import Tensor

from parley.clock import Clock
from parley.llm.tokens import Mode
from parley.models.duplex import BlockOutput, Directive, DuplexModel
from parley.models.salmonn_omni import OmniState, SalmonnOmni
from parley.streaming import write_rows

# Sanity bounds.

THINK, SHIFT, WORD = range(3)
TONE_HZ = 250
LEVEL = 0.1


@dataclass
class BoundState:
    blocks: Tensor  # (rows,) int64, heard so far


class Bound(DuplexModel):
    """Speaks from its first decision on and never yields, or never speaks. What it says is a tone, and "la" in every block."""

    tone: Tensor  # (samples_out,): whole waves, so that it goes on smoothly in the next block

    def __init__(self, clock: Clock, speaks: bool, world: str = DuplexModel.world) -> None:
        super().__init__()
        self.clock = clock
        self.world = world
        self.speaks = speaks
        waves = TONE_HZ * clock.block_ms // 1000
        self.register_buffer("tone", LEVEL * torch.sin(2 * pi * waves * torch.arange(clock.samples_out) / clock.samples_out))

    def init_state(self, rows: int) -> BoundState:
        return BoundState(torch.zeros(rows, dtype=torch.long, device=self.tone.device))

    def step(self, environment: Tensor, state: BoundState, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        """It obeys no directive."""
        first = state.blocks == 0
        token = torch.where(first, SHIFT, WORD) if self.speaks else torch.full_like(state.blocks, THINK)
        speaking = torch.full_like(active, self.speaks)
        write_rows(state.blocks, state.blocks + 1, active)
        return BlockOutput(speaking[:, None] * self.tone, token, speaking, (first & speaking).float())

    def piece(self, token: int) -> str:
        return " la" if token == WORD else ""


# Who speaks when: the voice activity detector.

VAD_RATE = 16000
WINDOW = 512  # samples that one verdict of the detector covers
CONTEXT = 64  # samples before them that it sees too
MEMORY = (2, 128)  # its recurrent state, a row

# Windows (rows, CONTEXT + WINDOW), memory (rows, *MEMORY) -> probability of speech (rows,), the new memory.
Detector = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def silero() -> Detector:
    """silero-vad's network from its wheel, with its memory passed in. ValueError where the package is missing.

    The package itself is not imported: it would set torch's number of threads.
    """
    try:
        import onnxruntime

        file = distribution("silero-vad").locate_file("silero_vad/data/silero_vad_16k_op15.onnx")
    except ImportError:
        raise ValueError("silero-vad or onnxruntime is missing; pip install -e '.[eval]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    rate = np.array(VAD_RATE, dtype=np.int64)

    def detect(windows: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        given = {"input": windows.cpu().numpy(), "state": memory.transpose(0, 1).contiguous().cpu().numpy(), "sr": rate}
        probability, after = (torch.from_numpy(result).to(windows.device) for result in session.run(None, given))
        return probability[:, 0], after.transpose(0, 1)

    return detect


@dataclass
class VoiceState:
    heard: Tensor  # (rows, CONTEXT + WINDOW): the last samples
    waiting: Tensor  # (rows,) int64, how many of them no window has covered yet
    memory: Tensor  # (rows, *MEMORY)
    speech: Tensor  # (rows,) bool: the verdict on the last window
    voiced: Tensor  # (rows,) int64, samples of unbroken speech up to now
    silent: Tensor  # (rows,) int64, samples of silence up to now


class VoiceActivity:
    """Speech begins at the probability `enter` and goes on down to `leave`."""

    def __init__(self, detector: Detector, enter: float, leave: float) -> None:
        self.detector, self.enter, self.leave = detector, enter, leave

    def init_state(self, rows: int, device: torch.device) -> VoiceState:
        def counter() -> Tensor:
            return torch.zeros(rows, dtype=torch.long, device=device)

        heard, memory = torch.zeros(rows, CONTEXT + WINDOW, device=device), torch.zeros(rows, *MEMORY, device=device)
        return VoiceState(heard, counter(), memory, counter().bool(), counter(), counter())

    def step(self, pcm: Tensor, state: VoiceState, active: Tensor) -> Tensor:
        """One block (rows, samples) -> (rows,): the longest unbroken speech up to any of its windows, in samples."""
        samples = pcm.shape[1]
        known = torch.cat([state.heard, pcm], dim=1)
        span = torch.arange(CONTEXT + WINDOW, device=pcm.device)
        longest = torch.zeros_like(state.voiced)
        for start in range(0, samples + WINDOW - 1, WINDOW):
            due = active & (state.waiting + samples >= start + WINDOW)
            if not due.any():
                break
            place = (WINDOW - state.waiting + start)[:, None] + span
            probability, memory = self.detector(known.gather(1, place.clamp(max=known.shape[1] - 1)), state.memory)
            speech = (probability >= self.enter) | state.speech & (probability >= self.leave)
            write_rows(state.memory, memory, due)
            write_rows(state.speech, speech, due)
            write_rows(state.voiced, torch.where(speech, state.voiced + WINDOW, 0), due)
            write_rows(state.silent, torch.where(speech, 0, state.silent + WINDOW), due)
            longest = torch.where(due, torch.maximum(longest, state.voiced), longest)
        write_rows(state.heard, known[:, -CONTEXT - WINDOW :], active)
        write_rows(state.waiting, (state.waiting + samples) % WINDOW, active)
        return longest


# The fair arm: what was played is taken out before the detector hears it.

TAPS = 32  # 2 ms: the echo of a scene is a plain factor without delay, the path of a real room is longer


@dataclass
class EchoState:
    reference: Tensor  # (rows, taps - 1): the end of what was played
    correlation: Tensor  # (rows, taps, taps) of what was played with itself, fading
    cross: Tensor  # (rows, taps): of what was played with what was heard


class EchoCanceller:
    """Least squares a block: the filter that best explains the newest blocks by what was played, this one included.

    Comparing energies would be deaf to a user who is softer than the echo. NLMS is a loop over the samples, with a step size and a detector
    of double talk; this needs neither: the first block of an echo is cancelled already, and a voice that what was played does not explain
    is left.
    """

    def __init__(self, taps: int, fading: float = 0.95) -> None:
        self.taps, self.fading = taps, fading

    def init_state(self, rows: int, device: torch.device) -> EchoState:
        taps = self.taps
        shapes = ((rows, max(taps - 1, 0)), (rows, taps, taps), (rows, taps))
        return EchoState(*(torch.zeros(shape, device=device) for shape in shapes))

    def step(self, environment: Tensor, played: Tensor, state: EchoState, active: Tensor) -> Tensor:
        """What was heard in a block and what was played meanwhile (rows, samples) -> what the played does not explain (rows, samples)."""
        if not self.taps:
            return environment
        reference = torch.cat([state.reference, played], dim=1)
        lagged = reference.unfold(1, self.taps, 1)  # (rows, samples, taps)
        correlation = self.fading * state.correlation + lagged.transpose(1, 2) @ lagged
        cross = self.fading * state.cross + (environment[:, None] @ lagged)[:, 0]
        loading = 1e-5 * correlation.diagonal(dim1=1, dim2=2).mean(1) + 1e-6  # keeps it solvable in the bands where nothing was played
        path = torch.linalg.solve(correlation + loading[:, None, None] * torch.eye(self.taps, device=played.device), cross)
        left = environment - (lagged @ path[:, :, None])[:, :, 0]
        write_rows(state.reference, reference[:, played.shape[1] :], active)
        write_rows(state.correlation, correlation, active)
        write_rows(state.cross, cross, active)
        return left


# The cascade.


@dataclass(frozen=True)
class CascadeConfig:
    """Seconds are rounded up to whole windows of 32 ms. The probabilities are silero-vad's defaults (VADIterator)."""

    silence_s: float = 0.5  # that ends the user's turn
    turn_s: float = 0.1  # of unbroken speech that begins one
    interruption_s: float = 0.2  # of unbroken speech, at which the assistant is interrupted
    enter: float = 0.5
    leave: float = 0.35
    taps: int = 0  # of the echo canceller; 0: there is none

    def __post_init__(self) -> None:
        if not all(seconds > 0 for seconds in (self.silence_s, self.turn_s, self.interruption_s)):
            raise ValueError(f"silence {self.silence_s} s, turn {self.turn_s} s, interruption {self.interruption_s} s: give more than 0")
        if not 0 < self.leave <= self.enter < 1 or self.taps < 0:
            raise ValueError(f"leave {self.leave}, enter {self.enter}, taps {self.taps}: give 0 < leave <= enter < 1 and taps of 0 or more")


@dataclass
class CascadeState:
    omni: OmniState
    voice: VoiceState
    echo: EchoState
    turn: Tensor  # (rows,) bool: the user has said something that no end-point has followed
    still: Tensor  # (rows,) int64, blocks since the answer's text and sound came to their end


class Cascade(DuplexModel):
    """The model answers when the detector finds the end of a turn; speech of any kind while it speaks interrupts it.

    It goes back to listening by itself `linger` blocks after its last sound (LayoutConfig). No other `<shift>` is taken.
    ValueError for a model that does not hear at 16 kHz.
    """

    def __init__(self, model: SalmonnOmni, config: CascadeConfig, detector: Detector) -> None:
        super().__init__()
        if model.clock.input_rate != VAD_RATE:
            raise ValueError(f"the model hears {model.clock.input_rate} samples a second, the VAD needs {VAD_RATE}; take another model")
        self.model = model
        self.clock = model.clock
        self.world = model.world
        self.config = config
        self.voice = VoiceActivity(detector, config.enter, config.leave)
        self.canceller = EchoCanceller(config.taps)

    def init_state(self, rows: int) -> CascadeState:
        omni = self.model.init_state(rows)
        device, still = omni.mode.device, torch.zeros_like(omni.mode)
        return CascadeState(omni, self.voice.init_state(rows, device), self.canceller.init_state(rows, device), still.bool(), still)

    def step(self, environment: Tensor, state: CascadeState, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        """A directive goes before what the cascade decides."""
        omni, config, rate = state.omni, self.config, self.clock.input_rate
        speaking = omni.mode != Mode.LISTENING
        left = self.canceller.step(environment, omni.playing, state.echo, active)
        voiced = self.voice.step(left, state.voice, active)
        turn = state.turn | (voiced >= config.turn_s * rate)
        ended = ~speaking & turn & (state.voice.silent >= config.silence_s * rate)
        interrupted = speaking & (voiced >= config.interruption_s * rate)
        over = speaking & (state.still > self.model.config.layout.linger)
        must = ended | interrupted | over
        decided = torch.where(must, int(Directive.SHIFT), int(Directive.STAY))
        if directive is not None:
            ordered = (directive == Directive.SHIFT) | (directive == Directive.STAY)
            decided = torch.where(ordered, directive, decided)
        output = self.model.step(environment, omni, active, decided)

        shifted = output.speaking != speaking  # not yet where an interruption comes before the first word
        write_rows(state.turn, torch.where(speaking, interrupted & shifted, turn & ~shifted), active)
        finished = (omni.mode == Mode.WAIT) & ~omni.synthesizer.playing
        write_rows(state.still, torch.where(finished, state.still + 1, 0), active)
        return replace(output, shift_probability=shifted.float())

    def piece(self, token: int) -> str:
        return self.model.piece(token)


class Baseline(StrEnum):
    ALWAYS = "always"
    NEVER = "never"
    CASCADE = "cascade"
    CANCELLED = "cascade_cancelled"  # with an echo canceller: the fair arm


def baseline(name: Baseline, model: SalmonnOmni, config: CascadeConfig | None = None) -> DuplexModel:
    """A baseline beside `model`, on its clock. ValueError where silero-vad is missing."""
    config = config or CascadeConfig()
    match name:
        case Baseline.ALWAYS | Baseline.NEVER:
            return Bound(model.clock, speaks=name == Baseline.ALWAYS, world=model.world)
        case Baseline.CASCADE:
            return Cascade(model, replace(config, taps=0), silero())
        case Baseline.CANCELLED:
            return Cascade(model, replace(config, taps=config.taps or TAPS), silero())
