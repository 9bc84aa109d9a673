"""The LLM backbone: any Hugging Face causal LM, stepped one block at a time for many rows over a fixed-size ring of keys and values.

Shapes: rows = sessions, blocks, `SLOTS` = 3 positions a block, width = the LLM's hidden size.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, Cache, DynamicCache, LlamaConfig, LlamaForCausalLM, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from parley.llm import llama
from parley.llm.layout import SLOTS
from parley.llm.lora import LoraSize, add_lora, merge_lora
from parley.llm.tokens import Tokens
from parley.native.library import Kept, Packed, serves
from parley.native.transformer import Native, Positions
from parley.streaming import WRITTEN_BEFORE_READ


@dataclass(frozen=True)
class LlamaSize:
    """The shape of a Llama. `num_key_value_heads` 0: as many as heads."""

    vocab_size: int
    hidden_size: int = 256
    intermediate_size: int = 768
    num_hidden_layers: int = 5
    num_attention_heads: int = 4
    rope_theta: float = 10000.0
    num_key_value_heads: int = 0
    tie_word_embeddings: bool = True


@dataclass(frozen=True)
class PretrainedLLM:
    """`source`: a local directory or a hub id; `shape`: what is found there."""

    source: str
    shape: LlamaSize


@dataclass(frozen=True)
class BackboneConfig:
    """`context_blocks`: how far a row remembers; `speech_layer`: whose output drives the synthesizer (0 = embeddings); `lora`: what
    trains of a pretrained LLM, None: all of it; `half`: the LLM, not its side paths, and its keys and values are bfloat16."""

    context_blocks: int = 320
    speech_layer: int = 4
    lora: LoraSize | None = None
    half: bool = False


@dataclass
class BackboneState:
    """Ring of keys and values, `SLOTS` slots a block, and how many blocks each row has read."""

    keys: list[Tensor] = field(metadata=WRITTEN_BEFORE_READ)  # per layer (rows, heads, context_blocks * SLOTS, head_width)
    values: list[Tensor] = field(metadata=WRITTEN_BEFORE_READ)
    blocks: Tensor  # (rows,) int64


class RowCache(Cache):
    """A view of a BackboneState for one step: writes a block at each row's own place in the ring, and only for active rows."""

    def __init__(self, state: BackboneState, active: Tensor):
        super().__init__(layers=[])
        self.state = state
        context = state.keys[0].shape[2] // SLOTS
        first = (state.blocks % context) * SLOTS
        self.slots = first[:, None] + torch.arange(SLOTS, device=first.device)  # (rows, SLOTS)
        self.active = active[:, None, None, None]

    def write(self, ring: Tensor, new: Tensor) -> Tensor:
        index = self.slots[:, None, :, None].expand_as(new)
        return ring.scatter_(2, index, torch.where(self.active, new, ring.gather(2, index)))

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, cache_kwargs: dict | None = None) -> tuple[Tensor, Tensor]:
        """key_states, value_states: (rows, heads, SLOTS, head_width), keys already rotated. Returns the whole ring."""
        keys = self.write(self.state.keys[layer_idx], key_states)
        return keys, self.write(self.state.values[layer_idx], value_states)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0  # positions are given, row by row


UNFIT = {  # what a step here would leave out, or do otherwise than the whole: the name in a configuration -> what it is, what is harmless
    "final_logit_softcapping": ("it caps its logits", (None,)),
    "logit_scale": ("it scales its logits", (None, 1.0)),
    "logits_scaling": ("it scales its logits", (None, 1.0)),
}


def check_fits(llm: PreTrainedModel, config: BackboneConfig) -> None:
    """ValueError for a layer that this LLM has not, and for an LLM that would not stream as it trains."""
    depth, said = llm.config.num_hidden_layers, llm.config.to_dict()
    if not 0 <= config.speech_layer <= depth:
        raise ValueError(f"speech_layer is {config.speech_layer}; this LLM has the layers 0 to {depth}")
    rope = said.get("rope_parameters") or said.get("rope_scaling") or {}
    context, layers = config.context_blocks * SLOTS, said.get("layer_types") or ["sliding_attention"]
    slides = said.get("use_sliding_window", True) and "sliding_attention" in layers
    window = said.get("sliding_window") or context
    wrong = [why for name, (why, harmless) in UNFIT.items() if said.get(name) not in harmless]
    if slides and window < context:
        wrong.append(f"it looks back over {window} positions only, less than {config.context_blocks} blocks of {SLOTS}")
    if rope.get("rope_type") in ("dynamic", "longrope"):
        wrong.append("its rotary embeddings change with the length")
    if wrong:
        raise ValueError(f"{said['model_type']} cannot be the backbone: {'; '.join(wrong)}; take another LLM, or fewer context_blocks")


