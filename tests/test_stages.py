"""The training stages: their losses, and a tiny run of each that leaves a usable model."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.testing import assert_close

from parley.audio import MelConfig
from parley.commands.training import export
from parley.encoder.mamba import MambaConfig
from parley.encoder.speech_encoder import SpeechEncoder, SpeechEncoderConfig
from parley.llm.batch import Batch, Heard, SpeechBatch
from parley.llm.tokens import Tokens
from parley.models.checkpoint import load_model
from parley.models.salmonn_omni import SalmonnOmni
from parley.train import encoder, stage1, stage2
from parley.train.encoder import EncoderConfig, ListeningEncoder, heard
from parley.train.listening import Listening, ListeningConfig, Perturbation, masked, warped, words_missed
from parley.train.loop import LoopConfig, load_latest
from parley.train.stage1 import Stage1Config
from parley.train.stage2 import Stage2Config, Taught
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
    return Batch(
        environment,
        assistant,
        inputs,
        labels,
        torch.ones(labels.shape),
        speech,
        transcripts=["hi"] * rows,
        heard=torch.zeros_like(labels),
        answers=[(row, 5, tuple(words)) for row in range(rows)],
    )


def test_the_pieces_of_what_is_said_are_learned_in_their_order(tokens: Tokens):  # noqa: F811
    """Frames that are sure of a piece each, with blanks around them: that transcript is certain, another order of it is not, and where
    nothing is said blanks are."""
    said = tokens.encode("hello there")
    assert len(said) > 1
    listening = Listening(1 + len(tokens.tokenizer), tokens, 2, ListeningConfig())
    with torch.no_grad():
        torch.nn.init.eye_(listening.to_pieces.weight)
        torch.nn.init.zeros_(listening.to_pieces.bias)
    labels = torch.zeros(1, 4 * len(said), dtype=torch.long)
    labels[0, 1::4] = torch.tensor(said) + 1
    frames = 100.0 * torch.nn.functional.one_hot(labels, 1 + len(tokens.tokenizer)).float()
    batch, blanks = batch_of(tokens), torch.zeros_like(frames).index_fill(2, torch.tensor(0), 100.0)

    def cost(frames: torch.Tensor, text: str, blocks: int) -> float:
        padded = torch.arange(frames.shape[1] // 2) >= blocks
        return float(listening.pieces(frames, replace(batch, transcripts=[text], heard=torch.where(padded, -1, 0)[None])))

    whole = frames.shape[1] // 2
    assert cost(frames, "hello there", whole) < 1e-3 < 10 < cost(frames, "there hello", whole)
    assert cost(blanks, "", whole) < 1e-3
    beyond = torch.cat([blanks, frames], 1)  # what is padding is not heard
    assert cost(beyond, "hello there", whole) > 10 > 1e-3 > cost(beyond, "hello there", 2 * whole)


def test_in_bfloat16_the_losses_of_the_heads_are_as_exact_as_in_float32(tokens: Tokens):  # noqa: F811
    listening, batch = Listening(64, tokens, 2, ListeningConfig()), batch_of(tokens)
    frames = torch.randn(2, 2 * batch.labels.shape[1], 64).bfloat16().float()
    with torch.no_grad():
        for parameter in listening.parameters():
            parameter.copy_(parameter.bfloat16())
        exact = listening.losses(frames, batch)
        with torch.autocast("cpu", torch.bfloat16):
            near = listening.losses(frames, batch)
    for name in ("pieces", "meaning"):
        assert near[name].dtype == torch.float32 and abs(near[name] - exact[name]) < 3e-3, name


def test_the_words_of_the_answer_are_read_where_it_is_decided_on(tokens: Tokens):  # noqa: F811
    """With all the probability on the answer's words, the loss is the entropy of their equal shares; elsewhere frames do not count."""
    listening = Listening(8, tokens, 2, ListeningConfig())
    torch.nn.init.zeros_(listening.to_words.weight)
    torch.nn.init.constant_(listening.to_words.bias, -1e4)
    words = tokens.encode("hello there")
    with torch.no_grad():
        listening.to_words.bias[words] = 0.0
    ends = torch.randn(2, 9, 8)
    assert math.isclose(listening.meaning(ends, batch_of(tokens)).item(), math.log(len(words)), rel_tol=1e-4)
    torch.nn.init.normal_(listening.to_words.weight)
    before = listening.meaning(ends, batch_of(tokens))
    ends[:, :5] = ends[:, 6:9].mean()  # the shift is decided at the end of block 5
    ends[:, 6:] = 0.0
    assert torch.equal(before, listening.meaning(ends, batch_of(tokens)))


