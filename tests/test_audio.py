"""Log-mel against librosa and against its own streaming; every kind of recording, good and bad."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch
from torch.testing import assert_close

from parley.audio import LogMel, MelConfig, WavWriter, read_audio, stream_audio, write_wav


def tone(seconds: float, rate: int) -> np.ndarray:
    """440 Hz, so that a recording can be recognised at any rate."""
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def test_filters_equal_librosa() -> None:
    expected = librosa.filters.mel(sr=16000, n_fft=512, n_mels=80, fmin=20, fmax=8000)
    assert_close(LogMel(MelConfig()).filters.T.numpy(), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("name", "before"), [("forward", 240), ("centred", 120)])
def test_log_mel_equals_its_definition(name: str, before: int) -> None:
    config, pcm = MelConfig(), tone(0.5, 16000) + 0.01 * np.random.default_rng(0).standard_normal(8000)
    padded = np.pad(pcm, (before, 400))
    frames = np.stack([padded[160 * frame :][:400] for frame in range(50)])
    power = np.abs(np.fft.rfft(frames * np.hanning(401)[:400], 512)) ** 2
    mel = power @ librosa.filters.mel(sr=16000, n_fft=512, n_mels=80, fmin=20, fmax=8000).T
    expected = (np.log(mel + config.floor) - config.mean) / config.scale
    log_mel = LogMel(config)
    got = {"forward": log_mel.forward, "centred": log_mel.centred}[name](torch.tensor(pcm, dtype=torch.float32)[None])[0]
    assert_close(got.double().numpy(), expected, rtol=0, atol=1e-3)


def test_log_mel_step_equals_forward() -> None:
    log_mel, pcm = LogMel(MelConfig()), torch.randn(2, 160 * 40) * 0.1
    state, active = log_mel.init_state(2), torch.ones(2, dtype=torch.bool)
    parts = [log_mel.step(part, state, active) for part in pcm.split([160 * n for n in (1, 8, 2, 20, 9)], dim=1)]
    assert_close(torch.cat(parts, dim=1), log_mel(pcm), rtol=0, atol=1e-5)
    before = state.context.clone()
    log_mel.step(torch.randn(2, 160), state, torch.tensor([False, True]))
    assert torch.equal(state.context[0], before[0])


@pytest.mark.parametrize(
    ("rate", "form", "subtype"),
    [
        (16000, "WAV", "PCM_16"),
        (8000, "WAV", "PCM_U8"),
        (44100, "WAV", "PCM_24"),
        (48000, "WAV", "FLOAT"),
        (22050, "FLAC", "PCM_16"),
        (44100, "OGG", "VORBIS"),
        (32000, "MP3", "MPEG_LAYER_III"),
    ],
)
def test_any_recording_is_read_as_mono(tmp_path: Path, rate: int, form: str, subtype: str) -> None:
    path = tmp_path / "tone"
    left = tone(2.0, rate)
    soundfile.write(path, np.stack([left, np.zeros_like(left)], 1), rate, format=form, subtype=subtype)
    pcm = read_audio(path, 16000)
    assert pcm.dtype == np.float32
    assert abs(len(pcm) - 32000) <= 2
    assert np.abs(pcm[4000:28000] - tone(2.0, 16000)[4000:28000]).max() < 0.05


def test_stream_gives_whole_blocks_then_the_rest(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.wav", tone(3.0, 44100), 44100)
    blocks = list(stream_audio(tmp_path / "tone.wav", 16000, 1280))
    assert [len(block) for block in blocks] == [1280] * 37 + [48000 - 37 * 1280]
    assert np.array_equal(np.concatenate(blocks), read_audio(tmp_path / "tone.wav", 16000))


def test_a_long_recording_is_not_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "three_hours.wav"
    with soundfile.SoundFile(path, "w", 8000, 1, subtype="PCM_U8") as file:
        for _ in range(180):
            file.write(np.zeros(8000 * 60, np.float32))
    blocks = stream_audio(path, 16000, 1280)
    assert next(blocks).shape == (1280,)
    assert sum(len(block) for block in blocks) == 3 * 3600 * 16000 - 1280


def test_a_header_written_into_a_pipe_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "piped.wav"
    soundfile.write(path, tone(1.0, 16000), 16000)
    header = bytearray(path.read_bytes())
    for length in (2**32 - 1, 0x7FFFF000, 0x7FFFFFD8, 2**31):  # ffmpeg; sox, espeak-ng; others
        header[4:8] = header[40:44] = length.to_bytes(4, "little")
        path.write_bytes(header)
        assert len(read_audio(path, 16000)) == 16000


def damaged(folder: Path, what: str) -> Path:
    path, sound = folder / "bad", tone(1.0, 16000)
    match what:
        case "missing":
            pass
        case "directory":
            path.mkdir()
        case "0 bytes":
            path.touch()
        case "no samples":
            soundfile.write(path, sound[:0], 16000, format="WAV")
        case "text":
            path.write_text("this is not sound\n" * 100)
        case "nan" | "inf" | "-2048":
            sound[700] = float(what)
            soundfile.write(path, sound, 16000, format="WAV", subtype="FLOAT")
        case "header only":
            soundfile.write(path, sound, 16000, format="WAV")
            path.write_bytes(path.read_bytes()[:20])
        case form:
            soundfile.write(path, sound, 16000, format=form)
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("missing", "no such file"),
        ("directory", "not a file"),
        ("0 bytes", "empty"),
        ("no samples", "holds no samples"),
        ("text", "cannot be read as audio"),
        ("nan", "sample 700 is nan"),
        ("inf", "sample 700 is inf"),
        ("-2048", r"sample 700 is -2048.0, not a number in \[-1, 1\]"),
        ("header only", "cannot be read as audio"),
        ("WAV", "truncated"),
        ("AIFF", "truncated"),
        ("FLAC", "cannot be read as audio"),
        ("OGG", "cannot be read as audio|holds no samples"),
        ("MP3", "truncated"),
    ],
)
def test_bad_recordings_are_refused_in_one_line(tmp_path: Path, what: str, message: str) -> None:
    path = damaged(tmp_path, what)
    with pytest.raises(ValueError, match=message) as error:
        read_audio(path, 16000)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("channels", [1, 2])
def test_written_recordings_come_back(tmp_path: Path, channels: int) -> None:
    pcm = np.stack([tone(0.5, 24000)] * channels, 1).squeeze()
    write_wav(tmp_path / "out.wav", pcm, 24000)
    back, rate = soundfile.read(tmp_path / "out.wav")
    assert rate == 24000
    assert np.abs(back - pcm).max() < 1e-4
    assert [path.name for path in tmp_path.iterdir()] == ["out.wav"]


def test_too_loud_samples_are_clipped(tmp_path: Path) -> None:
    write_wav(tmp_path / "out.wav", np.array([2.0, -2.0, 0.0], np.float32), 16000)
    assert np.abs(read_audio(tmp_path / "out.wav", 16000) - [1, -1, 0]).max() < 1e-4


def test_nothing_is_left_half_written(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    write_wav(path, tone(0.1, 16000), 16000)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), WavWriter(path, 16000) as wav:
        wav.write(tone(0.5, 16000))
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "message"), [("no/folder/out.wav", "cannot be written"), ("", "is a directory")])
def test_an_unwritable_output_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_wav(tmp_path / name, tone(0.1, 16000), 16000)
    assert not list(tmp_path.iterdir())
