"""SALMONN-omni: streaming equals offline, rows do not know each other, and the grammar of explicit thinking holds."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from parley.clock import Clock
from parley.encoder.mamba import MambaConfig
from parley.encoder.speech_encoder import SpeechEncoderConfig
from parley.llm.backbone import Backbone, BackboneConfig, LlamaSize, small_llama
from parley.llm.batch import Batch
from parley.llm.tokens import Mode, Tokens, train_tokenizer
from parley.models.duplex import Directive
from parley.models.salmonn_omni import ConnectorConfig, OmniState, SalmonnOmni, SalmonnOmniConfig, Thresholds
from parley.streaming import reset_rows, tensors
from parley.synthesizer.causal import StackConfig
from parley.synthesizer.flow import MelDecoderConfig
from parley.synthesizer.speech_lm import SpeechLMConfig
from parley.synthesizer.synthesizer import SynthesizerConfig
from parley.synthesizer.vocoder import VocoderConfig

BLOCKS = 30
STACK = StackConfig(width=16, hidden=32, blocks=2, kernel=5)
SYNTHESIZER = SynthesizerConfig(
    lm=SpeechLMConfig(width=32, layers=2, heads=2, hidden=48, max_tokens=60, max_pieces=20, connector=24),
    mel_decoder=MelDecoderConfig(token_stack=STACK, frame_stack=STACK),
    vocoder=VocoderConfig(stack=STACK),
)


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens.of(train_tokenizer(["hello there my friend", "one two three four five six"] * 9, 330))


def build(tokens: Tokens) -> SalmonnOmni:
    torch.manual_seed(3)
    size = LlamaSize(len(tokens.tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2)
    encoder = SpeechEncoderConfig(channels=16, mamba=MambaConfig(d_model=32, layers=2, d_state=4))
    ring = BackboneConfig(context_blocks=12, speech_layer=1)
    config = SalmonnOmniConfig(encoder=encoder, connector=ConnectorConfig(hidden=32), backbone=ring, synthesizer=SYNTHESIZER)
    return SalmonnOmni(config, Backbone(small_llama(size, tokens), config.backbone), tokens).eval()


@pytest.mark.parametrize("clock", [Clock(block_ms=160), Clock(input_rate=8000, output_rate=8000)])
def test_a_block_is_as_long_for_the_clock_as_for_all_parts(tokens: Tokens, clock: Clock):
    plain = build(tokens)
    with pytest.raises(ValueError, match=r"of connector, encoder and synthesizer it is \(1280, 16000, 1280\)"):
        SalmonnOmni(replace(plain.config, clock=clock), plain.backbone, tokens)


def test_rows_of_the_vocabulary_that_no_token_has_are_no_words(tokens: Tokens):
    """Some LLMs fill their tables up to a round number."""
    plain = build(tokens)
    size = LlamaSize(len(tokens.tokenizer) + 11, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2)
    padded = SalmonnOmni(plain.config, Backbone(small_llama(size, tokens), plain.config.backbone), tokens)
    assert padded.is_piece.tolist() == plain.is_piece.tolist() + [False] * 11 and plain.is_piece.any()


@pytest.fixture(scope="module")
def model(tokens: Tokens) -> SalmonnOmni:
    return build(tokens)


class Script:
    """Stands in for the LLM's opinion: the model emits these tokens, one a block."""

    def __init__(self, model: SalmonnOmni, tokens: list[int]):
        self.tokens = iter(tokens)
        self.width = model.backbone.llm.config.vocab_size

    def logits(self, hidden: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(torch.full(hidden.shape[:-1], next(self.tokens)), self.width).float() * 50


def noise(rows: int, blocks: int = BLOCKS) -> Tensor:
    return 0.1 * torch.randn(rows, blocks * 1280, generator=torch.Generator().manual_seed(5))


def play(model: SalmonnOmni, environment: Tensor, state: OmniState, active: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens (rows, blocks), shift probabilities (rows, blocks), audio made (rows, samples)."""
    outputs = [model.step(block, state, active) for block in environment.split(1280, dim=1)]
    return (
        torch.stack([output.token for output in outputs], 1),
        torch.stack([output.shift_probability for output in outputs], 1),
        torch.cat([output.assistant for output in outputs], 1),
    )


@torch.inference_mode()
def test_streaming_equals_offline_given_the_same_history(model: SalmonnOmni, tokens: Tokens, monkeypatch: pytest.MonkeyPatch):
    """The whole pass over what was heard, played and said gives the probabilities that the steps gave, beyond the ring too."""
    words = tokens.encode("one two three four five six")
    said = [tokens.think, tokens.shift, *words, *[tokens.think] * (BLOCKS - 4 - len(words)), tokens.shift, tokens.think]
    environment, spoken = noise(1), Script(model, said)
    whole_logits = []
    step = model.backbone.step

    def scripted(embeddings: Tensor, state: object, active: Tensor) -> tuple[Tensor, Tensor]:
        logits, hidden = step(embeddings, state, active)
        whole_logits.append(logits)
        return spoken.logits(hidden), hidden

    monkeypatch.setattr(model.backbone, "step", scripted)
    token, _, made = play(model, environment, model.init_state(1), torch.tensor([True]))
    assert token[0].tolist() == said
    assert made.abs().max() > 0
    played = torch.cat([torch.zeros(1, 1280), made[:, :-1280]], dim=1)  # what a step makes is played during the next block
    inputs = torch.tensor([[tokens.bos, *said[:-1]]])
    offline, _ = model(Batch(environment, played, inputs, inputs, torch.ones(1, BLOCKS)))
    torch.testing.assert_close(torch.stack(whole_logits, 1), offline, atol=1e-4, rtol=0)


@torch.inference_mode()
def test_a_neighbour_changes_nothing_and_an_inactive_row_is_untouched(model: SalmonnOmni):
    environment, both = noise(2), torch.tensor([True, True])
    alone = [play(model, environment[row : row + 1], model.init_state(1), torch.tensor([True])) for row in range(2)]
    together = play(model, environment, model.init_state(2), both)
    for row in range(2):
        assert torch.equal(together[0][row], alone[row][0][0])
        torch.testing.assert_close(together[1][row], alone[row][1][0], atol=1e-5, rtol=0)
        torch.testing.assert_close(together[2][row], alone[row][2][0], atol=1e-4, rtol=0)

    state = model.init_state(2)
    play(model, environment, state, both)
    before = [tensor[1].clone() for tensor in tensors(state)]
    play(model, environment[:, : 5 * 1280], state, torch.tensor([True, False]))
    assert all(torch.equal(old, new[1]) for old, new in zip(before, tensors(state)))
    reset_rows(state, [1])
    again = play(model, environment, state, both)
    assert torch.equal(again[0][1], together[0][1])


@torch.inference_mode()
def test_every_token_obeys_the_grammar(model: SalmonnOmni, tokens: Tokens):
    """A random model babbles; still no word piece stands outside speaking-text, and a shift to speaking is followed by a word."""
    token, _, _ = play(model, noise(4, 60), model.init_state(4), torch.ones(4, dtype=torch.bool))
    shifts = 0
    for row in token.tolist():
        mode = Mode.LISTENING
        for before, now in zip([tokens.think, *row], row):
            if before == tokens.shift and mode == Mode.TEXT:
                shifts += 1
                assert tokens.piece(now)
            mode = tokens.next_mode(mode, now)
    assert shifts > 0


@torch.inference_mode()
def test_a_shift_is_taken_when_it_is_probable_enough(tokens: Tokens, monkeypatch: pytest.MonkeyPatch):
    """p(<shift>) = 0.4 throughout, but 0 in the block after one to speaking, where a word must follow: below the default, above a threshold
    of 0.3 to start; above 0.35 to stop as well. With a memory of a half it adds up to 0.4, then 0.6, then 0.7."""
    cases = [(0.5, 0.5, 0.0, []), (0.3, 0.5, 0.0, [0]), (0.3, 0.35, 0.0, [0, 2, 3]), (0.3, 0.55, 0.5, [0, 3, 4]), (0.3, 0.65, 0.5, [0, 4])]
    cases += [(0.55, 0.65, 0.5, [1]), (0.65, 0.35, 0.5, [2, 4])]
    for start, stop, memory, shifts in cases:
        model = build(tokens)
        model.config = replace(model.config, thresholds=Thresholds(start, stop, memory))
        word = tokens.encode("one")[0]
        logits = torch.full((1, model.backbone.llm.config.vocab_size), -1e4)
        step = model.backbone.step

        def opinion(state: OmniState, logits: Tensor = logits, word: int = word) -> Tensor:
            """The rest is left to `<think>` while listening, to a word while speaking."""
            logits = logits.clone()
            logits[0, tokens.shift] = math.log(0.4)
            logits[0, word if state.mode[0] == Mode.TEXT else tokens.think] = math.log(0.6)
            return logits

        state = model.init_state(1)
        monkeypatch.setattr(model.backbone, "step", lambda *given, step=step, state=state: (opinion(state), step(*given)[1]))
        token, _, _ = play(model, noise(1, 5), state, torch.tensor([True]))
        assert (token[0] == tokens.shift).nonzero()[:, 0].tolist() == shifts, (start, stop, memory)


@torch.inference_mode()
def test_asked_for_patience_it_speaks_when_it_has_wanted_to_for_so_many_blocks_in_a_row(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
):
    """Likely from block 0 on, but for block 2: the third in a row is block 5. It is stopped as one that was not asked."""
    model = build(tokens)
    model.config = replace(model.config, thresholds=Thresholds(0.3, 0.3, patience=3))
    block, step = 0, model.backbone.step

    def opinion(*given: object) -> tuple[Tensor, Tensor]:
        logits = torch.full((2, model.backbone.llm.config.vocab_size), -1e4)
        logits[:, tokens.shift] = math.log(0.01 if block == 2 else 0.4)
        logits[:, [tokens.think, tokens.encode("one")[0]]] = math.log(0.3)
        return logits, step(*given)[1]

    monkeypatch.setattr(model.backbone, "step", opinion)
    state, active, patient = model.init_state(2), torch.tensor([True, True]), torch.tensor([Directive.PATIENT, Directive.FREE])
    shifts: list[list[int]] = [[], []]
    for block, heard in enumerate(noise(2, 9).split(1280, dim=1)):
        for row, token in enumerate(model.step(heard, state, active, patient).token):
            shifts[row] += [block] if token == tokens.shift else []
    assert shifts[0][:2] == [5, 7] and shifts[1][:2] == [0, 3]  # a word must follow each beginning


@torch.inference_mode()
@pytest.mark.parametrize("directive", [Directive.STAY, Directive.SHIFT, Directive.FREE])
def test_a_directive_goes_before_a_model_that_is_sure(directive: Directive, tokens: Tokens, monkeypatch: pytest.MonkeyPatch):
    """The probability of the `<shift>` is 1, of all else 0; kept from it, the model takes the best of what the grammar allows."""
    model = build(tokens)
    sure = torch.zeros(1, model.backbone.llm.config.vocab_size)
    sure[0, tokens.shift], sure[0, tokens.encode("one")[0]] = 1e4, 10.0
    step = model.backbone.step
    monkeypatch.setattr(model.backbone, "step", lambda *given: (sure, step(*given)[1]))
    output = model.step(noise(1, 1), model.init_state(1), torch.tensor([True]), torch.tensor([directive]))
    assert output.shift_probability == 1.0
    assert output.token == (tokens.think if directive == Directive.STAY else tokens.shift)
    assert bool(output.speaking) == (directive != Directive.STAY)


@torch.inference_mode()
def test_a_barge_in_throws_away_what_was_not_played(model: SalmonnOmni, tokens: Tokens, monkeypatch: pytest.MonkeyPatch):
    """After the `<shift>` back to listening nothing more is heard, and the assistant stream holds silence from the cut onward."""
    words = tokens.encode("one two three four five six")
    said = Script(model, [tokens.shift, *words[:5], tokens.shift, *[tokens.think] * 8])
    step = model.backbone.step
    monkeypatch.setattr(model.backbone, "step", lambda *given: (lambda out: (said.logits(out[1]), out[1]))(step(*given)))
    state = model.init_state(1)
    _, _, made = play(model, noise(1, 12), state, torch.tensor([True]))
    blocks = made.view(-1, 1280).abs().amax(1)
    assert blocks[4] > 0 and blocks[5] > 0  # four text slots after the shift, speech begins
    assert blocks[:4].max() == 0 and blocks[7:].max() == 0  # block 6 may fade out
    assert state.played.abs().max() == 0


def test_the_loss_falls_when_a_batch_is_learned(tokens: Tokens):
    model = build(tokens).train()
    labels = torch.tensor([[tokens.think] * 5 + [tokens.shift, *tokens.encode("hello there")] + [tokens.think] * 3])
    inputs = torch.cat([torch.tensor([[tokens.bos]]), labels[:, :-1]], dim=1)
    batch = Batch(noise(1, labels.shape[1]), None, inputs, labels, torch.ones(1, labels.shape[1]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        terms = model.loss(batch)
        losses.append(terms["loss"].item())
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
    assert losses[-1] < 0.2 * losses[0]
    assert model.loss(batch)["shifts_right"] == 1