def test_a_batch_without_an_answer_has_no_words_to_learn(tokens: Tokens):  # noqa: F811
    quiet = batch_of(tokens)
    quiet.answers = []
    assert Listening(8, tokens, 2, ListeningConfig()).meaning(torch.randn(2, 9, 8), quiet) == 0


def test_the_connector_learns_to_name_the_words_at_the_decision_and_nowhere_else(tokens: Tokens):  # noqa: F811
    model, batch = build(tokens), batch_of(tokens)
    terms = stage1.losses(model, batch, None, meaning=2.0)
    assert math.isclose(terms["loss"].item(), terms["text"].item() + 2 * terms["meaning"].item(), rel_tol=1e-5)
    frames = model.encoder(batch.environment).detach().requires_grad_()
    words_missed(stage1.words(model, frames, batch), [pieces for _, _, pieces in batch.answers]).backward()
    assert frames.grad is not None
    decided = frames.grad.unflatten(1, (-1, 2)).abs().sum((2, 3)) > 0
    assert decided.tolist() == [[block == 5 for block in range(decided.shape[1])]] * 2
    assert "meaning" not in stage1.losses(model, batch, None, meaning=0.0)


def test_what_people_do_is_read_at_the_end_of_each_block_and_not_beyond_a_dialogue(tokens: Tokens):  # noqa: F811
    listening = Listening(8, tokens, 2, ListeningConfig())
    torch.nn.init.zeros_(listening.to_heard.weight)
    with torch.no_grad():
        listening.to_heard.bias[:] = torch.tensor([100.0, 0, 0, 0, 0, 0])  # always `NOTHING`
    batch = batch_of(tokens)
    assert batch.heard is not None
    batch.heard[:, 2:4] = int(Heard.QUESTION)
    batch.heard[:, 6:] = -1
    losses = listening.losses(torch.randn(2, 2 * batch.heard.shape[1], 8), batch)
    assert math.isclose(losses["heard"].item(), 100.0 * 2 / 6, rel_tol=1e-4)
    assert math.isclose(losses["heard_right"].item(), 4 / 6, rel_tol=1e-4)
    batch.heard[0, 2] = int(Heard.INTERRUPTION)  # weighs as much as `event` others: 3 questions, 8 times nothing
    losses = listening.losses(torch.randn(2, 2 * batch.heard.shape[1], 8), batch)
    assert math.isclose(losses["heard"].item(), 100.0 * (3 + 5) / (3 + 5 + 8), rel_tol=1e-4)


def test_a_perturbation_of_nothing_changes_nothing():
    log_mel, nothing = torch.randn(3, 40, 80), Perturbation(warp=0.0, bend=0.0, bands=0, gaps=0)
    assert torch.equal(masked(warped(log_mel, nothing), nothing), log_mel)


@pytest.mark.parametrize(("warp", "bend", "low", "high"), [(0.1, 0.0, 36.4, 44.5), (0.0, 2.0, 34.0, 46.0)])
def test_frequencies_are_stretched_by_at_most_what_is_asked_for(warp, bend, low, high):
    """A tone at mel 40 is found between 40 / 1.1 and 40 / 0.9 after it, or three waves of 2 mels away; at another place in each row, and at
    the same in all frames."""
    log_mel = torch.zeros(256, 20, 80)
    log_mel[:, :, 38:43] = torch.tensor([1.0, 2.0, 3.0, 2.0, 1.0])
    found = warped(log_mel, Perturbation(warp, bend)).clamp(min=0)
    place = (found * torch.arange(80)).sum(2) / found.sum(2)
    assert torch.allclose(place, place[:, :1].expand_as(place), atol=1e-3)
    assert low - 0.5 < place.min() < 38.5 and 41.5 < place.max() < high + 0.5


