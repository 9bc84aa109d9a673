"""The kernels in C give what the general operators give, and a row's bits do not depend on the others."""

import copy
import ctypes
import logging
import pickle
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.testing import assert_close
from transformers import LlamaForCausalLM

from parley.encoder.mamba import Mamba, MambaConfig
from parley.llm import llama
from parley.llm.backbone import Backbone, BackboneConfig, LlamaSize, small_llama
from parley.llm.layout import SLOTS
from parley.llm.tokens import Tokens, train_tokenizer
from parley.native import library
from parley.native.library import Kept, Packed
from parley.native.linear import Conv1d, Linear
from parley.synthesizer.causal import CausalStack, StackConfig
from parley.synthesizer.speech_lm import SpeechLM, SpeechLMConfig
from parley.synthesizer.synthesizer import Event, Synthesizer, SynthesizerConfig

Run = Callable[[], list[Tensor]]
with_kernels = pytest.mark.skipif(library.library() is None, reason="no kernels on this machine")


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    torch.manual_seed(0)
    with torch.no_grad():
        yield


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], tuple[list[Tensor], list[Tensor]]]:
    """Computes something with the kernels, and without; they are called in the one case, and not in the other."""

    def compute(what: Run) -> tuple[list[Tensor], list[Tensor]]:
        called = []
        found = library.kernels()

        class Counted:
            def __getattr__(self, name: str) -> ctypes._CFuncPtr:
                called.append(name)
                return found[name]

        with monkeypatch.context() as patch:
            patch.setattr(library, "library", lambda: Counted())
            native = what()
        assert called
        with monkeypatch.context() as patch:
            patch.setattr(library, "library", lambda: None)
            return native, what()

    return compute


def alone_and_among(run: Callable[[list[int]], Tensor], rows: int) -> None:
    """`run(rows)` gives (blocks, rows, ...); every row has the same bits alone as among all."""
    together = run([*range(rows)])
    for row in range(rows):
        assert torch.equal(run([row])[:, 0], together[:, row]), row


