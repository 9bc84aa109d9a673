"""Encoder distillation, from a small random Whisper: pairs of its frames, L1, and a run that can be stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from lhotse import CutSet, MonoCut, Recording
from safetensors.torch import load_file
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

from parley.data.manifest import MANIFEST
from parley.encoder.mamba import MambaConfig
from parley.encoder.speech_encoder import SpeechEncoder, SpeechEncoderConfig
from parley.train import distill
from parley.train.distill import ENCODER, Distillation, DistillConfig, RecordingDataset, Recordings, Teacher, read_recordings
from parley.train.loop import LoopConfig, fit

SMALL = SpeechEncoderConfig(channels=8, mamba=MambaConfig(d_model=16, layers=1, d_state=2))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=16, d_model=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, max_target_positions=8, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=1,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("whisper")
    WhisperModel(config).save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    return Teacher(str(folder), "cpu")


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> list[MonoCut]:
    """Five recordings of 0.5 to 0.9 s, one of them at 8 kHz, in a lhotse manifest with relative paths."""
    folder, rng, cuts = tmp_path_factory.mktemp("recordings"), np.random.default_rng(0), []
    for number in range(5):
        rate = 8000 if number == 4 else 16000
        soundfile.write(folder / f"{number}.wav", 0.1 * rng.standard_normal(rate * (5 + number) // 10), rate)
        recording = Recording.from_file(folder / f"{number}.wav", recording_id=str(number))
        recording.sources[0].source = f"{number}.wav"
        cuts.append(recording.to_cut())
    CutSet.from_cuts(cuts).to_file(folder / MANIFEST)
    return read_recordings(folder)


def test_adjacent_frames_of_the_teacher_are_concatenated(teacher: Teacher):
    pcm = 0.1 * torch.randn(2, 16000)
    found = teacher.frames(Recordings(pcm, torch.tensor([16000, 8000])))
    heard = [pcm[0].numpy(), pcm[1, :8000].numpy()]
    with torch.no_grad():
        frames = teacher.encoder(teacher.features(heard, sampling_rate=16000, return_tensors="pt").input_features).last_hidden_state
    assert frames.shape == (2, 1500, 8) and found.shape == (2, 750, teacher.width) == (2, 750, 16)
    torch.testing.assert_close(found[1, 7], torch.cat([frames[1, 14], frames[1, 15]]))


def test_the_distance_is_l1_inside_the_recordings():
    """4 frames of the first row, 2 of the second; the student is made to say 0."""
    stage = Distillation(SpeechEncoder(SMALL), 6)
    torch.nn.init.zeros_(stage.align.weight)
    torch.nn.init.zeros_(stage.align.bias)
    wanted = torch.randn(2, 9, 6)
    found = stage.distance(Recordings(torch.randn(2, 4 * 640 + 100), torch.tensor([4 * 640 + 100, 2 * 640 + 639])), wanted)
    by_hand = (wanted[0, :4].abs().sum() + wanted[1, :2].abs().sum()) / (6 * 6)
    torch.testing.assert_close(found, by_hand)


def test_batches_are_pure_and_every_recording_comes_once_an_epoch(cuts: list[MonoCut]):
    first, second = (RecordingDataset(cuts, 1, seconds=0.8, seed=3) for _ in range(2))
    assert torch.equal(first.batch(7).pcm, second.batch(7).pcm)
    lengths = sorted(int(first.batch(step).samples) for step in range(5))
    assert lengths == [8000, 9600, 11200, 12800, 12800]  # the last of 0.9 s, resampled, and cut to 0.8 s
    with pytest.raises(ValueError, match="there are 5 recordings and a batch wants 6"):
        RecordingDataset(cuts, 6, 1.0, 0)


def test_a_recording_that_is_gone_or_no_sound_is_named(cuts: list[MonoCut], tmp_path: Path):
    assert cuts[0].recording
    (tmp_path / "letter.wav").write_text("no sound\n" * 99)
    for name in ("nowhere.wav", "letter.wav"):
        source = replace(cuts[0].recording.sources[0], source=str(tmp_path / name))
        cut = replace(cuts[0], recording=replace(cuts[0].recording, sources=[source]))
        with pytest.raises(ValueError, match="its sound cannot be read"):
            RecordingDataset([cut], 1, seconds=0.8, seed=0).batch(0)


def go(teacher: Teacher, cuts: list[MonoCut], folder: Path, steps: int, stop: int = -1) -> Distillation:
    torch.manual_seed(1)
    stage, data = Distillation(SpeechEncoder(SMALL), teacher.width), RecordingDataset(cuts, 2, 0.5, 0)

    def batch_at(step: int) -> Recordings:
        if step == stop:
            raise KeyboardInterrupt
        return data.batch(step)

    config = DistillConfig(loop=LoopConfig(steps, rate=1e-2, warmup=1, log_every=1, save_every=3), rows=2)
    distill.run(stage, teacher, batch_at, [], config, folder)
    return stage


def test_the_encoder_comes_closer_and_a_stopped_run_reaches_the_same_one(teacher: Teacher, cuts: list[MonoCut], tmp_path: Path):
    batch = RecordingDataset(cuts, 2, 0.5, 0).batch(0)
    torch.manual_seed(1)
    before = Distillation(SpeechEncoder(SMALL), teacher.width).distance(batch, teacher.frames(batch))
    stage = go(teacher, cuts, tmp_path / "whole", 12)
    assert stage.distance(batch, teacher.frames(batch)) < 0.8 * before
    with pytest.raises(KeyboardInterrupt):
        go(teacher, cuts, tmp_path / "stopped", 12, stop=8)
    go(teacher, cuts, tmp_path / "stopped", 12)
    assert (tmp_path / "stopped" / ENCODER).read_bytes() == (tmp_path / "whole" / ENCODER).read_bytes()
    fresh = SpeechEncoder(SMALL)
    fit(load_file(tmp_path / "whole" / ENCODER), fresh, tmp_path)
    assert torch.equal(fresh(batch.pcm), stage.encoder(batch.pcm))


def test_what_is_no_whisper_or_no_manifest_is_said_in_one_line(tmp_path: Path):
    with pytest.raises(ValueError, match="no Whisper model can be loaded"):
        Teacher(str(tmp_path / "nothing"), "cpu")
    with pytest.raises(ValueError, match="no such manifest"):
        read_recordings(tmp_path)
    for line in ('{"id": "r", "sources": [], "sampling_rate": 16000, "num_samples": 9, "duration": 1}', '{"audio_filepath": "a.wav"}', "{"):
        (tmp_path / "cuts.jsonl").write_text(line + "\n")
        with pytest.raises(ValueError, match="cuts.jsonl"):
            read_recordings(tmp_path)
    with pytest.raises(ValueError, match="Whisper hears up to 30 s"):
        DistillConfig(seconds=31.0)