class Backbone(nn.Module):
    """`llm`: the Hugging Face model. Embeds word pieces, reads interleaved embeddings, predicts one token a block.

    With LoRA the model is frozen, and `new_tokens`, which it never saw, have rows of their own that train: of the embedding, and of the
    output layer where that is another one.
    """

    def __init__(self, llm: PreTrainedModel, config: BackboneConfig, new_tokens: tuple[int, ...] = ()):
        super().__init__()
        check_fits(llm, config)
        self.llm = llm
        self.config = config
        self.new_tokens = new_tokens if config.lora else ()
        self.new_rows = nn.ParameterList()
        self._native: Kept[tuple[Native | None]] = Kept()
        if config.half:
            turn_weights(llm, torch.bfloat16)
        if config.lora:
            add_lora(llm, config.lora)
            self.new_rows.extend(nn.Parameter(weight[list(new_tokens)].detach().float().clone()) for weight in self.tables())

    def tables(self) -> list[Tensor]:
        """The weights with one row a token: of the embedding, and of the output layer where that is another one."""
        weights = [cast(nn.Embedding, self.llm.get_input_embeddings()).weight, cast(nn.Linear, self.llm.get_output_embeddings()).weight]
        return weights[:1] if weights[0] is weights[1] else weights

    @torch.no_grad()
    def merge(self) -> None:
        """What LoRA learned becomes part of the LLM, in place; from now on the backbone is a plain one."""
        dtype = self.tables()[0].dtype
        turn_weights(self.llm, torch.float32)
        merge_lora(self.llm)
        self._native = Kept()
        for table, rows in zip(self.tables(), self.new_rows):
            table[list(self.new_tokens)] = rows
        turn_weights(self.llm, dtype)
        self.new_tokens, self.new_rows = (), nn.ParameterList()
        self.config = replace(self.config, lora=None)

    @property
    def width(self) -> int:
        return self.llm.config.hidden_size

    def embed(self, tokens: Tensor) -> Tensor:
        """(rows, n) token ids -> (rows, n, width)."""
        embedded = self.llm.get_input_embeddings()(tokens).float()
        for place, token in enumerate(self.new_tokens):
            embedded = torch.where((tokens == token)[..., None], self.new_rows[0][place], embedded)
        return embedded

    def read(self, embeddings: Tensor, positions: Tensor, mask: Tensor | None, cache: RowCache | None) -> tuple[Tensor, Tensor]:
        """Hidden states of the text slots: (rows, blocks, width) of the last layer after its norm, and of `speech_layer`."""
        output = self.llm.base_model(
            inputs_embeds=embeddings.to(self.tables()[0].dtype),
            position_ids=positions,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=cache is not None,
            output_hidden_states=True,
        )
        text = slice(SLOTS - 1, None, SLOTS)
        return output.last_hidden_state[:, text].float(), output.hidden_states[self.config.speech_layer][:, text].float()

    def logits(self, hidden: Tensor) -> Tensor:
        head = cast(nn.Linear, self.llm.get_output_embeddings())
        logits = head(hidden.to(head.weight.dtype)).float()
        if self.new_tokens:
            columns = torch.tensor(self.new_tokens, device=logits.device)
            logits = logits.index_copy(-1, columns, hidden @ self.new_rows[-1].T)
        return logits

    def forward(self, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Offline: embeddings (rows, blocks * SLOTS, width) -> logits (rows, blocks, vocabulary), speech hidden (rows, blocks, width)."""
        length = embeddings.shape[1]
        positions = torch.arange(length, device=embeddings.device)
        mask = None
        if length > self.config.context_blocks * SLOTS:  # blocks beyond the ring are forgotten, as in `step`
            block = positions // SLOTS
            mask = (positions[:, None] >= positions) & (block[:, None] - block < self.config.context_blocks)
            mask = mask[None, None]
        hidden, speech = self.read(embeddings, positions[None], mask, None)
        return self.logits(hidden), speech

    def init_state(self, rows: int) -> BackboneState:
        """The rings are as wide as what each layer keeps of one position: configurations do not all tell, nor under one name."""
        weight, one = cast(nn.Embedding, self.llm.get_input_embeddings()).weight, DynamicCache()
        with torch.no_grad():
            self.llm.base_model(inputs_embeds=weight.new_zeros(1, 1, self.width), past_key_values=one, use_cache=True)

        def ring(kept: Tensor | None) -> Tensor:
            assert kept is not None
            return weight.new_zeros(rows, kept.shape[1], self.config.context_blocks * SLOTS, kept.shape[3])

        layers = cast(list[DynamicLayer], one.layers)
        blocks = torch.zeros(rows, dtype=torch.long, device=weight.device)
        return BackboneState([ring(layer.keys) for layer in layers], [ring(layer.values) for layer in layers], blocks)

    def step(self, embeddings: Tensor, state: BackboneState, active: Tensor) -> tuple[Tensor, Tensor]:
        """One block: embeddings (rows, SLOTS, width) -> logits (rows, vocabulary), speech hidden (rows, width)."""
        if serves(embeddings, ()) and (native := self.native()):
            return self.step_natively(native, embeddings, state, active)
        context, device = self.config.context_blocks, embeddings.device
        inside = torch.arange(SLOTS, device=device)
        place = torch.arange(context * SLOTS, device=device)
        here = (state.blocks % context)[:, None]  # the ring's block that is written now
        written = (place // SLOTS <= state.blocks[:, None]) & (place // SLOTS != here)  # (rows, ring)
        now = (place // SLOTS == here)[:, None] & (place % SLOTS <= inside[:, None])  # (rows, SLOTS, ring)
        mask = (written[:, None] | now)[:, None]  # (rows, 1, SLOTS, ring)
        positions = state.blocks[:, None] * SLOTS + inside
        hidden, speech = (found[:, 0] for found in self.read(embeddings, positions, mask, RowCache(state, active)))
        state.blocks += active
        return self.logits(hidden), speech

    def step_natively(self, native: Native, embeddings: Tensor, state: BackboneState, active: Tensor) -> tuple[Tensor, Tensor]:
        """`step` on a CPU, where a row that is not active costs nothing; it gets zeros."""
        rows, context = active.nonzero()[:, 0], self.config.context_blocks
        numbers, inside, n_slots = rows.tolist(), torch.arange(SLOTS), context * SLOTS
        blocks = state.blocks[rows]
        place = (blocks % context)[:, None] * SLOTS + inside
        after = torch.where(blocks < context, n_slots, (blocks % context + 1) * SLOTS)[:, None].expand(-1, SLOTS)
        last = range(SLOTS - 1, len(numbers) * SLOTS, SLOTS)
        at = Positions([row for row in numbers for _ in inside], place.flatten().tolist(), after.flatten().tolist(), [*last])
        turn = llama.turn(cast(LlamaForCausalLM, self.llm), embeddings, (blocks[:, None] * SLOTS + inside).flatten())
        hidden, speech = native.layers(embeddings[rows].flatten(0, 1), turn, at, state.keys, state.values, self.config.speech_layer)
        state.blocks += active
        if self.config.speech_layer == len(state.keys):
            speech = hidden
        logits = embeddings.new_zeros(len(active), native.head.out).index_copy_(0, rows, native.head(hidden))
        return logits, embeddings.new_zeros(len(active), self.width).index_copy_(0, rows, speech)

    def native(self) -> Native | None:
        """The kernels' copies of the weights; None: no LLM that they know."""
        llm, head = self.llm, cast(nn.Linear, self.llm.get_output_embeddings())

        def make() -> tuple[Native | None]:
            known = llama.plain(llm) and not self.new_tokens and head.weight.dtype == torch.float32
            return (Native(llama.packed(cast(LlamaForCausalLM, llm)), Packed([head.weight])) if known else None,)

        return self._native.of(self, make)[0]


def turn_weights(llm: PreTrainedModel, dtype: torch.dtype) -> None:
    """Into `dtype`, in place; not the frequencies of its rotary embeddings, of which bfloat16 would leave two digits."""
    for parameter in llm.parameters():
        parameter.data = parameter.data.to(dtype)


def small_llama(size: LlamaSize, tokens: Tokens) -> LlamaForCausalLM:
    """A fresh, randomly initialised Llama whose vocabulary is the tokenizer's."""
    config = LlamaConfig(
        vocab_size=size.vocab_size,
        hidden_size=size.hidden_size,
        intermediate_size=size.intermediate_size,
        num_hidden_layers=size.num_hidden_layers,
        num_attention_heads=size.num_attention_heads,
        num_key_value_heads=size.num_key_value_heads or size.num_attention_heads,
        rope_parameters={"rope_type": "default", "rope_theta": size.rope_theta},
        bos_token_id=tokens.bos,
        eos_token_id=None,
        tie_word_embeddings=size.tie_word_embeddings,
    )
    return LlamaForCausalLM(config)


def load_llm(source: str | Path, tokens: Tokens) -> PreTrainedModel:
    """A causal LM from a local directory or hub id, its embedding grown to the tokenizer's size when special tokens were added."""
    llm = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    if cast(nn.Embedding, llm.get_input_embeddings()).num_embeddings < len(tokens.tokenizer):
        llm.resize_token_embeddings(len(tokens.tokenizer), mean_resizing=False)
    return llm
