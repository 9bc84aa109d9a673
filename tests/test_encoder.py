"""The Mamba blocks against transformers, every scan against a plain loop, and streaming against offline."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from transformers import MambaConfig as PublishedConfig
from transformers import MambaModel

from parley.encoder import mamba
from parley.encoder.mamba import DepthwiseConv, Mamba, MambaConfig, SelectiveScan
from parley.encoder.speech_encoder import SpeechEncoder, SpeechEncoderConfig
from parley.native.library import library
from parley.streaming import reset_rows, tensors

SMALL = MambaConfig(d_model=32, layers=2, d_state=4)
EXACT = {"rtol": 0, "atol": 1e-5}


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


def scan_by_loop(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    ys = []
    for x_t, dt_t, b_t, c_t in zip(x, dt, b, c, strict=True):
        h = torch.exp(dt_t[:, None] * a) * h + (dt_t * x_t)[:, None] * b_t[:, :, None]
        ys.append((c_t[:, :, None] * h).sum(1))
    return torch.stack(ys), h


def scan_inputs(frames: int, rows: int, d_inner: int, d_state: int, dtype: torch.dtype) -> list[Tensor]:
    x, dt = torch.randn(frames, rows, d_inner, dtype=dtype), torch.rand(frames, rows, d_inner, dtype=dtype)
    a, h = -torch.rand(d_state, d_inner, dtype=dtype) * 3, torch.randn(rows, d_state, d_inner, dtype=dtype)
    b, c = torch.randn(2, frames, rows, d_state, dtype=dtype)
    return [tensor.clone().requires_grad_() for tensor in (x, dt, a, b, c, h)]


@pytest.fixture(params=["kernel", "in_sequence", "in_two_levels"])
def recurrence(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the test with the kernel, and with the processor's and the accelerator's recurrence of operators."""
    if request.param == "kernel":
        if library() is None:
            pytest.skip("no kernels on this machine")
        return
    monkeypatch.setattr(mamba, "serves", lambda x, widths: False)
    if request.param == "in_two_levels":
        monkeypatch.setattr(mamba, "recur_in_sequence", mamba.recur_in_two_levels)
        monkeypatch.setattr(mamba, "recur_backwards_in_sequence", mamba.recur_backwards_in_two_levels)


@pytest.mark.parametrize(("frames", "span", "states"), [(1, 8, 8), (2, 8, 4), (37, 8, 8), (50, 20, 16), (48, 256, 3)])
def test_scan_equals_the_plain_loop(recurrence: None, monkeypatch: pytest.MonkeyPatch, frames: int, span: int, states: int) -> None:
    monkeypatch.setattr(mamba, "CPU_SPAN", span)
    inputs = scan_inputs(frames, 3, 16, states, torch.float32)
    expected, got = scan_by_loop(*inputs), SelectiveScan.apply(*inputs)
    assert_close(got, expected, **EXACT)
    upstream = [torch.randn_like(tensor) for tensor in expected]
    grads = torch.autograd.grad(got, inputs, upstream)
    assert_close(grads, torch.autograd.grad(expected, inputs, upstream), rtol=1e-4, atol=1e-4)


def test_gradients_in_float64(recurrence: None) -> None:
    inputs = scan_inputs(11, 2, 3, 2, torch.float64)
    assert torch.autograd.gradcheck(SelectiveScan.apply, inputs)


def test_depthwise_convolution_equals_the_general_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mamba, "CPU_CONV_SPAN", 5)  # several spans, the last one shorter
    conv = torch.nn.Conv1d(6, 6, 4, groups=6).double()
    x = torch.randn(14, 3, 6, dtype=torch.float64, requires_grad=True)
    weight, bias = conv.weight.squeeze(1).T, conv.bias
    assert_close(DepthwiseConv.apply(x, weight, bias), conv(x.permute(1, 2, 0)).permute(2, 0, 1))
    inputs = [tensor.detach().clone().requires_grad_() for tensor in (x, weight, bias)]
    assert torch.autograd.gradcheck(DepthwiseConv.apply, inputs)


@pytest.mark.parametrize("frames", [1, 33])
def test_blocks_equal_the_published_implementation(recurrence: None, frames: int) -> None:
    published = MambaModel(PublishedConfig(vocab_size=2, hidden_size=48, num_hidden_layers=3, state_size=16, use_mambapy=False)).eval()
    for parameter in published.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    ours = Mamba(MambaConfig(d_model=48, layers=3))
    weights = published.state_dict()
    del weights["embeddings.weight"]
    ours.load_state_dict(weights, strict=True)
    x = torch.randn(2, frames, 48)
    with torch.no_grad():
        assert_close(ours(x), published(inputs_embeds=x).last_hidden_state, **EXACT)