def test_bands_and_gaps_are_blanked_and_not_more_than_asked_for():
    blank = masked(torch.ones(64, 100, 80), Perturbation(bands=2, band=10, gaps=3, gap=7)) == 0
    bands, gaps = blank.all(1).sum(1), blank.all(2).sum(1)
    assert bands.max() <= 20 and bands.float().mean() > 5 and gaps.max() <= 21 and gaps.float().mean() > 6
    assert torch.equal(blank, blank.all(1)[:, None] | blank.all(2)[:, :, None])


def test_the_stages_one_after_the_other_leave_a_model_that_loads(tokens: Tokens, tmp_path: Path):  # noqa: F811
    loop = LoopConfig(steps=3, rate=1e-3, warmup=1, log_every=1, save_every=2, keep=2, validate_every=2)
    model = build(tokens)
    before = model.encoder.conv1.weight.clone()
    listening = Listening(model.encoder.d_model, tokens, 2, ListeningConfig())
    encoder.run(ListeningEncoder(model.encoder, listening), lambda step: batch_of(tokens), [], EncoderConfig(loop), tmp_path / "zero")
    trained = model.encoder.conv1.weight.clone()
    assert not torch.equal(trained, before)

    model = build(tokens)
    load_latest(tmp_path / "zero", ListeningEncoder(model.encoder, listening))
    assert torch.equal(model.encoder.conv1.weight, trained)
    voice = model.synthesizer.lm.head.weight.clone()
    connector = model.connector.up.weight.clone()
    stage1.run(model, lambda step: batch_of(tokens), [batch_of(tokens)], Stage1Config(loop), tmp_path / "one")
    assert torch.equal(model.encoder.conv1.weight, trained) and not torch.equal(model.connector.up.weight, connector)
    assert torch.equal(model.synthesizer.lm.head.weight, voice)

    model = load_model(tmp_path / "one" / "model")
    decoder = model.synthesizer.mel_decoder.project.weight.clone()
    stage2.run(model, lambda step: batch_of(tokens, spoken=True), [], Stage2Config(loop), tmp_path / "two")
    assert not torch.equal(model.synthesizer.lm.head.weight, voice)
    assert torch.equal(model.synthesizer.mel_decoder.project.weight, decoder) and torch.equal(model.encoder.conv1.weight, trained)
    load_model(tmp_path / "two" / "model")

    export(tmp_path / "second", tmp_path / "two" / "model", step=2)
    of_step = load_file(tmp_path / "two" / "step-0000002" / "model.safetensors")["model.connector.up.weight"]
    assert torch.equal(load_model(tmp_path / "second").connector.up.weight, of_step.half().float())
    with pytest.raises(ValueError, match="two keeps no checkpoint of step 1; it has: 2, 3"):
        export(tmp_path / "first", tmp_path / "two" / "model", step=1)


def test_an_encoder_that_learns_along_is_taught_by_both_losses_and_not_by_its_own_voice(tokens: Tokens, tmp_path: Path):  # noqa: F811
    """The loss is that of stage 2 and the weighted ones of the heads, one of which reads the LLM; the checkpoint holds these too, an
    exported model does not; killed in between it reaches the same weights."""
    loop = LoopConfig(steps=4, rate=1e-3, warmup=1, log_every=1, save_every=2, keep=2)
    config = Stage2Config(loop, listening=0.5, heard=0.25)
    batch = batch_of(tokens, spoken=True)

    def fresh() -> Taught:
        torch.manual_seed(0)
        model = build(tokens)
        return Taught(model, Listening(model.encoder.d_model, tokens, 2, ListeningConfig()))

    taught = fresh().eval()
    terms, plain = taught.losses(batch, config), stage1.losses(taught.model, batch, None, config.meaning)
    heads = 0.5 * terms["encoder_listening"].item() + 0.25 * terms["heard"].item()
    assert math.isclose(terms["loss"].item(), plain["loss"].item() + heads, rel_tol=1e-5)
    terms["heard"].backward()
    grad = taught.model.connector.up.weight.grad
    assert grad is not None and grad.any()  # it reaches what the LLM reads
    with torch.no_grad():
        taught.to_heard.weight.zero_()
        taught.to_heard.bias[:] = torch.tensor([0.0, 100, 0, 0, 0, 0])  # always a question, where nobody says anything
    assert math.isclose(taught.losses(batch, config)["heard"].item(), 100.0, rel_tol=1e-4)
    assert all(torch.equal(terms[name], plain[name]) for name in ("text", "speech", "meaning"))

    whole, halves = fresh(), fresh()
    before = whole.model.encoder.conv1.weight.clone()
    stage2.run(whole.model, lambda step: batch, [], config, tmp_path / "whole", whole.listening)
    assert not torch.equal(whole.model.encoder.conv1.weight, before)
    steps = [load_file(tmp_path / "whole" / f"step-000000{step}" / "model.safetensors")["to_heard.weight"] for step in (2, 4)]
    assert not torch.equal(*steps)

    def dies(step: int) -> Batch:
        if step == 3:
            raise KeyboardInterrupt
        return batch

    with pytest.raises(KeyboardInterrupt):
        stage2.run(halves.model, dies, [], config, tmp_path / "halves", halves.listening)
    again = fresh()
    stage2.run(again.model, lambda step: batch, [], config, tmp_path / "halves", again.listening)
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    export(tmp_path / "second", tmp_path / "halves" / "model", step=2)
    of_step = load_file(tmp_path / "halves" / "step-0000002" / "model.safetensors")["model.connector.up.weight"]
    assert torch.equal(load_model(tmp_path / "second").connector.up.weight, of_step.half().float())

    model = taught.model
    assert not model.encode_assistant(noise(2, 9), noise(2, 9)).requires_grad


