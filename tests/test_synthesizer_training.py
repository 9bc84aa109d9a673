"""Synthesizer pre-training: plain sentences, pitch, batches, and the three stages at a size that takes seconds."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.testing import assert_close

from parley.audio import MelConfig
from parley.data import manifest
from parley.dialogue import Dialogue, Kind, Segment, Speaker
from parley.llm.tokens import Tokens, train_tokenizer
from parley.synthesizer.causal import StackConfig
from parley.synthesizer.flow import MelDecoderConfig
from parley.synthesizer.speech_lm import SpeechLMConfig
from parley.synthesizer.synthesizer import Synthesizer, SynthesizerConfig
from parley.synthesizer.tokenizer import SpeechTokenizerConfig
from parley.synthesizer.vocoder import Pitch, Vocoder, VocoderConfig
from parley.train.loop import LoopConfig
from parley.train.voice.plain_text import WORDS, plain_sentences
from parley.train.voice.spoken import spoken_in
from parley.train.voice.synthesizer import Clip, LMBatches, SynthesizerTrainingConfig, crops, pitch_of, run, spectral_distance

STACK = StackConfig(width=8, hidden=16, blocks=1, kernel=3)
SMALL = SynthesizerConfig(
    lm=SpeechLMConfig(width=16, layers=1, heads=2, hidden=16, max_tokens=200, max_pieces=60),
    mel_decoder=MelDecoderConfig(token_stack=STACK, frame_stack=STACK),
    vocoder=VocoderConfig(stack=STACK),
)
LOOP = LoopConfig(steps=3, rate=1e-3, warmup=1, log_every=1)
TRAINING = SynthesizerTrainingConfig(
    tokenizer=SpeechTokenizerConfig(stack=STACK),
    autoencoder=LOOP,
    vocoder=LOOP,
    lm=LOOP,
    sounding=6,
    more=2,
    held_out=2,
    rows=2,
    autoencoder_frames=64,
    vocoder_frames=64,
)


def test_plain_sentences_are_the_same_for_a_seed_and_plain_to_speak():
    sentences = plain_sentences(300, np.random.default_rng(4))
    assert sentences == plain_sentences(300, np.random.default_rng(4)) != plain_sentences(300, np.random.default_rng(5))
    text = " ".join(sentences)
    assert text.isascii() and not any(letter.isdigit() for letter in text) and "{" not in text
    assert max(len(sentence.split()) for sentence in sentences) <= 40
    assert sum(len(words) for words in WORDS.values()) > 1000


def test_pitch_is_found_where_there_is_one():
    vocoder = Vocoder(VocoderConfig(stack=STACK))
    wanted = torch.linspace(120, 240, 60)[None]
    pulses, _, _ = vocoder.pulse_train(Pitch(wanted, torch.ones(1, 60)), vocoder.init_state(1))
    hum = torch.nn.functional.avg_pool1d(pulses.flatten(1), 17, 1, 8)  # speech is not as bright as pulses
    noise = torch.randn(1, 40 * 160, generator=torch.Generator().manual_seed(0))
    pcm = torch.cat([hum, 0.1 * noise, torch.zeros(1, 3200)], dim=1)
    f0 = pitch_of(pcm, MelConfig())
    assert_close(f0[0, 3:57], wanted[0, 3:57], rtol=0.03, atol=0)
    assert (f0[0, 63:] > 0).float().mean() < 0.05


def test_crops_hold_speech_where_they_say_so():
    clips = [Clip("short", np.full(640, 3000, np.int16)), Clip("long", np.full(64000, 3000, np.int16))]
    pcm, present = crops(clips, 16, 100, 160, np.random.default_rng(0))
    assert pcm.shape == (16, 16000) and set(present.sum(1).tolist()) <= {4, 100}
    assert torch.equal(pcm.unflatten(1, (-1, 160)).abs().amax(2) > 0, present)


def test_lm_batches_are_a_function_of_the_step_and_cover_everything():
    items = [([1] * (n % 7 + 1), [n] * n) for n in range(1, 60)]
    batches = LMBatches(items, tokens=200, seed=0)
    assert all(len(group) * max(len(said) for _, said in group) <= 200 for group in batches.groups)
    step = len(batches.groups) + 2
    assert all(torch.equal(a, b) for a, b in zip(batches(step), LMBatches(items, 200, 0)(step)))
    seen = sorted(int(n) for step in range(len(batches.groups)) for n in batches(step)[3])
    assert seen == list(range(1, 60))


def test_the_spectral_distance_is_zero_for_the_same_and_grows_with_noise():
    pcm, noise = torch.randn(1, 8000), torch.randn(1, 8000)
    near, far = spectral_distance(pcm + 0.1 * noise, pcm), spectral_distance(pcm + noise, pcm)
    assert spectral_distance(pcm, pcm) < 1e-6 < near < far


def test_the_three_stages_leave_a_synthesizer_and_the_tokens_of_every_answer(tmp_path: Path):
    answers, sentences = ["Paris.", "It is blue."], ["A cow gives milk."]
    tokens = Tokens.of(train_tokenizer([*answers, *sentences], 300))
    torch.manual_seed(0)
    synthesizer = Synthesizer(SMALL, text_width=12, vocabulary=len(tokens.tokenizer))
    before = {name: value.clone() for name, value in synthesizer.state_dict().items()}
    run(TRAINING, synthesizer, tokens, answers, sentences, tmp_path, "cpu")

    saved = load_file(tmp_path / "synthesizer.safetensors")
    synthesizer.load_state_dict(saved)
    untrained = {name for name, value in saved.items() if torch.equal(value, before[name])}
    assert untrained and all(name.startswith(("lm.connector", "lm.gate")) for name in untrained)  # they wait for an LLM
    spoken = json.loads((tmp_path / "spoken.json").read_text())
    assert list(spoken) == answers and all(5 < len(said) < 60 for said in spoken.values())
    for stage, name in (("autoencoder", "mel_l1"), ("vocoder", "spectrum"), ("lm", "loss")):
        last = json.loads((tmp_path / stage / "log.jsonl").read_text().splitlines()[-1])
        assert last["step"] == 3 and np.isfinite(last[f"validation/{name}"])

    sound = np.random.default_rng(0).normal(0, 0.1, 16000 * 12).astype(np.float32)
    said = [("Paris.", 0, 8000), ("Rome.", 16000, 25000), ("No end.", 32000, 33000), ("Far too long.", 36000, 16000 * 12)]
    segments = tuple(Segment(Speaker.AGENT, Kind.ANSWER, text, a, b, interrupted=text == "No end.") for text, a, b in said)
    manifest.write([Dialogue("d", 16000, 0 * sound, sound, segments)], tmp_path / "dialogues")
    cuts = list(manifest.read_cuts(tmp_path / "dialogues"))
    more = spoken_in(cuts, tmp_path, synthesizer, TRAINING.tokenizer, tokens, tmp_path / "stage2")
    assert {text: more[text] for text in answers} == spoken and list(more) == [*answers, "Rome."]
    (tmp_path / "tokenizer.safetensors").unlink()  # a run that goes on encodes nothing again
    assert spoken_in(cuts, tmp_path, synthesizer, TRAINING.tokenizer, tokens, tmp_path / "stage2") == more
    assert len(more["Rome."]) == 15 and max(more["Rome."]) < 1000  # 9,000 samples, 640 a token

    longer = replace(TRAINING, lm=replace(LOOP, steps=4))  # the finished stages are not repeated
    again = Synthesizer(SMALL, text_width=12, vocabulary=len(tokens.tokenizer))
    run(longer, again, tokens, answers, sentences, tmp_path, "cpu")
    assert torch.equal(again.vocoder.read.weight, saved["vocoder.read.weight"])
    assert not torch.equal(again.lm.head.weight, saved["lm.head.weight"])
