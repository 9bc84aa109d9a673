"""The training stages: their losses, and a tiny run of each that leaves a usable model."""

import math
from pathlib import Path

import torch

from parley.llm.batch import Batch, SpeechBatch
from parley.llm.tokens import Tokens
from parley.models.checkpoint import load_model
from parley.train import stage1, stage2
from parley.train.loop import LoopConfig
from parley.train.stage1 import Stage1, Stage1Config, spell
from parley.train.stage2 import Stage2Config
from tests.test_salmonn_omni import build, noise, tokens  # noqa: F401  (tokens is a fixture)


def batch_of(tokens: Tokens, rows: int = 2, spoken: bool = False) -> Batch:  # noqa: F811
    words = tokens.encode("hello there")
    labels = torch.tensor([[tokens.think] * 5 + [tokens.shift, *words, tokens.think]] * rows)
    inputs = torch.cat([torch.full((rows, 1), tokens.bos), labels[:, :-1]], dim=1)
    speech = None
    if spoken:
        block = torch.arange(6, 6 + len(words)).expand(rows, -1)
        pieces, said = torch.tensor([words] * rows), torch.randint(0, 1000, (rows, 20))
        numbers = torch.full((rows,), len(words)), torch.full((rows,), 20)
        speech = SpeechBatch(torch.arange(rows), block, pieces, numbers[0], said, numbers[1])
    environment = noise(rows, labels.shape[1])
    assistant = torch.zeros_like(environment) if spoken else None
    return Batch(environment, assistant, inputs, labels, torch.ones(labels.shape), ["hi"] * rows, speech)


def test_letters_are_spelled_and_others_left_out():
    assert spell("A b'z!") == [2, 1, 3, 28, 27]


def test_the_words_of_the_answer_are_read_where_it_is_decided_on(tokens: Tokens):  # noqa: F811
    """With all the probability on the answer's words, the loss is the entropy of their equal shares; elsewhere frames do not count."""
    model = build(tokens)
    stage = Stage1(model, Stage1Config())
    torch.nn.init.zeros_(stage.words.weight)
    torch.nn.init.constant_(stage.words.bias, -1e4)
    words = tokens.encode("hello there")
    with torch.no_grad():
        stage.words.bias[words] = 0.0
    frames = torch.randn(2, 18, model.encoder.d_model)
    assert math.isclose(stage.meaning(frames, batch_of(tokens)).item(), math.log(len(words)), rel_tol=1e-4)
    torch.nn.init.normal_(stage.words.weight)
    before = stage.meaning(frames, batch_of(tokens))
    frames[:, 12:] = 0.0  # the shift is decided at the end of block 5, frame 11
    assert torch.equal(before, stage.meaning(frames, batch_of(tokens)))


def test_a_batch_without_an_answer_has_no_words_to_learn(tokens: Tokens):  # noqa: F811
    model = build(tokens)
    quiet = batch_of(tokens)
    quiet.labels = torch.full_like(quiet.labels, tokens.think)
    assert Stage1(model, Stage1Config()).meaning(torch.randn(2, 18, model.encoder.d_model), quiet) == 0


def test_stage_1_then_stage_2_leave_a_model_that_loads(tokens: Tokens, tmp_path: Path):  # noqa: F811
    loop = LoopConfig(steps=3, rate=1e-3, warmup=1, log_every=1, save_every=2, validate_every=2)
    model = build(tokens)
    before = model.encoder.conv1.weight.clone()
    voice = model.synthesizer.lm.head.weight.clone()
    stage1.run(model, lambda step: batch_of(tokens), [batch_of(tokens)], Stage1Config(loop), tmp_path / "one")
    assert not torch.equal(model.encoder.conv1.weight, before) and torch.equal(model.synthesizer.lm.head.weight, voice)

    model = load_model(tmp_path / "one" / "model")
    decoder = model.synthesizer.mel_decoder.project.weight.clone()
    stage2.run(model, lambda step: batch_of(tokens, spoken=True), [], Stage2Config(loop), tmp_path / "two")
    assert not torch.equal(model.synthesizer.lm.head.weight, voice)
    assert torch.equal(model.synthesizer.mel_decoder.project.weight, decoder)
    load_model(tmp_path / "two" / "model")