def test_a_machine_with_a_compiler_has_kernels(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PARLEY_NATIVE", raising=False)
    assert library.compiler() is None or library.library.__wrapped__() is not None


@with_kernels
@pytest.mark.parametrize(("width", "out"), [(16, 16), (7, 33), (704, 256), (256, 1001)])
def test_linear_layers_have_the_same_bits_for_any_number_of_tokens(width: int, out: int):
    weight, bias, x = torch.randn(out, width), torch.randn(out), torch.randn(23, width)
    packed = Packed([weight[: out // 2], weight[out // 2 :]], bias)
    whole = packed(x)
    assert_close(whole, F.linear(x, weight, bias), atol=1e-4, rtol=1e-5)
    for count in range(14):
        assert torch.equal(packed(x[5 : 5 + count]), whole[5 : 5 + count])


@with_kernels
@pytest.mark.parametrize("layer", [Linear(20, 9), Linear(20, 9, bias=False), Conv1d(20, 9, 3, 2), Conv1d(20, 9, 3, 1)])
def test_layers_of_a_few_positions(layer: nn.Module, both: Callable):
    x = torch.randn(3, 20, 11)
    native, general = both(lambda: [layer(x if isinstance(layer, nn.Conv1d) else x.transpose(1, 2))])
    assert_close(native, general, atol=1e-5, rtol=1e-5)


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens.of(train_tokenizer(["hello there my friend"] * 9, 300))


def backbone(tokens: Tokens, head: int, shared: int, layers: int, speech_layer: int) -> Backbone:
    size = LlamaSize(len(tokens.tokenizer), 4 * head, 88, num_hidden_layers=layers, num_attention_heads=4, num_key_value_heads=4 // shared)
    return Backbone(small_llama(size, tokens), BackboneConfig(context_blocks=7, speech_layer=speech_layer)).eval()


@with_kernels
@pytest.mark.parametrize(("head", "shared", "layers", "speech_layer"), [(16, 2, 3, 2), (8, 4, 1, 0), (40, 1, 1, 1), (104, 2, 2, 2)])
def test_a_backbone_through_a_full_ring(tokens: Tokens, both: Callable, head: int, shared: int, layers: int, speech_layer: int):
    model = backbone(tokens, head, shared, layers, speech_layer)
    heard, here = torch.randn(20, 3, SLOTS, 4 * head), torch.rand(20, 3) < 0.7
    here[4] = False

    def run() -> list[Tensor]:
        state, made = model.init_state(3), []
        for embeddings, active in zip(heard, here):
            logits, speech = model.step(embeddings, state, active)
            made += [logits[active], speech[active]]
        return [*made, *state.keys, state.blocks]

    native, general = both(run)
    assert_close(native, general, atol=2e-5, rtol=1e-4)

    def some(rows: list[int]) -> Tensor:
        state, everyone = model.init_state(len(rows)), torch.ones(len(rows), dtype=torch.bool)
        return torch.stack([torch.cat(model.step(embeddings[rows], state, everyone), 1) for embeddings in heard])

    alone_and_among(some, 3)


def test_only_a_plain_llama_is_taken_for_one(tokens: Tokens, monkeypatch: pytest.MonkeyPatch):
    llm = backbone(tokens, 16, 1, 2, 1).llm
    assert llama.plain(llm)

    class Other(LlamaForCausalLM):
        pass

    assert not llama.plain(Other(llm.config))
    last = llm.model.layers[1].mlp
    last.down_proj = nn.Linear(88, 64)  # has a bias
    assert not llama.plain(llm)
    last.down_proj = nn.Sequential(nn.Linear(88, 64, bias=False))  # as an adapter wraps it
    last.down_proj.weight, last.down_proj.bias = last.down_proj[0].weight, None
    assert not llama.plain(llm)
    llm = backbone(tokens, 16, 1, 2, 1).llm
    monkeypatch.setattr(llama, "LARGEST", 1000)
    assert not llama.plain(llm)


@with_kernels
def test_a_speech_language_model_with_rows_in_all_phases(both: Callable):
    lm = SpeechLM(SpeechLMConfig(width=64, layers=2, heads=2, hidden=88, speech_tokens=40), text_width=32, vocabulary=50).eval()
    lm.head.bias[lm.eos] = 0.5  # some end early
    text, spoken, here = torch.randn(30, 4, 64), torch.rand(30, 4) < 0.9, torch.rand(30, 4) < 0.8
    here[3] = False

    def of(rows: list[int]) -> list[Tensor]:
        state = lm.init_state(len(rows))
        for t in range(30):
            if t == 17:
                lm.forget(state, torch.tensor([row == 1 for row in rows]))
            lm.step(text[t, rows], spoken[t, rows], state, here[t, rows])
        tokens = torch.where(torch.arange(state.tokens.shape[1]) < state.count[:, None], state.tokens, 0)
        return [state.length, state.count, state.done, state.closing, tokens]

    native, general = both(lambda: of([0, 1, 2, 3]))
    assert all(torch.equal(a, b) for a, b in zip(native, general)) and native[1].max() > 9 and native[2].any()
    alone_and_among(lambda rows: of(rows)[4][None], 4)


@with_kernels
@pytest.mark.parametrize("frames", [1, 2, 8, 16])
def test_a_causal_stack(both: Callable, frames: int):
    stack = CausalStack(StackConfig(width=24, hidden=40, blocks=3, kernel=7)).eval()
    heard = torch.randn(6, 3, frames, 24)
    for block in stack.blocks:
        block.norm.weight.fill_(4.0)  # far out on either side of the GELU

    def of(rows: list[int]) -> list[Tensor]:
        state, made = stack.init_state(len(rows)), []
        for x in heard:
            y, state = stack.advance(x[rows], state)
            made.append(y)
        return [*made, *state.contexts]

    native, general = both(lambda: of([0, 1, 2]))
    assert_close(native, general, atol=2e-5, rtol=1e-5)
    alone_and_among(lambda rows: torch.stack(of(rows)[: len(heard)]), 3)
    assert stack.advance(heard[0, :0], stack.init_state(0))[0].shape == (0, frames, 24)


@with_kernels
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_mamba_blocks(both: Callable, frames: int):
    mamba = Mamba(MambaConfig(d_model=24, layers=3, d_state=8)).eval()
    for layer in mamba.layers:
        layer.mixer.dt_proj.bias.copy_(torch.linspace(-25, 25, 48))  # softplus where it is straight, and where it vanishes
    heard, here = torch.randn(12, 4, frames, 24), torch.rand(12, 4) < 0.7
    here[5] = False

    def of(rows: list[int]) -> list[Tensor]:
        state = mamba.init_state(len(rows))
        made = [mamba.step(x[rows], state, active[rows]) * active[rows, None, None] for x, active in zip(heard, here)]
        return [*made, state.conv, state.ssm]

    native, general = both(lambda: of([0, 1, 2, 3]))
    assert_close(native, general, atol=1e-5, rtol=1e-5)
    alone_and_among(lambda rows: torch.stack(of(rows)[: len(heard)]), 4)
    mamba.layers[0].mixer.dt_proj.bias[0] = torch.nan
    assert any(made.isnan().any() for made in of([0, 1]))


@with_kernels
def test_mamba_blocks_in_training(both: Callable):
    mamba, x, upstream = Mamba(MambaConfig(d_model=24, layers=2, d_state=8)), torch.randn(3, 40, 24), torch.randn(3, 40, 24)

    def of(rows: list[int]) -> list[Tensor]:
        given = x[rows].requires_grad_()
        with torch.enable_grad():
            y = mamba(given)
        return [y.detach(), *torch.autograd.grad(y, [given, *mamba.parameters()], upstream[rows])]

    native, general = both(lambda: of([0, 1, 2]))
    assert_close(native, general, atol=2e-4, rtol=1e-4)
    assert all(grad.abs().max() > 0 for grad in native)


@with_kernels
def test_what_the_kernels_leave_out_changes_nothing(both: Callable):
    """Rows that listen, or have nothing to sound."""
    synthesizer = Synthesizer(SynthesizerConfig(SpeechLMConfig(width=64, layers=1, heads=2, hidden=88, connector=16)), 32, 50).eval()
    events = torch.tensor([[0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3, 0], [0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2], [0] * 12])
    hidden, pieces, here = torch.randn(3, 12, 32), torch.randint(50, (3, 12)), torch.tensor([True, True, True])

    def run() -> list[Tensor]:
        state = synthesizer.init_state(3)
        pcm = [synthesizer.step(hidden[:, t], pieces[:, t], events[:, t], state, here) for t in range(12)]
        return [torch.cat(pcm, 1), state.lm.count, state.played]

    native, general = both(run)
    assert_close(native, general, atol=1e-4, rtol=0)
    assert native[0][1].abs().max() > 0 and not native[0][2].any() and (events == Event.FLUSH).any()


def test_changed_weights_are_seen_and_a_copy_is_its_own():
    mamba, everyone = Mamba(MambaConfig(d_model=16, layers=1, d_state=8)).eval(), torch.tensor([True])
    x = torch.randn(1, 2, 16)

    def of(model: Mamba) -> Tensor:
        return model.step(x, model.init_state(1), everyone)

    def changes(change: Callable[[], object]) -> None:
        old = of(mamba)
        change()
        assert (of(mamba) - old).abs().max() > 1e-3
        assert_close(of(mamba), mamba(x.repeat(1, 6, 1))[:, :2], atol=1e-5, rtol=0)

    before, copies = of(mamba), [copy.deepcopy(mamba), pickle.loads(pickle.dumps(mamba))]
    mixer = mamba.layers[0].mixer
    changes(lambda: mixer.D.add_(1.0))
    changes(lambda: mamba.load_state_dict({name: 1.5 * value for name, value in mamba.state_dict().items()}, assign=True))
    changes(lambda: setattr(mixer, "D", nn.Parameter(torch.zeros_like(mixer.D))))
    changes(lambda: setattr(mixer.D, "data", torch.ones_like(mixer.D)))
    assert all(torch.equal(of(other), before) for other in copies)


def test_what_could_not_be_made_anew_is_not_the_old_one():
    kept: Kept[str] = Kept()
    layer = nn.Linear(2, 2)
    assert kept.of(layer, lambda: "old") == "old"
    layer.weight.add_(1.0)
    with pytest.raises(MemoryError):
        kept.of(layer, lambda: (_ for _ in ()).throw(MemoryError()))
    assert kept.of(layer, lambda: "new") == "new" and kept.of(layer, lambda: "newer") == "new"


@with_kernels
def test_weights_of_another_precision_are_not_read_as_floats():
    with pytest.raises(AssertionError):
        Packed([torch.randn(4, 4, dtype=torch.float64)])
    layer = Linear(4, 4).double()
    assert_close(layer(torch.ones(1, 4, dtype=torch.float64)), F.linear(torch.ones(1, 4).double(), layer.weight, layer.bias))


def test_without_a_compiler_the_general_operators_serve(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    def refused(*_: object) -> ctypes.CDLL:
        raise subprocess.CalledProcessError(1, "cc", stderr="cc: no such option")

    def hanging(*_: object) -> ctypes.CDLL:
        raise subprocess.TimeoutExpired("cc", 1)

    monkeypatch.delenv("PARLEY_NATIVE", raising=False)
    monkeypatch.setattr(library, "loaded", refused)
    for command, made, said in ((None, refused, "no C compiler"), ("cc", refused, "no such option"), ("cc", hanging, "timed out")):
        monkeypatch.setattr(library, "compiler", lambda command=command: command)
        monkeypatch.setattr(library, "loaded", made)
        with caplog.at_level(logging.WARNING):
            assert library.library.__wrapped__() is None and said in caplog.text
    monkeypatch.setenv("PARLEY_NATIVE", "0")
    monkeypatch.setattr(library, "compiler", None)
    assert library.library.__wrapped__() is None


@with_kernels
def test_the_library_is_made_once_and_again_when_it_is_damaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    command, folder = library.compiler(), library.cache_folder()
    assert command is not None and folder == tmp_path / "parley"
    library.loaded(command, folder)
    (made,) = folder.iterdir()
    before = made.stat()
    library.loaded(command, folder)
    assert made.stat() == before

    broken = tmp_path / "other"
    broken.mkdir()
    (broken / made.name).write_bytes(b"")
    assert library.loaded(command, broken).linear and (broken / made.name).stat().st_size == before.st_size


@with_kernels
def test_without_a_cache_folder_the_library_is_made_for_this_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("PARLEY_NATIVE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which the standard says to ignore
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert library.cache_folder() == tmp_path / "home" / ".cache" / "parley"

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(library.tempfile, "tempdir", str(tmp_path))
    assert library.library.__wrapped__() is not None and not [*tmp_path.glob("parley-*")]
