"""From the mouths to the model's ear: a room, the assistant's echo, and the line. Nothing of it moves a sound in time.

All is off by default, and what is off draws no random number.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import cast

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, sosfiltfilt

from parley.data.channel.room import RT60_S, in_room, responses
from parley.dialogue import Speaker

TELEPHONE_HZ = 8000  # samples a second of G.711
LAWS = ("ULAW", "ALAW")
SOURCES = (Speaker.USER, Speaker.OTHER, Speaker.AGENT)  # the agent is the loudspeaker


@dataclass(frozen=True)
class ChannelConfig:
    """A share is of the dialogues; what it brings is drawn from the range beside it."""

    room_share: float = 0.0
    rt60_s: tuple[float, float] = RT60_S
    echo_share: float = 0.0  # the environment holds the assistant's echo; such data are trained on without another one
    echo_db: tuple[float, float] = (-30.0, 0.0)
    echo_delay_ms: tuple[float, float] = (10.0, 250.0)
    low_pass_share: float = 0.0
    low_pass_hz: tuple[float, float] = (2500.0, 7000.0)
    telephone_share: float = 0.0  # G.711, mu-law or A-law: 8 kHz, 8 bits

    def __post_init__(self) -> None:
        shares = {"room": self.room_share, "echo": self.echo_share, "low-pass": self.low_pass_share, "telephone": self.telephone_share}
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"--{name}-share is {share}; give a share of the dialogues, from 0 to 1")
        for name, (low, high), least, most in (
            ("rt60_s", self.rt60_s, 0.05, 5.0),
            ("echo_db", self.echo_db, -100.0, 40.0),
            ("echo_delay_ms", self.echo_delay_ms, 0.0, 5000.0),
            ("low_pass_hz", self.low_pass_hz, 100.0, 7900.0),
        ):
            if not least <= low <= high <= most:
                raise ValueError(f"{name} is {low:g} {high:g}; give the lowest and the highest, from {least:g} to {most:g}")


@dataclass(frozen=True)
class Channel:
    """What one dialogue goes through. None: not that."""

    rate: int
    rooms: dict[Speaker, np.ndarray] | None = None
    echo: tuple[float, int] | None = None  # factor, delay in samples
    low_pass_hz: float | None = None
    law: str | None = None

    def spoken(self, sound: np.ndarray, speaker: Speaker) -> np.ndarray:
        """(samples,) as it reaches the microphone, with the room's tail behind it."""
        return sound if self.rooms is None else in_room(sound, self.rooms[speaker])

    def sent(self, environment: np.ndarray, assistant: np.ndarray) -> np.ndarray:
        """What the model gets of all that the microphone hears, (samples,) both."""
        if self.echo:
            factor, delay = self.echo
            environment = environment + np.float32(factor) * delayed(self.spoken(assistant, Speaker.AGENT), delay, len(environment))
        if self.low_pass_hz:
            sections = butter(6, self.low_pass_hz, fs=self.rate, output="sos")
            environment = sosfiltfilt(sections, environment).astype(np.float32)
        return telephoned(environment, self.rate, self.law) if self.law else environment


def draw_channel(config: ChannelConfig, rate: int, rng: np.random.Generator) -> Channel:
    """Every part has random numbers of its own, so that switching one on changes no other, nor anything else that `rng` gives."""
    if config == ChannelConfig():
        return Channel(rate)
    room, echo, line = rng.spawn(3)
    rooms = dict(zip(SOURCES, responses(len(SOURCES), config.rt60_s, rate, room))) if room.random() < config.room_share else None
    echoes, factor_db, delay_ms = echo.random() < config.echo_share, echo.uniform(*config.echo_db), echo.uniform(*config.echo_delay_ms)
    muffled, low_pass_hz = line.random() < config.low_pass_share, line.uniform(*config.low_pass_hz)
    telephoned, law = line.random() < config.telephone_share, LAWS[line.integers(len(LAWS))]
    return Channel(
        rate,
        rooms,
        (10 ** (factor_db / 20), round(delay_ms * rate / 1000)) if echoes else None,
        low_pass_hz if muffled else None,
        law if telephoned else None,
    )


def delayed(sound: np.ndarray, delay: int, length: int) -> np.ndarray:
    """(samples,) `delay` samples later, cut or padded to (length,)."""
    late = np.zeros(length, np.float32)
    late[delay : delay + len(sound)] = sound[: max(0, length - delay)]
    return late


def telephoned(sound: np.ndarray, rate: int, law: str) -> np.ndarray:
    """(samples,) through G.711 and back at `rate`."""
    line = BytesIO()
    narrow = np.clip(soxr.resample(sound, rate, TELEPHONE_HZ), -1, 1)
    soundfile.write(line, narrow, TELEPHONE_HZ, format="WAV", subtype=law)
    line.seek(0)
    heard, _ = soundfile.read(line, dtype="float32")
    return delayed(cast(np.ndarray, soxr.resample(heard, TELEPHONE_HZ, rate)), 0, len(sound))


def noise(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of unit power and shape (samples,), from white to brown."""
    slope = np.maximum(np.fft.rfftfreq(samples, 1 / 16000), 50.0) ** -rng.uniform(0.0, 1.2)
    colored = np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) * slope, samples)
    return (colored / np.sqrt(np.mean(np.square(colored)))).astype(np.float32)
