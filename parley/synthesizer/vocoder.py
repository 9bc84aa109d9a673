"""Log-mel at 100 Hz -> waveform at 16 kHz, causal: a neural source-filter vocoder.

A causal network reads from the mel the pitch and, for every half hop, two minimum-phase filters given by their cepstra ("Neural
homomorphic vocoder", Liu et al., 2020). One filters a pulse train whose phase is carried on, the other a fixed noise; both are summed.
The state is what streaming needs; training and the offline pass run the same code from a fresh state.

Shapes: rows, frames (a hop of 160 samples), pieces (half a hop: 80 samples), samples.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from parley.audio import MelConfig
from parley.clock import exact_div
from parley.native.linear import Linear
from parley.streaming import tensors, write_rows
from parley.synthesizer.causal import CausalStack, StackConfig, StackState

PIECES = 2  # filters a frame


@dataclass(frozen=True)
class VocoderConfig:
    """`f0_min`, `f0_max` in Hz; `harmonic` and `noise`: how many cepstral coefficients describe each filter; `noise_samples`: the
    length of the noise before it repeats. `n_fft` - 2 pieces is the longest filter response, in samples."""

    mel: MelConfig = MelConfig()
    stack: StackConfig = StackConfig(width=192, hidden=512, blocks=5)
    f0_min: float = 70.0
    f0_max: float = 450.0
    harmonic: int = 112
    noise: int = 48
    n_fft: int = 480
    noise_samples: int = 1 << 15

    @property
    def piece(self) -> int:
        """Samples a piece. The waveform comes this much (5 ms) after its mel."""
        return exact_div(self.mel.hop, PIECES)


@dataclass
class VocoderState:
    stack: StackState
    f0: Tensor  # (rows,) Hz, of the last frame; 0 where it was unvoiced
    phase: Tensor  # (rows,) float64, cycles of the pulse train since its last start, in [0, 1)
    position: Tensor  # (rows,) int64, samples made
    pulses: Tensor  # (rows, piece): the last piece of each source, not yet filtered for the second time
    hiss: Tensor  # (rows, piece)
    ringing: Tensor  # (rows, n_fft - piece): filter responses that reach into the future


@dataclass
class Pitch:
    """What the network says about the pitch of each frame, or what an analysis of the recording says: `f0` (rows, frames) in Hz."""

    f0: Tensor
    voiced: Tensor  # (rows, frames): a logit from the network; voiced where above 0


class Vocoder(nn.Module):
    window: Tensor
    table: Tensor

    def __init__(self, config: VocoderConfig):
        super().__init__()
        self.config = config
        self.read = Linear(config.mel.n_mels, config.stack.width)
        self.stack = CausalStack(config.stack)
        self.norm = nn.LayerNorm(config.stack.width)
        self.pitch = Linear(config.stack.width, 2)
        self.filters = Linear(config.stack.width, PIECES * (config.harmonic + config.noise))
        nn.init.zeros_(self.filters.weight)
        with torch.no_grad():  # flat filters; the first coefficient is the logarithm of the gain
            gain = torch.zeros(PIECES, config.harmonic + config.noise)
            gain[:, 0], gain[:, config.harmonic] = -3.0, -6.0  # about the level of speech
            self.filters.bias.copy_(gain.flatten())
        table = torch.randn(config.noise_samples, generator=torch.Generator().manual_seed(0))
        self.register_buffer("table", table, persistent=False)
        self.register_buffer("window", torch.hann_window(2 * config.piece), persistent=False)

    def init_state(self, rows: int) -> VocoderState:
        new = self.window.new_zeros
        piece = self.config.piece
        return VocoderState(
            stack=self.stack.init_state(rows),
            f0=new(rows),
            phase=new(rows, dtype=torch.float64),
            position=new(rows, dtype=torch.long),
            pulses=new(rows, piece),
            hiss=new(rows, piece),
            ringing=new(rows, self.config.n_fft - piece),
        )

    def analyse(self, mel: Tensor, state: StackState) -> tuple[Pitch, Tensor, Tensor, StackState]:
        """mel (rows, frames, n_mels) -> pitch, the two cepstra (rows, pieces, coefficients), next state."""
        x, after = self.stack.advance(self.read(mel), state)
        x = self.norm(x)
        height, voiced = self.pitch(x).unbind(-1)
        span = math.log(self.config.f0_max / self.config.f0_min)
        f0 = self.config.f0_min * (span * height.sigmoid()).exp()  # a power's last bits depend on how many rows there are
        cepstra = self.filters(x).unflatten(2, (PIECES, -1)).flatten(1, 2)
        harmonic, noise = cepstra.split([self.config.harmonic, self.config.noise], dim=2)
        return Pitch(f0, voiced), harmonic, noise, after

    def pulse_train(self, pitch: Pitch, state: VocoderState) -> tuple[Tensor, Tensor, Tensor]:
        """All harmonics below half the rate in phase, (rows, frames, hop) of unit power; the last frame's f0, the phase after it.

        Frequency glides from frame to frame; the phase starts at 0 where a voiced stretch starts, so rounding never adds up.
        """
        hop, rate = self.config.mel.hop, self.config.mel.rate
        voiced = pitch.voiced > 0
        f0 = torch.where(voiced, pitch.f0, 0.0)  # (rows, frames)
        before = torch.cat([state.f0[:, None], f0[:, :-1]], dim=1)
        onset = voiced & (before == 0)
        glide = torch.arange(1, hop + 1, device=f0.device) / hop
        frequency = torch.lerp(torch.where(onset, f0, before)[:, :, None], f0[:, :, None], glide) * voiced[:, :, None]
        cycles = state.phase[:, None] + (frequency.double() / rate).flatten(1).cumsum(1)
        cycles = cycles.unflatten(1, (-1, hop))  # (rows, frames, hop), never falling
        start = torch.cat([state.phase[:, None], cycles[:, :-1, -1]], dim=1)  # of each frame
        phase = cycles - torch.where(onset, start, 0.0).cummax(1).values[:, :, None]
        harmonics = (rate / 2 / f0.clamp(min=self.config.f0_min)).ceil()[:, :, None] - 1
        half = math.pi * (phase % 1)
        kernel = torch.sin((2 * harmonics + 1) * half) / torch.sin(half)  # Dirichlet's: 1 + 2 * sum of cosines
        kernel = torch.where(torch.sin(half).abs() < 1e-9, 2 * harmonics + 1, kernel) - 1
        pulses = (kernel / (2 * harmonics).sqrt()).float() * voiced[:, :, None]
        return pulses, f0[:, -1], phase[:, -1, -1] % 1

    def filtered(self, source: Tensor, before: Tensor, cepstra: Tensor) -> Tensor:
        """Spectra (rows, pieces, bins) of the source's overlapping windows, each through its own minimum-phase filter.

        source (rows, frames, hop) after `before` (rows, piece); window i holds the pieces i - 1 and i.
        """
        windows = torch.cat([before, source.flatten(1)], dim=1).unfold(1, 2 * self.config.piece, self.config.piece) * self.window
        response = torch.fft.rfft(cepstra, self.config.n_fft)
        size, angle = response.real.exp(), response.imag  # the exponential by parts: on a CPU that of complex numbers is slow
        return torch.fft.rfft(windows, self.config.n_fft) * torch.complex(size * angle.cos(), size * angle.sin())

    def advance(self, mel: Tensor, state: VocoderState, given: Pitch | None = None) -> tuple[Tensor, Pitch, VocoderState]:
        """mel (rows, frames, n_mels) -> pcm (rows, frames * hop), the pitch read from the mel, next state. `given` replaces that pitch."""
        piece, hop = self.config.piece, self.config.mel.hop
        rows, frames, _ = mel.shape
        pitch, harmonic, noise, stack = self.analyse(mel, state.stack)
        sounding = given or Pitch(pitch.f0.detach(), pitch.voiced.detach())
        pulses, f0, phase = self.pulse_train(sounding, state)
        place = state.position[:, None] + torch.arange(frames * hop, device=mel.device)
        hiss = self.table[place % self.config.noise_samples].view(rows, frames, hop)
        spectrum = self.filtered(pulses, state.pulses, harmonic) + self.filtered(hiss, state.hiss, noise)
        responses = torch.fft.irfft(spectrum, self.config.n_fft).unflatten(2, (-1, piece))  # (rows, pieces, n_fft / piece, piece)
        count, reach = frames * PIECES, responses.shape[2]
        ringing = nn.functional.pad(state.ringing.unflatten(1, (-1, piece)), (0, 0, 0, count))  # (rows, pieces + reach - 1, piece)
        late = [nn.functional.pad(responses[:, :, i], (0, 0, i, reach - 1 - i)) for i in range(reach)]
        out = ringing + torch.stack(late).sum(0)
        after = VocoderState(
            stack, f0, phase, state.position + frames * hop, pulses[:, -1, -piece:], hiss[:, -1, -piece:], out[:, count:].flatten(1)
        )
        return out[:, :count].flatten(1), pitch, after

    def forward(self, mel: Tensor) -> Tensor:
        """Whole utterances: (rows, frames, n_mels) -> (rows, frames * hop), one piece late."""
        return self.advance(mel, self.init_state(len(mel)))[0]

    def step(self, mel: Tensor, state: VocoderState, active: Tensor) -> Tensor:
        """The next frames of every row: (rows, frames, n_mels) -> (rows, frames * hop)."""
        pcm, _, after = self.advance(mel, state)
        for old, new in zip(tensors(state), tensors(after)):
            write_rows(old, new, active)
        return pcm
