"""Mamba-1 (Gu and Dao, 2023) in plain PyTorch: one selective scan for training and for streaming.

Paper symbol -> name here: Delta -> `dt`, A -> `a_log` seen as -exp(A_log), B -> `b`, C -> `c`, h -> `h`, x -> `x`, y -> `y`.
Shapes: rows = independent streams, frames = time, d_inner = expand * d_model, d_state = N of the paper.
Inside the scan tensors are (frames, rows, d_state, d_inner): one frame is contiguous and d_inner, the long axis, vectorises.
Parameter names are those of the published checkpoints (`layers.N.mixer.in_proj.weight`, ..., `norm_f.weight`).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from parley.native import scan
from parley.native.library import Kept, serves
from parley.native.mamba import MambaKernel, MambaWeights
from parley.streaming import write_rows

CPU_SPAN = 8  # frames that the scan works on at once: few enough to stay in the processor's cache
CPU_CONV_SPAN = 64  # ... and the convolution's way back, of which a frame is smaller by d_state
GPU_SPAN = 256  # enough to fill the device; its memory does not grow with the recording
FEW = 8  # frames: up to here a step's kernel is faster than operators
GROUP = 16  # frames of a group in the two-level recurrence


@dataclass(frozen=True)
class MambaConfig:
    d_model: int = 256
    layers: int = 4
    d_state: int = 16
    d_conv: int = 4
    expand: int = 2
    dt_rank: int = 0  # 0: ceil(d_model / 16)
    norm_eps: float = 1e-5
    dt_min: float = 0.001  # range of the initial step sizes
    dt_max: float = 0.1

    @property
    def d_inner(self) -> int:
        return self.expand * self.d_model

    @property
    def rank(self) -> int:
        return self.dt_rank or math.ceil(self.d_model / 16)


@dataclass
class MambaState:
    """What the blocks remember: the last inputs of their convolutions, and h."""

    conv: Tensor  # (rows, layers, d_conv - 1, d_inner)
    ssm: Tensor  # (rows, layers, d_state, d_inner), float32


def recur_in_sequence(a: Tensor, b: Tensor, h: Tensor) -> None:
    """h_t = a_t * h_(t-1) + b_t, frame by frame; b becomes every h_t. a, b: (frames, ...); h: (...), before the first frame."""
    for a_t, b_t in zip(a.unbind(), b.unbind(), strict=True):
        h = b_t.addcmul_(a_t, h)


def recur_backwards_in_sequence(a: Tensor, b: Tensor, h: Tensor) -> None:
    """`recur_in_sequence` from the last frame to the first; h is what comes after the last."""
    for a_t, b_t in zip(reversed(a.unbind()), reversed(b.unbind()), strict=True):
        h = b_t.addcmul_(a_t, h)


def recur_in_two_levels(a: Tensor, b: Tensor, h: Tensor) -> None:
    """`recur_in_sequence` in few launches: the frames of a group in turn, all groups at once; then a carry from group to group."""
    frames = len(a)
    padding = [0, 0] * (a.ndim - 1) + [0, -frames % GROUP]
    decay = F.pad(a, padding).unflatten(0, (-1, GROUP))  # (groups, GROUP, ...), a copy
    local = F.pad(b, padding).unflatten(0, (-1, GROUP))
    for step in range(1, GROUP):
        local[:, step].addcmul_(decay[:, step], local[:, step - 1])
        decay[:, step].mul_(decay[:, step - 1])  # since the group began
    starts = []
    for group_decay, group_end in zip(decay[:, -1], local[:, -1], strict=True):
        starts.append(h)
        h = torch.addcmul(group_end, group_decay, h)
    if starts:
        b.copy_(local.addcmul_(decay, torch.stack(starts).unsqueeze(1)).flatten(0, 1)[:frames])


def recur_backwards_in_two_levels(a: Tensor, b: Tensor, h: Tensor) -> None:
    flipped = b.flip(0)
    recur_in_two_levels(a.flip(0), flipped, h)
    b.copy_(flipped.flip(0))


@dataclass(frozen=True)
class Spans:
    """The frames cut into spans, and the recurrences that suit the device and the number of frames."""

    frames: int
    length: int
    recur: Callable[[Tensor, Tensor, Tensor], None]
    recur_backwards: Callable[[Tensor, Tensor, Tensor], None]

    @classmethod
    def of(cls, x: Tensor, on_cpu: int) -> "Spans":
        length = min(len(x), on_cpu if x.device.type == "cpu" else GPU_SPAN)
        if x.device.type == "cpu" or length <= GROUP:
            return cls(len(x), length, recur_in_sequence, recur_backwards_in_sequence)
        return cls(len(x), length, recur_in_two_levels, recur_backwards_in_two_levels)

    def __iter__(self) -> Iterator[slice]:
        return (slice(start, min(start + self.length, self.frames)) for start in range(0, self.frames, self.length))


def discretise(x: Tensor, dt: Tensor, a: Tensor, b: Tensor, decay: Tensor, inputs: Tensor) -> None:
    """decay = exp(dt A) and inputs = dt x B, each (frames, rows, d_state, d_inner), written in place."""
    torch.mul(dt.unsqueeze(2), a * math.log2(math.e), out=decay).exp2_()  # on CPU twice as fast as exp
    torch.mul((dt * x).unsqueeze(2), b.unsqueeze(3), out=inputs)


def over_states(weights: Tensor, h: Tensor) -> Tensor:
    """Sum over d_state: (frames, rows, d_state), (frames, rows, d_state, d_inner) -> (frames, rows, d_inner)."""
    return (weights.unsqueeze(2) @ h).squeeze(2)


def over_inner(h: Tensor, weights: Tensor) -> Tensor:
    """Sum over d_inner: (frames, rows, d_state, d_inner), (frames, rows, d_inner) -> (frames, rows, d_state)."""
    return (weights.unsqueeze(2) @ h.transpose(2, 3)).squeeze(2)


class SelectiveScan(torch.autograd.Function):
    """h_t = exp(dt_t A) h_(t-1) + dt_t x_t B_t, y_t = C_t h_t, span by span.

    Only the first h of each span is kept for the backward pass, which recomputes the others: less memory traffic than saving them. Where
    the kernels serve, it is they that do both.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """x, dt: (frames, rows, d_inner); a: (d_state, d_inner), negative; b, c: (frames, rows, d_state);
        h: (rows, d_state, d_inner) before the first frame -> y as x, and the last h."""
        ctx.native = serves(x, x.shape[2:])
        if ctx.native:
            y, h, kept = scan.forwards(x, dt, a, b, c, h)
            ctx.save_for_backward(*kept)
            return y, h
        spans, y, starts = Spans.of(x, CPU_SPAN), torch.empty_like(x), []
        room = x.new_empty(2, spans.length, *h.shape)
        for span in spans:
            starts.append(h)
            decay, states = room[:, : span.stop - span.start]
            discretise(x[span], dt[span], a, b[span], decay, states)
            spans.recur(decay, states, h)
            y[span] = over_states(c[span], states)
            h = states[-1].clone()
        ctx.save_for_backward(x, dt, a, b, c, *starts)
        return y, h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Tensor, carry: Tensor) -> tuple[Tensor, ...]:
        """`carry` is the gradient that reaches the last h of a span from all that comes after it."""
        if ctx.native:
            return scan.backwards(ctx.saved_tensors, grad_y, carry)
        x, dt, a, b, c, *starts = ctx.saved_tensors
        spans = Spans.of(x, CPU_SPAN)
        grad_x, grad_dt, grad_b, grad_c = (torch.empty_like(tensor) for tensor in (x, dt, b, c))
        room = x.new_empty(4, spans.length, *carry.shape)
        grad_a = torch.zeros_like(room[0])
        for span, start in reversed(list(zip(spans, starts, strict=True))):
            decay, states, g, product = room[:, : span.stop - span.start]
            discretise(x[span], dt[span], a, b[span], decay, states)
            spans.recur(decay, states, start)
            grad_c[span] = over_inner(states, grad_y[span])

            torch.mul(grad_y[span].unsqueeze(2), c[span].unsqueeze(3), out=g)
            g[-1] += carry
            spans.recur_backwards(decay[1:], g[:-1], g[-1])  # g is the gradient of h
            grad_inputs = over_states(b[span], g)
            grad_b[span] = over_inner(g, dt[span] * x[span])

            g *= decay
            carry = g[0].clone()
            g[1:] *= states[:-1]
            g[0] *= start  # g is the gradient of dt A
            grad_x[span] = grad_inputs * dt[span]
            grad_dt[span] = torch.sum(torch.mul(g, a, out=product), 2).addcmul_(grad_inputs, x[span])
            grad_a[: len(g)].addcmul_(g, dt[span].unsqueeze(2))
        return grad_x, grad_dt, grad_a.sum((0, 1)), grad_b, grad_c, carry


