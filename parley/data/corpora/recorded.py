"""Sound that lies in files: a stretch of a recording, what of it is audible, and folders of recordings with their transcripts."""

import csv
import re
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

SLACK_S = 0.05  # taken for rounding: a time beyond the end, a difference between two files of one item
AUDIBLE = 0.01  # of the peak: what counts as the first and the last audible sample
ENDINGS = (".wav", ".flac", ".ogg", ".mp3")


def opened(path: Path) -> Path | BytesIO:
    """A file, or for `archive.tar#offset+size` the bytes of a file in it."""
    member = re.fullmatch(r"(.*\.tar)#(\d+)\+(\d+)", str(path))
    if member is None:
        return path
    with open(member[1], "rb") as archive:
        archive.seek(int(member[2]))
        return BytesIO(archive.read(int(member[3])))


def flac(samples: np.ndarray, rate: int) -> bytes:
    """(samples,) or (samples, channels), float32, as 16-bit FLAC, clipped."""
    file = BytesIO()
    soundfile.write(file, np.clip(samples, -1, 32767 / 32768), rate, format="FLAC", subtype="PCM_16", compression_level=0.0)
    return file.getvalue()


@dataclass(frozen=True)
class Recorded:
    """A stretch of one channel of a sound file. Called, it loads (samples,) float32 at `rate`; ValueError where it cannot any more."""

    path: Path
    rate: int
    channel: int = 0
    start_s: float = 0.0
    duration_s: float | None = None  # None: to the end

    def __call__(self) -> np.ndarray:
        return loaded(opened(self.path), str(self.path), self.rate, self.channel, self.start_s, self.duration_s)


@dataclass(frozen=True)
class Held:
    """A recording that lies in a table, as the bytes of its file. Called as `Recorded`."""

    content: bytes = field(repr=False)
    name: str  # tells it from others, by what is in it
    rate: int

    def __call__(self) -> np.ndarray:
        return loaded(BytesIO(self.content), self.name, self.rate)


def loaded(
    source: Path | BytesIO, name: str, rate: int, channel: int = 0, start_s: float = 0.0, duration_s: float | None = None
) -> np.ndarray:
    """(samples,) float32 at `rate`; ValueError names what is no sound that can be used."""
    try:
        with soundfile.SoundFile(source) as file:
            file.seek(round(start_s * file.samplerate))
            frames = -1 if duration_s is None else round(duration_s * file.samplerate)
            if channel >= file.channels:
                raise ValueError(f"{name}: has {file.channels} channels and none of number {channel}; name one that it has")
            pcm = file.read(frames, dtype="float32", always_2d=True)[:, channel]
            if not np.isfinite(pcm).all():
                raise ValueError(f"{name}: has samples that are no numbers; write the file again")
            return pcm if file.samplerate == rate else soxr.resample(pcm, file.samplerate, rate)
    except TypeError as error:  # of soundfile, at the name .raw
        raise ValueError(f"{name}: a file without a header does not say its rate and format; convert it first") from error
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{name}: cannot be read as audio any more ({error.error_string}); copy it again") from error


def span(times: Any, seconds: float, what: str) -> tuple[float, float]:
    """`[start, end]` in seconds, which must lie in a recording of `seconds`."""
    match times:
        case [int() | float() as start, int() | float() as end] if -SLACK_S <= start < end <= seconds + SLACK_S:
            return max(float(start), 0.0), min(float(end), seconds)
        case _:
            raise ValueError(f"{what} lies at {times}; need [start, end] in seconds within the recording of {seconds:.2f} s")


def audible(pcm: np.ndarray) -> tuple[int, int] | None:
    """The first audible sample and one past the last, above 1% of the peak; None in silence."""
    loud = np.abs(pcm)
    heard = np.flatnonzero(loud > AUDIBLE * loud.max(initial=0.0))
    return (int(heard[0]), int(heard[-1]) + 1) if len(heard) else None


def recordings(path: Path) -> tuple[tuple[str, Path], ...]:
    """Transcript and file of every recording: NAME.wav beside NAME.txt, at any depth, or LJSpeech's metadata.csv and wavs/."""
    if not path.is_dir():
        raise ValueError(f"{path}: no such folder of recordings")
    table = path / "metadata.csv"
    if table.exists():
        with table.open(newline="") as file:
            rows = [row for row in csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE) if len(row) > 1]
        found = [(row[-1].strip(), path / "wavs" / f"{row[0]}.wav") for row in rows]
    else:
        texts = sorted(path.rglob("*.txt"))
        sounds = {text: next((text.with_suffix(end) for end in ENDINGS if text.with_suffix(end).exists()), None) for text in texts}
        found = [(text.read_text().strip(), sound) for text, sound in sounds.items() if sound]
    if not found:
        raise ValueError(f"{path}: holds no recordings with transcripts; need NAME.wav beside NAME.txt, or metadata.csv and wavs/")
    return tuple((text, sound.resolve()) for text, sound in found)


def recording_of(text: str, path: Path) -> Path:
    """The first recording in `path` that says `text`; capitals and punctuation do not matter."""
    file = _by_text(path).get(plain(text))
    if file is None:
        raise ValueError(f"{path} has no recording of {text[:60]!r}; record it, or leave it out")
    return file


@lru_cache(maxsize=8)
def _by_text(path: Path) -> dict[str, Path]:
    return {plain(said): file for said, file in reversed(recordings(path))}


def plain(text: str) -> str:
    """By which two texts are one; signs before numbers count, for what they ask for."""
    return " ".join(re.findall(r"[\w']+|[-+*/×÷^−](?=\s*\d)", text.lower()))
