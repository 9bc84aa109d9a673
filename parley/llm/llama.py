"""A Llama (Touvron et al., 2023) as Hugging Face has it, by the kernels of parley/native: the same numbers for a block's few positions."""

import torch
from torch import Tensor, nn
from transformers import LlamaForCausalLM, PreTrainedModel
from transformers.models.llama.modeling_llama import LlamaAttention, LlamaDecoderLayer

from parley.native.library import LANES
from parley.native.transformer import LayerWeights, Transformer


def plain(llm: PreTrainedModel) -> bool:
    """A Llama that the kernels know: no bias, no other activation, no adapters, widths that fill whole vectors."""
    if not isinstance(llm, LlamaForCausalLM):
        return False
    config = llm.config
    attention = [module for module in llm.modules() if isinstance(module, LlamaAttention)]
    linear = all(type(part) is nn.Linear for each in attention for part in (each.q_proj, each.k_proj, each.v_proj, each.o_proj))
    whole = not any(size % LANES for size in (config.hidden_size, config.intermediate_size, attention[0].head_dim))
    return linear and whole and config.hidden_act == "silu" and not config.attention_bias and not config.mlp_bias


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