class DepthwiseConv(torch.autograd.Function):
    """Causal convolution of every channel alone, as shifted products: on CPU much faster than the general convolution."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """x: (width - 1 + frames, rows, channels); weight: (width, channels); bias: (channels) -> (frames, rows, channels)."""
        ctx.save_for_backward(x, weight)
        frames = len(x) - len(weight) + 1
        y = torch.addcmul(bias, x[:frames], weight[0])
        for shift in range(1, len(weight)):
            y.addcmul_(x[shift : shift + frames], weight[shift])
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor, ...]:
        x, weight = ctx.saved_tensors
        grad_x, grad_weight = torch.zeros_like(x), torch.zeros_like(weight)
        for span in Spans.of(grad_y, CPU_CONV_SPAN):
            for shift in range(len(weight)):
                shifted = slice(span.start + shift, span.stop + shift)
                grad_x[shifted].addcmul_(grad_y[span], weight[shift])
                grad_weight[shift] += (x[shifted] * grad_y[span]).sum((0, 1))
        return grad_x, grad_weight, grad_y.sum((0, 1))


class Mixer(nn.Module):
    def __init__(self, config: MambaConfig) -> None:
        super().__init__()
        self.splits = [config.rank, config.d_state, config.d_state]
        self.in_proj = nn.Linear(config.d_model, 2 * config.d_inner, bias=False)
        self.conv1d = nn.Conv1d(config.d_inner, config.d_inner, config.d_conv, groups=config.d_inner)  # holds the weights
        self.x_proj = nn.Linear(config.d_inner, sum(self.splits), bias=False)
        self.dt_proj = nn.Linear(config.rank, config.d_inner)
        self.A_log = nn.Parameter(torch.arange(1.0, config.d_state + 1).log().repeat(config.d_inner, 1))
        self.D = nn.Parameter(torch.ones(config.d_inner))
        self.out_proj = nn.Linear(config.d_inner, config.d_model, bias=False)
        with torch.no_grad():
            nn.init.uniform_(self.dt_proj.weight, -(config.rank**-0.5), config.rank**-0.5)
            dt = torch.empty(config.d_inner).uniform_(math.log(config.dt_min), math.log(config.dt_max)).exp()
            self.dt_proj.bias.copy_(dt + torch.log(-torch.expm1(-dt)))  # the inverse of softplus
            self.out_proj.weight.div_(math.sqrt(config.layers))  # the residual sum keeps its scale at any depth

    def weights(self, norm: Tensor) -> MambaWeights:
        bias = self.conv1d.bias
        assert bias is not None
        a = -self.A_log.T.exp()
        before = norm, self.in_proj.weight, self.conv1d.weight.squeeze(1), bias
        return MambaWeights(*before, self.x_proj.weight, self.dt_proj.weight, self.dt_proj.bias, a, self.D, self.out_proj.weight)

    def forward(self, x: Tensor, conv: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x: (frames, rows, d_model); conv: (d_conv - 1, rows, d_inner); h: (rows, d_state, d_inner) -> the same three, later."""
        x, gate = self.in_proj(x).chunk(2, dim=-1)  # (frames, rows, d_inner) each
        x = torch.cat([conv.to(x.dtype), x])
        conv = x[len(x) - len(conv) :]
        weight, bias = self.conv1d.weight.squeeze(1).T, self.conv1d.bias
        assert bias is not None
        x = F.silu(DepthwiseConv.apply(x, weight.contiguous().to(x.dtype), bias.to(x.dtype)))
        rank, b, c = self.x_proj(x).split(self.splits, dim=-1)
        with torch.autocast(x.device.type, enabled=False):  # dt, A, D and h stay in h's precision
            x, rank, b, c = (tensor.to(h.dtype) for tensor in (x, rank, b, c))
            dt = F.softplus(F.linear(rank, self.dt_proj.weight.to(h.dtype), self.dt_proj.bias.to(h.dtype)))
            a = -self.A_log.T.contiguous().to(h.dtype).exp()
            y, h = SelectiveScan.apply(x, dt, a, b, c, h)
            y = torch.addcmul(y, x, self.D.to(h.dtype))
        return self.out_proj(y.to(gate.dtype) * F.silu(gate)), conv, h


