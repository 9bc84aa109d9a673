"""A Llama (Touvron et al., 2023) as Hugging Face has it, by the kernels of parley/native: the same numbers for a block's few positions."""

import torch
from torch import Tensor, nn
from transformers import LlamaForCausalLM, PreTrainedModel
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from parley.native.library import LANES
from parley.native.transformer import LayerWeights, Transformer

LARGEST = 2**28  # weights


def plain(llm: PreTrainedModel) -> bool:
    """A Llama that the kernels know: linear layers without bias or adapters, SiLU, positions that mean the same for everybody, widths that
    fill whole vectors; and so small that a second copy of its weights, and one thread, are worth it."""
    if type(llm) is not LlamaForCausalLM:
        return False
    layers = [layer for layer in llm.model.layers if isinstance(layer, LlamaDecoderLayer)]
    linear = [llm.lm_head]
    for layer in layers:
        attention, mlp = layer.self_attn, layer.mlp
        linear += [attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj, mlp.gate_proj, mlp.up_proj, mlp.down_proj]
    config = llm.config
    widths = config.hidden_size, config.intermediate_size, layers[0].self_attn.head_dim
    known = all(type(part) is nn.Linear and part.bias is None for part in linear) and not any(width % LANES for width in widths)
    small = sum(part.weight.numel() for part in linear) <= LARGEST
    return known and small and config.hidden_act == "silu" and llm.model.rotary_emb.rope_type in ("default", "linear", "llama3")


def weights(llm: LlamaForCausalLM) -> list[LayerWeights]:
    found = []
    for layer in llm.model.layers:
        assert isinstance(layer, LlamaDecoderLayer)
        attention, mlp = layer.self_attn, layer.mlp
        found.append(
            LayerWeights(
                attention_norm=layer.input_layernorm.weight,
                qkv=[attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight],
                out=attention.o_proj.weight,
                mlp_norm=layer.post_attention_layernorm.weight,
                up=[mlp.gate_proj.weight, mlp.up_proj.weight],
                down=mlp.down_proj.weight,
            )
        )
    return found


def packed(llm: LlamaForCausalLM) -> Transformer:
    config, first = llm.config, llm.model.layers[0]
    assert isinstance(first, LlamaDecoderLayer)
    heads = config.num_attention_heads, config.num_key_value_heads or config.num_attention_heads, first.self_attn.head_dim
    return Transformer(weights(llm), llm.model.norm.weight, *heads, config.rms_norm_eps)


def turn(llm: LlamaForCausalLM, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and signed sines (tokens, head width) of positions (tokens,)."""
    cos, sin = (part[0] for part in llm.model.rotary_emb(x, position_ids=positions[None]))
    first, second = sin.chunk(2, -1)
    return cos, torch.cat([-first, second], -1)
