"""The kernels in C give what the general operators give, and a row's bits do not depend on the others."""

import copy
import logging
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.testing import assert_close

from parley.encoder.mamba import Mamba, MambaConfig
from parley.llm.backbone import Backbone, BackboneConfig, LlamaSize, small_llama
from parley.llm.layout import SLOTS
from parley.llm.tokens import Tokens, train_tokenizer
from parley.native import library
from parley.native.library import Packed
from parley.synthesizer.causal import CausalStack, StackConfig
from parley.synthesizer.speech_lm import SpeechLM, SpeechLMConfig


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    torch.manual_seed(0)
    with torch.no_grad():
        yield


@pytest.fixture
def general(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], list[Tensor]]], list[Tensor]]:
    """Computes something without the kernels."""

    def compute(what: Callable[[], list[Tensor]]) -> list[Tensor]:
        with monkeypatch.context() as patch:
            patch.setattr(library, "library", lambda: None)
            return what()

    return compute


def test_there_are_kernels_on_a_machine_with_a_compiler():
    assert library.compiler() is None or library.library() is not None


@pytest.mark.parametrize(("width", "out"), [(16, 16), (7, 33), (704, 256), (256, 1001)])
def test_linear_layers_have_the_same_bits_for_any_number_of_tokens(width: int, out: int):
    weight, bias, x = torch.randn(out, width), torch.randn(out), torch.randn(23, width)
    packed = Packed([weight[: out // 2], weight[out // 2 :]], bias)
    whole = packed(x)
    assert_close(whole, F.linear(x, weight, bias), atol=1e-4, rtol=1e-5)
    for count in range(1, 14):
        assert torch.equal(packed(x[5 : 5 + count]), whole[5 : 5 + count])


def test_a_backbone_through_a_full_ring(general: Callable):
    tokens = Tokens.of(train_tokenizer(["hello there my friend"] * 9, 300))
    size = LlamaSize(len(tokens.tokenizer), 64, 88, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2)
    model = Backbone(small_llama(size, tokens), BackboneConfig(context_blocks=7, speech_layer=2)).eval()
    heard, here = torch.randn(20, 3, SLOTS, 64), torch.rand(20, 3) < 0.7

    def run() -> list[Tensor]:
        state, made = model.init_state(3), []
        for embeddings, active in zip(heard, here):
            logits, speech = model.step(embeddings, state, active)
            made += [logits[active], speech[active]]
        return [*made, *state.keys, state.blocks]

    assert_close(run(), general(run), atol=2e-5, rtol=1e-4)


def test_a_speech_language_model_with_rows_in_all_phases(general: Callable):
    lm = SpeechLM(SpeechLMConfig(width=64, layers=2, heads=2, hidden=88, speech_tokens=40), text_width=32, vocabulary=50).eval()
    lm.head.bias[lm.eos] = 0.5  # some end early
    text, spoken, here = torch.randn(30, 4, 64), torch.rand(30, 4) < 0.9, torch.rand(30, 4) < 0.8

    def run() -> list[Tensor]:
        state = lm.init_state(4)
        for t in range(30):
            if t == 17:
                lm.forget(state, torch.tensor([False, True, False, False]))
            lm.step(text[t], spoken[t], state, here[t])
        return [
            state.length,
            state.count,
            state.done,
            state.closing,
            torch.where(torch.arange(515) < state.count[:, None], state.tokens, 0),
        ]

    found, expected = run(), general(run)
    assert all(torch.equal(a, b) for a, b in zip(found, expected)) and found[1].max() > 9 and found[2].any()


@pytest.mark.parametrize("frames", [1, 2, 8, 16])
def test_a_causal_stack(general: Callable, frames: int):
    stack = CausalStack(StackConfig(width=24, hidden=40, blocks=3, kernel=7)).eval()
    heard = torch.randn(6, 3, frames, 24)
    for block in stack.blocks:
        block.norm.weight.fill_(4.0)  # far out on either side of the GELU

    def run() -> list[Tensor]:
        state, made = stack.init_state(3), []
        for x in heard:
            y, state = stack.advance(x, state)
            made.append(y)
        return [*made, *state.contexts]

    assert_close(run(), general(run), atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_mamba_blocks(general: Callable, frames: int):
    mamba = Mamba(MambaConfig(d_model=24, layers=3, d_state=8)).eval()
    for layer in mamba.layers:
        layer.mixer.dt_proj.bias.copy_(torch.linspace(-25, 25, 48))  # softplus where it is straight, and where it vanishes
    heard, here = torch.randn(12, 4, frames, 24), torch.rand(12, 4) < 0.7

    def run() -> list[Tensor]:
        state = mamba.init_state(4)
        made = [mamba.step(x, state, active)[active] for x, active in zip(heard, here)]
        return [*made, state.conv, state.ssm]

    assert_close(run(), general(run), atol=1e-5, rtol=1e-5)


def test_changed_weights_are_seen_and_a_copy_is_its_own():
    mamba, everyone = Mamba(MambaConfig(d_model=16, layers=1, d_state=8)).eval(), torch.tensor([True])
    x = torch.randn(1, 2, 16)

    def of(model: Mamba) -> Tensor:
        return model.step(x, model.init_state(1), everyone)

    before, other = of(mamba), copy.deepcopy(mamba)
    mamba.layers[0].mixer.D.add_(1.0)
    assert (of(mamba) - before).abs().max() > 1e-3 and torch.equal(of(other), before)
    assert_close(of(mamba), mamba(x), atol=1e-5, rtol=0)


def test_without_a_compiler_the_general_operators_serve(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    def refused(*_: object) -> Path:
        raise subprocess.CalledProcessError(1, "cc", stderr="cc: no such option")

    for name, replacement, said in (("compiler", lambda: None, "no C compiler"), ("compiled", refused, "no such option")):
        with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
            patch.setattr(library, name, replacement)
            if name == "compiled":
                patch.setattr(library, "compiler", lambda: "cc")
            assert library.library.__wrapped__() is None and said in caplog.text
    monkeypatch.setenv("PARLEY_NATIVE", "0")
    assert library.library.__wrapped__() is None


def test_the_library_is_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = library.compiler()
    if found is None:
        pytest.skip("no C compiler here")
    made = library.compiled(found)
    assert made.parent == tmp_path / "parley" and [made] == [*made.parent.iterdir()]
    monkeypatch.setattr(subprocess, "run", None)
    assert library.compiled(found) == made
