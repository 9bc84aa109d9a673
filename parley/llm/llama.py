"""One block of a Llama (Touvron et al., 2023) on a CPU, with the modules of Hugging Face's model.

For the three positions of a block an operator costs more than its numbers, and these are the same numbers in a third of the operators:
masks and turns are made once, and of the last layer only the text slot is computed, as nobody reads the others.
Shapes: rows = sessions, positions (a block's slots), ring = slots that are remembered, head width.
"""

import torch
from torch import Tensor
from transformers import Cache, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaAttention, LlamaDecoderLayer, LlamaRMSNorm

from parley.norm import rms_norm

Turn = tuple[Tensor, Tensor]  # cosines and signed sines, (rows, positions, 1, head width)


def rotate(x: Tensor, turn: Turn) -> Tensor:
    """Rotary positions: (rows, positions, heads, head width) -> (rows, heads, positions, head width)."""
    cos, sin = turn
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin).transpose(1, 2)


def norm(x: Tensor, module: LlamaRMSNorm) -> Tensor:
    return rms_norm(x, module.weight, module.variance_epsilon)


def attend(q: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """q (rows, heads, positions, head width), scaled; keys, values (rows, fewer heads, ring, head width); mask (rows, 1, positions, ring)
    is added -> (rows, positions, width). For so few positions twice as fast as the general attention."""
    rows, heads, positions, width = q.shape
    grouped = (rows, keys.shape[1], -1)
    scores = q.reshape(*grouped, width) @ keys.mT
    weights = scores.view(rows, heads, positions, -1).add_(mask).softmax(-1)
    seen = weights.view(*grouped, weights.shape[-1]) @ values
    return seen.view(rows, heads, positions, width).transpose(1, 2).reshape(rows, positions, -1)


def attention(module: LlamaAttention, x: Tensor, turns: tuple[Turn, Turn], mask: Tensor, cache: Cache, number: int) -> Tensor:
    """`turns`: of the queries, scaled, and of the keys. As many of the last positions are asked for as the queries' turn and mask have."""
    rows, positions, _ = x.shape
    asked = turns[0][0].shape[1]
    q = module.q_proj(x[:, positions - asked :]).view(rows, asked, -1, module.head_dim)
    k, v = (project(x).view(rows, positions, -1, module.head_dim) for project in (module.k_proj, module.v_proj))
    keys, values = cache.update(rotate(k, turns[1]), v.transpose(1, 2), number)
    return module.o_proj(attend(rotate(q, turns[0]), keys, values, mask))


def step(llm: LlamaForCausalLM, x: Tensor, positions: Tensor, visible: Tensor, cache: Cache) -> list[Tensor]:
    """x (rows, positions, width) at `positions` (rows, positions), visible (rows, 1, positions, ring) -> what Hugging Face calls the
    hidden states, but of the last position only, (rows, width) each: the embedding, every layer's, the last one's after its norm."""
    model = llm.model
    mask = torch.where(visible, 0.0, -torch.inf)
    cos, sin = (part[:, :, None] for part in model.rotary_emb(x, position_ids=positions))
    first, second = sin.chunk(2, -1)
    keys_turn = cos, torch.cat([-first, second], -1)
    first_layer = model.layers[0]
    assert isinstance(first_layer, LlamaDecoderLayer)
    scale = first_layer.self_attn.scaling
    queries_turn = cos * scale, keys_turn[1] * scale
    states = [x[:, -1]]
    for number, layer in enumerate(model.layers):
        assert isinstance(layer, LlamaDecoderLayer)
        y = norm(x, layer.input_layernorm)
        if number == len(model.layers) - 1:
            x, mask = x[:, -1:], mask[:, :, -1:]
            queries_turn = queries_turn[0][:, -1:], queries_turn[1][:, -1:]
        x = x + attention(layer.self_attn, y, (queries_turn, keys_turn), mask, cache, number)
        x = x + layer.mlp(norm(x, layer.post_attention_layernorm))
        states.append(x[:, -1])
    return [*states[:-1], norm(states[-1], model.norm)]