class Block(nn.Module):
    """Pre-norm residual block."""

    def __init__(self, config: MambaConfig) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(config.d_model, eps=config.norm_eps)
        self.mixer = Mixer(config)

    def forward(self, x: Tensor, conv: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y, conv, h = self.mixer(self.norm(x), conv, h)
        return x + y, conv, h


class Mamba(nn.Module):
    def __init__(self, config: MambaConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm_f = nn.RMSNorm(config.d_model, eps=config.norm_eps)
        self._native: Kept[MambaKernel] = Kept()

    def init_state(self, rows: int) -> MambaState:
        config, weight = self.config, self.norm_f.weight
        return MambaState(
            conv=weight.new_zeros(rows, config.layers, config.d_conv - 1, config.d_inner),
            ssm=weight.new_zeros(
                rows, config.layers, config.d_state, config.d_inner, dtype=torch.promote_types(weight.dtype, torch.float32)
            ),
        )

    def run(self, x: Tensor, state: MambaState) -> tuple[Tensor, MambaState]:
        """(rows, frames, d_model), and where to go on from -> (rows, frames, d_model), and where the next call goes on from."""
        convs, ssms = [], []
        x = x.transpose(0, 1).contiguous()  # frames first through all the blocks
        for block, conv, h in zip(self.layers, state.conv.unbind(1), state.ssm.unbind(1), strict=True):
            x, conv, h = block(x, conv.transpose(0, 1), h)
            convs.append(conv.transpose(0, 1))
            ssms.append(h)
        return self.norm_f(x).transpose(0, 1), MambaState(torch.stack(convs, 1), torch.stack(ssms, 1))

    def forward(self, x: Tensor, state: MambaState | None = None) -> Tensor:
        """(rows, frames, d_model) -> the same shape. A state is gone on from and advanced in place: for inference, without gradients."""
        if state is None:
            return self.run(x, self.init_state(len(x)))[0]
        return self.step(x, state, torch.ones(len(x), dtype=torch.bool, device=x.device))

    def step(self, x: Tensor, state: MambaState, active: Tensor) -> Tensor:
        """The next frames of every row, any number of them; a row whose `active` (rows,) is False keeps its state bit for bit."""
        if x.shape[1] <= FEW and serves(x, (self.config.d_model, self.config.d_inner)):
            rows = active.nonzero()[:, 0]  # the others cost nothing, and get zeros
            return torch.zeros_like(x).index_copy_(0, rows, self.native()(x[rows], rows, state.conv, state.ssm))
        y, new = self.run(x, state)
        write_rows(state.conv, new.conv.detach(), active)
        write_rows(state.ssm, new.ssm.detach(), active)
        return y

    def native(self) -> MambaKernel:
        blocks = [block for block in self.layers if isinstance(block, Block)]
        norm, eps = self.norm_f.weight, self.config.norm_eps
        return self._native.of(self, lambda: MambaKernel([block.mixer.weights(block.norm.weight) for block in blocks], norm, eps))
