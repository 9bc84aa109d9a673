"""LoRA (Hu et al., 2021) through peft: the linear layers of a frozen LLM get a low-rank side path each, which alone trains.

The side paths are put into the model itself, which so stays the Hugging Face model that it was. Names of its tensors:

    plain                             with LoRA
    ...q_proj.weight                  ...q_proj.base_layer.weight
                                      ...q_proj.lora_A.default.weight, ...q_proj.lora_B.default.weight
"""

from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel


@dataclass(frozen=True)
class LoraSize:
    """What is added to a weight is scaled by alpha / rank: 1.0 in the paper (section 4.1). Its dropout is not in the paper."""

    rank: int = 32
    alpha: int = 32
    dropout: float = 0.1


def add_lora(llm: PreTrainedModel, size: LoraSize) -> None:
    """Into every linear layer but the output's, in place; only what was added trains."""
    from peft import LoraConfig, inject_adapter_in_model  # it takes a second to load, and few models need it

    config = LoraConfig(r=size.rank, lora_alpha=size.alpha, lora_dropout=size.dropout, target_modules="all-linear")
    inject_adapter_in_model(config, llm)
    for name, parameter in llm.named_parameters():
        parameter.requires_grad_(is_lora(name))
        parameter.data = parameter.data.float() if is_lora(name) else parameter.data


def merge_lora(llm: PreTrainedModel) -> None:
    """Adds every side path to its weight, in place; what is left is the plain model."""
    from peft.tuners.lora import LoraLayer

    for parent in list(llm.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LoraLayer):
                child.merge()
                base = child.get_base_layer()
                assert isinstance(base, nn.Module)
                parent.add_module(name, base)


def is_lora(name: str) -> bool:
    """Whether a tensor belongs to a side path."""
    return ".lora_" in name


def plain_name(name: str) -> str:
    """Of a tensor of the LLM, as the model without LoRA calls it."""
    return name.replace(".base_layer.", ".")
