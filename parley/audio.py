"""Sound in and out of the house: recordings of any format, written recordings, and the log-mel spectrum.

Shapes: rows = independent streams; samples and frames count time. Samples are float32 in [-1, 1].
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile
import soxr
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from parley.clock import exact_div
from parley.streaming import write_rows

READ_FRAMES = 1 << 16  # frames of a file held at once
ENDLESS = 2**62  # frames, as libsndfile says of a FLAC file without a length
UNKNOWN_LENGTH = 0x7FFFF000  # bytes, or more: what a program that writes into a pipe puts into a header (sox and espeak-ng just this)
LOUDEST = 100.0  # what is louder is no sound of a scale of 1: a model would be deaf to all that follows


@dataclass(frozen=True)
class MelConfig:
    """`mean` and `scale` bring the log-mel of speech to about zero mean and unit variance: constants, the same for every recording."""

    rate: int = 16000
    n_fft: int = 512
    window: int = 400  # samples
    hop: int = 160  # samples
    n_mels: int = 80
    f_min: float = 20.0  # Hz
    f_max: float = 8000.0
    floor: float = 1e-6  # added to the power: what silence looks like
    mean: float = -8.0
    scale: float = 4.0

    @property
    def context(self) -> int:
        """Samples before a hop that its causal window covers."""
        return self.window - self.hop

    def log_mel(self, power: Tensor) -> Tensor:
        """(..., n_mels) of a power that may be zero."""
        return ((power + self.floor).log() - self.mean) / self.scale

    def power(self, log_mel: Tensor) -> Tensor:
        """(..., n_mels) whose `log_mel` this is."""
        return ((log_mel * self.scale + self.mean).exp() - self.floor).clamp(min=0)


@dataclass
class LogMelState:
    context: Tensor  # (rows, window - hop): the last samples heard


def hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """Slaney's scale: linear below 1 kHz, logarithmic above."""
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4))


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def mel_filters(config: MelConfig) -> Tensor:
    """(n_fft // 2 + 1, n_mels): triangles of equal area, evenly spaced on the mel scale."""
    bins = np.linspace(0, config.rate / 2, config.n_fft // 2 + 1)[:, None]  # Hz
    low, high = hz_to_mel(np.array([config.f_min, config.f_max]))
    edges = mel_to_hz(np.linspace(low, high, config.n_mels + 2))
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clip(0)
    return torch.tensor(triangles * 2 / (right - left), dtype=torch.float32)


class LogMel(nn.Module):
    """Normalised natural logarithm of the mel power spectrum; it has no weights to train or to save."""

    window: Tensor
    filters: Tensor

    def __init__(self, config: MelConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("window", torch.hann_window(config.window), persistent=False)
        self.register_buffer("filters", mel_filters(config), persistent=False)

    def forward(self, pcm: Tensor) -> Tensor:
        """(rows, samples) -> (rows, samples // hop, n_mels). Causal: frame f sees the `window` samples that end at (f + 1) * hop."""
        return self.spectrum(F.pad(pcm, (self.config.context, 0)))

    def centred(self, pcm: Tensor) -> Tensor:
        """As `forward`, but frame f's window is centred on its own hop; it looks ahead, so it cannot stream."""
        side = exact_div(self.config.context, 2)
        return self.spectrum(F.pad(pcm, (side, side)))

    def init_state(self, rows: int) -> LogMelState:
        return LogMelState(self.window.new_zeros(rows, self.config.context))

    def step(self, pcm: Tensor, state: LogMelState, active: Tensor) -> Tensor:
        """The next whole hops of every row: (rows, hops * hop) -> (rows, hops, n_mels)."""
        exact_div(pcm.shape[1], self.config.hop)
        heard = torch.cat([state.context, pcm], dim=1)
        write_rows(state.context, heard[:, pcm.shape[1] :], active)
        return self.spectrum(heard)

    def spectrum(self, pcm: Tensor) -> Tensor:
        """(rows, context + samples) -> (rows, samples // hop, n_mels)."""
        frames = pcm.unfold(1, self.config.window, self.config.hop) * self.window  # (rows, frames, window)
        fourier = torch.fft.rfft(frames, self.config.n_fft)
        power = fourier.real.square() + fourier.imag.square()
        with torch.autocast(pcm.device.type, enabled=False):
            return self.config.log_mel(power @ self.filters)


def stream_audio(path: str | Path, rate: int, samples: int) -> Iterator[np.ndarray]:
    """Any recording as float32 blocks (samples,) at `rate`, the last one perhaps shorter; of many channels the first, the left one.

    A long recording is never held whole. ValueError, at the latest when the end is reached, for what is not a whole recording.
    """
    rest, count = np.zeros(0, np.float32), 0
    for piece in resample(decode(path), rate):
        rest = np.concatenate([rest, piece])
        whole = len(rest) // samples * samples
        yield from rest[:whole].reshape(-1, samples)
        rest, count = rest[whole:], count + len(piece)
    if count == 0:
        raise ValueError(f"{path}: holds no samples; give a recording with sound in it")
    if len(rest):
        yield rest


def read_audio(path: str | Path, rate: int) -> np.ndarray:
    """The whole recording of `stream_audio`: float32 (samples,)."""
    return np.concatenate(list(stream_audio(path, rate, rate)))


def decode(path: str | Path) -> Iterator[tuple[int, np.ndarray]]:
    """The file's own rate and its left channel (READ_FRAMES,), piece by piece."""
    if not Path(path).exists():
        raise ValueError(f"{path}: no such file; check the path")
    if not Path(path).is_file():
        raise ValueError(f"{path}: not a file; give one recording")
    if Path(path).stat().st_size == 0:
        raise ValueError(f"{path}: the file is empty, 0 bytes; record or copy it again")
    try:
        with soundfile.SoundFile(path) as file:
            check_declared_length(path, file.extra_info)
            if file.frames >= ENDLESS:
                raise ValueError(f"{path}: does not tell how long it is, as it was written into a pipe; write it again into a file")
            count = 0
            while len(piece := file.read(READ_FRAMES, dtype="float32", always_2d=True)):
                sound = np.abs(piece[:, 0]) <= LOUDEST  # not so of a NaN
                if not sound.all():
                    at = count + int(np.flatnonzero(~sound)[0])
                    raise ValueError(f"{path}: sample {at} is {piece[at - count, 0]}, not a number in [-1, 1]; write the file again")
                count += len(piece)
                yield file.samplerate, piece[:, 0]
            if count < file.frames:
                raise ValueError(f"{path}: truncated, {count} of {file.frames} frames are there; copy the file again")
    except TypeError as error:  # of soundfile, at the name .raw
        raise ValueError(f"{path}: a file without a header does not say its rate and format; convert it to WAV or FLAC") from error
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path}: cannot be read as audio ({error.error_string}); convert it to WAV or FLAC, or copy it again") from error
    except PermissionError as error:
        raise ValueError(f"{path}: may not be read; change its permissions") from error


def check_declared_length(path: str | Path, header: str) -> None:
    """`header` is libsndfile's own account of the file; it says where a chunk declares more bytes than there are."""
    for declared, found in re.findall(r"(?:data|SSND) *: (\d+) \(should be (\d+)\)", header):
        if int(found) < int(declared) < UNKNOWN_LENGTH:
            raise ValueError(f"{path}: truncated, {found} of {declared} bytes of sound are there; copy the file again")


def resample(pieces: Iterator[tuple[int, np.ndarray]], rate: int) -> Iterator[np.ndarray]:
    resampler = None
    for file_rate, piece in pieces:
        if file_rate == rate:
            yield piece
            continue
        if resampler is None:
            resampler = soxr.ResampleStream(file_rate, rate, 1, dtype="float32")
        yield resampler.resample_chunk(piece)
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


class WavWriter:
    """A 16-bit WAV file that appears under its name only when it is complete; after an error nothing is left behind.

    with WavWriter(path, 16000) as wav:
        wav.write(block)
    """

    def __init__(self, path: str | Path, rate: int, channels: int = 1) -> None:
        self.path, self.rate, self.channels = Path(path), rate, channels
        self.part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")

    def __enter__(self) -> "WavWriter":
        if self.path.is_dir():
            raise ValueError(f"{self.path}: is a directory; give the name of a file to write")
        try:
            self.part.touch()
            self.file = soundfile.SoundFile(self.part, "w", self.rate, self.channels, subtype="PCM_16", format="WAV")
        except (OSError, soundfile.LibsndfileError) as error:
            self.part.unlink(missing_ok=True)
            raise ValueError(f"{self.path}: cannot be written ({error}); choose a folder that exists and may be written to") from error
        return self

    def write(self, pcm: np.ndarray) -> None:
        """(samples,) or (samples, channels), appended; what exceeds [-1, 1] is clipped."""
        try:
            self.file.write(pcm)
        except soundfile.LibsndfileError as error:
            raise ValueError(f"{self.path}: cannot be written ({error.error_string}); make room on the disk") from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.file.close()
        if error is None:
            os.replace(self.part, self.path)
        else:
            self.part.unlink()


def write_wav(path: str | Path, pcm: np.ndarray, rate: int) -> None:
    """pcm: (samples,) or (samples, channels). ValueError if it cannot be written; never a half-written file."""
    with WavWriter(path, rate, 1 if pcm.ndim == 1 else pcm.shape[1]) as wav:
        wav.write(pcm)