def test_mamba_goes_on_from_its_state() -> None:
    model, x = Mamba(SMALL), torch.randn(3, 60, 32)
    whole, state = model(x), model.init_state(3)
    parts = [model(part, state) for part in x.split([1, 2, 17, 3, 30, 7], dim=1)]
    assert_close(torch.cat(parts, dim=1), whole, **EXACT)


def test_state_stays_float32_under_bfloat16() -> None:
    model, x = Mamba(SMALL), torch.randn(2, 20, 32)
    with torch.autocast("cpu", torch.bfloat16):
        state = model.init_state(2)
        y = model(x, state)
        model(x).square().mean().backward()
    assert state.ssm.dtype == torch.float32
    assert_close(y.float(), model(x), rtol=0, atol=0.1)
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.fixture
def encoder() -> SpeechEncoder:
    return SpeechEncoder(SpeechEncoderConfig(channels=16, mamba=SMALL)).eval()


@torch.no_grad()
def test_step_equals_forward_for_any_split(encoder: SpeechEncoder) -> None:
    pcm = torch.randn(2, 640 * 30) * 0.1
    whole = encoder(pcm)
    assert whole.shape == (2, 30, encoder.d_model)
    for frames in ([2] * 15, [1] * 30, [3, 1, 8, 2, 16]):
        state, active = encoder.init_state(2), torch.ones(2, dtype=torch.bool)
        stepped = [encoder.step(part, state, active) for part in pcm.split([640 * n for n in frames], dim=1)]
        assert_close(torch.cat(stepped, dim=1), whole, **EXACT)


@torch.no_grad()
def test_forward_is_causal_and_leaves_out_a_part_of_a_frame(encoder: SpeechEncoder) -> None:
    pcm = torch.randn(1, 640 * 10) * 0.1
    later = torch.cat([pcm[:, : 640 * 6], torch.randn(1, 2000)], dim=1)
    assert_close(encoder(later)[:, :6], encoder(pcm)[:, :6], **EXACT)
    assert encoder(later).shape[1] == (640 * 6 + 2000) // 640
    for samples in (0, 1, 639):
        assert encoder(later[:, :samples]).shape == (1, 0, encoder.d_model)


@torch.no_grad()
def test_encode_takes_a_log_mel_made_before(encoder: SpeechEncoder) -> None:
    pcm = torch.randn(2, 640 * 10) * 0.1
    assert torch.equal(encoder.encode(encoder.log_mel(pcm)), encoder(pcm))


@torch.no_grad()
def test_an_inactive_row_is_untouched_bit_for_bit(encoder: SpeechEncoder) -> None:
    state, everyone = encoder.init_state(3), torch.ones(3, dtype=torch.bool)
    encoder.step(torch.randn(3, 1280), state, everyone)
    before = [tensor.clone() for tensor in tensors(state)]
    encoder.step(torch.randn(3, 1280), state, torch.tensor([True, False, True]))
    for old, new in zip(before, tensors(state), strict=True):
        assert torch.equal(old[1], new[1])
        assert not torch.equal(old[0], new[0])


@torch.no_grad()
def test_a_stalled_row_goes_on_where_it_stopped(encoder: SpeechEncoder) -> None:
    pcm = torch.randn(1, 1280 * 4) * 0.1
    state, heard = encoder.init_state(2), []
    for block in range(8):
        runs = block % 2 == 0
        mine = pcm[:, block // 2 * 1280 :][:, :1280] if runs else torch.randn(1, 1280)
        y = encoder.step(torch.cat([mine, torch.randn(1, 1280)]), state, torch.tensor([runs, True]))
        heard += [y[:1]] if runs else []
    assert_close(torch.cat(heard, dim=1), encoder(pcm), **EXACT)


@torch.no_grad()
def test_a_neighbouring_row_changes_nothing(encoder: SpeechEncoder) -> None:
    pcm = torch.randn(3, 1280 * 5) * 0.1
    assert_close(encoder(pcm)[1:2], encoder(pcm[1:2]), rtol=1e-6, atol=2e-6)  # matrix products of other sizes round otherwise


@torch.no_grad()
def test_reset_rows_start_again(encoder: SpeechEncoder) -> None:
    state, everyone = encoder.init_state(2), torch.ones(2, dtype=torch.bool)
    encoder.step(torch.randn(2, 1280), state, everyone)
    before = [tensor.clone() for tensor in tensors(state)]
    reset_rows(state, [1])
    assert all(torch.equal(old[0], new[0]) and not new[1].any() for old, new in zip(before, tensors(state), strict=True))
    pcm = torch.randn(1, 1280)
    assert_close(encoder.step(pcm.expand(2, -1), state, everyone)[1:], encoder(pcm), **EXACT)


def test_every_parameter_is_trained_at_any_width() -> None:
    encoder = SpeechEncoder(SpeechEncoderConfig(channels=12, mamba=SMALL))
    encoder(torch.randn(2, 640 * 8)).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in encoder.parameters())