def test_in_bfloat16_a_stage_learns_the_same_with_weights_in_float32(tokens: Tokens, tmp_path: Path):  # noqa: F811
    def trained(bfloat16: bool) -> tuple[list[float], SalmonnOmni]:
        torch.manual_seed(0)
        model, batch = build(tokens), batch_of(tokens, spoken=True)
        loop = LoopConfig(steps=8, rate=1e-3, warmup=1, log_every=1, bfloat16=bfloat16)
        stage2.run(model, lambda step: batch, [], Stage2Config(loop, perturbation=None), tmp_path / str(bfloat16))
        log = (tmp_path / str(bfloat16) / "log.jsonl").read_text()
        return [json.loads(line)["train/loss"] for line in log.splitlines()], model

    losses, (near, short) = trained(False)[0], trained(True)
    assert losses != near and near == pytest.approx(losses, rel=0.02) and near[-1] < 0.95 * near[0]
    assert all(value.dtype == torch.float32 for value in short.state_dict().values() if value.is_floating_point())


def test_other_vocal_tracts_are_people_s_alone():
    """A person at 1 kHz speaks into the assistant's echo at 3 kHz: the person moves, as without an echo, and the echo stays."""
    mel = MelConfig()
    encoder = SpeechEncoder(SpeechEncoderConfig(mel=mel, channels=8, mamba=MambaConfig(d_model=16, layers=1)))
    seen: list[Tensor] = []
    encoder.encode = lambda log_mel: seen.append(log_mel[0, 50]) or log_mel  # type: ignore[method-assign]
    time = torch.arange(16000)[None] / mel.rate
    person, echo = (0.3 * torch.sin(2 * torch.pi * hertz * time) for hertz in (1000.0, 3000.0))
    slots = torch.zeros(1, 12, dtype=torch.long)

    def mel_of(environment: Tensor, echo: Tensor | None, warp: float) -> Tensor:
        torch.manual_seed(3)
        perturbation = Perturbation(warp, bend=0.0, bands=0, gaps=0)
        heard(encoder, Batch(environment, None, slots, slots, slots.float(), echo=echo), perturbation)
        return seen[-1]

    plain, moved, alone = mel_of(person + echo, echo, 0.0), mel_of(person + echo, echo, 0.1), mel_of(person, None, 0.1)
    assert_close(plain, mel_of(person + echo, None, 0.0), atol=0.05, rtol=0)  # powers add up
    at = int(mel_of(echo, None, 0.0).argmax())
    near = slice(at - 3, at + 4)
    assert_close(moved[near], plain[near], atol=0.02, rtol=0)
    assert_close(moved[: at // 2 + 10], alone[: at // 2 + 10], atol=0.1, rtol=0)
    assert moved[: at - 10].argmax() != plain[: at - 10].argmax()
    assert (mel_of(person + echo, None, 0.1)[near] - plain[near]).abs().max() > 0.3  # unless nobody says which part is an echo
